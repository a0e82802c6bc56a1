"""Ways in which files of fuzz_files.py are mangled.

A grid of cells as a person or a changed export would (columns swapped, renamed, dropped, doubled), bytes as a copy or a wrong program
would (flipped, cut, encodings and line ends mixed).
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass
class Grid:
    """Headings and rows; a cell is a text or a list of texts."""

    names: list[str]
    rows: list[list[Any]]


@st.composite
def mangled_grids(draw: Any, grid: Grid) -> tuple[Grid, str]:
    """The grid as a changed export would have it."""
    names, rows = list(grid.names), [list(row) for row in grid.rows]
    ways = [
        "swap headings",
        "swap columns",
        "rename",
        "drop",
        "double",
        "add",
        "lose cells",
        "more cells",
        "no headings",
        "case",
        "dots",
    ]
    how = draw(st.sampled_from(ways))
    one, two = (draw(st.integers(0, len(names) - 1)) for _ in range(2))
    if how == "swap headings":
        names[one], names[two] = names[two], names[one]
    elif how == "swap columns":
        for cells in (names, *rows):
            cells[one], cells[two] = cells[two], cells[one]
    elif how in ("rename", "case", "dots"):
        names[one] = {"rename": names[one] + "x", "case": names[one].upper(), "dots": f"deep.{names[one]}"}[how]
    elif how == "drop":
        for cells in (names, *rows):
            del cells[one]
    elif how in ("double", "add"):
        for cells in (names, *rows):
            cells.append(cells[one])
        names[-1] = names[one] if how == "double" else draw(st.sampled_from(["ny", "", "Total"]))
    elif how == "no headings" and rows:
        names = [str(cell) for cell in rows.pop(0)]
    elif rows:
        row = rows[draw(st.integers(0, len(rows) - 1))]
        row[:] = row[:one] if how == "lose cells" else [*row, "x"]
    return Grid(names, rows), how


_INSERTED = [
    b"\0", b'"', b"'", b"\r", b"\n", b"\r\n", b";", b",", b"\t", b"\xff", b"\xe6", b"\xc3\xa6", b"\xef\xbb\xbf", b" ", b"{", b"}", b"[",
    b"\\", b"\x1a", b"\x01",
]  # fmt: skip


_WAYS = [
    "flip", "flip", "cut", "cut head", "insert", "insert", "double line", "drop line", "swap lines", "mixed ends", "other ends",
    "mixed encodings", "other encoding", "lose quote", "twice", "cut line", "blank quote",
]  # fmt: skip
_XML_CHANGES = [
    (b't="s"', b't="n"'), (b"<v>", b"<v>-"), (b"<v>1", b"<v>1E"), (b' s="1"', b' s="2"'), (b"<v>", b"<v> "), (b'r="B', b'r="C'),
    (b'<row r="2"', b'<row r="3"'), (b"</f><v></v>", b"</f>"), (b"<v>", b"<v><!-- -->"),
]  # fmt: skip


@st.composite
def mangled_bytes(draw: Any, data: bytes) -> tuple[bytes, str]:
    """The bytes as a bad copy or a wrong program would leave them."""
    if _is_workbook(data) and draw(st.integers(0, 3)) > 0:
        return draw(_mangled_inside(data))  # type: ignore[no-any-return]
    how = draw(st.sampled_from(_WAYS))
    made = bytearray(data)
    at = draw(st.integers(0, max(len(made) - 1, 0)))
    lines = data.split(b"\n")
    n, m = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    if how == "flip" and made:
        made[at] ^= 1 << draw(st.integers(0, 7))
    elif how == "cut":
        del made[at:]
    elif how == "cut head":
        del made[:at]
    elif how == "insert":
        made[at:at] = draw(st.sampled_from(_INSERTED))
    elif how == "twice":
        made += data
    elif how == "other encoding":
        made = bytearray(
            data.decode("utf-8", "replace").encode(
                draw(st.sampled_from(["cp1252", "utf-16-le", "utf-16", "utf-8-sig"])), "replace"
            )
        )
    elif how == "mixed encodings":
        half = data[at:].decode("utf-8", "replace")
        made[at:] = half.encode(draw(st.sampled_from(["cp1252", "utf-16-le", "utf-8-sig"])), "replace")
    elif how == "other ends":
        made = bytearray(data.replace(b"\r\n", b"\n").replace(b"\n", draw(st.sampled_from([b"\r", b"\r\n", b"\n\n", b"\n\r"]))))
    elif how in ("lose quote", "blank quote"):
        mark = b"'" if data.count(b"'") > data.count(b'"') else b'"'
        places = [i for i, byte in enumerate(data) if byte == mark[0]]
        if places:
            place = draw(st.sampled_from(places))
            made[place : place + 1] = (
                b"" if how == "lose quote" else draw(st.sampled_from([b" " + mark, mark + b" ", mark + mark, mark + b"x"]))
            )
    else:
        if how == "double line":
            lines.insert(n, lines[n])
        elif how == "drop line":
            del lines[n]
        elif how == "swap lines":
            lines[n], lines[m] = lines[m], lines[n]
        elif how == "mixed ends":
            lines[n] = lines[n].removesuffix(b"\r") if lines[n].endswith(b"\r") else lines[n] + b"\r"
        else:
            lines[n] = lines[n][: draw(st.integers(0, len(lines[n])))]
        made = bytearray(b"\n".join(lines))
    return bytes(made), how


def _is_workbook(data: bytes) -> bool:
    """Whether it is one, and whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.testzip() is None and "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError):
        return False


@st.composite
def _mangled_inside(draw: Any, data: bytes) -> tuple[bytes, str]:
    """A workbook with one of its parts changed and packed again, so that no checksum gives it away."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    usual = [n for n in parts if "sheet" in n or "shared" in n or "styles" in n or n == "xl/workbook.xml"]
    name = draw(st.sampled_from(usual))
    part = bytearray(parts[name])
    how = draw(st.sampled_from(["flip inside", "flip inside", "cut inside", "lose part", "other value"]))
    if how == "lose part":
        del parts[name]
    elif how == "cut inside":
        parts[name] = bytes(part[: draw(st.integers(0, len(part)))])
    elif how == "flip inside":
        part[draw(st.integers(0, len(part) - 1))] ^= 1 << draw(st.integers(0, 6))
        parts[name] = bytes(part)
    else:
        old, new = draw(st.sampled_from(_XML_CHANGES))
        pieces = bytes(part).split(old)
        at = draw(st.integers(1, max(len(pieces) - 1, 1)))
        parts[name] = old.join(pieces[:at]) + (new if len(pieces) > 1 else b"") + old.join(pieces[at:])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for kept, content in parts.items():
            archive.writestr(kept, content)
    return out.getvalue(), how
