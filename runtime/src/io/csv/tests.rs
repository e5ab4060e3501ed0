//! Files in, tables or messages out. Each snapshot shows the file, then what is said of it.

use std::sync::LazyLock;

use polc_compiler::typed::QuantityId;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::engine::{Engine, EngineMode};
use crate::io::write;
use crate::policy::Policy;
use crate::testing::libraries;

static POLICY: LazyLock<Policy> = LazyLock::new(libraries);

fn outputs(names: &str) -> Vec<QuantityId> {
    let policy = &*POLICY;
    if names.is_empty() {
        return policy.program.outputs().collect();
    }
    names.split(',').map(|name| policy.program.find_quantity(name).expect("an output of the policy")).collect()
}

/// How a test reads its file.
#[derive(Default)]
struct Options {
    outputs: &'static str,
    keep: bool,
    divert: bool,
    limit: Option<usize>,
}

fn read_with(bytes: &[u8], options: &Options) -> String {
    let (policy, outputs) = (&*POLICY, outputs(options.outputs));
    let mut request = Request::new(&policy.program, &outputs);
    if options.keep {
        request.others = OtherColumns::Carried;
    }
    request.divert = options.divert;
    request.limit = options.limit.unwrap_or(request.limit);
    match read("panel.csv", bytes.to_vec(), &request) {
        Err(refusal) => refusal.problems.to_string(),
        Ok(table) => {
            let engine = Engine::new(policy.program.clone(), outputs.clone(), EngineMode::Reference, 1);
            let results = engine.evaluate(&table.batch, &|_| {});
            let mut out = format!("{}\n", table.format).into_bytes();
            write::results(&mut out, &policy.program, &table, &outputs, &results).expect("a vector takes it");
            for error in &results.errors {
                out.extend(table.row_problem(&policy.program, error.row, &error.kind).to_string().into_bytes());
                out.push(b'\n');
            }
            if options.divert {
                out.extend(b"----\n");
                write::rejects(&mut out, &table, &table.rejects).expect("a vector takes it");
                out.extend(format!("lignes sans leur année précédente : {}\n", table.orphans).into_bytes());
            }
            String::from_utf8(out).expect("UTF-8")
        }
    }
}

/// The file, then what is said of it.
fn document(text: &str, options: &Options) -> String {
    format!("{text}\n──── lecture\n{}", read_with(text.as_bytes(), options))
}

macro_rules! files {
    ($($name:ident: $text:expr $(, $field:ident: $value:expr)*;)*) => {$(
        #[test]
        fn $name() {
            #[allow(clippy::needless_update, reason = "some tests give every option")]
            let options = Options { $($field: $value,)* ..Options::default() };
            insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), document($text, &options));
            });
        }
    )*};
}

const GOOD: &str = "\
code,annee,genre,ouverture,livres_pretes,livres_perdus,heures_semaine,label
B1,2023,municipale,2010-01-01,1000,0,20,vrai
B1,2024,municipale,2010-01-01,1500,10,20.5,OUI
B2,2024,associative,01/07/2024,,,35,0
B3,2024,associative,2024-07-01,100,0,7,1
";

files! {
    good: GOOD;
    good_selection: GOOD, outputs: "aide";
    good_keep: "\u{FEFF}annee;code;remarque;livres_pretes;genre;ouverture;heures_semaine;label\r\n2024;B1;\"a;\"\"b\"\"\";1 500;municipale;1/1/2010;20,50;vrai\r\n", keep: true;
    headers: "code,anee,genre,ouverture,livres_pretes,livres_perdu,heures_semaine,genre,,remarque\nB1,2023,municipal,2010-01-01,1000,0,20,a,b,c\n";
    headers_kept: "code,annee,genre,ouverture,livres_pretes,livres_perdu,heures_semaine,prets\n", keep: true;
    no_header: "B1,2023,municipale,2010-01-01,1000,0,20,vrai\nB1,2024,municipale,2010-01-01,1500,10,20.5,OUI\n";
    prose: "Madame, Monsieur,\n\nveuillez trouver ci-joint le fichier.\n";
    empty: "";
    blank: "\n\n\n";
    header_only: "code,annee,genre,ouverture,livres_pretes,heures_semaine\n";
    cells: "\
code;annee;genre;ouverture;livres_pretes;heures_semaine;label
B1;2017;municipale;2010-01-01;1000;20;vrai
B2;2024;municipal;2010-02-30;12,5;20,125;peut-être
B3;2024;;01/07/24;-1;200;NA
B4;24 ans;associative;2010-01-01;1 000 000;45 %;
;2024;associative;2010-01-01;douze;12 34;
B6;;associative;2010-01-01;\"12
34\";1e2;
B7;2024;associative;2010-01-01;12;8,500;non
";
    rows: "\
code,annee,genre,ouverture,livres_pretes,heures_semaine
B1,2023,municipale,2010-01-01,1000,20
B1,2024,municipale,2010-01-01,1000,20,5
B1,2025,municipale

B1,2023,municipale,2010-01-01,2000,20
B2,2023,\"municipale,2010-01-01,2000,20
B3,2023,\"municipale\"x,2010-01-01,2000,20
B4,2023,municipale,2010-01-01,\"1,500\",20
B5,2023,\"municipale
\",2010-01-01,\"1500
B6,2023,municipale,2010-01-01,1500,20
";
    limited: "code,annee,genre,ouverture,livres_pretes,heures_semaine\nB1,x,x,x,x,x\nB2,x,x,x,x,x\n", limit: Some(3);
    one_more: "code,annee,genre,ouverture,livres_pretes,heures_semaine\nB1,x,x,x,x,x\n", limit: Some(4);
    diverted: "\
code;annee;genre;ouverture;livres_pretes;heures_semaine
B1;2023;municipale;2010-01-01;1000;20
B1;2024;municipal;2010-01-01;abc;20
B1;2025;municipale;2010-01-01;1000;20
B1;2025;associative;2010-01-01;1000;20
B2;2023;\"municipale;2010-01-01;1000;20
B3;2023;municipale;2010-01-01
B3;2024;municipale;2010-01-01;1;2;3;4
B4;2024;municipale;2010-01-01;1;2
", divert: true;
}

#[test]
fn no_text() {
    let said = |bytes: &[u8]| read_with(bytes, &Options::default());
    insta::assert_snapshot!(
        [said(b"PK\x03\x04zip"), said(b"PAR1"), said(b"code\0annee"), said(b"<html>"), said(b"\x1F\x8B\x08")]
            .join("\n")
    );
}

#[test]
fn encodings_give_the_same_table() {
    let text = "code;annee;genre;ouverture;livres_pretes;heures_semaine;remarque\nB\u{e9};2024;associative;2020-01-01;100;7;\u{e0}\n";
    let options = Options { keep: true, outputs: "prets", ..Options::default() };
    let body = |bytes: &[u8]| {
        let said = read_with(bytes, &options);
        said.split_once('\n').map(|(format, rest)| (format.to_owned(), rest.to_owned())).expect("two lines")
    };
    let utf8 = body(text.as_bytes());
    assert_eq!(utf8.0, "UTF-8, séparateur « ; »");
    let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(body(&windows), ("Windows-1252, séparateur « ; »".to_owned(), utf8.1.clone()));
    assert_eq!(body(&utf16), ("UTF-16, séparateur « ; »".to_owned(), utf8.1.clone()));
    assert_eq!(
        body(format!("\u{FEFF}{text}").as_bytes()),
        ("UTF-8 avec BOM, séparateur « ; »".to_owned(), utf8.1.clone())
    );
    let mac = text.replace('\n', "\r");
    assert_eq!(body(mac.as_bytes()).1, utf8.1);
    assert_eq!(body(text.replace(';', "\t").as_bytes()).1, utf8.1.replace(';', "\t"));
}

/// Pieces of which good and bad files are made.
const PIECES: &[&str] = &[
    "B1",
    "B2",
    "2023",
    "2024",
    "municipale",
    "associative",
    "2010-01-01",
    "1",
    "12,5",
    "1.5",
    "vrai",
    "é",
    "\u{A0}",
    "\"",
    "\"\"",
    "\"a\"",
    ",",
    ",",
    ",",
    ";",
    "\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    "B1,2024,municipale,2010-01-01,1,1\n",
    "B2,2023,municipale,\"2010-01-01\",1,1\n",
];

proptest! {
    /// Whatever stands below the header, every row is either good or put aside, and both files can be read back.
    #[test]
    fn every_row_is_somewhere(pieces in vec(select(PIECES), 0..60)) {
        let text = format!("code,annee,genre,ouverture,livres_pretes,heures_semaine\n{}", pieces.concat());
            let (policy, outputs) = (&*POLICY, outputs("part"));
        let mut request = Request::new(&policy.program, &outputs);
        request.divert = true;
        let table = read("panel.csv", text.clone().into_bytes(), &request).expect("a good header");
        let mut records = Records::new(&text, table.format.separator, 0, 1);
        let mut record = Record::default();
        let rows = std::iter::from_fn(|| records.next(&mut record).then_some(())).count() - 1;
        prop_assert_eq!(table.rows(), rows);
        prop_assert_eq!(table.batch.rows, table.places.len());
        for column in table.batch.columns.iter().flatten() {
            prop_assert_eq!(column.len(), table.batch.rows);
        }
        let mut rejects = Vec::new();
        write::rejects(&mut rejects, &table, &table.rejects).expect("a vector takes it");
        let mut reader = ::csv::ReaderBuilder::new().delimiter(table.format.separator).from_reader(&*rejects);
        let reread: Vec<_> = reader.records().collect::<Result<_, _>>().expect("as many cells on each line");
        prop_assert_eq!(reread.len(), table.rejects.len());
        // Without putting aside, the file is refused exactly when some row is.
        request.divert = false;
        prop_assert_eq!(read("panel.csv", text.into_bytes(), &request).is_err(), !table.rejects.is_empty());
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in vec(any::<u8>(), 0..200)) {
            let (policy, outputs) = (&*POLICY, outputs("part"));
        let refusal = read("panel.csv", bytes, &Request::new(&policy.program, &outputs)).err();
        prop_assert!(refusal.is_some_and(|refusal| !refusal.problems.is_empty()));
    }
}
