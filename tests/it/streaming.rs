//! Files larger than memory: the same bytes as in one piece, whatever the size of the parts, the partitions and the threads.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::typed::{Program, QuantityId};
use polc_dsl::SourceMap;
use polc_runtime::engine::{DataReach, Engine, EngineMode};
use polc_runtime::io::csv::{OtherColumns, Request};
use polc_runtime::io::data::Place;
use polc_runtime::io::output::Output;
use polc_runtime::io::stream::{Job, Outputs, Sizes, StreamError, evaluate};
use polc_runtime::io::text::FileKind;
use polc_runtime::io::write::value_text;
use polc_runtime::table::Batch;
use polc_runtime::testing::{self, Random};

/// All that a run shows: results, rejects, and what it says.
#[derive(PartialEq, Eq)]
struct Shown {
    results: Option<Vec<u8>>,
    rejects: Option<Vec<u8>>,
    said: String,
}

struct Run<'a> {
    program: &'a Arc<Program>,
    outputs: Vec<QuantityId>,
    data: &'a Path,
    kind: FileKind,
    divert: bool,
    threads: usize,
}

impl Run<'_> {
    fn run(&self, sizes: Sizes) -> Shown {
        let folder = tempfile::tempdir().unwrap();
        let (results, rejects) = (folder.path().join("r"), folder.path().join("x"));
        let mut request = Request::new(self.program, &self.outputs);
        request.divert = self.divert;
        request.others = OtherColumns::Carried;
        let engine = Engine::new(self.program.clone(), self.outputs.clone(), EngineMode::Reference, self.threads);
        let job = Job {
            place: Place::File(self.data),
            request: &request,
            engine,
            kind: self.kind,
            detail: None,
            sizes,
            progress: &(),
        };
        let outputs = Outputs {
            results: Output::create(&results).unwrap(),
            detail: None,
            rejects: self.divert.then(|| Output::create(&rejects).unwrap()),
        };
        let said = match evaluate(job, outputs) {
            Ok((report, outputs)) => {
                outputs.results.commit().unwrap();
                if let Some(rejects) = outputs.rejects {
                    rejects.commit().unwrap();
                }
                format!(
                    "{} {} {} {} {:?} {:?} {:?}",
                    report.format,
                    report.read,
                    report.rejected,
                    report.orphans,
                    report.totals,
                    report.statistics.failed_controls,
                    report.statistics.failed_groups
                )
            }
            Err(StreamError::Data(problems)) => problems.to_string(),
            Err(other) => panic!("{other:?}"),
        };
        Shown { results: fs::read(results).ok(), rejects: fs::read(rejects).ok(), said }
    }

    /// In one piece, then in parts; how far rows read.
    fn agrees(&self, what: &str) {
        let whole = self.run(Sizes::WHOLE);
        for (rows, piece, partitions) in [(1, 1, 3), (7, 40, 1), (50, 3_000, 5), (100_000, 100, 2)] {
            let parts = self.run(Sizes { whole: rows + 5, rows, text: 0, piece, partitions });
            let shown =
                |bytes: &Option<Vec<u8>>| String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
            assert_eq!(parts.said, whole.said, "{what}, par {rows} lignes");
            assert!(
                parts.results == whole.results,
                "{what}, par {rows} lignes\n{}\n────\n{}",
                shown(&parts.results),
                shown(&whole.results)
            );
            assert_eq!(shown(&parts.rejects), shown(&whole.rejects), "{what}, par {rows} lignes");
        }
    }
}

fn build(files: &[(String, String)]) -> Arc<Program> {
    let mut sources = SourceMap::new();
    for (name, text) in files {
        sources.add(name, text.as_bytes());
    }
    Arc::new(polc_compiler::analyse(&sources, &Selection::default()).0.expect("a policy that compiles"))
}

fn reach(program: &Arc<Program>, outputs: &[QuantityId], batch: &Batch) -> DataReach {
    Engine::new(program.clone(), outputs.to_vec(), EngineMode::Reference, 1).reach(batch)
}

/// Rows as a CSV file; some of them spoilt.
fn csv(program: &Program, batch: &Batch, separator: char, spoilt: Option<u64>) -> String {
    let mark = if separator == ';' { ',' } else { '.' };
    let line = |cells: Vec<String>| cells.join(&separator.to_string()) + "\n";
    let mut text = line(program.inputs.iter().map(|input| input.name.to_string()).collect());
    let mut random = Random::new(spoilt.unwrap_or(0));
    for row in 0..batch.rows {
        let cell = |id| {
            let value = batch.value(program, id, row);
            value.map(|value| value_text(program, &program.input(id).ty, &value, mark)).unwrap_or_default()
        };
        let cells: Vec<String> = program.input_ids().map(cell).collect();
        let good = line(cells.clone());
        text += &good;
        match spoilt.map(|_| random.below(12)) {
            Some(0) => text += &good,
            Some(1) => text += &line(cells[1..].to_vec()),
            Some(2) => text += &line(cells.iter().map(|cell| format!("{cell}x")).collect()),
            Some(3) => text += "\"",
            Some(4) => text += "\n",
            _ => {}
        }
    }
    text
}

/// Random policies: what rows read of others is drawn too.
#[test]
fn parts_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut reached = Vec::new();
    for seed in 0..24 {
        let program = build(&testing::policy(seed, 12));
        let mut outputs: Vec<QuantityId> = program.outputs().collect();
        if seed % 3 > 0 {
            // Of few outputs, rows often read nothing else.
            outputs.truncate(2);
        }
        let batch = testing::rows(&program, seed, 120);
        reached.push(reach(&program, &outputs, &batch));
        for (separator, spoilt) in [(',', None), (';', Some(seed))] {
            let data = folder.path().join("d.csv");
            fs::write(&data, csv(&program, &batch, separator, spoilt)).unwrap();
            for divert in [false, true] {
                let run = Run {
                    program: &program,
                    outputs: outputs.clone(),
                    data: &data,
                    kind: FileKind::Csv,
                    divert,
                    threads: 2,
                };
                run.agrees(&format!("graine {seed}, « {separator} », fautes {spoilt:?}, rejets {divert}"));
            }
        }
    }
    for reach in [DataReach::Row, DataReach::Earlier, DataReach::All] {
        assert!(reached.contains(&reach), "{reach:?} is not drawn");
    }
}

/// Every format out, byte for byte.
#[test]
fn formats_change_nothing() {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/aci-cpts");
    let sources = polc_runtime::io::policy::load(&policy).0;
    let program = polc_runtime::policy::Policy::build(sources, &Selection::default()).unwrap().program;
    let outputs: Vec<QuantityId> = program.outputs().collect();
    let csv = policy.join("donnees/cpts.csv");
    for kind in [FileKind::Csv, FileKind::Parquet, FileKind::Arrow, FileKind::JsonLines, FileKind::Excel] {
        for divert in [false, true] {
            let run = Run { program: &program, outputs: outputs.clone(), data: &csv, kind, divert, threads: 2 };
            run.agrees(&format!("{kind:?}"));
        }
    }
}
