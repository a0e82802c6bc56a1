"""Where one column of a table comes from in a file: the model of a layout's `columns`.

The file's format, its other columns and what becomes of its rows are contract.py's; how a cell is read is intake/'s.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from .yamlio import Strict

# What a source may take its value from (see Source).
ORIGINS = (
    "from_",
    "template",
    "constant",
    "hash_of",
    "present_of",
    "local_date_of",
    "local_minute_of",
    "hour_assumed_of",
    "period_end_of",
    "period_of",
)
SERIAL = "serial"
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Source(Strict):
    """Where one table column comes from. A column of the file is named as its header writes it, in JSON objects by a dotted path.

    Exactly one origin:

    - `from: c`: the value of `c`.
    - `template: "{år}Q{kvartal}"`: text with each `{c}` replaced by the trimmed value of that column; null when one of them is
      null (by `no_value`). It is then cast to the column's type like any text.
    - `constant: word`: the same for every row.
    - `hash_of: c`: keyed hash of the trimmed value (personal; the value itself goes nowhere). With `ignore_case` the value is put
      into lower case first, as for initials that a person types.
    - `present_of: c`: whether `c` has a value (boolean, never null); the value itself goes nowhere.
    - `local_date_of: c`, `local_minute_of: c`, `hour_assumed_of: c`: about an instant. `c` must be read by `from` into a
      timestamp column of the same layout, and that source's format, zone, order and no_value apply; none of them is given here.
      They give the Danish calendar date of the instant (date), its Danish minute of the day 0–1439 (integer), and whether
      its hour had to be assumed (boolean). Null where the instant is null.
    - `period_end_of: "{år}Q{kvartal}"`: a template whose text is a period as `dates.period_bounds` reads it (2021, 2021H1,
      2021Q3, 2021-07, 2021-07-15), or as jobindsats writes it (2021Y01, 2021Q03, 2021M07); the last day of that period (date).
    - `period_of`: such a template; the period as `dates.period_bounds` reads it (varchar). Other texts are unknown words.

    `format` is a strptime pattern, or a list of patterns tried in order (date and timestamp; without it: ISO, `%Y-%m-%d` for a
    date). In a workbook the word `serial` among them says that a plain number is a date too, counted in days as Excel does. A
    timestamp pattern that ends in `Z` or `%z` carries its own offset; any other is wall time in the layout's `zone` or in this source's.
    `decimal` and `thousands` are the marks of numbers; thousands marks must stand in groups of three, digits beyond the column's
    scale are a fault, nothing is rounded.

    `codes` maps the file's words (trimmed, exact case) to the table's, which are then cast; `on_unknown` says what a word
    outside does: `refuse` the delivery, or `set_aside` the row. For a column with `values` and no `codes` the words outside
    `values` are the unknown ones.
    A boolean is `true` or `false` (typed so in the file, or by `codes`). With `has_word: w` a boolean says whether `w` is one of
    the value's words: the elements of a JSON list (also of a text that is one), the blank-separated words of any other text;
    false where the value is null.

    `order` settles the doubled hour of the autumn change. `{within: g, by: n}`: the rows of one `g` in the order of the number
    `n` must not run backwards in time. An ambiguous instant is the later one when, among the ambiguous rows up to and
    including it, some wall time follows a later wall time; it is the earlier one when that happens among the ambiguous rows
    from it on. When neither holds, or both do, the earlier instant is taken and the hour is assumed. `{after: c}`: the earlier
    instant, unless it lies before the instant of column `c` (read by another source of the layout) in the same row; then the
    later; never assumed. Without `order` the earlier instant is taken and the hour is assumed. A wall time in the hour that
    spring skips does not exist: its row is set aside.

    `note` says in Danish, to the person who fills in a workbook, what to write; it stands in the template's guidance.

    `no_value` (here `.null`): the texts (trimmed) that mean no value. A JSON null, a missing path and an empty cell are
    always no value.
    """

    from_: str | None = Field(None, alias="from")
    template: str | None = None
    constant: str | None = None
    hash_of: str | None = None
    present_of: str | None = None
    local_date_of: str | None = None
    local_minute_of: str | None = None
    hour_assumed_of: str | None = None
    period_end_of: str | None = None
    period_of: str | None = None
    format: str | list[str] | None = None
    zone: str | None = None
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " "] = ""
    codes: dict[str, str] | None = None
    on_unknown: Literal["refuse", "set_aside"] = "refuse"
    has_word: str | None = None
    ignore_case: bool = False
    order: dict[Literal["within", "by", "after"], str] | None = None
    note: str | None = None
    null: list[str] = Field([""], alias="no_value")  # unquoted, `null` is no word in YAML

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        given = [name for name in ORIGINS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(ORIGINS).replace('from_', 'from')}")
        if self.order is not None and set(self.order) not in ({"within", "by"}, {"after"}):
            raise ValueError("order is {within: …, by: …} or {after: …}")
        if self.template_text is not None and not self.columns:
            raise ValueError(f"'{self.template_text}' names no column; write it as {{column}}")
        if self.instant_column and (self.format or self.zone or self.order):
            raise ValueError("format, zone and order stand with the column that reads the instant")
        if self.ignore_case and self.hash_of is None:
            raise ValueError("ignore_case belongs to hash_of")
        return self

    @property
    def template_text(self) -> str | None:
        """The template, of text or of a period."""
        return next((text for text in (self.template, self.period_end_of, self.period_of) if text is not None), None)

    @property
    def instant_column(self) -> str | None:
        """The file's column whose instant this source speaks of, for the three origins about an instant."""
        return self.local_date_of or self.local_minute_of or self.hour_assumed_of

    @property
    def columns(self) -> list[str]:
        """The file's columns this source reads, each once, in order; none for a constant."""
        if self.template_text is not None:
            return list(dict.fromkeys(_PLACEHOLDER.findall(self.template_text)))
        one = self.from_ or self.hash_of or self.present_of or self.instant_column
        return [one] if one else []

    @property
    def takes_serials(self) -> bool:
        """Whether a plain number in a workbook is a date."""
        return SERIAL in ([self.format] if isinstance(self.format, str) else self.format or [])

    @property
    def is_test(self) -> bool:
        """Whether the source asks something of a value, so that having none is an answer too."""
        return self.has_word is not None or self.present_of is not None

    @property
    def column(self) -> str | None:
        """The file's column where there is exactly one, else None."""
        return self.columns[0] if len(self.columns) == 1 else None
