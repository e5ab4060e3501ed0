//! The report of `polc check --plan` in French.

use std::fmt::Write as _;

use polc_compiler::num::{Ratio, format_french, parse_decimal, power_of_ten};
use polc_dsl::diagnostic::list;

use super::{Doubt, InputReport, Lead, OutputReport, PlanReport, Remedy, Subject, Value};

/// A number of the report as a French reader writes it.
fn number(text: &str) -> String {
    parse_decimal(text).map_or_else(|| text.to_owned(), |value| format_french(&value, 0))
}

/// An integer of units of a last decimal.
fn decimal(text: &str, decimals: u32) -> String {
    let unit = Ratio::from_integer(power_of_ten(decimals));
    parse_decimal(text).map_or_else(|| text.to_owned(), |value| format_french(&(value / unit), 0))
}

fn counted(many: usize, one: &str, several: &str) -> String {
    format!("{} {}", number(&many.to_string()), if many < 2 { one } else { several })
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("« {name} »")).collect();
    list(&quoted, "et")
}

impl PlanReport {
    /// The report as text, with a final line break.
    #[must_use]
    pub fn to_text(&self) -> String {
        let certain = self.outputs.iter().filter(|output| output.is_certain()).count();
        let mut text = format!(
            "{}, droit de {} : {}, dont {} sans aucun doute si les cellules sont remplies\n",
            self.policy,
            self.year,
            counted(self.outputs.len(), "résultat", "résultats"),
            certain
        );
        self.outputs.iter().for_each(|output| output.write(&mut text));
        text
    }
}

impl OutputReport {
    /// Whether only an empty cell may leave it to the interpreter.
    fn is_certain(&self) -> bool {
        self.doubts.iter().all(|doubt| doubt.subject == Subject::EmptyCell)
    }

    fn write(&self, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{} « {} »", self.name, self.title);
        if !self.applies {
            let _ = writeln!(text, "  sans objet : aucune disposition de cette année ne le donne");
            return;
        }
        let share = (self.operations.proved * 100).checked_div(self.operations.total).unwrap_or(100);
        let _ = writeln!(
            text,
            "  {}, dont {} hors de tout doute ({share} %) ; {}, dont {} hors de tout doute",
            counted(self.operations.total, "opération", "opérations"),
            number(&self.operations.proved.to_string()),
            counted(self.quantities, "quantité", "quantités"),
            self.proved_quantities,
        );
        let widths = [
            (self.operations.flags, "vrai ou faux"),
            (self.operations.of_16, "sur 16 bits"),
            (self.operations.of_32, "sur 32 bits"),
            (self.operations.of_64, "sur 64 bits"),
            (self.operations.of_128, "sur 128 bits"),
        ];
        let widths: Vec<String> = widths
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, width)| format!("{} {width}", number(&count.to_string())))
            .collect();
        if !widths.is_empty() {
            let _ = writeln!(text, "  largeurs : {} ; le plus grand entier en a {}", widths.join(", "), self.bits);
        }
        if let Some(value) = &self.value {
            let _ = writeln!(text, "  valeur : {}", value.words());
        }
        if !self.doubts.is_empty() {
            let _ = writeln!(text, "  laissé à l'interprète :");
            for doubt in &self.doubts {
                let _ = writeln!(text, "    {}", doubt.words());
            }
        }
        if !self.remedies.is_empty() {
            let _ = writeln!(text, "  ce que changeraient des plages plus étroites :");
            self.remedies.iter().for_each(|remedy| remedy.write(text));
        }
    }
}

impl Value {
    fn words(&self) -> String {
        let [low, high] = &self.numerator;
        let mut words = match self.decimals {
            // What is written on each row, not the integer that stands for it.
            Some(decimals) if self.factor.is_none() => {
                let value = |text| decimal(text, decimals);
                let digits = counted(decimals as usize, "décimale", "décimales");
                let range = if low == high { value(low) } else { format!("de {} à {}", value(low), value(high)) };
                if decimals == 0 { format!("{range}, un entier") } else { format!("{range}, à {digits}") }
            }
            _ => {
                let over =
                    if self.constant == "1" { String::new() } else { format!(", sur {}", number(&self.constant)) };
                format!("un entier de {} à {}{over}", number(low), number(high))
            }
        };
        if let Some([low, high]) = &self.factor {
            let _ = write!(words, ", sur un diviseur propre à la ligne de {} à {}", number(low), number(high));
        }
        words
    }
}

impl Subject {
    /// Why a row is left to the interpreter.
    fn reason(self) -> &'static str {
        match self {
            Self::Wide => "opérations sur 128 bits",
            Self::EmptyCell => "cellule vide, sans valeur par défaut",
            Self::EarlierResult => "résultat inconnu d'une année antérieure",
            Self::Aggregate => "agrégat inconnu",
            Self::ZeroDivisor => "diviseur nul",
            Self::SeveralRules => "deux dispositions à la fois",
            Self::SeveralDerogations => "deux dérogations à la fois",
            Self::Calendar => "date hors du calendrier",
            Self::Bound => "entier au-delà de sa borne",
            Self::Unproved => "quotient de plus de 64 bits, non prouvé",
            Self::Approximation => "approximation qui peut ne pas décider",
            Self::Unsupported => "calcul que le code compilé ne fait pas",
        }
    }
}

impl Doubt {
    fn words(&self) -> String {
        let mut words = self.subject.reason().to_owned();
        let named = matches!(self.subject, Subject::EmptyCell | Subject::EarlierResult | Subject::Aggregate);
        if named {
            let _ = write!(words, " : {}", quoted(&self.reads));
            return words;
        }
        let _ = write!(words, ", {}", counted(self.places, "endroit", "endroits"));
        if !self.quantities.is_empty() {
            let _ = write!(words, " : dans {}", quoted(&self.quantities));
        }
        words
    }
}

impl InputReport {
    fn words(&self) -> String {
        let [low, high] = &self.range;
        format!("{} (de {} à {})", self.name, number(low), number(high))
    }
}

impl Lead {
    fn words(&self, subject: Subject) -> String {
        let least = if subject == Subject::ZeroDivisor { "au moins" } else { "au plus" };
        let left = match self.left {
            0 => "il n'en reste pas".to_owned(),
            left => format!("il en reste {}", number(&left.to_string())),
        };
        format!("{} {least} {} : {left}", self.input, number(&self.bound))
    }
}

impl Remedy {
    fn write(&self, text: &mut String) {
        let inputs: Vec<String> = self.inputs.iter().map(InputReport::words).collect();
        let from = match &inputs[..] {
            [] => "aucune entrée numérique n'y mène".to_owned(),
            [input] => format!("y mène {input}"),
            inputs => format!("y mènent {}", list(inputs, "et")),
        };
        let _ = writeln!(text, "    {}, {} : {from}", self.subject.reason(), counted(self.count, "fois", "fois"));
        for lead in &self.leads {
            let _ = writeln!(text, "      {}", lead.words(self.subject));
        }
        if let Some(bound) = &self.together {
            let _ = writeln!(text, "      toutes au plus {} : il n'en reste pas", number(bound));
        } else if self.leads.is_empty() && !self.inputs.is_empty() {
            let _ = writeln!(text, "      aucune plage essayée n'y change rien");
        }
    }
}
