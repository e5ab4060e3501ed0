//! What makes a statement a full account of a decision: the sums by chapter, the readings applied with what the others would
//! have given, and where the data stand in their file.

use polc_compiler::num::{Ratio, integer};
use polc_compiler::typed::{
    BinaryOp, Expr, ExprKind, Program, QuantityId, QuantityKind, Reading, ReadingId, Type, Value,
};
use polc_compiler::units::Unit;
use polc_dsl::Span;
use polc_dsl::diagnostic::list;
use rayon::prelude::*;

use super::formula::Writer;
use super::lexicon::Numeral;
use super::statement::*;
use super::{Explainer, part_of, references, words};
use crate::io::csv::Table;
use crate::suppose::{Supposable, Supposition};
use crate::table::RowErrorKind;

/// The payments that a statement adds up, as they are.
pub(crate) struct Ledger {
    /// In the order of the outputs.
    pub payments: Vec<QuantityId>,
    pub before: Vec<Option<Value>>,
    /// Whether each counts in the total: not what another of them adds as it is, which would count twice.
    counted: Vec<bool>,
    pub total: Ratio,
}

impl Ledger {
    pub fn of(row: &Supposable<'_>, outputs: &[QuantityId]) -> Self {
        let program = row.program;
        let payments: Vec<QuantityId> = outputs.iter().copied().filter(|id| is_paid(program, *id)).collect();
        let mut parts = Vec::new();
        for id in &payments {
            let quantity = program.quantity(*id);
            for rule in quantity.rules.iter().filter(|_| quantity.derogations.is_empty()) {
                let plain = rule.bounds.is_empty() && rule.proratas.is_empty() && rule.adjustments.is_empty();
                if plain && rule.replacements.is_empty() {
                    rule.base.iter().for_each(|line| terms(&line.value, &mut parts));
                }
            }
        }
        let counted = payments.iter().map(|id| !parts.contains(id)).collect();
        let before: Vec<Option<Value>> = payments.iter().map(|id| row.value(*id).cloned()).collect();
        let mut ledger = Self { payments, before: Vec::new(), counted, total: integer(0) };
        ledger.total = ledger.sum(&before);
        ledger.before = before;
        ledger
    }

    /// The sum of values of the payments.
    fn sum(&self, values: &[Option<Value>]) -> Ratio {
        let counted = values.iter().zip(&self.counted).filter(|(_, counted)| **counted);
        counted.map(|(value, _)| amount(value)).fold(integer(0), |sum, value| sum + value)
    }
}

/// The quantities that a sum adds as they are.
fn terms(expr: &Expr, into: &mut Vec<QuantityId>) {
    match &expr.kind {
        ExprKind::Binary { op: BinaryOp::Add, left, right } => {
            terms(left, into);
            terms(right, into);
        }
        ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. } => into.push(*id),
        _ => {}
    }
}

/// Whether a quantity is a payment in the currency of the policy.
fn is_paid(program: &Program, id: QuantityId) -> bool {
    let quantity = program.quantity(id);
    let in_currency = matches!(&quantity.ty, Type::Number(unit) if unit.has_numerator(&program.currency.symbol));
    quantity.kind == QuantityKind::Payment && in_currency
}

fn amount(value: &Option<Value>) -> Ratio {
    match value {
        Some(Value::Number(number)) => number.clone(),
        _ => integer(0),
    }
}

impl Explainer<'_> {
    /// Explains the outputs on one row, with the sums by chapter and the readings applied.
    ///
    /// # Errors
    /// Why the row has no results: see [`RowErrorKind`].
    pub fn account(&self, row: usize, outputs: &[QuantityId]) -> Result<Statement, RowErrorKind> {
        let mut statement = self.explain(row, outputs)?;
        let supposable = self.supposable(row, outputs)?;
        let ledger = Ledger::of(&supposable, outputs);
        if !ledger.payments.is_empty() {
            statement.total = Some(self.euros(&ledger, &ledger.total));
            statement.chapters = self.chapters(&supposable, &ledger);
        }
        statement.applied = self.applied(&supposable, &ledger);
        Ok(statement)
    }

    /// A row that can be computed again under suppositions.
    pub(crate) fn supposable(&self, row: usize, outputs: &[QuantityId]) -> Result<Supposable<'_>, RowErrorKind> {
        Supposable::new(&self.policy.program, self.batch, &self.history, row, outputs)
    }

    fn euros(&self, ledger: &Ledger, value: &Ratio) -> ValueView {
        let program = &self.policy.program;
        let ty = ledger.payments.first().map_or(&Type::Error, |id| &program.quantity(*id).ty);
        self.lexicon.value(program, ty, &Value::Number(value.clone()), Numeral::Plain)
    }

    /// The payments that are not zero, under the part of their rule, else under the article that it cites first.
    fn chapters(&self, row: &Supposable<'_>, ledger: &Ledger) -> Vec<ChapterView> {
        let program = &self.policy.program;
        let mut found: Vec<(String, Ratio, Vec<String>)> = Vec::new();
        for ((id, value), counted) in ledger.payments.iter().zip(&ledger.before).zip(&ledger.counted) {
            let value = amount(value);
            let told = *counted && value != integer(0);
            let Some((rule, _)) = row.rule_and_value(*id).filter(|_| told) else { continue };
            let quantity = program.quantity(*id);
            let rule = &quantity.rules[*rule];
            let title = match (part_of(program, rule), rule.citations.first()) {
                (Some((_, title)), _) => title.to_string(),
                (None, Some(citation)) => words::chapter(&citation.place, citation.text.as_deref()),
                (None, None) => program.title.to_string(),
            };
            let name = quantity.name.to_string();
            match found.iter_mut().find(|(known, ..)| *known == title) {
                Some((_, sum, names)) => {
                    *sum += value;
                    names.push(name);
                }
                None => found.push((title, value, vec![name])),
            }
        }
        let view = |(title, sum, payments)| ChapterView { title, total: self.euros(ledger, &sum), payments };
        found.into_iter().map(view).collect()
    }

    fn applied(&self, row: &Supposable<'_>, ledger: &Ledger) -> Vec<AppliedReading> {
        let readings = self.policy.program.readings.par_iter().enumerate();
        readings.filter_map(|(rank, reading)| self.reading(row, ledger, ReadingId(rank as u32), reading)).collect()
    }

    /// A reading, if one of its variants bears on a rule that was computed on the row.
    fn reading(
        &self,
        row: &Supposable<'_>,
        ledger: &Ledger,
        id: ReadingId,
        reading: &Reading,
    ) -> Option<AppliedReading> {
        let program = &*self.policy.program;
        let none = Supposition::default();
        let unchanged = vec![false; program.quantities.len()];
        let bears = |quantity: &QuantityId| {
            let Some((rank, _)) = row.rule_and_value(*quantity) else { return false };
            let Some(rule) = program.quantity(*quantity).rules.get(*rank) else { return false };
            let mut own = rule.alternatives.iter().filter(|other| other.reading == id);
            own.any(|other| match &other.guard {
                None => true,
                Some(guard) => row.holds(&none, &unchanged, guard),
            })
        };
        let quantities: Vec<QuantityId> = program.quantity_ids().filter(bears).collect();
        if quantities.is_empty() {
            return None;
        }
        let variants = std::iter::once((None, &reading.retained))
            .chain(reading.alternatives.iter().enumerate().map(|(rank, variant)| (Some(rank), variant)));
        let (chosen, others): (Vec<_>, Vec<_>) = variants.partition(|(rank, _)| *rank == reading.selected);
        let (_, chosen) = chosen.into_iter().next()?;
        let alternatives = others.into_iter().map(|(rank, variant)| {
            let supposition = Supposition { reading: Some((id, rank)), ..Supposition::default() };
            let effect = variant.computable.then(|| self.effect(row, ledger, &supposition));
            let (effect, obstacle) = split(self, effect);
            AlternativeView { variant: variant.name.to_string(), text: variant.text.to_string(), effect, obstacle }
        });
        Some(AppliedReading {
            name: reading.name.to_string(),
            question: reading.question.to_string(),
            references: references(&reading.citations),
            place: self.policy.sources.place(reading.span),
            variant: chosen.name.to_string(),
            text: chosen.text.to_string(),
            retained: reading.selected.is_none(),
            reason: reading.reason.to_string(),
            quantities: quantities.iter().map(|id| program.quantity(*id).name.to_string()).collect(),
            alternatives: alternatives.collect(),
        })
    }

    /// What a supposition makes of the payments.
    ///
    /// # Errors
    /// Why one of them cannot be computed.
    pub(crate) fn effect(
        &self,
        row: &Supposable<'_>,
        ledger: &Ledger,
        supposition: &Supposition,
    ) -> Result<EffectView, RowErrorKind> {
        self.weigh(row, ledger, supposition).map(|(_, effect)| effect)
    }

    /// The same, after what it is worth.
    ///
    /// # Errors
    /// As [`Self::effect`].
    pub(crate) fn weigh(
        &self,
        row: &Supposable<'_>,
        ledger: &Ledger,
        supposition: &Supposition,
    ) -> Result<(Ratio, EffectView), RowErrorKind> {
        let changed = row.changed(supposition);
        let after = row.results(supposition, &changed, &ledger.payments)?;
        let program = &self.policy.program;
        let total = ledger.sum(&after);
        let mut payments = Vec::new();
        for ((id, before), after) in ledger.payments.iter().zip(&ledger.before).zip(&after) {
            if before == after {
                continue;
            }
            let quantity = program.quantity(*id);
            let view = |value: &Value| self.lexicon.value(program, &quantity.ty, value, Numeral::Plain);
            payments.push(PaymentChange {
                name: quantity.name.to_string(),
                title: quantity.title.to_string(),
                before: before.as_ref().map(view),
                after: after.as_ref().map(view),
                difference: self.euros(ledger, &(amount(after) - amount(before))),
            });
        }
        let read = |aggregate: &&polc_compiler::typed::Aggregate| row.memo[aggregate.quantity.index()].is_some();
        let figures_kept = program.aggregates.iter().filter(read).any(|aggregate| changed[aggregate.of.index()]);
        let worth = &total - &ledger.total;
        let difference = self.euros(ledger, &worth);
        Ok((worth, EffectView { total: self.euros(ledger, &total), difference, payments, figures_kept }))
    }

    /// A value as a statement shows it.
    pub(crate) fn shown(&self, ty: &Type, value: &Value) -> ValueView {
        self.lexicon.value(&self.policy.program, ty, value, Numeral::Plain)
    }

    /// A number of days.
    pub(crate) fn days(&self, days: &Ratio) -> ValueView {
        self.shown(&Type::Number(Unit::of("jour")), &Value::Number(days.clone()))
    }

    /// An expression as the policy writes it.
    pub(crate) fn formula(&self, expr: &Expr) -> String {
        let writer = Writer {
            sources: &self.policy.sources,
            program: &self.policy.program,
            lexicon: &self.lexicon,
            heads: &self.heads,
        };
        writer.formula(expr)
    }

    pub(crate) fn place(&self, span: Span) -> String {
        self.policy.sources.place(span)
    }

    pub(crate) fn year(&self, row: usize) -> i64 {
        self.history.years[row]
    }

    /// Why a row cannot be computed, in a few words.
    pub(crate) fn obstacle(&self, kind: &RowErrorKind) -> String {
        match kind {
            RowErrorKind::Missing { input, .. } => words::lacks_cell(&self.policy.program.input(*input).name),
            RowErrorKind::DivisionByZero { quantity } => words::divides_by_zero(quantity),
            RowErrorKind::BadDate { quantity } => words::leaves_calendar(quantity),
            RowErrorKind::Rules { quantity, first, second } | RowErrorKind::Derogations { quantity, first, second } => {
                words::conflict(quantity, &list(&[&**first, &**second], "et"))
            }
            RowErrorKind::WithoutObject { quantity } => words::is_without_object(quantity),
            RowErrorKind::Control { title, .. } => words::control_fails(title),
        }
    }
}

/// An effect, or why there is none.
pub(crate) fn split(
    explainer: &Explainer<'_>,
    effect: Option<Result<EffectView, RowErrorKind>>,
) -> (Option<EffectView>, Option<String>) {
    match effect {
        None => (None, None),
        Some(Ok(effect)) => (Some(effect), None),
        Some(Err(kind)) => (None, Some(explainer.obstacle(&kind))),
    }
}

impl Statement {
    /// Says where the row and the others of its key stand in the file that they were read from, and what its cells hold.
    pub fn locate(&mut self, program: &Program, table: &Table, row: usize) {
        let key = table.batch.subject(program, row);
        let rows = (0..table.batch.rows).filter(|other| table.batch.subject(program, *other) == key);
        let mut lines: Vec<SourceLine> = rows
            .map(|row| SourceLine { year: table.batch.year(program, row), line: table.places[row].line })
            .filter(|line| line.year <= self.year)
            .collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.year));
        self.source = Some(SourceView { file: table.file.to_string(), lines });
        let cells = table.cells(&table.places[row]);
        for input in &mut self.inputs {
            let column = table.header.iter().position(|name| *name == input.name);
            input.cell = column.and_then(|column| cells.get(column)).map(|cell| cell.trim().to_owned());
        }
    }
}
