//! The smallest changes of a row that make a condition hold. Whatever is proposed was computed again and found to do so.
//!
//! One cell at a time: each comparison is brought to hold by the cell that it takes to change least, those that it names
//! before those that it depends on. Where the condition joins several, all of them are; of alternatives, the cheapest.

use std::collections::BTreeMap;

use polc_compiler::calendar::Date;
use polc_compiler::num::{Ratio, integer, power_of_ten};
use polc_compiler::typed::{ControlKind, Expr, ExprKind, Input, InputId, Presence, Type, Value};

use super::need::{Leaf, Need, Reader};
use crate::suppose::{Supposable, Supposition};

/// Cells that a comparison depends on which are tried.
const TRIED: usize = 16;
/// Times that the parts of a condition are gone through: what one takes, another may undo.
const ROUNDS: usize = 3;
/// Days around a date that has no declared range.
const DAYS: i64 = 20 * 366;

/// Cells to change, and how much is changed: cells first, then the sum of how far each goes.
pub(super) type Cells = BTreeMap<InputId, Option<Value>>;

#[derive(Clone, Debug)]
struct Found {
    cells: Cells,
    cost: Ratio,
}

impl Found {
    fn weight(&self) -> (usize, &Ratio) {
        (self.cells.len(), &self.cost)
    }
}

pub(super) struct Search<'r, 'p> {
    pub row: &'r Supposable<'p>,
    /// The year of the row, from which the search for an empty date starts.
    pub year: i64,
}

impl<'p> Search<'_, 'p> {
    /// The smallest set of cells found that meets the need, such that `earned` holds of it.
    pub fn solve(&self, need: &Need<'p>, earned: &Expr) -> Option<Cells> {
        let none = Found { cells: Cells::new(), cost: integer(0) };
        let mut found = self.meet(need, &none)?.cells;
        let earns = |cells: &Cells| self.is(cells, earned);
        // What one change brought may have made another needless.
        for id in found.keys().copied().collect::<Vec<_>>() {
            let mut fewer = found.clone();
            fewer.remove(&id);
            if earns(&fewer) {
                found = fewer;
            }
        }
        (!found.is_empty() && earns(&found) && self.is_accepted(&found)).then_some(found)
    }

    fn is(&self, cells: &Cells, expr: &Expr) -> bool {
        let supposition = Supposition { cells: cells.clone(), ..Supposition::default() };
        self.row.holds(&supposition, &self.row.changed(&supposition), expr)
    }

    /// Whether no blocking control refuses the row with these cells.
    fn is_accepted(&self, cells: &Cells) -> bool {
        let supposition = Supposition { cells: cells.clone(), ..Supposition::default() };
        let changed = self.row.changed(&supposition);
        let truth = |expr: &Expr| self.row.evaluate(&supposition, &changed, expr).map(|v| v == Value::Boolean(true));
        self.row.program.controls.iter().all(|control| match &control.kind {
            ControlKind::Row { guard, years, condition, blocking: true } if years.contains(self.year) => {
                // What a control cannot read is no ground to refuse the row.
                guard.as_ref().is_some_and(|guard| truth(guard) != Ok(true)) || truth(condition).unwrap_or(true)
            }
            _ => true,
        })
    }

    fn is_met(&self, need: &Need<'p>, cells: &Cells) -> bool {
        let supposition = Supposition { cells: cells.clone(), ..Supposition::default() };
        let changed = self.row.changed(&supposition);
        Reader { row: self.row, supposition: &supposition, changed: &changed }.is_met(need)
    }

    fn meet(&self, need: &Need<'p>, from: &Found) -> Option<Found> {
        if self.is_met(need, &from.cells) {
            return Some(from.clone());
        }
        match need {
            Need::Never => None,
            Need::Leaf(leaf) => self.leaf(*leaf, from),
            Need::All(parts) => {
                let mut found = from.clone();
                for _ in 0..ROUNDS {
                    for part in parts {
                        found = self.meet(part, &found)?;
                    }
                    if self.is_met(need, &found.cells) {
                        return Some(found);
                    }
                }
                None
            }
            Need::Some(count, parts) => {
                let mut found = from.clone();
                for _ in 0..*count {
                    let unmet = parts.iter().filter(|part| !self.is_met(part, &found.cells));
                    let tries = unmet.filter_map(|part| self.meet(part, &found));
                    found = tries.min_by(|a, b| a.weight().cmp(&b.weight()))?;
                    if self.is_met(need, &found.cells) {
                        return Some(found);
                    }
                }
                None
            }
        }
    }

    /// The cell that makes a comparison hold with the least change.
    fn leaf(&self, leaf: Leaf<'p>, from: &Found) -> Option<Found> {
        let program = self.row.program;
        let may_change = |id: &InputId| !program.key.contains(id) && *id != program.year;
        let own: Vec<InputId> = named(leaf.expr).into_iter().filter(may_change).collect();
        let supposition = Supposition { cells: from.cells.clone(), ..Supposition::default() };
        let read = self.row.inputs_read(&supposition, leaf.expr);
        let others = read.into_iter().filter(|id| may_change(id) && !own.contains(id)).take(TRIED).collect();
        [own, others].iter().find_map(|candidates| {
            let tries = candidates.iter().filter_map(|id| self.cell(*id, leaf, from));
            tries.min_by(|a, b| a.weight().cmp(&b.weight()))
        })
    }

    /// The value of a cell nearest to its own that makes a comparison hold.
    fn cell(&self, id: InputId, leaf: Leaf<'p>, from: &Found) -> Option<Found> {
        let input = self.row.program.input(id);
        let now = match from.cells.get(&id) {
            Some(cell) => cell.clone(),
            None => self.row.cell(id),
        };
        let with = |value: &Value| {
            let mut cells = from.cells.clone();
            cells.insert(id, Some(value.clone()));
            cells
        };
        let supposition = |value: &Value| Supposition { cells: with(value), ..Supposition::default() };
        let base = Supposition { cells: with(&Value::Boolean(false)), ..Supposition::default() };
        let changed = self.row.changed(&base);
        let holds = |value: &Value| {
            self.row.evaluate(&supposition(value), &changed, leaf.expr) == Ok(Value::Boolean(leaf.wanted))
        };
        let (value, cost) = match &input.ty {
            Type::Boolean => {
                let values = match now {
                    Some(Value::Boolean(flag)) => vec![!flag],
                    _ => vec![true, false],
                };
                let value = values.into_iter().map(Value::Boolean).find(holds)?;
                (value, Ratio::new(1.into(), 2.into()))
            }
            Type::Enumeration(cases) => {
                let cases = 0..self.row.program.enumeration(*cases).cases.len() as u32;
                let others = cases.map(Value::Case).filter(|case| now.as_ref() != Some(case));
                (others.into_iter().find(|case| holds(case))?, integer(1))
            }
            Type::Number(_) | Type::Date => self.nearest(input, now.as_ref(), &holds)?,
            Type::Text | Type::Error => return None,
        };
        Some(Found { cells: with(&value), cost: &from.cost + cost })
    }

    /// On the grid of what the cell may hold: the first value that will do, going up and going down.
    fn nearest(&self, input: &Input, now: Option<&Value>, holds: &dyn Fn(&Value) -> bool) -> Option<(Value, Ratio)> {
        let grid = Grid::of(input, now, self.year)?;
        let at = |step: i128| grid.value(step).is_some_and(|value| holds(&value));
        if now.is_none() && at(grid.start) {
            return Some((grid.value(grid.start)?, integer(1)));
        }
        let towards = |end: i128| {
            let mut near = grid.start;
            let mut far = if at(end) { end } else { grid.window(end, &at)? };
            while (far - near).abs() > 1 {
                let middle = near + (far - near) / 2;
                if at(middle) { far = middle } else { near = middle }
            }
            Some(far)
        };
        let ways = [grid.high, grid.low].into_iter().filter(|end| *end != grid.start).filter_map(towards);
        let step = ways.min_by_key(|step| (step - grid.start).abs())?;
        Some((grid.value(step)?, grid.cost(step)))
    }
}

/// The values that a cell may hold, by steps of its last decimal or by days.
struct Grid {
    start: i128,
    low: i128,
    high: i128,
    /// Steps in a unit; `None` for dates.
    scale: Option<Ratio>,
}

impl Grid {
    fn of(input: &Input, now: Option<&Value>, year: i64) -> Option<Self> {
        let scale = (input.ty != Type::Date).then(|| Ratio::from_integer(power_of_ten(input.decimals)));
        let step = |value: &Ratio, up: bool| {
            let scaled = scale.as_ref().map_or_else(|| value.clone(), |scale| value * scale);
            i128::try_from(if up { scaled.ceil() } else { scaled.floor() }.to_integer()).ok()
        };
        let (low, high) = match &input.range {
            Some((low, high)) => (step(low, true)?, step(high, false)?),
            None => (i128::from(i64::MIN / 4), i128::from(i64::MAX / 4)),
        };
        let start = match now {
            Some(Value::Number(number)) => step(number, true)?,
            Some(Value::Date(date)) => i128::from(date.days()),
            _ if scale.is_none() => i128::from(Date::new(year, 1, 1)?.days()),
            _ => 0,
        };
        let start = start.clamp(low, high);
        let (low, high) = match scale {
            None => (low.max(start - i128::from(DAYS)), high.min(start + i128::from(DAYS))),
            Some(_) => (low, high),
        };
        Some(Self { start, low, high, scale })
    }

    fn value(&self, step: i128) -> Option<Value> {
        match &self.scale {
            Some(scale) => Some(Value::Number(Ratio::from_integer(step.into()) / scale)),
            None => Date::from_days(i64::try_from(step).ok()?).map(Value::Date),
        }
    }

    /// A step that will do on the way to an end that does not: looked for at distances that double.
    fn window(&self, end: i128, at: &dyn Fn(i128) -> bool) -> Option<i128> {
        let way = (end - self.start).signum();
        let steps = (0..40).map(|power| self.start + way * (1i128 << power));
        steps.take_while(|step| (end - step) * way > 0).find(|step| at(*step))
    }

    /// How far a step goes: as a share of the larger number; of a year for a date, which is harder to change.
    fn cost(&self, step: i128) -> Ratio {
        let way = Ratio::from_integer((step - self.start).abs().into());
        match self.scale {
            None => integer(1) + way / integer(366),
            Some(_) => {
                let most = step.abs().max(self.start.abs());
                if most == 0 { way } else { way / Ratio::from_integer(most.into()) }
            }
        }
    }
}

/// The inputs that an expression names.
fn named(expr: &Expr) -> Vec<InputId> {
    let mut found = Vec::new();
    expr.walk(&mut |e| match e.kind {
        ExprKind::Input(id) | ExprKind::InputOr { input: id, .. } | ExprKind::IsSet(Presence::Input(id))
            if !found.contains(&id) =>
        {
            found.push(id);
        }
        _ => {}
    });
    found
}
