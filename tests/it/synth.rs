//! The synthetic data shipped with the agreement, and the command that makes them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn policy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name)
}

fn data(name: &str) -> PathBuf {
    policy("accord-cds/donnees").join(name)
}

fn generate(name: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_polc")).arg("generate").arg(policy(name)).args(arguments).output().unwrap()
}

/// The shipped file of a policy is what its README's command makes of the shipped profile.
fn shipped_file_is_what_the_profile_gives(name: &str, file: &str, subjects: &str) {
    let folder = policy(name).join("donnees");
    let profile = folder.join("profil.toml");
    let output = generate(name, &[profile.to_str().unwrap(), "--subjects", subjects]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with(&format!("données synthétiques : {subjects} assujettis, ")), "{said}");
    let shipped = std::fs::read(folder.join(file)).unwrap();
    let line = |bytes: &[u8], at: usize| {
        String::from_utf8_lossy(bytes.split(|byte| *byte == b'\n').nth(at).unwrap_or_default()).into_owned()
    };
    let differs = |at: &usize| line(&shipped, *at) != line(&output.stdout, *at);
    if shipped != output.stdout {
        let at = (0..).find(differs).unwrap_or(0);
        panic!(
            "{file} n'est plus ce que donne profil.toml (README.md dit comment le refaire), ligne {} :\n{}\n{}",
            at + 1,
            line(&shipped, at),
            line(&output.stdout, at)
        );
    }
}

#[test]
fn the_centres_are_what_the_profile_gives() {
    shipped_file_is_what_the_profile_gives("accord-cds", "centres.csv", "600");
}

#[test]
fn the_communities_are_what_the_profile_gives() {
    shipped_file_is_what_the_profile_gives("aci-cpts", "cpts.csv", "150");
}

/// A contract has the same dates on all the rows of a centre, and no row is refused.
#[test]
fn the_dates_of_a_contract_do_not_change() {
    let text = std::fs::read_to_string(data("centres.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let dates: Vec<usize> = (0..header.len())
        .filter(|at| header[*at].contains("_date_") && !header[*at].starts_with("bcp_"))
        .filter(|at| !header[*at].starts_with("regul_date_arrete"))
        .collect();
    assert!(dates.len() > 40, "{} dates", dates.len());
    let mut first: std::collections::HashMap<String, csv::StringRecord> = std::collections::HashMap::new();
    let mut filled = std::collections::BTreeSet::new();
    for row in reader.records() {
        let row = row.unwrap();
        let reference = first.entry(row[0].to_owned()).or_insert_with(|| row.clone());
        for at in &dates {
            // What a centre says of 2025 only.
            let only_2025 = header[*at].starts_with("regul_date_declaration");
            assert!(only_2025 || reference[*at] == row[*at], "{}, {}, {}", &header[*at], &row[0], &row[1]);
            if !row[*at].is_empty() {
                filled.insert(*at);
            }
        }
    }
    let empty: Vec<&str> = dates.iter().filter(|at| !filled.contains(at)).map(|at| &header[*at]).collect();
    assert_eq!(empty, Vec::<&str>::new());
}

/// Nothing is written, every mistake is said with its line and key, and the exit code is 1.
#[test]
fn a_wrong_profile_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, output) = (folder.path().join("profil.toml"), folder.path().join("out.csv"));
    let text = std::fs::read_to_string(data("profil.toml")).unwrap();
    let text = text.replacen("depart = ", "departs = ", 1).replacen("\nfiness = ", "\nfines = ", 1);
    std::fs::write(&profile, &text).unwrap();
    let arguments = [profile.to_str().unwrap(), "--subjects", "3", "-o", output.to_str().unwrap()];
    let run = generate("accord-cds", &arguments);
    assert_eq!(run.status.code(), Some(1));
    assert!(!output.exists());
    let said = String::from_utf8(run.stderr).unwrap().replace(profile.to_str().unwrap(), "profil.toml");
    assert!(said.contains("profil.toml, ligne "), "{said}");
    assert!(said.contains("« presence.departs » : cette clé n'existe pas ; vouliez-vous dire « depart » ?"), "{said}");

    std::fs::write(&profile, text.replacen("departs = ", "depart = ", 1)).unwrap();
    let run = generate("accord-cds", &arguments);
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(said.contains("« fines » n'est pas une entrée de la politique ; vouliez-vous dire « finess » ?"), "{said}");
    assert!(said.ends_with(" problèmes\n"), "{said}");
    assert!(!output.exists());
}

/// The extension says the format everywhere else: no CSV under another's.
#[test]
fn only_csv_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.parquet");
    let profile = data("profil.toml");
    let run = generate("accord-cds", &[profile.to_str().unwrap(), "--subjects", "3", "-o", output.to_str().unwrap()]);
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(said.contains("« --output » s'écrit en CSV : donnez un nom en « .csv »"), "{said}");
    assert!(!output.exists());
}
