"""Holding a file's columns against its contract's layouts, and opening it in the format that fits.

A missing or an unmapped column refuses the file: a warning would silently lose data. The order of columns is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract import Extract, Layout, Limits
from ..dates import danish_date
from ..errors import nearest
from ..home import Home
from .cast import needed_columns
from .csvfile import CsvFile
from .deliveries import Found
from .faults import Fault, Refused
from .jsonfile import JsonFile
from .jsonlines import Bounds, from_document, from_lines, is_covered
from .parquetfile import ParquetFile
from .shown import shown_column
from .textfile import TextFile, examine
from .unpack import Content, unpacked
from .xlsxfile import XlsxFile

if TYPE_CHECKING:
    import duckdb

OUT_OF_FORCE = "LAYOUT_OUT_OF_FORCE"
File = CsvFile | JsonFile | ParquetFile | XlsxFile


@dataclass(frozen=True)
class Attempt:
    """A file held against one layout. `file` where it could be opened; `refused` where it is not the layout's."""

    layout: Layout
    file: File | None
    refused: Refused | None


def open_matching(con: duckdb.DuckDBPyConnection, home: Home, extract: Extract, found: Found) -> tuple[File, Layout]:
    """The file opened, and the layout whose columns it has; of several the first.

    Raises Refused as the layout that comes closest says: it cannot be opened, or its columns are not the layout's.
    """
    attempts: list[Attempt] = []
    for attempt in attempted(con, home, extract, found):
        if attempt.file is not None and attempt.refused is None:
            return attempt.file, attempt.layout
        attempts.append(attempt)
    if not attempts:
        raise Refused(
            "UNMAPPED_COLUMN", f"no layout of '{extract.extract}' takes a file of this name. Correct its files: patterns."
        )
    refused = closest(attempts).refused
    assert refused is not None
    raise refused


def attempted(con: duckdb.DuckDBPyConnection, home: Home, extract: Extract, found: Found) -> Iterator[Attempt]:
    """The file held against each layout that takes a file of its name, in the contract's order. What that makes lies in
    `scratch(home, found)`, which the caller removes."""
    layouts = [layout for layout in extract.layouts if layout.id in found.layouts]
    if not layouts:
        return
    folder = scratch(home, found)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        content = unpacked(found.path, found.name, None if found.is_settled else found.sha256, extract.limits, folder)
    except Refused as refused:
        yield from (Attempt(layout, None, refused) for layout in layouts)
        return
    examined: dict[str, TextFile] = {}
    for layout in layouts:
        try:
            file = _open(con, home, layout, content, folder, examined, extract.limits)
            _hold_columns(file, layout, extract.limits)
        except Refused as refused:
            yield Attempt(layout, None, refused)
        else:
            faults = column_faults(file.names, layout)
            yield Attempt(layout, file, _refusal(faults) if faults else _out_of_force(layout, layouts, found))


def scratch(home: Home, found: Found) -> Path:
    """The folder for what a delivery's reading makes: text in another encoding, lines, what was packed."""
    return home.tmp / found.delivery_id


def closest(attempts: Iterable[Attempt]) -> Attempt:
    """Which layout a file fits, or comes closest to: a layout out of force whose columns it has, then a refusal about columns before
    one about bytes, then the fewest faults."""

    def distance(attempt: Attempt) -> tuple[bool, bool, int]:
        if attempt.refused is None:
            return False, False, 0
        return attempt.file is None, attempt.refused.code != OUT_OF_FORCE, len(attempt.refused.faults)

    return min(attempts, key=distance)


def column_faults(names: list[str], layout: Layout) -> list[Fault]:
    """What keeps these columns from being the layout's, each once."""
    nested, has_header = layout.format.is_nested, layout.format.type in ("csv", "xlsx")
    needed, line = needed_columns(layout), layout.format.header_row if has_header else None
    known = [*needed, *layout.ignore, *layout.personal]
    unmapped = [n for n in names if not (is_covered(n, known) or _is_above(n, needed) if nested else n in known)]
    missing = [n for n in needed if n not in names and not (nested and _is_there(n, names))]
    # a file without headings has data in this line, and objects may be keyed by people: then what stands there is not shown
    has_headings = 2 * len(missing) <= len(needed)
    shown = {n: shown_column(n if has_headings else "?" * 99, i, known) for i, n in enumerate(names, 1)}
    near = [n for n in unmapped if shown[n] == f"'{n}'"]
    faults = []
    for name in missing:
        hint = nearest(name, near) if near else ""
        faults.append(Fault(line, "MISSING_COLUMN", name, f"column '{name}' is missing{hint}"))
    for name in unmapped:
        hint = nearest(name, known) if name in near else ""
        column = name if name in near else None
        faults.append(Fault(line, "UNMAPPED_COLUMN", column, f"column {shown[name]} is not in the contract{hint}"))
    for name in dict.fromkeys(n for i, n in enumerate(names) if n in names[:i]):
        faults.append(Fault(line, "DUPLICATE_COLUMN", None, f"column {shown[name]} stands twice in the header"))
    return faults


def _open(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    layout: Layout,
    content: Content,
    folder: Path,
    examined: dict[str, TextFile],
    limits: Limits,
) -> File:
    form = layout.format
    if form.type == "xlsx":
        return XlsxFile(content.path, content.sha256, layout, limits)
    if form.type == "parquet":
        return ParquetFile(content.path, layout, limits, home, folder / f"{layout.id}.parquet")
    key = form.model_dump_json()
    if key not in examined:
        examined[key] = examine(content.path, content.sha256, form, folder, limits)
    if form.type == "csv":
        return CsvFile(examined[key], form, limits)
    rewritten = folder / f"{layout.id}.ndjson"
    bounds = Bounds(limits, [*needed_columns(layout), *layout.ignore, *layout.personal])
    if form.type == "ndjson":
        return JsonFile(from_lines(examined[key], rewritten, bounds))
    return JsonFile(from_document(examined[key], form, rewritten, bounds))


def _out_of_force(layout: Layout, others: list[Layout], found: Found) -> Refused | None:
    """The refusal of a file whose columns are right for another date of arrival."""
    if found.arrived_at is None:
        return None
    arrived = danish_date(found.arrived_at)
    if (reason := layout.not_in_force(arrived, others)) is None:
        return None
    message = f"the file has the columns of the layout '{layout.id}', which {reason}; it arrived on {arrived}. "
    remedy = "Export with the columns agreed for that date, or give the layout another valid_from or valid_until."
    return Refused(OUT_OF_FORCE, message + remedy)


def _hold_columns(file: File, layout: Layout, limits: Limits) -> None:
    if len(file.names) > limits.max_columns:
        message = (
            f"{len(file.names)} columns; the contract allows {limits.max_columns} (limits.max_columns). Is this the right file?"
        )
        raise Refused("TOO_MANY_COLUMNS", message, line=None if isinstance(file, JsonFile) else layout.format.header_row)


def _refusal(faults: list[Fault]) -> Refused:
    texts = "; ".join(f.message for f in faults[:8]) + (f"; and {len(faults) - 8} more" if len(faults) > 8 else "")
    remedy = "Export with the agreed columns, or add the new ones to the layout (columns, ignore or personal)."
    return Refused(faults[0].code, f"{texts}. {remedy}", line=faults[0].line, column=faults[0].column, faults=faults)


def _is_above(path: str, needed: Iterable[str]) -> bool:
    """A path that leads to a needed one is known: the object is empty or null in this file."""
    return any(k.startswith(f"{path}.") for k in needed)


def _is_there(name: str, names: list[str]) -> bool:
    """A needed path may lie deeper than this file's objects go, or be an object itself."""
    return any(n.startswith(f"{name}.") or name.startswith(f"{n}.") for n in names)
