"""The data dictionary, docs/dictionary.md: every table, column, measure and macro of the analysts' file, on one page.

Made from the tables', extracts' and measures' own words, and from the lists of fields that the tables are made from; nothing is
described here a second time. annex.py writes the page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from . import analyst, copies, tabular
from .contract import BUILT_IN_COLUMNS, Extract, Table, TableColumn
from .declared import Declared
from .query import CALENDAR, OBSERVATION_COLUMNS, Measure, QueryColumn

Field = tuple[str, str, str]  # name, type, comment

_TYPES = {"string": "varchar", "int64": "bigint", "bool": "boolean", "list<string>": "varchar[]", "readings": "struct[]"}


def text(declared: Declared) -> str:
    """The page as Markdown."""
    return "\n".join(_lines(declared)) + "\n"


def _lines(declared: Declared) -> Iterator[str]:
    yield "# Data dictionary\n"
    yield "What stands in `analyst.duckdb`, written by `make docs` from the declarations; [analyst.md](analyst.md) says how to use it.\n"
    yield from _fields(
        "main.about", "What the schemas of the file are:", [(n, "", c) for n, c in analyst.SCHEMAS.items()], "schema"
    )
    yield "## Published\n"
    yield from _fields("editions.editions", "The editions.", analyst.EDITIONS)
    yield from _fields("editions.fulfilment", "Every edition's fulfilment.", _typed(tabular.FULFILMENT))
    yield from _fields(
        "editions.results", "Every computed reading with its sums, and the accounts of each table.", _typed(tabular.RESULTS)
    )
    yield from _fields("observations.copies", "Whose observations are copied.", copies.COPIES)
    yield from _fields("observations.scans", "The passes over a query that figures share.", copies.SCANS)
    yield from _fields("observations.figures", "Which observations each figure counts.", copies.FIGURES)
    yield "`observations.MEASURE` has `scan` and the columns of the measure's observations; `published.MEASURE` has in front `plan`, `as_of`,"
    yield f"`edition`, `row`, `criterion`, `part`, `reading`, and `standing`: {copies.STANDINGS}.\n"
    yield "## Measures\n"
    yield from _fields("Every measure", "Its own columns and then:", [(n, t, c) for n, (t, c) in OBSERVATION_COLUMNS.items()])
    for measure in sorted(declared.measures.values(), key=lambda m: m.name):
        yield from _measure(measure, declared)
    yield "## Current rows\n"
    yield from _fields("Every table", "Its own columns and then:", [(n, t, c) for n, (t, c) in BUILT_IN_COLUMNS.items()])
    for table in sorted(declared.tables.values(), key=lambda t: t.table):
        yield from _table(table, declared.extracts_of(table.table))
    yield from _fields(CALENDAR, "Danish calendar: working days and quarters.", analyst.CALENDAR_FIELDS)


def _typed(fields: Iterable[Field]) -> list[Field]:
    return [(name, _TYPES.get(kind, kind), comment) for name, kind, comment in fields]


def _measure(measure: Measure, declared: Declared) -> Iterator[str]:
    header = measure.header
    yield f"### measures.{measure.name}\n"
    yield f"{header.summary} Numerator: {header.numerator}. Denominator: {header.denominator}. Reads"
    yield f"{', '.join(f'`{t}`' for t in sorted(measure.reads))}; the query is `sql/{measure.path.name}`.\n"
    settings = [
        (
            name,
            f"{p.type}, {p.default}",
            p.comment + (f" ({p.unit})" if p.unit else "") + (f": {', '.join(p.values)}" if p.values else ""),
        )
        for name, p in header.parameters.items()
    ]
    settings += [(name, f"option, {words[0]}", f"one of {', '.join(words)}") for name, words in header.options.items()]
    if settings:
        yield from _columns(
            "setting", [("from_date", "date", "Day before the window's first; the year of as_of unless given"), *settings]
        )
    yield from _columns("column", _described(header.columns, header.groups))
    if header.reasons:
        yield from _columns("reason", [(code, "", said) for code, said in header.reasons.items()])


def _table(table: Table, extracts: list[Extract]) -> Iterator[str]:
    yield f"### {table.table}\n"
    yield f"{table.comment}. Key: {', '.join(f'`{k}`' for k in table.key)}.{' May be absent.' if table.optional else ''}\n".replace(
        "..", "."
    )
    for extract in sorted(extracts, key=lambda e: e.extract):
        kept = f"; kept: {extract.retention}" if extract.retention else ""
        yield (
            f"- filled by `{extract.extract}` ({extract.system}, from {extract.supplier}): {extract.summary}; "
            f"superseding: {extract.superseding}{kept}"
        )
    yield ""
    yield from _columns("column", _described(table.columns))


def _described(columns: Mapping[str, TableColumn | QueryColumn], groups: Collection[str] = ()) -> list[Field]:
    return [
        (name, c.type, c.comment + (f" ({c.unit})" if c.unit else "") + (" – group" if name in groups else ""))
        for name, c in columns.items()
    ]


def _fields(name: str, comment: str, fields: Iterable[Field], word: str = "column") -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{comment}\n"
    yield from _columns(word, fields)


def _columns(word: str, fields: Iterable[Field]) -> Iterator[str]:
    listed = list(fields)
    typed = any(kind for _, kind, _ in listed)
    yield f"| {word} |{' type |' if typed else ''} |"
    yield f"|---|{'---|' if typed else ''}---|"
    for name, kind, comment in listed:
        yield f"| `{name}` |{f' {kind} |' if typed else ''} {_cell(comment)} |"
    yield ""


def _cell(said: str) -> str:
    return said.replace("|", "\\|").replace("\n", " ")
