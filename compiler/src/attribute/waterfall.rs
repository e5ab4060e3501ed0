//! The lines of a quantity: rule by rule, in the fixed order of computation.

use polc_dsl::ast::{BoundKind, Nature, Reach};

use super::frame::{all, binary, choose, frame, giving, not, subtract, truth, zero};
use super::split::Site;
use super::{Attributor, Known, LineKind, MOST_LINES, Operation, Piece, Role};
use crate::num::finite_decimals;
use crate::typed::{
    Adjustment, AdjustmentKind, BinaryOp, Expr, ExprKind, Presence, Quantity, QuantityId, QuantityKind, Rule, Type,
    Value,
};

/// What gives a value where it comes first: the condition, the value, its pieces.
struct Way {
    condition: Expr,
    value: Expr,
    pieces: Vec<Piece>,
}

impl Attributor {
    /// The lines of a quantity.
    pub(super) fn waterfalls(&mut self, id: QuantityId) -> Vec<Known> {
        let quantity = self.program.quantity(id).clone();
        let derogated = self.derogated(id, &quantity);
        let mut known: Vec<Known> = Vec::new();
        let mut room = MOST_LINES;
        for (rank, rule) in quantity.rules.iter().enumerate() {
            let site = self.site(id, rank, rule, room);
            for (active, piece) in self.rule(id, rank, rule, &derogated, site) {
                let line = self.line((id, rank), known.len(), active.as_ref(), piece);
                known.push(line);
            }
            room = MOST_LINES.saturating_sub(known.len());
        }
        known
    }

    /// For each rule of a payment, the line to show where there is no other.
    pub(super) fn nothing(&mut self, id: QuantityId) -> Vec<Known> {
        let quantity = self.program.quantity(id).clone();
        let after = self.lines_of(id).len();
        let mut known = Vec::new();
        for (rank, rule) in quantity.rules.iter().enumerate() {
            let site = self.site(id, rank, rule, 0);
            let yes = Expr { kind: ExprKind::Constant(Value::Boolean(true)), ty: Type::Boolean, span: rule.span };
            let operation = match &rule.base[..] {
                [line] => Operation::Formula(line.value.clone()),
                _ => Operation::Whole,
            };
            let piece = Piece { role: Role::Nothing, ..site.piece(LineKind::Amount, yes, operation) };
            known.push(self.line((id, rank), after + rank, None, piece));
        }
        known
    }

    /// What lines of a rule come from, unless they say better.
    fn site(&self, id: QuantityId, rank: usize, rule: &Rule, room: usize) -> Site {
        // The quantity that an own value was made for.
        let (quantity, rank) = self.retained.get(&id).copied().unwrap_or((id, rank));
        let kind = match self.program.quantity(quantity).kind {
            QuantityKind::Criterion => LineKind::Criterion,
            QuantityKind::Minoration => LineKind::Minoration,
            QuantityKind::Majoration => LineKind::Majoration,
            _ => LineKind::Amount,
        };
        Site {
            kind,
            quantity,
            rule: rank,
            derogation: None,
            title: rule.title.clone(),
            citations: rule.citations.clone(),
            years: rule.years,
            span: rule.span,
            room,
        }
    }

    /// For each derogation, whether it is the one in force: a truth with the rules of the quantity.
    fn derogated(&mut self, id: QuantityId, quantity: &Quantity) -> Vec<Expr> {
        let mut wins: Vec<Expr> = Vec::new();
        for (rank, derogation) in quantity.derogations.iter().enumerate() {
            let yes = Expr { kind: ExprKind::Constant(Value::Boolean(true)), ty: Type::Boolean, span: derogation.span };
            let mut conditions = vec![derogation.condition.clone().unwrap_or_else(|| yes.clone())];
            let overriding = quantity.derogations.iter().filter(|other| other.overrides.contains(&rank));
            conditions.extend(overriding.map(|other| not(other.condition.clone().unwrap_or_else(|| yes.clone()))));
            // Of several that nothing overrides, which say the same, the first.
            conditions.extend(wins.iter().cloned().map(not));
            let value = all(conditions).unwrap_or(yes);
            let name = format!("{}.derogation.{rank}", quantity.name);
            let rules = quantity.rules.iter().map(|rule| giving(rule, None, value.clone())).collect();
            let truth = self.add(id, name, Type::Boolean, rules);
            wins.push(self.read(truth));
        }
        wins
    }

    /// The pieces of a rule, each with where it counts within the rule.
    fn rule(
        &mut self,
        id: QuantityId,
        rank: usize,
        rule: &Rule,
        derogated: &[Expr],
        mut site: Site,
    ) -> Vec<(Option<Expr>, Piece)> {
        let quantity = self.program.quantity(id).clone();
        let mut ways: Vec<Way> = Vec::new();
        for (index, (derogation, wins)) in quantity.derogations.iter().zip(derogated).enumerate() {
            let mut own = Site {
                kind: LineKind::Derogation,
                derogation: Some(index),
                title: derogation.title.clone(),
                citations: derogation.citations.clone(),
                years: derogation.years,
                span: derogation.span,
                ..self.site(id, rank, rule, site.room)
            };
            let pieces = self.split(&derogation.value, &mut own);
            site.room = own.room;
            ways.push(Way { condition: wins.clone(), value: derogation.value.clone(), pieces });
        }
        if let Some(keeps) = &rule.keeps {
            let past = Presence::PastQuantity(Reach::LastYear, id);
            let condition = truth(ExprKind::And(vec![keeps.clone(), truth(ExprKind::IsSet(past), keeps)]), keeps);
            let condition = self.named(id, format!("{}.conserve.{rank}", quantity.name), rule, condition);
            let default = Box::new(zero(&self.read(id)));
            let kind = ExprKind::PastQuantity { reach: Reach::LastYear, quantity: id, default };
            let value = Expr { kind, ty: quantity.ty.clone(), span: keeps.span };
            let pieces = vec![site.piece(LineKind::Kept, value.clone(), Operation::Kept)];
            ways.push(Way { condition, value, pieces });
        }
        let mut replaced = false;
        for replacement in &rule.replacements {
            let value = self.without_retained(&replacement.value, id, rank, rule);
            let span = replacement.value.span;
            let mut own = Site { kind: LineKind::Reading, span, ..self.site(id, rank, rule, site.room) };
            own.citations.clone_from(&self.program.readings[replacement.reading.index()].citations);
            let pieces = self.split(&value, &mut own);
            site.room = own.room;
            match &replacement.guard {
                Some(guard) => ways.push(Way { condition: guard.clone(), value, pieces }),
                None => {
                    let yes = ExprKind::Constant(Value::Boolean(true));
                    ways.push(Way { condition: truth(yes, &value), value, pieces });
                    replaced = true;
                    break;
                }
            }
        }
        let mut result = Vec::new();
        let mut before: Vec<Expr> = Vec::new();
        let mut values: Vec<(Expr, Expr)> = Vec::new();
        for (index, way) in ways.into_iter().enumerate() {
            let here = all(before.iter().cloned().chain([way.condition.clone()]).collect());
            let name = format!("{}.voie.{rank}.{index}", quantity.name);
            let here = here.map(|here| self.named(id, name, rule, here));
            result.extend(way.pieces.into_iter().map(|piece| (here.clone(), piece)));
            before.push(not(way.condition.clone()));
            values.push((way.condition, way.value));
        }
        let mut own = None;
        if !replaced {
            let others = all(before.clone());
            let active = all(before.iter().chain(&rule.condition).cloned().collect());
            let name = format!("{}.actif.{rank}", quantity.name);
            let active = active.map(|active| self.named(id, name, rule, active));
            let (pieces, value) = self.own(id, rank, rule, active.as_ref(), &mut site);
            result.extend(pieces.into_iter().map(|piece| (active.clone(), piece)));
            own = Some(value);
            if let Some(condition) = &rule.condition
                && quantity.kind != QuantityKind::Criterion
            {
                let operation = Operation::Condition(condition.clone());
                let lost = site.piece(LineKind::Prerequisite, not(condition.clone()), operation);
                result.push((others, Piece { role: Role::Lost, ..lost }));
            }
        }
        if let Some(decimals) = rule.rounding {
            // What is rounded, whichever way gives it.
            let last = own.or_else(|| values.pop().map(|(_, value)| value));
            let exact = values.into_iter().rev().fold(last, |rest, (condition, value)| {
                Some(rest.map_or_else(|| value.clone(), |rest| choose(condition, value.clone(), rest)))
            });
            if let Some(exact) = exact.filter(|exact| !self.is_decimal(exact, decimals)) {
                let change = subtract(self.read(id), exact);
                result.push((None, site.piece(LineKind::Rounding, change, Operation::Rounding(decimals))));
            }
        }
        result
    }

    /// Whether a value has no more digits after the point than that, whatever the row.
    fn is_decimal(&self, expr: &Expr, decimals: u32) -> bool {
        let within = |expr: &Expr| self.is_decimal(expr, decimals);
        match &expr.kind {
            ExprKind::Constant(Value::Number(number)) => finite_decimals(number).is_some_and(|least| least <= decimals),
            ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. }
                if self.program.quantity(*id).kind == QuantityKind::Payment =>
            {
                let quantity = self.program.quantity(*id);
                let rounded =
                    quantity.rules.iter().all(|rule| rule.rounding.is_some_and(|rounded| rounded <= decimals));
                rounded
                    && match &expr.kind {
                        ExprKind::QuantityOr { default, .. } => within(default),
                        _ => true,
                    }
            }
            ExprKind::Input(id) => self.program.input(*id).decimals <= decimals,
            ExprKind::Negate(inner) => within(inner),
            ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, left, right } => within(left) && within(right),
            ExprKind::If { then, otherwise, .. } => within(then) && within(otherwise),
            ExprKind::Extremum { items, .. } => items.iter().all(within),
            _ => false,
        }
    }

    /// Base, adjustments, bounds and pro ratas of a rule, computed where `active` holds: the pieces, and what they add up to.
    fn own(
        &mut self,
        id: QuantityId,
        rank: usize,
        rule: &Rule,
        active: Option<&Expr>,
        site: &mut Site,
    ) -> (Vec<Piece>, Expr) {
        let name = self.program.quantity(id).name.clone();
        let like = self.read(id);
        let mut pieces = Vec::new();
        for line in &rule.base {
            let own = Site { kind: site.kind, title: site.title.clone(), citations: site.citations.clone(), ..*site };
            let mut own = own;
            if site.kind == LineKind::Criterion {
                own.kind = match line.nature {
                    Some(Nature::Fixed) => LineKind::CriterionFixed,
                    Some(Nature::Variable) => LineKind::CriterionVariable,
                    None => LineKind::Criterion,
                };
            }
            if !line.citations.is_empty() {
                own.citations.clone_from(&line.citations);
            }
            let terms = self.split(&line.value, &mut own);
            site.room = own.room;
            pieces.extend(terms.into_iter().map(|piece| match &line.when {
                Some(when) => piece.when(when),
                None => piece,
            }));
        }
        let mut stage = 0;
        let mut total = {
            let rule = Rule { condition: active.cloned(), base: rule.base.clone(), ..frame(rule) };
            let id = self.add(id, format!("{name}.etape.{rank}.{stage}"), like.ty.clone(), vec![rule]);
            self.read(id)
        };
        let mut next = |attributor: &mut Self, total: &Expr, step: Rule| {
            stage += 1;
            let rule = Rule { base: giving(rule, None, total.clone()).base, condition: active.cloned(), ..step };
            let made = attributor.add(id, format!("{name}.etape.{rank}.{stage}"), like.ty.clone(), vec![rule]);
            attributor.read(made)
        };
        for adjustment in &rule.adjustments {
            let after = next(self, &total, Rule { adjustments: vec![adjustment.clone()], ..frame(rule) });
            pieces.extend(self.adjustment(adjustment, &total, site));
            total = after;
        }
        for bound in &rule.bounds {
            let after = next(self, &total, Rule { bounds: vec![bound.clone()], ..frame(rule) });
            let cap = bound.kind == BoundKind::Cap;
            let kind = if cap { LineKind::Cap } else { LineKind::Floor };
            let operation = Operation::Bound { value: bound.value.clone(), cap };
            let mut piece = site.piece(kind, subtract(after.clone(), total), operation);
            cite(&mut piece, &bound.citations);
            pieces.push(piece);
            total = after;
        }
        for prorata in &rule.proratas {
            let after = next(self, &total, Rule { proratas: vec![prorata.clone()], ..frame(rule) });
            let operation = Operation::Proration(prorata.value.clone());
            let mut piece = site.piece(LineKind::Proration, subtract(after.clone(), total), operation);
            cite(&mut piece, &prorata.citations);
            pieces.push(piece);
            total = after;
        }
        (pieces, total)
    }

    /// What a minoration or a majoration changes.
    fn adjustment(&mut self, adjustment: &Adjustment, total: &Expr, site: &mut Site) -> Vec<Piece> {
        let id = adjustment.quantity;
        let minus = matches!(adjustment.kind, AdjustmentKind::SubtractAmount | AdjustmentKind::SubtractRate);
        let signed = |piece: Piece| if minus { piece.negated() } else { piece };
        let is_rate = matches!(adjustment.kind, AdjustmentKind::AddRate | AdjustmentKind::SubtractRate);
        if !is_rate && let Some(pieces) = self.inlined(id, None, total, site) {
            return pieces.into_iter().map(signed).collect();
        }
        // The rule of the adjusting quantity that applies is the version in force: one line for each.
        let rules = self.program.quantity(id).rules.clone();
        let mut pieces = Vec::new();
        for (rank, rule) in rules.iter().enumerate() {
            let own = self.site(id, rank, rule, 0);
            let read = self.read(id);
            let default = Box::new(zero(&read));
            let kind = ExprKind::QuantityOr { quantity: id, rules: Some(vec![rank]), default };
            let amount = Expr { kind, ..read.clone() };
            let kind = if minus { LineKind::Minoration } else { LineKind::Majoration };
            let (value, operation) = if is_rate {
                let change = binary(BinaryOp::Multiply, total.clone(), amount, total);
                let value =
                    if minus { Expr { kind: ExprKind::Negate(Box::new(change.clone())), ..change } } else { change };
                (value, Operation::Rate { quantity: id, add: !minus })
            } else {
                (amount, Operation::Formula(read))
            };
            let piece = own.piece(kind, value, operation);
            pieces.push(if is_rate { piece } else { signed(piece) });
        }
        pieces
    }

    /// An expression of a replacement, where « valeur retenue » is a quantity.
    fn without_retained(&mut self, expr: &Expr, id: QuantityId, rank: usize, rule: &Rule) -> Expr {
        let mut found = false;
        expr.walk(&mut |e| found |= matches!(e.kind, ExprKind::Retained));
        if !found {
            return expr.clone();
        }
        let quantity = self.program.quantity(id);
        let name = format!("{}.retenu.{rank}", quantity.name);
        let ty = quantity.ty.clone();
        let known = self.program.find_quantity(&name);
        let own = Rule { keeps: None, replacements: Vec::new(), rounding: None, ..rule.clone() };
        let retained = known.unwrap_or_else(|| self.add(id, name, ty, vec![own]));
        self.retained.insert(retained, (id, rank));
        let mut expr = expr.clone();
        expr.walk_mut(&mut |e| {
            if matches!(e.kind, ExprKind::Retained) {
                e.kind = ExprKind::Quantity(retained);
            }
        });
        expr
    }
}

/// The references of a step itself, where it has some.
fn cite(piece: &mut Piece, citations: &[crate::typed::Citation]) {
    if !citations.is_empty() {
        let mut origin = (*piece.origin).clone();
        origin.citations = citations.to_vec();
        piece.origin = origin.into();
    }
}
