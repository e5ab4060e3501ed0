//! Expressions of a kind, from what was named before.

use super::{Applies, Kind, Named, UNITS, Writer, YEAR};

impl Writer {
    pub(super) fn unit(&mut self) -> Option<usize> {
        match self.random.below(14) {
            0..=4 => None,
            5 | 6 => Some(0),
            7 | 8 => Some(1),
            9..=11 => Some(super::POINT),
            12 => Some(super::EURO),
            _ => Some(YEAR),
        }
    }

    pub(super) fn digits(&mut self) -> String {
        let text = *self.random.pick(&[
            "0", "1", "2", "3", "7", "10", "40", "350", "4 000", "8 000", "0,5", "0,05", "0,452", "1,25", "2 600",
            "450", "0,001",
        ]);
        text.to_owned()
    }

    pub(super) fn number(&mut self, unit: Option<usize>) -> String {
        let digits = self.digits();
        match unit {
            Some(YEAR) if self.random.one_in(2) => "2 021 ans".to_owned(),
            Some(unit) => format!("{digits} {}", UNITS[unit]),
            None if self.random.one_in(6) => format!("{digits} %"),
            None => digits,
        }
    }

    /// Whether a name may be read as it is, in what is being written.
    fn bare(&self, named: &Named) -> bool {
        (self.free && self.asked_for(named))
            || self.known.contains(&named.name)
            || match named.applies {
                Applies::Anywhere => true,
                Applies::WithFile(file) => file == self.file || self.everywhere[file],
                Applies::Partly => false,
            }
    }

    fn asked_for(&self, named: &Named) -> bool {
        named.applies != Applies::Partly || self.optional.iter().any(|input| input.name == named.name)
    }

    /// Inputs and quantities that may have no value in what is being written.
    pub(super) fn uncertain(&mut self) -> Option<String> {
        let computed = if self.inputs_only { &[][..] } else { &self.quantities };
        let pool: Vec<&Named> = self.optional.iter().chain(computed).filter(|named| !self.bare(named)).collect();
        if pool.is_empty() {
            return None;
        }
        let named = pool[self.random.below(pool.len())];
        Some(named.name.clone())
    }

    /// Something of that kind already named, as it may be read here.
    fn named(&mut self, kind: Kind) -> Option<String> {
        let computed = if self.inputs_only { &[][..] } else { &self.quantities };
        let pool: Vec<&Named> = self
            .inputs
            .iter()
            .chain(&self.parameters)
            .chain(&self.optional)
            .chain(computed)
            .filter(|named| named.kind == kind)
            .collect();
        // What was just proved is there to be read.
        let proved: Vec<&Named> = pool.iter().copied().filter(|named| self.known.contains(&named.name)).collect();
        let pool = if !proved.is_empty() && self.random.one_in(2) { proved } else { pool };
        if pool.is_empty() {
            return None;
        }
        let named = pool[self.random.below(pool.len())].clone();
        if self.bare(&named) {
            return Some(named.name);
        }
        let default = self.simple(kind);
        Some(format!("({} à défaut {default})", named.name))
    }

    pub(super) fn simple(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Number(unit) => self.number(unit),
            Kind::Flag => self.random.pick(&["vrai", "faux"]).to_string(),
            Kind::Date => self
                .random
                .pick(&["1er janvier 2020", "31/12/2023", "2024-02-29", "1er juillet annee", "31 décembre annee"])
                .to_string(),
            Kind::Case(e) => {
                let case = self.random.below(self.cases[e].len());
                self.cases[e][case].clone()
            }
        }
    }

    /// A condition that no constant rules out.
    pub(super) fn open_condition(&mut self, depth: usize) -> String {
        format!("(({}) ou ouvert)", self.value(Kind::Flag, depth))
    }

    pub(super) fn value(&mut self, kind: Kind, depth: usize) -> String {
        if depth == 0 || self.random.one_in(4) {
            if !self.random.one_in(4)
                && let Some(name) = self.named(kind)
            {
                return name;
            }
            return self.simple(kind);
        }
        let next = depth - 1;
        match self.random.below(24) {
            0..=2 => {
                if let Some(past) = self.past(kind) {
                    return past;
                }
            }
            3..=5 => {
                if let Some(name) = self.uncertain() {
                    self.known.push(name.clone());
                    let there = self.value(kind, next);
                    self.known.pop();
                    let elsewhere = self.value(kind, next);
                    return if self.random.one_in(3) {
                        format!("(si {name} est vide alors {elsewhere} sinon {there})")
                    } else {
                        format!("(si {name} est renseigné alors {there} sinon {elsewhere})")
                    };
                }
            }
            6..=8 => {
                let condition = self.value(Kind::Flag, next);
                let (a, b) = (self.value(kind, next), self.value(kind, next));
                return format!("(si {condition} alors {a} sinon {b})");
            }
            _ => {}
        }
        match kind {
            Kind::Number(unit) => self.arithmetic(unit, next),
            Kind::Flag => self.truth(next),
            Kind::Date => self.date(next),
            Kind::Case(_) if self.random.one_in(2) => {
                let subject = self.random.below(2);
                let of = self.value(Kind::Number(Some(subject)), next);
                let (a, b) = (self.value(kind, next), self.simple(kind));
                format!("(par palier de {of} moins de 3 : {a} sinon : {b})")
            }
            Kind::Case(_) => {
                let (condition, a) = (self.value(Kind::Flag, next), self.simple(kind));
                format!("(si {condition} alors {a} sinon {})", self.simple(kind))
            }
        }
    }

    /// What an earlier row may be asked for.
    fn pasts(&self) -> Vec<Named> {
        let computed = if self.inputs_only { (&[][..], &[][..]) } else { (&self.later[..], &self.quantities[..]) };
        let pool = self.inputs.iter().chain(&self.optional).chain(computed.1).chain(computed.1).cloned();
        // The type of what is named later is not known yet where its default is a case.
        let later = computed.0.iter().filter(|named| !matches!(named.kind, Kind::Case(_))).cloned();
        pool.chain(later).filter(|named| !named.name.starts_with('<') && !named.name.contains("<id>")).collect()
    }

    /// A value of an earlier row.
    fn past(&mut self, kind: Kind) -> Option<String> {
        let pool: Vec<Named> = self.pasts().into_iter().filter(|named| named.kind == kind).collect();
        if pool.is_empty() {
            return None;
        }
        let name = self.random.pick(&pool).name.clone();
        let reach = *self.random.pick(&["précédent", "antérieur"]);
        // A bare zero would leave the type to be guessed.
        let default = match kind {
            Kind::Number(None) => "1".to_owned(),
            // A default may be computed, of what the row has.
            _ if self.random.one_in(4) => self.value(kind, 0),
            _ => self.simple(kind),
        };
        Some(format!("({reach}({name}) à défaut {default})"))
    }

    fn date(&mut self, next: usize) -> String {
        let date = self.value(Kind::Date, next);
        match self.random.below(5) {
            0 => format!("max({date} ; {})", self.simple(Kind::Date)),
            1 => format!("min({date} ; {})", self.value(Kind::Date, next)),
            _ => format!("({date} {})", self.shift(next)),
        }
    }

    /// A sign and a count of years, months or days, written or computed.
    pub(super) fn shift(&mut self, next: usize) -> String {
        let unit = *self.random.pick(&["an", "mois", "jour"]);
        match self.random.below(12) {
            0..=2 => self
                .random
                .pick(&[
                    "+ 1 an",
                    "+ 13 mois",
                    "- 1 mois",
                    "+ 45 jours",
                    "- 2 ans",
                    "+ 12 ans",
                    "- 700 mois",
                    "+ 9 000 ans",
                ])
                .to_string(),
            3 => format!("+ (annee - année({}))", self.value(Kind::Date, next)),
            4 => "+ 3 × (annee - 2020)".to_owned(),
            5 => format!("- années_révolues({} ; {})", self.value(Kind::Date, next), self.simple(Kind::Date)),
            6 => format!("+ mois_révolus({} ; {})", self.simple(Kind::Date), self.value(Kind::Date, next)),
            7 => format!("- trimestre({}) × 3 mois", self.value(Kind::Date, next)),
            8 => {
                let (from, to) = (self.value(Kind::Date, next), self.simple(Kind::Date));
                format!("+ (nombre de jours du {from} au {to} exclu)")
            }
            9 => format!("+ arrondi({} ; 0) × 1 {unit}", self.value(Kind::Number(None), next)),
            10 => format!("- arrondi({} ; 0) × 12 {unit}", self.value(Kind::Number(None), next)),
            // Whole or not, as the row has it.
            _ => match self.named(Kind::Number(None)).filter(|name| name.contains(['e', 'q', '_'])) {
                Some(name) => format!("+ {name} × 1 {unit}"),
                None => format!("+ mois(debut) × 1 {unit}"),
            },
        }
    }

    pub(super) fn arithmetic(&mut self, unit: Option<usize>, next: usize) -> String {
        let same = Kind::Number(unit);
        match self.random.below(12) {
            0 | 1 => format!("({} + {})", self.value(same, next), self.value(same, next)),
            2 => format!("({} - {})", self.value(same, next), self.value(same, next)),
            3 | 4 => format!("{} × {}", self.value(same, next), self.value(Kind::Number(None), next)),
            5 => {
                let divisor = self.random.pick(&["4 000", "7", "0,05", "366"]).to_string();
                format!("{} / {divisor}", self.value(same, next))
            }
            6 => {
                // A division by data, guarded against zero or not; a written zero would be refused.
                let other = self.random.below(2);
                let a = self.value(Kind::Number(Some(other)), next);
                let b = format!("{} + mois(debut) × 0 {}", self.value(Kind::Number(Some(other)), next), UNITS[other]);
                let ratio = if self.random.one_in(4) {
                    format!("({a}) / ({b})")
                } else {
                    format!("(si ({b}) = 0 alors 0 sinon ({a}) / ({b}))")
                };
                match unit {
                    None => format!("({ratio})"),
                    Some(unit) => format!("(1 {} × ({ratio}))", UNITS[unit]),
                }
            }
            7 => format!("min({} ; {})", self.value(same, next), self.value(same, next)),
            8 => format!("(max({} ; {}))", self.value(same, next), self.value(same, next)),
            9 => {
                let subject = Some(self.random.below(2));
                let of = self.value(Kind::Number(subject), next);
                let (a, b, c) = (self.value(same, next), self.value(same, next), self.value(same, next));
                format!("(par palier de {of} moins de 3 : {a} de 3 à moins de 10 : {b} sinon : {c})")
            }
            10 => match unit {
                None => format!(
                    "arrondi{}({} ; {})",
                    self.random.pick(&["", "_inférieur", "_supérieur"]),
                    self.value(same, next),
                    self.random.below(4)
                ),
                Some(unit) => {
                    let of = self.random.below(2);
                    let subject = self.value(Kind::Number(Some(of)), next);
                    let u = UNITS[unit];
                    format!(
                        "(par tranche de max({subject} ; 0) jusqu'à 8 : {} {u} par 4 {f} au-delà : {} {u} par {f})",
                        self.digits(),
                        self.digits(),
                        f = UNITS[of]
                    )
                }
            },
            _ => self.of_dates(unit, next),
        }
    }

    /// A number that dates give.
    fn of_dates(&mut self, unit: Option<usize>, next: usize) -> String {
        match unit {
            None => match self.random.below(7) {
                0 => format!(
                    "((nombre de jours du {} au {}) / 1 jour)",
                    self.value(Kind::Date, next),
                    self.simple(Kind::Date)
                ),
                1 => "((nombre de jours de annee) / 1 jour)".to_owned(),
                2 => format!("((année({}) - 2000) / 1 an)", self.value(Kind::Date, next)),
                3 => format!("trimestre({})", self.value(Kind::Date, next)),
                4 => {
                    let (from, to) = (self.value(Kind::Date, next), self.value(Kind::Date, next));
                    format!("((nombre de jours du {from} au {to} exclu) / 1 jour)")
                }
                5 => format!(
                    "(mois_révolus({} ; {}) / 1 mois)",
                    self.value(Kind::Date, next),
                    self.value(Kind::Date, next)
                ),
                _ => format!("mois({})", self.value(Kind::Date, next)),
            },
            Some(YEAR) if self.random.one_in(2) => format!("année({})", self.value(Kind::Date, next)),
            Some(YEAR) => {
                format!("années_révolues({} ; {})", self.value(Kind::Date, next), self.value(Kind::Date, next))
            }
            Some(_) => format!("-({})", self.value(Kind::Number(unit), next)),
        }
    }

    fn truth(&mut self, next: usize) -> String {
        match self.random.below(11) {
            0 => format!("({} et {})", self.value(Kind::Flag, next), self.value(Kind::Flag, next)),
            1 => format!("({} ou {})", self.value(Kind::Flag, next), self.value(Kind::Flag, next)),
            2 => format!("non ({})", self.value(Kind::Flag, next)),
            3 => {
                let e = self.random.below(self.cases.len());
                let cases = self.cases[e][..1 + self.random.below(self.cases[e].len())].join(", ");
                format!("(({}) parmi {cases})", self.value(Kind::Case(e), next))
            }
            4 => {
                let conditions: Vec<String> = (0..3).map(|_| self.value(Kind::Flag, next)).collect();
                format!("au moins 2 parmi ({})", conditions.join(" ; "))
            }
            5 => {
                let op = *self.random.pick(&["<", "≤", ">", "≥", "=", "≠"]);
                format!("(({}) {op} ({}))", self.value(Kind::Date, next), self.value(Kind::Date, next))
            }
            6 => {
                let e = self.random.below(self.cases.len());
                let op = *self.random.pick(&["=", "≠"]);
                let case = self.simple(Kind::Case(e));
                format!("(({}) {op} {case})", self.value(Kind::Case(e), next))
            }
            7 => match self.uncertain() {
                None => "(annee ≥ 2021)".to_owned(),
                Some(name) => {
                    let (word, link) = *self.random.pick(&[("renseigné", "et"), ("vide", "ou")]);
                    if self.random.one_in(3) {
                        return format!("({name} est {word})");
                    }
                    self.known.push(name.clone());
                    let rest = self.value(Kind::Flag, next);
                    self.known.pop();
                    format!("({name} est {word} {link} {rest})")
                }
            },
            8 => {
                let pool = self.pasts();
                let name = self.random.pick(&pool).name.clone();
                let reach = *self.random.pick(&["précédent", "antérieur"]);
                format!("({reach}({name}) est {})", self.random.pick(&["renseigné", "vide"]))
            }
            _ => {
                let unit = self.unit();
                let op = *self.random.pick(&["<", "≤", ">", "≥", "=", "≠"]);
                format!("(({}) {op} ({}))", self.value(Kind::Number(unit), next), self.value(Kind::Number(unit), next))
            }
        }
    }
}
