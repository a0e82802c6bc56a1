"""A workbook before its reader sees it: unpacked within the contract's limits and copied, the parts that are read and no others.

The reader trusts what the file says of itself, lays a rectangle around the cells however far apart they stand, and writes a shared
text out for each cell that names it. Here every part that it will read goes through a parser that counts, and into a clean zip;
what a workbook can carry besides (macros, links to other files, drawings) refuses it or is left behind. What the cells hold is
xlsxfile.py's.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from ..contract import Limits
from .deliveries import CHANGED
from .faults import Refused
from .xlsxparts import CHUNK, Cells, Texts, Values, Written, attribute, local, too_large

_MAX_TAG = 4 * CHUNK
_MAX_PARTS = 10_000
_BOOK, _STYLES, _TEXTS, _SHEET = "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

Watch = Callable[[expat.XMLParserType], None]


def guarded(path: Path, sha256: str | None, sheet: str | None, limits: Limits) -> io.BytesIO:
    """A clean workbook with one sheet (the first when none is named; without any when the name is unknown).

    Raises Refused: BROKEN_WORKBOOK, CHANGED_WHILE_READ, EXTERNAL_LINKS, MACROS, TOO_LARGE, XML_ENTITIES.
    """
    if path.stat().st_size > limits.max_workbook_bytes:
        raise too_large(limits)
    data = path.read_bytes()
    if sha256 not in (None, hashlib.sha256(data).hexdigest()):
        raise Refused("CHANGED_WHILE_READ", CHANGED)
    try:
        return _clean(data, sheet, limits)
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, ValueError, LookupError, NotImplementedError):
        # OSError and ValueError: what zipfile raises for places outside the file and for names that cannot be; LookupError: a part
        # that is missing, or in an encoding that there is not
        raise broken() from None


def broken() -> Refused:
    """The refusal of a workbook that cannot be read."""
    message = "the workbook is damaged, locked or no workbook. Open it in Excel, save it as .xlsx and deliver it again."
    return Refused("BROKEN_WORKBOOK", message)


def _clean(data: bytes, sheet: str | None, limits: Limits) -> io.BytesIO:
    if data.count(b"PK\1\2") > _MAX_PARTS:  # before the directory is read into memory
        raise Refused("TOO_LARGE", f"the workbook has more than {_MAX_PARTS} parts. Save the sheet alone, or deliver CSV.")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        work = _Work(archive, _parts(archive), copy, limits)
        top, inner, book, texts = _Relations(), _Relations(), _Sheets(), Texts()
        work.prove("[Content_Types].xml", _refuse_macros)
        work.prove("_rels/.rels", top.watch)
        folder, name = posixpath.split(top.part("", "officeDocument") or _BOOK)
        work.prove(f"{folder}/_rels/{name}.rels", inner.watch)
        work.copy_part(f"{folder}/{name}", _BOOK, book.watch)
        if not book.relations:
            raise ValueError("a workbook without sheets")
        work.copy_part(inner.part(folder, "styles") or _STYLES, _STYLES)
        work.copy_part(inner.part(folder, "sharedStrings") or _TEXTS, _TEXTS, texts.watch)
        relation = book.relation(sheet)
        if relation is not None:
            work.copy_sheet(_placed(folder, inner.targets[relation]), texts.lengths)
        copy.writestr("_rels/.rels", _relations({"rId1": ("officeDocument", _BOOK)}))
        leading = {rid: ("worksheet", _SHEET if rid == relation else f"/none/{i}.xml") for i, rid in enumerate(book.relations)}
        leading |= {"maalStyles": ("styles", _STYLES), "maalTexts": ("sharedStrings", _TEXTS)}
        copy.writestr("xl/_rels/workbook.xml.rels", _relations(leading))
    out.seek(0)
    return out


def _parts(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The parts by their names. Raises Refused for what a workbook must not carry, ValueError for two parts of one name."""
    parts: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.replace("\\", "/").lstrip("/")
        lower = name.casefold()
        if lower.endswith("vbaproject.bin") or lower.startswith("xl/macrosheets/"):
            raise _macros()
        if lower.startswith("xl/externallinks/"):
            message = "the workbook takes values from other files. Paste them as values, break the links and deliver it again."
            raise Refused("EXTERNAL_LINKS", message)
        if lower in parts:
            raise ValueError(name)
        parts[lower] = info
    return parts


@dataclass
class _Work:
    """Parts on their way into the copy, within what the contract allows in all."""

    archive: zipfile.ZipFile
    parts: dict[str, zipfile.ZipInfo]
    copy: zipfile.ZipFile
    limits: Limits
    unpacked: int = 0

    def prove(self, name: str, watch: Watch) -> None:
        """Looks at a part and leaves it. A missing part says nothing."""
        if info := self.parts.get(name.casefold().lstrip("/")):
            deque(self._parsed(info, watch), maxlen=0)

    def copy_part(self, name: str, to: str, watch: Watch | None = None, scan: Callable[[bytes], None] | None = None) -> None:
        """Copies a part under the name that the reader knows."""
        info = self.parts.get(name.casefold().lstrip("/"))
        if info is None:
            return
        with self.copy.open(to, "w", force_zip64=True) as out:
            for chunk in self._parsed(info, watch):
                out.write(chunk)
                if scan is not None:
                    scan(chunk)

    def copy_sheet(self, name: str, lengths: list[int]) -> None:
        """Copies the sheet, held to the contract's cells. It is gone through again where its cells are not written as spreadsheet
        programs write them, and where the texts that they name could come to too much."""
        cells, values = Cells(self.limits.max_cells), Values()

        def scan(chunk: bytes) -> None:
            cells.scan(chunk)
            values.scan(chunk)

        self.copy_part(name, _SHEET, scan=scan)
        if cells.is_odd:
            self._look_again(name, cells.watch)
        if cells.count * max(lengths, default=0) > self.limits.max_workbook_bytes:
            self._look_again(name, Written(lengths, self.limits).watch)

    def _look_again(self, name: str, watch: Watch) -> None:
        before, self.unpacked = self.unpacked, 0
        self.prove(name, watch)
        self.unpacked = before

    def _parsed(self, info: zipfile.ZipInfo, watch: Watch | None) -> Iterator[bytes]:
        parser = expat.ParserCreate()
        parser.ordered_attributes = parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        if watch is not None:
            watch(parser)
        fed = 0
        for chunk in self._chunks(info):
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > _MAX_TAG:  # the parser begins each unended tag anew with every piece
                raise ValueError("a tag or comment without end")
            yield chunk
        parser.Parse(b"", True)

    def _chunks(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        if info.flag_bits & 1:
            raise broken()
        with self.archive.open(info) as member:
            while chunk := member.read(CHUNK):
                self.unpacked += len(chunk)
                if self.unpacked > self.limits.max_workbook_bytes:
                    raise too_large(self.limits)
                yield chunk


def _refuse_doctype(*_: object) -> None:
    message = "the workbook's XML declares a document type, which no spreadsheet program writes. Save it anew as .xlsx."
    raise Refused("XML_ENTITIES", message)


def _refuse_macros(parser: expat.XMLParserType) -> None:
    def start(name: str, attributes: list[str]) -> None:
        if "macroenabled" in (attribute(attributes, "ContentType") or "").casefold():
            raise _macros()

    parser.StartElementHandler = start


class _Sheets:
    """The sheets that a workbook names, in its order."""

    def __init__(self) -> None:
        self._sheets: list[tuple[str, str]] = []

    def watch(self, parser: expat.XMLParserType) -> None:
        def start(name: str, attributes: list[str]) -> None:
            if local(name) == "sheet":
                self._sheets.append((attribute(attributes, "name") or "", attribute(attributes, "id") or ""))

        parser.StartElementHandler = start

    @property
    def relations(self) -> list[str]:
        return [relation for _, relation in self._sheets]

    def relation(self, sheet: str | None) -> str | None:
        """By which relation the workbook names the sheet; None when there is no such sheet."""
        return next((relation for name, relation in self._sheets if sheet is None or name == sheet), None)


class _Relations:
    """Where the relations of a part lead: by id, and the first of each kind."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}
        self._kinds: dict[str, str] = {}

    def watch(self, parser: expat.XMLParserType) -> None:
        def start(name: str, attributes: list[str]) -> None:
            if local(name) == "Relationship":
                target = attribute(attributes, "Target") or ""
                self.targets[attribute(attributes, "Id") or ""] = target
                self._kinds.setdefault((attribute(attributes, "Type") or "").rpartition("/")[2], target)

        parser.StartElementHandler = start

    def part(self, folder: str, kind: str) -> str | None:
        """Where the relation of this kind leads; `folder` is that of the part whose relations these are."""
        return _placed(folder, self._kinds[kind]) if kind in self._kinds else None


def _placed(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(f"/{folder}", target)).lstrip("/")


def _relations(leading: dict[str, tuple[str, str]]) -> str:
    said = "".join(
        f"<Relationship Id={quoteattr(rid)} Type={quoteattr(f'{_KINDS}/{kind}')} Target={quoteattr('/' + part.lstrip('/'))}/>"
        for rid, (kind, part) in leading.items()
    )
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{said}</Relationships>'


def _macros() -> Refused:
    return Refused("MACROS", "the workbook carries macros. Save it as .xlsx without macros and deliver it again.")
