//! Formulas and values in the words of the policy, for reports other than statements.

use std::collections::BTreeSet;

use polc_compiler::typed::{Expr, Parameter, Value};
use polc_dsl::Span;

use super::formula::{Writer, heads};
use super::lexicon::{Lexicon, Numeral};
use crate::policy::Policy;

/// What it takes to write the formulas of a policy.
#[derive(Debug)]
pub(crate) struct Phrases<'p> {
    policy: &'p Policy,
    lexicon: Lexicon,
    heads: BTreeSet<Span>,
}

impl<'p> Phrases<'p> {
    pub fn of(policy: &'p Policy) -> Self {
        Self { policy, lexicon: Lexicon::of(&policy.sources), heads: heads(&policy.program) }
    }

    fn writer(&self) -> Writer<'_> {
        Writer {
            sources: &self.policy.sources,
            program: &self.policy.program,
            lexicon: &self.lexicon,
            heads: &self.heads,
        }
    }

    /// A formula, on one line.
    pub fn formula(&self, expr: &Expr) -> String {
        self.writer().formula(expr)
    }

    /// Where a rule applies, as the clauses `pour` say it.
    pub fn cases(&self, guard: &Expr) -> String {
        self.writer().cases(guard)
    }

    /// A value of a parameter, in its unit.
    pub fn value(&self, parameter: &Parameter, value: &Value) -> String {
        let style = if self.lexicon.is_percentage(&parameter.name) { Numeral::Percentage } else { Numeral::Plain };
        self.lexicon.value(&self.policy.program, &parameter.ty, value, style).text
    }

    /// A constant of a formula.
    pub fn constant(&self, expr: &Expr, value: &Value) -> String {
        self.lexicon.brief(&self.policy.program, &expr.ty, value, Numeral::Plain)
    }
}
