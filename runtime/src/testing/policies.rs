//! Source text of random policies: every construct of the language, types and units right by construction, what is read
//! proved to be there or given a default.
//!
//! A policy is two files: the second is a part with a field of its own. Names are given in order, and a provision reads of its
//! own row what was named before it only. Provisions of the first half depend on no aggregate; aggregates sum them up, and
//! those of the second half read aggregates.

mod expressions;
mod over_years;
mod whole_data;

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

const UNITS: [&str; 5] = ["poire", "pomme", "point", "€", "an"];
const POINT: usize = 2;
const EURO: usize = 3;
const YEAR: usize = 4;

/// Where something has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Applies {
    Anywhere,
    /// Wherever the provisions of a file apply.
    WithFile(usize),
    Partly,
}

#[derive(Clone, Debug)]
struct Named {
    name: String,
    kind: Kind,
    applies: Applies,
}

struct Writer {
    random: Random,
    /// The file of the policy, and that of a part.
    texts: [String; 2],
    /// The file being written.
    file: usize,
    /// Whether the provisions of each file govern every row.
    everywhere: [bool; 2],
    /// Cases by enumeration.
    cases: Vec<Vec<String>>,
    /// Enumerations whose input is never empty: provisions distinguish their cases.
    distinguished: Vec<usize>,
    /// Inputs that may be read anywhere.
    inputs: Vec<Named>,
    /// Inputs that may be empty.
    optional: Vec<Named>,
    parameters: Vec<Named>,
    quantities: Vec<Named>,
    /// Named later: readable from last year only.
    later: Vec<Named>,
    /// Names proved to have a value in what is being written.
    known: Vec<String>,
    /// Optional inputs, and quantities that apply wherever their file does, are read by their names: the construct asks by
    /// itself that they be there.
    free: bool,
    /// Nothing computed is read.
    inputs_only: bool,
    aggregates: Vec<Named>,
    exclusions: usize,
    with_table: bool,
}

/// The files of a policy with about `size` provisions: their names and texts.
#[must_use]
pub fn policy(seed: u64, size: usize) -> Vec<(String, String)> {
    let mut writer = Writer {
        random: Random::new(seed),
        texts: Default::default(),
        file: 0,
        everywhere: [false; 2],
        cases: Vec::new(),
        distinguished: Vec::new(),
        inputs: Vec::new(),
        optional: Vec::new(),
        parameters: Vec::new(),
        quantities: Vec::new(),
        later: Vec::new(),
        known: Vec::new(),
        free: false,
        inputs_only: false,
        aggregates: Vec::new(),
        exclusions: 0,
        with_table: false,
    };
    writer.head();
    writer.provisions(size);
    let [policy, part] = writer.texts;
    vec![("essai.pol".to_owned(), policy), ("partie.pol".to_owned(), part)]
}

/// A line of a declaration.
macro_rules! put {
    ($writer:expr, $($argument:tt)*) => {{
        let line = format!($($argument)*);
        $writer.line(&line);
    }};
}
use put;

impl Writer {
    fn line(&mut self, text: &str) {
        let file = self.file;
        self.texts[file].push_str(text);
        self.texts[file].push('\n');
    }

    // ------------------------------------------------------------------------------------------------ what is given

    fn head(&mut self) {
        let scope = *self.random.pick(&[
            "",
            "\n  champ debut ≤ 31 décembre annee (article 1)",
            "\n  champ ouvert ou annee > 2020 (article 1)",
            "\n  champ fin est vide ou fin ≥ 1er janvier annee (article 1)",
        ]);
        self.everywhere[0] = scope.is_empty();
        put!(
            self,
            "politique essai « Essai »\n  monnaie € arrondie au centime\n  clé code, annee\n  exercice annee\n  texte loi « Loi »{scope}"
        );
        self.line("unité poire, poires\nunité pomme, pommes\nentrée code : texte\n  « c »");
        put!(self, "entrée annee : entier en an, de {} à {}\n  « a »", YEARS.0, YEARS.1);
        self.line("entrée debut : date\n  « d »\nentrée ouvert : booléen, par défaut vrai\n  « o »");
        let dates =
            *self.random.pick(&["", ", de 1er janvier 2000 à 31 décembre 2040", ", de 2019-02-28 à 2024-02-29"]);
        put!(self, "entrée fin : date{dates}, facultative\n  « f »\nentrée region : texte, facultative\n  « r »");
        self.given("annee", Kind::Number(Some(YEAR)));
        self.given("debut", Kind::Date);
        self.given("ouvert", Kind::Flag);
        self.may_be_empty("fin", Kind::Date);
        for _ in 0..1 + self.random.below(2) {
            self.enumeration(false);
        }
        self.enumeration(true);
        for i in 0..5 + self.random.below(7) {
            self.input(i);
        }
        for i in 0..self.random.below(4) {
            self.parameter(i);
        }
        self.with_table = self.random.one_in(2);
        if self.with_table {
            self.table();
        }
    }

    fn given(&mut self, name: &str, kind: Kind) {
        self.inputs.push(Named { name: name.into(), kind, applies: Applies::Anywhere });
    }

    fn may_be_empty(&mut self, name: &str, kind: Kind) {
        self.optional.push(Named { name: name.into(), kind, applies: Applies::Partly });
    }

    fn enumeration(&mut self, optional: bool) {
        let e = self.cases.len();
        let cases: Vec<String> = (0..2 + self.random.below(3)).map(|c| format!("cas{e}_{c}")).collect();
        put!(self, "énumération genre{e}");
        cases.iter().for_each(|case| put!(self, "  cas {case}"));
        let default = match (optional, self.random.below(3)) {
            (true, _) => ", facultative".to_owned(),
            (false, 0) => format!(", par défaut {}", cases[0]),
            _ => String::new(),
        };
        put!(self, "entrée sorte{e} : genre{e}{default}\n  « s »");
        self.cases.push(cases);
        if optional {
            self.may_be_empty(&format!("sorte{e}"), Kind::Case(e));
        } else {
            self.distinguished.push(e);
            self.given(&format!("sorte{e}"), Kind::Case(e));
        }
    }

    fn input(&mut self, rank: usize) {
        let name = format!("entree{rank}");
        let kind = match self.random.below(7) {
            0 | 1 => Kind::Flag,
            2 => Kind::Date,
            _ => Kind::Number(self.unit()),
        };
        let optional = self.random.one_in(3);
        let default = |writer: &mut Self, defaults: &[&'static str]| {
            if optional { ", facultative" } else { writer.random.pick(defaults) }
        };
        match kind {
            Kind::Flag => {
                let default = default(self, &["", ", par défaut faux", ", par défaut vrai"]);
                put!(self, "entrée {name} : booléen{default}\n  « b »");
            }
            Kind::Date => {
                let default = default(self, &["", ", par défaut 1er janvier 1900", ", par défaut 9999-12-31"]);
                put!(self, "entrée {name} : date{default}\n  « d »");
            }
            _ => {
                let unit = match kind {
                    Kind::Number(Some(unit)) => format!(" en {}", UNITS[unit]),
                    _ => String::new(),
                };
                let low = *self.random.pick(&["0", "0", "0", "1", "-50"]);
                let high = *self.random.pick(&["2", "9", "400", "200 000", "100 000 000"]);
                let default = default(self, if low == "1" { &["", ", par défaut 1"] } else { &["", ", par défaut 0"] });
                let base = if self.random.one_in(2) { "entier" } else { "décimal" };
                let decimals = if base == "décimal" {
                    format!(", à {} décimales", 1 + self.random.below(4))
                } else {
                    String::new()
                };
                put!(self, "entrée {name} : {base}{unit}{decimals}, de {low} à {high}{default}\n  « n »");
            }
        }
        if optional {
            self.may_be_empty(&name, kind);
        } else {
            self.given(&name, kind);
        }
    }

    fn parameter(&mut self, rank: usize) {
        let unit = self.unit();
        let name = format!("param{rank}");
        let (a, b) = (self.number(unit), self.number(unit));
        if self.random.one_in(2) {
            put!(self, "paramètre {name}\n  réf. article 2\n  vaut {a}");
        } else {
            put!(self, "paramètre {name}\n  réf. article 2\n  jusqu'en 2021 : {a}\n  depuis 2022 : {b}");
        }
        self.parameters.push(Named { name, kind: Kind::Number(unit), applies: Applies::Anywhere });
    }

    /// A table written in place, with a figure and a date that change, and an input for each of its keys.
    fn table(&mut self) {
        self.line(
            "table mesures « Mesures »\n  réf. article 10\n  clé id\n  colonne id : nom\n  colonne libelle : texte",
        );
        self.line(
            "  colonne poids : décimal\n  colonne seuil : date\n  colonne actif : booléen\n  colonne de_l_an : entier",
        );
        self.line("  colonne a_l_an : entier\n  en vigueur de de_l_an à a_l_an");
        let (a, b, c) = (self.digits(), self.digits(), self.digits());
        put!(self, "  ligne alpha ; « A » ; {a} ; 2020-02-29 ; vrai ; vide ; 2021");
        put!(self, "  ligne alpha ; « A » ; {b} ; 31/12/2022 ; vrai ; 2022 ; vide");
        put!(self, "  ligne beta ; « B » ; {c} ; 1er mars 2021 ; faux ; 2020 ; 2023");
        self.line("entrée mesure_<id> : entier, de 0 à 400, facultative\n  pour chaque mesures\n  « <libelle> »");
        // What only a row of a scale that is never reached reads serves nothing.
        self.line("définition reprise_<id>\n  réf. article 10\n  pour chaque mesures");
        self.line("  vaut <poids> + (si <seuil> < debut et <actif> alors 1 sinon 2)");
        self.may_be_empty("mesure_alpha", Kind::Number(None));
        self.may_be_empty("mesure_beta", Kind::Number(None));
    }

    // --------------------------------------------------------------------------------------------------- provisions

    fn provisions(&mut self, size: usize) {
        let names: Vec<Named> = (0..size)
            .map(|rank| {
                let kind = match self.random.below(10) {
                    0 | 1 => Kind::Flag,
                    2 => Kind::Date,
                    3 => Kind::Case(self.random.below(self.cases.len())),
                    _ => Kind::Number(self.unit()),
                };
                Named { name: format!("q{rank}"), kind, applies: Applies::Partly }
            })
            .collect();
        self.line("bloc b\n  réf. article 3\n  total socle total_socle\n  total optionnel total_option\n  prérequis réunis tous_reunis, comptés par combien (article 4)");
        let half = size.div_ceil(2);
        for rank in 0..size {
            if rank == size.div_ceil(4) {
                self.part();
            }
            if rank == half {
                self.file = 0;
                self.exclusions();
                self.summaries();
            }
            self.file = usize::from(rank >= size.div_ceil(4) && self.random.one_in(3));
            self.later = names[rank..if rank < half { half } else { size }].to_vec();
            self.provision(names[rank].clone());
        }
        self.later.clear();
        self.file = 0;
        if size == 1 {
            self.part();
            self.summaries();
        }
        if self.random.one_in(2) {
            self.exclusions();
        }
        if self.random.one_in(2) {
            self.file = self.random.below(2);
            self.schedule();
        }
        self.file = 0;
        self.payment();
        self.mention_everything();
    }

    /// The head of the second file: a part for every row, or with a condition of its own that may read results.
    fn part(&mut self) {
        self.file = 1;
        let field = match self.random.below(3) {
            0 => "tous".to_owned(),
            1 => self.open_condition(1),
            _ => format!("mois(debut) > 2 ou {}", self.open_condition(1)),
        };
        self.everywhere[1] = field == "tous";
        let references = if self.everywhere[1] { "" } else { " (article 20)" };
        put!(self, "partie deux « Seconde partie »\n  réf. article 20\n  champ {field}{references}");
        let fruit = self.value(Kind::Number(Some(0)), 1);
        put!(self, "définition seconde\n  réf. article 20\n  vaut {fruit}");
        let applies = Applies::WithFile(1);
        self.quantities.push(Named { name: "seconde".into(), kind: Kind::Number(Some(0)), applies });
        self.file = 0;
    }

    fn payment(&mut self) {
        let enough = self.value(Kind::Flag, 2);
        self.line(
            "définition ensemble_des_points\n  réf. article 9\n  si tous_reunis ou combien ≥ 1\n  points total_socle + total_option",
        );
        let applies = Applies::WithFile(0);
        self.quantities.push(Named { name: "ensemble_des_points".into(), kind: Kind::Number(Some(POINT)), applies });
        let factor = self.value(Kind::Number(None), 2);
        let keeps = if self.random.one_in(4) { self.keeps() } else { String::new() };
        put!(
            self,
            "versement paye\n  réf. article 9{keeps}\n  montant ensemble_des_points × 7,13 €/point × ({factor})"
        );
        if self.random.one_in(2) {
            let rate = self.value(Kind::Number(None), 2);
            put!(
                self,
                "majoration hausse\n  sur paye\n  réf. article 9\n  taux {rate}\n  plancher -50 %\n  plafond 125 %"
            );
        }
        if self.random.one_in(2) {
            put!(
                self,
                "dérogation moins_de_prerequis à tous_reunis\n  réf. article 9\n  si {enough}\n  il suffit de 1 prérequis"
            );
        }
        let shared = self.value(Kind::Flag, 2);
        let blocking = if self.random.one_in(3) { "\n  bloquant" } else { "" };
        put!(self, "contrôle verif\n  réf. article 9\n  sur chaque ligne\n  vérifie {shared}{blocking}");
    }

    /// An input, a parameter or an aggregate that nothing reads is refused: one definition reads them all.
    fn mention_everything(&mut self) {
        let mut terms = Vec::new();
        let all = self.inputs.iter().chain(&self.parameters).chain(&self.optional).chain(&self.aggregates);
        for named in all {
            let read = |default: &str| match named.applies {
                Applies::Partly => format!("({} à défaut {default})", named.name),
                _ => named.name.clone(),
            };
            terms.push(match named.kind {
                Kind::Flag => format!("(si {} alors 1 sinon 2)", read("vrai")),
                Kind::Date => format!("(si {} > 1er mars 2020 alors 1 sinon 2)", read("2020-02-29")),
                Kind::Case(e) => {
                    format!("(si {} = {} alors 1 sinon 2)", read(&self.cases[e][1]), self.cases[e][0])
                }
                Kind::Number(None) => read("3"),
                Kind::Number(Some(unit)) => format!("{} / 1 {}", read("3"), UNITS[unit]),
            });
        }
        let text =
            format!("définition tout\n  réf. article 9\n  pour tous lorsque ouvert\n  vaut {}", terms.join(" + "));
        self.line(&text);
        // Units and cases must serve too.
        self.line("définition fruits\n  réf. article 9\n  vaut (1 poire / 1 poire) × (2 pommes / 1 pomme)");
    }

    /// Two guards that share no row and cover them all, or one alone; and a name that the first proves to have a value.
    fn guards(&mut self) -> (String, Option<String>, Option<String>) {
        match self.random.below(8) {
            0..=2 => (String::new(), None, None),
            3 | 4 => {
                let e = *self.random.pick(&self.distinguished);
                let cut = 1 + self.random.below(self.cases[e].len() - 1);
                let (some, rest) = self.cases[e].split_at(cut);
                let (first, second) =
                    (format!("\n  pour {}", some.join(", ")), format!("\n  pour {}", rest.join(", ")));
                (first, Some(second), None)
            }
            5 => {
                let e = *self.random.pick(&self.distinguished);
                let case = self.cases[e][0].clone();
                (format!("\n  pour {case} lorsque {}", self.open_condition(1)), None, None)
            }
            6 => (format!("\n  pour tous lorsque {}", self.open_condition(2)), None, None),
            _ => match self.uncertain() {
                None => (String::new(), None, None),
                Some(name) => {
                    let first = format!("\n  pour tous lorsque {name} est renseigné");
                    let second = format!("\n  pour tous lorsque {name} est vide");
                    (first, Some(second), Some(name))
                }
            },
        }
    }

    fn provision(&mut self, mut named: Named) {
        let name = named.name.clone();
        if self.with_table && named.kind == Kind::Number(None) && self.random.one_in(3) {
            return self.template(named);
        }
        let (first, second, proved) = self.guards();
        let years = *self.random.pick(&["", "", "", "\n  en vigueur depuis 2020", "\n  en vigueur de 2019 à 2023"]);
        // Half of the guarded quantities are given elsewhere too, by a second provision.
        let second = second.filter(|_| years.is_empty() && self.random.one_in(2));
        let over_years = second.is_none() && self.random.one_in(4);
        self.known.extend(proved.clone());
        let partly = if over_years && self.over_years(&named, &first, years) {
            true
        } else {
            self.written(&named, &first, years);
            false
        };
        if proved.is_some() {
            self.known.pop();
        }
        if let Some(second) = &second {
            self.written(&named, second, years);
        }
        let everywhere = years.is_empty() && (first.is_empty() || second.is_some()) && !partly;
        if !partly {
            self.derogations(&named);
        }
        if named.kind == Kind::Number(Some(POINT)) && !partly && self.random.one_in(3) {
            let value = self.value(Kind::Number(Some(POINT)), 1);
            put!(
                self,
                "minoration moins_{name}\n  sur {name}\n  réf. article 7{first}{years}\n  points {value}\n  plancher 0"
            );
        }
        if self.random.one_in(8) {
            self.pro_rata(&name);
        }
        named.applies = if everywhere { Applies::WithFile(self.file) } else { Applies::Partly };
        self.quantities.push(named);
    }

    /// A provision that gives a quantity.
    fn written(&mut self, named: &Named, guard: &str, years: &str) {
        let name = &named.name;
        match named.kind {
            Kind::Number(Some(POINT)) => self.criterion(name, guard, years),
            Kind::Number(Some(EURO)) => {
                let body = self.body(named.kind, "montant");
                put!(self, "versement {name}\n  réf. article 5{guard}{years}\n{body}");
            }
            kind => {
                let body = self.body(kind, "vaut");
                put!(self, "définition {name}\n  réf. article 5{guard}{years}\n{body}");
            }
        }
    }

    fn derogations(&mut self, named: &Named) {
        if !self.random.one_in(5) {
            return;
        }
        let name = &named.name;
        let (condition, value) = (self.value(Kind::Flag, 1), self.value(named.kind, 1));
        put!(self, "dérogation exception_{name} à {name}\n  réf. article 6\n  si {condition}\n  vaut {value}");
        if self.random.one_in(2) {
            let (condition, value) = (self.value(Kind::Flag, 1), self.value(named.kind, 1));
            // Without an order, only the row can say that both apply: no constant decides a month.
            let (order, condition) = if self.random.one_in(2) {
                (format!("\n  prime sur exception_{name}"), condition)
            } else {
                (String::new(), format!("trimestre(debut) ≠ 5 et ({condition})"))
            };
            put!(
                self,
                "dérogation autre_{name} à {name}\n  réf. article 6{order}\n  si ouvert et {condition}\n  vaut {value}"
            );
        }
    }

    fn pro_rata(&mut self, name: &str) {
        let from = self.value(Kind::Date, 1);
        let until =
            if self.random.one_in(2) { format!("\n  jusqu'au {}", self.value(Kind::Date, 1)) } else { String::new() };
        put!(
            self,
            "prorata part_{name}\n  réf. article 8\n  à compter du {from}{until}\n  nombre de jours jours_{name}"
        );
        let applies = Applies::WithFile(self.file);
        self.quantities.push(Named { name: format!("part_{name}"), kind: Kind::Number(None), applies });
    }

    fn body(&mut self, kind: Kind, word: &str) -> String {
        let mut text = if kind == Kind::Flag {
            format!("  vrai si {}", self.value(Kind::Flag, 3))
        } else {
            format!("  {word} {}", self.value(kind, 3))
        };
        if self.random.one_in(6) {
            text.push_str(&self.keeps());
        }
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
        let mut text = format!("critère {name}\n  du bloc b, {level}\n  réf. article 5{guard}{years}");
        match self.random.below(4) {
            0 => {
                let condition = self.value(Kind::Flag, 2);
                let _ = write!(text, "\n  prérequis requis_{name} si {condition}");
            }
            1 => {
                let condition = self.value(Kind::Flag, 2);
                let _ = write!(text, "\n  si {condition}");
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
                _ => self.value(Kind::Number(Some(POINT)), 2),
            };
            let when =
                if self.random.one_in(4) { format!(" lorsque {}", self.value(Kind::Flag, 1)) } else { String::new() };
            let _ = write!(text, "\n  points {amount}{when}");
        }
        if self.random.one_in(5) {
            let factor = self.value(Kind::Number(None), 1);
            let _ = write!(text, "\n  prorata {factor}");
        }
        self.line(&text);
    }

    /// A template: one quantity for each key of the table, and their sum.
    fn template(&mut self, mut named: Named) {
        let name = named.name.clone();
        let parameters = self.parameters.len();
        for (column, kind) in [("<poids>", Kind::Number(None)), ("<seuil>", Kind::Date), ("<actif>", Kind::Flag)] {
            self.parameters.push(Named { name: column.into(), kind, applies: Applies::Anywhere });
        }
        self.may_be_empty("mesure_<id>", Kind::Number(None));
        let body = self.body(Kind::Number(None), "vaut");
        self.parameters.truncate(parameters);
        self.optional.pop();
        put!(self, "définition {name}_<id> « {name} : <libelle> »\n  réf. article 10\n  pour chaque mesures\n{body}");
        let sum = *self.random.pick(&[
            "somme sur mesures de (NOM_<id> à défaut 0)",
            "somme sur mesures où actif de (NOM_<id> à défaut 1)",
            "somme sur mesures où non actif de (<poids> × (NOM_<id> à défaut 2))",
            "somme sur mesures de (<poids> × (mesure_<id> à défaut 3))",
            "somme sur mesures de (si <seuil> < debut alors <poids> sinon 1)",
        ]);
        let sum = sum.replace("NOM", &name);
        put!(self, "définition {name}\n  réf. article 10\n  vaut {sum}");
        let applies = Applies::WithFile(self.file);
        self.quantities.push(Named { name: format!("{name}_alpha"), kind: Kind::Number(None), applies });
        self.quantities.push(Named {
            name: format!("{name}_beta"),
            kind: Kind::Number(None),
            applies: Applies::Partly,
        });
        named.applies = applies;
        self.quantities.push(named);
    }
}
