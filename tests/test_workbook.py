"""The department's workbook, read back with another library: the figures of the edition, nothing that runs, fit to be printed."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Ran
from test_suppress import amount, figure, row

from maalopfyldelse import manifest, shelf
from maalopfyldelse.department.sheets import sheets
from maalopfyldelse.department.view import Amount, Changes, Remark, Term, Total, View
from maalopfyldelse.department.workbook import workbook
from maalopfyldelse.intake.deliveries import hash_file
from maalopfyldelse.printing import danish_figure

HOSTILE = [
    '=HYPERLINK("http://x")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-2+3",
    "http://example.org/",
    "mailto:a@b.c",
    "<b>&amp;",
    "x" * 40_000,
]


def book_of(given: bytes | Path) -> Any:
    return openpyxl.load_workbook(io.BytesIO(given) if isinstance(given, bytes) else given)


def by_heading(sheet: Any) -> list[dict[str, Any]]:
    """The rows of a sheet as cells by their headings."""
    headings = [cell.value for cell in sheet[1]]
    return [dict(zip(headings, line, strict=True)) for line in sheet.iter_rows(min_row=2)]


def editions(ran: Ran, plan: str) -> Path:
    (found,) = (ran.world.home.editions / plan).glob("*/1")
    return found


def view(**more: Any) -> View:
    given = dict.fromkeys(View.__dataclass_fields__, ()) | {
        "plan": "p", "title": "Plan", "agency": "S", "document": "D", "contract": "C", "as_of": date(2021, 12, 31),
        "as_of_text": "31. december 2021", "edition": 2, "provisional": True, "status": "foreløbig", "status_why": "", "known_at": "",
        "made_at": "", "made_on": date(2022, 2, 1), "reason": "", "synthetic": True, "total": None, "changes": Changes(""), "code": "1",
        "due": "",
    }  # fmt: skip
    return View(**(given | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("plan", "at_least"), [("star-2021", 6), ("siri-2020", 1)])
def test_every_row_with_the_figures_of_the_edition_as_numbers_shown_as_on_the_page(ran: Ran, plan: str, at_least: int) -> None:
    folder = editions(ran, plan)
    records = [r for r in shelf.read_table(folder, "fulfilment") if r["level"] != "total"]
    lines = by_heading(book_of(folder / "department" / "fulfilment.xlsx")["Målopfyldelse"])
    assert [line["Nr."].value for line in lines] == [r["row"] for r in records]
    compared = 0
    for line, record in zip(lines, records, strict=True):
        assert line["Verdikt"].value == (record["verdict"] or "uden verdikt")
        for heading, name in (("Vægt", "weight"), ("Point mindst", "points_low"), ("Point højst", "points_high")):
            assert line[heading].value is None or Fraction(str(line[heading].value)) == record[name]
        cell = line["Resultat"]
        if isinstance(cell.value, int | float):
            assert cell.data_type == "n" and round(Fraction(str(cell.value)) - Fraction(record["value"]), 8) == 0
            places = len(cell.number_format.partition(".")[2])
            target = None if record["target"] is None else Fraction(record["target"])
            shown = danish_figure(Fraction(record["value"]), target)
            assert cell.number_format.startswith("#,##0") and places == len(shown.partition(",")[2])
            compared += 1
    assert compared >= at_least


def test_sheets_are_fit_to_be_read_and_printed(ran: Ran) -> None:
    book = book_of(editions(ran, "star-2021") / "department" / "fulfilment.xlsx")
    wanted = {"Oversigt", "Målopfyldelse", "Tal", "Læsninger", "Holdt ude", "Udvikling", "Grupper", "Mangler", "Ændringer", "Ord"}
    wanted |= {"Fejl i teksten", "Åbne spørgsmål", "Dokumentation", "Leverancer", "Sat til side", "Rækkernes regnskab"}
    assert wanted <= set(book.sheetnames)
    for sheet in book:
        assert sheet.freeze_panes == "B2" and sheet.print_title_rows == "$1:$1"
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert re.search(r"star-2021, 31\. december 2021, udgave 1, (foreløbig|endelig)", sheet.oddFooter.left.text)
        filled = sheet.max_row > 2 or sheet["A2"].value != "Ingen."
        assert sheet.auto_filter.ref == (sheet.dimensions if filled else None), sheet.title
        assert all(sheet.column_dimensions[cell.column_letter].width > 5 for cell in sheet[1])
        cells = [cell for line in sheet.iter_rows() for cell in line]
        assert {cell.data_type for cell in cells} <= {"s", "n", "d"} and not any(cell.hyperlink for cell in cells)
    days = [line["Opgjort pr."] for line in by_heading(book["Udvikling"])]
    assert all(cell.is_date and cell.number_format == "dd-mm-yyyy" for cell in days)
    assert datetime(2021, 6, 30) in {cell.value for cell in days}
    arrived = [line["Modtaget"] for line in by_heading(book["Leverancer"])]
    assert arrived and all(cell.is_date and cell.number_format == "dd-mm-yyyy hh:mm" for cell in arrived)
    assert {cell.value for cell in arrived} >= {datetime(2021, 2, 5, 7)}  # on the Danish clock, as the delivery's folder says


def test_it_is_published_with_its_hash(ran: Ran) -> None:
    folder = editions(ran, "siri-2020")
    said = manifest.read(folder).output("department/fulfilment.xlsx")
    assert said is not None and said.sha256 == hash_file(folder / "department" / "fulfilment.xlsx")


def test_text_of_others_does_nothing_and_keeps_to_its_cell() -> None:
    made = row(figure(9, 99), text=HOSTILE[0], reason=HOSTILE[1], notes=tuple(HOSTILE))
    made = replace(made, figures=(replace(made.figures[0], numerator_words=HOSTILE[2]),))
    spoiled = view(
        title="&P &Z " + HOSTILE[0], rows=(made,), defects=tuple(Remark("", text) for text in HOSTILE), notes=tuple(HOSTILE),
        definitions=(Term(HOSTILE[0], HOSTILE[3]),), changes=Changes("", (), tuple(HOSTILE)),
    )  # fmt: skip
    given = workbook(spoiled)
    cells = [cell for sheet in book_of(given) for line in sheet.iter_rows() for cell in line]
    assert not any(cell.data_type == "f" or cell.hyperlink for cell in cells)
    assert any(str(cell.value).startswith("'=HYPERLINK") for cell in cells)
    assert max(len(str(cell.value)) for cell in cells) < 32_767
    with zipfile.ZipFile(io.BytesIO(given)) as parts:
        assert not [name for name in parts.namelist() if "hyperlink" in name or "externalLink" in name]
        text = parts.read("xl/worksheets/sheet2.xml").decode()
        assert "&amp;&amp;P &amp;&amp;Z" in text and "<f>" not in text


@pytest.mark.parametrize(
    ("amount_", "number", "form"),
    [
        (Amount("89,96 pct.", Fraction(8996, 100)), 89.96, "#,##0.00"),
        (Amount("86,0 pct.", Fraction(860, 10)), 86, "#,##0.0"),
        (Amount("33,3 pct.", Fraction(100, 3)), 33.333333333, "#,##0.0"),
        (Amount("1.234", Fraction(1234)), 1234, "#,##0"),
        (Amount("1.234,5", Fraction(12345, 10)), 1234.5, "#,##0.0"),
        (Amount("-0,3", Fraction(-3, 10)), -0.3, "#,##0.0"),
    ],
)
def test_a_number_is_exact_and_shown_with_the_decimals_of_the_page(amount_: Amount, number: float, form: str) -> None:
    made = replace(row(figure(9, 99)), value=amount_, degree=Amount("7,6–10,0"))
    (line,) = by_heading(book_of(workbook(view(rows=(made,))))["Målopfyldelse"])
    assert (line["Resultat"].value, line["Resultat"].number_format) == (number, form)
    assert (line["Grad"].value, line["Grad"].data_type) == ("7,6–10,0", "s")


def test_the_same_view_gives_the_same_bytes_dated_by_the_edition() -> None:
    total = Total("47,8–86,2 pct.", Fraction(478, 10), Fraction(862, 10), Fraction(100), "pct.", "", ())
    made = view(total=total, rows=(row(figure(9, 99), weight=amount(10)),))
    given = workbook(made)
    assert given == workbook(made)
    book = book_of(given)
    assert book.properties.created == book.properties.modified == datetime(2022, 2, 1)
    assert "udgave 2 (foreløbig)" in book.properties.title
    told = {line["Hvad"].value: line["Oplysning"].value for line in by_heading(book["Oversigt"])}
    assert (told["Samlet, mindst (pct.)"], told["Samlet, højst (pct.)"]) == (47.8, 86.2)
    assert {f"Ark: {sheet.name}" for sheet in sheets(made)[1:]} <= set(told)


def test_libreoffice_prints_every_sheet_on_a4(ran: Ran, tmp_path: Path) -> None:
    if missing := [name for name in ("soffice", "pdftotext", "pdfinfo") if shutil.which(name) is None]:
        pytest.skip(
            f"left out, the workbook was not rendered: {', '.join(missing)} is not installed (libreoffice-calc, poppler-utils)"
        )
    source = editions(ran, "siri-2020") / "department" / "fulfilment.xlsx"
    command = ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'office').as_uri()}", "--convert-to", "pdf"]
    subprocess.run([*command, "--outdir", str(tmp_path), str(source)], check=True, capture_output=True, timeout=180)
    pdf = tmp_path / "fulfilment.pdf"
    told = subprocess.run(["pdfinfo", str(pdf)], check=True, capture_output=True, text=True).stdout
    assert re.search(r"Page size: +841\.\d+ x 595\.\d+ pts \(A4\)", told)
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True).stdout
    pages = text.split("\f")[:-1]
    names = book_of(source).sheetnames
    assert {name for name in names if any(page.split("\n")[0].rstrip().endswith(name) for page in pages)} == set(names)
    assert all("udgave 1" in page and "Side " in page for page in pages)
    assert "#REF" not in text and "###" not in text and "Err:" not in text
