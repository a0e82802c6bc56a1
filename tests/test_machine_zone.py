"""Whatever zone the machine is in, the same deliveries give the same stored bytes and the same ledger: Danish wall time with the hour
that comes twice, UTC, offsets, an extract's own zone, Excel's dates, arrivals and withdrawals without a zone.

A process each, since the zone is read when a process begins.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from both_plans import case_row, workbook
from world import World

pytestmark = pytest.mark.long

ZONES = ("UTC", "Pacific/Auckland", "America/Los_Angeles")
AUTUMN = datetime(2021, 10, 31, 2, 30)
TAKE = """
import dataclasses, hashlib, json, sys
from pathlib import Path
from world import World
w = World(Path(sys.argv[1]), Path(sys.argv[2]))
w.take()
rows = [dataclasses.asdict(d) for d in w.ledger.recorded()]
said = {"deliveries": rows, "rejects": [dataclasses.astuple(r) for r in w.ledger.rejects()], "withdrawn": w.ledger.withdrawals()}
said["latest"] = w.ledger.latest_arrival()
store = sorted(p for p in w.home.store.rglob("*.parquet"))
said["store"] = [(p.relative_to(w.home.path).as_posix(), hashlib.sha256(p.read_bytes()).hexdigest()) for p in store]
print(json.dumps(said, default=str))
"""


def deliver(world: World) -> None:
    for minute, sequence in ((0, 1), (10, 2), (50, 3), (5, 4)):  # the fourth event runs back: it is the later of the two hours
        kind = {"q": "q_borger"} if sequence > 1 else {}
        start = AUTUMN.replace(minute=minute)
        world.event(
            "9000000000000000001",
            sequence,
            "q" if kind else "i",
            start,
            queue_key=kind.get("q", ""),
            result_code="h" if kind else "",
        )
    world.call(datetime(2021, 10, 31, 23, 59), 1_000, answered=True)
    world.call(datetime(2021, 3, 28, 1, 59), 1_000, answered=True)
    world.deliver_calls("2021-10", "2021-11-05T0700")
    world.deliver_outages([(AUTUMN, AUTUMN + timedelta(hours=2))], "2021-11-01T0030")
    ticket: dict[str, Any] = {"minutes": 5, "business": 5, "solved": datetime(2021, 10, 31, 1, 30, tzinfo=UTC)}
    world.deliver_tickets(
        "2021-11-10T2359", [{"created": datetime(2021, 10, 31, hour, 30, tzinfo=UTC), **ticket} for hour in (0, 1, 22, 23)]
    )
    case = {"id": "21/1", "type": "ED", "created": date(2021, 10, 31), "received": date(2021, 3, 28), "closed": None}
    world.deliver("2021-11-10T0000", "p360", "p360_sager_2021-11-10.xlsx", workbook([case_row(case)]))
    plain = world.deliver(
        "2021-12-01T0000", "offset", "offset_a.csv", "id,at\n1,2021-10-31T02:30:00+02:00\n2,2021-10-31T02:30:00Z\n"
    )
    (plain.parents[2] / "offset_b.csv").write_text("id,at\n3,2021-10-31T02:30:00\n4,2021-03-28T02:30:00\n")
    (plain.parents[2] / "arrivals.csv").write_text("file,received_at,system\noffset_b.csv,2021-10-31 02:30,offset\n")


def declare(root: Path) -> None:
    (root / "expectations" / "tables").mkdir(parents=True)
    (root / "expectations" / "tables" / "moments.yaml").write_text(
        'table: moments\ncomment: "m"\nkey: [moment_id]\noptional: true\ncolumns:\n  moment_id: {type: varchar, comment: "m"}\n'
        '  moment_at: {type: timestamp, comment: "m"}\n  day: {type: date, comment: "m"}\n  minute: {type: integer, comment: "m"}\n'
        '  is_assumed: {type: boolean, comment: "m"}\n'
    )
    (root / "expectations" / "offset.yaml").write_text(
        'extract: offset\nsummary: "s"\nsystem: offset\nsupplier: "s"\ntable: moments\nfiles: ["offset*.csv"]\nsuperseding: key\n'
        "limits: {max_set_aside_share: 1.0}\nlayouts:\n  - id: csv\n    format: {type: csv}\n    zone: Australia/Lord_Howe\n    columns:\n"
        "      moment_id: {from: id}\n      moment_at: {from: at}\n      day: {local_date_of: at}\n      minute: {local_minute_of: at}\n"
        "      is_assumed: {hour_assumed_of: at}\n"
    )


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any]]:
    """What each zone's process says of the same deliveries, and its home."""
    declared = tmp_path_factory.mktemp("declared")
    declare(declared)
    running = {}
    for zone in ZONES:
        folder = tmp_path_factory.mktemp("zone")
        deliver(World(folder, declared))
        command = [sys.executable, "-c", TAKE, str(folder), str(declared)]
        paths = [str(Path(__file__).parent), *sys.path]
        environment = {**os.environ, "TZ": zone, "PYTHONPATH": os.pathsep.join(paths)}
        running[zone] = folder, subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    found = {}
    for zone, (folder, process) in running.items():
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        found[zone] = folder, json.loads(out.splitlines()[-1])
    return found


@pytest.mark.parametrize("zone", ZONES[1:])
def test_the_machines_zone_changes_no_byte(taken: dict[str, tuple[Path, Any]], zone: str) -> None:
    assert taken[zone][1] == taken["UTC"][1]
    assert len(taken[zone][1]["store"]) == 6


def test_the_times_are_what_a_danish_clock_says(taken: dict[str, tuple[Path, Any]]) -> None:
    """Else they could agree and all be wrong."""
    folder, said = taken["Pacific/Auckland"]
    arrivals = {d["name"]: d["arrived_at"] for d in said["deliveries"]}
    assert arrivals["puzzel_call_events_2021-10.csv"] == "2021-11-05 06:00:00+00:00"
    assert arrivals["p360_sager_2021-11-10.xlsx"] == "2021-11-09 23:00:00+00:00"
    assert arrivals["offset_b.csv"] == "2021-10-31 00:30:00+00:00"
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        moments = con.execute(
            f"select moment_id, moment_at, day, minute from '{folder}/home/store/moments/*.parquet' order by 1"
        ).fetchall()
        tickets = con.execute(
            f"select created_date, created_minute from '{folder}/home/store/tickets/*.parquet' order by all"
        ).fetchall()
    day = date(2021, 10, 31)
    assert moments == [
        ("1", datetime(2021, 10, 31, 0, 30), day, 150),
        ("2", datetime(2021, 10, 31, 2, 30), day, 210),
        ("3", datetime(2021, 10, 30, 15, 30), date(2021, 10, 30), 1050),
        ("4", datetime(2021, 3, 27, 15, 30), date(2021, 3, 27), 990),
    ]
    assert tickets == [(day, 150), (day, 150), (day, 23 * 60 + 30), (date(2021, 11, 1), 30)]
