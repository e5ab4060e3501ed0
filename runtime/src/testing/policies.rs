//! Source text of random policies: every construct of the language, types and units right by construction.

use std::fmt::Write as _;

use super::Random;

const YEARS: (i64, i64) = (2018, 2026);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A number, with a unit of the list or none.
    Number(Option<usize>),
    Flag,
    Date,
    Case(usize),
}

const UNITS: [&str; 3] = ["poire", "pomme", "point"];

#[derive(Clone, Debug)]
struct Named {
    name: String,
    kind: Kind,
    /// Applies wherever the policy does.
    everywhere: bool,
    /// May be set to derogate from, adjust or require.
    criterion: bool,
}

struct Writer {
    random: Random,
    text: String,
    cases: Vec<Vec<String>>,
    inputs: Vec<Named>,
    parameters: Vec<Named>,
    quantities: Vec<Named>,
    /// Named later: readable from last year only.
    later: Vec<Named>,
}

/// A policy with about `size` provisions.
#[must_use]
pub fn policy(seed: u64, size: usize) -> String {
    let mut writer = Writer {
        random: Random::new(seed),
        text: String::new(),
        cases: Vec::new(),
        inputs: Vec::new(),
        parameters: Vec::new(),
        quantities: Vec::new(),
        later: Vec::new(),
    };
    writer.head();
    writer.provisions(size);
    writer.text
}

impl Writer {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn head(&mut self) {
        let scope = *self.random.pick(&[
            "",
            "  champ debut ≤ 31 décembre annee (article 1)\n",
            "  champ ouvert ou annee > 2020 (article 1)\n",
        ]);
        self.line("politique essai « Essai »\n  monnaie € arrondie au centime\n  clé code, annee\n  exercice annee\n  texte loi « Loi »");
        self.text.push_str(scope);
        self.line("unité poire, poires\nunité pomme, pommes");
        let _ = writeln!(
            self.text,
            "entrée code : texte\n  « c »\nentrée annee : entier en an, de {} à {}\n  « a »",
            YEARS.0, YEARS.1
        );
        self.line("entrée debut : date\n  « d »\nentrée ouvert : booléen, par défaut vrai\n  « o »");
        self.inputs.push(Named { name: "debut".into(), kind: Kind::Date, everywhere: true, criterion: false });
        self.inputs.push(Named { name: "ouvert".into(), kind: Kind::Flag, everywhere: true, criterion: false });
        for e in 0..1 + self.random.below(2) {
            let cases: Vec<String> = (0..2 + self.random.below(3)).map(|c| format!("cas{e}_{c}")).collect();
            let _ = writeln!(self.text, "énumération genre{e}");
            cases.iter().for_each(|case| {
                let _ = writeln!(self.text, "  cas {case}");
            });
            let default = if self.random.one_in(3) { format!(", par défaut {}", cases[0]) } else { String::new() };
            let _ = writeln!(self.text, "entrée sorte{e} : genre{e}{default}\n  « s »");
            self.inputs.push(Named {
                name: format!("sorte{e}"),
                kind: Kind::Case(e),
                everywhere: true,
                criterion: false,
            });
            self.cases.push(cases);
        }
        for i in 0..4 + self.random.below(6) {
            self.input(i);
        }
        for i in 0..self.random.below(4) {
            let unit = self.unit();
            let name = format!("param{i}");
            let (a, b) = (self.number(unit), self.number(unit));
            if self.random.one_in(2) {
                let _ = writeln!(self.text, "paramètre {name}\n  réf. article 2\n  vaut {a}");
            } else {
                let _ = writeln!(
                    self.text,
                    "paramètre {name}\n  réf. article 2\n  jusqu'en 2021 : {a}\n  depuis 2022 : {b}"
                );
            }
            self.parameters.push(Named { name, kind: Kind::Number(unit), everywhere: true, criterion: false });
        }
    }

    fn input(&mut self, rank: usize) {
        let name = format!("entree{rank}");
        let kind = match self.random.below(7) {
            0 | 1 => Kind::Flag,
            2 => Kind::Date,
            _ => Kind::Number(self.unit()),
        };
        match kind {
            Kind::Flag => {
                let default = *self.random.pick(&["", ", par défaut faux", ", par défaut vrai"]);
                let _ = writeln!(self.text, "entrée {name} : booléen{default}\n  « b »");
            }
            Kind::Date => {
                let default = *self.random.pick(&["", ", par défaut 1er janvier 1900", ", par défaut 9999-12-31"]);
                let _ = writeln!(self.text, "entrée {name} : date{default}\n  « d »");
            }
            _ => {
                let unit = match kind {
                    Kind::Number(Some(unit)) => format!(" en {}", UNITS[unit]),
                    _ => String::new(),
                };
                let low = *self.random.pick(&["0", "0", "0", "1", "-50"]);
                let high = *self.random.pick(&["1", "9", "400", "200 000", "100 000 000"]);
                let (high, low) = if high == "1" && low == "1" { ("2", low) } else { (high, low) };
                let default = if self.random.one_in(2) {
                    format!(", par défaut {}", if low == "1" { "1" } else { "0" })
                } else {
                    String::new()
                };
                let base = if self.random.one_in(2) { "entier" } else { "décimal" };
                let decimals = if base == "décimal" {
                    format!(", à {} décimales", 1 + self.random.below(4))
                } else {
                    String::new()
                };
                let _ =
                    writeln!(self.text, "entrée {name} : {base}{unit}{decimals}, de {low} à {high}{default}\n  « n »");
            }
        }
        self.inputs.push(Named { name, kind, everywhere: true, criterion: false });
    }

    fn unit(&mut self) -> Option<usize> {
        match self.random.below(5) {
            0 | 1 => None,
            2 => Some(0),
            3 => Some(1),
            _ => Some(2),
        }
    }

    fn digits(&mut self) -> String {
        let text = *self.random.pick(&[
            "0", "1", "2", "3", "7", "10", "40", "350", "4 000", "8 000", "0,5", "0,05", "0,452", "1,25", "2 600",
            "450", "0,001",
        ]);
        text.to_owned()
    }

    fn number(&mut self, unit: Option<usize>) -> String {
        let digits = self.digits();
        match unit {
            Some(unit) => format!("{digits} {}", UNITS[unit]),
            None if self.random.one_in(6) => format!("{digits} %"),
            None => digits,
        }
    }

    fn provisions(&mut self, size: usize) {
        let names: Vec<Named> = (0..size)
            .map(|rank| {
                let kind = match self.random.below(8) {
                    0 | 1 => Kind::Flag,
                    2 => Kind::Date,
                    _ => Kind::Number(self.unit()),
                };
                Named { name: format!("q{rank}"), kind, everywhere: true, criterion: false }
            })
            .collect();
        self.line("bloc b\n  réf. article 3\n  total socle total_socle\n  total optionnel total_option\n  prérequis réunis tous_reunis, comptés par combien (article 4)");
        for rank in 0..size {
            self.later = names[rank..].to_vec();
            let named = names[rank].clone();
            self.provision(named);
        }
        self.later.clear();
        let enough = self.value(Kind::Flag, 2);
        self.line(
            "définition somme\n  réf. article 9\n  si tous_reunis ou combien ≥ 1\n  points total_socle + total_option",
        );
        self.quantities.push(Named {
            name: "somme".into(),
            kind: Kind::Number(Some(2)),
            everywhere: true,
            criterion: false,
        });
        let factor = self.value(Kind::Number(None), 2);
        let _ = writeln!(self.text, "versement paye\n  réf. article 9\n  montant somme × 7,13 €/point × ({factor})");
        if self.random.one_in(2) {
            let rate = self.value(Kind::Number(None), 2);
            let _ = writeln!(
                self.text,
                "majoration hausse\n  sur paye\n  réf. article 9\n  taux {rate}\n  plancher -50 %\n  plafond 125 %"
            );
        }
        if self.random.one_in(2) {
            let _ = writeln!(
                self.text,
                "dérogation moins_de_prerequis à tous_reunis\n  réf. article 9\n  si {enough}\n  il suffit de 1 prérequis"
            );
        }
        let shared = self.value(Kind::Flag, 2);
        let blocking = if self.random.one_in(3) { "\n  bloquant" } else { "" };
        let _ =
            writeln!(self.text, "contrôle verif\n  réf. article 9\n  sur chaque ligne\n  vérifie {shared}{blocking}");
        self.mention_everything();
    }

    /// An input or parameter that nothing reads is refused: one definition reads them all.
    fn mention_everything(&mut self) {
        let mut terms = Vec::new();
        for named in self.inputs.iter().chain(&self.parameters) {
            terms.push(match named.kind {
                Kind::Flag => format!("(si {} alors 1 sinon 2)", named.name),
                Kind::Date => format!("(si {} > 1er mars 2020 alors 1 sinon 2)", named.name),
                Kind::Case(e) => format!("(si {} = {} alors 1 sinon 2)", named.name, self.cases[e][0]),
                Kind::Number(None) => named.name.clone(),
                Kind::Number(Some(unit)) => format!("{} / 1 {}", named.name, UNITS[unit]),
            });
        }
        let text =
            format!("définition tout\n  réf. article 9\n  pour tous lorsque ouvert\n  vaut {}", terms.join(" + "));
        self.line(&text);
        // Units must serve too.
        self.line("définition fruits\n  réf. article 9\n  vaut (1 poire / 1 poire) × (2 pommes / 1 pomme)");
    }

    /// A guard of some cases, and its negation by the other cases.
    fn guards(&mut self) -> Option<(String, String)> {
        if self.cases.is_empty() || self.random.one_in(2) {
            return None;
        }
        let e = self.random.below(self.cases.len());
        let cut = 1 + self.random.below(self.cases[e].len() - 1);
        let (some, rest) = self.cases[e].split_at(cut);
        Some((format!("\n  pour {}", some.join(", ")), format!("\n  pour {}", rest.join(", "))))
    }

    fn provision(&mut self, mut named: Named) {
        let name = named.name.clone();
        let guards = self.guards();
        let (first, second) = guards.clone().unwrap_or_default();
        let years = *self.random.pick(&["", "", "", "\n  en vigueur depuis 2020", "\n  en vigueur de 2019 à 2023"]);
        // Half of the guarded quantities are given elsewhere too, by a second provision.
        let twice = guards.is_some() && years.is_empty() && self.random.one_in(2);
        named.everywhere = years.is_empty() && (guards.is_none() || twice);
        match named.kind {
            Kind::Number(Some(2)) => {
                named.criterion = true;
                self.criterion(&name, &first, years);
                if twice {
                    self.criterion(&name, &second, years);
                }
            }
            kind => {
                let one = self.body(kind);
                let _ = writeln!(self.text, "définition {name}\n  réf. article 5{first}{years}\n{one}");
                if twice {
                    let other = self.body(kind);
                    let _ = writeln!(self.text, "définition {name}\n  réf. article 5{second}{years}\n{other}");
                }
            }
        }
        if self.random.one_in(6) {
            let condition = self.value(Kind::Flag, 1);
            let value = self.value(named.kind, 1);
            let _ = writeln!(
                self.text,
                "dérogation exception_{name} à {name}\n  réf. article 6\n  si {condition}\n  vaut {value}"
            );
            if self.random.one_in(2) {
                let (condition, value) = (self.value(Kind::Flag, 1), self.value(named.kind, 1));
                let order =
                    if self.random.one_in(2) { format!("\n  prime sur exception_{name}") } else { String::new() };
                let _ = writeln!(
                    self.text,
                    "dérogation autre_{name} à {name}\n  réf. article 6{order}\n  si ouvert et non ({condition})\n  vaut {value}"
                );
            }
        }
        if named.criterion && self.random.one_in(3) {
            let value = self.value(Kind::Number(Some(2)), 1);
            let _ = writeln!(
                self.text,
                "minoration moins_{name}\n  sur {name}\n  réf. article 7{first}{years}\n  points {value}\n  plancher 0"
            );
        }
        if self.random.one_in(8) {
            let from = self.value(Kind::Date, 1);
            let until = if self.random.one_in(2) {
                format!("\n  jusqu'au {}", self.value(Kind::Date, 1))
            } else {
                String::new()
            };
            let _ = writeln!(
                self.text,
                "prorata part_{name}\n  réf. article 8\n  à compter du {from}{until}\n  nombre de jours jours_{name}"
            );
            self.quantities.push(Named {
                name: format!("part_{name}"),
                kind: Kind::Number(None),
                everywhere: true,
                criterion: false,
            });
        }
        self.quantities.push(named);
    }

    fn body(&mut self, kind: Kind) -> String {
        let mut text = match kind {
            Kind::Flag => format!("  vrai si {}", self.value(Kind::Flag, 3)),
            _ => format!("  vaut {}", self.value(kind, 3)),
        };
        if matches!(kind, Kind::Number(_)) {
            if self.random.one_in(4) {
                let _ = write!(text, "\n  si {}", self.value(Kind::Flag, 1));
            }
            if self.random.one_in(5) {
                let _ = write!(text, "\n  plafond {}", self.value(kind, 1));
            }
            if self.random.one_in(6) {
                let _ = write!(text, "\n  plancher {} lorsque {}", self.value(kind, 1), self.value(Kind::Flag, 1));
            }
            if self.random.one_in(6) {
                let _ = write!(text, "\n  prorata {}", self.value(Kind::Number(None), 1));
            }
        }
        text
    }

    fn criterion(&mut self, name: &str, guard: &str, years: &str) {
        let level = *self.random.pick(&["socle", "optionnel"]);
        let _ = write!(self.text, "critère {name}\n  du bloc b, {level}\n  réf. article 5{guard}{years}");
        match self.random.below(4) {
            0 => {
                let condition = self.value(Kind::Flag, 2);
                let _ = write!(self.text, "\n  prérequis requis_{name} si {condition}");
            }
            1 => {
                let condition = self.value(Kind::Flag, 2);
                let _ = write!(self.text, "\n  si {condition}");
            }
            _ => {}
        }
        for _ in 0..1 + self.random.below(2) {
            let amount = match self.random.below(4) {
                0 => {
                    let (a, b) = (self.digits(), self.random.pick(&["1", "4 000", "2 600"]).to_string());
                    let unit = self.random.below(2);
                    let quantity = self.value(Kind::Number(Some(unit)), 1);
                    let limit = if self.random.one_in(2) {
                        format!(", dans la limite de {} {}", self.digits(), UNITS[unit])
                    } else {
                        String::new()
                    };
                    format!("variables {a} par {b} {} de {quantity}{limit}", UNITS[unit])
                }
                1 => format!("fixes {}", self.digits()),
                _ => self.value(Kind::Number(Some(2)), 2),
            };
            let when =
                if self.random.one_in(4) { format!(" lorsque {}", self.value(Kind::Flag, 1)) } else { String::new() };
            let _ = write!(self.text, "\n  points {amount}{when}");
        }
        if self.random.one_in(5) {
            let factor = self.value(Kind::Number(None), 1);
            let _ = write!(self.text, "\n  prorata {factor}");
        }
        self.text.push('\n');
    }

    /// Something of that kind already named, as it may be read here.
    fn named(&mut self, kind: Kind) -> Option<String> {
        let pool: Vec<Named> = self
            .inputs
            .iter()
            .chain(&self.parameters)
            .chain(&self.quantities)
            .filter(|named| named.kind == kind)
            .cloned()
            .collect();
        if pool.is_empty() {
            return None;
        }
        let named = self.random.pick(&pool).clone();
        if named.everywhere {
            return Some(named.name);
        }
        let default = self.simple(kind);
        Some(format!("({} à défaut {default})", named.name))
    }

    fn simple(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Number(unit) => self.number(unit),
            Kind::Flag => self.random.pick(&["vrai", "faux"]).to_string(),
            Kind::Date => self
                .random
                .pick(&["1er janvier 2020", "31/12/2023", "2024-02-29", "1er juillet annee", "31 décembre annee"])
                .to_string(),
            Kind::Case(e) => self.cases[e][0].clone(),
        }
    }

    fn value(&mut self, kind: Kind, depth: usize) -> String {
        if depth == 0 || self.random.one_in(4) {
            if !self.random.one_in(4)
                && let Some(name) = self.named(kind)
            {
                return name;
            }
            return self.simple(kind);
        }
        if self.random.one_in(12) {
            let pool: Vec<Named> =
                self.later.iter().chain(&self.quantities).filter(|n| n.kind == kind).cloned().collect();
            if !pool.is_empty() {
                let name = self.random.pick(&pool).name.clone();
                // A bare zero would leave the type to be guessed.
                let default = if kind == Kind::Number(None) { "1".to_owned() } else { self.simple(kind) };
                return format!("(précédent({name}) à défaut {default})");
            }
        }
        let next = depth - 1;
        if self.random.one_in(6) {
            let condition = self.value(Kind::Flag, next);
            let (a, b) = (self.value(kind, next), self.value(kind, next));
            return format!("(si {condition} alors {a} sinon {b})");
        }
        match kind {
            Kind::Number(unit) => self.arithmetic(unit, next),
            Kind::Flag => self.truth(next),
            Kind::Date => {
                let date = self.value(Kind::Date, next);
                match self.random.below(3) {
                    0 => format!("max({date} ; {})", self.simple(Kind::Date)),
                    1 => format!("min({date} ; {})", self.simple(Kind::Date)),
                    _ => format!(
                        "({date} {})",
                        self.random.pick(&["+ 1 an", "+ 13 mois", "- 1 mois", "+ 45 jours", "- 2 ans"])
                    ),
                }
            }
            Kind::Case(_) => self.simple(kind),
        }
    }

    fn arithmetic(&mut self, unit: Option<usize>, next: usize) -> String {
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
                // A division by data, guarded against zero or not.
                let other = self.random.below(2);
                let (a, b) = (self.value(Kind::Number(Some(other)), next), self.value(Kind::Number(Some(other)), next));
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
            _ => match unit {
                None => match self.random.below(4) {
                    0 => format!(
                        "((nombre de jours du {} au {}) / 1 jour)",
                        self.value(Kind::Date, next),
                        self.simple(Kind::Date)
                    ),
                    1 => "((nombre de jours de annee) / 1 jour)".to_owned(),
                    2 => format!("((année({}) - 2000) / 1 an)", self.value(Kind::Date, next)),
                    _ => format!("mois({})", self.value(Kind::Date, next)),
                },
                Some(_) => format!("-({})", self.value(same, next)),
            },
        }
    }

    fn truth(&mut self, next: usize) -> String {
        match self.random.below(8) {
            0 => format!("({} et {})", self.value(Kind::Flag, next), self.value(Kind::Flag, next)),
            1 => format!("({} ou {})", self.value(Kind::Flag, next), self.value(Kind::Flag, next)),
            2 => format!("non ({})", self.value(Kind::Flag, next)),
            3 => {
                let e = self.random.below(self.cases.len());
                format!("sorte{e} parmi {}", self.cases[e][..1 + self.random.below(self.cases[e].len())].join(", "))
            }
            4 => {
                let conditions: Vec<String> = (0..3).map(|_| self.value(Kind::Flag, next)).collect();
                format!("au moins 2 parmi ({})", conditions.join(" ; "))
            }
            5 => {
                let op = *self.random.pick(&["<", "≤", ">", "≥", "=", "≠"]);
                format!("({}) {op} ({})", self.value(Kind::Date, next), self.value(Kind::Date, next))
            }
            _ => {
                let unit = self.unit();
                let op = *self.random.pick(&["<", "≤", ">", "≥", "=", "≠"]);
                format!("({}) {op} ({})", self.value(Kind::Number(unit), next), self.value(Kind::Number(unit), next))
            }
        }
    }
}
