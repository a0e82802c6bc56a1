"""Whether a query depends on no other columns than those it names, by DuckDB's own syntax tree.

Asked before a table is read with the named columns only, or told by their values. Where it is not certain, the answer is no. Which
names stand in a query's text is measures.py's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from .query import parser

Node = dict[str, Any]


@cache
def names_what_it_reads(query: str) -> bool:
    """Whether columns that the query does not name are at most passed on.

    Not so where a star's rows are compared with each other (distinct, grouping by all) or joined to others by place (union), where
    columns are renamed or called by place, where tables are joined by all names alike, where a row is one value, and where the
    text is no query.
    """
    tree = json.loads(parser().execute("select json_serialize_sql(?)", [query]).fetchall()[0][0])
    nodes = list(_nodes(tree))
    selects = [node for node in nodes if node.get("type") == "SELECT_NODE"]
    operands = [child for node in nodes if node.get("type") == "SET_OPERATION_NODE" for child in node["children"]]
    passed_on = [_stars(node) for node in selects if not _compares(node) and node not in operands]
    stars = [node for node in nodes if node.get("class") == "STAR"]
    relations = {name for node in nodes for name in _relation_names(node)}
    return (
        not tree["error"]
        and len(stars) == sum(map(len, passed_on))
        and not any(_is_by_place(node) or node.get("ref_type") == "NATURAL" for node in nodes)
        and not any(_is_a_row(node, relations) for node in nodes)
    )


def _nodes(tree: Any) -> Iterator[Node]:
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(part)


def _stars(select: Node) -> list[Node]:
    return [column for column in select["select_list"] if column["class"] == "STAR" and not column["columns"]]


def _compares(select: Node) -> bool:
    is_distinct = any(modifier["type"] == "DISTINCT_MODIFIER" for modifier in select["modifiers"])
    return is_distinct or select["aggregate_handling"] != "STANDARD_HANDLING"


def _relation_names(node: Node) -> list[str]:
    """Of a table, a subquery or a common table expression."""
    is_table = "column_name_alias" in node
    return [node[name] for name in ("table_name", "alias", "key") if node.get(name) and (is_table or name == "key")]


def _is_a_row(node: Node, relations: set[str]) -> bool:
    return node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1 and node["column_names"][0] in relations


def _is_by_place(node: Node) -> bool:
    return bool(node.get("column_name_alias") or node.get("aliases")) or node.get("class") == "POSITIONAL_REFERENCE"
