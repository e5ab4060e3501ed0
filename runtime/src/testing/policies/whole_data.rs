//! Aggregates and controls on the whole data.

use super::{Applies, Kind, Named, UNITS, Writer, put};

impl Writer {
    /// Aggregates of what was named so far, and a control on groups.
    pub(super) fn summaries(&mut self) {
        let mut made = Vec::new();
        // An input of type text serves for this only.
        self.line("agrégat effectif\n  réf. article 14\n  nombre par region, annee");
        made.push(Named { name: "effectif".into(), kind: Kind::Number(None), applies: Applies::Anywhere });
        for rank in 0..self.random.below(4) {
            made.push(self.aggregate(rank));
        }
        if self.random.one_in(2) {
            self.group_control();
        }
        self.aggregates.extend(made.clone());
        self.quantities.extend(made);
    }

    fn keys(&mut self) -> String {
        let e = self.random.below(self.cases.len());
        match self.random.below(5) {
            0 => "annee".to_owned(),
            1 => "code".to_owned(),
            2 => format!("sorte{e}"),
            3 => format!("region, sorte{e}"),
            _ => "region, annee".to_owned(),
        }
    }

    /// Starts what asks by itself that all it reads be there: one quantity of some rows at most, since two may share none.
    pub(super) fn open_reading(&mut self) -> (bool, usize) {
        let outer = (std::mem::replace(&mut self.free, true), self.known.len());
        let partly: Vec<&Named> = self.quantities.iter().filter(|named| named.applies == Applies::Partly).collect();
        if !partly.is_empty() {
            let name = partly[self.random.below(partly.len())].name.clone();
            self.known.push(name);
        }
        outer
    }

    pub(super) fn close_reading(&mut self, (free, known): (bool, usize)) {
        self.free = free;
        self.known.truncate(known);
    }

    fn brought(&mut self, kind: Kind) -> String {
        let outer = self.open_reading();
        let text = self.value(kind, 2);
        self.close_reading(outer);
        if kind == Kind::Flag { format!("(({text}) ou ouvert)") } else { text }
    }

    fn aggregate(&mut self, rank: usize) -> Named {
        let name = format!("groupe{rank}");
        let unit = self.unit();
        let kind = Kind::Number(unit);
        let by = self.keys();
        let when = if self.random.one_in(2) { format!(" lorsque {}", self.brought(Kind::Flag)) } else { String::new() };
        let summary = *self.random.pick(&["somme", "moyenne", "maximum", "minimum", "nombre"]);
        if summary == "nombre" {
            put!(self, "agrégat {name}\n  réf. article 14\n  nombre par {by}{when}");
            return Named { name, kind: Kind::Number(None), applies: Applies::Anywhere };
        }
        let value = self.brought(kind);
        let rounding = if summary == "moyenne" || self.random.one_in(3) {
            format!("\n  arrondi à {} décimales", self.random.below(4))
        } else {
            String::new()
        };
        put!(self, "agrégat {name}\n  réf. article 14\n  {summary} de ({value}) par {by}{when}{rounding}");
        let applies = if summary == "somme" { Applies::Anywhere } else { Applies::Partly };
        Named { name, kind, applies }
    }

    fn group_control(&mut self) {
        let by = self.keys();
        let unit = self.random.below(2);
        let digits = self.digits();
        let term = |writer: &mut Self| match writer.random.below(5) {
            0 => format!("compte({}) ≥ 1", writer.brought(Kind::Flag)),
            1 => format!("distincts(region ; {}) ≥ 2", writer.brought(Kind::Flag)),
            2 => format!("somme({}) ≤ {digits} {}", writer.brought(Kind::Number(Some(unit))), UNITS[unit]),
            3 => {
                format!("(maximum({}) à défaut 3) > {digits} {}", writer.brought(Kind::Number(Some(unit))), UNITS[unit])
            }
            _ => format!(
                "(minimum({} ; {}) à défaut 1) < 3",
                writer.brought(Kind::Number(None)),
                writer.brought(Kind::Flag)
            ),
        };
        let (a, b) = (term(self), term(self));
        // Groups of several years belong to none.
        let dated = by.contains("annee") && self.random.one_in(2);
        let years = if dated { "\n  en vigueur depuis 2020" } else { "" };
        put!(self, "contrôle ensemble\n  réf. article 14{years}\n  sur l'ensemble par {by}\n  vérifie ({a}) ou ({b})");
    }
}
