//! Which tighter declared ranges would make a computation shorter, or certain: found by lowering it again.

use std::collections::BTreeSet;

use super::inputs_of;
use crate::ir::{NodeId, Reason};
use crate::lower::{States, Survey, survey};
use crate::num::{Ratio, power_of_ten};
use crate::typed::{InputId, Program, QuantityId};

/// Inputs tried, those with the widest ranges first.
const TRIED: usize = 12;

/// What there is to get rid of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burden {
    /// Operations on integers of 128 bits.
    Wide,
    /// Doubts of that reason, which integers too long or divisors that may be zero raise.
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
    /// The greatest power of ten that will do, in the unit of the input; for divisors, the least value to declare.
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
    year: i64,
    id: QuantityId,
    known: (&[InputId], &States),
    survey: &Survey,
) -> Vec<Relief> {
    let reasons: BTreeSet<Reason> = survey.sites.iter().map(|site| site.reason).collect();
    let lifted = [Reason::Bound, Reason::Unproved, Reason::Approximation, Reason::ZeroDivisor];
    let doubts = lifted.into_iter().filter(|reason| reasons.contains(reason)).map(Burden::Doubts);
    let burdens: Vec<Burden> = std::iter::once(Burden::Wide).chain(doubts).collect();
    let mut trial = Trial { program: program.clone(), year, id, known };
    burdens.into_iter().filter_map(|burden| trial.relief(program, burden, survey)).collect()
}

/// The program with other ranges.
struct Trial<'a> {
    program: Program,
    year: i64,
    id: QuantityId,
    known: (&'a [InputId], &'a States),
}

impl Trial<'_> {
    fn relief(&mut self, program: &Program, burden: Burden, survey: &Survey) -> Option<Relief> {
        let places = burden.places(survey);
        if places.is_empty() {
            return None;
        }
        let inputs = inputs_of(program, &survey.kernel, &places);
        let tried = &inputs[..inputs.len().min(TRIED)];
        let count = places.len();
        let mut leads: Vec<Lead> = match burden {
            Burden::Doubts(Reason::ZeroDivisor) => {
                tried.iter().filter_map(|input| self.above_zero(program, *input, count)).collect()
            }
            _ => tried.iter().filter_map(|input| self.lead(program, burden, *input, count)).collect(),
        };
        leads.sort_by_key(|lead| lead.left);
        let enough = leads.iter().any(|lead| lead.left == 0) || burden == Burden::Doubts(Reason::ZeroDivisor);
        let together = if enough { None } else { self.together(program, burden, &inputs, count) };
        Some(Relief { burden, count, inputs, leads, together })
    }

    /// How much is left of a burden once these inputs are within a bound.
    fn left(&mut self, program: &Program, burden: Burden, inputs: &[InputId], bound: &Ratio) -> usize {
        for input in inputs {
            let range = program.input(*input).range.clone();
            self.program.inputs[input.index()].range =
                range.map(|(low, high)| (low.max(-bound.clone()), high.min(bound.clone())));
        }
        let left = self.count(burden);
        self.restore(program, inputs);
        left
    }

    fn count(&self, burden: Burden) -> usize {
        let (complete, states) = self.known;
        burden.places(&survey(&self.program, self.year, self.id, complete, states)).len()
    }

    fn restore(&mut self, program: &Program, inputs: &[InputId]) {
        for input in inputs {
            self.program.inputs[input.index()].range.clone_from(&program.input(*input).range);
        }
    }

    /// The greatest power of ten that lifts as much as the least one does; `None` where that lifts nothing.
    fn greatest(
        &mut self,
        program: &Program,
        burden: Burden,
        inputs: &[InputId],
        count: usize,
    ) -> Option<(Ratio, usize)> {
        let mut bounds = powers(program, inputs);
        let best = self.left(program, burden, inputs, bounds.first()?);
        if best >= count {
            return None;
        }
        // Tighter ranges make shorter integers: the powers that will do are taken to come first. What is answered was tried.
        let (mut will, mut too_far) = (0, bounds.len());
        while too_far - will > 1 {
            let middle = will.midpoint(too_far);
            let left = self.left(program, burden, inputs, &bounds[middle]);
            if left <= best {
                will = middle;
            } else {
                too_far = middle;
            }
        }
        Some((bounds.swap_remove(will), best))
    }

    fn lead(&mut self, program: &Program, burden: Burden, input: InputId, count: usize) -> Option<Lead> {
        let (bound, left) = self.greatest(program, burden, &[input], count)?;
        Some(Lead { input, bound, left })
    }

    fn together(&mut self, program: &Program, burden: Burden, inputs: &[InputId], count: usize) -> Option<Ratio> {
        let (bound, left) = self.greatest(program, burden, inputs, count)?;
        (left == 0).then_some(bound)
    }

    /// Zero out of the range of what may be zero.
    fn above_zero(&mut self, program: &Program, input: InputId, count: usize) -> Option<Lead> {
        let declared = program.input(input);
        let step = Ratio::new(1.into(), power_of_ten(declared.decimals));
        let (low, high) = declared.range.clone()?;
        if low >= step || step > high {
            return None;
        }
        self.program.inputs[input.index()].range = Some((step.clone(), high));
        let left = self.count(Burden::Doubts(Reason::ZeroDivisor));
        self.restore(program, &[input]);
        (left < count).then_some(Lead { input, bound: step, left })
    }
}

/// The powers of ten, from one up, within the ranges of inputs and tighter than one of them.
fn powers(program: &Program, inputs: &[InputId]) -> Vec<Ratio> {
    let ranges = || inputs.iter().filter_map(|input| program.input(*input).range.as_ref());
    let most = ranges().map(|(low, high)| high.clone().max(-low)).max();
    let powers = (0..40).map(|exponent| Ratio::from_integer(power_of_ten(exponent)));
    let holds = |power: &Ratio| ranges().all(|(low, high)| low <= power && high >= &-power);
    powers.take_while(|power| most.as_ref().is_some_and(|most| power < most)).filter(holds).collect()
}
