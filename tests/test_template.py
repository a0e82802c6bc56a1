"""Templates: what a person types into one as it suggests, intake takes; in each cell Excel would refuse what intake sets aside."""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from python_calamine import CalamineWorkbook

from maalopfyldelse.declared import load
from maalopfyldelse.engine import connect
from maalopfyldelse.home import Home
from maalopfyldelse.intake.current import create_current
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.ledger import Ledger
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.template import headings, write_template
from pipelines.cli import main

DECLARED = load()
REGISTERS = [e.extract for e in DECLARED.extracts.values() if any(x.format.type == "xlsx" for x in e.layouts)]


def type_in(path: Path, rows: list[list[str | int | Decimal | date | None]]) -> None:
    """Types rows below the headings, each cell in the format that its column has, as Excel does."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    sheet = parts[name].decode()
    columns = re.finditer(r'<col min="(\d+)" max="(\d+)"[^>]*? style="(\d+)"', sheet)
    styles = {at: m[3] for m in columns for at in range(int(m[1]) - 1, int(m[2]))}
    lines = []
    for line, row in enumerate(rows, 2):
        cells = []
        for at, value in enumerate(row):
            place = f'r="{chr(65 + at)}{line}" s="{styles.get(at, 0)}"'
            if isinstance(value, str):
                cells.append(f'<c {place} t="inlineStr"><is><t>{escape(value)}</t></is></c>')
            elif value is not None:
                number = (value - date(1899, 12, 30)).days if isinstance(value, date) else value
                cells.append(f"<c {place}><v>{number}</v></c>")
        lines.append(f'<row r="{line}">{"".join(cells)}</row>')
    parts[name] = sheet.replace("</sheetData>", "".join(lines) + "</sheetData>").encode()
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


FILLED = {
    "register_events": (
        "haendelser_2021.xlsx",
        ["h1", "star-2021", "M3.A", "evaluering_job_veu", "gennemført", date(2021, 3, 26), "21/1234", "AB", "CD", "et ord"],
        "event_id, plan_row, kind, event_date, document, approver_key is not null",
        ("h1", "M3.A", "gennemfoert", date(2021, 3, 26), "21/1234", True),
    ),
    "register_counts": (
        "optaellinger_2020.xlsx",
        ["t1", "siri-2020", "1.1", "kommuner_identificeret", date(2020, 6, 18), 6, 10, None, "AB", None, None],
        "count_id, plan_row, as_of_date, number, of_number, approver_key is null",
        ("t1", "1.1", date(2020, 6, 18), 6, 10, True),
    ),
    "register_items": (
        "poster_2021.xlsx",
        ["p1", "star-2021", "M8.A", date(2021, 1, 15), date(2021, 12, 31), None, "nej", "ja", "3-4", "AB", "CD", None],
        "item_id, started_date, due_date, done_date, is_exempt, is_complex, document",
        ("p1", date(2021, 1, 15), date(2021, 12, 31), None, False, True, "3-4"),
    ),
    "register_assessments": (
        "vurderinger_2021.xlsx",
        [
            *("v1", "star-2021", "M5", None, date(2021, 12, 31), None, Decimal("70.5"), None, date(2022, 1, 17)),
            *("Departementet", None, "fordi", "AB", "CD"),
        ],
        "assessment_id, parameter, as_of_date, verdict, degree, points, assessor_role, has_reason",
        ("v1", None, date(2021, 12, 31), None, Decimal("70.5"), None, "Departementet", True),
    ),
}


@pytest.mark.parametrize("name", sorted(FILLED))
def test_a_filled_template_is_taken_in(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, row, what, expected = FILLED[name]
    folder = tmp_path / "deliveries" / "2022-02-01T0800" / "registre"
    folder.mkdir(parents=True)
    (tmp_path / "deliveries" / "SYNTHETIC").touch()
    assert main(["template", name, str(folder / file)]) == 0
    assert f"named as {file.split('_')[0]}*.xlsx" in capsys.readouterr().out
    type_in(folder / file, [row])
    home = Home(tmp_path / "home")
    ledger = Ledger(home.ledger)
    found = scan(folder.parent.parent, DECLARED.extracts, ledger, datetime(2022, 2, 2, tzinfo=UTC))
    report = take_extract(home, DECLARED, name, found, ledger)
    assert [(d.rows_kept, d.rows_set_aside) for d in report.new] == [(1, 0)], (report.refused, ledger.rejects())
    table = DECLARED.extracts[name].table
    with connect(home) as con:
        create_current(con, home, DECLARED, ledger, [table], None)
        assert con.execute(f"select {what} from {table}").fetchall() == [expected]


@pytest.mark.parametrize("name", REGISTERS)
def test_a_template_has_the_contracts_headings_and_closed_cells(name: str, tmp_path: Path) -> None:
    extract = DECLARED.extracts[name]
    table, path = DECLARED.tables[extract.table], tmp_path / "new.xlsx"
    layout = write_template(extract, table, path)
    book = CalamineWorkbook.from_path(path)
    wanted = headings(layout, table)
    assert book.sheet_names[0] == (layout.format.sheet or "Register")
    assert book.get_sheet_by_index(0).to_python()[layout.format.header_row - 1] == [h.name for h in wanted]
    guidance = book.get_sheet_by_name("Vejledning").to_python()[1:]
    assert [row[0] for row in guidance] == [h.name for h in wanted]
    assert {row[0] for row in guidance if row[1] == "ja"} == {
        column
        for c, source in layout.columns.items()
        if table.columns[c].required and not source.present_of
        for column in source.columns
    }
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert 'state="frozen"' in sheet
    assert sheet.count("<dataValidation ") == sum(h.kind != "text" for h in wanted)
    if extract.system == "registre":
        assert all(row[3] for row in guidance), "the guidance of a register says what to write in each column"
        assert {word for h in wanted for word in h.words} <= {w for s in layout.columns.values() for w in (s.codes or {})}


def test_the_callers_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, told in (
        (["register_event", "x.xlsx"], "did you mean 'register_events'"),
        (["complaints", "x.xlsx"], "no layout of type xlsx"),
        (["register_events", "x.csv"], "ends in .xlsx"),
        (["register_events", "gone/x.xlsx"], "cannot be written"),
    ):
        assert main(["template", arguments[0], str(tmp_path / arguments[1])]) == 2
        assert told in capsys.readouterr().err
    assert main(["template", "register_events", str(tmp_path / "x.xlsx")]) == 0
    before = (tmp_path / "x.xlsx").read_bytes()
    assert main(["template", "register_events", str(tmp_path / "x.xlsx")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "x.xlsx").read_bytes() == before
