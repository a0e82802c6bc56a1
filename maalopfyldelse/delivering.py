"""`docs/delivering.md`: what the sender of a file must know, in Danish, generated from the extracts' contracts.

What holds for every delivery is written here; names, formats, columns and limits are the contracts'. What is wrong with one delivery
stands in the sender's workbook (rejects_workbook.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from .contract import Extract, Format, Layout, Limits
from .dates import DANISH_ZONE
from .declared import Declared
from .printing import danish_count, danish_exact
from .rejects_workbook import expected_texts

_GENERAL = """# At levere filer

Til den, der eksporterer eller udfylder filer til målopfyldelsen. Siden er skrevet ud fra aftalerne i `expectations/`; ret dér, og
kør `make docs`.

## Det gælder for alle filer

- **Sted.** `MODTAGET/SYSTEM/fil`, fx `2021-04-12T0800/puzzel/…`, hvor MODTAGET er dansk tid. En fil ændres aldrig, når den først
  ligger der: en rettelse er en ny fil. Samme indhold to gange er én leverance.
- **Navn.** Som aftalt nedenfor; store og små bogstaver er lige gode. Navne på filer og mapper vises i lister, logge og udgaver og må
  ikke indeholde personoplysninger. Et navn med noget, der ligner et CPR-nummer, eller med en mailadresse afvises (`PERSONAL_NAME`).
- **Pakning.** En fil må komme som `.gz` eller som `.zip` med netop én fil. Ikke med kodeord og ikke pakket to gange.
- **Tegnkodning.** Den aftalte, for hele filen. En CSV-fil slutter med et linjeskift; ellers regnes den for afbrudt.
- **Excel.** `.xlsx` uden makroer og uden kæder til andre filer. Formatér numre og koder som tekst, før de sættes ind: det, som Excel
  har gjort til en dato eller har rundet af, gættes ikke tilbage, men afvises.
- **Tid.** Klokkeslæt uden zone er dansk tid, hvor intet andet står i aftalen. Timen, som springes over om foråret, findes ikke; i
  timen, som kommer to gange om efteråret, afgør hændelsernes rækkefølge, ellers den første, og det noteres.
- **Tal.** Med det aftalte decimaltegn. Intet afrundes: for mange decimaler er en fejl.

## Hvad der afvises, og hvad der sættes til side

En **række** med en fejl sættes til side med filens linje, kolonne og en besked; de andre rækker tæller. Hele **filen** afvises, når den
ikke kan læses, når en aftalt kolonne mangler, når en kolonne ikke er aftalt, når et ord ikke er aftalt (hvor aftalen siger det), eller når
flere rækker end aftalt har fejl. Begge dele står i et regneark til afsenderen (`maal show rejects --format xlsx --out FIL.xlsx`). En
afvist fil standser de planer, der bygger på den, indtil den er rettet eller trukket tilbage. `maal diff-extract UDTRÆK FIL` siger det
samme, før filen leveres, og skriver intet.

## Rettelser og tilbagetrækning

En ny fil erstatter de gamle, som det står ved udtrækket: *hele* (den nyeste fil gælder alene), *perioden* (den nyeste fil for hver
periode) eller *nøglen* (den nyeste række for hvert nummer). En leverance, der slet ikke skulle have været sendt, trækkes tilbage med
`maal withdraw LEVERANCE --reason TEKST --deliveries MAPPE`; den tæller da ikke fra det øjeblik. Begrundelsen gemmes: skriv intet om personer.

## Personoplysninger

Kolonner, der er mærket *personlig*, læses ikke. Kolonner, der er mærket *nøglet*, bliver til en kode, som ikke kan føres tilbage uden
nøglen. En række, der har et CPR-nummer i en tekst eller et tal, der gemmes, sættes til side. Beskeder nævner linje og kolonne, aldrig
hvad der står. Navne, adresser og telefonnumre i en kolonne, der gemmes, kan ikke kendes fra andre ord: skriv dem ikke dér.
"""
_SUPERSEDING = {
    "whole": "alle tidligere filer",
    "period": "den tidligere fil for samme periode",
    "key": "de tidligere rækker med samme nøgle",
}
_EVERY = {"month": "hver måned", "quarter": "hvert kvartal", "half": "hvert halvår", "year": "hvert år"}
_ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "windows-1252": "Windows-1252"}
_DELIMITERS = {"\t": "tabulator", ";": "semikolon", ",": "komma", "|": "lodret streg"}


def text(declared: Declared) -> str:
    """The page as Markdown."""
    return "\n".join(_page(declared)) + "\n"


def _page(declared: Declared) -> Iterator[str]:
    yield _GENERAL
    yield "## Udtrækkene\n"
    for _, extract in sorted(declared.extracts.items()):
        yield from _extract(extract, declared)


def _extract(extract: Extract, declared: Declared) -> Iterator[str]:
    yield f"### {extract.extract}\n"
    yield f"Fra {extract.supplier}. Mappe `{extract.system}`; fylder tabellen `{extract.table}`."
    key = f" (`{', '.join(declared.tables[extract.table].key)}`)" if extract.superseding == "key" else ""
    yield f"En ny fil erstatter {_SUPERSEDING[extract.superseding]}{key}."
    if extract.period:
        every = f"; ventes {_EVERY[extract.period.every]} fra {extract.period.since}" if extract.period.every else ""
        yield f"Perioden læses af navnet (`{extract.period.pattern}`){every}."
    yield f"{_limits(extract.limits)}\n"
    if extract.set_aside:
        yield "Rækker sættes også til side for:\n"
        yield from (f"- `{rule.code}`: {rule.danish or rule.message}" for rule in extract.set_aside)
        yield ""
    for layout in extract.layouts:
        yield from _layout(extract, layout, declared)


def _limits(limits: Limits) -> str:
    if limits.max_set_aside_rows is not None:
        most = f"mere end {danish_count(limits.max_set_aside_rows)} rækker" if limits.max_set_aside_rows else "bare én række"
    else:
        most = f"mere end {danish_exact(100 * Fraction(str(limits.max_set_aside_share)))} pct. af rækkerne"
    rejected = "afvises ikke for sine rækkers fejl" if limits.max_set_aside_share >= 1 else f"afvises, når {most} har fejl"
    size = danish_count(Fraction(limits.max_bytes, 1_000_000))
    rows = "1 række" if limits.min_rows == 1 else f"{danish_count(limits.min_rows)} rækker"
    return f"Filen {rejected}. Den har mindst {rows} og fylder højst {size} MB."


def _layout(extract: Extract, layout: Layout, declared: Declared) -> Iterator[str]:
    names = " eller ".join(f"`{name}`" for name in layout.files or extract.files)
    dates = [f"fra {layout.valid_from:%d-%m-%Y}"] if layout.valid_from else []
    dates += [f"til {layout.valid_until:%d-%m-%Y}"] if layout.valid_until else []
    held = f"; gælder filer modtaget {' '.join(dates)}" if dates else ""
    zone = f"; klokkeslæt uden zone er {layout.zone}" if layout.zone != DANISH_ZONE.key else ""
    yield f"**{layout.id}**: {_format(layout.format)}. Navn: {names}{held}{zone}.\n"
    yield "| kolonne | hvad der skal stå |"
    yield "|---|---|"
    expected = expected_texts(declared, extract, layout.id)
    hashed = {column for source in layout.columns.values() if source.hash_of for column in source.columns}
    seen: dict[str, str] = {}
    for source in layout.columns.values():
        for column in source.columns:
            alone = expected.get(column, "") or ("indgår i " + " + ".join(source.columns) if len(source.columns) > 1 else "")
            seen.setdefault(column, "; ".join(part for part in ("nøglet" if column in hashed else "", alone) if part))
    for column, said in seen.items():
        yield f"| {_cell(column)} | {_cell(said)} |"
    if layout.personal:
        yield f"| {', '.join(map(_cell, layout.personal))} | personlig: må være der, læses ikke |"
    if layout.ignore:
        yield f"| {', '.join(map(_cell, layout.ignore))} | må være der, bruges ikke |"
    yield ""


def _format(form: Format) -> str:
    encodings = " eller ".join(_ENCODINGS[e] for e in form.encodings)
    if form.type == "csv":
        said = f"CSV, skilletegn {_DELIMITERS.get(form.delimiter, form.delimiter)}, {encodings}"
    elif form.type == "xlsx":
        sheet = f"arket »{form.sheet}«" if form.sheet else "det første ark"
        said = f"Excel (.xlsx), {sheet}" + (f", cellerne {form.range}" if form.range else "")
    elif form.type == "parquet":
        said = "Parquet"
    else:
        said = f"JSON, {'et objekt pr. linje' if form.type == 'ndjson' else 'ét dokument'}, {encodings}"
    return said + (f", overskrift i linje {form.header_row}" if form.header_row > 1 else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
