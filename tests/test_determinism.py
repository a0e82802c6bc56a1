"""Same inputs, same bytes: whatever the order of files and rows, on one thread and on two, and in a home made anew."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest
from both_plans import deliver_all, workbook
from little import Little
from pyarrow.parquet import ParquetFile
from python_calamine import CalamineWorkbook
from world import CALL_COLUMNS, SIGHTED, World, stamp

from maalopfyldelse.edition import compute, publish
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.scanning import load_plan

pytestmark = pytest.mark.long

MOMENTS = [("star-2021", date(2021, 12, 31)), ("star-2021", date(2021, 6, 30)), ("siri-2020", date(2020, 12, 31))]
Bytes = dict[tuple[str, date, str], bytes]


def delivered(folder: Path) -> World:
    """The small whole, and two files of one arrival that disagree about a case."""
    world = deliver_all(World(folder))
    for name, day in (("a", date(2021, 3, 1)), ("b", date(2021, 9, 1))):
        case = {"id": "21/0004", "created": date(2021, 1, 28), "received": date(2021, 1, 28), "closed": day}
        world.deliver_cases("2022-01-07T0800", [case, {"id": f"21/9{name}", "created": day, "received": day}])
        (path,) = world.deliveries.rglob("p360_sager_2022-01-07.csv")
        path.rename(path.with_name(f"p360_sager_2022-01-07{name}.csv"))
    return world


def shuffle_rows(world: World, dice: random.Random) -> int:
    """The rows of every file in another order; how many files are now other bytes."""
    changed = 0
    for path in sorted(world.deliveries.rglob("*/*/*")):
        before = path.read_bytes()
        if path.suffix == ".xlsx":
            rows = CalamineWorkbook.from_path(path).get_sheet_by_name("Sager").to_python()
            body = rows[1:]
            dice.shuffle(body)
            path.write_bytes(workbook(body, rows[0]))
        else:
            lines = before.decode().splitlines(keepends=True)
            head = [] if path.suffix == ".json" else [lines.pop(0)]
            dice.shuffle(lines)
            path.write_text("".join([*head, *lines]))
        changed += path.read_bytes() != before
    return changed


def take_in(world: World, dice: random.Random | None) -> None:
    """Every file; with dice, in another order and in two intakes, so that a later arrival may be known before an earlier one."""
    found = scan(world.deliveries, world.declared.extracts, world.ledger, SIGHTED)
    assert not found.problems
    files, extracts = list(found.files), list(world.declared.extracts)
    parts = [files]
    if dice:
        dice.shuffle(files)
        dice.shuffle(extracts)
        parts = [files[: len(files) // 2], files]
    for part in parts:
        for extract in extracts:
            report = take_extract(
                world.home, world.declared, extract, replace(found, files=part), world.ledger, lambda text: None
            )
            assert not report.refused, report.refused


def editions(world: World, moments: list[tuple[str, date]] = MOMENTS) -> Bytes:
    """The bytes of both tables at each moment."""
    found: Bytes = {}
    for plan, as_of in moments:
        published = publish(world.compute(plan, as_of), world.ledger, reason=None, now=SIGHTED)
        for table in ("fulfilment", "results"):
            found[(plan, as_of, table)] = (published.path / f"{table}.parquet").read_bytes()
    return found


def store(world: World) -> dict[str, bytes]:
    """The typed rows."""
    return {p.relative_to(world.home.store).as_posix(): p.read_bytes() for p in sorted(world.home.store.glob("*/*.parquet"))}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Bytes]]:
    world = delivered(tmp_path_factory.mktemp("reference"))
    take_in(world, None)
    yield world, editions(world)


def test_the_figures_are_worth_comparing(reference: tuple[World, Bytes]) -> None:
    world, _ = reference
    computed = world.compute(*MOMENTS[0])
    lines = {line.row: line for line in computed.lines}
    assert computed.scanning.current["cases"].superseded_rows > 0
    assert all(lines[row].value is not None for row in ("M2.A", "M2.B", "M2.C", "M2.D", "M2.E", "M2.F", "M4"))
    assert world.ledger.deliveries("p360_cases")[-1].name.endswith("b.csv")


@pytest.mark.parametrize(("seed", "threads"), [(1, "1"), (2, "2")])
def test_neither_the_order_of_files_nor_of_rows_nor_the_threads_matter(
    reference: tuple[World, Bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, threads: str
) -> None:
    monkeypatch.setenv("MAAL_THREADS", threads)
    dice = random.Random(seed)
    world = delivered(tmp_path)
    assert shuffle_rows(world, dice) > 20
    take_in(world, dice)
    found = editions(world)
    assert [key for key, value in reference[1].items() if found[key] != value] == []


def test_a_home_made_anew_gives_the_same_bytes(reference: tuple[World, Bytes], tmp_path: Path) -> None:
    shutil.copytree(reference[0].deliveries, tmp_path / "deliveries")
    take_in(World(tmp_path), random.Random(4))
    shutil.rmtree(tmp_path / "home")
    world = World(tmp_path)
    take_in(world, random.Random(5))
    assert editions(world) == reference[1]
    assert store(world) == store(reference[0])


def test_rows_taken_again_under_a_changed_contract_are_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The delivery keeps its id, so what was counted of its earlier rows must not be taken for its new ones."""
    little = Little(tmp_path, monkeypatch)
    little.deliver_all()
    values = []
    for codes in ('y: "true", n: "false"', 'y: "true", n: "true"'):
        path = little.root / "expectations" / "letters_csv.yaml"
        path.write_text(path.read_text().replace('y: "true", n: "false"', codes))
        declared = little.declared
        found = scan(little.deliveries, declared.extracts, little.ledger, SIGHTED)
        for extract in declared.extracts:
            take_extract(little.home, declared, extract, found, little.ledger)
        known_at = little.ledger.latest_arrival()
        assert known_at is not None
        plan = load_plan(declared, "alpha")
        lines = compute(little.home, declared, little.ledger, plan, date(2021, 12, 31), known_at).lines
        values.append(lines[1].value)
    assert values == [Fraction(200, 3), Fraction(100)]


def test_a_large_file_on_one_thread_and_on_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than one row group, so that two threads really share the work, and are free to end in any order."""
    rows = []
    for n in range(45_000):
        start = datetime(2021, 1, 4) + timedelta(seconds=41 * n)
        wait, queue = 20_000 + 7 * n, ("q_borger", "q_virk", "q_andet")[n % 3]
        common = {"call_id": f"8{n:018d}", "media_type_id": 1, "duration_tot_sec": 0, "dte_updated": stamp(start)}
        rows.append(common | {"rec_id": 3 * n, "call_sequence": 1, "event_type": "i", "dte_start": stamp(start)})
        rows.append(
            common
            | {"rec_id": 3 * n + 1, "call_sequence": 2, "event_type": "q", "dte_start": stamp(start), "queue_key": queue}
            | {"result_code": "h" if n % 7 == 0 else "k", "duration_tot_sec": wait // 1000}
        )
        answer = stamp(start + timedelta(milliseconds=wait))
        rows.append(
            common
            | {"rec_id": 3 * n + 2, "call_sequence": 3, "event_type": "c", "dte_start": answer, "dte_speak_start": answer}
            | {"result_code": "h" if n % 7 == 0 else "k", "duration_speak_sec": 60}
        )
    found: list[Bytes] = []
    typed: list[pa.Table] = []
    content = b""
    for threads in ("1", "2"):
        monkeypatch.setenv("MAAL_THREADS", threads)
        world = World(tmp_path / threads)
        world.deliver_queues()
        path = world.deliveries / "2021-02-05T0800" / "puzzel" / "puzzel_call_events_2021-01.csv"
        if content:
            world.deliver("2021-02-05T0800", "puzzel", path.name, content)
        else:
            world.deliver_rows("2021-02-05T0800", "puzzel", path.name, CALL_COLUMNS, rows, ",")
            content = path.read_bytes()
        take_in(world, None)
        (stored,) = world.ledger.deliveries("puzzel_call_events")
        assert (stored.rows_kept, stored.rows_set_aside) == (135_000, 0)
        found.append(editions(world, [("star-2021", date(2021, 1, 31))]))
        typed.append(ParquetFile(world.home.path / str(stored.store_path)).read())
    assert found[0] == found[1]
    assert typed[0].equals(typed[1])  # the same rows in the same order; where a row group ends is the engine's to choose
