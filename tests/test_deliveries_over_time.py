"""Deliveries over time against a slow oracle: at every state of knowledge the current rows, and where every row went, are what one
works out by hand; in whatever order the files were taken, and again when the home is deleted and built anew.

`MAAL_EXAMPLES` multiplies the number of random histories.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from intake_house import House, extract, house, table

from maalopfyldelse.home import Home
from maalopfyldelse.intake.ledger import CheckResult, Ledger

T = table({"id": "varchar", "amount": "integer"})
C = {"id": "id", "amount": "amount"}
YEAR = {"pattern": r"(?P<year>\d{4})", "every": "year", "since": "2019"}
START = datetime(2021, 1, 1, 7, tzinfo=UTC)  # 08:00 in Denmark, in winter
UNLUCKY = 13  # a delivery with this amount fails a critical rule
EXAMPLES = 6 * int(os.environ.get("MAAL_EXAMPLES", "1"))


@dataclass(frozen=True)
class Sent:
    """A file: on which day of January 2021 it came, of which year it speaks, what stands in it."""

    day: int
    year: int
    letter: str
    text: str

    @property
    def at(self) -> datetime:
        return START + timedelta(days=self.day)

    @property
    def name(self) -> str:
        return f"{self.letter}_{self.year}.csv"

    @property
    def delivery_id(self) -> str:
        return f"things_csv-{hashlib.sha256(self.text.encode()).hexdigest()[:12]}"

    @property
    def lines(self) -> list[list[str]]:
        return [line.split(",") for line in self.text.splitlines()[1:]]

    @property
    def kept(self) -> list[tuple[str, int]]:
        return [(key, int(amount)) for key, amount in self.lines if amount != "x"]

    def put(self, h: House) -> None:
        h.put(self.name, self.text, arrival=f"2021-01-{self.day + 1:02}T0800")


@dataclass(frozen=True)
class Account:
    """What became of the rows."""

    rows: list[tuple[str, int]]
    read: int
    aside: int
    superseded: int
    withdrawn: int
    held_back: int


Gone = list[tuple[str, datetime]]


def by_hand(sent: list[Sent], gone: Gone, superseding: str, moment: datetime) -> Account:
    """Where every row stands at a moment, worked out slowly from the files themselves."""
    first: dict[str, Sent] = {}
    for one in sorted(sent, key=lambda s: (s.at, s.name)):
        first.setdefault(one.text, one)
    arrived = [s for s in first.values() if s.at <= moment and s.text.startswith("id,amount\n")]
    withdrawn = {delivery for delivery, at in gone if at <= moment}
    staying = [s for s in arrived if s.delivery_id not in withdrawn]
    contradicted = [
        one
        for one in staying
        for other in staying
        if superseding != "key" and one != other and one.at == other.at and (superseding == "whole" or one.year == other.year)
    ]
    good = [s for s in staying if s not in contradicted and UNLUCKY not in [amount for _, amount in s.kept]]
    places: dict[Any, list[tuple[str, int]]] = {}
    for one in sorted(good, key=lambda s: (s.at, s.name)):
        if superseding == "whole":
            places = {None: one.kept}
        elif superseding == "period":
            places[one.year] = one.kept
        else:
            fresh = defaultdict(list)
            for row in one.kept:
                fresh[row[0]].append(row)
            places |= fresh
    rows = sorted(row for place in places.values() for row in place)
    return Account(
        rows,
        read=sum(len(s.lines) for s in arrived),
        aside=sum(len(s.lines) - len(s.kept) for s in arrived),
        superseded=sum(len(s.kept) for s in good) - len(rows),
        withdrawn=sum(len(s.kept) for s in arrived if s.delivery_id in withdrawn),
        held_back=sum(len(s.kept) for s in staying if s not in good),
    )


def account(h: House, moment: datetime | None) -> Account:
    """The same from the ledger and the views."""
    here = h.current(moment)
    stored = [d for d in h.ledger.deliveries(known_at=moment) if d.store_path]
    read, kept, aside = (sum(getattr(d, n) or 0 for d in stored) for n in ("rows_read", "rows_kept", "rows_set_aside"))
    assert read == kept + aside
    assert kept == here.kept_rows == here.current_rows + here.superseded_rows + here.withdrawn_rows + here.held_back_rows
    rows = h.rows("id, amount", moment)
    assert len(rows) == here.current_rows
    return Account(
        [(str(a), int(b)) for a, b in rows], read, aside, here.superseded_rows, here.withdrawn_rows, here.held_back_rows
    )


def take(h: House, sent: list[Sent]) -> None:
    """Takes what lies there and holds it against a rule, as expectations.py would."""
    h.take()
    for one in sent:
        found = h.ledger.delivery(one.delivery_id)
        if found is not None and found.store_path:
            is_good = UNLUCKY not in [amount for _, amount in one.kept]
            h.ledger.record_checks([CheckResult("things_csv", one.delivery_id, "LUCKY", "critical", is_good, 0, 1, "suite", "")])


def state(h: House, moments: list[datetime]) -> list[Any]:
    """All that a home knows of its deliveries and that figures could follow from."""
    return [
        h.ledger.deliveries(),
        h.ledger.withdrawals(),
        h.ledger.rejects(),
        h.ledger.latest_arrival(),
        [(account(h, moment), h.rows("*", moment), h.ledger.blocking(["things_csv"], moment)) for moment in moments],
        {path.name: path.read_bytes() for path in sorted(h.home.store.rglob("*.parquet"))},
    ]


rows = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "2", "x", str(UNLUCKY)])), max_size=3)
texts = rows.map(lambda found: "id,amount\n" + "".join(f"{key},{amount}\n" for key, amount in found)) | st.just("nonsense\n1\n")
files = st.builds(Sent, st.integers(0, 4), st.sampled_from([2019, 2020]), st.sampled_from("kl"), texts)


@st.composite
def histories(draw: Any) -> tuple[list[Sent], Gone, list[int]]:
    """Files (some the same bytes again, some of one period in one arrival), withdrawals, and an order of putting them there."""
    sent = draw(st.lists(files, min_size=1, max_size=5, unique_by=lambda s: (s.day, s.name)))
    gone = draw(st.lists(st.tuples(st.sampled_from(sent), st.integers(-1, 6)), max_size=2, unique_by=lambda g: g[0].text))
    order = draw(st.permutations(range(len(sent))))
    return sent, [(one.delivery_id, START + timedelta(days=day, hours=5)) for one, day in gone], list(order)


@pytest.mark.parametrize("superseding", ["whole", "period", "key"])
@given(history=histories(), at_once=st.integers(1, 3))
@settings(max_examples=EXAMPLES, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_every_state_of_knowledge_is_what_one_works_out_by_hand(
    superseding: str, history: tuple[list[Sent], Gone, list[int]], at_once: int
) -> None:
    sent, gone, order = history
    moments = sorted({one.at for one in sent} | {at for _, at in gone})
    with house(T, extract(C, superseding=superseding, period=YEAR)) as h:
        for n, i in enumerate(order):
            sent[i].put(h)
            if n == at_once and gone:
                lines = "".join(f"{delivery},{at:%Y-%m-%dT%H:%M}Z,wrong file\n" for delivery, at in gone)
                (h.folder / "withdrawals.csv").write_text("delivery,withdrawn_at,reason\n" + lines)
            if n % at_once == 0:
                take(h, sent)
        lines = "".join(f"{delivery},{at:%Y-%m-%dT%H:%M}Z,wrong file\n" for delivery, at in gone)
        (h.folder / "withdrawals.csv").write_text("delivery,withdrawn_at,reason\n" + lines)
        take(h, sent)
        for moment in moments:
            for shift in (timedelta(0), timedelta(microseconds=-1)):
                assert account(h, moment + shift) == by_hand(sent, gone, superseding, moment + shift)
        assert account(h, None) == by_hand(sent, gone, superseding, moments[-1])
        before = state(h, moments)
        h.home = Home(h.root / "anew")
        h.ledger = Ledger(h.home.ledger)
        take(h, sent)
        assert state(h, moments) == before
