"""The tables of the workbook: which sheets there are, their columns, and what of the view stands in each.

How a cell is written and a sheet printed is workbook.py's. Names and headings are Danish, and the sheets are the same for every
plan and edition, so that other workbooks may point at them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from ..printing import danish_figure
from .view import NOTHING, Amount, Figure, Row, View

Cell = str | int | Fraction | date | datetime | Amount | None


@dataclass(frozen=True)
class Column:
    """A heading, its width in characters, and whether numbers stand under it."""

    heading: str
    width: int
    is_number: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table. `about` says what is in it, `fixed` how many columns stay in sight, `bold` which rows stand out."""

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    fixed: int = 1
    on_one_page: bool = False
    bold: frozenset[int] = field(default_factory=frozenset)

    def stands_out(self, row: int) -> bool:
        """Whether the row of that number, from 0, stands out."""
        return row in self.bold


def sheets(view: View) -> tuple[Sheet, ...]:
    """Every sheet, the overview first and the words last."""
    tables = [make(view) for make in _TABLES]
    return (_overview(view, tables), *tables)


def _overview(view: View, tables: Sequence[Sheet]) -> Sheet:
    lines: list[tuple[Cell, Cell]] = [("Plan", view.title), ("Styrelse", view.agency), ("Parter", "; ".join(view.parties))]
    lines += [("Aftale", f"{view.document}, {view.contract}"), ("Opgjort pr.", view.as_of), ("Udgave", view.edition)]
    lines += [("Status", f"{view.status}. {view.status_why}"), ("Data kendt til", view.known_at), ("Udgaven lavet", view.made_at)]
    lines += [("Begrundelse", view.reason)] if view.reason else []
    lines += [("Syntetiske data", "Tallene er prøvedata og siger intet om styrelsen.")] if view.synthetic else []
    if view.total:
        lines += [("Samlet målopfyldelse", view.total.text), ("Samlet, forbehold", view.total.remark)]
        lines += [(f"Samlet, mindst ({view.total.unit})", _points(view.total.low, view.total.of))]
        lines += [(f"Samlet, højst ({view.total.unit})", _points(view.total.high, view.total.of))]
    else:
        lines += [("Samlet", "Planen har ingen vægte. Derfor vises antal, ikke en samlet procent.")]
    for tally in view.tallies:
        lines += [(f"{tally.name}: {v.word}" if tally.name else f"Antal {v.word}", n) for v, n in tally.counts]
    lines += [("Bemærkning", text) for text in view.notes]
    lines += [(f"Ark: {sheet.name}", sheet.about) for sheet in tables]
    lines += [("Lavet af", view.code)]
    columns = (Column("Hvad", 34), Column("Oplysning", 110))
    return Sheet("Oversigt", "", columns, tuple(line for line in lines if line[1] != ""), on_one_page=True)


def _goals(view: View) -> Sheet:
    columns = _columns(
        "Nr. 8", "Under 7", "Niveau 7", "Mål eller krav 46", "Verdikt 15", "Resultat 13 n", "Enhed 10", "Mål 16", "Vægt 7 n",
        "Point mindst 8 n", "Point højst 8 n", "Grad 13 n", "Læsning 15", "Rækker sat til side 9 n", "Status 10", "Bemærkning 36",
        "Leveres af 20", "Kilde 15",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            row.id, row.parent, row.level, row.text, row.verdict.word, row.value, row.unit, row.target, row.weight,
            _points(row.points_low, row.weight.exact), _points(row.points_high, row.weight.exact), row.degree,
            ", ".join(row.reading), row.rows_set_aside, row.status, row.reason, row.supplier, row.clause,
        )
        for row in view.rows
    ]  # fmt: skip
    bold = frozenset(n for n, row in enumerate(view.rows) if row.depth == 0)
    return Sheet("Målopfyldelse", "Alle mål, krav og dele med verdikt, resultat og point.", columns, tuple(rows), bold=bold)


def _figures(view: View) -> Sheet:
    columns = _columns(
        "Nr. 8", "Del 16", "Resultat 12 n", "Enhed 10", "Mål 18", "Tæller 14 n", "Tæller i ord 30", "Nævner 14 n",
        "Nævner i ord 30", "Observationer 14 n", "Talt med 12 n", "Ikke kendt 10 n", "Uden for rækken 12 n",
    )  # fmt: skip
    rows = tuple(
        (
            row.id, f.criterion, f.value, f.unit, f.target, f.numerator, f.numerator_words, f.denominator, f.denominator_words,
            f.observations, f.counted, f.unknown, f.outside,
        )
        for row, f in _each_figure(view)
    )  # fmt: skip
    return Sheet("Tal", "Hvert tal med tæller og nævner, og hvad der er talt.", columns, rows)


def _counting(view: View) -> Sheet:
    columns = _columns(
        "Nr. 8", "Del 16", "Periode 26", "Formel 30", "Afgrænsning 26", "Indstillinger 32", "Kilde 30", "Forespørgsel 28",
        "Bemærkning 26",
    )  # fmt: skip
    rows = tuple(
        (
            row.id, f.criterion, f.window, f.formula, "; ".join(f.filters), "; ".join(f.settings), ", ".join(f.sources), f.query,
            "; ".join(f.notes),
        )
        for row, f in _each_figure(view)
    )  # fmt: skip
    return Sheet("Opgørelse", "Hvordan hvert tal er talt, og hvor det kommer fra.", columns, rows)


def _criteria(view: View) -> Sheet:
    columns = _columns("Nr. 8", "Krav 50", "Rolle 16", "Frist og mål 34", "Verdikt 16", "Registreret 40", "Bemærkning 44")
    rows = ((row.id, c.text, c.role, c.wanted, c.verdict.word, c.found, c.remark) for row in view.rows for c in row.criteria)
    return Sheet("Delkrav", "Hvad hver række kræver, og hvad der er registreret.", columns, tuple(rows))


def _readings(view: View) -> Sheet:
    columns = _columns(
        "Nr. 8", "Læsning 12", "Svar på spørgsmålet 60", "Valgt 7", "Resultat 14 n", "Enhed 12", "Tæller / nævner 20 n",
        "Verdikt 20",
        "Andet verdikt 9", "Bemærkning 40",
    )  # fmt: skip
    pairs = [(row, o) for row in view.rows for r in row.readings for o in r.options]
    rows = tuple(
        (row.id, o.id, o.text, _yes(o.approved), o.value, _unit(o.value), o.basis, o.verdict.word, _yes(o.turns), o.remark)
        for row, o in pairs
    )
    bold = frozenset(n for n, (_, o) in enumerate(pairs) if o.approved)
    return Sheet("Læsninger", "Den godkendte læsning (fed) og de andre, hver for sig.", columns, rows, bold=bold)


def _reasons(view: View) -> Sheet:
    columns = _columns("Nr. 8", "Spørgsmål 10", "Hvad ordene lader åbent 60", "Valgt 12", "Hvorfor 60", "Godkendt af 24")
    rows = (
        (row.id, r.id, r.question, ", ".join(o.id for o in r.options if o.approved), r.why, r.approved_by)
        for row in view.rows
        for r in row.readings
    )
    return Sheet("Valg af læsning", "Spørgsmålene bag læsningerne, og hvorfor den ene er valgt.", columns, tuple(rows))


def _excluded(view: View) -> Sheet:
    columns = _columns("Nr. 8", "Del 18", "Årsag 70", "Observationer 15 n")
    rows = ((row.id, f.criterion, x.reason, x.observations) for row, f in _each_figure(view) for x in f.excluded)
    return Sheet("Holdt ude", "Observationer, der efter den godkendte læsning ikke hører med.", columns, tuple(rows))


def _trend(view: View) -> Sheet:
    columns = _columns("Nr. 10", "Opgjort pr. 14", "Kvartal 12", "Resultat 30 n", "Enhed 14", "Verdikt 30")
    rows: list[tuple[Cell, ...]] = []
    if view.total:
        total = view.total
        rows += [("I alt", p.day, p.label, p.value, total.unit, p.verdict.word) for p in total.trend]
    rows += [(row.id, p.day, p.label, p.value, row.unit, p.verdict.word) for row in view.rows for p in row.trend]
    return Sheet("Udvikling", "Hver række ved kvartalernes slutning, med det, der vides nu.", columns, tuple(rows))


def _groups(view: View) -> Sheet:
    columns = _columns(
        "Nr. 8", "Del 18", "Art 14", "Navn 34", "Tæller 12 n", "Nævner 12 n", "Tal 12 n", "Enhed 10", "Blandt de bedste 12"
    )
    rows = (
        (row.id, f.criterion, f.parts_by, p.name, p.numerator, p.denominator, p.value, f.unit, _yes(p.is_chosen))
        for row, f in _each_figure(view)
        for p in f.parts
    )
    return Sheet("Grupper", "Tal, der er gjort op for hver gruppe, fx jobcentrene, bedste først.", columns, tuple(rows))


def _best(view: View) -> Sheet:
    columns = _columns("Nr. 8", "De n bedste 12 n", "Tal 14 n", "Enhed 10", "Grad, hvis målet holder 24 n")
    rows = ((row.id, n, value, f.unit, degree) for row, f in _each_figure(view) for n, value, degree in f.best)
    return Sheet("De bedste", "Det samlede tal for de n bedste grupper.", columns, tuple(rows))


def _spreads(view: View) -> Sheet:
    columns = _columns(
        "Nr. 8", "Del 18", "Fordelt efter 20", "Enhed 12", "Til og med 12 n", "Antal 14 n", "Heraf i tælleren 16 n"
    )
    rows = (
        (row.id, f.criterion, f.spread.axis, f.spread.unit, "over" if s.upper is None else s.upper, s.observations, s.hits)
        for row, f in _each_figure(view)
        if f.spread
        for s in f.spread.steps
    )
    return Sheet("Fordelinger", "Hvordan observationerne bag et tal ligger.", columns, tuple(rows))


def _changes(view: View) -> Sheet:
    columns = _columns("Nr. 8", "Mål eller krav 60", "Hvad 14", "Før 22 n", "Nu 22 n", "Forskel 12 n", "Årsag 50")
    rows: list[tuple[Cell, ...]] = [
        ("I alt" if c.row == "total" else c.row, c.text, c.what, c.old, c.new, c.difference, "; ".join(c.causes))
        for c in view.changes.entries
    ]
    rows += [("", text, "", "", "", "", "") for text in view.changes.note]
    about = f"Ændret siden {view.changes.since}." if view.changes.since else "Dette er den første udgave på denne dato."
    return Sheet("Ændringer", about, columns, tuple(rows))


def _amendments(view: View) -> Sheet:
    columns = _columns("Tillæg 10", "Titel 34", "Dokument 30", "Gælder fra 18", "I kraft 8", "Nr. 8", "Før 60", "Efter 60")
    rows = (
        (a.id, a.title, a.document, a.holds_from, _yes(a.in_force), r.row, "; ".join(r.before), "; ".join(r.after))
        for a in view.amendments
        for r in a.rows
    )
    return Sheet("Tillæg", "Ændringer af aftalen.", columns, tuple(rows))


def _missing(view: View) -> Sheet:
    columns = _columns("Nr. 8", "Mangler 90", "Kan leveres af 44")
    rows = ((m.row, m.what, m.who or "står ikke i planen") for m in view.missing)
    return Sheet("Mangler", "Hvad mangler, og hvem kan levere det.", columns, tuple(rows))


def _defects(view: View) -> Sheet:
    rows = ((d.row or "Planen", d.text) for d in view.defects)
    return Sheet("Fejl i teksten", "Fejl og mangler i aftalens tekst.", _columns("Nr. 10", "Fejl eller mangel 130"), tuple(rows))


def _questions(view: View) -> Sheet:
    rows = ((q.row or "Planen", q.text) for q in view.questions)
    about = "Spørgsmål til styrelse og departement."
    return Sheet("Åbne spørgsmål", about, _columns("Nr. 10", "Spørgsmål 130"), tuple(rows))


def _notes(view: View) -> Sheet:
    rows = ((row.id, text) for row in view.rows for text in row.notes)
    return Sheet("Bemærkninger", "Bemærkninger til de enkelte rækker.", _columns("Nr. 10", "Bemærkning 130"), tuple(rows))


def _evidence(view: View) -> Sheet:
    columns = _columns("Nr. 8", "Art 12", "Hvad 34", "Udfald 26", "Dato 12", "Dokument 40", "Rolle 20", "Godkendt 10")
    rows = ((i.row, i.kind, i.what, i.outcome, i.day, i.document, i.role, _yes(i.approved)) for i in view.evidence)
    return Sheet("Dokumentation", "Registrerede handlinger, antal og vurderinger.", columns, tuple(rows))


def _deliveries(view: View) -> Sheet:
    columns = _columns(
        "Fil 40", "System 16", "Udtræk 24", "Modtaget 17", "Periode 18", "Læst 11 n", "Beholdt 11 n", "Sat til side 9 n", "Tæller 8",
        "SHA-256 70",
    )  # fmt: skip
    rows = (
        (d.file, d.system, d.extract, d.arrived, d.period, d.rows_read, d.rows_kept, d.rows_set_aside, _yes(d.counts), d.sha256)
        for d in view.deliveries
    )
    return Sheet("Leverancer", "De filer, tallene bygger på, med fingeraftryk.", columns, tuple(rows))


def _set_aside(view: View) -> Sheet:
    rows = ((s.file, s.reason, s.rows) for s in view.set_aside)
    about = "Rækker i de filer, der tæller, som ikke kunne læses."
    return Sheet("Sat til side", about, _columns("Fil 50", "Årsag 80", "Rækker 12 n"), tuple(rows))


def _accounts(view: View) -> Sheet:
    columns = _columns(
        "Tabel 28", "Læst 13 n", "Beholdt 13 n", "Sat til side 13 n", "Gældende 13 n", "Afløst 13 n", "Trukket tilbage 13 n",
        "Holdt tilbage 13 n",
    )  # fmt: skip
    rows = ((a.table, a.read, a.kept, a.set_aside, a.current, a.superseded, a.withdrawn, a.held_back) for a in view.accounts)
    about = "Læst = beholdt + sat til side; beholdt = gældende + afløst + trukket tilbage + holdt tilbage."
    return Sheet("Rækkernes regnskab", about, columns, tuple(rows))


def _words(view: View) -> Sheet:
    rows = ((t.word, t.meaning) for t in view.definitions)
    return Sheet("Ord", "Hvad ordene betyder, også »skjult«.", _columns("Ord 30", "Betydning 110"), tuple(rows))


_TABLES: tuple[Callable[[View], Sheet], ...] = (
    _goals, _figures, _counting, _criteria, _readings, _reasons, _excluded, _trend, _groups, _best, _spreads, _missing, _changes, _amendments,
    _defects, _questions, _notes, _evidence, _deliveries, _set_aside, _accounts, _words,
)  # fmt: skip


def _columns(*said: str) -> tuple[Column, ...]:
    """`Tæller 12 n`: a heading, its width, and `n` where numbers stand under it."""
    made = []
    for text in said:
        words = text.split()
        is_number = words[-1] == "n"
        *heading, width = words[:-1] if is_number else words
        made.append(Column(" ".join(heading), int(width), is_number))
    return tuple(made)


def _each_figure(view: View) -> Iterator[tuple[Row, Figure]]:
    yield from ((row, f) for row in view.rows for f in row.figures)


def _points(points: Fraction | None, of: Fraction | None) -> Amount:
    return NOTHING if points is None else Amount(danish_figure(points, Fraction(0), of), points)


def _unit(amount: Amount) -> str:
    """The unit in the print of one number."""
    return "" if amount.exact is None else amount.text.partition(" ")[2]


def _yes(holds: bool) -> str:
    return "ja" if holds else "nej"
