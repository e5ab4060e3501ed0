//! The report of `polc bench` in French.

use std::fmt::Write as _;

use polc_compiler::num::{Ratio, format_french, integer};

use super::{BenchReport, Measures, Rate, Selection};

fn count(number: usize) -> String {
    format_french(&Ratio::from_integer(number.into()), 0)
}

/// A number and its noun, in the plural from two on.
fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number < 2 { one } else { many })
}

impl BenchReport {
    /// The report as text, with a final line break.
    #[must_use]
    pub fn to_text(&self) -> String {
        let rows = counted(self.rows, "ligne", "lignes");
        let origin = match (self.drawn, self.rows < 2) {
            (false, _) => "des données",
            (true, true) => "tirée au hasard",
            (true, false) => "tirées au hasard",
        };
        let years = match self.years {
            Some((first, last)) if first < last => format!(", années {first} à {last}"),
            Some((year, _)) => format!(", année {year}"),
            None => String::new(),
        };
        let turns = if self.repetitions == 1 {
            "un tour".to_owned()
        } else {
            format!("médiane de {} tours", self.repetitions)
        };
        let mut text = format!("{} : {rows} {origin}{years} ; {turns}.\n", self.policy);
        for measures in &self.measures {
            measures.write(self, &mut text);
        }
        text
    }
}

impl Measures {
    fn write(&self, report: &BenchReport, text: &mut String) {
        let title = match self.selection {
            Selection::Payments => "Versements",
            Selection::All => "Toutes les sorties",
            Selection::Chosen => "Sorties choisies",
        };
        let milliseconds = |time: u64| format_french(&Ratio::new((time / 100).into(), 10.into()), 0);
        let kilobytes = (self.code_bytes as u64).div_ceil(1_000);
        let kernels = counted(self.kernels.len(), "noyau", "noyaux");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{title} ({})", counted(self.outputs, "sortie", "sorties"));
        let _ = writeln!(
            text,
            "  {kernels}, {} ko de code, prêts en {} ms, ou {} ms avec soin ; par ligne : {} lus, {} écrits",
            format_french(&Ratio::from_integer(kilobytes.into()), 0),
            milliseconds(self.compilation),
            milliseconds(self.careful_compilation),
            counted(self.bytes_read, "octet", "octets"),
            counted(self.bytes_written, "octet", "octets"),
        );
        let threads = if report.threads == 1 { "un fil".to_owned() } else { format!("{} fils", report.threads) };
        let lines: [(String, Option<Rate>); 4] = [
            ("noyaux, blocs en mémoire, un fil".into(), self.compiled),
            ("évaluation entière, un fil".into(), self.evaluation),
            (format!("évaluation entière, {threads}"), self.evaluation_parallel),
            ("interprète, un fil".into(), self.reference),
        ];
        for (label, rate) in lines {
            let Some(rate) = rate else { continue };
            let number = |rate: u64| format_french(&integer(i64::try_from(rate).unwrap_or(i64::MAX)), 0);
            let sample =
                if rate.rows == report.rows { String::new() } else { format!(" sur {} lignes", count(rate.rows)) };
            let (median, best) = (number(rate.median), number(rate.best));
            let _ = writeln!(text, "  {label:<33}{median:>13} lignes/s{sample} (au mieux {best})");
        }
        if let Some(ratio) = self.ratio {
            let _ = writeln!(
                text,
                "  noyaux contre interprète : {} fois plus vite",
                format_french(&Ratio::from_integer(ratio.into()), 0)
            );
        }
        let agreement = if self.identical { "mêmes résultats" } else { "RÉSULTATS DIFFÉRENTS" };
        let _ = writeln!(
            text,
            "  {} par les noyaux à l'interprète, {} en partie ; {agreement} par les deux voies sur l'échantillon",
            counted(self.handed_over, "ligne confiée", "lignes confiées"),
            self.partial,
        );
    }
}
