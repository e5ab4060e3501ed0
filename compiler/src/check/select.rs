//! Another reading of a program already checked.

use super::decimals;
use crate::typed::{Program, Replacement};

/// The program under the variants named, by reading; the other readings keep the one retained. `None` where a name is not
/// known or a variant is a note.
///
/// Much quicker than an analysis, and the same program; but for one proof: that a quantity applies where it is read may rest on
/// a condition that a variant replaces. A whole analysis says so; here the row is in error.
#[must_use]
pub fn select<'n>(program: &Program, readings: impl IntoIterator<Item = (&'n str, &'n str)>) -> Option<Program> {
    let mut chosen: Vec<Option<usize>> = vec![None; program.readings.len()];
    for (name, variant) in readings {
        let rank = program.readings.iter().position(|reading| *reading.name == *name)?;
        let reading = &program.readings[rank];
        if *reading.retained.name == *variant {
            chosen[rank] = None;
            continue;
        }
        let found = reading.alternatives.iter().position(|alternative| *alternative.name == *variant)?;
        if !reading.alternatives[found].computable {
            return None;
        }
        chosen[rank] = Some(found);
    }
    let mut program = program.clone();
    for (reading, selected) in program.readings.iter_mut().zip(&chosen) {
        reading.selected = *selected;
    }
    let is_chosen = |replacement: &Replacement| chosen[replacement.reading.0 as usize] == Some(replacement.variant);
    for rule in program.quantities.iter_mut().flat_map(|quantity| &mut quantity.rules) {
        rule.replacements = rule.alternatives.iter().filter(|replacement| is_chosen(replacement)).cloned().collect();
    }
    decimals::mark(&mut program);
    Some(program)
}
