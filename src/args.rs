//! The command line as a whole. The arguments of each command stand beside the command.

use clap::{ArgAction, Parser, Subcommand};

use crate::commands::{
    bench, check, coverage, diff, eval, explain, fmt, generate, impact, readings, schema, seal, test, verify,
};

/// « Utilisation » first, since it is what one looks for.
const HELP: &str = "{about-with-newline}\nUtilisation : {usage}\n\n{all-args}{after-help}\n";

const CODES: &str = "Codes de sortie : 0 tout va bien ; 1 la politique ou les données sont fautives ;\n2 la ligne de \
                     commande est fautive. « polc COMMANDE --help » donne le détail et des exemples.";

/// Compile et évalue des politiques de paiement écrites dans les termes du droit (fichiers .pol)
#[derive(Debug, Parser)]
#[command(
    name = "polc",
    version,
    help_template = HELP,
    after_help = CODES,
    subcommand_help_heading = "Commandes",
    subcommand_value_name = "COMMANDE",
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Affiche l'aide (« -h » pour un résumé)
    #[arg(short = 'h', long = "help", action = ArgAction::Help, global = true, display_order = 900)]
    help: Option<bool>,

    /// Affiche la version
    #[arg(short = 'V', long = "version", action = ArgAction::Version, display_order = 901)]
    version: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(help_template = HELP)]
    Check(check::Args),
    #[command(help_template = HELP)]
    Eval(eval::Args),
    #[command(help_template = HELP)]
    Explain(explain::Args),
    #[command(help_template = HELP)]
    Test(test::Args),
    #[command(help_template = HELP)]
    Seal(seal::Args),
    #[command(help_template = HELP)]
    Verify(verify::Args),
    #[command(help_template = HELP)]
    Fmt(fmt::Args),
    #[command(help_template = HELP)]
    Coverage(coverage::Args),
    #[command(help_template = HELP)]
    Diff(diff::Args),
    #[command(help_template = HELP)]
    Impact(Box<impact::Args>),
    #[command(help_template = HELP)]
    Readings(readings::Args),
    #[command(help_template = HELP)]
    Generate(generate::Args),
    #[command(help_template = HELP)]
    Schema(schema::Args),
    #[command(help_template = HELP)]
    Bench(bench::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        super::Cli::command().debug_assert();
    }
}
