//! Mistakes on the command line, in French: clap finds them, and says them in English only.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Says what is wrong with the command line, or shows the help that was asked for.
pub fn report(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that went away has read enough.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(2)
        }
        _ => {
            let _ = writeln!(io::stderr(), "{}", sentence(&message(error)));
            ExitCode::from(2)
        }
    }
}

/// A mistake, and where to find help.
pub fn sentence(message: &str) -> String {
    format!("polc : {message}\n        aide : « polc --help » ou « polc COMMANDE --help »")
}

fn message(error: &clap::Error) -> String {
    let argument = || text(error, ContextKind::InvalidArg).unwrap_or_default();
    let value = || text(error, ContextKind::InvalidValue).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            format!("« {} » n'est pas une commande", text(error, ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::MissingSubcommand => "il manque la commande".to_owned(),
        ErrorKind::UnknownArgument if argument().starts_with('-') => {
            format!("l'option « {} » n'existe pas", argument())
        }
        ErrorKind::UnknownArgument => format!("« {} » est de trop", argument()),
        ErrorKind::InvalidValue if value().is_empty() => format!("« {} » attend une valeur", argument()),
        ErrorKind::InvalidValue => format!("« {} » ne convient pas à « {} »", value(), argument()),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(|source| format!(" : {source}")).unwrap_or_default();
            format!("« {} » ne convient pas à « {} »{why}", value(), argument())
        }
        ErrorKind::MissingRequiredArgument => format!("il manque {}", argument()),
        ErrorKind::ArgumentConflict => match text(error, ContextKind::PriorArg) {
            Some(other) if other != argument() => format!("« {} » et « {other} » ne vont pas ensemble", argument()),
            _ => format!("« {} » est donné deux fois", argument()),
        },
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => {
            format!("« {} » n'a pas le nombre de valeurs attendu", argument())
        }
        ErrorKind::InvalidUtf8 => "un argument n'est pas en UTF-8".to_owned(),
        _ => "la ligne de commande est incompréhensible".to_owned(),
    };
    if let Some(suggestion) = SUGGESTIONS.iter().find_map(|kind| text(error, *kind)) {
        return format!("{message} ; vouliez-vous dire « {suggestion} » ?");
    }
    match text(error, ContextKind::ValidValue).filter(|values| !values.is_empty()) {
        Some(values) => format!("{message} ; attendu : {values}"),
        None => message,
    }
}

const SUGGESTIONS: [ContextKind; 3] =
    [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) if SUGGESTIONS.contains(&kind) => Some(texts.join(" » ou « ")),
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        _ => None,
    }
}
