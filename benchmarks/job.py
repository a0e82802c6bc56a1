"""What the whole-job benchmark's scripts do alike, so that they differ in their engine and in nothing else.

Which files there are and which count, the lists of a few rows, the rules that are held, and the last arithmetic (shares, verdicts)
in exact fractions. The scripts (with_pandas.py, with_polars.py, with_duckdb.py) are what a skilled analyst would write for this one
job and take nothing from the project; ours.py gives its answers in the same form.

The job: call events, tickets, cases and jobcentre panel are cast strictly (a row with a bad value is set aside under a code
and its column), the rules below are held against each file, typed Parquet is written, the newest rows are found, and the rows M2.A to
M2.F and M4 of the plan star-2021 are counted with exclusions by reason and graded. Left to the project alone: the look for
personal numbers, line numbers of what was set aside, the lists' own rules.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.measured import measured

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
AS_OF = date(2021, 12, 31)
LIMIT_MS, LIMIT_MINUTES = 240_000, 1_440
AREAS = {"M2.C": ["eos_drift"], "M2.D": ["eos_drift"], "M2.E": ["eos_klage", "cka_klage"], "M2.F": ["eos_klage", "cka_klage"]}
AGE_MONTHS = {"M2.D": 3, "M2.F": 4}
BEST, STEPS = (15, 12, 9, 6), {15: 100, 12: 75, 9: 50, 6: 25}
CASH = ("uddannelseshjaelp", "kontanthjaelp", "sho_ydelse", "overgangsydelse")
RULES = {  # the contracts' rules on the four tables; each is held against each file
    "call_events": [
        "CALL-KEY-TWICE",
        "CALL-SEQUENCE-TWICE",
        "CALL-QUEUE-UNKNOWN",
        "CALL-DURATION-NEGATIVE",
        "CALL-DURATION-LONG",
        "CALL-SPEAK-BEFORE-START",
        "CALL-ANSWER-WITHOUT-TIME",
        "CALL-WITHOUT-INITIATION",
        "CALL-DAYS-FEW",
    ],
    "tickets": [
        "TICKET-KEY-TWICE",
        "TICKET-REPLY-NEGATIVE",
        "TICKET-FROM-THE-FUTURE",
        "TICKET-SOLVED-BEFORE-CREATED",
        "TICKET-BUSINESS-ABOVE-CALENDAR",
        "TICKET-DAYS-FEW",
    ],
    "cases": [
        "CASE-KEY-TWICE",
        "CASE-TYPE-UNKNOWN",
        "CASE-FROM-THE-FUTURE",
        "CASE-CLOSED-BEFORE-CREATED",
        "CASE-RECEIVED-AFTER-CREATED",
        "CASE-STATUS-DISAGREES",
        "CASE-REOPENING-INCOMPLETE",
        "CASE-ROWS-FEW",
    ],
    "jobcentre_panel": [
        "PANEL-KEY-TWICE",
        "PANEL-BENEFIT-UNKNOWN",
        "PANEL-JOBCENTRE-UNKNOWN",
        "PANEL-STAYS-OVERLAP",
        "PANEL-TWO-JOBCENTRES",
        "PANEL-LEFT-BEFORE-ENTERED",
        "PANEL-ENTERED-AFTER-QUARTER",
        "PANEL-LEFT-AFTER-QUARTER",
        "PANEL-EXIT-INCOMPLETE",
        "PANEL-HOURS-NEGATIVE",
        "PANEL-SENIORITY-NEGATIVE",
        "PANEL-JOBCENTRES-FEW",
    ],
}
Groups = dict[str, tuple[int, int, int]]  # group → numerator, denominator, of which unknown


@dataclass(frozen=True)
class File:
    """A delivered file: when it came (UTC), and the words of its name that say its period."""

    path: Path
    arrived: datetime
    period: str


@dataclass(frozen=True)
class Outage:
    """An approved outage: its system, its instants (UTC), its Danish days."""

    system: str
    began: datetime
    ended: datetime
    began_date: date
    ended_date: date


@dataclass(frozen=True)
class Lists:
    """The tables of a few rows, as they stand when everything is in."""

    queues: dict[str, str]
    outages: list[Outage]
    case_types: dict[str, str]
    benefits: dict[str, tuple[str, bool]]
    jobcentres: list[str]
    mailboxes: dict[str, tuple[date, date | None]]
    counts: dict[tuple[str, date], tuple[date, int, int]]  # mailbox, first day → last day, received, answered


class Answers:
    """What a script finds, in the form in which all are compared."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {table: {"kept": 0, "set_aside": Counter()} for table in RULES}
        self.failed: Counter[str] = Counter()
        self.figures: dict[str, dict[str, Any]] = {}
        self.readings: dict[str, dict[str, Any]] = defaultdict(dict)

    def file(self, table: str, kept: int, set_aside: dict[str, int], failed: Iterable[tuple[str, int]]) -> None:
        """One file's rows, and of each rule how many rows do not fit it."""
        self.rows[table]["kept"] += kept
        self.rows[table]["set_aside"].update(set_aside)
        found = dict(failed)
        assert list(found) == RULES[table], set(RULES[table]) ^ set(found)
        self.failed.update(code for code, times in found.items() if times)

    def figure(self, row: str, groups: Groups, excluded: dict[str, int], reading: str = "", kind: str = "") -> None:
        """A row's figure under the approved reading, or under another; `kind` says what is made of its groups, if not their sum."""
        if row == "M4":
            answer = _best(groups, kind)
        else:
            answer = _pooled(groups, _FACTORS[row])
            answer |= {"value": _of_groups(groups, _FACTORS[row], kind)} if kind else {}
        if reading:
            self.readings[row][reading] = answer
            return
        verdict = _verdict(row, answer, groups)
        self.figures[row] = answer | {"excluded": dict(sorted(excluded.items())), "verdict": verdict}

    def plain(self) -> dict[str, Any]:
        """As JSON will have it."""
        rows = {t: {"kept": r["kept"], "set_aside": dict(sorted(r["set_aside"].items()))} for t, r in self.rows.items()}
        return {"rows": rows, "rules": dict(sorted(self.failed.items())), "figures": self.figures, "readings": self.readings}


_FACTORS = {
    "M2.A": Fraction(100),
    "M2.B": Fraction(100),
    "M2.C": Fraction(1, 7),
    "M2.D": Fraction(100),
    "M2.E": Fraction(1, 7),
} | {"M2.F": Fraction(100)}
_TARGETS = {"M2.A": (90, 1), "M2.B": (92, 1), "M2.C": (7, -1), "M2.D": (10, -1), "M2.E": (8, -1), "M2.F": (10, -1)}


def _pooled(groups: Groups, factor: Fraction) -> dict[str, Any]:
    numerator, denominator, unknown = (sum(g[i] for g in groups.values()) for i in range(3))
    value = Fraction(numerator, denominator) * factor if denominator and not unknown else None
    return {"numerator": str(numerator), "denominator": str(denominator), "value": str(value)}


def _of_groups(groups: Groups, factor: Fraction, kind: str) -> str:
    shares = [Fraction(n, d) * factor for n, d, _ in groups.values() if d]
    found = {"mean": sum(shares, Fraction(0)) / len(shares), "least": min(shares), "most": max(shares)}
    return str(found[kind])


def _best(groups: Groups, kind: str = "", n: int = BEST[0]) -> dict[str, Any]:
    """The n jobcentres with the largest shares; kind: what of them, how ties are broken, and the least size."""
    of, ties, *least = (kind or "pooled larger").split()
    sizes = {"larger": -1, "smaller": 1}.get(ties, 0)
    large = {key: g for key, g in groups.items() if g[1] and g[1] >= int(least[0] if least else 0)}
    ranked = sorted(large.items(), key=lambda item: (-Fraction(*item[1][:2]), sizes * item[1][1], item[0]))
    if len(ranked) < n:
        return dict.fromkeys(("numerator", "denominator", "value"), "None")
    taken = [g for _, g in ranked[:n]]
    if ties == "all":
        taken += [g for _, g in ranked[n:] if Fraction(*g[:2]) == Fraction(*taken[-1][:2])]
    shares = [Fraction(*g[:2]) for g in taken]
    numerator, denominator = sum(g[0] for g in taken), sum(g[1] for g in taken)
    values = {"pooled": Fraction(numerator, denominator), "each": min(shares), "mean": sum(shares, Fraction(0)) / len(shares)}
    return {"numerator": str(numerator), "denominator": str(denominator), "value": str(values[of] * 100)}


def _verdict(row: str, answer: dict[str, Any], groups: Groups) -> str:
    if row == "M4":
        degree = max((STEPS[n] for n in BEST if len(groups) >= n and Fraction(_best(groups, n=n)["value"]) >= 25), default=0)
        return {100: "opfyldt", 0: "ikke opfyldt"}.get(degree, "delvist opfyldt")
    target, sign = _TARGETS[row]
    return "opfyldt" if sign * Fraction(answer["value"]) >= sign * target else "ikke opfyldt"


# --- files and lists ----------------------------------------------------------------------------------------------------------


def files(deliveries: Path, system: str, pattern: str) -> list[File]:
    """Files of a system whose names hold the pattern, in order of arrival; its group is the period."""
    found = []
    for path in sorted(deliveries.glob(f"*/{system}/*")):
        if match := re.search(pattern, path.name):
            local = datetime.strptime(path.parent.parent.name, "%Y-%m-%dT%H%M").replace(tzinfo=COPENHAGEN)
            found.append(File(path, local.astimezone(UTC).replace(tzinfo=None), "".join(match.groups())))
    return sorted(found, key=lambda f: (f.arrived, f.path.name))


def newest(found: list[File]) -> list[File]:
    """Of each period the file that came last."""
    return list({file.period: file for file in found}.values())


def lists(deliveries: Path) -> Lists:
    """Everything small, read with the standard library."""

    def last(system: str, pattern: str) -> list[dict[str, str]]:
        return _rows(files(deliveries, system, pattern)[-1].path)

    outages = []
    for row in last("puzzel", "driftsforstyrrelser"):
        began, ended = (datetime.strptime(row[name], "%d-%m-%Y %H:%M") for name in ("begyndt", "afsluttet"))
        if row["godkendt_dato"]:
            instants = [t.replace(tzinfo=COPENHAGEN).astimezone(UTC).replace(tzinfo=None) for t in (began, ended)]
            outages.append(Outage(row["system"], instants[0], instants[1], began.date(), ended.date()))
    counts = {}
    for file in files(deliveries, "postkasser", "postkasse_optaelling"):
        for row in _rows(file.path):
            received, answered = (int(row[name].replace(".", "")) for name in ("antal_modtaget", "antal_besvaret_24t"))
            key = (row["funktionspostkasse"], _day(row["periode_fra"]))
            counts[key] = (_day(row["periode_til"]), received, answered)
    areas = {"EØS drift": "eos_drift", "EØS klage": "eos_klage", "CKA klage": "cka_klage", "andet": "andet"}
    return Lists(
        {row["kø"]: row["område"] for row in last("puzzel", "koeliste")},
        outages,
        {row["sagstype"]: areas[row["område"]] for row in last("p360", "sagstyper")},
        {
            row["ydelseskode"]: (row["ydelsesgruppe"], row["introduktionsprogram"] == "ja")
            for row in last("jobcenter", "ydelseskoder")
        },
        [row["jobcenter_id"] for row in last("jobcenter", "jobcentre_liste")],
        {
            row["funktionspostkasse"]: (_day(row["gyldig_fra"]), _day(row["gyldig_til"]) if row["gyldig_til"] else None)
            for row in last("postkasser", "funktionspostkasser")
        },
        counts,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text("windows-1252")
    return list(csv.DictReader(text.splitlines(), delimiter=";"))


def _day(text: str) -> date:
    return datetime.strptime(text, "%d-%m-%Y").date()


def mailboxes(found: Lists, after: date, as_of: date) -> tuple[Groups, int]:
    """The hand counts that lie inside the window, by mailbox, and how many lie outside. Raises SystemExit where one is missing."""
    inside = {key: c for key, c in found.counts.items() if key[1] > after and c[0] <= as_of}
    groups: Groups = {}
    for box, (since, until) in found.mailboxes.items():
        days = {d for (name, first), (last, _, _) in inside.items() if name == box for d in _days(first, last)}
        if set(_days(max(since, after + timedelta(days=1)), min(until or as_of, as_of))) - days:
            raise SystemExit(f"{box} was not counted for the whole year")
        mine = [c for (name, _), c in inside.items() if name == box]
        groups[box] = (sum(c[2] for c in mine), sum(c[1] for c in mine), 0)
    return groups, len(found.counts) - len(inside)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def main(job: Callable[..., Answers]) -> int:
    """A script's own process: `python -m benchmarks.with_… run DELIVERIES OUT` or `… count DELIVERIES OUT AS_OF` over what `run`
    has stored. Prints times, memory and answers as one line of JSON."""
    word, deliveries, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    import_module("zoneinfo")
    if word == "run":
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        done, found = measured(lambda: job(deliveries, out, AS_OF))
    else:
        done, found = measured(lambda: job(deliveries, out, date.fromisoformat(sys.argv[4]), is_stored=True))
    print(json.dumps(done | {"found": found.plain()}))
    return 0
