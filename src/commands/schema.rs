//! `polc schema`: the columns that the policy reads.

use std::io::{self, Write as _};

use clap::ValueEnum;
use polc_compiler::num::{Ratio, format_french, format_plain, power_of_ten};
use polc_compiler::typed::{Input, Program, Type, Value};
use polc_runtime::io::write::value_text;
use serde_json::{Map, Value as Json, json};

use super::policy::{self, PolicyArg};
use crate::exit::Outcome;

/// Décrit les colonnes de données que lit une politique
///
/// Exemples :
///   polc schema policies/accord-cds > modele.csv
///   polc schema policies/accord-cds --format md
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Forme : csv (le défaut, un modèle vide), json (JSON Schema d'une ligne), md (un tableau)
    #[arg(long, value_name = "FORME", default_value = "csv", hide_default_value = true, hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
    Md,
}

pub fn run(args: &Args) -> Outcome {
    let policy = policy::load(&args.policy, &[])?;
    let text = match args.format {
        Format::Csv => template(&policy.program),
        Format::Json => serde_json::to_string_pretty(&schema(&policy.program)).unwrap_or_default() + "\n",
        Format::Md => table(&policy.program),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// A header without rows. Names hold neither separators nor quotes.
fn template(program: &Program) -> String {
    let names: Vec<&str> = program.inputs.iter().map(|input| &*input.name).collect();
    names.join(",") + "\n"
}

fn schema(program: &Program) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for id in program.input_ids() {
        let input = program.input(id);
        properties.insert(input.name.to_string(), property(program, input, program.key.contains(&id)));
        if input.default.is_none() {
            required.push(json!(&*input.name));
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": &*program.title,
        "description": format!("Une ligne de données de la politique « {} »", program.name),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(program: &Program, input: &Input, key: bool) -> Json {
    let mut property = Map::new();
    let mut set = |name: &str, value: Json| {
        property.insert(name.to_owned(), value);
    };
    set("description", json!(&*input.meaning));
    // An empty cell is a datum too, but for a key.
    let nature = |name: &str| if key { json!(name) } else { json!([name, "null"]) };
    match &input.ty {
        Type::Number(unit) => {
            set("type", nature(if input.decimals == 0 { "integer" } else { "number" }));
            if let Some((low, high)) = &input.range {
                set("minimum", number(low));
                set("maximum", number(high));
            }
            if input.decimals > 0 {
                set("multipleOf", number(&Ratio::new(1.into(), power_of_ten(input.decimals))));
            }
            if !unit.is_none() {
                set("x-unite", json!(unit.to_string()));
            }
        }
        Type::Boolean | Type::Error => set("type", nature("boolean")),
        Type::Date => {
            set("type", nature("string"));
            set("format", json!("date"));
        }
        Type::Enumeration(id) => {
            let cases = &program.enumeration(*id).cases;
            let mut choices: Vec<Json> =
                cases.iter().map(|(name, title)| json!({ "const": &**name, "title": &**title })).collect();
            if !key {
                choices.push(json!({ "type": "null" }));
            }
            set("oneOf", json!(choices));
        }
        Type::Text => {
            set("type", nature("string"));
            set("minLength", json!(1));
        }
    }
    if let Some(default) = &input.default {
        let value = match default {
            Value::Number(value) => number(value),
            Value::Boolean(value) => json!(value),
            Value::Date(_) | Value::Case(_) | Value::Text(_) => json!(value_text(program, &input.ty, default, '.')),
        };
        set("default", value);
    }
    Json::Object(property)
}

fn number(value: &Ratio) -> Json {
    let text = format_plain(value, 0, '.');
    text.parse::<serde_json::Number>().map_or(Json::String(text), Json::Number)
}

fn table(program: &Program) -> String {
    let mut out = "| colonne | nature | valeurs | par défaut | sens |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for id in program.input_ids() {
        let input = program.input(id);
        let (nature, values) = nature(program, input);
        let default = match &input.default {
            Some(default) => value_text(program, &input.ty, default, ','),
            None if program.key.contains(&id) => "clé".to_owned(),
            None => String::new(),
        };
        let meaning = input.meaning.replace('|', "\\|");
        out += &format!("| `{}` | {nature} | {values} | {default} | {meaning} |\n", input.name);
    }
    out
}

fn nature(program: &Program, input: &Input) -> (String, String) {
    match &input.ty {
        Type::Number(unit) => {
            let nature = match input.decimals {
                0 => "entier".to_owned(),
                1 => "décimal (1 décimale)".to_owned(),
                n => format!("décimal ({n} décimales)"),
            };
            let unit = if unit.is_none() { String::new() } else { format!(", en {unit}") };
            let shown = |value: &Ratio| {
                if input.name == program.input(program.year).name { value.to_string() } else { format_french(value, 0) }
            };
            let range = input.range.as_ref();
            let values = range.map(|(low, high)| format!("de {} à {}", shown(low), shown(high))).unwrap_or_default();
            (format!("{nature}{unit}"), values)
        }
        Type::Boolean | Type::Error => ("booléen".to_owned(), "vrai, faux".to_owned()),
        Type::Date => ("date".to_owned(), "2024-12-31 ou 31/12/2024".to_owned()),
        Type::Enumeration(id) => {
            let enumeration = program.enumeration(*id);
            let cases: Vec<&str> = enumeration.cases.iter().map(|(name, _)| &**name).collect();
            (enumeration.name.to_string(), cases.join(", "))
        }
        Type::Text => ("texte".to_owned(), String::new()),
    }
}
