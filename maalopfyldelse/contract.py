"""What arrives: the model of `expectations/`.

A *table* (`expectations/tables/NAME.yaml`) is what queries see: columns, types, units, key. An *extract*
(`expectations/NAME.yaml`) is what a system delivers: which table it fills, its layouts (file format and column map), how a
newer delivery supersedes an older one, and the rules that Great Expectations evaluates. Here stand the models only; intake/
does what they say.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from .cells import area
from .contract_source import Source
from .errors import nearest
from .yamlio import Strict

Bound = Annotated[int, Field(gt=0)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
ColumnType = Annotated[
    str, StringConstraints(pattern=r"^(varchar|bigint|integer|boolean|date|timestamp|decimal\(\d{1,2},\d{1,2}\))$")
]

# Columns that intake adds to every stored row; a table may not declare them.
BUILT_IN_COLUMNS = {
    "delivery_id": ("varchar", "The delivery this row came with"),
    "delivered_at": ("timestamp", "When that delivery arrived, UTC"),
}

# Names that no table may have: other relations of queries, row rules and comparisons, and folders beside the tables' in the store.
TAKEN_NAMES = {"readings", "observations", "named", "danish_calendar", "plan_rows", "plan_words", "file_rows", "before_it"}
TAKEN_NAMES |= {"cells", "days", "superseded"}


class TableColumn(Strict):
    """One column of a table. `timestamp` is an instant in UTC; `date` a Danish calendar date."""

    type: ColumnType
    comment: str
    unit: str | None = None
    required: bool = True
    values: list[str] | None = None  # the closed list of words, where there is one
    digits_are_ids: bool = (
        False  # ten digits together are a system's id or an amount here, no personal number (see intake/cpr.py)
    )


class Table(Strict):
    """What queries see. An `optional` table that nobody delivered is empty with its columns."""

    table: Name
    comment: str
    key: list[Name]
    columns: dict[Name, TableColumn]
    optional: bool = False

    @model_validator(mode="after")
    def _names_are_sound(self) -> Table:
        if self.table in TAKEN_NAMES:
            raise ValueError(
                f"'{self.table}' is a name that queries or the store have for something else; name the table otherwise"
            )
        for column in self.key:
            if column not in self.columns:
                raise ValueError(f"key names '{column}', which is no column{nearest(column, self.columns)}")
        for column in BUILT_IN_COLUMNS:
            if column in self.columns:
                raise ValueError(f"column '{column}' is added by intake and may not be declared")
        return self


class Format(Strict):
    """How the bytes are laid out. A file may come packed, as gzip or in a zip of exactly one file: that is seen from its bytes and
    needs no word here. `encodings` are tried strictly, in order, for the whole file; a mark in front is no content.

    - `csv`: lines of fields under a header.
    - `xlsx`: one sheet of a workbook, the first when `sheet` is not said. With `range` (`B3:F200`, or `B3:F` for all rows below) only
      those cells are looked at, the first row being the header; a table that goes on right below refuses the file. A row with an
      error (`#N/A`) or a formula that nothing has computed in a column that is read is set aside.
    - `ndjson`: one JSON object a line.
    - `json`: one document with an array of rows, the document itself or where `rows` leads: a dotted path of keys and places
      (`0.Data`). The rows are objects; with `names` they are lists, and `names` leads to what their places are called, a list of
      texts (`columns`) or of objects with a member that is one (`0.Variables.*.Label`).
    - `parquet`: typed columns.
    """

    type: Literal["csv", "xlsx", "ndjson", "json", "parquet"]
    encodings: list[Literal["utf-8", "utf-16", "windows-1252"]] = ["utf-8"]
    delimiter: str = ","
    quote: str = '"'
    sheet: str | None = None
    range: str | None = None
    header_row: int = 1
    final_newline: bool = True  # csv, ndjson: a file that does not end with a line break has been cut
    rows: str | None = None
    names: str | None = None

    @model_validator(mode="after")
    def _options_belong(self) -> Format:
        if self.range is not None:
            area(self.range)
            if self.type != "xlsx" or self.header_row != 1:
                raise ValueError("range belongs to xlsx, and its first row is the header: leave header_row out")
        if self.type != "json" and (self.rows or self.names):
            raise ValueError("rows and names belong to a json document")
        if len(self.delimiter) != 1 or len(self.quote) > 1 or self.delimiter == self.quote:
            raise ValueError("delimiter is one character, and quote another one or none")
        return self

    @property
    def is_text(self) -> bool:
        """Whether the bytes are text in one of the encodings."""
        return self.type in ("csv", "ndjson", "json")

    @property
    def is_nested(self) -> bool:
        """Whether columns are named by dotted paths into the objects of a row."""
        return self.type == "ndjson" or (self.type == "json" and self.names is None)


class Layout(Strict):
    """One shape a file of the extract may have. `files` narrows the extract's patterns.

    Every column of the file must be known: read by a source, used by an `order`, in `ignore` (not kept) or in `personal` (dropped
    unread because it identifies people). In JSON objects a path covers all that lies beneath it. Every column a source reads must
    be there (JSON objects: a path may be missing in a row, which is no value).

    Typed cells arrive as text: a workbook's date as `%Y-%m-%d`, one with a time of day as `%Y-%m-%d %H:%M:%S`, a whole number
    without decimals, any other with the source's decimal mark. Parquet's the same way; an instant as `%Y-%m-%d %H:%M:%S%z` in
    UTC. A floating-point column of Parquet is taken only where every number is whole and below 10^15 (single precision: 2^24): others are not
    exact, and the file is refused.

    Renamed columns are one more layout with `valid_from`, the first Danish date of arrival that it holds for. From then on it takes
    the place of the layouts of the same format type and file names that begin earlier, or have no beginning: a file in an old shape
    that arrives then is refused, as is one in a new shape that arrives before. `valid_until` says otherwise: a layout that has it
    holds to that date, the last included, beside the one that takes its place. A layout without dates beside which none
    begins always holds.
    """

    id: Name
    format: Format
    columns: dict[Name, Source]
    files: list[str] | None = None
    zone: str = "Europe/Copenhagen"
    ignore: list[str] = []
    personal: list[str] = []
    valid_from: date | None = None
    valid_until: date | None = None

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        from zoneinfo import available_timezones

        if zone not in available_timezones():
            raise ValueError(f"'{zone}' is no time zone{nearest(zone, available_timezones())}")
        return zone

    @model_validator(mode="after")
    def _sources_agree(self) -> Layout:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        read = {source.from_ for source in self.columns.values() if source.from_}
        for name, source in self.columns.items():
            needed = [source.instant_column, (source.order or {}).get("after")]
            for column in (c for c in needed if c and c not in read):
                raise ValueError(f"{name}: no column of this layout reads '{column}' with from{nearest(column, read)}")
        if self.format.type in ("xlsx", "parquet"):
            marks: dict[str, str] = {}
            for source in self.columns.values():
                for column in source.columns:
                    if marks.setdefault(column, source.decimal) != source.decimal:
                        raise ValueError(f"'{column}' is read twice, with different decimal marks; a typed number is given one")
        if self.format.type != "xlsx" and any(source.takes_serials for source in self.columns.values()):
            raise ValueError("the format 'serial' belongs to a workbook")
        kept = {column for source in self.columns.values() for column in source.columns}
        if self.format.is_nested and (starred := [column for column in kept if "*" in column]):
            raise ValueError(f"'{starred[0]}': a path may not hold a star")
        for column in (*self.ignore, *self.personal):
            if column in kept:
                raise ValueError(f"'{column}' is read by a source and cannot be ignored or dropped as personal")
        return self

    def not_in_force(self, arrived: date, others: list[Layout]) -> str | None:
        """Why the layout does not hold for a file that arrived on a Danish date, None when it does; `others` take files of its name."""
        if self.valid_from is not None and arrived < self.valid_from:
            return f"is valid from {self.valid_from}"
        if self.valid_until is not None:
            return f"was valid until {self.valid_until}" if arrived > self.valid_until else None
        own = self.valid_from or date.min
        begun = [o for o in others if o.format.type == self.format.type and o.valid_from and own < o.valid_from <= arrived]
        newest = max(begun, key=lambda o: o.valid_from or date.min, default=None)
        return f"was replaced by '{newest.id}' on {newest.valid_from}" if newest else None


class Period(Strict):
    """Which period a delivery speaks of, read from the file name (without .gz or .zip) by a pattern with named groups year, and month, quarter or
    half. `every` names the periods that should exist from `since` on."""

    pattern: str
    every: Literal["month", "quarter", "half", "year"] | None = None
    since: str | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if "year" not in groups:
            raise ValueError("the pattern needs a named group (?P<year>…)")
        return pattern


class Rule(Strict):
    """A rule on rows together, tables or time, in Great Expectations' own type names and arguments.

    `UnexpectedRowsExpectation`'s query writes `{batch}` for the rows under test; other tables it names are current rows.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$")]
    type: str
    kwargs: dict[str, Any] = {}
    severity: Literal["critical", "warning", "info"] = "critical"
    message: str


class RowRule(Strict):
    """A rule on one row: where `when` is true the row is set aside with the code, its line, the column and the message.

    `when` is SQL over the typed columns of the table, which may be qualified with the table's name (`events.plan`). It may also use
    `delivered_date`, the Danish date on which the delivery arrived, and two house relations made from the declared plans:

    - `plan_rows(plan, plan_row)`: the rows of every plan, those of its amendments included;
    - `plan_words(plan, plan_row, use, word)`: the words that a row's criteria wait for; `use` is act, count or parameter.

    Rows are taken again when what these relations hold has changed. A condition that is null is not true. In a row with faults in
    its cells a rule is not asked when it names one of those cells. Rows together, tables and time belong to `rules`.

    `danish` is the message as the sender reads it, in the workbook of rejects.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$")]
    column: Name
    when: str
    message: str
    danish: str | None = None


class Limits(Strict):
    """Bounds on a delivery; above them it is refused whole, with the bound's name in the message.

    The first seven keep a hostile or broken file from taking the machine's time and memory. They speak of the file alone, so the same
    file meets the same answer everywhere.

    - `max_bytes`: the file as it arrived.
    - `max_unpacked_bytes`: what a gzip or zip holds, and what the texts of a Parquet file come to when each row has its own.
    - `max_workbook_bytes`: a workbook's parts unpacked, and what the texts of its cells come to when each cell has its own.
    - `max_cells`: the rectangle from a sheet's first cell to the last row and column that hold a cell.
    - `max_columns`: headings, or the paths of JSON.
    - `max_line_bytes`: one row as text, and one value of a Parquet file.
    - `max_depth`: objects and lists of JSON within one another; a row that goes deeper is set aside.
    - `max_set_aside_share`, `max_set_aside_rows`, `min_rows`: rows set aside, rows at all.
    """

    max_bytes: Bound = 8_000_000_000
    max_unpacked_bytes: Bound = 8_000_000_000
    max_workbook_bytes: Bound = 500_000_000
    max_cells: Bound = 10_000_000
    max_columns: Bound = 2_000
    max_line_bytes: Annotated[int, Field(gt=0, le=16_000_000)] = 2_000_000
    max_depth: Annotated[int, Field(gt=0, le=100)] = 64
    max_set_aside_share: float = 0.02
    max_set_aside_rows: int | None = None
    min_rows: int = 1


class Extract(Strict):
    """What one system delivers for one table. `superseding`: `whole`, the newest delivery replaces all before it; `period`, the
    newest of each period; `key`, the newest row of each key. `retention` is said in words; `source_keeps_months` is how many months
    after a period's end its rows can still be exported, where the source deletes and that is agreed."""

    extract: Name
    summary: str
    system: str
    supplier: str  # Danish: the senders' page names it
    table: Name
    files: list[str]
    superseding: Literal["whole", "period", "key"]
    layouts: list[Layout]
    period: Period | None = None
    retention: str | None = None
    source_keeps_months: Annotated[int, Field(ge=0)] | None = None
    limits: Limits = Limits()
    set_aside: list[RowRule] = []
    rules: list[Rule] = []

    @model_validator(mode="after")
    def _consistent(self) -> Extract:
        if self.superseding == "period" and self.period is None:
            raise ValueError("superseding by period needs a period (a pattern over the file name)")
        for kind, words in (
            ("layout", [layout.id for layout in self.layouts]),
            ("rule", [rule.code for rule in self.rules]),
            ("set_aside", [rule.code for rule in self.set_aside]),
        ):
            twice = {word for word in words if words.count(word) > 1}
            if twice:
                raise ValueError(f"{kind} '{min(twice)}' stands twice")
        return self
