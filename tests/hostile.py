"""Files that mean harm, and intake in a process of its own that may take no more memory than it is given."""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Timer
from typing import Any

CONTENT_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType="{}"/></Types>'
)
PLAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
WITH_MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'
TIMEOUT = 300  # so generous that only a hang meets it


def sheet(rows: str, head: str = "") -> str:
    return f"<worksheet {MAIN}>{head}<sheetData>{HEADER}{rows}</sheetData></worksheet>"


def workbook(parts: dict[str, str | bytes | Iterable[bytes]] | None = None, types: str = PLAIN) -> bytes:
    """A small workbook of one sheet with the heading `id` and the row `1`; `parts` add to it or replace."""
    whole: dict[str, str | bytes | Iterable[bytes]] = {
        "[Content_Types].xml": CONTENT_TYPES.format(types),
        "_rels/.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{RELS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{RELS}"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{RELS}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{RELS}/sharedStrings" Target="sharedStrings.xml"/>'
            f'<Relationship Id="rId3" Type="{RELS}/styles" Target="styles.xml"/></Relationships>'
        ),
        "xl/worksheets/sheet1.xml": sheet('<row r="2"><c r="A2"><v>1</v></c></row>'),
    } | (parts or {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in whole.items():
            with archive.open(name, "w", force_zip64=True) as part:
                pieces = [content.encode()] if isinstance(content, str) else [content] if isinstance(content, bytes) else content
                for piece in pieces:
                    part.write(piece)
    return out.getvalue()


def taken_apart(make: Callable[[Path], object], name: str, form: dict[str, Any], megabytes: int, **limits: int) -> str:
    """What intake says of a file when it may take so many megabytes beyond what it takes when it stands ready: `state code rows`,
    or how the process ended. `make` writes the file; `form` is the contract's format."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "made"
        make(file)
        asked = {"file": str(file), "name": name, "format": form, "limits": limits, "megabytes": megabytes}
        return _Worker.ask(json.dumps(asked))


class _Worker:
    """The process that takes the files; another is started when it has ended."""

    _process: subprocess.Popen[str] | None = None

    @classmethod
    def ask(cls, question: str) -> str:
        process = cls._process = cls._process if cls._process and cls._process.poll() is None else cls._start()
        assert process.stdin is not None
        assert process.stdout is not None
        watch = Timer(TIMEOUT, process.kill)
        watch.start()
        process.stdin.write(question + "\n")
        process.stdin.flush()
        told = []
        while line := process.stdout.readline():
            if line.startswith("ANSWER "):
                watch.cancel()
                return line.removeprefix("ANSWER ").strip()
            told.append(line)
        watch.cancel()
        return f"ended with {process.wait()}: {''.join(told)[-1500:]}"

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        environment = {**os.environ, "MAAL_THREADS": "2", "MAAL_MEMORY_LIMIT": "512MB", "MALLOC_ARENA_MAX": "2"}
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("hostile_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        atexit.register(process.kill)
        return process


def written(content: bytes) -> Callable[[Path], object]:
    """Writes these bytes."""
    return lambda path: path.write_bytes(content)
