"""9,989 real service requests, which nobody here wrote, counted through a declared folder without a line of Python.

The oracle reads the file with the standard library and counts the obvious way. Skipped where the file is absent.
"""

from __future__ import annotations

import csv
import json
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from shutil import copyfile

import pytest
from world import World

from maalopfyldelse.declared import REPOSITORY
from pipelines.cli import main

REAL = REPOSITORY.parent / "shared" / "real" / "la311_2020_requests.csv"
DECLARED = Path(__file__).parent / "la311"
DATES = [date(2020, 1, 31), date(2020, 3, 31), date(2020, 6, 30), date(2020, 9, 15), date(2020, 12, 31)]

pytestmark = pytest.mark.skipif(not REAL.exists(), reason="the real requests are not beside the repository")


def _oracle(as_of: date) -> tuple[Fraction | None, Fraction | None]:
    with REAL.open(newline="") as handle:
        rows = [
            tuple(datetime.fromisoformat(row[c]).date() if row[c] else None for c in ("created_date", "closed_date"))
            for row in csv.DictReader(handle)
        ]
    year_before = as_of.replace(year=as_of.year - 1)
    days = [(closed - made).days for made, closed in rows if made and closed and year_before < closed <= as_of]
    pending = [made for made, closed in rows if made and made <= as_of and (closed is None or closed > as_of)]
    old = [made for made in pending if made + timedelta(days=14) < as_of]
    return Fraction(sum(days), len(days)) if days else None, Fraction(100 * len(old), len(pending)) if pending else None


def _deliver(folder: Path) -> Path:
    deliveries = folder / "deliveries" / "2021-01-15T0800" / "la311"
    deliveries.mkdir(parents=True)
    copyfile(REAL, deliveries / REAL.name)
    (deliveries / "la311_types.csv").write_text("type_id,area\n" + "".join(f"{n},andet\n" for n in range(1, 12)))
    return folder / "deliveries"


def test_figures_agree_with_the_oracle_at_several_dates(tmp_path: Path) -> None:
    _deliver(tmp_path)
    world = World(tmp_path, DECLARED)
    world.take()
    (stored,) = world.ledger.deliveries("la311_requests")
    assert (stored.rows_read, stored.rows_kept, stored.rows_set_aside) == (9989, 9989, 0)
    for as_of in DATES:
        lines = {line.row: line for line in world.compute("la311-2020", as_of).lines}
        assert (lines["1"].value, lines["2"].value) == _oracle(as_of), as_of


def test_editions_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deliveries = _deliver(tmp_path)
    common = ["--home", str(tmp_path / "home"), "--declared", str(DECLARED)]
    for as_of in DATES[-2:]:
        arguments = ["run", "--plan", "la311-2020", "--as-of", as_of.isoformat(), "--deliveries", str(deliveries), *common]
        assert main(arguments) == 0
        capsys.readouterr()
        assert (
            main(["show", "fulfilment", "--plan", "la311-2020", "--as-of", as_of.isoformat(), "--format", "json", *common]) == 0
        )
        rows = {row["row"]: row for row in json.loads(capsys.readouterr().out)}
        for row, expected in zip(("1", "2"), _oracle(as_of), strict=True):
            assert expected is not None and rows[row]["value"] == pytest.approx(float(expected), abs=1e-9)
        assert rows["total"]["points_low"] in (0, 40, 60, 100)
