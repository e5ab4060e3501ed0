#!/usr/bin/env python3
"""Relève les chiffres d'un texte, article par article.

    python3 policies/outils/chiffres.py accord=TEXTE.txt > policies/accord-cds/chiffres.csv
    python3 policies/outils/chiffres.py note=NOTE.txt seance=SEANCE.txt > policies/aci-cpts/chiffres.csv

Chaque argument est NOM=FICHIER : le nom que la politique donne au texte (clause « texte » de son en-tête), et son texte
brut. Le résultat est un index de faits, sans aucune phrase du texte ; README.md, à côté, en décrit les colonnes.
Bibliothèque standard seulement. Les deux options :

    --places         écrit sur la sortie d'erreur les articles et annexes reconnus, avec leur ligne
    --contexte LIEU  écrit sur la sortie d'erreur ce qui entoure chaque chiffre d'un lieu, pour la relecture
"""

import argparse
import collections
import csv
import re
import sys

SUFFIXES = ["", "bis", "ter", "quater", "quinquies", "sexies", "septies", "octies"]
ESPACES = " \u00a0\u2009\u202f"

# --- Lieux -------------------------------------------------------------------------------------------------------------

ANNEXE = re.compile(r"^\s*(?:Annexe|ANNEXE)\s+(\d+)(?:\s+(bis|ter|quater|quinquies|sexies|septies|octies))?\b\s*(.?)")
ARTICLE = re.compile(r"^\s*(?:Article|ARTICLE)\.?\s+(\d+(?:\.\d+)*)(er)?\b\s*(.*)")
# Dans une annexe, un titre numéroté vaut un article : « 2.3.1. Vérification », « 2.1 - Principe ».
TITRE = re.compile(r"^\s*(\d+(?:\.\d+)+)\.?\s+(?:[-–]\s+)?[A-ZÀÉÈÊÎÔ]")
SOMMAIRE = re.compile(r"(\.{4,}|…{2,}|\s{2,})\s*\d+\s*$")
# Ce qui suit un renvoi pris dans une phrase, et non un titre : « Article 3 du présent accord ».
SUITE = re.compile(r"^(du|de|des|et|ou|à|au|aux|est|sont|ci|précité|susvisé|,|;)\b")


def pages(lignes):
    """Les rangs des lignes qui ne portent qu'un numéro de page.

    Il est seul entre des lignes vides, et croît avec le texte : la plus longue suite croissante écarte un nombre de tableau
    qui serait, lui aussi, isolé.
    """
    vide = [not ligne.strip() for ligne in lignes]
    candidats = []
    for rang, ligne in enumerate(lignes):
        if re.fullmatch(r"\s*\d{1,4}\s*", ligne):
            alentour = [r for r in range(rang - 3, rang + 4) if r != rang and 0 <= r < len(lignes)]
            if all(vide[r] for r in alentour):
                candidats.append((rang, int(ligne)))
    meilleures = []
    for indice, (_, page) in enumerate(candidats):
        avant = [meilleures[j] for j in range(indice) if candidats[j][1] < page]
        meilleures.append(max(avant, key=len, default=[]) + [indice])
    return {candidats[indice][0] for indice in max(meilleures, key=len, default=[])}


def nombre_d_article(texte):
    return tuple(int(partie) for partie in texte.split("."))


class Lieu:
    """L'endroit où l'on est, à mesure qu'on lit."""

    def __init__(self, corps):
        self.corps = corps
        self.annexe = None
        self.dans_annexe = None
        self.article = None
        self.partie = 1
        self.vus = []

    def nom(self):
        article = "article " + ".".join(map(str, self.article)) if self.article else ""
        if not self.annexe:
            return article or self.corps
        numero, suffixe = self.annexe
        nom = f"annexe {numero}" + (f" {SUFFIXES[suffixe]}" if suffixe else "")
        if self.dans_annexe:
            nom += f" annexe {self.dans_annexe}"
        if self.partie > 1:
            nom += f" partie {self.partie}"
        return f"{nom} {article}".strip()

    def titre(self, ligne):
        """Reconnaît un titre ; rend ce qui reste de la ligne, ou None si ce n'en est pas un."""
        if SOMMAIRE.search(ligne) and (ANNEXE.match(ligne) or ARTICLE.match(ligne)):
            return ""
        trouve = ANNEXE.match(ligne)
        if trouve and trouve[3] in ("", ":", "-", "–", ".", "C"):
            annexe = (int(trouve[1]), SUFFIXES.index(trouve[2] or ""))
            if self.annexe is None or annexe > self.annexe:
                self.annexe, self.article, self.dans_annexe, self.partie = annexe, None, None, 1
            else:
                # Une annexe de l'annexe.
                self.article, self.dans_annexe = None, annexe[0]
            return ligne[trouve.end() - len(trouve[3]) :]
        trouve = ARTICLE.match(ligne)
        if trouve and not SUITE.match(trouve[3]):
            article = nombre_d_article(trouve[1])
            if self.article is None or article > self.article:
                self.article = article
            elif self.annexe and article == (1,):
                self.article, self.partie = article, self.partie + 1
            else:
                return None
            return trouve[3]
        trouve = TITRE.match(ligne)
        if trouve and self.annexe and self.article:
            article = nombre_d_article(trouve[1])
            if article > self.article and article[0] == self.article[0]:
                self.article = article
                return ligne[trouve.end(1) :]
        return None


def decoupe(texte, corps):
    """Les morceaux du texte : (lieu, ligne de départ, texte)."""
    lignes = texte.replace("\f", "\n").split("\n")
    numeros = pages(lignes)
    lieu = Lieu(corps)
    morceaux = []
    courant, debut = [], 1
    for rang, ligne in enumerate(lignes):
        if rang in numeros:
            continue
        ancien = lieu.nom()
        reste = lieu.titre(ligne)
        if reste is None:
            courant.append(ligne)
            continue
        morceaux.append((ancien, debut, "\n".join(courant)))
        courant, debut = [reste], rang + 1
    morceaux.append((lieu.nom(), debut, "\n".join(courant)))
    return morceaux


# --- Ce qui n'est pas un chiffre ---------------------------------------------------------------------------------------

E = rf"[{ESPACES}\n]"
# Renvois, codes et numéros, dans l'ordre où ils s'effacent.
RENVOIS = [
    r"\b[Aa]rticles?\.?\s+(?:[LRDA]\*?\.?\s*)?\d[\d.\-]*(?:\s*(?:,|et|ou|à|au)\s*(?:[LRDA]\*?\.?\s*)?\d+(?:[.\-]\d+)+)*(?:\s*(?:,|et|ou|à)\s*\d{1,2}(?![\d %€]|\s*\d{3}))*",
    r"\b(?:au sens du|du|au|les|et|,)\s+\d{1,2}(?:\.\d+){1,4}(?=[\s,;.)])",
    r"\b[LRD]\.?\s?\*?\d+(?:-\d+)+(?:\s*(?:,|et|ou|à)\s*[LRD]?\.?\s?\d+(?:-\d+)+)*",
    r"\b[Aa]nnexes?\s+\d+(?:\s+(?:bis|ter|quater|quinquies))?(?:\s*(?:,|et|ou|à)\s+\d+(?:\s+(?:bis|ter|quater|quinquies))?(?!\d))*",
    r"\b(?:[Aa]venants?|[Tt]itres?|TITRE|[Ss]ous-titre|[Cc]hapitres?|[Ll]ivres?|[Aa]linéas?|[Pp]oints?\s+n°|[Vv]olet|[Tt]able|[Tt]ype|[Cc]atégorie|[Vv]ersion|[Cc]ritère|[Nn]iveau|[Pp]hase|[Vv]ague|[Ff]onction|Grade|[Tt]aille)\s+(?:n°\s?)?\d+(?:\.\d+)*(?:\s*(?:,|et|ou|à)\s+\d+)*\b(?!\s*%)",
    r"\b[Nn]°\s?\d[\d\-./ ]*\d|\b[Nn]°\s?\d",
    r"\bn\s?°\s?\d[\d\-]*",
    r"(?<![\d.,])\d+(?:\.\d+){2,}(?![\d,])",
    r"\b(?:N|n|J|M|A)\s?[-+–]\s?\d+\b",
    r"\b[A-Za-zÀ-ÿ_]+\d[\w\-]*",
    r"(?m)^\s*\d{1,2}(?:°|\))",
    r"(?m)^\s*\d{1,2}\.(?=\s)",
    r"\b\d+°",
]
RENVOIS = [re.compile(motif) for motif in RENVOIS]

# Une date du texte cité, et non du dispositif : « arrêté du … », « publié au JO du … ».
CITE = re.compile(
    r"(?:arrêtés?|lois?|décrets?|ordonnances?|circulaires?|règlement|conventions?|accord|avenants?|instructions?|J\.?O\.?|"
    r"journal officiel|signée?s?|publiée?s?|daté|modifiée?|code)[^.;:]{0,70}$",
    re.IGNORECASE,
)

# --- Nombres et unités -------------------------------------------------------------------------------------------------

MOIS = {
    nom: rang
    for rang, noms in enumerate(
        ["janvier", "février fevrier", "mars", "avril", "mai", "juin", "juillet", "août aout", "septembre", "octobre",
         "novembre", "décembre decembre"], 1)
    for nom in noms.split()
}
UNITES = {
    "%": "%", "‰": "‰", "€": "€", "euro": "€", "ans": "an", "an": "an", "année": "an", "mois": "mois", "jour": "jour",
    "semaine": "semaine", "heure": "heure", "h": "heure", "trimestre": "trimestre", "semestre": "semestre", "point": "point",
    "etp": "ETP", "km": "km", "kilomètre": "km", "demi-journée": "demi-journée", "million": "million",
}
UNITES.update({
    nom: nom
    for nom in """patient patiente habitant mission profession réunion dossier stage stagiaire convention intervention
    protocole médecin infirmier infirmière centre critère engagement indicateur niveau action campagne bilan enfant séance
    consultation acte forfait examen assistant professionnel spécialité prérequis représentant membre siège voix exemplaire
    objectif palier tranche axe délivrance boîte dosage dent face racine cliché soin demande secteur fois contrat étudiant
    poste site logement établissement région zone personne structure projet rapport titulaire suppléant dose vaccin
    avance versement fiche lot page cas téléconsultation téléexpertise vaccination formation tentative équipement
    radiographie incisive canine prémolaire molaire jumelle minute visite patientèle catégorie majoration téléservice
    document pièce chirurgien-dentiste sage-femme vague domaine service observation titre option présence association
    """.split()
})
MOTS = {
    "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9, "dix": 10, "onze": 11,
    "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16, "vingt": 20, "trente": 30, "quarante": 40,
    "cinquante": 50, "soixante": 60, "cent": 100, "cents": 100, "mille": 1000,
}
UN_MOT = "|".join(sorted(MOTS, key=len, reverse=True))

MILLIERS = rf"\d{{1,3}}(?:[{ESPACES}]\d{{3}})+(?!\d)(?:[.,]\d+)?"
NOMBRE = rf"(?:{MILLIERS}|\d+(?:[.,]\d+)?)"
MOIS_NOM = "|".join(sorted(MOIS, key=len, reverse=True))
FORMES = re.compile(
    rf"""
    (?P<date>(?<![\d/])(?P<j1>\d{{1,2}})(?:er)?{E}+(?P<m1>{MOIS_NOM})(?:{E}+(?P<a1>(?:19|20)\d\d))?\b)
  | (?P<mois>\b(?P<m2>{MOIS_NOM}){E}+(?P<a2>(?:19|20)\d\d)\b)
  | (?P<barres>(?<![\d/])(?P<j3>\d{{2}})/(?P<m3>\d{{2}})(?:/(?P<a3>(?:19|20)\d\d))?(?!\d))
  | (?P<fraction>(?<![\d/,.])(?P<num>\d{{1,2}}){E}?/{E}?(?P<den>\d{{1,2}})(?:(?:i?[èe]?mes?|e)\b)?(?![\d/]))
  | (?P<heure>(?<![\w,.])(?P<h>[0-2]?\d){E}?h{E}?(?P<min>[0-5]\d)?\b)
  | (?P<rang>(?<![\w,.])(?P<r>\d+)(?:ère|ères|er|ers|ème|èmes|eme|nde|nd|ᵉ)\b)
  | (?P<nombre>(?<![\w.,])(?<!\d[{ESPACES}])(?P<n>{NOMBRE})(?![\d]))
  | (?P<part>\b(?:(?:la|par){E}+)?moitié\b|\b(?:un|deux|1|2){E}+tiers\b(?!{E}*\()(?!{E}payant)|\b(?:d['’])?un{E}+quart\b|\b(?:un|trois){E}+quarts?\b|\bdemie?\b)
  | (?P<multiple>\b(?:doubl[ée]e?s?|doublement|tripl[ée]e?s?)\b(?!{E}+exemplaire))
  | (?P<mots>\b(?:{UN_MOT})(?:(?:{E}|-)(?:et{E})?(?:{UN_MOT}))*\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
SUIVANT = re.compile(rf"{E}{{0,3}}(%|€|‰|[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ’'-]*)")
# Entre le nombre et ce qu'il compte.
EPITHETES = {"premier", "première", "dernier", "dernière", "autre", "nouveau", "nouvelle", "grand", "type", "petit", "vrai"}


def singulier(mot):
    mot = mot.lower().replace("’", "'").rstrip("'")
    if mot in UNITES:
        return mot
    for fin, par in (("eaux", "eau"), ("aux", "al"), ("s", ""), ("x", "")):
        if mot.endswith(fin) and mot[: -len(fin)] + par in UNITES:
            return mot[: -len(fin)] + par
    return mot[:-1] if mot.endswith(("s", "x")) else mot


def unite(texte, fin):
    """L'unité qui suit un nombre, si elle est connue ; au plus un adjectif les sépare."""
    for _ in range(2):
        trouve = SUIVANT.match(texte, fin)
        if not trouve:
            return ""
        if "\n" in trouve[0] and trouve[1][0].isupper():
            # Une autre cellule du tableau, ou un autre alinéa.
            return ""
        mot = singulier(trouve[1])
        if mot in UNITES:
            return UNITES[mot]
        if mot not in EPITHETES:
            return ""
        fin = trouve.end()
    return ""


def decimal(texte):
    texte = re.sub(rf"[{ESPACES}]", "", texte).replace(",", ".")
    entier, _, reste = texte.partition(".")
    reste = reste.rstrip("0")
    return (entier.lstrip("0") or "0") + (f".{reste}" if reste else "")


def en_lettres(texte):
    total, courant = 0, 0
    for mot in re.split(r"[\s-]+", texte.lower()):
        if mot == "et":
            continue
        valeur = MOTS[mot]
        if valeur == 1000:
            total, courant = total + max(courant, 1) * 1000, 0
        elif valeur == 100 or (valeur == 20 and courant == 4):
            courant = max(courant, 1) * valeur
        else:
            courant += valeur
    return total + courant


def chiffres(texte):
    """Les chiffres d'un morceau : (nombre, unité, origine, ce qui l'entoure)."""
    propre = re.sub(r"\s*\n\s*", "\n", texte)
    # Un nombre coupé par la fin de la ligne.
    propre = re.sub(r"(?<=\d)\n(?=000(?!\d))", " ", propre)
    propre = re.sub(rf"(?<=\d)[{ESPACES}]*[x×][{ESPACES}]*(?=\d)", " × ", propre)
    propre = re.sub(r"[-‐‑]", "-", propre)
    for motif in RENVOIS:
        propre = motif.sub(lambda trouve: " ~" + " " * max(len(trouve[0]) - 2, 0), propre)
    for trouve in FORMES.finditer(propre):
        place = trouve.start()
        autour = propre[max(0, place - 60) : place + 60]
        avant = propre[max(0, place - 90) : place].replace("\n", " ")
        cite = "cité" if CITE.search(avant) else "chiffres"
        if trouve["date"]:
            mois = MOIS[trouve["m1"].lower()]
            an = trouve["a1"] or "-"
            yield f"{an}-{mois:02}-{int(trouve['j1']):02}", "date", cite if trouve["a1"] else "chiffres", autour
        elif trouve["mois"]:
            yield f"{trouve['a2']}-{MOIS[trouve['m2'].lower()]:02}", "mois d'une année", cite, autour
        elif trouve["barres"]:
            jour, mois = int(trouve["j3"]), int(trouve["m3"])
            if 1 <= jour <= 31 and 1 <= mois <= 12:
                yield f"{trouve['a3'] or '-'}-{mois:02}-{jour:02}", "date", "chiffres", autour
        elif trouve["fraction"]:
            yield f"{int(trouve['num'])}/{int(trouve['den'])}", unite(propre, trouve.end()), "chiffres", autour
        elif trouve["heure"]:
            minutes = int(trouve["min"] or 0)
            yield decimal(str(int(trouve["h"]) + minutes / 60)), "heure", "chiffres", autour
        elif trouve["rang"]:
            yield decimal(trouve["r"]), "rang", "chiffres", autour
        elif trouve["nombre"]:
            nombre = decimal(trouve["n"])
            if re.fullmatch(r"(19[5-9]|20[0-5])\d", trouve["n"]) and unite(propre, trouve.end()) in ("", "an"):
                yield nombre, "année", cite, autour
            else:
                yield nombre, unite(propre, trouve.end()), "chiffres", autour
        elif trouve["part"]:
            mots = trouve["part"].lower().split()
            nombre = {"moitié": "1/2", "demi": "1/2", "demie": "1/2"}.get(mots[-1])
            if nombre is None:
                combien = {"deux": 2, "2": 2, "trois": 3}.get(mots[0], 1)
                nombre = f"{combien}/{3 if mots[-1] == 'tiers' else 4}"
            yield nombre, "", "mots", autour
        elif trouve["multiple"]:
            yield "2" if trouve["multiple"].lower().startswith("d") else "3", "", "mots", autour
        elif trouve["mots"]:
            yield str(en_lettres(trouve["mots"])), unite(propre, trouve.end()), "mots", autour


# --- Index -------------------------------------------------------------------------------------------------------------


def releve(nom, texte, corps, options):
    """Les lignes de l'index d'un texte, dans l'ordre du texte."""
    compte = collections.OrderedDict()
    for lieu, debut, morceau in decoupe(texte, corps):
        if options.places:
            print(f"{nom}\t{lieu}\t{debut}", file=sys.stderr)
        if lieu != corps:
            # Un article sans chiffre existe aussi : les renvois se vérifient sur l'index.
            compte.setdefault((lieu, "", "", ""), 0)
        for nombre, unite_, origine, autour in chiffres(morceau):
            cle = (lieu, nombre, unite_, origine)
            compte[cle] = compte.get(cle, 0) + 1
            if options.contexte == lieu:
                autour = " ".join(autour.split())
                print(f"{nombre}\t{unite_}\t{origine}\t{autour}", file=sys.stderr)
    ordre = {}
    for lieu, *_ in compte:
        ordre.setdefault(lieu, len(ordre))
    avec_chiffre = {lieu for lieu, nombre, *_ in compte if nombre}
    lignes = [(nom, *cle, n) for cle, n in compte.items() if cle[1] or cle[0] not in avec_chiffre]
    return sorted(lignes, key=lambda ligne: ordre[ligne[1]])


def main():
    lecteur = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lecteur.add_argument("textes", nargs="+", metavar="NOM=FICHIER")
    lecteur.add_argument("--places", action="store_true")
    lecteur.add_argument("--contexte", metavar="LIEU")
    options = lecteur.parse_args()
    sortie = csv.writer(sys.stdout, lineterminator="\n")
    sortie.writerow(["texte", "place", "nombre", "unite", "origine", "occurrences"])
    for argument in options.textes:
        nom, _, chemin = argument.partition("=")
        with open(chemin, encoding="utf-8") as fichier:
            sortie.writerows(releve(nom, fichier.read(), "texte", options))


if __name__ == "__main__":
    main()
