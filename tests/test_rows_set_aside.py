"""Beside every figure stands how many rows could not be read of what it builds on: of every file that counts, of every extract, of
every table, at the date of knowledge."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from both_plans import deliver_all
from world import World

from maalopfyldelse.contract import Limits

STAR, SIRI = date(2021, 12, 31), date(2020, 12, 31)
# Which extracts can change a figure; written down from the queries, not asked of them.
CALLS = ["puzzel_call_events", "puzzel_queues", "puzzel_outages", "puzzel_opening_hours"]
REPLIES = ["zendesk_tickets", "postkasse_optaelling", "funktionspostkasser", "puzzel_outages"]
CASES = ["p360_cases", "p360_case_types"]
PANEL = ["jobcentre_panel", "jobcentre_benefit_codes"]
OF_ROW = {"M2.A": CALLS, "M2.B": REPLIES, "M2.C": CASES, "M2.D": CASES, "M2.E": CASES, "M2.F": CASES, "M4": PANEL}
OF_ROW["M2"] = sorted({e for row in ("M2.A", "M2.B", "M2.C") for e in OF_ROW[row]})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Both plans' deliveries with unreadable lines in each text file, another number in each, and March delivered again without."""
    world = deliver_all(World(tmp_path_factory.mktemp("aside")))
    lenient = {
        name: e.model_copy(update={"limits": Limits(max_set_aside_share=1)}) for name, e in world.declared.extracts.items()
    }
    world.declared = replace(world.declared, extracts=lenient)
    for n, path in enumerate(sorted(world.deliveries.rglob("*.*"))):
        if path.suffix in (".csv", ".json"):
            spoil(path, 1 + n % 7)
    [march] = world.deliveries.rglob("puzzel_call_events_2021-03.csv")
    whole = [line for line in march.read_text().splitlines(keepends=True) if "," in line]
    world.deliver("2022-01-20T0800", "puzzel", march.name, "".join(whole))
    world.take()
    return world


def spoil(path: Path, lines: int) -> None:
    """Puts lines behind the first that are no rows of the file."""
    content = path.read_bytes()
    at = content.index(b"\n") + 1
    path.write_bytes(content[:at] + b'"no row"\n' * lines + content[at:])


def aside(world: World, extracts: list[str], known_at: str = "2023") -> int:
    """The spoilt lines of the files that count: the newest, the newest of each period, or all where the contract keys rows."""
    total = 0
    for name in extracts:
        files = [p for p in world.deliveries.rglob("*.*") if p.suffix in (".csv", ".json", ".xlsx") and p.parts[-3] < known_at]
        deliveries = {(d.name, d.arrived_at): d for d in world.ledger.deliveries(name)}
        mine = [p for p in files if any(d.name == p.name for d in deliveries.values())]
        groups: dict[str, list[Path]] = defaultdict(list)
        for path in mine:
            key = {"whole": "", "period": path.name, "key": str(path)}[world.declared.extracts[name].superseding]
            groups[key].append(path)
        total += sum(max(paths, key=str).read_bytes().count(b'"no row"\n') for paths in groups.values())
    return total


@pytest.mark.parametrize("row", OF_ROW)
def test_every_extract_that_fills_a_table_of_the_figure_is_counted(world: World, row: str) -> None:
    expected = aside(world, OF_ROW[row])
    assert expected > 0
    assert world.line("star-2021", row, STAR).rows_set_aside == expected


def test_the_total_counts_every_table_of_the_plan_once(world: World) -> None:
    everything = sorted({e for extracts in OF_ROW.values() for e in extracts})
    lines = {line.row: line for line in world.compute("star-2021", STAR).lines}
    assert lines["total"].rows_set_aside >= aside(world, everything) > 0
    assert lines["total"].rows_set_aside < sum(line.rows_set_aside for line in lines.values() if line.scores)
    assert lines["M1"].rows_set_aside == 0


def test_it_is_what_was_known_then(world: World) -> None:
    before, after = (
        world.line("star-2021", "M2.A", STAR, known_at).rows_set_aside for known_at in ("2022-01-20T0759", "2022-01-20T0800")
    )
    assert (before, after) == (aside(world, CALLS, "2022-01-20"), aside(world, CALLS))
    assert before > after


def test_other_plans_figures_are_not_touched(world: World) -> None:
    assert world.line("siri-2020", "2.3", SIRI).rows_set_aside == aside(world, ["isola_absence"]) > 0
