"""Files that mean harm, and intake in a process of its own that may take no more memory than it is given."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

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


def taken_apart(make: Callable[[Path], object], name: str, form: str, megabytes: int, limits: str = "{}") -> str:
    """What intake says of a file when it may take so many megabytes beyond what it takes when it stands ready: `state code rows`,
    or how the process ended. `make` writes the file; `form` is the contract's format, as Python."""
    program = f"""
        import resource, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from intake_house import extract, house, table
        import python_calamine, pyarrow.parquet
        more = {{"max_set_aside_share": 1, "min_rows": 0, **{limits}}}
        with house(table({{"id": "varchar"}}), extract({{"id": "id"}}, format={form}, limits=more)) as h:
            ready = extract({{"id": "id"}}, name="ready", files=["ready.csv"])
            h.extracts.append(ready)
            h.extracts[0] = h.extracts[0].model_copy(update={{"files": ["bad*"]}})
            h.put("ready.csv", "id\\n1\\n")
            h.take("ready")
            h.put({name!r}, Path(sys.argv[1]).read_bytes() if Path(sys.argv[1]).stat().st_size < 2**27 else b"")
            here = next(h.folder.rglob({name!r}))
            if not here.stat().st_size:
                here.unlink(); here.hardlink_to(sys.argv[1])
            taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            bound = taken + {megabytes} * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
            report = h.take()
            (d,) = report.new + report.refused
            print("ANSWER", d.state, d.code, d.rows_kept)
            assert not d.message or len(d.message) < 2000
    """
    with_file = Path(os.environ.get("TMPDIR", "/tmp")) / f"hostile-{os.getpid()}"
    try:
        make(with_file)
        environment = {**os.environ, "MAAL_THREADS": "2", "MAAL_MEMORY_LIMIT": "512MB", "MALLOC_ARENA_MAX": "2"}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(with_file)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env=environment,
            check=False,
        )
    finally:
        with_file.unlink(missing_ok=True)
    answer = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    return answer[0].removeprefix("ANSWER ") if answer else f"exit {done.returncode}: {done.stderr[-1500:]}"


def written(content: bytes) -> Callable[[Path], object]:
    """Writes these bytes."""
    return lambda path: path.write_bytes(content)
