//! Which tighter declared ranges would make a computation shorter, or certain: found by lowering it again.

use std::collections::HashMap;

use super::inputs_of;
use crate::ir::{NodeId, Reason};
use crate::lower::{Group, States, Survey, survey};
use crate::num::{Ratio, power_of_ten};
use crate::typed::{InputId, Program, QuantityId};

/// Inputs tried, those with the widest ranges first.
const TRIED: usize = 8;

/// What there is to get rid of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burden {
    /// Operations on integers of 128 bits.
    Wide,
    /// Doubts of that reason, which wide ranges raise.
    Doubts(Reason),
}

#[derive(Clone, Debug)]
pub struct Relief {
    pub burden: Burden,
    /// How much of it there is.
    pub count: usize,
    /// The inputs that lead to it, the widest first.
    pub inputs: Vec<InputId>,
    /// Those of which a tighter range would lift some of it.
    pub leads: Vec<Lead>,
    /// A bound of all of them that would lift it all, where none is enough alone.
    pub together: Option<Ratio>,
}

/// A bound of one input that would lift some.
#[derive(Clone, Debug)]
pub struct Lead {
    pub input: InputId,
    /// The greatest power of ten that will do, as a magnitude, in the unit of the input; for divisors, the least value to
    /// declare.
    pub bound: Ratio,
    /// What would be left.
    pub left: usize,
}

impl Burden {
    /// Where it weighs.
    fn places(self, survey: &Survey) -> Vec<NodeId> {
        match self {
            Self::Wide => {
                let live = survey.kernel.live();
                live.into_iter().filter(|id| survey.kernel.node(*id).is_wide()).collect()
            }
            Self::Doubts(reason) => {
                survey.sites.iter().filter(|site| site.reason == reason).map(|site| site.cause).collect()
            }
        }
    }
}

pub(super) fn reliefs(
    program: &Program,
    group: &Group,
    id: QuantityId,
    states: &States,
    survey: &Survey,
) -> Vec<Relief> {
    let lifted = [Reason::Bound, Reason::Unproved, Reason::Approximation, Reason::ZeroDivisor].into_iter();
    let all = std::iter::once(Burden::Wide).chain(lifted.map(Burden::Doubts));
    let burdens: Vec<(Burden, Vec<NodeId>)> =
        all.map(|burden| (burden, burden.places(survey))).filter(|(_, places)| !places.is_empty()).collect();
    if burdens.is_empty() {
        return Vec::new();
    }
    let mut trials = Trials {
        declared: program,
        program: program.clone(),
        group,
        id,
        states,
        burdens: burdens.iter().map(|(burden, _)| *burden).collect(),
        done: HashMap::new(),
    };
    let relief = |(rank, (burden, places)): (usize, (Burden, Vec<NodeId>))| {
        let inputs = inputs_of(program, &survey.kernel, &places);
        trials.relief(rank, burden, places.len(), inputs)
    };
    burdens.into_iter().enumerate().map(relief).collect()
}

/// What the ranges of some inputs are cut to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Cut {
    /// At most that in magnitude.
    Within(Ratio),
    /// From the least positive value on.
    AboveZero,
}

/// The program lowered with other ranges.
struct Trials<'a> {
    declared: &'a Program,
    program: Program,
    group: &'a Group,
    id: QuantityId,
    states: &'a States,
    burdens: Vec<Burden>,
    /// What was left of each burden.
    done: HashMap<(Vec<InputId>, Cut), Vec<usize>>,
}

impl Trials<'_> {
    fn relief(&mut self, rank: usize, burden: Burden, count: usize, inputs: Vec<InputId>) -> Relief {
        let divisor = burden == Burden::Doubts(Reason::ZeroDivisor);
        let tried = &inputs[..inputs.len().min(TRIED)];
        let lead = |input: &InputId| {
            let found = if divisor { self.above_zero(rank, *input) } else { self.greatest(rank, &[*input], count) };
            let (bound, left) = found.filter(|(_, left)| *left < count)?;
            Some(Lead { input: *input, bound, left })
        };
        let mut leads: Vec<Lead> = tried.iter().filter_map(lead).collect();
        leads.sort_by_key(|lead| lead.left);
        let enough = divisor || inputs.len() < 2 || leads.iter().any(|lead| lead.left == 0);
        let all = if enough { None } else { self.greatest(rank, &inputs, count) };
        let together = all.filter(|(_, left)| *left == 0).map(|(bound, _)| bound);
        Relief { burden, count, inputs, leads, together }
    }

    /// How much is left of a burden once inputs are cut.
    fn left(&mut self, rank: usize, inputs: &[InputId], cut: &Cut) -> usize {
        let key = (inputs.to_vec(), cut.clone());
        if let Some(left) = self.done.get(&key) {
            return left[rank];
        }
        for input in inputs {
            let input = &mut self.program.inputs[input.index()];
            let step = step(input.decimals);
            input.range = input.range.take().map(|(low, high)| match cut {
                Cut::Within(bound) => (low.max(-bound), high.min(bound.clone())),
                Cut::AboveZero => (low.max(step), high),
            });
        }
        let survey = survey(&self.program, self.group, self.id, self.states);
        let left: Vec<usize> = self.burdens.iter().map(|burden| burden.places(&survey).len()).collect();
        for input in inputs {
            self.program.inputs[input.index()].range.clone_from(&self.declared.input(*input).range);
        }
        self.done.entry(key).or_insert(left)[rank]
    }

    /// The greatest power of ten that lifts as much as the least one does, and what that leaves.
    fn greatest(&mut self, rank: usize, inputs: &[InputId], count: usize) -> Option<(Ratio, usize)> {
        let mut bounds = powers(self.declared, inputs);
        let best = self.left(rank, inputs, &Cut::Within(bounds.first()?.clone()));
        if best >= count {
            return None;
        }
        // Tighter ranges make shorter integers: the powers that will do are taken to come first. What is answered was tried.
        let (mut will, mut too_far) = (0, bounds.len());
        while too_far - will > 1 {
            let middle = will.midpoint(too_far);
            if self.left(rank, inputs, &Cut::Within(bounds[middle].clone())) <= best {
                will = middle;
            } else {
                too_far = middle;
            }
        }
        let left = self.left(rank, inputs, &Cut::Within(bounds[will].clone()));
        Some((bounds.swap_remove(will), left))
    }

    /// The least positive value of an input that may be zero, and what declaring it the least leaves.
    fn above_zero(&mut self, rank: usize, input: InputId) -> Option<(Ratio, usize)> {
        let declared = self.declared.input(input);
        let step = step(declared.decimals);
        let (low, high) = declared.range.as_ref()?;
        if low >= &step || &step > high {
            return None;
        }
        let left = self.left(rank, &[input], &Cut::AboveZero);
        Some((step, left))
    }
}

fn step(decimals: u32) -> Ratio {
    Ratio::new(1.into(), power_of_ten(decimals))
}

/// The powers of ten, from ten up, within the ranges of inputs and tighter than one of them.
fn powers(program: &Program, inputs: &[InputId]) -> Vec<Ratio> {
    let ranges = || inputs.iter().filter_map(|input| program.input(*input).range.as_ref());
    let most = ranges().map(|(low, high)| high.clone().max(-low)).max();
    let powers = (1..40).map(|exponent| Ratio::from_integer(power_of_ten(exponent)));
    let holds = |power: &Ratio| ranges().all(|(low, high)| low <= power && high >= &-power);
    powers.take_while(|power| most.as_ref().is_some_and(|most| power < most)).filter(holds).collect()
}
