"""A layout as one SQL statement: from a file's text columns to the table's typed columns, and for each the reason it fails.

Layers of nested selects, each adding columns: r (the file's text) → v (text that has a value) → t/w/o (typed; wall times and
instants with an offset) → u (instants in UTC) → the table's columns. Compiled twice: strictly, where the first fault stops the
statement, and carefully, where every row carries its faults. The file's own names never enter the SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..contract import SERIAL, Layout, Source, TableColumn
from ..errors import CallerError
from . import values, zones
from .rowrules import RowRules
from .values import quoted

STOP = "MAAL-ROW-FAULT"
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Fold:
    """An instant whose doubled hour the order of events settles: SQL names of the group, the number and the wall time."""

    column: str
    zone: str


@dataclass
class _Column:
    name: str
    spec: TableColumn
    source: Source
    value: str | None = None  # SQL text that is null where there is no value
    typed: str = "null"
    checks: list[tuple[str, str]] = field(default_factory=list)
    expected: str = ""


class Program:
    """The statement for one layout. Raises CallerError where the contract cannot mean what it says."""

    def __init__(self, layout: Layout, rules: RowRules, *, compose: bool) -> None:
        """`compose`: bring text to composed form (NFC), needless for ASCII."""
        self._layout, self._table, self._rules, self._compose = layout, rules.table, rules, compose
        table = rules.table
        self.needed = needed_columns(layout)
        times = {name: s for name, s in layout.columns.items() if table.columns[name].type == "timestamp" and s.constant is None}
        self._instants = {s.from_: name for name, s in reversed(times.items()) if s.from_}
        self._columns = [self._column(name, layout.columns[name]) for name in table.columns if name in layout.columns]
        self._has_instants = any(c.spec.type in ("timestamp", "date") for c in self._columns)
        self._times = [c for c in self._columns if c.name in times]
        self.folds = [Fold(c.name, self._zone(c.source)) for c in self._times if "by" in (c.source.order or {})]

    @property
    def zones(self) -> set[str]:
        """The zones that the statement needs prepared."""
        return {zones.DANISH, *(self._zone(c.source) for c in self._times)} if self._has_instants else set()

    @property
    def expected(self) -> dict[str, str]:
        """What each column should be, in words, for messages."""
        return {c.name: c.expected for c in self._columns}

    @property
    def places(self) -> list[str]:
        """What may be wrong with a row: its columns in order, then the codes of the row rules."""
        return [*self._table.columns, *self._rules.codes]

    @property
    def file_column(self) -> dict[str, str]:
        """The file's column(s) behind each place, as the sender knows them."""
        known = {c.name: " + ".join(c.source.columns) or c.name for c in self._columns}
        return known | {rule.code: known.get(rule.column, rule.column) for rule in self._rules.rules}

    def strict(self, rows: str, folded: set[str]) -> str:
        """All rows typed, in the table's columns; the statement stops at the first fault. `rows` is a file's select."""
        picked = []
        for name, spec in self._table.columns.items():
            column = next((c for c in self._columns if c.name == name), None)
            if column is None:
                picked.append(f'cast(null as {spec.type}) as "{name}"')
            elif self._is_required(column):
                picked.append(f'coalesce({column.typed}, error({quoted(STOP)})) as "{name}"')
            elif column.value is None or column.source.instant_column or column.source.is_test:
                picked.append(f'{column.typed} as "{name}"')
            else:
                stop = f"case when {column.typed} is null and {column.value} is not null then error({quoted(STOP)})"
                picked.append(f'{stop} else {column.typed} end as "{name}"')
        return self._rules.strict(f"select {', '.join(picked)} from ({self._layers(rows, folded)})", STOP)

    def careful(self, rows: str, folded: set[str]) -> str:
        """All rows typed where they can be, with `_row`, `_broken` and for each place i `_f<i>`, the code of its fault or null."""
        picked = ["_row", "_broken"]
        for i, (name, spec) in enumerate(self._table.columns.items()):
            column = next((c for c in self._columns if c.name == name), None)
            typed = f"cast({column.typed} as {spec.type})" if column else f"cast(null as {spec.type})"
            picked += [f'{typed} as "{name}"', f"{self._fault(column) if column else 'null'} as _f{i}"]
        typed = f"select {', '.join(picked)} from ({self._layers(rows, folded)})"
        return self._rules.careful(typed, "_broken", {place: f"_f{i}" for i, place in enumerate(self.places)})

    def fold_rows(self, fold: Fold, rows: str) -> str:
        """The ambiguous instants of a column: group, number, wall time, each combination once."""
        c = fold.column
        patterns = _patterns(self._layout.columns[c], "timestamp")
        position = values.hour_position(patterns)
        hours = " or ".join(f"substr(v_{c}, {position}, 2) = '{hour}'" for hour in zones.double_hours(fold.zone)) or "false"
        likely = f" where {hours}" if position else ""
        inner = f"select g_{c} as g, b_{c} as b, w_{c} as w from ({self._typed(rows)}){likely}"
        return f"select distinct g, b, w from ({inner}) where {zones.is_double_sql('w', fold.zone)}"

    def unknown_words(self, rows: str, name: str) -> str:
        """The words of a column that its contract does not know: word, count and first row number. `rows` is careful."""
        column = next(c for c in self._columns if c.name == name)
        inner = self._typed(rows)
        return (
            f"select {values.trimmed(f'v_{name}')} as word, count(*) as times, min(_row) as first from ({inner}) "
            f"where {column.value} is not null and {column.typed} is null group by 1 order by 3"
        )

    def _column(self, name: str, source: Source) -> _Column:
        spec = self._table.columns[name]
        column = _Column(name, spec, source)
        if source.constant is not None:
            column.typed = f"cast({quoted(source.constant)} as {spec.type})"
        elif source.instant_column:
            self._about_instant(column)
        else:
            column.value, column.typed = f"v_{name}", f"t_{name}"
            self._explain(column)
        return column

    def _about_instant(self, column: _Column) -> None:
        instant = self._instants[column.source.instant_column or ""]
        kind = {"local_date_of": "date", "local_minute_of": "integer", "hour_assumed_of": "boolean"}
        origin = next(k for k in kind if getattr(column.source, k))
        if column.spec.type != kind[origin]:
            raise CallerError(f"column '{column.name}': {origin} gives a {kind[origin]}, not a {column.spec.type}.")
        local = f"l_{instant}"
        column.value = f"v_{instant}"
        column.typed = {
            "local_date_of": f"cast({local} as date)",
            "local_minute_of": f"cast(60 * hour({local}) + minute({local}) as integer)",
            "hour_assumed_of": f"a_{instant}",
        }[origin]

    def _explain(self, column: _Column) -> None:
        """What the column should be, and in which order its faults are told apart."""
        spec, source, v = column.spec, column.source, f"v_{column.name}"
        words = list(source.codes or ()) or spec.values
        if source.codes is not None:
            wrong = [w for w in source.codes.values() if spec.values and w not in spec.values]
            wrong += [w for w in source.codes.values() if spec.type == "boolean" and w not in ("true", "false")]
            if wrong:
                raise CallerError(f"column '{column.name}': codes map to '{wrong[0]}', which the table does not know.")
        if words and not source.hash_of:
            column.checks = [("UNKNOWN_CODE", "true")]
            column.expected = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
        elif source.period_of:
            column.checks, column.expected = (
                [("UNKNOWN_CODE", "true")],
                "2021, 2021H1, 2021Q3, 2021-07, 2021-07-15 and their codes",
            )
        elif source.period_end_of:
            column.checks = [("NO_SUCH_PERIOD", "true")]
        elif spec.type in ("integer", "bigint"):
            column.checks, column.expected = values.integer(v, source, spec.type)[1], _number("a whole number", source)
        elif spec.type.startswith("decimal"):
            column.checks, column.expected = values.decimal(v, source, spec.type)[1], _number(f"a {spec.type}", source)
        elif spec.type == "date":
            column.checks, column.expected = [("NOT_A_DATE", "true")], " or ".join(_patterns(source, spec.type))
        elif spec.type == "timestamp":
            zone, patterns = self._zone(source), _patterns(source, spec.type)
            skipped = f"coalesce({zones.is_skipped_sql(f'w_{column.name}', zone)}, false)"
            column.checks = [("NO_SUCH_HOUR", skipped), ("NOT_A_TIME", "true")]
            column.expected = " or ".join(patterns if source.format else ["ISO 8601"])
            column.typed = f"u_{column.name}"
        elif spec.type == "boolean":
            column.checks = [("NOT_A_BOOLEAN", "true")]

    def _fault(self, column: _Column) -> str:
        whens = []
        if self._is_required(column):
            whens.append(f"when {column.value or column.typed} is null then 'MISSING_VALUE'")
        if column.value and column.checks and not column.source.is_test:
            checks = " ".join(f"when {condition} then '{code}'" for code, condition in column.checks)
            whens.append(f"when {column.value} is not null and {column.typed} is null then case {checks} end")
        return f"case {' '.join(whens)} end" if whens else "null"

    def _is_required(self, column: _Column) -> bool:
        return (column.spec.required or column.name in self._table.key) and not column.source.is_test

    def _zone(self, source: Source) -> str:
        return source.zone or self._layout.zone

    # -- layers -------------------------------------------------------------------------------------------------------

    def _layers(self, rows: str, folded: set[str]) -> str:
        """Everything up to the instants in UTC (u), their local time (l) and whether their hour was assumed (a)."""
        current, instants = self._typed(rows), self._times
        joins = " ".join(
            f"left join fold_{c.name} on fold_{c.name}.g = s.g_{c.name} and fold_{c.name}.b = s.b_{c.name} "
            f"and fold_{c.name}.w = s.w_{c.name}"
            for c in instants
            if c.name in folded
        )
        added = "".join(
            f", fold_{name}.is_later as later_{name}, fold_{name}.is_assumed as assumed_{name}" for name in sorted(folded)
        )
        if joins:
            current = f"select s.*{added} from ({current}) s {joins}"
        if instants:
            picked = ", ".join(
                f"{zones.offset_sql(f'w_{c.name}', self._zone(c.source))} as k_{c.name}, "
                f"{zones.is_double_sql(f'w_{c.name}', self._zone(c.source))} as d_{c.name}"
                for c in instants
            )
            current = f"select *, {picked} from ({current})"
        done: set[str] = set()
        while waiting := [c for c in instants if c.name not in done]:
            ready = [c for c in waiting if self._after(c) in (None, *done)]
            if not ready:
                raise CallerError(f"column '{waiting[0].name}': order after goes in a circle.")
            picked = ", ".join(f"{sql} as {prefix}_{c.name}" for c in ready for prefix, sql in self._resolved(c, folded).items())
            current = f"select *, {picked} from ({current})"
            done |= {c.name for c in ready}
        if instants:
            picked = ", ".join(f"{self._local(c)} as l_{c.name}" for c in instants)
            current = f"select *, {picked} from ({current})"
        return current

    def _after(self, column: _Column) -> str | None:
        after = (column.source.order or {}).get("after")
        return self._instants.get(after, "") if after else None

    def _resolved(self, column: _Column, folded: set[str]) -> dict[str, str]:
        """The instant, and whether its hour was assumed."""
        name, (naive, own) = column.name, self._kinds(column)
        w, o, double = f"w_{name}", f"o_{name}", f"d_{name}"
        early = f"make_timestamp(epoch_us({w}) - k_{name})"
        late = f"make_timestamp(epoch_us({w}) - {zones.later_offset_sql(w, self._zone(column.source))})"
        assumed = f"coalesce({double}, false)"
        if after := self._after(column):
            early, assumed = f"case when {double} and {early} < u_{after} then {late} else {early} end", "false"
        elif name in folded:
            early = f"case when {double} and later_{name} then {late} else {early} end"
            assumed = f"case when {double} then coalesce(assumed_{name}, true) else false end"
        in_range = f"{o} >= timestamp '{zones.FIRST_YEAR}-01-01' and {o} < timestamp '{zones.LAST_YEAR + 1}-01-01'"
        offset = f"case when {in_range} then {o} end"
        utc = f"coalesce({offset}, {early})" if naive and own else offset if own else early
        return {"u": utc, "a": f"case when coalesce({w}, {o}) is not null then {assumed} end"}

    def _local(self, column: _Column) -> str:
        name, (naive, own) = column.name, self._kinds(column)
        if not naive or self._zone(column.source) != zones.DANISH:
            return zones.local_sql(f"u_{name}", of_wall=naive)
        local = f"case when w_{name} is not null then w_{name} else {zones.local_sql(f'u_{name}')} end" if own else f"w_{name}"
        return f"case when u_{name} is not null then {local} end"

    def _kinds(self, column: _Column) -> tuple[bool, bool]:
        """Whether some of the patterns are wall time, and whether some carry an offset."""
        patterns = _patterns(column.source, "timestamp")
        return any(not values.has_offset(p) for p in patterns), any(values.has_offset(p) for p in patterns)

    def _typed(self, rows: str) -> str:
        """r → v → typed."""
        texts, plain, written, typed = [], [], [], []
        for c in self._columns:
            if c.value != f"v_{c.name}":
                continue
            texts.append(f"{self._text(c)} as v_{c.name}")
            if c in self._times:
                patterns = _patterns(c.source, "timestamp")
                plain.append(f"try_cast({c.value} as timestamp) as x_{c.name}")
                written.append(f"cast(x_{c.name} as varchar) as y_{c.name}")
                typed.append(f"{values.wall_time(c.value, f'x_{c.name}', f'y_{c.name}', patterns)} as w_{c.name}")
                typed.append(f"{values.instant(c.value, patterns)} as o_{c.name}")
                if c.source.order and "by" in c.source.order:
                    group, number = (self._r(c.source.order[k]) for k in ("within", "by"))
                    texts += [f"{group} as g_{c.name}", f"{values.trimmed(number)} as b_{c.name}"]
            else:
                typed.append(f"{self._value(c)} as t_{c.name}")
        texts.append("*")
        current = f"select {', '.join(texts)} from ({rows})"
        for added in (plain, written, typed):
            current = f"select *, {', '.join(added)} from ({current})" if added else current
        return current

    def _r(self, name: str) -> str:
        column = f"r{self.needed.index(name)}"
        return f"nfc_normalize({column})" if self._compose else column

    def _text(self, column: _Column) -> str:
        """The text that has a value: null where the cell is empty or holds a word for nothing."""
        source = column.source
        if (template := source.template_text) is not None:
            parts, missing, at = [], [], 0
            for match in _PLACEHOLDER.finditer(template):
                r = values.trimmed(self._r(match[1]))
                missing.append(f"{r} is null or {values.is_one_of(r, source.null)}")
                parts += [quoted(template[at : match.start()]), r]
                at = match.end()
            parts.append(quoted(template[at:]))
            return f"case when not ({' or '.join(missing)}) then {' || '.join(parts)} end"
        r = self._r(source.columns[0])
        kept = values.trimmed(r) if source.hash_of or source.codes or column.spec.values else r
        # trimming costs more than all else here, and nearly no text has a blank at its ends
        blank_ended = f"{r} like ' %' or {r} like '% '"
        trimmed = f"case when not {values.is_one_of(values.trimmed(r), source.null)} then {kept} end"
        nothing = f"{r} = {quoted(source.null[0])}" if len(source.null) == 1 else values.is_one_of(r, source.null)
        return f"case when {nothing} then null when {blank_ended} then {trimmed} else {r} end"

    def _value(self, column: _Column) -> str:
        v, spec, source = f"v_{column.name}", column.spec, column.source
        if source.hash_of:
            personal = f"lower({v})" if source.ignore_case else v
            return f"sha256(getvariable('maal_outer') || unhex(sha256(getvariable('maal_inner') || encode({personal}))))"
        if source.present_of:
            return f"{v} is not null"
        if source.has_word is not None:
            word = quoted(source.has_word)
            elements = f"json_extract_string(case when json_valid({v}) then {v} else '[]' end, '$[*]')"
            listed = f"case when {v} like '[%' and json_valid({v}) then list_contains({elements}, {word})"
            return f"coalesce({listed} else list_contains(string_split({v}, ' '), {word}) end, false)"
        if source.codes is not None:
            cases = " ".join(f"when {quoted(k)} then {quoted(w)}" for k, w in source.codes.items())
            return f"cast(case {v} {cases} end as {spec.type})"
        if source.period_end_of is not None:
            return values.period_end(v)
        if source.period_of is not None:
            return values.period(v)
        if spec.type in ("integer", "bigint"):
            return values.integer(v, source, spec.type)[0]
        if spec.type.startswith("decimal"):
            return values.decimal(v, source, spec.type)[0]
        if spec.type == "date":
            return values.date(v, _patterns(source, spec.type))
        if spec.type == "boolean":
            return f"case {v} when 'true' then true when 'false' then false end"
        if spec.values:
            return f"case when {values.is_one_of(v, spec.values)} then {v} end"
        return v


def needed_columns(layout: Layout) -> list[str]:
    """The file's columns that a layout reads, each once."""
    found: dict[str, None] = {}
    for source in layout.columns.values():
        found |= dict.fromkeys(source.columns)
        found |= dict.fromkeys((source.order or {}).values())
    return list(found)


def _patterns(source: Source, column_type: str) -> list[str]:
    if source.format is None:
        return values.ISO_TIMES if column_type == "timestamp" else ["%Y-%m-%d"]
    given = [source.format] if isinstance(source.format, str) else source.format
    whole = ["%Y-%m-%d"] if column_type == "date" else ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"]
    return [pattern for said in given for pattern in (whole if said == SERIAL else [said])]


def _number(words: str, source: Source) -> str:
    marks = f" (decimal mark '{source.decimal}'" + (f", thousands '{source.thousands}')" if source.thousands else ")")
    return words + marks
