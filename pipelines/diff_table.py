"""Printing what `maal diff-extract` found: first whether the file would be stored, then what differs, then what it would change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from .render import jsonable, plain_table, print_table

if TYPE_CHECKING:
    from maalopfyldelse.extract_diff import ExtractDiff, LayoutDiff


def print_diff(diff: ExtractDiff, form: str) -> None:
    """As text of one fact a line, or as one JSON object."""
    if form == "json":
        print(json.dumps(jsonable(asdict(diff) | {"fits": diff.fits}), ensure_ascii=False, indent=1))
        return
    period = f", period {diff.period}" if diff.period else ""
    print(f"{diff.extract}: {diff.file} ({diff.size} bytes, sha256 {diff.sha256[:12]}{period})")
    print(_verdict(diff))
    for problem in diff.problems:
        print(f"name        {problem}")
    for layout in diff.layouts:
        for line in _columns(layout):
            print(line)
    if diff.rows_read is not None:
        aside = f"{diff.rows_set_aside} would be set aside" if diff.state == "stored" else f"{diff.rows_set_aside} do not"
        print(f"rows        {diff.rows_read} read, {diff.rows_kept} fit, {aside}")
    if diff.faults:
        print_table(
            plain_table(
                [
                    {"code": f.code, "column": f.column, "rows": f.rows, "first lines": f.first_lines, "what": f.message}
                    for f in diff.faults
                ]
            )
        )
    for line in _stored(diff):
        print(line)
    for note in diff.notes:
        print(f"note        {note}")


def _verdict(diff: ExtractDiff) -> str:
    if diff.state == "refused":
        return f"refused     {diff.code}: {diff.message}"
    if diff.fits:
        return "fits        it would be stored whole"
    return "differs     it would be stored" + (
        f", without {diff.rows_set_aside} {'row' if diff.rows_set_aside == 1 else 'rows'}" if diff.rows_set_aside else ""
    )


def _columns(layout: LayoutDiff) -> Iterator[str]:
    word = "fits" if layout.fits else layout.code or ""
    yield f"layout      {layout.layout}: {word}"
    if layout.message and not (layout.missing or layout.added or layout.unnamed):
        yield f"            {layout.message}"
    for name in layout.missing:
        yield f"  missing   '{name}'" + (f", perhaps renamed to '{layout.renamed[name]}'" if name in layout.renamed else "")
    for name in layout.added:
        yield f"  added     '{name}'"
    if layout.unnamed:
        yield f"  added     {layout.unnamed} columns whose headings are not shown"


def _stored(diff: ExtractDiff) -> Iterator[str]:
    if keys := diff.keys:
        yield (
            f"keys        {', '.join(keys.key)}: {keys.in_file} in the file, {keys.new} new, {keys.known} known "
            f"({keys.identical} with the same row, {keys.changed} changed)"
        )
        if keys.twice:
            yield f"            {keys.twice} stand more than once in the file; a key is one row"
        for column, rows in keys.changed_columns.items():
            yield f"  changed   {column} in {rows} rows"
        if keys.not_compared:
            yield f"            not compared: {', '.join(keys.not_compared)}"
    if diff.supersedes is None:
        yield f"supersedes  cannot be said (superseding: {diff.superseding})"
    elif not diff.supersedes:
        yield f"supersedes  nothing (superseding: {diff.superseding})"
    for one in diff.supersedes or ():
        period = f", period {one.period}" if one.period else ""
        when = " once it is mended" if diff.state == "refused" else ""
        yield f"supersedes  {one.rows} rows of {one.name} ({one.delivery_id}{period}){when}"
    if diff.keys_gone:
        yield f"            {diff.keys_gone} keys of them are not in the file"
    if diff.known:
        yield f"known       the same bytes are {diff.known}"
