"""The workbook for the sender: everything that was set aside, in Danish, where it stands and what to do; never what stands there."""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from intake_house import House, extract, house, table
from little import Little
from python_calamine import CalamineWorkbook

from maalopfyldelse import rejects_workbook
from maalopfyldelse.declared import REPOSITORY, load
from maalopfyldelse.errors import CallerError
from maalopfyldelse.intake.faults import DELIVERY_FAULTS, ROW_FAULTS
from maalopfyldelse.intake.ledger import Reject
from maalopfyldelse.rejects_workbook import expected_texts, keep_workbooks, workbook_name, write_rejects
from pipelines.cli import main

T = table(
    {
        "id": "varchar",
        "amount": "decimal(9,2)?",
        "day": "date?",
        "at": "timestamp?",
        "kind": {"type": "varchar", "required": False, "values": ["x", "y"]},
        "who": "varchar?",
    }
)
C = {
    "id": "id",
    "amount": {"from": "beløb", "decimal": ","},
    "day": {"from": "dag", "format": ["%d-%m-%Y", "%Y-%m-%d"]},
    "at": {"from": "tid", "format": "%d-%m-%Y %H:%M"},
    "kind": {"from": "art", "codes": {"Æble": "x", "": "y"}, "on_unknown": "set_aside", "no_value": []},
    "who": {"hash_of": "navn"},
}
RULE = {
    "code": "SAME_DAY",
    "column": "day",
    "when": "things.day = date '2020-12-31'",
    "message": "No.",
    "danish": "Ikke nytårsaften.",
}
HEAD = "id;beløb;dag;tid;art;navn\n"
SECRETS = ["hundrede", "31-02-2020", "Pære", "Anna Andersen", "0101701234"]
BAD = (
    HEAD
    + "1;100,5;31-12-2020;31-12-2020 12:00;Æble;Anna Andersen\n"
    + "2;hundrede;31-02-2020;;Pære;Anna Andersen\n"
    + ";1;;28-03-2021 02:30;;0101701234\n"
    + "4;1;;;;\n"
)


def bad_house(**more: Any) -> Any:
    return house(T, extract(C, format={"delimiter": ";"}, set_aside=[RULE], **more))


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def kept(h: House) -> list[Path]:
    report = h.take()
    return keep_workbooks(h.home, h.declared, h.ledger, h.extracts[0].extract, report.read)


def test_each_fault_is_told_in_danish_with_line_column_and_what_should_stand_there() -> None:
    with bad_house() as h:
        h.put("things.csv", BAD)
        [path] = kept(h)
        assert path.parent == h.home.path / "rejects" / "things_csv"
        assert path.name.startswith("afviste_raekker_things_csv_2021-04-12_") and path.suffix == ".xlsx"
        said = sheets(path)
        assert list(said) == ["Oversigt", "Fejl", "Rækker"]
        head, *rows = said["Rækker"]
        assert head == ["Fil", "Linje", "Fejlkode", "Kolonne", "Hvad er galt, og hvad skal gøres", "Skal være"]
        assert [row[1:4] + row[5:] for row in rows] == [
            [2, "SAME_DAY", "dag", "en dato: dd-mm-åååå eller åååå-mm-dd"],
            [3, "NOT_A_DATE", "dag", "en dato: dd-mm-åååå eller åååå-mm-dd"],
            [3, "NOT_A_NUMBER", "beløb", "et tal med højst 2 decimaler, decimaltegn ,"],
            [3, "UNKNOWN_CODE", "art", "et af ordene: Æble, (tom)"],
            [4, "MISSING_VALUE", "id", "skal være udfyldt"],
            [4, "NO_SUCH_HOUR", "tid", "et tidspunkt: dd-mm-åååå tt:mm"],
        ]
        assert rows[0][4] == "Ikke nytårsaften."
        assert rows[4][4] == "'id' er tom og skal udfyldes."
        overview = next(row for row in said["Oversigt"] if row[0] == "things.csv")
        assert overview[1:7] == ["things_csv", "", "12-04-2021", 4, 1, 3]
        assert [row[1:5] for row in said["Fejl"][1:]] == [[row[2], row[3], 1, row[1]] for row in sorted(rows, key=lambda r: r[2])]
        whole = b"".join(zipfile.ZipFile(path).read(n) for n in zipfile.ZipFile(path).namelist()).decode("utf-8", "replace")
        for secret in SECRETS:
            assert secret not in whole


def test_a_refused_delivery_says_so_in_danish_and_how_to_deliver_again() -> None:
    for superseding, way in (("whole", "hele filen"), ("key", "de rettede rækker")):
        with bad_house(superseding=superseding, limits={"max_set_aside_share": 0.1}) as h:
            h.put("things.csv", BAD)
            h.put("cut.csv", HEAD + "1;1;", arrival="2021-05-12T0800")
            first, second = (sheets(path) for path in kept(h))
            row = next(row for row in first["Oversigt"] if row[0] == "things.csv")
            assert row[7].startswith("Afvist i sin helhed (TOO_MANY_SET_ASIDE). Flere rækker har fejl, end aftalen tillader")
            assert "more than the contract allows (10%)" in row[8]
            assert len(first["Rækker"]) == 7, "all faults, though the delivery is refused"
            assert any(way in row[0] for row in first["Oversigt"])
            assert [row[1:5] for row in second["Rækker"][1:]] == [[2, "CUT_FILE", "", DELIVERY_FAULTS["CUT_FILE"]]]


def test_the_workbooks_follow_the_deliveries() -> None:
    with bad_house() as h:
        h.put("things.csv", BAD)
        [path] = kept(h)
        first = path.read_bytes()
        assert kept(h) == [path]
        path.unlink()  # a run was killed before it wrote it
        (path.parent / "left_over.xlsx").write_text("x")
        assert kept(h) == [path] and list(path.parent.iterdir()) == [path]
        assert path.read_bytes() == first, "the same bytes"
        h.put("good.csv", HEAD + "1;1;;;;\n", arrival="2021-06-01T0800")
        assert kept(h) == [path]
        # under another contract the day is no fault, and the workbook no longer says so
        h.extracts[0] = extract(C, format={"delimiter": ";"})
        [changed] = kept(h)
        assert len(sheets(changed)["Rækker"]) == 6 and list(path.parent.iterdir()) == [changed]
        assert not list(h.home.tmp.glob("*.xlsx"))


def test_names_say_extract_and_period() -> None:
    with bad_house(superseding="period", period={"pattern": r"(?P<year>\d{4})-(?P<month>\d{2})"}) as h:
        h.put("things_2021-03.csv", BAD)
        [path] = kept(h)
        assert path.name.startswith("afviste_raekker_things_csv_2021-03_")
        assert workbook_name(h.ledger.deliveries()[0]) == path.name


def test_nothing_in_it_is_a_formula() -> None:
    columns = {"id": {"from": "=1+1"}, "amount": "+cmd|' /C calc'!A0"}
    with house(table({"id": "varchar", "amount": "integer?"}), extract(columns)) as h:
        h.put("=cmd|' /C calc'!A0.csv", "=1+1,+cmd|' /C calc'!A0\n,=2\n")
        [path] = kept(h)
        for name in zipfile.ZipFile(path).namelist():
            assert b"<f>" not in zipfile.ZipFile(path).read(name)
        for rows in sheets(path).values():
            assert not [cell for row in rows for cell in row if str(cell)[:1] in ("=", "+", "-", "@")]


def test_many_faults_are_listed_up_to_a_bound_and_all_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejects_workbook, "MAX_ROWS", 50)
    with bad_house() as h:
        h.put("things.csv", BAD)
        kept(h)
        [delivery] = h.ledger.deliveries()
        rejects = [Reject(delivery.delivery_id, n, "NOT_A_DATE", "dag", "m") for n in range(2, 62)]
        write_rejects(tmp_path / "many.xlsx", h.declared, [(delivery, rejects)])
        said = sheets(tmp_path / "many.xlsx")
        assert said["Fejl"][1][3] == 60
        assert len(said["Rækker"]) == 52 and "de første 50 af 60" in said["Rækker"][-1][0]


@pytest.mark.parametrize("name", load().extracts)
def test_every_contract_says_what_should_stand_in_its_columns(name: str) -> None:
    declared = load()
    chosen = declared.extracts[name]
    for layout in chosen.layouts:
        texts = expected_texts(declared, chosen, layout.id)
        for column, source in layout.columns.items():
            spec = declared.tables[chosen.table].columns[column]
            if source.from_ and not source.is_test and spec.type != "varchar":
                assert texts[source.from_], (layout.id, column)
            assert "%" not in texts.get(source.from_ or "", ""), (layout.id, column)
    for rule in chosen.set_aside:
        assert rule.danish and rule.danish != rule.message, rule.code


def test_every_fault_has_danish_words() -> None:
    for code, words in ROW_FAULTS.items():
        assert words.danish.endswith(".") and words.danish != words.english, code
        assert ("{column}" in words.danish) == ("{column}" in words.english), code
    assert all(text.endswith(".") for text in DELIVERY_FAULTS.values())
    sources = "".join(path.read_text() for path in (REPOSITORY / "maalopfyldelse" / "intake").glob("*.py"))
    raised = set(re.findall(r'(?<!Delivery)Refused\(\s*"([A-Z_]+)"', sources))
    assert len(raised) > 15 and raised <= set(DELIVERY_FAULTS), raised - set(DELIVERY_FAULTS)


# -- maal show rejects ------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Little:
    """Two extracts with rows set aside, taken in without Dagster."""
    from maalopfyldelse.intake.deliveries import scan
    from maalopfyldelse.intake.take import take_extract

    world = Little(tmp_path, monkeypatch)
    for table_ in ("letters", "visits"):
        text = (world.root / f"expectations/{table_}_csv.yaml").read_text()
        world.write(f"expectations/{table_}_csv.yaml", text + "limits: {max_set_aside_share: 1}\n")
        world.deliver("2022-01-05T0800", f"{table_}_2021.csv", "id;received;kind;answered\n1;2021-02-30;a;y\n2;2021-02-01;a;y\n")
    found = scan(world.deliveries, world.declared.extracts, world.ledger, datetime(2022, 2, 1, tzinfo=UTC))
    for extract_id in ("letters_csv", "visits_csv"):
        take_extract(world.home, world.declared, extract_id, found, world.ledger)
    return world


def test_rejects_can_be_chosen_by_extract_and_delivery(world: Little, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(world.home.path), "--format", "csv"]
    [letters] = world.ledger.deliveries("letters_csv")
    for options, files in (
        ([], ["letters_2021.csv", "visits_2021.csv"]),
        (["--extract", "letters_csv"], ["letters_2021.csv"]),
        (["--delivery", letters.delivery_id], ["letters_2021.csv"]),
        (["--extract", "visits_csv", "--delivery", letters.delivery_id], []),
    ):
        code = main(["show", "rejects", *options, *home])
        said = capsys.readouterr()
        if files:
            assert code == 0 and [line.split(",")[0] for line in said.out.splitlines()[1:]] == files
        else:
            assert code == 2 and "no delivery called" in said.err
    assert main(["show", "deliveries", "--extract", "visits_csv", *home]) == 0
    assert "letters" not in capsys.readouterr().out


def test_a_workbook_is_written_where_it_is_asked_for(world: Little, capsys: pytest.CaptureFixture[str]) -> None:
    home, out = ["--home", str(world.home.path)], world.root.parent / "til_leverandør.xlsx"
    assert main(["show", "rejects", "--extract", "letters_csv", "--format", "xlsx", "--out", str(out), *home]) == 0
    assert str(out) in capsys.readouterr().out
    assert [row[:3] for row in sheets(out)["Rækker"][1:]] == [["letters_2021.csv", 2, "NOT_A_DATE"]]
    before = out.read_bytes()
    for arguments, text in (
        (["rejects", "--format", "xlsx", "--out", str(out)], "exists already"),
        (["rejects", "--format", "xlsx", "--out", str(out.with_suffix(".xls"))], "ends in .xlsx"),
        (["rejects", "--format", "xlsx", "--out", str(out.parent / "no" / "x.xlsx")], "cannot be written"),
        (["rejects", "--format", "xlsx"], "--out FILE.xlsx"),
        (["rejects", "--out", str(out)], "--format xlsx"),
        (["deliveries", "--format", "xlsx", "--out", str(out)], "is for rejects"),
        (["fulfilment", "--extract", "letters_csv"], "choose deliveries and rejects"),
        (["rejects", "--extract", "letter"], "did you mean 'letters_csv'"),
        (["rejects", "--delivery", "letters_csv-0"], "did you mean 'letters_csv-"),
    ):
        assert main(["show", *arguments, *home]) == 2
        said = capsys.readouterr()
        assert text in said.err and "Traceback" not in said.err, arguments
    assert out.read_bytes() == before


def test_nothing_set_aside_makes_no_workbook(tmp_path: Path) -> None:
    with bad_house() as h:
        h.put("good.csv", HEAD + "1;1;;;;\n")
        assert kept(h) == [] and not h.home.rejects.exists()
        with pytest.raises(CallerError, match="nothing to write"):
            write_rejects(tmp_path / "x.xlsx", h.declared, [])
        assert not (tmp_path / "x.xlsx").exists()
