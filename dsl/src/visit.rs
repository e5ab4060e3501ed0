//! Walks a declaration and lets its names, texts and expressions be rewritten in place.

use crate::ast::{
    Amount, Cases, Citation, Clause, ClauseKind as K, Expr, ExprKind as E, InputType, Item, ItemKind, Name, Text,
};

/// What may be rewritten. Expressions are seen after what they hold.
pub trait Rewrite {
    fn name(&mut self, _name: &mut Name) {}
    fn text(&mut self, _text: &mut Text) {}
    fn expr(&mut self, _expr: &mut Expr) {}
}

/// Rewrites a declaration.
pub fn item(item: &mut Item, by: &mut dyn Rewrite) {
    match &mut item.kind {
        ItemKind::Derogation { target } => by.name(target),
        ItemKind::Input(ty) => input_type(ty, by),
        _ => {}
    }
    item.name.iter_mut().for_each(|name| by.name(name));
    item.title.iter_mut().for_each(|title| by.text(title));
    item.clauses.iter_mut().for_each(|each| clause(each, by));
}

fn input_type(ty: &mut InputType, by: &mut dyn Rewrite) {
    if let crate::ast::BaseType::Named(name) = &mut ty.base {
        by.name(name);
    }
    if let Some((low, high)) = &mut ty.range {
        expr(low, by);
        expr(high, by);
    }
    ty.default.iter_mut().for_each(|default| expr(default, by));
}

fn titled(name: &mut Name, title: &mut Option<Text>, by: &mut dyn Rewrite) {
    by.name(name);
    title.iter_mut().for_each(|title| by.text(title));
}

fn cited(citations: &mut [Citation], by: &mut dyn Rewrite) {
    citations.iter_mut().filter_map(|citation| citation.of.as_mut()).for_each(|name| by.name(name));
}

fn names(names: &mut [Name], by: &mut dyn Rewrite) {
    names.iter_mut().for_each(|name| by.name(name));
}

fn cases(cases: &mut Cases, by: &mut dyn Rewrite) {
    if let Cases::Named(list) = cases {
        names(list, by);
    }
}

fn optional(value: &mut Option<Expr>, by: &mut dyn Rewrite) {
    value.iter_mut().for_each(|value| expr(value, by));
}

fn amount(amount: &mut Amount, by: &mut dyn Rewrite) {
    match amount {
        Amount::Plain(value) => expr(value, by),
        Amount::PerUnit { quantity, limit, .. } => {
            expr(quantity, by);
            limit.iter_mut().for_each(|limit| expr(limit, by));
        }
    }
}

/// Rewrites a clause.
pub fn clause(clause: &mut Clause, by: &mut dyn Rewrite) {
    match &mut clause.kind {
        K::Currency { .. }
        | K::InForce(_)
        | K::Suffices(_)
        | K::Origin(_)
        | K::Year(_)
        | K::EachRow
        | K::Blocking
        | K::ScopeAll
        | K::Nothing
        | K::Dated { .. }
        | K::Draft
        | K::RoundedTo(_) => {}
        K::Key(list) | K::Annuls(list) | K::Between(list) | K::WholeData(list) => names(list, by),
        K::UnderAmendments { names: list, .. } => names(list, by),
        K::Exercise(name)
        | K::On(name)
        | K::After(name)
        | K::Lifts(name)
        | K::Overrides(name)
        | K::Base(name)
        | K::OnlyOnce(name) => by.name(name),
        K::Scope { condition, citations } => {
            expr(condition, by);
            cited(citations, by);
        }
        K::CitedText { name, title: text } | K::Retained { name, text } | K::Variant { name, text } => {
            by.name(name);
            by.text(text);
        }
        K::Case { name, title } | K::DayCount { name, title } => titled(name, title, by),
        K::Meaning(text) | K::Reason(text) | K::File(text) => by.text(text),
        K::Reference(citations) | K::InConflict(citations) => cited(citations, by),
        K::DatedValue { value, .. } => expr(value, by),
        K::For { cases: list, condition } => {
            cases(list, by);
            optional(condition, by);
        }
        K::TrueIf(value)
        | K::If(value)
        | K::From(value)
        | K::Until(value)
        | K::RelativeTo(value)
        | K::Verify(value)
        | K::Keeps(value)
        | K::FirstYear(value)
        | K::Interrupted(value) => expr(value, by),
        K::Points { amount: each, when, citations, .. }
        | K::Amount { amount: each, when, citations }
        | K::Rate { amount: each, when, citations } => {
            amount(each, by);
            optional(when, by);
            cited(citations, by);
        }
        K::Value { value, citations } | K::Prorated { value, citations } => {
            expr(value, by);
            cited(citations, by);
        }
        K::Bound { value, cases: list, when, citations, .. } => {
            expr(value, by);
            list.iter_mut().for_each(|list| cases(list, by));
            optional(when, by);
            cited(citations, by);
        }
        K::Membership { block, .. } => by.name(block),
        K::Prerequisite { name, title, condition } | K::NamedCondition { name, title, condition } => {
            titled(name, title, by);
            expr(condition, by);
        }
        K::BlockTotal { name, title, citations, .. } | K::ScheduleTotal { name, title, citations } => {
            titled(name, title, by);
            cited(citations, by);
        }
        K::BlockPrerequisites { met, met_title, count, count_title, citations } => {
            titled(met, met_title, by);
            titled(count, count_title, by);
            cited(citations, by);
        }
        K::Replaces { name, each, cases: list, value } => {
            by.name(name);
            if let Some((table, condition)) = each {
                by.name(table);
                optional(condition, by);
            }
            list.iter_mut().for_each(|list| cases(list, by));
            expr(value, by);
        }
        K::UnderReading { reading, variant } => {
            by.name(reading);
            by.name(variant);
        }
        K::Given(list) => list.iter_mut().for_each(|each| {
            by.name(&mut each.name);
            optional(&mut each.value, by);
        }),
        K::Expected(list) => list.iter_mut().for_each(|each| {
            by.name(&mut each.name);
            optional(&mut each.value, by);
        }),
        K::Announces { value, quantity } => {
            expr(value, by);
            quantity.iter_mut().for_each(|name| by.name(name));
        }
        K::Gap { value, reason } => {
            expr(value, by);
            by.text(reason);
        }
        K::ForEach { table, condition } => {
            by.name(table);
            optional(condition, by);
        }
        K::Cumulates { value, since, citations } => {
            expr(value, by);
            expr(since, by);
            cited(citations, by);
        }
        K::Due { name, title, rate, amount, date, when, citations } => {
            titled(name, title, by);
            [rate, amount, date].into_iter().for_each(|each| expr(each, by));
            optional(when, by);
            cited(citations, by);
        }
        K::Recovery { name, title, amount, at, from, to, when, citations } => {
            titled(name, title, by);
            [amount, at, from, to].into_iter().for_each(|each| expr(each, by));
            optional(when, by);
            cited(citations, by);
        }
        K::Summarises { value, by: groups, when, citations, .. } => {
            optional(value, by);
            names(groups, by);
            optional(when, by);
            cited(citations, by);
        }
        K::Column { name, ty } => {
            by.name(name);
            input_type(ty, by);
        }
        K::RowChange { cells, .. } => {
            cells.iter_mut().flatten().for_each(|cell| optional(cell, by));
        }
        K::Row(cells) => cells.iter_mut().for_each(|cell| optional(cell, by)),
        K::ColumnsInForce { from, to } => {
            by.name(from);
            by.name(to);
        }
    }
}

/// Rewrites an expression, from its leaves up.
pub fn expr(e: &mut Expr, by: &mut dyn Rewrite) {
    match &mut e.kind {
        E::Number { .. } | E::Boolean(_) | E::Date(_) | E::Text(_) | E::Name(_) | E::Retained => {}
        E::DateOf { year: inner, .. } | E::Negate(inner) | E::Not(inner) | E::DaysOfYear(inner) | E::IsSet(inner) => {
            expr(inner, by)
        }
        E::Binary { left, right, .. }
        | E::DaysBetween { from: left, to: right, .. }
        | E::OrElse { value: left, default: right }
        | E::CappedAt { value: left, cap: right }
        | E::RaisedTo { value: left, floor: right } => {
            expr(left, by);
            expr(right, by);
        }
        E::OneOf { subject, names: list } => {
            expr(subject, by);
            names(list, by);
        }
        E::If { condition, then, otherwise } => {
            expr(condition, by);
            expr(then, by);
            expr(otherwise, by);
        }
        E::Call { arguments: items, .. } | E::AtLeast { conditions: items, .. } => {
            items.iter_mut().for_each(|item| expr(item, by));
        }
        E::Past { name, .. } => by.name(name),
        E::SumOver { table, condition, value } => {
            by.name(table);
            condition.iter_mut().for_each(|condition| expr(condition, by));
            expr(value, by);
        }
        E::Brackets { subject, rows } => {
            expr(subject, by);
            rows.iter_mut().for_each(|row| expr(&mut row.value, by));
        }
        E::Tiers { subject, rows } => {
            expr(subject, by);
            rows.iter_mut().for_each(|row| expr(&mut row.rate, by));
        }
    }
    by.expr(e);
}
