//! Constructs over years, schedules, exclusions.

use super::{Applies, EURO, Kind, Named, POINT, UNITS, Writer, YEAR, put};

impl Writer {
    /// « conservé lorsque … ».
    pub(super) fn keeps(&mut self) -> String {
        format!("\n  conservé lorsque {}", self.value(Kind::Flag, 1))
    }

    /// A first year or a sum since one, where the kind has one.
    pub(super) fn over_years(&mut self, named: &Named, guard: &str, years: &str) -> bool {
        let name = &named.name;
        match named.kind {
            Kind::Number(Some(YEAR)) => {
                let condition = self.value(Kind::Flag, 2);
                put!(self, "définition {name}\n  réf. article 11{guard}{years}\n  première année où {condition}");
            }
            // A criterion and a payment say neither.
            Kind::Number(unit) if unit != Some(POINT) && unit != Some(EURO) => {
                let value = self.value(named.kind, 2);
                let since = match self.random.below(4) {
                    0 => "2019".to_owned(),
                    1 => "(annee - 2 ans)".to_owned(),
                    2 => format!("année({})", self.value(Kind::Date, 1)),
                    _ => "2021".to_owned(),
                };
                put!(
                    self,
                    "définition {name}\n  réf. article 11{guard}{years}\n  cumul de ({value}) à compter de {since}"
                );
            }
            _ => return false,
        }
        true
    }

    /// A schedule: two dates, an end, a recovery, a total.
    pub(super) fn schedule(&mut self) {
        let guard = match self.uncertain() {
            Some(name) if self.random.one_in(3) => format!("\n  pour tous lorsque {name} est renseigné"),
            _ => String::new(),
        };
        let mut text = format!("échéancier calendrier\n  réf. article 12{guard}");
        if self.random.one_in(2) {
            let end = self.due_date();
            text.push_str(&format!("\n  interrompu le {end}"));
        }
        for line in ["acompte", "solde"] {
            let rate = match self.random.below(3) {
                0 => "50 %".to_owned(),
                1 => "0,333".to_owned(),
                _ => format!("({})", self.value(Kind::Number(None), 1)),
            };
            let (amount, date) = (self.amount(), self.due_date());
            let when =
                if self.random.one_in(3) { format!(" lorsque {}", self.value(Kind::Flag, 1)) } else { String::new() };
            text.push_str(&format!("\n  échéance {line} : {rate} de {amount} le {date}{when}"));
        }
        let recovery = self.random.one_in(2);
        if recovery {
            let (amount, end) = (self.amount(), self.due_date());
            let (from, to) = (self.due_date(), self.due_date());
            text.push_str(&format!("\n  récupération repris : {amount} au {end}, du {from} au ({to} + 5 ans)"));
        }
        text.push_str("\n  total calendrier_total");
        self.line(&text);
        let names = ["acompte", "solde", "calendrier_total"].into_iter().chain(recovery.then_some("repris"));
        for name in names {
            let kind = Kind::Number(Some(EURO));
            self.quantities.push(Named { name: name.into(), kind, applies: Applies::Partly });
        }
    }

    /// A date whose optional cells the schedule asks for by itself.
    fn due_date(&mut self) -> String {
        match self.random.below(4) {
            0 => "fin".to_owned(),
            1 => format!("(fin {})", self.shift(0)),
            2 => format!("(debut {})", self.shift(0)),
            _ => format!("({})", self.value(Kind::Date, 1)),
        }
    }

    /// An amount; where a quantity that it reads is without object, so is the line.
    fn amount(&mut self) -> String {
        let outer = self.open_reading();
        let amount = if self.random.one_in(2) {
            format!("({})", self.value(Kind::Number(Some(EURO)), 1))
        } else {
            let unit = self.random.below(3);
            format!("(({}) × 1,5 €/{})", self.value(Kind::Number(Some(unit)), 1), UNITS[unit])
        };
        self.close_reading(outer);
        amount
    }

    /// Exclusions among what was named: by a condition on inputs, by one another, by earlier years.
    pub(super) fn exclusions(&mut self) {
        let name = format!("exclu{}", self.exclusions);
        self.exclusions += 1;
        let targets: Vec<String> = self
            .quantities
            .iter()
            .filter(|named| matches!(named.kind, Kind::Flag | Kind::Number(_)) && named.name.starts_with('q'))
            .filter(|named| !named.name.contains('_'))
            .map(|named| named.name.clone())
            .collect();
        if targets.is_empty() {
            return;
        }
        let one = self.random.pick(&targets).clone();
        let head = format!("non cumul {name} « Non cumul »\n  réf. article 13");
        match self.random.below(4) {
            0 => {
                let outer = std::mem::replace(&mut self.inputs_only, true);
                let condition = self.value(Kind::Flag, 2);
                self.inputs_only = outer;
                let other = self.random.pick(&targets).clone();
                let list = if other == one { one } else { format!("{one}, {other}") };
                put!(self, "{head}\n  si {condition}\n  annule {list}");
            }
            1 | 2 if targets.len() > 1 => {
                let first = self.random.below(targets.len() - 1);
                let mut list = vec![targets[first].clone()];
                for target in &targets[first + 1..] {
                    if list.len() == 1 || self.random.one_in(3) {
                        list.push(target.clone());
                    }
                }
                put!(self, "{head}\n  entre {}", list.join(", "));
            }
            3 => put!(self, "{head}\n  une seule fois {one}"),
            _ => {}
        }
    }
}
