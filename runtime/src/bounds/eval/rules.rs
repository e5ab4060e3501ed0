//! Rules over sets: which may apply, and what their parts may give.

use polc_compiler::num::Ratio;
use polc_compiler::typed::{Adjustment, AdjustmentKind, Factor, QuantityId, Rule, Type};
use polc_dsl::ast::{BoundKind, Reach};

use super::super::set::{Numbers, Set, Truth};
use super::{Evaluation, either, together};
use crate::table::RowErrorKind;

impl<'a> Evaluation<'a> {
    /// The rules that may apply, and whether none may.
    pub(super) fn applicable(&mut self, id: QuantityId) -> (Vec<usize>, bool) {
        let (year, program) = (self.year(), self.rows.program);
        let quantity = program.quantity(id);
        let before = self.facts.len();
        let mut found: Vec<(usize, bool)> = Vec::new();
        let mut none = true;
        for (rank, rule) in quantity.rules.iter().enumerate().filter(|(_, rule)| rule.years.contains(year)) {
            let scope = self.in_scope(rule.scope);
            let guard = match &rule.guard {
                Some(guard) if scope.yes => {
                    let own = self.facts.split_off(before);
                    let guard = self.truth(guard);
                    self.facts.extend(own);
                    guard
                }
                _ => Truth::YES,
            };
            let applies = Truth { no: scope.no || (scope.yes && guard.no), yes: scope.yes && guard.yes };
            if applies == Truth::NEVER {
                // An error, whatever the cells.
                self.facts.truncate(before);
                return (Vec::new(), false);
            }
            if !applies.yes {
                continue;
            }
            for (other, certain) in found.clone() {
                let first = &quantity.rules[other];
                let both = match (&first.guard, &rule.guard) {
                    (Some(a), Some(b)) => self.quietly(|this| {
                        let own = this.facts.split_off(before);
                        let known = this.assume(a, true);
                        let both = this.knowing(known, |this| this.truth(b)).yes;
                        this.facts.extend(own);
                        both
                    }),
                    _ => true,
                };
                if both {
                    let titles = (first.title.clone(), rule.title.clone());
                    self.fault(RowErrorKind::Rules {
                        quantity: quantity.name.clone(),
                        first: titles.0,
                        second: titles.1,
                    });
                    if certain && !applies.no {
                        self.facts.truncate(before);
                        return (Vec::new(), false);
                    }
                }
            }
            found.push((rank, !applies.no));
            if !applies.no {
                none = false;
            } else if !scope.no
                && let Some(guard) = &rule.guard
            {
                // Where none of those before applies, it may have to.
                none &= self.quietly(|this| this.truth(guard)).no;
                let known = self.assume(guard, false);
                self.facts.extend(known);
            }
        }
        self.facts.truncate(before);
        (found.into_iter().map(|(rank, _)| rank).collect(), none)
    }

    /// A derogation in force, last year's value, what a reading puts there, or the rule's own value.
    pub(super) fn rule(&mut self, id: QuantityId, rule: &'a Rule) -> Option<Set> {
        let (mut sets, mut others) = self.derogation(id);
        if others {
            let (kept, without) = self.kept(id, rule);
            sets.extend(kept);
            others = without;
        }
        if others {
            sets.extend(self.replaced_or_own(id, rule));
        }
        together(sets)
    }

    /// The values of derogations that may be in force, and whether none may be.
    fn derogation(&mut self, id: QuantityId) -> (Vec<Set>, bool) {
        let quantity = self.rows.program.quantity(id);
        let mut active: Vec<(usize, bool)> = Vec::new();
        for (rank, derogation) in quantity.derogations.iter().enumerate() {
            let truth = derogation.condition.as_ref().map_or(Truth::YES, |condition| self.truth(condition));
            if truth == Truth::NEVER {
                return (Vec::new(), false);
            }
            if truth.yes {
                active.push((rank, !truth.no));
            }
        }
        let overrides = |a: usize, b: usize| quantity.derogations[a].overrides.contains(&b);
        for (index, (a, _)) in active.iter().enumerate() {
            for (b, _) in &active[index + 1..] {
                let (first, second) = (&quantity.derogations[*a], &quantity.derogations[*b]);
                if first.name == second.name || overrides(*a, *b) || overrides(*b, *a) {
                    continue;
                }
                let both = match (&first.condition, &second.condition) {
                    (Some(x), Some(y)) => self.quietly(|this| {
                        let known = this.assume(x, true);
                        this.knowing(known, |this| this.truth(y)).yes
                    }),
                    _ => true,
                };
                if both {
                    self.fault(RowErrorKind::Derogations {
                        quantity: quantity.name.clone(),
                        first: first.title.clone(),
                        second: second.title.clone(),
                    });
                }
            }
        }
        let certain = |(_, certain): &(usize, bool)| *certain;
        let mut sets = Vec::new();
        for (rank, _) in &active {
            if active.iter().filter(|other| certain(other)).any(|(other, _)| overrides(*other, *rank)) {
                continue;
            }
            let derogation = &quantity.derogations[*rank];
            let known = derogation.condition.iter().flat_map(|condition| self.assume(condition, true)).collect();
            sets.extend(self.knowing(known, |this| this.expr(&derogation.value)));
        }
        (sets, !active.iter().any(certain))
    }

    /// Last year's value, where it may be kept, and whether it may not be.
    fn kept(&mut self, id: QuantityId, rule: &'a Rule) -> (Option<Set>, bool) {
        let Some(keeps) = &rule.keeps else { return (None, true) };
        let truth = self.truth(keeps);
        if !truth.yes {
            return (None, truth.no);
        }
        let last = self.past_quantity(Reach::LastYear, id);
        (last.set(), truth.no || last.absent)
    }

    fn replaced_or_own(&mut self, id: QuantityId, rule: &'a Rule) -> Option<Set> {
        let mut sets = Vec::new();
        for replacement in &rule.replacements {
            let truth = replacement.guard.as_ref().map_or(Truth::YES, |guard| self.truth(guard));
            if truth.yes {
                let known = replacement.guard.iter().flat_map(|guard| self.assume(guard, true)).collect();
                self.retained.push((id, rule));
                sets.extend(self.knowing(known, |this| this.expr(&replacement.value)));
                self.retained.pop();
            }
            if !truth.no {
                return together(sets);
            }
        }
        sets.extend(self.own(id, rule));
        together(sets)
    }

    /// Condition, base, adjustments, bounds, pro rata.
    pub(super) fn own(&mut self, id: QuantityId, rule: &'a Rule) -> Option<Set> {
        let numeric = matches!(self.rows.program.quantity(id).ty, Type::Number(_));
        let mut sets = Vec::new();
        let mut known = Vec::new();
        if let Some(condition) = &rule.condition {
            let truth = self.truth(condition);
            if truth.no {
                sets.push(if numeric { Set::zero() } else { Set::Booleans(Truth::NO) });
            }
            if !truth.yes {
                return together(sets);
            }
            known = self.assume(condition, true);
        }
        sets.extend(self.knowing(known, |this| match rule.base.first() {
            _ if numeric => this.amount(rule).map(Set::Numbers),
            Some(line) => this.expr(&line.value),
            None => Some(Set::Booleans(Truth::NO)),
        }));
        together(sets)
    }

    fn amount(&mut self, rule: &'a Rule) -> Option<Numbers> {
        let zero = Numbers::point(&Ratio::from_integer(0.into()));
        let mut total = zero.clone();
        for line in &rule.base {
            let counts = line.when.as_ref().map_or(Truth::YES, |when| self.truth(when));
            let mut value = counts.no.then(|| zero.clone());
            if counts.yes {
                let known = line.when.iter().flat_map(|when| self.assume(when, true)).collect();
                let counted = self.knowing(known, |this| this.number(&line.value));
                value = either(value, counted);
            }
            total = total.add(&value?);
        }
        for adjustment in &rule.adjustments {
            total = self.adjusted(&total, adjustment)?;
        }
        for bound in &rule.bounds {
            let applies = bound.when.as_ref().map_or(Truth::YES, |when| self.truth(when));
            let mut result = applies.no.then(|| total.clone());
            if applies.yes {
                let known = bound.when.iter().flat_map(|when| self.assume(when, true)).collect();
                let bounded = self.knowing(known, |this| this.number(&bound.value)).map(|limit| match bound.kind {
                    BoundKind::Cap => total.min(&limit),
                    BoundKind::Floor => total.max(&limit),
                });
                result = either(result, bounded);
            }
            total = result?;
        }
        for Factor { value, .. } in &rule.proratas {
            total = total.multiply(&self.number(value)?);
        }
        Some(total)
    }

    fn adjusted(&mut self, total: &Numbers, adjustment: &Adjustment) -> Option<Numbers> {
        let one = Numbers::point(&Ratio::from_integer(1.into()));
        let outcome = self.quantity(adjustment.quantity);
        let adjusted = outcome.set().map(Set::numbers).map(|value| match adjustment.kind {
            AdjustmentKind::AddAmount => total.add(&value),
            AdjustmentKind::SubtractAmount => total.add(&value.negate()),
            AdjustmentKind::AddRate => total.multiply(&one.add(&value)),
            AdjustmentKind::SubtractRate => total.multiply(&one.add(&value.negate())),
        });
        either(outcome.absent.then(|| total.clone()), adjusted)
    }
}
