"""Call events in any number, in the telephone system's own CSV form: `python -m benchmarks.calls OUT --call-events N`.

For measuring, not for plans: whole calls, ids of 14 and 19 digits, Danish wall time with milliseconds, phone numbers on every
event. Each row follows from its number alone, so the same N gives the same bytes and nothing is held in memory. The
sample's calls, with stories that plans can count, are maalopfyldelse/sample/calls.py's.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

import duckdb

from maalopfyldelse.dates import add_months
from maalopfyldelse.sample.calls import COLUMNS
from maalopfyldelse.sample.common import CHANGES, milliseconds, offset

# Calls as their events: i initiation, m menu, q queue, c conversation, with the result each ends in. A round of these makes 61.
_ANSWERED, _MENU, _GONE = ["i", "qk", "ck"], ["i", "mk", "qk", "ck"], ["i", "qh"]
_MOVED = ["i", "qt", "qk", "ck", "qk", "ck"]
ROUND = ([_ANSWERED] * 3 + [_GONE, _MENU, _ANSWERED, _MENU, _GONE, _ANSWERED, _MENU]) * 2
ROUND[9] = _MOVED
_EVENTS = [(call, step, event) for call, events in enumerate(ROUND) for step, event in enumerate(events)]
_STEP_MS = 61_003  # from one event of a call to the next


def write_month(path: Path, events: int, month: date, first_event: int = 0) -> None:
    """`events` rows of one month into a file; `first_event` is the number of rows in the months before."""
    begin, end = (milliseconds(day) - offset(milliseconds(day)) for day in (month, add_months(month, 1)))
    changes = [c for c in CHANGES if begin < c < end]
    assert len(changes) <= 1
    change = changes[0] if changes else end
    before, after = offset(begin), offset(end - 1)
    calls = max(1, events * len(ROUND) // len(_EVENTS))
    con = duckdb.connect(config={"threads": 2})
    con.execute("set preserve_insertion_order = true")
    lists = {
        "call": [call for call, _, _ in _EVENTS],
        "step": [step for _, step, _ in _EVENTS],
        "kind": [event[0] for _, _, event in _EVENTS],
        "result": [event[1:] or None for _, _, event in _EVENTS],
    }
    for name, values in lists.items():
        con.execute(f"set variable round_{name} = ?", [values])
    at = f"(e % {len(_EVENTS)} + 1)"
    rows = f"""
        with numbered as (
            select e, e // {len(_EVENTS)} * {len(ROUND)} + getvariable('round_call')[{at}] as call, getvariable('round_step')[{at}] as step,
                getvariable('round_kind')[{at}] as kind, getvariable('round_result')[{at}] as result
            from (select range as e from range({first_event}, {first_event + events}))
        ), timed as (
            -- the months' calls come one after another; numbers look drawn, and follow from the call's
            select *, {begin} + (call - {first_event // len(_EVENTS) * len(ROUND)}) * {end - begin - 600_000} // {calls}
                + step * {_STEP_MS} as utc_ms, call * 2654435761 % 4294967296 as drawn
            from numbered
        )
        select e + 1, 7,
            case when call % 3 = 0 then 10000000000000 + (call + 1)::hugeint * 7182818284590451 % 10000000000000
                else 1000000000000000000 + (call + 1)::hugeint * 7182818284590451 % 1000000000000000000 end,
            step + 1, case when call % 50 = 0 then 3 else 1 end, kind, result,
            case when kind in ('q', 'c') then ['q_borger', 'q_virksomhed', 'q_omstilling'][drawn % 3 + 1] end,
            strftime(make_timestamp_ms(utc_ms + case when utc_ms < {change} then {before} else {after} end), '%Y-%m-%d %H:%M:%S.%g'),
            drawn % 300,
            case when kind = 'c' then strftime(make_timestamp_ms(
                utc_ms + case when utc_ms < {change} then {before} else {after} end), '%Y-%m-%d %H:%M:%S.%g') end,
            case when kind = 'c' then drawn % 300 end,
            case when kind = 'i' then '+4500' || lpad(cast(drawn % 1000000 as varchar), 6, '0') end,
            null, null, null, null, null, null
        from timed
    """
    names = ", ".join(f'"{name}"' for name in COLUMNS.strip().split(","))
    target = str(path).replace("'", "''")
    con.execute(f"copy (select * from ({rows}) as t({names})) to '{target}' (format csv, header true)")
    con.close()


def write_year(folder: Path, events: int, year: int = 2021) -> None:
    """A year of monthly files, each received on the 5th of the month after: FOLDER/RECEIVED-AT/puzzel/call_events_YYYY-MM.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SYNTHETIC").touch()
    for number in range(12):
        month = date(year, number + 1, 1)
        received = folder / f"{add_months(month, 1):%Y-%m}-05T0700" / "puzzel"
        received.mkdir(parents=True, exist_ok=True)
        first, last = (events * k // 12 for k in (number, number + 1))
        write_month(received / f"call_events_{month:%Y-%m}.csv", last - first, month, first)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=__doc__)
    parser.add_argument("out", type=Path, help="a folder of deliveries to write into")
    parser.add_argument("--call-events", type=int, default=1_000_000)
    given = parser.parse_args(arguments)
    write_year(given.out, given.call_events)
    return 0


if __name__ == "__main__":
    sys.exit(main())
