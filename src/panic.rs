//! What to say when the program itself is at fault.

use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};

use polc_runtime::io::guard::is_guarded;

/// Replaces the report of a panic by an apology that tells what to send.
pub fn install() {
    panic::set_hook(Box::new(|info| {
        // A broken data file: whoever reads it says so.
        if is_guarded() {
            return;
        }
        // Nothing better can be done if the standard error is closed.
        let _ = io::stderr().write_all(apology(info).as_bytes());
    }));
}

fn apology(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let what = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    let command: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    format!(
        "\npolc s'est arrêté sur une faute de programmation : ni votre politique ni vos données ne devraient pouvoir la \
         causer, et nous vous prions de nous en excuser. Aucun fichier de résultat n'a été écrit.\n\n\
         Pour nous permettre de la corriger, envoyez-nous ces lignes, et si possible la politique et quelques lignes \
         de données qui la provoquent :\n\n  \
           faute     {}{place}\n  \
           version   polc {} ({} {})\n  \
           commande  {}\n",
        what.unwrap_or("inconnue"),
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        command.join(" "),
    )
}
