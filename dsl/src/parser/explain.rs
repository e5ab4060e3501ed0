//! What to say of a text that the grammar refuses: which word, what was expected there, what to write instead.
//!
//! pest gives the furthest place it reached and the rules that could have gone on. The usual slips are known by the tokens
//! around that place and have their own sentence; the rest is told what was expected, the most telling rules first.

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};

use super::tokens::{Kind, Token, tokens};
use super::{MAX_NESTING, MONTHS, PolParser, Rule};
use crate::ast::FUNCTIONS;
use crate::diagnostic::{Diagnostic, closest, syntax};
use crate::span::{FileId, Span};

/// Whether a piece of text starts with the word of a declaration.
pub fn opens_declaration(piece: &str) -> bool {
    tokens(piece).first().is_some_and(|token| syntax::is_declaration(token.text))
}

/// Whether the file is that of an amendment: its first declaration says so.
pub fn opens_amendment(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'));
    first.and_then(|line| tokens(line).into_iter().next()).is_some_and(|token| token.text == "avenant")
}

/// The first words of a line, when they open a clause and no declaration. In an amendment, « remplace » opens a change.
pub fn clause_at(line: &str, amendment: bool) -> Option<&str> {
    let first = tokens(line).into_iter().next()?;
    if amendment && first.text == "remplace" {
        return None;
    }
    if first.start > 0 || first.kind != Kind::Word || syntax::is_declaration(first.text) {
        return None;
    }
    syntax::clause_at(line)
}

/// A declaration that could be read, and does not start its line.
pub fn indented(piece: &str, file: FileId, base: usize) -> Diagnostic {
    let word = tokens(piece).into_iter().next();
    let (start, text) = word.map_or((0, ""), |token| (token.start, token.text));
    syntax::indented_declaration(Span::new(file, base + start, base + start + text.len()), text)
}

/// A declaration that holds an expression too deep. How far pest goes in it depends on the stack: its name is underlined.
pub fn too_deep(piece: &str, file: FileId, base: usize) -> Diagnostic {
    let tokens = tokens(piece);
    let named = tokens.get(1).filter(|token| token.kind == Kind::Word).or(tokens.first());
    let (start, end) = named.map_or((0, 0), |token| (token.start, token.end()));
    syntax::too_deep(Span::new(file, base + start, base + end), MAX_NESTING)
}

/// A pest error in the words of the language.
pub fn explain(error: &pest::error::Error<Rule>, piece: &str, file: FileId, base: usize) -> Diagnostic {
    let at = match error.location {
        InputLocation::Pos(position) => position,
        InputLocation::Span((start, _)) => start,
    };
    let positives = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        // pest stops before the stack is full.
        ErrorVariant::CustomError { .. } => return too_deep(piece, file, base),
    };
    let tokens = tokens(piece);
    let found = tokens.iter().position(|token| token.end() > at).unwrap_or(tokens.len());
    Slip { piece, file, base, tokens: &tokens, found, positives }.diagnose()
}

/// A place where the grammar stops.
struct Slip<'t> {
    piece: &'t str,
    file: FileId,
    base: usize,
    tokens: &'t [Token<'t>],
    /// Rank of the token that does not fit; past the end where the declaration stops too early.
    found: usize,
    positives: &'t [Rule],
}

impl<'t> Slip<'t> {
    fn span(&self, token: &Token<'_>) -> Span {
        Span::new(self.file, self.base + token.start, self.base + token.end())
    }

    fn token(&self, rank: usize) -> Option<&Token<'t>> {
        self.tokens.get(rank)
    }

    fn before(&self, distance: usize) -> Option<&Token<'t>> {
        self.found.checked_sub(distance).and_then(|rank| self.tokens.get(rank))
    }

    fn expects(&self, rule: Rule) -> bool {
        self.positives.contains(&rule)
    }

    /// Whether a clause could start here.
    fn expects_clause(&self) -> bool {
        self.positives.iter().any(|rule| clause_word(*rule).is_some())
    }

    fn diagnose(&self) -> Diagnostic {
        if let Some(quote) = self.tokens.iter().find(|token| token.kind == Kind::OpenText) {
            return syntax::unclosed_text(self.span(quote));
        }
        let expected = self.expected();
        let Some(found) = self.token(self.found) else {
            return match (self.unclosed_parenthesis(), self.tokens.last()) {
                (Some(open), _) => syntax::unclosed_parenthesis(self.span(open), None),
                (None, Some(last)) => syntax::unfinished(self.span(last), &expected),
                (None, None) => syntax::unfinished(Span::new(self.file, self.base, self.base), &expected),
            };
        };
        if self.found == 0 {
            let rest = &self.piece[found.start..];
            if rest.starts_with("//") || rest.starts_with("--") || rest.starts_with("/*") {
                return syntax::foreign_comment(
                    Span { end: self.span(found).start + 2, ..self.span(found) },
                    &rest[..2],
                );
            }
            return syntax::unknown_declaration(self.span(found), found.text);
        }
        if let Some(slip) = self.usual_slip(found) {
            return slip;
        }
        if found.kind == Kind::Word && found.first && self.expects_clause() {
            return self.unknown_clause(found);
        }
        let shown = if found.kind == Kind::Text { "" } else { found.text };
        syntax::unexpected(self.span(found), shown, &expected)
    }

    /// The slips that have their own sentence.
    fn usual_slip(&self, found: &Token<'_>) -> Option<Diagnostic> {
        let span = self.span(found);
        let previous = self.before(1)?;
        if found.first
            && found.kind == Kind::Word
            && syntax::is_declaration(found.text)
            && !self.expects_clause_word(found)
        {
            return Some(syntax::indented_declaration(span, found.text));
        }
        if self.found == 1 && matches!(previous.text, "insère" | "insere" | "remplace") {
            return Some(syntax::change_of_what(span, previous.text, found.text));
        }
        if matches!(found.text, "'" | "‘" | "’") && self.expects(Rule::texte) {
            return Some(syntax::foreign_quotes(span));
        }
        if matches!(found.text, "==" | "=>") {
            return Some(syntax::write_instead(span, found.text, if found.text == "==" { "=" } else { ">=" }));
        }
        if self.in_header() {
            if found.kind == Kind::Text && self.expects(Rule::nom) {
                return Some(syntax::missing_name(span, previous.text));
            }
            if self.tokens[0].text == "dérogation" && self.expects(Rule::kw_a) {
                return Some(syntax::derogation_without_target(span, previous.text));
            }
            if self.found > 1 && previous.kind == Kind::Word && self.expects(Rule::texte) && !found.first {
                let joined = self.joined_name()?;
                return Some(syntax::split_name(joined.0, &joined.1));
            }
        }
        if found.kind == Kind::Word && !found.first && self.expects_name() && is_reserved(found.text) {
            return Some(syntax::reserved_name(span, found.text));
        }
        if found.kind == Kind::Number && (self.expects(Rule::renvoi_item) || self.expects(Rule::liste_renvois)) {
            let number = self.rest_of_number(found);
            return Some(syntax::missing_article(Span { end: span.start + number.len() as u32, ..span }, number));
        }
        if found.kind == Kind::Word
            && self.after_a_day()
            && let Some(month) = closest(found.text, MONTHS.iter().map(|names| names[0]))
        {
            return Some(syntax::unexpected(span, found.text, &["un mois"]).with_help(syntax::did_you_mean(month)));
        }
        if is_comparator(found.text) && self.expects(Rule::plus) && self.compared_already() {
            return Some(syntax::double_comparison(span));
        }
        let open = self.unclosed_parenthesis();
        if found.kind == Kind::Number && found.text.contains('.') {
            if found.text.contains(',') {
                return Some(syntax::two_decimal_marks(span));
            }
            return Some(syntax::ambiguous_point(span, found.text));
        }
        if found.text == "," {
            let call = open.and_then(|open| self.tokens.iter().take_while(|t| t.start < open.start).last());
            if call.is_some_and(|name| name.kind == Kind::Word) || self.expects(Rule::mot_point_virgule) {
                return Some(syntax::comma_between_values(span));
            }
        }
        if previous.text == "(" && self.expects(Rule::renvoi_item) {
            let function = self.before(2).filter(|word| FUNCTIONS.contains(&word.text))?;
            return Some(syntax::space_before_call(self.span(function).to(self.span(previous)), function.text));
        }
        if found.kind == Kind::Word && MONTHS.iter().any(|names| names.contains(&found.text)) {
            return Some(syntax::month_without_day(span, found.text));
        }
        if matches!(found.text, "de" | "d" | "du") && self.before(2).is_some_and(|word| word.text == "par") {
            return Some(syntax::per_with_unit(span, found.text, previous.text));
        }
        if matches!(found.text, "lorsque" | "lorsqu") && previous.text == ")" {
            return Some(syntax::when_after_reference(span));
        }
        if found.text == "alors" && self.expects_clause() {
            return Some(syntax::then_without_value(span));
        }
        if let Some(open) = open.filter(|_| self.expects(Rule::mot_fermante) && (found.first || found.text == ",")) {
            return Some(syntax::unclosed_parenthesis(self.span(open), Some(span)));
        }
        if found.text == ")" && open.is_none() {
            return Some(syntax::unopened_parenthesis(span));
        }
        None
    }

    /// Between the word of the declaration and its first clause.
    fn in_header(&self) -> bool {
        let named = self.tokens.get(1).is_some_and(|token| token.text == "interne");
        self.found <= if named { 3 } else { 2 }
    }

    /// « repas-retenus », « repas retenus », « prix d'achat »: where it stands and one word for it.
    fn joined_name(&self) -> Option<(Span, String)> {
        let first = self.before(1)?;
        let mut last = first;
        let mut words = vec![first.text];
        for token in self.tokens[self.found..].iter().take_while(|token| !token.first && token.kind != Kind::Text) {
            match token.kind {
                Kind::Word | Kind::Number => words.push(token.text),
                Kind::Sign if matches!(token.text, "-" | "'" | "’" | "." | "/") => {}
                _ => break,
            }
            last = token;
        }
        (words.len() > 1).then(|| (self.span(first).to(self.span(last)), words.join("_")))
    }

    fn expects_name(&self) -> bool {
        [Rule::nom, Rule::reference_nom, Rule::nom_unite, Rule::expression].iter().any(|rule| self.expects(*rule))
            || self.positives.iter().any(|rule| matches!(phrase(*rule), Some((_, VALUE))))
    }

    fn expects_clause_word(&self, found: &Token<'_>) -> bool {
        self.positives
            .iter()
            .filter_map(|rule| clause_word(*rule))
            .any(|word| word.split(' ').next() == Some(found.text))
    }

    /// A number right before, or « 1er ».
    fn after_a_day(&self) -> bool {
        let Some(previous) = self.before(1) else { return false };
        previous.kind == Kind::Number
            || (previous.text == "er" && self.before(2).is_some_and(|token| token.kind == Kind::Number))
    }

    /// Whether the formula that ends here holds a comparison since its last connective.
    fn compared_already(&self) -> bool {
        self.tokens[..self.found]
            .iter()
            .rev()
            .take_while(|token| {
                !matches!(token.text, "et" | "ou" | "si" | "alors" | "sinon" | "(" | ";") && !token.first
            })
            .any(|token| is_comparator(token.text))
    }

    /// The innermost parenthesis still open before the place.
    fn unclosed_parenthesis(&self) -> Option<&Token<'t>> {
        let mut open = Vec::new();
        for token in &self.tokens[..self.found] {
            match token.text {
                "(" => open.push(token),
                ")" => {
                    open.pop();
                }
                _ => {}
            }
        }
        open.pop()
    }

    /// « 8.3.5 » or « 8-1 »: all that touches.
    fn rest_of_number(&self, found: &Token<'_>) -> &'t str {
        let rest = &self.piece[found.start..];
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')).unwrap_or(rest.len());
        rest[..length].trim_end_matches('.')
    }

    /// A first word on its line that opens no clause of this declaration.
    fn unknown_clause(&self, found: &Token<'_>) -> Diagnostic {
        let mut words: Vec<&str> = Vec::new();
        for word in self.positives.iter().filter_map(|rule| clause_word(*rule)) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        // These words also open values.
        for (rule, word) in [(Rule::kw_si, "si"), (Rule::kw_vrai, "vrai si"), (Rule::kw_en, "en vigueur")] {
            if self.expects(rule) {
                words.push(word);
            }
        }
        words.sort_by_key(|word| syntax::clause_rank(word));
        words.dedup();
        let next = self.token(self.found + 1);
        let formula = next.is_some_and(|next| next.kind == Kind::Sign && !next.first);
        syntax::unknown_clause(self.span(found), found.text, &words, formula)
    }

    /// What was expected, the most telling only, each once.
    fn expected(&self) -> Vec<&'static str> {
        // After a whole value these may come, and say little.
        let after_value = self.expects(Rule::plus);
        let groups = self.tokens.first().is_some_and(|token| ["agrégat", "agregat"].contains(&token.text));
        if groups && self.expects(Rule::kw_par_mot) {
            return vec!["« par », puis les entrées qui font les groupes"];
        }
        let mut ranked: Vec<(u8, &'static str)> = self
            .positives
            .iter()
            .filter(|rule| !(after_value && MAY_FOLLOW_A_VALUE.contains(rule)))
            .filter_map(|rule| phrase(*rule))
            .filter(|(_, words)| !(after_value && *words == CLAUSE && self.token(self.found).is_some_and(|t| !t.first)))
            .collect();
        ranked.sort_unstable();
        ranked.dedup();
        let best = ranked.first().map_or(0, |(rank, _)| *rank);
        let words: Vec<_> = ranked.into_iter().take_while(|(rank, _)| *rank == best).map(|(_, words)| words).collect();
        if words.contains(&VALUE) { vec![VALUE] } else { words }
    }
}

fn is_reserved(word: &str) -> bool {
    PolParser::parse(Rule::reserve, word).is_ok()
}

fn is_comparator(text: &str) -> bool {
    matches!(text, "≥" | ">=" | "≤" | "<=" | "≠" | "!=" | "<>" | ">" | "<" | "=")
}

const VALUE: &str = "une valeur";
const CLAUSE: &str = "une clause";

const MAY_FOLLOW_A_VALUE: [Rule; 10] = [
    Rule::kw_si,
    Rule::kw_a,
    Rule::kw_de,
    Rule::kw_par_mot,
    Rule::mot_ouvrante,
    Rule::unite_litterale,
    Rule::unite_simple,
    Rule::unite_composee,
    Rule::nom_unite,
    Rule::mot_moins,
];

/// The first words of the clause that a keyword opens.
fn clause_word(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::kw_ref | Rule::reference => "réf.",
        Rule::kw_pour | Rule::pour => "pour",
        Rule::kw_en_vigueur | Rule::en_vigueur | Rule::mot_vigueur => "en vigueur",
        Rule::vrai_si => "vrai si",
        Rule::si_clause => "si",
        Rule::kw_points | Rule::points => "points",
        Rule::kw_montant | Rule::montant => "montant",
        Rule::kw_taux | Rule::taux => "taux",
        Rule::kw_vaut | Rule::vaut => "vaut",
        Rule::kw_plafond | Rule::plafond => "plafond",
        Rule::kw_plancher | Rule::plancher => "plancher",
        Rule::kw_prorata | Rule::prorata_clause => "prorata",
        Rule::appartenance => "du bloc",
        Rule::kw_prerequis | Rule::prerequis | Rule::prerequis_bloc => "prérequis",
        Rule::kw_condition | Rule::condition_nommee => "condition",
        Rule::kw_total | Rule::total_bloc => "total",
        Rule::kw_sur | Rule::sur => "sur",
        Rule::kw_apres | Rule::apres => "après",
        Rule::a_compter_de => "à compter de",
        Rule::jusqu_au => "jusqu'au",
        Rule::rapporte_a | Rule::mot_rapporte => "rapporté à",
        Rule::nombre_de_jours => "nombre de jours",
        Rule::il_suffit | Rule::mot_il => "il suffit de",
        Rule::kw_leve | Rule::leve_prerequis => "lève",
        Rule::mot_prime | Rule::prime_sur => "prime sur",
        Rule::kw_retenue | Rule::retenue => "retenue",
        Rule::kw_variante | Rule::variante => "variante",
        Rule::kw_motif | Rule::motif => "motif",
        Rule::kw_remplace | Rule::remplace => "remplace",
        Rule::en_conflit | Rule::mot_conflit => "en conflit",
        Rule::chaque_ligne => "sur chaque ligne",
        Rule::kw_bloquant | Rule::bloquant => "bloquant",
        Rule::kw_verifie | Rule::verifie => "vérifie",
        Rule::annonce | Rule::mot_le => "le texte annonce",
        Rule::kw_ecart | Rule::ecart => "écart",
        Rule::kw_origine | Rule::origine => "origine",
        Rule::kw_base | Rule::base => "base",
        Rule::sous_lecture | Rule::kw_lecture => "lecture",
        Rule::kw_exercice | Rule::exercice | Rule::exercice_exemple => "exercice",
        Rule::kw_soit | Rule::soit => "soit",
        Rule::kw_attendu | Rule::attendu => "attendu",
        Rule::kw_monnaie | Rule::monnaie => "monnaie",
        Rule::kw_cle | Rule::cle | Rule::cle_table => "clé",
        Rule::kw_champ | Rule::champ => "champ",
        Rule::texte_cite => "texte",
        Rule::signe_le | Rule::mot_signe => "signé le",
        Rule::publie_le | Rule::mot_publie => "publié le",
        Rule::kw_projet | Rule::projet => "projet",
        Rule::kw_avec | Rule::avec_avenants => "avec avenant",
        Rule::sans_avenants => "sans avenant",
        Rule::kw_cas | Rule::cas => "cas",
        Rule::kw_depuis | Rule::valeur_datee => "depuis … :",
        Rule::pour_chaque => "pour chaque",
        Rule::kw_conserve | Rule::conserve => "conservé lorsque",
        Rule::mot_premiere | Rule::premiere_annee => "première année où",
        Rule::kw_cumul | Rule::cumul => "cumul de",
        Rule::mot_interrompu | Rule::interrompu => "interrompu le",
        Rule::kw_echeance | Rule::echeance => "échéance",
        Rule::kw_recuperation | Rule::recuperation => "récupération",
        Rule::total_echeancier => "total",
        Rule::kw_annule | Rule::annule => "annule",
        Rule::kw_entre | Rule::entre => "entre",
        Rule::mot_une | Rule::une_seule_fois => "une seule fois",
        Rule::arrondi_agregat => "arrondi à",
        Rule::sur_l_ensemble => "sur l'ensemble",
        Rule::kw_fichier | Rule::fichier => "fichier",
        Rule::kw_colonne | Rule::colonne => "colonne",
        Rule::kw_ligne | Rule::ligne => "ligne",
        _ => return None,
    })
}

/// What a rule is called in a message, and how telling it is (0 most); `None` for rules that say nothing to a reader.
///
/// What must come (« alors », a closing parenthesis) goes before what may come (an operator, one more clause), which pest
/// does not tell apart.
fn phrase(rule: Rule) -> Option<(u8, &'static str)> {
    Some(match rule {
        Rule::kw_alors => (0, "« alors »"),
        Rule::kw_sinon => (0, "« sinon »"),
        Rule::mot_fermante => (0, "« ) »"),
        Rule::mot_deux_points => (0, "« : »"),
        Rule::mot_egal => (0, "« = »"),
        Rule::kw_socle | Rule::kw_optionnel | Rule::niveau => (0, "« socle » ou « optionnel »"),
        Rule::mot_comptes => (0, "« comptés par »"),
        Rule::kw_reunis => (0, "« réunis »"),
        Rule::kw_avenant => (0, "« avenant »"),
        Rule::cible | Rule::sorte => (1, "un nom"),
        Rule::kw_arrondie => (0, "« arrondie au centime » ou « arrondie à … décimales »"),
        Rule::au_centime | Rule::a_decimales => (0, "« au centime » ou « à … décimales »"),
        Rule::kw_decimales => (0, "« décimales »"),
        Rule::mot_moins => (0, "« moins »"),
        Rule::mot_annonce => (0, "« annonce »"),
        Rule::mot_cumul => (0, "« cumul »"),
        Rule::mot_ou_lieu => (1, "« où »"),
        Rule::mot_renseigne => (0, "« renseigné » ou « vide »"),
        Rule::kw_le => (0, "« le », puis la date de l'échéance"),
        Rule::resume | Rule::resume_nombre | Rule::resume_valeur | Rule::fonction_resume => {
            (1, "ce qu'il calcule : « moyenne de … par … », « nombre par … »")
        }
        Rule::est_renseigne | Rule::est_vide | Rule::mot_est => (7, "« est renseigné »"),
        Rule::mot_ouvrante => (2, "« ( »"),
        Rule::nom | Rule::reference_nom | Rule::nom_colonne => (1, "un nom"),
        Rule::nombre | Rule::nombre_nu | Rule::chiffres | Rule::entier => (1, "un nombre"),
        Rule::date | Rule::borne_date => (1, "une date ou une année"),
        Rule::unite_litterale | Rule::unite_composee | Rule::nom_unite | Rule::unite_simple => (1, "une unité"),
        Rule::symbole_monnaie => (1, "une monnaie (€, $, £, CHF)"),
        Rule::expression
        | Rule::conjonction
        | Rule::negation
        | Rule::comparaison
        | Rule::bornee
        | Rule::somme
        | Rule::produit
        | Rule::signe
        | Rule::suffixe
        | Rule::parentheses
        | Rule::vrai
        | Rule::faux
        | Rule::conditionnelle
        | Rule::constante
        | Rule::appel
        | Rule::fonction
        | Rule::affectation => (1, VALUE),
        Rule::attente => (1, "un nom"),
        Rule::renvoi_item | Rule::liste_renvois => (1, "une référence : « article 1.2 », « annexe 3 »"),
        Rule::numero_article | Rule::numero_annexe => (1, "un numéro"),
        Rule::type_entree | Rule::type_nom => {
            (1, "une sorte de valeur : entier, décimal, booléen, date, texte ou une énumération")
        }
        Rule::periode => (1, "une période : « depuis 2022 », « de 2017 à 2019 »"),
        Rule::tranche | Rule::jusqu_a | Rule::au_dela => (2, "une tranche : « jusqu'à … : » ou « au-delà : »"),
        Rule::palier | Rule::plage_palier => (2, "un palier : « moins de … : », « de … à moins de … : »"),
        Rule::mot_virgule => (5, "« , »"),
        Rule::mot_point_virgule => (5, "« ; »"),
        Rule::cas_vises | Rule::kw_tous => (1, "un cas, ou « tous »"),
        Rule::kw_si => (3, "« si »"),
        Rule::kw_par_mot => (3, "« par »"),
        Rule::kw_de => (3, "« de »"),
        Rule::kw_a => (3, "« à »"),
        Rule::texte => (4, "un texte entre guillemets"),
        Rule::plus | Rule::moins | Rule::fois | Rule::divise => (6, "la suite du calcul (+, −, ×, /)"),
        Rule::comparateur => (6, "une comparaison (≥, <, =…)"),
        Rule::op_et | Rule::op_ou => (6, "« et » ou « ou »"),
        Rule::lorsque => (6, "« lorsque »"),
        Rule::renvoi => (6, "une référence entre parenthèses"),
        rule if clause_word(rule).is_some() => (5, CLAUSE),
        _ => return None,
    })
}
