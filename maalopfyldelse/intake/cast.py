"""A layout as one SQL statement: from a file's text columns to the table's typed columns, and for each the reason it fails.

Layers of nested selects, each adding columns: r (the file's text) → x, y (the engine's own cast, and that as text again) → p (whether
a cell is written plainly) → v (of any other the text that has a value) → t/w/o (typed; wall times and instants with an offset) →
u (instants in UTC) → the table's columns. What Arrow has cast already (arrowcells.py's) comes as x and goes to t or w at once; where
it has cast some pieces of the file, x comes with p. A case whose first condition holds for two thousand rows together costs the
engine nothing, so a large file takes little more time than its plain cells need. Compiled twice: strictly, where the first fault
stops the statement, and carefully, where every row carries its faults. The file's own names never enter the SQL. Single cells are
cells.py's.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from ..contract import Layout, TableColumn
from ..contract_source import SERIAL, Source
from ..errors import CallerError
from . import cells, values, zones
from .arrowcells import Caster, caster
from .arrowclock import Shift, to_danish, to_instant
from .folds import known_sql
from .rowrules import RowRules
from .values import quoted

STOP, UNSETTLED = "MAAL-ROW-FAULT", "MAAL-DOUBLED-HOUR"
FIRST_WORDS = 5  # unknown words whose first lines are told


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
    value: str | None = None  # SQL: the text that has a value and is not written plainly
    typed: str = "null"
    present: str | None = None  # SQL: whether there is a value
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
    def casters(self) -> dict[str, Caster]:
        """Those of the table's columns that Arrow can cast, each from one column of the file."""
        made = {c.name: caster(c.source, c.spec, _patterns(c.source, c.spec.type)) for c in self._columns if self._is_cast(c)}
        return {name: found for name, found in made.items() if found is not None}

    def clocks(self, casters: Container[str]) -> dict[str, tuple[str, Shift]]:
        """Of the instants that Arrow casts: the instant and its Danish wall time, by the columns' names in the statement; each with
        the column that it is made from."""
        made: dict[str, tuple[str, Shift]] = {}
        for c in self._times:
            naive, own = self._kinds(c)
            if c.name in casters and naive and not own:
                zone = self._zone(c.source)
                made[f"u_{c.name}"] = f"x_{c.name}", to_instant(zone)
                made[f"l_{c.name}"] = (f"x_{c.name}", lambda wall: wall) if zone == zones.DANISH else (f"u_{c.name}", to_danish())
        return made

    def texts(self, cast: Container[str]) -> dict[str, str]:
        """The file's columns that the statement needs as text, by their names in it, when Arrow has `cast` some of the table's."""
        left = [c.source for c in self._columns if c.name not in cast]
        named = {name for source in left for name in source.columns if not source.instant_column}
        orders = [c.source.order or {} for c in self._times]
        named |= {name for order in orders for kind, name in order.items() if kind != "after"}
        return {f"r{i}": name for i, name in enumerate(self.needed) if name in named}

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

    def strict(
        self,
        rows: str,
        folded: set[str] | None,
        cast: Container[str] = (),
        told: Container[str] = (),
        proved: Container[str] = (),
    ) -> str:
        """All rows typed, in the table's columns; the statement stops at the first fault. `rows` is a file's select; `folded` the
        columns with verdicts kept (folds.py). Without it, doubled hours have not been looked for, and the statement stops at the first.
        `cast` names the table's columns that the rows hold as x_NAME, cast already, `told` what else they hold (`clocks`), `proved` those
        of which p_NAME says whether x_NAME is the cell's value."""
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
                stop = f"case when {column.present} then error({quoted(STOP)}) end"
                picked.append(f'coalesce({column.typed}, {stop}) as "{name}"')
        return self._rules.strict(f"select {', '.join(picked)} from ({self._layers(rows, folded, cast, told, proved)})", STOP)

    def careful(self, rows: str, folded: set[str], proved: Container[str] = ()) -> str:
        """All rows typed where they can be, with `_row`, `_broken` and for each place i `_f<i>`, the code of its fault or null. `proved`
        as in `strict`."""
        picked = ["_row", "_broken"]
        for i, (name, spec) in enumerate(self._table.columns.items()):
            column = next((c for c in self._columns if c.name == name), None)
            typed = f"cast({column.typed} as {spec.type})" if column else f"cast(null as {spec.type})"
            picked += [f'{typed} as "{name}"', f"{self._fault(column) if column else 'null'} as _f{i}"]
        typed = f"select {', '.join(picked)} from ({self._layers(rows, folded, proved=proved)})"
        return self._rules.careful(typed, "_broken", {place: f"_f{i}" for i, place in enumerate(self.places)})

    def fold_rows(self, fold: Fold, rows: str) -> str:
        """The ambiguous instants of a column: group, number, wall time, each combination once."""
        c = fold.column
        patterns = _patterns(self._layout.columns[c], "timestamp")
        position = values.hour_position(patterns)
        cell = self._r(self._layout.columns[c].columns[0])
        hours = "".join(f" or substr({cell}, {position}, 2) = '{hour}'" for hour in zones.double_hours(fold.zone))
        likely = f" where starts_with({cell}, ' '){hours}" if position else ""
        inner = f"select g_{c} as g, b_{c} as b, w_{c} as w from ({self._typed(rows)}){likely}"
        return f"select distinct g, b, w from ({inner}) where {zones.is_double_sql('w', fold.zone)}"

    def unknown_words(self, rows: str, name: str) -> str:
        """Of the words of a column that its contract does not know: how many there are, in how many rows, and the first row of each
        of the first. What they are stays in the file. `rows` is careful."""
        column = next(c for c in self._columns if c.name == name)
        inner = self._typed(rows)
        words = (
            f"select {values.trimmed(f'v_{name}')} as word, count(*) as times, min(_row) as first from ({inner}) "
            f"where {column.value} is not null and {column.typed} is null group by 1"
        )
        return f"select count(*), cast(sum(times) as bigint), list_sort(list(first))[1:{FIRST_WORDS}] from ({words})"

    def _column(self, name: str, source: Source) -> _Column:
        spec = self._table.columns[name]
        column = _Column(name, spec, source)
        if source.constant is not None:
            column.typed = f"cast({quoted(source.constant)} as {spec.type})"
        elif source.instant_column:
            self._about_instant(column)
        else:
            column.value, column.typed = f"v_{name}", f"t_{name}"
            column.present = f"(v_{name} is not null or t_{name} is not null)"
            self._explain(column)
        return column

    def _about_instant(self, column: _Column) -> None:
        instant = self._instants[column.source.instant_column or ""]
        kind = {"local_date_of": "date", "local_minute_of": "integer", "hour_assumed_of": "boolean"}
        origin = next(k for k in kind if getattr(column.source, k))
        if column.spec.type != kind[origin]:
            raise CallerError(f"column '{column.name}': {origin} gives a {kind[origin]}, not a {column.spec.type}.")
        local = f"l_{instant}"
        column.value, column.present = f"v_{instant}", _has_time(instant)
        column.typed = {
            "local_date_of": f"cast({local} as date)",
            "local_minute_of": f"cast(60 * hour({local}) + minute({local}) as integer)",
            "hour_assumed_of": f"a_{instant}",
        }[origin]

    def _explain(self, column: _Column) -> None:
        """What the column should be, and in which order its faults are told apart."""
        spec, source, v = column.spec, column.source, f"v_{column.name}"
        column.checks = cells.faults(source, spec, v)
        words = list(source.codes or ()) or spec.values
        if source.codes is not None:
            wrong = [w for w in source.codes.values() if spec.values and w not in spec.values]
            wrong += [w for w in source.codes.values() if spec.type == "boolean" and w not in ("true", "false")]
            if wrong:
                raise CallerError(f"column '{column.name}': codes map to '{wrong[0]}', which the table does not know.")
        if source.hash_of:
            return
        if words:
            column.expected = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
        elif source.period_of:
            column.expected = "2021, 2021H1, 2021Q3, 2021-07, 2021-07-15 and their codes"
        elif source.period_end_of:
            return
        elif spec.type in cells.WHOLE:
            column.expected = _number("a whole number", source)
        elif spec.type.startswith("decimal"):
            column.expected = _number(f"a {spec.type}", source)
        elif spec.type == "date":
            column.checks, column.expected = [("NOT_A_DATE", "true")], " or ".join(_patterns(source, spec.type))
        elif spec.type == "timestamp":
            zone, patterns = self._zone(source), _patterns(source, spec.type)
            skipped = f"coalesce({zones.is_skipped_sql(f'w_{column.name}', zone)}, false)"
            column.checks = [("NO_SUCH_HOUR", skipped), ("NOT_A_TIME", "true")]
            column.expected = " or ".join(patterns if source.format else ["ISO 8601"])
            column.typed, column.present = f"u_{column.name}", _has_time(column.name)

    def _fault(self, column: _Column) -> str:
        whens = []
        if self._is_required(column):
            whens.append(f"when not {column.present or f'({column.typed} is not null)'} then 'MISSING_VALUE'")
        if column.value and column.checks and not column.source.is_test:
            checks = " ".join(f"when {condition} then '{code}'" for code, condition in column.checks)
            whens.append(f"when {column.present} and {column.typed} is null then case {checks} end")
        return f"case {' '.join(whens)} end" if whens else "null"

    def _is_cast(self, column: _Column) -> bool:
        """Whether the column has a text of its own that is cast."""
        return column.value == f"v_{column.name}"

    def _is_required(self, column: _Column) -> bool:
        return (column.spec.required or column.name in self._table.key) and not column.source.is_test

    def _zone(self, source: Source) -> str:
        return source.zone or self._layout.zone

    # -- layers -------------------------------------------------------------------------------------------------------

    def _layers(
        self,
        rows: str,
        settled: set[str] | None,
        cast: Container[str] = (),
        told: Container[str] = (),
        proved: Container[str] = (),
    ) -> str:
        """Everything up to the instants in UTC (u), their local time (l) and whether their hour was assumed (a)."""
        current, folded = self._typed(rows, cast, proved), settled or set()
        known = [c for c in self._times if f"u_{c.name}" in told]
        instants = [c for c in self._times if c not in known]
        if known:
            current = f"select *, {', '.join(f'case when x_{c.name} is not null then false end as a_{c.name}' for c in known)} from ({current})"
        if instants:
            picked = ", ".join(f"{zones.usual_offset_sql(f'w_{c.name}', self._zone(c.source))} as q_{c.name}" for c in instants)
            current = f"select *, {picked} from ({current})"
            for fold in sorted(folded):
                verdict = known_sql(f"fold_{fold}", f"g_{fold}", f"b_{fold}", f"w_{fold}")
                current = f"select *, case when q_{fold} is null then {verdict} end as later_{fold} from ({current})"
            picked = ", ".join(
                f"case when q_{c.name} is not null or w_{c.name} is null then q_{c.name} else "
                f"{zones.offset_sql(f'w_{c.name}', self._zone(c.source))} end as k_{c.name}, "
                f"case when q_{c.name} is not null or w_{c.name} is null then false else "
                f"{zones.is_double_sql(f'w_{c.name}', self._zone(c.source))} end as d_{c.name}"
                for c in instants
            )
            current = f"select *, {picked} from ({current})"
        done = {c.name for c in known}
        while waiting := [c for c in instants if c.name not in done]:
            ready = [c for c in waiting if self._after(c) in (None, *done)]
            if not ready:
                raise CallerError(f"column '{waiting[0].name}': order after goes in a circle.")
            picked = ", ".join(f"{sql} as {prefix}_{c.name}" for c in ready for prefix, sql in self._resolved(c, settled).items())
            current = f"select *, {picked} from ({current})"
            done |= {c.name for c in ready}
        if instants:
            picked = ", ".join(f"{self._local(c)} as l_{c.name}" for c in instants)
            current = f"select *, {picked} from ({current})"
        return current

    def _after(self, column: _Column) -> str | None:
        after = (column.source.order or {}).get("after")
        return self._instants.get(after, "") if after else None

    def _resolved(self, column: _Column, settled: set[str] | None) -> dict[str, str]:
        """The instant, and whether its hour was assumed."""
        name, (naive, own) = column.name, self._kinds(column)
        w, o, double = f"w_{name}", f"o_{name}", f"d_{name}"
        early = f"make_timestamp(epoch_us({w}) - k_{name})"
        late = f"make_timestamp(epoch_us({w}) - {zones.later_offset_sql(w, self._zone(column.source))})"
        assumed = f"coalesce({double}, false)"
        if after := self._after(column):
            early, assumed = f"case when {double} and {early} < u_{after} then {late} else {early} end", "false"
        elif settled is None and "by" in (column.source.order or {}):
            early = f"case when {double} then error({quoted(UNSETTLED)}) else {early} end"
        elif name in (settled or ()):
            early = f"case when {double} and later_{name} then {late} else {early} end"
            assumed = f"case when {double} then later_{name} is null else false end"
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

    def _typed(self, rows: str, done: Container[str] = (), proved: Container[str] = ()) -> str:
        """r → x → y → p → v → typed; of the columns that are done already x → typed, of those proved in pieces x, p → v → typed."""
        layers: list[list[str]] = [[] for _ in range(6)]
        composed, cast, written, plain, texts, typed = layers
        if self._compose:
            composed += [f"nfc_normalize({r}) as n{r[1:]}" for r in self.texts(done)]
        for c in (c for c in self._columns if self._is_cast(c)):
            name, v = c.name, f"v_{c.name}"
            if c in self._times and c.source.order and "by" in c.source.order:
                group, number = (self._r(c.source.order[k]) for k in ("within", "by"))
                texts += [f"{group} as g_{name}", f"{values.trimmed(number)} as b_{name}"]
            if name in done:
                texts.append(f"cast(null as varchar) as {v}")
                typed += (
                    [f"x_{name} as w_{name}", f"cast(null as timestamp) as o_{name}"]
                    if c in self._times
                    else [f"x_{name} as t_{name}"]
                )
                continue
            text = cells.text(c.source, c.spec, self._r)
            is_date = c.spec.type == "date" and c.source.period_end_of is None and c.source.codes is None
            patterns = _patterns(c.source, c.spec.type) if c in self._times or is_date else []
            if c in self._times:
                found = values.wall_time(v, patterns)
                typed.append(f"{values.instant(v, patterns)} as o_{name}")
            else:
                found = values.date(v, patterns) if is_date else cells.typed(c.source, c.spec, v)
            value = f"x_{name}" if name in proved else None
            if value is None and (form := cells.plain(c.source, c.spec, name, self._r(c.source.columns[0]), patterns)):
                cast += [f"{form.cast} as x_{name}"] if form.cast else []
                written += [f"{form.written} as y_{name}"] if form.written else []
                otherwise = "false" if self._is_required(c) else f"{self._r(c.source.columns[0])} is null"
                plain.append(f"coalesce({form.condition}, {otherwise}) as p_{name}")
                value = form.value
            if value is not None:
                text = f"case when p_{name} then null else {text} end"
                found = f"case when p_{name} then {value} else {found} end"
            texts.append(f"{text} as {v}")
            typed.append(f"{found} as {'w' if c in self._times else 't'}_{name}")
        current = rows
        for added in layers:
            current = f"select *, {', '.join(added)} from ({current})" if added else current
        return current

    def _r(self, name: str) -> str:
        return f"{'n' if self._compose else 'r'}{self.needed.index(name)}"


def needed_columns(layout: Layout) -> list[str]:
    """The file's columns that a layout reads, each once."""
    found: dict[str, None] = {}
    for source in layout.columns.values():
        found |= dict.fromkeys(source.columns)
        found |= dict.fromkeys((source.order or {}).values())
    return list(found)


def _has_time(name: str) -> str:
    return f"(v_{name} is not null or w_{name} is not null)"


def _patterns(source: Source, column_type: str) -> list[str]:
    if source.format is None:
        return values.ISO_TIMES if column_type == "timestamp" else ["%Y-%m-%d"]
    given = [source.format] if isinstance(source.format, str) else source.format
    whole = ["%Y-%m-%d"] if column_type == "date" else ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"]
    return [pattern for said in given for pattern in (whole if said == SERIAL else [said])]


def _number(words: str, source: Source) -> str:
    marks = f" (decimal mark '{source.decimal}'" + (f", thousands '{source.thousands}')" if source.thousands else ")")
    return words + marks
