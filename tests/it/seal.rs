//! Sealed folders: the same inputs give the same bytes, a replay says that they are identical, and one altered byte is found
//! wherever it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use polc_runtime::seal::{FORMAT, MANIFEST, Manifest, VERSION};
use serde_json::Value as Json;

use crate::explain::conforms;

const POLICY: &str = include_str!("../fixtures/bibliotheques.pol");
const ROWS: &str = "\
code;annee;genre;ouverture;livres_pretes;heures_semaine;label
B1;2023;municipale;2010-01-01;1000;20;vrai
B1;2024;municipale;2010-01-01;1500;20,5;oui
B2;2024;associative;01/07/2024;100;7;1
B3;2024;associative;01/07/2024;;7;1
";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("droit")).unwrap();
        fs::write(place.path("droit/politique.pol"), POLICY).unwrap();
        fs::write(place.path("donnees.csv"), ROWS).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn polc(&self, arguments: &str) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polc"));
        let output = command.args(arguments.split(' ')).current_dir(self.0.path()).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), text)
    }

    fn good(&self, arguments: &str) -> String {
        let (code, text) = self.polc(arguments);
        assert_eq!(code, 0, "polc {arguments}\n{text}");
        text
    }

    fn refused(&self, arguments: &str) -> String {
        let (code, text) = self.polc(arguments);
        assert_eq!(code, 1, "polc {arguments}\n{text}");
        text
    }
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { pending.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    files(root).iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

const SEAL: &str = "seal droit donnees.csv --rejects";

#[test]
fn a_seal_is_replayed_elsewhere() {
    let place = Place::new();
    let said = place.good(&format!("{SEAL} -o un"));
    // From another folder, by another way to name the policy, at another moment.
    fs::create_dir(place.path("ailleurs")).unwrap();
    place.good(&format!("{SEAL} -o ailleurs/deux").replace("droit", "./droit/"));
    assert_eq!(contents(&place.path("un")), contents(&place.path("ailleurs/deux")));
    let names: Vec<String> = contents(&place.path("un")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "donnees/donnees.csv",
            "explications.jsonl",
            "manifeste.json",
            "politique/politique.pol",
            "rejets.csv",
            "resultats.csv"
        ]
    );
    place.good("eval droit donnees.csv --rejects r.csv -o attendu.csv");
    assert_eq!(fs::read(place.path("attendu.csv")).unwrap(), fs::read(place.path("un/resultats.csv")).unwrap());
    fs::remove_dir_all(place.path("droit")).unwrap();
    fs::rename(place.path("ailleurs/deux"), place.path("ailleurs/trois")).unwrap();
    let verified = place.good("verify ailleurs/trois");
    assert_eq!(verified, said.replacen("un : ", "identique : ", 1));
    let empreinte = said.rsplit(' ').next().unwrap().trim();
    place.good(&format!("verify un --fingerprint {empreinte} --data donnees.csv"));
    assert!(place.refused("verify un --fingerprint 00").contains("l'empreinte du dossier est"));
}

/// Whether one text says all that another says.
fn tells(whole: &Json, part: &Json) -> bool {
    match (whole, part) {
        (Json::Object(whole), Json::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| tells(whole, part)))
        }
        (Json::Array(whole), Json::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| tells(whole, part))
        }
        _ => whole == part,
    }
}

#[test]
fn statements_are_those_of_explain() {
    let place = Place::new();
    place.good(&format!("{SEAL} -o un --key B1"));
    let text = fs::read_to_string(place.path("un/explications.jsonl")).unwrap();
    let statements: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(statements.len(), 2);
    fs::copy(place.path("droit/politique.pol"), place.path("seule.pol")).unwrap();
    let explained = place.good("explain droit donnees.csv --key B1 --year 2024 --format json");
    let explained: Json =
        serde_json::from_str(&explained.replace("droit/politique.pol", "politique/politique.pol")).unwrap();
    assert!(tells(&explained, &statements[1]), "{}\n{explained}", statements[1]);
    // Compressed, they are the same.
    place.good(&format!("{SEAL} -o deux --key B1 --compress"));
    assert!(place.path("deux/explications.jsonl.gz").exists());
    place.good("verify deux");
    let (code, said) = place.polc(&format!("{SEAL} -o trois --key B9"));
    assert!(code == 1 && said.contains("« B9 »") && !place.path("trois").exists(), "{said}");
}

#[test]
fn one_altered_byte_is_found_anywhere() {
    for options in ["", " --compress --key B1", " --outputs aide,part --keep --statements none"] {
        let place = Place::new();
        place.good(&format!("{SEAL} -o sceau{options}"));
        for path in files(&place.path("sceau")) {
            let name = path.strip_prefix(place.path("sceau")).unwrap().to_string_lossy().into_owned();
            let bytes = fs::read(&path).unwrap();
            let step = (bytes.len() / 12).max(1);
            for at in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
                let mut altered = bytes.clone();
                altered[at] ^= 1;
                fs::write(&path, &altered).unwrap();
                let said = place.refused("verify sceau");
                assert!(said.contains(&format!("« {name} »")), "{name}, octet {at}\n{said}");
            }
            for altered in [&bytes[..bytes.len() - 1], &[&bytes[..], b"\n"].concat()] {
                fs::write(&path, altered).unwrap();
                assert!(place.refused("verify sceau").contains(&format!("« {name} »")), "{name}");
            }
            fs::remove_file(&path).unwrap();
            assert!(place.refused("verify sceau").contains(name.as_str()), "{name}");
            fs::write(&path, &bytes).unwrap();
        }
        fs::write(place.path("sceau/autre.txt"), "rien").unwrap();
        assert!(place.refused("verify sceau").contains("« autre.txt » n'est pas du dossier scellé"));
        fs::remove_file(place.path("sceau/autre.txt")).unwrap();
        place.good("verify sceau");
    }
}

/// Whoever forges the fingerprints too is found by the replay.
#[test]
fn forged_results_are_found_by_the_replay() {
    let place = Place::new();
    place.good(&format!("{SEAL} -o sceau"));
    let path = place.path("sceau/resultats.csv");
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().nth(2).unwrap();
    let cell = line.rsplit(';').find(|cell| cell.contains(',')).unwrap();
    let forged = text.replacen(line, &line.replacen(cell, &format!("9{cell}"), 1), 1);
    fs::write(&path, &forged).unwrap();
    let manifest = place.path("sceau").join(MANIFEST);
    let mut known = Manifest::read(&fs::read(&manifest).unwrap()).unwrap();
    let (length, sha256) = polc_runtime::io::folder::fingerprint(&path).unwrap();
    for mark in known.files.iter_mut().filter(|mark| mark.path == "resultats.csv") {
        (mark.length, mark.sha256) = (length, sha256.clone());
    }
    fs::write(&manifest, known.sealed().to_json()).unwrap();
    let said = place.refused("verify sceau");
    assert!(said.starts_with("« resultats.csv », ligne 3 (code B1, annee 2024), colonne « "), "{said}");
    assert!(said.contains(&format!("« 9{cell} » ; recalculé : « {cell} »")), "{said}");
}

#[test]
fn data_may_stay_outside() {
    let place = Place::new();
    place.good(&format!("{SEAL} -o sceau --without-data"));
    assert!(!place.path("sceau/donnees").exists());
    assert_eq!(place.polc("verify sceau").0, 2);
    place.good("verify sceau --data donnees.csv");
    fs::write(place.path("autres.csv"), ROWS.replace("1500", "1501")).unwrap();
    assert!(place.refused("verify sceau --data autres.csv").contains("n'est pas le fichier scellé"));
    place.good(&format!("{SEAL} -o complet"));
    let said = place.refused("verify complet --data autres.csv");
    assert!(said.contains("ligne 3 : « B1;2024;municipale;2010-01-01;1501;20,5;oui »"), "{said}");
}

#[test]
fn nothing_is_half_written() {
    let place = Place::new();
    let before = contents(place.0.path());
    // A row is wrong, and nothing says to put it aside.
    assert!(place.refused("seal droit donnees.csv -o sceau").contains("donnees.csv"));
    assert_eq!(place.polc("seal droit donnees.csv -o sceau --reading a=b").0, 2);
    place.refused("seal absent donnees.csv -o sceau");
    place.refused("seal droit absent.csv -o sceau");
    place.refused("seal droit donnees.csv -o absent/sceau --rejects");
    assert_eq!(contents(place.0.path()), before);
    place.good(&format!("{SEAL} -o sceau"));
    assert!(place.refused(&format!("{SEAL} -o sceau")).contains("existe déjà"));
    let many: String = (0..1_001).map(|n| format!("C{n};2024;municipale;2010-01-01;1000;20;vrai\n")).collect();
    let header = ROWS.lines().next().unwrap();
    fs::write(place.path("beaucoup.csv"), format!("{header}\n{many}")).unwrap();
    let (code, said) = place.polc("seal droit beaucoup.csv -o gros");
    assert!(code == 2 && said.contains("--statements") && !place.path("gros").exists(), "{said}");
    place.good("seal droit beaucoup.csv -o gros --key C7");
    place.good("verify gros");
}

#[test]
fn the_manifest_is_that_of_the_schema() {
    let place = Place::new();
    place.good(&format!("{SEAL} -o sceau --reading {} --key B1", reading()));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/sceau-1.json");
    let schema: Json = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let manifest: Json = serde_json::from_slice(&fs::read(place.path("sceau").join(MANIFEST)).unwrap()).unwrap();
    conforms(&manifest, &schema, &schema, "").unwrap();
    let constant = |name: &str| schema["properties"][name]["const"].clone();
    assert_eq!((constant("format"), constant("version")), (FORMAT.into(), VERSION.into()));
    assert_eq!(manifest["options"]["lectures"].as_array().map(Vec::len), Some(1));
    place.good("verify sceau");
}

/// A reading of the fixture with its first variant that can be computed.
fn reading() -> String {
    let policy = polc_runtime::policy::Policy::load(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bibliotheques.pol"),
        &Default::default(),
    )
    .expect("a sound policy");
    let reading = policy.program.readings.first().expect("a reading");
    let variant = reading.alternatives.iter().find(|variant| variant.computable).expect("a variant");
    format!("{}={}", reading.name, variant.name)
}

#[test]
fn shipped_policies_are_sealed_and_verified() {
    let place = Place::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let cpts = root.join("aci-cpts");
    place.good(&format!(
        "seal {} {} -o cpts --without avenant_2 --rejects --statements all --compress",
        cpts.display(),
        cpts.join("donnees/cpts.csv").display()
    ));
    assert!(place.good("verify cpts").starts_with("identique"));
    let cds = root.join("accord-cds");
    let data = cds.join("donnees/centres.csv");
    let rows = fs::read_to_string(&data).unwrap();
    fs::write(place.path("dix.csv"), rows.lines().take(11).map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
    place.good(&format!("seal {} dix.csv -o cds --outputs bcp_total_euros", cds.display()));
    assert!(place.good("verify cds").starts_with("identique"));
}
