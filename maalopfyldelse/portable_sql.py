"""What a query may use so that it means the same on DuckDB and on Spark: constructs with the types they are used on.

An *entry* is a construct in the house's dialect with columns named for their types in place of what it was used on, such as
`date_diff('day', a.date, b.date)`. The list is closed: `make test` holds every query of sql/ against it, Spark refuses to count
what is not on it, and `make test-spark` compares each entry on both engines. How a construct is said for Spark is spark_sql.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

Shapes = Mapping[str, Mapping[str, str]]  # relation → column → type

ALLOWED: frozenset[str] = frozenset({
    "-a.bigint",
    "-a.integer",
    "a.bigint % 1000",
    "a.bigint % 60000",
    "a.bigint % 7",
    "a.bigint * b.integer",
    "a.bigint + b.bigint",
    "a.bigint + b.integer",
    "a.bigint - b.bigint",
    "a.bigint - b.integer",
    "a.bigint < b.bigint",
    "a.bigint < b.integer",
    "a.bigint <= b.bigint",
    "a.bigint <= b.integer",
    "a.bigint = b.bigint",
    "a.bigint = b.integer",
    "a.bigint > b.integer",
    "a.bigint is null",
    "a.boolean = b.boolean",
    "a.boolean and b.boolean",
    "a.boolean is null",
    "a.boolean or b.boolean",
    "a.date < b.date",
    "a.date <= b.date",
    "a.date = b.date",
    "a.date > b.date",
    "a.date >= b.date",
    "a.date between b.date and c.date",
    "a.date is null",
    "a.decimal * b.decimal",
    "a.decimal - b.decimal",
    "a.decimal > b.decimal",
    "a.decimal is null",
    "a.integer % 1440",
    "a.integer + b.integer",
    "a.integer - b.integer",
    "a.integer // 1440",
    "a.integer < b.integer",
    "a.integer <= b.integer",
    "a.integer = b.bigint",
    "a.integer = b.integer",
    "a.integer >= b.integer",
    "a.integer is null",
    "a.timestamp < b.timestamp",
    "a.timestamp <= b.timestamp",
    "a.timestamp is null",
    "a.varchar <> b.varchar",
    "a.varchar = b.varchar",
    "a.varchar in (b.varchar, c.varchar)",
    "a.varchar is null",
    "a.varchar || b.varchar",
    "abs(a.decimal)",
    "add_months(a.date, b.integer)",
    "case a.varchar when b.varchar then 1 end",
    "case when a.boolean then b.bigint end",
    "case when a.boolean then b.bigint when b.boolean then c.integer end",
    "case when a.boolean then b.boolean end",
    "case when a.boolean then b.date end",
    "case when a.boolean then b.decimal end",
    "case when a.boolean then b.decimal when b.boolean then c.integer end",
    "case when a.boolean then b.integer end",
    "case when a.boolean then b.varchar end",
    "cast(a.bigint as bigint)",
    "cast(a.bigint as decimal(4, 0))",
    "cast(a.bigint as integer)",
    "cast(a.date as date)",
    "cast(a.date as varchar)",
    "cast(a.decimal as decimal(18, 2))",
    "cast(a.decimal as decimal(28, 4))",
    "cast(a.decimal as decimal(28, 5))",
    "cast(a.integer as bigint)",
    "cast(a.integer as decimal(18, 2))",
    "cast(a.integer as decimal(18, 4))",
    "cast(a.integer as decimal(28, 5))",
    "cast(a.integer as integer)",
    "cast(a.timestamp as date)",
    "cast(null as bigint)",
    "cast(null as decimal(18, 2))",
    "cast(null as decimal(28, 5))",
    "cast(null as varchar)",
    "coalesce(a.bigint, b.bigint)",
    "coalesce(a.bigint, b.integer)",
    "coalesce(a.boolean, b.boolean)",
    "coalesce(a.date, b.date)",
    "coalesce(a.decimal, b.decimal)",
    "coalesce(a.decimal, b.integer)",
    "coalesce(a.integer, b.integer)",
    "coalesce(a.timestamp, b.timestamp)",
    "coalesce(a.varchar, b.varchar)",
    "count(*)",
    "count(a.bigint)",
    "count(a.decimal)",
    "cross join",
    "date '…'",
    "date_diff('DAY', b.date, a.date)",
    "date_diff('MILLISECOND', b.timestamp, a.timestamp)",
    "date_trunc('MONTH', a.date)",
    "date_trunc('QUARTER', a.date)",
    "distinct",
    "group by a.bigint",
    "group by a.boolean",
    "group by a.date",
    "group by a.varchar",
    "having",
    "inner join",
    "lead(a.integer) over (partition by a.k order by a.n)",
    "left join",
    "max(a.bigint)",
    "max(a.date)",
    "max(a.decimal) over (partition by a.k)",
    "max(a.integer)",
    "max(a.timestamp)",
    "min(a.bigint)",
    "min(a.bigint) over (order by a.n rows between unbounded preceding and 1 preceding)",
    "min(a.date)",
    "min(a.integer)",
    "min(a.timestamp)",
    "not a.boolean",
    "order by a.bigint",
    "order by a.date",
    "order by a.date desc",
    "order by a.integer",
    "order by a.integer desc",
    "order by a.timestamp desc",
    "order by a.varchar",
    "order by a.varchar desc",
    "partition by a.boolean",
    "partition by a.date",
    "partition by a.integer",
    "partition by a.varchar",
    "row_number() over (partition by a.k order by a.n)",
    "subquery",
    "substring(a.varchar, 1, 10)",
    "sum(a.bigint)",
    "sum(a.decimal)",
    "sum(a.integer) over (order by a.n rows between unbounded preceding and current row)",
    "sum(a.integer) over (partition by a.k)",
    "translate(a.varchar, 'VOICE', 'voice')",
    "union all",
    "where",
})  # fmt: skip

_WORDS = {"int": "integer", "text": "varchar", "timestampntz": "timestamp"}
_TYPES = ("boolean", "integer", "bigint", "decimal", "varchar", "date", "timestamp")
# Each stands for itself, or is told with what holds it.
_SILENT = (
    exp.Alias, exp.Boolean, exp.CTE, exp.Column, exp.DataType, exp.DataTypeParam, exp.From, exp.Group, exp.Identifier, exp.If,
    exp.Literal, exp.Null, exp.Order, exp.Ordered, exp.Paren, exp.Star, exp.Table, exp.TableAlias, exp.Tuple, exp.Values, exp.Var,
    exp.WindowSpec, exp.With,
)  # fmt: skip
# Functions and operators whose literal arguments belong to the construct: another number there is another construct.
_WITH_LITERALS = (exp.Mod, exp.IntDiv, exp.Div, exp.Substring, exp.Translate, exp.DateDiff, exp.TimestampTrunc, exp.DateTrunc)


def entries(query: str, shapes: Shapes, given: Mapping[str, Any]) -> set[str]:
    """The constructs of a SELECT over relations of these shapes, with the values of its parameters."""
    tree = sqlglot.parse_one(query, read="duckdb")
    found = set(_shorthands(tree))
    for node in reversed(list(tree.walk())):  # what stands innermost first
        if (kind := _told_type(node, given)) is not None:
            is_bound = isinstance(node, (exp.Parameter, exp.Placeholder))
            typed = exp.cast(exp.null() if is_bound else node.copy(), kind, dialect="duckdb")
            typed.meta["is_ours"] = True
            node.replace(typed)
    schema: dict[str, object] = {name: dict(columns) for name, columns in shapes.items()}
    tree = annotate_types(qualify(tree, schema=schema, dialect="duckdb"), schema=schema, dialect="duckdb")
    for node in tree.walk():
        found.update(_entries_of(node))
    return found


def refused(query: str, shapes: Shapes, given: Mapping[str, Any]) -> list[str]:
    """The entries of a query that are not on the list, sorted."""
    return sorted(entries(query, shapes, given) - ALLOWED)


def _shorthands(tree: exp.Expr) -> Iterator[str]:
    """What is written out, and so lost, before types are known."""
    for node in tree.walk():
        if isinstance(node, exp.Group):
            yield from (f"group by … {name}" for name, value in node.args.items() if value and name != "expressions")
        elif isinstance(node, exp.Star):
            yield from (f"* {name}" for name, value in node.args.items() if value)
        elif isinstance(node, exp.Join):
            yield from (f"join … {name}" for name in ("using", "method") if node.args.get(name))


def _told_type(node: exp.Expr, given: Mapping[str, Any]) -> str | None:
    """The type of what sqlglot cannot know the type of: parameters, house functions, and 7.4, a decimal to both engines."""
    if isinstance(node, (exp.Parameter, exp.Placeholder)):
        return _type_of(given[node.name])
    if isinstance(node, exp.AddMonths):
        return "date"
    if isinstance(node, exp.Literal) and not node.is_string and not node.is_int:
        return "decimal(18, 4)"
    return None


def _type_of(value: Any) -> str:
    for kind, word in ((bool, "boolean"), (int, "integer"), (str, "varchar"), (date, "date"), (Decimal, "decimal(18, 4)")):
        if isinstance(value, kind):
            return word
    raise TypeError(type(value).__name__)


def _entries_of(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, _SILENT) or node.meta.get("is_ours"):
        return
    if isinstance(node, exp.Select):
        yield from _clauses(node)
    elif isinstance(node, exp.Join):
        kind = node.side or node.kind or "inner"
        yield f"{kind.lower()} join"
    elif isinstance(node, exp.Union):
        yield "union" if node.args.get("distinct") else "union all"
    elif isinstance(node, exp.Subquery):
        yield "subquery"
    elif isinstance(node, (exp.Where, exp.Having)):
        yield type(node).__name__.lower()
    elif isinstance(node, exp.Distinct):
        yield "distinct"
    elif isinstance(node, exp.Window):
        yield from _window(node)
    elif isinstance(node, exp.Case):
        yield from _case(node)
    elif isinstance(node, exp.In):
        yield (
            "in (subquery)" if node.args.get("query") else f"a.{_kind(node.this)} in (b.{_kind(node.expressions[0])}, c.varchar)"
        )
    elif isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        yield f"{_plain(node.to)} '…'"
    elif not (isinstance(node.parent, exp.Window) and node.arg_key == "this"):
        yield _template(node)


def _clauses(select: exp.Select) -> Iterator[str]:
    known = {"kind", "expressions", "from", "from_", "joins", "where", "group", "having", "with", "with_", "distinct", "order"}
    for name, value in select.args.items():
        if value and name not in known:
            yield f"select … {name}"
    if group := select.args.get("group"):
        yield from (f"group by a.{_kind(key)}" for key in group.expressions)
    if select.args.get("order"):
        yield "select … order by"


def _window(window: exp.Window) -> Iterator[str]:
    keys, order, spec = window.args.get("partition_by") or [], window.args.get("order"), window.args.get("spec")
    yield from (f"partition by a.{_kind(key)}" for key in keys)
    for key in order.expressions if order else ():
        yield f"order by a.{_kind(key.this)}" + (" desc" if key.args.get("desc") else "")
    said = ["partition by a.k"] if keys else []
    said += ["order by a.n"] if order else []
    said += [spec.sql("duckdb").lower()] if spec else []
    yield f"{_template(window.this)} over ({' '.join(said)})"


def _case(case: exp.Case) -> Iterator[str]:
    if case.this:
        yield f"case a.{_kind(case.this)} when b.{_kind(case.args['ifs'][0].this)} then 1 end"
    values = [branch.args["true"] for branch in case.args["ifs"]]
    values += [case.args["default"]] if case.args.get("default") else []
    kinds = sorted({_kind(value) for value in values} - {"null"})
    kinds = kinds or ["null"]
    parts = [f"when {'abcdef'[n]}.boolean then {'abcdef'[n + 1]}.{kind}" for n, kind in enumerate(kinds)]
    yield f"case {' '.join(parts)} end"


def _template(node: exp.Expr) -> str:
    """The construct with a column named for the type in place of each operand."""
    letters = iter("abcdef")
    if isinstance(node, exp.AddMonths):
        return f"add_months({_operand(node.this, node, letters)}, {_operand(node.expression, node, letters)})"
    if isinstance(node, exp.Coalesce):
        return f"coalesce({', '.join(str(_operand(v, node, letters)) for v in (node.this, *node.expressions))})"
    said = node.copy()
    for key, value in node.args.items():
        if isinstance(value, list):
            said.set(key, [_operand(v, node, letters) for v in value])
        elif isinstance(value, exp.Expr):
            said.set(key, _operand(value, node, letters))
    return _plain(said)


def _plain(node: exp.Expr) -> str:
    """As the house writes it: small letters outside of literals, one name a type."""
    text = " ".join(node.sql("duckdb", comments=False).split())
    parts = text.split("'")
    for n in range(0, len(parts), 2):
        parts[n] = re.sub(r"\b(int|text)\b", lambda m: _WORDS[m[0]], parts[n].lower())
    return "'".join(parts)


def _operand(value: Any, parent: exp.Expr, letters: Iterator[str]) -> Any:
    if not isinstance(value, exp.Expr) or isinstance(value, (exp.DataType, exp.Var, exp.Star, exp.Distinct)):
        return value
    while isinstance(value, exp.Paren):
        value = value.this
    if isinstance(value, exp.Null) or (isinstance(value, exp.Literal) and isinstance(parent, _WITH_LITERALS)):
        return value.copy()
    return exp.column(_kind(value), table=next(letters))


def _kind(value: exp.Expr) -> str:
    """The word for an expression's type."""
    if isinstance(value, exp.Null):
        return "null"
    word = value.type.this.value.lower() if value.type else "unknown"
    return _WORDS.get(word, word)
