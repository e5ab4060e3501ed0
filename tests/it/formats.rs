//! Data files of every format: the same results from each, the same rows back, and a sentence for what is broken.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array,
    RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use polc_compiler::Selection;
use polc_compiler::typed::{Input, Program, QuantityId, Type, Value};
use polc_runtime::io::csv::{OtherColumns, Request, read};
use polc_runtime::table::Batch;

const POLICY: &str = include_str!("../fixtures/bibliotheques.pol");
const PANEL: &str = "\
code,annee,genre,ouverture,livres_pretes,heures_semaine,label
B1,2023,municipale,2010-01-01,1000,20,vrai
B1,2024,municipale,2010-01-01,1500,20.5,faux
B2,2024,associative,2024-07-01,100,7,vrai
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("politique.pol"), POLICY).unwrap();
    fs::write(folder.path().join("panel.csv"), PANEL).unwrap();
    folder
}

fn polc(folder: &Path, command: &str) -> Output {
    let arguments = command.split(' ').filter(|word| !word.is_empty());
    Command::new(env!("CARGO_BIN_EXE_polc")).args(arguments).current_dir(folder).output().unwrap()
}

fn messages(output: &Output) -> String {
    super::cli::without_durations(&String::from_utf8_lossy(&output.stderr))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

// ----------------------------------------------------------------------------------------------- the data in every format

/// The inputs of a data file, each in the type that suits it; what is empty is null.
fn typed(program: &Program, batch: &Batch) -> RecordBatch {
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for id in program.input_ids() {
        let Some(column) = &batch.columns[id.index()] else { continue };
        let input = program.input(id);
        // Defaults are left out, as they would be.
        let values =
            (0..batch.rows).map(|row| column.value(row, input).filter(|value| Some(value) != input.default.as_ref()));
        let array = array(program, input, &values.collect::<Vec<_>>());
        fields.push(Field::new(&*input.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn array(program: &Program, input: &Input, values: &[Option<Value>]) -> ArrayRef {
    let number = |value: &Option<Value>| match value {
        Some(Value::Number(number)) => Some(number.clone()),
        _ => None,
    };
    match &input.ty {
        Type::Number(_) => {
            let scale = 10i64.pow(input.decimals);
            let units = values
                .iter()
                .map(|value| number(value).map(|number| i128::try_from((number * num(scale)).to_integer()).unwrap()));
            Arc::new(units.collect::<Decimal128Array>().with_precision_and_scale(30, input.decimals as i8).unwrap())
        }
        Type::Date => Arc::new(
            values
                .iter()
                .map(|value| match value {
                    Some(Value::Date(date)) => Some(date.days()),
                    _ => None,
                })
                .collect::<Date32Array>(),
        ),
        Type::Enumeration(id) => {
            let cases = &program.enumeration(*id).cases;
            let names = values.iter().map(|value| match value {
                Some(Value::Case(rank)) => Some(&*cases[*rank as usize].0),
                _ => None,
            });
            Arc::new(names.collect::<DictionaryArray<Int32Type>>())
        }
        Type::Text => Arc::new(
            values
                .iter()
                .map(|value| match value {
                    Some(Value::Text(text)) => Some(text.to_string()),
                    _ => None,
                })
                .collect::<StringArray>(),
        ),
        _ => Arc::new(
            values
                .iter()
                .map(|value| match value {
                    Some(Value::Boolean(value)) => Some(*value),
                    _ => None,
                })
                .collect::<BooleanArray>(),
        ),
    }
}

fn num(value: i64) -> polc_compiler::num::Ratio {
    polc_compiler::num::integer(value)
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(1_000)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn write_arrow(path: &Path, batch: &RecordBatch) {
    let mut writer = FileWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

fn write_stream(path: &Path, batch: &RecordBatch) {
    let mut writer = StreamWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

/// The cells of a CSV file, by name.
fn records(csv: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let text = fs::read(csv).unwrap();
    let separator = if text.contains(&b';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(&text[..]);
    let header = reader.headers().unwrap().iter().map(ToOwned::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(ToOwned::to_owned).collect()).collect();
    (header, rows)
}

/// As a program that knows JSON would write them: numbers and truths bare, nothing for what is empty.
fn write_json(path: &Path, csv: &Path, program: &Program) {
    let (header, rows) = records(csv);
    let mut text = String::new();
    for row in rows {
        let fields = header.iter().zip(&row).filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| {
            let ty = program.find_input(name).map(|id| &program.input(id).ty);
            let value = match ty {
                Some(Type::Number(_)) => cell.replace(',', "."),
                Some(Type::Boolean) => if matches!(&**cell, "1" | "vrai") { "true" } else { "false" }.to_owned(),
                _ => serde_json::to_string(cell).unwrap(),
            };
            format!("{}: {value}", serde_json::to_string(name).unwrap())
        });
        let _ = writeln!(text, "{{{}}}", fields.collect::<Vec<_>>().join(", "));
    }
    fs::write(path, text).unwrap();
}

fn write_excel(path: &Path, csv: &Path, program: &Program) {
    let (header, rows) = records(csv);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = rust_xlsxwriter::Format::new().set_num_format("dd/mm/yyyy");
    for (column, name) in header.iter().enumerate() {
        let column = column as u16;
        sheet.write(0, column, name).unwrap();
        let ty = program.find_input(name).map(|id| &program.input(id).ty);
        for (row, cells) in rows.iter().enumerate() {
            let (row, cell) = (row as u32 + 1, &cells[usize::from(column)]);
            match ty {
                _ if cell.is_empty() => continue,
                Some(Type::Number(_)) => {
                    sheet.write(row, column, cell.replace(',', ".").parse::<f64>().unwrap()).unwrap()
                }
                Some(Type::Boolean) => sheet.write(row, column, matches!(&**cell, "1" | "vrai")).unwrap(),
                Some(Type::Date) => {
                    let day = rust_xlsxwriter::ExcelDateTime::parse_from_str(cell).unwrap();
                    sheet.write_with_format(row, column, day, &date).unwrap()
                }
                _ => sheet.write(row, column, cell).unwrap(),
            };
        }
    }
    workbook.save(path).unwrap();
}

fn program(policy: &Path) -> Arc<Program> {
    let sources = polc_runtime::io::policy::load(policy).0;
    polc_runtime::policy::Policy::build(sources, &Selection::default()).unwrap().program
}

/// Every format of the data of a policy, in a folder of its own.
fn every_format(policy: &Path, data: &Path) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let program = program(policy);
    let outputs: Vec<QuantityId> = program.outputs().collect();
    let mut request = Request::new(&program, &outputs);
    request.others = OtherColumns::Ignored;
    let table = read("données", fs::read(data).unwrap(), &request).unwrap();
    let batch = typed(&program, &table.batch);
    let path = |name: &str| folder.path().join(name);
    write_parquet(&path("d.parquet"), &batch);
    write_arrow(&path("d.arrow"), &batch);
    write_stream(&path("d.ipc"), &batch);
    write_json(&path("d.jsonl"), data, &program);
    write_excel(&path("d.xlsx"), data, &program);
    let files = ["d.parquet", "d.arrow", "d.ipc", "d.jsonl", "d.xlsx"].map(path).to_vec();
    (folder, files)
}

/// The shipped data reads as the same columns from every format.
#[test]
fn shipped_data_in_every_format() {
    for (policy, data) in [("accord-cds", "donnees/centres.csv"), ("aci-cpts", "donnees/cpts.csv")] {
        let policy = root().join("policies").join(policy);
        let program = program(&policy);
        let outputs: Vec<QuantityId> = program.outputs().collect();
        let mut request = Request::new(&program, &outputs);
        request.others = OtherColumns::Ignored;
        let columns = |path: &Path| {
            let table = polc_runtime::io::data::read(polc_runtime::io::data::Place::File(path), &request);
            let table = table.unwrap_or_else(|refusal| panic!("{}", refusal.problems));
            let cells = table.batch.columns.iter().flatten().map(|column| format!("{column:?}"));
            (table.batch.rows, cells.collect::<Vec<_>>())
        };
        let data = policy.join(data);
        let (_folder, files) = every_format(&policy, &data);
        let expected = columns(&data);
        for file in files {
            let found = columns(&file);
            assert_eq!(found.0, expected.0, "{}", file.display());
            for (found, expected) in found.1.iter().zip(&expected.1) {
                assert!(found == expected, "{} : {found:.200} / {expected:.200}", file.display());
            }
        }
    }
}

/// And gives the same results, to the byte.
#[test]
fn results_from_every_format() {
    let policy = root().join("policies/aci-cpts");
    let data = policy.join("donnees/cpts.csv");
    let (folder, files) = every_format(&policy, &data);
    let run = |data: &Path| {
        let command = format!("eval {} {}", policy.display(), data.display());
        let output = polc(folder.path(), &command);
        assert_eq!(output.status.code(), Some(0), "{} : {}", data.display(), messages(&output));
        // The separator follows the file, and other files have none.
        String::from_utf8(output.stdout).unwrap().replace(';', ",")
    };
    let expected = run(&data);
    for file in files {
        assert!(run(&file) == expected, "{} differs", file.display());
    }
}

// -------------------------------------------------------------------------------------------------------------- round trips

/// What is written in each format reads as the same cells.
#[test]
fn results_in_every_format() {
    let folder = folder();
    let path = folder.path();
    let output = polc(path, "eval politique.pol panel.csv --keep -o r.csv");
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
    // Zeros at the end of decimals are not the same everywhere.
    let plain = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let (header, expected) = records(&path.join("r.csv"));
    for kind in ["parquet", "arrow", "jsonl", "xlsx"] {
        let output = polc(path, &format!("eval politique.pol panel.csv --keep -o r.{kind}"));
        assert_eq!(output.status.code(), Some(0), "{kind} : {}", messages(&output));
        let back = read_back(&path.join(format!("r.{kind}")));
        assert_eq!(back.0, header, "{kind}");
        for (found, expected) in back.1.iter().zip(&expected) {
            for ((name, found), expected) in header.iter().zip(found).zip(expected) {
                assert_eq!(plain(found), plain(expected), "{kind}, {name}");
            }
        }
        assert_eq!(back.1.len(), expected.len());
    }
}

/// The header and the cells of any file, as CSV shows them.
fn read_back(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    match path.extension().and_then(|e| e.to_str()) {
        Some("parquet") => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
            cells(reader.map(Result::unwrap).collect())
        }
        Some("arrow") => {
            let reader = arrow_ipc::reader::FileReader::try_new(File::open(path).unwrap(), None).unwrap();
            cells(reader.map(Result::unwrap).collect())
        }
        Some("jsonl") => {
            let text = fs::read_to_string(path).unwrap();
            let rows: Vec<serde_json::Map<String, serde_json::Value>> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let header = rows[0].keys().cloned().collect();
            let cell = |value: &serde_json::Value| match value {
                serde_json::Value::Null => String::new(),
                serde_json::Value::Bool(value) => if *value { "vrai" } else { "faux" }.to_owned(),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (header, rows.iter().map(|row| row.values().map(cell).collect()).collect())
        }
        _ => {
            use calamine::{Data, Reader as _};
            let mut workbook: calamine::Xlsx<_> = calamine::open_workbook(path).unwrap();
            let range = workbook.worksheet_range_at(0).unwrap().unwrap();
            let cell = |cell: &Data| match cell {
                Data::Bool(value) => if *value { "vrai" } else { "faux" }.to_owned(),
                other => other.to_string(),
            };
            let mut rows = range.rows().map(|row| row.iter().map(cell).collect::<Vec<_>>());
            (rows.next().unwrap(), rows.collect())
        }
    }
}

fn cells(batches: Vec<RecordBatch>) -> (Vec<String>, Vec<Vec<String>>) {
    let header = batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|array| show(array, row)).collect());
        }
    }
    (header, rows)
}

fn show(array: &ArrayRef, row: usize) -> String {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Decimal128Type, Int64Type};
    if array.is_null(row) {
        return String::new();
    }
    match array.data_type() {
        DataType::Boolean => if array.as_boolean().value(row) { "vrai" } else { "faux" }.to_owned(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        other => panic!("{other}"),
    }
}

// ----------------------------------------------------------------------------------------------------------- native types

fn panel(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let default: Vec<(&str, ArrayRef)> = vec![
        ("code", Arc::new(StringArray::from(vec!["B1", "B2", "B3"]))),
        ("annee", Arc::new(Int32Array::from(vec![2024, 2024, 2024]))),
        ("genre", Arc::new(vec!["municipale"; 3].into_iter().collect::<DictionaryArray<Int32Type>>())),
        ("ouverture", Arc::new(Date32Array::from(vec![14_610; 3]))),
        ("livres_pretes", Arc::new(Int32Array::from(vec![Some(10), None, Some(30)]))),
        ("heures_semaine", Arc::new(Float64Array::from(vec![20.1, 7.25, 35.0]))),
        ("label", Arc::new(BooleanArray::from(vec![true, false, true]))),
    ];
    let pick = |(name, array): &(&str, ArrayRef)| {
        let array = columns.iter().find(|(other, _)| other == name).map_or(array, |(_, array)| array);
        (Field::new(*name, array.data_type().clone(), true), array.clone())
    };
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = default.iter().map(pick).unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

#[test]
fn cells_of_every_type() {
    let folder = folder();
    let path = folder.path();
    let mut said = String::new();
    let day = 86_400_000i64;
    let mut tell = |title: &str, columns: &[(&str, ArrayRef)]| {
        write_parquet(&path.join("d.parquet"), &panel(columns));
        let output = polc(path, "eval politique.pol d.parquet --outputs prets,part --rejects rejets.csv");
        let rejects = fs::read_to_string(path.join("rejets.csv")).unwrap_or_default();
        let _ =
            writeln!(said, "──── {title}\n{}{}{rejects}", String::from_utf8_lossy(&output.stdout), messages(&output));
        let _ = fs::remove_file(path.join("rejets.csv"));
    };
    tell("défaut", &[]);
    tell("trop de chiffres", &[("heures_semaine", Arc::new(Float64Array::from(vec![0.1, 0.125, f64::NAN])))]);
    let decimals =
        Decimal128Array::from(vec![Some(20_100), Some(20_125), Some(20_130)]).with_precision_and_scale(9, 3).unwrap();
    tell("décimaux", &[("heures_semaine", Arc::new(decimals))]);
    tell(
        "horodatages",
        &[("ouverture", Arc::new(TimestampMillisecondArray::from(vec![14_610 * day, 14_610 * day + 1_000, 0])))],
    );
    tell("textes", &[("livres_pretes", Arc::new(StringArray::from(vec![Some("1 000"), Some("mille"), None])))]);
    tell("hors plage", &[("livres_pretes", Arc::new(Int32Array::from(vec![-1, 5, 6])))]);
    tell("clé vide", &[("code", Arc::new(StringArray::from(vec![Some("B1"), None, Some("B1")])))]);
    let list = arrow_array::ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)]); 3]);
    tell("listes", &[("livres_pretes", Arc::new(list))]);
    insta::assert_snapshot!(said);
}

#[test]
fn json_cells() {
    let folder = folder();
    let path = folder.path();
    let row = |rest: &str| {
        format!("{{\"code\":\"B1\",\"annee\":2024,\"genre\":\"municipale\",\"ouverture\":\"2010-01-01\",{rest}}}\n")
    };
    let text = row("\"livres_pretes\":1e3,\"heures_semaine\":20.50,\"label\":true").replace("B1", "B0")
        + &row("\"livres_pretes\":12345678901234567890,\"heures_semaine\":20.123,\"label\":null")
        + "[1]\n\n{\"code\":\n"
        + &row("\"livres_pretes\":[1],\"heures_semaine\":1,\"heures_semaine\":1").replace("B1", "B2")
        + &row("\"livres_pretes\":{},\"heures_semaine\":\"12,5\"").replace("B1", "B3");
    fs::write(path.join("d.jsonl"), &text).unwrap();
    let output = polc(path, "eval politique.pol d.jsonl --outputs prets,part --rejects rejets.csv");
    let rejects = fs::read_to_string(path.join("rejets.csv")).unwrap();
    insta::assert_snapshot!(format!(
        "{text}────\n{}{}{rejects}",
        String::from_utf8_lossy(&output.stdout),
        messages(&output)
    ));
}

// ---------------------------------------------------------------------------------------------------------------- bad files

#[test]
fn broken_files() {
    let folder = folder();
    let path = folder.path();
    let batch = panel(&[]);
    write_parquet(&path.join("bon.parquet"), &batch);
    write_arrow(&path.join("bon.arrow"), &batch);
    write_stream(&path.join("bon.ipc"), &batch);
    write_excel(&path.join("bon.xlsx"), &path.join("panel.csv"), &program(&path.join("politique.pol")));
    let mut said = String::new();
    let before = names(path);
    for kind in ["parquet", "arrow", "ipc", "xlsx"] {
        let bytes = fs::read(path.join(format!("bon.{kind}"))).unwrap();
        let mut flipped = bytes.clone();
        // A sheet is the only part of a workbook that is looked into.
        let sheet = flipped.windows(24).position(|name| name == b"xl/worksheets/sheet1.xml");
        let middle = sheet.map_or(flipped.len() / 3, |at| at + 40);
        flipped[middle..middle + 64].fill(0xA5);
        let truncated = bytes[..bytes.len() * 2 / 3].to_vec();
        for (what, bytes) in [("vide", Vec::new()), ("tronqué", truncated), ("abîmé", flipped), ("csv", PANEL.into())]
        {
            fs::write(path.join(format!("d.{kind}")), bytes).unwrap();
            let output = polc(path, &format!("eval politique.pol d.{kind} -o r.csv"));
            assert_eq!(output.status.code(), Some(1), "{kind} {what} : {}", messages(&output));
            assert!(!messages(&output).contains("faute de programmation"), "{}", messages(&output));
            let _ = writeln!(said, "──── {kind} {what}\n{}", messages(&output).trim_end());
        }
        fs::remove_file(path.join(format!("d.{kind}"))).unwrap();
    }
    assert_eq!(names(path), before);
    insta::assert_snapshot!(said);
}

/// A stream whose batches are not all of one schema.
#[test]
fn a_schema_that_changes() {
    let folder = folder();
    let path = folder.path();
    write_stream(&path.join("a.ipc"), &panel(&[]));
    write_stream(&path.join("b.ipc"), &panel(&[("livres_pretes", Arc::new(StringArray::from(vec!["1", "2", "3"])))]));
    let (first, second) = (fs::read(path.join("a.ipc")).unwrap(), fs::read(path.join("b.ipc")).unwrap());
    // Eight bytes end a stream.
    fs::write(path.join("d.ipc"), [&first[..first.len() - 8], &second].concat()).unwrap();
    let output = polc(path, "eval politique.pol d.ipc -o r.csv");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        messages(&output).starts_with("POL5001 d.ipc : ce fichier n'est pas un fichier Arrow"),
        "{}",
        messages(&output)
    );
    assert!(!path.join("r.csv").exists());
}

/// No single byte of a file brings the program down.
#[test]
fn no_byte_is_trusted() {
    let folder = folder();
    let path = folder.path();
    write_parquet(&path.join("bon.parquet"), &panel(&[]));
    write_arrow(&path.join("bon.arrow"), &panel(&[]));
    let program = program(&path.join("politique.pol"));
    let outputs: Vec<QuantityId> = program.outputs().collect();
    let request = Request::new(&program, &outputs);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for kind in ["parquet", "arrow"] {
        let good = fs::read(path.join(format!("bon.{kind}"))).unwrap();
        let file = path.join(format!("d.{kind}"));
        for at in (0..good.len()).step_by(7) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x81;
            fs::write(&file, &bytes).unwrap();
            let _ = polc_runtime::io::data::read(polc_runtime::io::data::Place::File(&file), &request);
        }
    }
    std::panic::set_hook(hook);
}

#[cfg(unix)]
#[test]
fn full_disks() {
    let folder = folder();
    let path = folder.path();
    let mut said = String::new();
    for kind in ["csv", "parquet", "arrow", "jsonl", "xlsx"] {
        std::os::unix::fs::symlink("/dev/full", path.join(format!("plein.{kind}"))).unwrap();
        let output = polc(path, &format!("eval politique.pol panel.csv -o plein.{kind}"));
        assert_eq!(output.status.code(), Some(1), "{kind}");
        said += &messages(&output);
    }
    insta::assert_snapshot!(said);
}

/// An interrupted run leaves nothing: neither results, nor what they were written to meanwhile.
#[cfg(unix)]
#[test]
fn interruption() {
    let folder = folder();
    let path = folder.path();
    let before = names(path);
    for signal in ["-INT", "-TERM"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_polc"))
            .args(["eval", "politique.pol", "-", "-o", "r.csv", "--rejects", "x.csv"])
            .current_dir(path)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // Waiting for the end would close it, and an end of data race with the signal.
        let data = child.stdin.take();
        // Two temporary files, while the data is awaited.
        let started = std::time::Instant::now();
        while names(path).len() < before.len() + 2 {
            assert!(started.elapsed().as_secs() < 60, "{:?}", names(path));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        // The files come after the handler; the commands that only probe their places are over.
        std::thread::sleep(std::time::Duration::from_millis(100));
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        drop(data);
        assert_eq!(names(path), before);
    }
}

/// A file in parts from the command line: everything as in one piece, the standard output too.
#[test]
fn little_memory() {
    let folder = folder();
    let path = folder.path();
    let mut panel = PANEL.lines().next().unwrap().to_owned() + "\n";
    for row in 0..6_000 {
        let (code, year) = (row * 7 % 2_000, 2020 + row / 2_000);
        let _ = writeln!(panel, "B{code},{year},municipale,2010-01-01,{},{},vrai", row % 900, row % 40 + 1);
    }
    panel += "B1,2020,municipale,2010-01-01,1,1,vrai\n";
    fs::write(path.join("grand.csv"), &panel).unwrap();
    for outputs in ["", "--outputs prets,part", "--outputs moyenne"] {
        let run = |memory: usize| {
            let rest = "--rejects x.csv";
            let output = polc(path, &format!("eval politique.pol grand.csv {outputs} {rest} --memory {memory}"));
            assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
            let said =
                messages(&output).lines().filter(|line| !line.starts_with("calcul")).collect::<Vec<_>>().join("\n");
            (output.stdout, fs::read(path.join("x.csv")).unwrap(), said)
        };
        assert!(run(1) == run(1_000), "« {outputs} » differs");
    }
    let refused = |memory: usize| {
        let output = polc(path, &format!("eval politique.pol grand.csv --memory {memory} -o r.csv"));
        (output.status.code(), messages(&output))
    };
    assert_eq!(refused(1), refused(1_000));
    assert_eq!(names(path), ["grand.csv", "panel.csv", "politique.pol", "x.csv"]);
}
