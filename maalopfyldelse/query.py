"""How it is counted: the model of `sql/`.

A measure is one SELECT with a YAML header; the header is the single source for its parameters, options, group columns,
reasons, units and comments. Here stand the header's model, the reading of a file, and what can be derived from the text (which
tables it reads). Running a measure is measures.py's.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from .contract import ColumnType, Name
from .errors import CallerError, nearest
from .yamlio import Strict, parse_yaml, read_text, validated

if TYPE_CHECKING:
    import duckdb

# What every measure returns besides its grain and its group columns, in this order, with type and comment.
OBSERVATION_COLUMNS: dict[str, tuple[str, str]] = {
    "reading_id": ("varchar", "Which combination of options this observation was made under"),
    "observed_date": ("date", "The Danish calendar date that places the observation in a window"),
    "source_rows": ("bigint", "How many rows of the leading table this observation stands for"),
    "reason": ("varchar", "Why the observation does not count; null = counted"),
    "numerator": ("bigint or decimal", "Contribution to the numerator"),
    "denominator": ("bigint or decimal", "Contribution to the denominator"),
    "is_known": ("boolean", "False: it belongs in the denominator but its numerator is not known"),
}
# Relations the machine supplies to every query beside the tables: the readings, and the Danish calendar.
READINGS = "readings"
CALENDAR = "danish_calendar"
# A measure over a register that people type has this group; what counts without an approver makes the figure provisional.
IS_APPROVED = "is_approved"
HOUSE_MACROS = "create or replace temp macro add_months(d, n) as cast(d + to_months(n) as date)"
CALENDAR_COLUMNS = {"day": "date", "is_working_day": "boolean", "quarter": "varchar"}


class Parameter(Strict):
    """A number or word that a plan row may set with `with:`; reaches the query as `$name`."""

    type: ColumnType
    default: int | str
    comment: str
    unit: str | None = None
    values: list[str] | None = None


class QueryColumn(Strict):
    """A column the query returns. `group: true` may be named in `where` and in a result; its null is declared or forbidden.
    `danish` is the group's name where it is printed for the department."""

    type: ColumnType
    comment: str
    unit: str | None = None
    group: bool = False
    danish: str | None = None
    null_group: Literal["excluded", "forbidden"] = "forbidden"


class Leading(Strict):
    """A table whose every row the measure must account for; `window` is the SQL condition for the rows that belong to it.

    `together_by`: rows with the same word in this column belong together. The condition is on all of them (as after HAVING), and
    rows with different words never meet, so that a large table may be counted in parts. `placed_by`: the date of such rows, in SQL;
    they belong to the window that it lies in, and the window decides nothing else.
    """

    table: Name
    window: str = "true"
    together_by: Name | None = None
    placed_by: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _window_of_the_date(cls, said: Any) -> Any:
        if not isinstance(said, dict) or "placed_by" not in said:
            return said
        if "window" in said or "together_by" not in said:
            raise ValueError("placed_by goes with together_by, and says the window")
        return said | {"window": "{placed_by} > $from_date and {placed_by} <= $as_of".format(**said)}

    @property
    def count_sql(self) -> str:
        """A SELECT of how many rows belong to the window."""
        if self.together_by is None:
            return f"select count(*) from {self.table} where {self.window}"
        groups = f"select count(*) as n from {self.table} group by {self.together_by} having {self.window}"
        return f"select cast(coalesce(sum(n), 0) as bigint) from ({groups}) as belonging"


class Distribution(Strict):
    """How the observations lie, for a picture beside the figure: `column` (a whole number, or `numerator`) in steps of `step`, in
    print divided by `per`; above `top` all are one. `curve` is the share of the denominator reached up to each step, `bars` the
    observations in each. `mark` is the parameter that draws the line."""

    column: Name
    step: int = Field(gt=0)
    top: int = Field(gt=0)
    per: int = Field(1, gt=0)
    mark: Name | None = None
    shape: Literal["curve", "bars"]
    axis: str  # what is measured, Danish (ventetid)
    unit: str  # in print, Danish (sekunder)
    reached: str | None = None  # what has happened to an observation within the limit, Danish (besvaret); for a curve
    without: str | None = None  # what a counted observation without a value is, Danish (ikke besvaret)

    @model_validator(mode="after")
    def _whole(self) -> Distribution:
        if self.top % self.step:
            raise ValueError("distribution: top must be a multiple of step")
        if self.shape == "curve" and not self.reached:
            raise ValueError("distribution: a curve needs reached, the word for what has happened within the limit")
        return self


class Staff(Strict):
    """Where the size of the institutions behind the figures stands: the leading table's column of that group, and that of its
    årsværk. Figures of an institution that is too small do not leave the house."""

    by: Name
    fte: Name


class Header(Strict):
    """The header of a measure. `counts: persons` says that an observation is a person, and `staff` whose figures may be too small.
    `months` is the group with the first day of the month of the leading rows' date (`placed_by`); cells are kept by it."""

    measure: Name
    summary: str
    kind: Literal["share", "mean", "stock", "ratio"]
    numerator: str  # in words, with unit, Danish: used in the annex and in explain
    denominator: str
    grain: list[Name]
    leading: list[Leading]
    parameters: dict[Name, Parameter] = {}
    options: dict[Name, list[Name]] = {}
    reasons: dict[Name, str] = {}
    columns: dict[Name, QueryColumn]
    counts: Literal["persons", "other"] = "other"
    staff: Staff | None = None
    distribution: Distribution | None = None
    months: Name | None = None

    @field_validator("options")
    @classmethod
    def _options_have_words(cls, options: dict[str, list[str]]) -> dict[str, list[str]]:
        for name, words in options.items():
            if len(words) < 2 or len(set(words)) != len(words):
                raise ValueError(f"option '{name}' needs at least two different words; the first is the default")
        return options

    @model_validator(mode="after")
    def _consistent(self) -> Header:
        for column in self.grain:
            if column not in self.columns:
                raise ValueError(f"grain names '{column}', which is no column{nearest(column, self.columns)}")
        for column in self.columns:
            if column in OBSERVATION_COLUMNS:
                raise ValueError(f"column '{column}' is part of every observation and is not declared again")
        if (len(self.leading) > 1 or self.staff) and any(leading.together_by for leading in self.leading):
            raise ValueError("together_by is for a measure with one leading table, and without staff")
        if bool(self.months) != bool(self.leading and self.leading[0].placed_by):
            raise ValueError("months and placed_by go together")
        if self.months and self.months not in self.groups:
            raise ValueError(f"months names '{self.months}', which is no group{nearest(self.months, self.groups)}")
        if self.months and self.columns[self.months].type != "date":
            raise ValueError(f"months names '{self.months}', which is no date")
        # An option may share its name with an observation column (`denominator`): queries write options as r.name.
        for name in (*self.parameters, *self.options):
            if name in self.columns or (name in self.parameters and name in OBSERVATION_COLUMNS):
                raise ValueError(f"'{name}' is both a column and a parameter or option; a macro would mix them up")
        if self.staff and self.staff.by not in self.groups:
            raise ValueError(f"staff names '{self.staff.by}', which is no group{nearest(self.staff.by, self.groups)}")
        if shown := self.distribution:
            if shown.column != "numerator" and shown.column not in self.columns:
                raise ValueError(f"distribution names '{shown.column}', which is no column{nearest(shown.column, self.columns)}")
            if shown.mark and shown.mark not in self.parameters:
                raise ValueError(
                    f"distribution names '{shown.mark}', which is no parameter{nearest(shown.mark, self.parameters)}"
                )
        return self

    @property
    def printed(self) -> dict[str, str]:
        """What each group is called in print."""
        return {name: self.columns[name].danish or name for name in self.groups}

    @property
    def groups(self) -> list[str]:
        """Names of the columns that may group results."""
        return [name for name, column in self.columns.items() if column.group]


class Measure:
    """A query file: its header, its body, and what follows from the body."""

    def __init__(self, header: Header, body: str, path: Path, text: str) -> None:
        self.header, self.body, self.path, self.text = header, body, path, text

    @property
    def name(self) -> str:
        return self.header.measure

    @cached_property
    def reads(self) -> frozenset[str]:
        """The tables the query reads, derived from its text; readings and calendar left out. Raises CallerError on bad SQL."""
        try:
            return names_in(re.sub(r"\$[a-z_]+", "null", self.body)) - {READINGS, CALENDAR}
        except ValueError as error:
            raise CallerError(f"{self.path}: not valid SQL: {error}") from None

    @property
    def defaults(self) -> dict[str, str]:
        """The first word of every option."""
        return {name: words[0] for name, words in self.header.options.items()}


@cache
def names_in(query: str) -> frozenset[str]:
    """The tables a query names. Raises ValueError on bad SQL."""
    import duckdb

    try:
        return frozenset(parser().get_table_names(query))
    except duckdb.Error as error:
        raise ValueError(str(error).splitlines()[0]) from None


@cache
def parser() -> duckdb.DuckDBPyConnection:
    """A connection without data; opening one takes longer than parsing every query of the house."""
    import duckdb

    con = duckdb.connect(config={"threads": 1})
    con.execute(HOUSE_MACROS)
    return con


_HEADER = re.compile(r"\A\s*/\*---\n(?P<header>.*?)\n---\*/(?P<body>.*)\Z", re.DOTALL)


def read_measure(path: Path) -> Measure:
    """A measure from its file. Raises CallerError naming file and field."""
    text = read_text(path)
    match = _HEADER.match(text)
    if not match:
        raise CallerError(f"{path}: a query opens with its header between /*--- and ---*/.")
    header = validated(Header, parse_yaml(match["header"], str(path)), str(path))
    if header.measure != path.stem:
        raise CallerError(f"{path}: the header says measure '{header.measure}'; file and measure have one name.")
    body = match["body"].strip().rstrip(";")
    for name in ("$from_date", "$as_of") if header.months else ():
        if len(re.findall(rf"{re.escape(name)}\b", re.sub(r"--[^\n]*", "", body))) != 1:
            raise CallerError(f"{path}: with months the window only places rows, so the query names {name} once.")
    return Measure(header, body, path, text)
