"""The sample: deterministic, marked, small, shaped as the contracts say, and without anybody real in it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
import tracemalloc
from collections import defaultdict
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from maalopfyldelse.contract import Extract, Layout
from maalopfyldelse.declared import REPOSITORY, load
from maalopfyldelse.intake import rowrules
from maalopfyldelse.sample import calls
from maalopfyldelse.sample.__main__ import main
from maalopfyldelse.sample.common import Out, Sizes
from maalopfyldelse.sample.register_rows import REGISTERS

SAMPLE = REPOSITORY / "data" / "sample"
SMALL = ["--call-events", "2500", "--tickets", "600", "--cases", "300", "--persons", "900", "--decisions", "200"]


def hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def deliveries(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file() and path.parent.parent.parent == root]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample")
    assert main([str(root), *SMALL]) == 0
    return root


def test_the_committed_sample_is_what_the_generator_writes(tmp_path: Path) -> None:
    assert main([str(tmp_path / "again")]) == 0
    assert hashes(tmp_path / "again") == hashes(SAMPLE)


def test_same_seed_same_bytes_and_another_seed_other_bytes(small: Path, tmp_path: Path) -> None:
    assert main([str(tmp_path / "same"), *SMALL]) == 0
    assert hashes(tmp_path / "same") == hashes(small)
    assert main([str(tmp_path / "other"), *SMALL, "--seed", "7"]) == 0
    differing = {name for name, value in hashes(tmp_path / "other").items() if hashes(small)[name] != value}
    assert any("call_events" in name for name in differing)
    assert any("p360_sager" in name for name in differing)


def test_it_is_marked_and_small() -> None:
    assert (SAMPLE / "SYNTHETIC").is_file()
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 8_000_000
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{4}", path.parent.parent.name) for path in deliveries(SAMPLE))
    arrived = [path.parent.parent.name for path in deliveries(SAMPLE)]
    assert (min(arrived)[:4], max(arrived)[:4]) == ("2003", "2025")


def test_an_earlier_sample_is_replaced_and_a_foreign_folder_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = ["--call-events", "60", "--tickets", "40", "--cases", "40", "--persons", "100", "--decisions", "20"]
    assert main([str(tmp_path / "mine"), *tiny]) == 0
    before = hashes(tmp_path / "mine")
    assert main([str(tmp_path / "mine"), *tiny]) == 0
    assert hashes(tmp_path / "mine") == before
    (tmp_path / "mine" / "notes.txt").write_text("x")
    assert main([str(tmp_path / "mine"), *tiny]) == 2
    assert "Name a new folder" in capsys.readouterr().err
    assert (tmp_path / "mine" / "notes.txt").read_text() == "x"


def matching(path: Path, extracts: dict[str, Extract]) -> list[tuple[str, Layout]]:
    name = path.name.removesuffix(".gz")
    return [
        (extract.extract, layout)
        for extract in extracts.values()
        if extract.system == path.parent.name and any(fnmatch(name, pattern) for pattern in extract.files)
        for layout in extract.layouts
        if layout.files is None or any(fnmatch(name, pattern) for pattern in layout.files)
    ]


def decoded(path: Path, layout: Layout) -> str:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for encoding in layout.format.encodings:
        try:
            return content.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise AssertionError(f"{path} is in none of {layout.format.encodings}")


def columns(path: Path, layout: Layout) -> set[str]:
    if layout.format.type == "xlsx":
        return set(cells(path, layout)[0])
    text = decoded(path, layout)
    if layout.format.type == "json":
        answer = json.loads(text)
        return set(answer["columns"]) if isinstance(answer, dict) else {variable["Label"] for variable in answer[0]["Variables"]}
    assert text.endswith("\n")
    if layout.format.type == "csv":
        return set(next(csv.reader(text.splitlines(), delimiter=layout.format.delimiter)))
    return {leaf for line in text.splitlines() for leaf in leaves(json.loads(line))}


def cells(path: Path, layout: Layout) -> list[list[Any]]:
    book = CalamineWorkbook.from_path(path)
    return book.get_sheet_by_name(layout.format.sheet or book.sheet_names[0]).to_python()


def leaves(value: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for key, inner in value.items():
        found |= leaves(inner, f"{prefix}{key}.") if isinstance(inner, dict) else {prefix + key}
    return found


@pytest.mark.parametrize("root", ["committed", "small"])
def test_every_file_fits_exactly_one_layout(root: str, small: Path) -> None:
    extracts = load().extracts
    seen = set()
    for path in deliveries(SAMPLE if root == "committed" else small):
        found = matching(path, extracts)
        assert len(found) == 1, (path.name, [name for name, _ in found])
        name, layout = found[0]
        seen.add((name, layout.id))
        read = {column for source in layout.columns.values() for column in source.columns}
        known = read | set(layout.ignore) | set(layout.personal)
        there = columns(path, layout)
        if layout.format.type == "ndjson":
            assert all(any(leaf == k or leaf.startswith(k + ".") for k in known) for leaf in there), path.name
            assert read <= there
        else:
            assert read <= there <= known, (path.name, there ^ known)
            if name in ("puzzel_call_events", "zendesk_tickets"):
                assert there == known  # all the columns the system writes
    expected = {(e.extract, layout.id) for e in extracts.values() for layout in e.layouts}
    assert expected - {("puzzel_opening_hours", "csv")} == seen


def test_nobody_real_is_in_it() -> None:
    cpr = re.compile(r"\b([0-3]\d)([01]\d)(\d\d)[- ]?\d{4}\b")
    shaped, extracts = defaultdict(int), load().extracts
    for path in deliveries(SAMPLE):
        layout = matching(path, extracts)[0][1]
        if layout.format.type == "xlsx":
            text = "\n".join(";".join(str(cell) for cell in row) for row in cells(path, layout))
        else:
            text = decoded(path, layout)
        for phone in re.findall(r"\+\d+", text):
            assert re.fullmatch(r"\+4500\d{6}", phone), phone
            shaped["phone"] += 1
        for mail in re.findall(r"\S+@[\w.]+", text):
            assert mail.endswith("@example.invalid"), mail
            shaped["mail"] += 1
        for day, month, year in (match.groups() for match in cpr.finditer(text)):
            with pytest.raises(ValueError):
                date(2000 + int(year), int(month), int(day))
            shaped["cpr"] += 1
        shaped["name"] += text.count("Syntetisk ")
    assert all(shaped[kind] > 100 for kind in ("phone", "mail", "cpr", "name")), dict(shaped)


def test_calls_cross_both_clock_changes() -> None:
    backwards, spring = 0, 0
    for path in SAMPLE.glob("*/puzzel/call_events_*.csv"):
        last: dict[str, str] = {}
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            begun = row["dte_start"]
            assert not begun.startswith("2021-03-28 02"), "an hour that does not exist"
            spring += begun.startswith("2021-03-28 03")
            backwards += begun < last.get(row["call_id"], "")
            last[row["call_id"]] = begun
            assert re.fullmatch(r"\d{14}|\d{19}", row["call_id"])
    assert spring > 0
    assert backwards > 0, "some call runs from the first 02 o'clock into the second"


def test_it_streams(tmp_path: Path) -> None:
    """What is held does not grow with the rows: one day of calls at the most, and the buffers of the open files."""
    tracemalloc.start()
    calls.write(Out(tmp_path), Sizes(call_events=40_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.csv")) > 3_000_000
    assert peak < 1_000_000


def test_registers_speak_the_plans_words() -> None:
    """Every act, count and parameter that the sample registers name is awaited by its plan, but for the row that must be set aside."""
    plans = load().plan_paths
    rows, words = (set(rowrules.house_rows(plans, name)) for name in ("plan_rows", "plan_words"))
    unknown = []
    for register in REGISTERS:
        for line in register.events:
            _, row, act, *_ = line.split()
            assert (register.plan, row, "act", act) in words, line
        for line in register.assessments:
            _, row, parameter, *_ = line.split()
            assert (register.plan, row) in rows and (parameter == "-" or (register.plan, row, "parameter", parameter) in words), (
                line
            )
        for line in register.items:
            assert (register.plan, line.split()[0]) in rows, line
        unknown += [line for line in register.counts if (register.plan, line.split()[1]) not in rows]
    assert unknown == ["2021-09-24 B1.3 konkrete_forslag 4"]


def test_registers_show_every_kind_of_row() -> None:
    """Workbook and CSV, approved and not, by the same person, wrong in each way that a row rule names."""
    marks = {mark for register in REGISTERS for line in (*register.events, *register.counts) for mark in line.split()[4:]}
    assert {"?", "=", "!"} <= marks
    assert {register.form for register in REGISTERS} == {"xlsx", "utf-8", "windows-1252"}
    assert {len(register.deliveries) for register in REGISTERS} == {2, 4}


def test_it_holds_rows_that_must_be_set_aside() -> None:
    """One time in the hour that spring skips, one day that does not exist; both whole rows otherwise."""
    for pattern, wrong, separator in (
        ("*/zendesk/*.csv", "2021-03-28 02:30", ","),
        ("*/p360/*2022-01-05.csv", "31-02-2021", ";"),
        ("*/estherh/*2021-01-05.csv", "14-12-2020;11-12-2020", ";"),
    ):
        lines = next(SAMPLE.glob(pattern)).read_text(encoding="utf-8-sig").splitlines()
        found = [line for line in lines if wrong in line]
        assert len(found) == 1
        assert found[0].count(separator) == lines[0].count(separator)
