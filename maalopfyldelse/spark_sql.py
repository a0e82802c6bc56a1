"""From the house's dialect of SQL (DuckDB's) to Spark's.

Here belongs what must be said otherwise for Spark to mean the same; what it says alike is sqlglot's. Translation alone proves
nothing: what queries may use stands in portable_sql.py, and every entry there is compared on both engines by `make test-spark`.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlglot
from sqlglot import exp

# The house functions as Spark has them; DuckDB's stand in query.HOUSE_MACROS.
HOUSE_FUNCTIONS = {"add_months": "add_months({0}, cast({1} as int))"}


def translated(query: str, file_view: Callable[[list[str]], str]) -> str:
    """A SELECT in Spark's words; its parameters `$name` become `:name`. `file_view` gives the name of a view of Parquet files."""
    tree = sqlglot.parse_one(query, read="duckdb")
    for node in reversed(list(tree.walk())):  # what stands innermost first
        if (said := _said(node, file_view)) is not None:
            node.replace(said)
    return tree.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE, comments=False)


def _said(node: exp.Expr, file_view: Callable[[list[str]], str]) -> exp.Expr | None:
    """What stands in a node's place; None where sqlglot's own words mean the same."""
    if isinstance(node, exp.Table) and isinstance(node.this, exp.ReadParquet):
        files = [literal.name for literal in node.this.find_all(exp.Literal)]
        return exp.to_table(file_view(files), alias=node.alias or None)
    if isinstance(node, exp.AddMonths):
        return _spark(HOUSE_FUNCTIONS["add_months"], node.this, node.expression)
    if isinstance(node, exp.DateDiff) and node.text("unit").upper() == "MILLISECOND":
        # DuckDB counts the boundaries between two instants; Spark's own function the whole milliseconds that passed.
        return _spark(
            "(unix_millis(cast({0} as timestamp_ltz)) - unix_millis(cast({1} as timestamp_ltz)))", node.this, node.expression
        )
    if isinstance(node, exp.IntDiv):
        return _spark("({0} div {1})", node.this, node.expression)
    if isinstance(node, exp.Sum):
        # DuckDB's sum of whole numbers has 38 digits; Spark's would have 64 bits and stop beyond them.
        return _spark("sum({0} + cast(0 as decimal(1, 0)))", exp.paren(node.this))
    return None


def tables_of(query: str) -> set[str]:
    """The relations a query reads that are none of its own."""
    tree = sqlglot.parse_one(query, read="duckdb")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return {table.name for table in tree.find_all(exp.Table) if table.name} - own


def _spark(template: str, *parts: exp.Expr) -> exp.Expr:
    return sqlglot.parse_one(template.format(*(part.sql(dialect="spark") for part in parts)), read="spark")
