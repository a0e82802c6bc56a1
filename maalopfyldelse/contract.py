"""What arrives: the model of `expectations/`.

A *table* (`expectations/tables/NAME.yaml`) is what queries see: columns, types, units, key. An *extract*
(`expectations/NAME.yaml`) is what a system delivers: which table it fills, its layouts (file format and column map), how a
newer delivery supersedes an older one, and the rules that Great Expectations evaluates. Here stand the models only; intake/
does what they say.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from .errors import nearest
from .yamlio import Strict

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
ColumnType = Annotated[
    str, StringConstraints(pattern=r"^(varchar|bigint|integer|boolean|date|timestamp|decimal\(\d{1,2},\d{1,2}\))$")
]

# Columns that intake adds to every stored row; a table may not declare them.
BUILT_IN_COLUMNS = {
    "delivery_id": ("varchar", "The delivery this row came with"),
    "delivered_at": ("timestamp", "When that delivery arrived, UTC"),
}


class TableColumn(Strict):
    """One column of a table. `timestamp` is an instant in UTC; `date` a Danish calendar date."""

    type: ColumnType
    comment: str
    unit: str | None = None
    required: bool = True
    values: list[str] | None = None  # the closed list of words, where there is one


class Table(Strict):
    """What queries see. An `optional` table that nobody delivered is empty with its columns."""

    table: Name
    comment: str
    key: list[Name]
    columns: dict[Name, TableColumn]
    optional: bool = False

    @model_validator(mode="after")
    def _key_exists(self) -> Table:
        for column in self.key:
            if column not in self.columns:
                raise ValueError(f"key names '{column}', which is no column{nearest(column, self.columns)}")
        for column in BUILT_IN_COLUMNS:
            if column in self.columns:
                raise ValueError(f"column '{column}' is added by intake and may not be declared")
        return self


class Format(Strict):
    """How the bytes are laid out. `encodings` are tried strictly, in order, for the whole file."""

    type: Literal["csv", "xlsx", "ndjson"]
    encodings: list[Literal["utf-8", "utf-16", "windows-1252"]] = ["utf-8"]
    delimiter: str = ","
    quote: str = '"'
    sheet: str | None = None  # xlsx: the first sheet when not said
    header_row: int = 1
    final_newline: bool = True  # csv, ndjson: a file that does not end with a line break has been cut


class Source(Strict):
    """Where one table column comes from. Exactly one of `from`, `local_date_of`, `hash_of`, `constant`.

    `from` and the others name a column of the file (ndjson: a dotted path). `format` is a strptime pattern, or a list of
    patterns tried in order. `order` resolves the doubled hour of the autumn change: an instant that follows a later wall time
    within the same group is the second of the two. `local_date_of` gives the Danish date of an instant column of the file.
    `hash_of` replaces a personal column by a keyed hash. `codes` maps the file's words to the table's.
    """

    from_: str | None = Field(None, alias="from")
    local_date_of: str | None = None
    hash_of: str | None = None
    constant: str | None = None
    format: str | list[str] | None = None
    zone: str | None = None  # instants: overrides the layout's
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " "] = ""
    codes: dict[str, str] | None = None
    on_unknown: Literal["refuse", "set_aside"] = "refuse"
    order: dict[Literal["within", "by"], str] | None = None
    null: list[str] = [""]

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        given = [n for n in ("from_", "local_date_of", "hash_of", "constant") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of from, local_date_of, hash_of, constant")
        return self

    @property
    def column(self) -> str | None:
        """The file's column, or None for a constant."""
        return self.from_ or self.local_date_of or self.hash_of


class Layout(Strict):
    """One shape a file of the extract may have. `files` narrows the extract's patterns; `ignore` names known columns not kept;
    `personal` names columns that are dropped unread because they identify people."""

    id: Name
    format: Format
    columns: dict[Name, Source]
    files: list[str] | None = None
    zone: str = "Europe/Copenhagen"
    ignore: list[str] = []
    personal: list[str] = []
    valid_from: str | None = None

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        from zoneinfo import available_timezones

        if zone not in available_timezones():
            raise ValueError(f"'{zone}' is no time zone{nearest(zone, available_timezones())}")
        return zone


class Period(Strict):
    """Which period a delivery speaks of, read from the file name by a pattern with named groups year, and month, quarter or
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


class Limits(Strict):
    """Bounds on a delivery; above them it is refused whole."""

    max_bytes: int = 8_000_000_000
    max_set_aside_share: float = 0.02
    max_set_aside_rows: int | None = None
    min_rows: int = 1


class Extract(Strict):
    """What one system delivers for one table. `superseding`: `whole`, the newest delivery replaces all before it; `period`, the
    newest of each period; `key`, the newest row of each key."""

    extract: Name
    summary: str
    system: str
    supplier: str
    table: Name
    files: list[str]
    superseding: Literal["whole", "period", "key"]
    layouts: list[Layout]
    period: Period | None = None
    retention: str | None = None
    limits: Limits = Limits()
    rules: list[Rule] = []

    @model_validator(mode="after")
    def _consistent(self) -> Extract:
        if self.superseding == "period" and self.period is None:
            raise ValueError("superseding by period needs a period (a pattern over the file name)")
        for kind, words in (
            ("layout", [layout.id for layout in self.layouts]),
            ("rule", [rule.code for rule in self.rules]),
        ):
            twice = {word for word in words if words.count(word) > 1}
            if twice:
                raise ValueError(f"{kind} '{min(twice)}' stands twice")
        return self
