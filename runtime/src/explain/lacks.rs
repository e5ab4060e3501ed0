//! What a row does not earn, as branches of the tree: the same lines on the terminal and on the pages.

use super::statement::*;
use super::text::{Branch, Look, Mention, Row, formula_text, in_parentheses, short_place};
use super::words;

/// Payments shown of those that a condition changes.
const SHOWN: usize = 8;

/// What would be worth something or is a prerequisite, then the rest.
pub(super) fn branches(statement: &Statement) -> (Vec<Branch>, Vec<Branch>) {
    let missing = statement.missing.iter().flatten();
    let (worth, rest): (Vec<_>, Vec<_>) = missing.partition(|lack| lack.prerequisite || !is_without_effect(lack));
    let all = |list: Vec<&Missing>| list.into_iter().map(|lack| branch(statement, lack)).collect();
    (all(worth), all(rest))
}

fn is_without_effect(lack: &Missing) -> bool {
    lack.stake.as_ref().is_some_and(|stake| stake.difference.exact == "0")
}

fn branch(statement: &Statement, lack: &Missing) -> Branch {
    let worth = match (&lack.stake, &lack.obstacle) {
        (Some(_), _) if is_without_effect(lack) => words::no_effect_alone().to_owned(),
        (Some(stake), _) => words::signed(&stake.difference.text),
        (None, Some(_)) => words::unknown_stake().to_owned(),
        (None, None) => String::new(),
    };
    let head = Row::new(Look::Title, &lack.title).with(Look::Faint, in_parentheses(&lack.references)).worth(worth);
    let mut branch = Branch::new(head).naming(Mention::Lack(lack.name.clone()));
    let kind = if lack.prerequisite { words::prerequisite() } else { words::kind(lack.kind, None) };
    let meta = [&*lack.name, kind, &short_place(&lack.place)].join(words::SEPARATOR);
    branch.rows.push(Row::new(Look::Faint, meta));
    let condition = Row::new(Look::Plain, words::condition(false)).with(Look::Plain, formula_text(&lack.formula));
    branch.rows.push(condition);
    if let Some(obstacle) = &lack.obstacle {
        branch.rows.push(Row::new(Look::Faint, words::stake_obstacle(obstacle)));
    }
    branch.below.extend(lack.gaps.iter().map(gap));
    branch.below.extend(lack.stake.iter().filter(|stake| stake.payments.len() > 1).map(|stake| {
        let mut each = Branch::new(Row::new(Look::Plain, words::payments_changed()));
        each.below = payments(stake);
        each
    }));
    branch.below.push(remedy(statement, lack.remedy.as_ref()));
    branch
}

fn gap(gap: &GapView) -> Branch {
    let formula = formula_text(&gap.formula);
    let head = Row::new(Look::Alert, words::lacking(&if gap.wanted { formula } else { words::formula::not(&formula) }));
    let mut branch = Branch::new(head);
    let said = |value: &Option<ValueView>| value.as_ref().map(|value| value.text.clone());
    let text = words::gap(said(&gap.value).as_deref(), said(&gap.threshold).as_deref(), said(&gap.distance).as_deref());
    if !text.is_empty() {
        branch.rows.push(Row::new(Look::Plain, text));
    }
    branch
}

fn payments(effect: &EffectView) -> Vec<Branch> {
    let changed: Vec<&PaymentChange> =
        effect.payments.iter().filter(|payment| payment.difference.exact != "0").collect();
    let others = changed.len().saturating_sub(SHOWN);
    let each = changed.into_iter().take(SHOWN).map(|payment| {
        let row = Row::new(Look::Plain, &payment.title).worth(words::signed(&payment.difference.text));
        Branch::new(row).naming(Mention::Elsewhere(payment.name.clone()))
    });
    let others = (others > 0).then(|| Branch::new(Row::new(Look::Faint, words::other_payments(others))));
    each.chain(others).collect()
}

/// The changes that earn it.
fn remedy(statement: &Statement, remedy: Option<&Remedy>) -> Branch {
    let Some(remedy) = remedy else { return Branch::new(Row::new(Look::Faint, words::no_remedy())) };
    let effect = &remedy.effect;
    let worth = if effect.payments.is_empty() {
        words::no_payment_changed().to_owned()
    } else {
        words::signed(&effect.difference.text)
    };
    let mut branch = Branch::new(Row::new(Look::Plain, words::remedy(remedy.cells.len())).worth(worth));
    for cell in &remedy.cells {
        let before = cell.before.as_ref().map_or_else(|| words::empty_cell().to_owned(), |value| value.text.clone());
        let change = words::cell_change(&before, &cell.after.text);
        let row = Row::new(Look::Plain, &cell.name).with(Look::Faint, format!(" : {}", cell.meaning)).worth(change);
        let told = statement.inputs.iter().any(|input| input.name == cell.name);
        let line = Branch::new(row);
        branch.below.push(if told { line.naming(Mention::Input(cell.name.clone())) } else { line });
    }
    if effect.figures_kept {
        branch.rows.push(Row::new(Look::Faint, super::headings::FIGURES_KEPT));
    }
    branch
}
