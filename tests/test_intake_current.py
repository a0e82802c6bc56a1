"""Which rows are current: superseding in its three kinds whatever the order of taking, states of knowledge, withdrawal, what
blocks, and that no row is lost on the way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_house import House, extract, house, table

from maalopfyldelse.engine import connect
from maalopfyldelse.errors import CallerError, MaalError
from maalopfyldelse.intake.current import CurrentTable, create_current, keep_chosen
from maalopfyldelse.intake.ledger import CheckResult
from maalopfyldelse.intake.take import take_extract

T = table({"id": "varchar", "amount": "integer"})
C = {"id": "id", "amount": "amount"}
YEAR = {"pattern": r"(?P<year>\d{4})", "every": "year", "since": "2019"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00")


def content(rows: dict[str, int]) -> str:
    return "id,amount\n" + "".join(f"{key},{amount}\n" for key, amount in rows.items())


@dataclass(frozen=True)
class Sent:
    """A delivery of the tests: when, for which year, with which rows."""

    day: int
    year: int
    rows: tuple[tuple[str, int], ...]

    @property
    def arrival(self) -> str:
        return f"{datetime(2021, 1, 1) + timedelta(days=self.day):%Y-%m-%dT0800}"

    @property
    def name(self) -> str:
        return f"things_{self.year}_{self.day:03}.csv"


def expected(sent: list[Sent], superseding: str) -> list[tuple[str, int]]:
    """The current rows, worked out slowly."""
    rows: dict[Any, list[tuple[str, int]]] = {}
    for one in sorted(sent, key=lambda s: s.day):
        if superseding == "key":
            for key, amount in one.rows:
                rows[key] = [(key, amount)]
        else:
            rows[one.year if superseding == "period" else None] = list(one.rows)
    return sorted(row for group in rows.values() for row in group)


deliveries = st.lists(
    st.builds(
        Sent,
        st.integers(0, 300),
        st.sampled_from([2019, 2020]),
        st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), max_size=3).map(lambda d: tuple(d.items())),
    ),
    min_size=1,
    max_size=4,
    unique_by=(lambda s: s.day, lambda s: s.rows),
)


@pytest.mark.parametrize("superseding", ["whole", "period", "key"])
@given(sent=deliveries, order=st.randoms(use_true_random=False), known=st.integers(0, 300))
@settings(max_examples=8, deadline=None)
def test_current_rows_do_not_depend_on_the_order_of_taking(superseding: str, sent: list[Sent], order: Any, known: int) -> None:
    shuffled = list(sent)
    order.shuffle(shuffled)
    with house(T, extract(C, superseding=superseding, period=YEAR)) as h:
        for one in shuffled:
            h.put(one.name, content(dict(one.rows)), arrival=one.arrival)
            h.take()
        assert h.rows("id, amount") == expected(sent, superseding)
        counted = h.current()
        assert counted.kept_rows == sum(len(one.rows) for one in sent)
        assert counted.kept_rows == counted.current_rows + counted.superseded_rows
        assert counted.current_rows == len(expected(sent, superseding))
        moment = datetime(2021, 1, 1, 20, tzinfo=UTC) + timedelta(days=known)
        assert h.rows("id, amount", moment) == expected([one for one in sent if one.day <= known], superseding)


def test_a_late_delivery_of_an_old_period_takes_its_place_without_touching_the_newer() -> None:
    with house(T, extract(C, superseding="period", period=YEAR)) as h:
        h.put("things_2020.csv", content({"a": 1}), arrival="2021-01-05T0800")
        h.put("things_2019.csv", content({"b": 2}), arrival="2021-02-05T0800")
        h.put("things_2019_corrected.csv", content({"b": 3, "c": 4}), arrival="2021-03-05T0800")
        h.take()
        assert h.rows("id, amount, delivered_at") == [
            ("a", 1, datetime(2021, 1, 5, 7)),
            ("b", 3, datetime(2021, 3, 5, 7)),
            ("c", 4, datetime(2021, 3, 5, 7)),
        ]
        assert h.rows("id, amount", at("2021-02-10")) == [("a", 1), ("b", 2)]
        assert [d.period for d in h.ledger.deliveries()] == ["2020", "2019", "2019"]


def test_keys_are_followed_across_all_extracts_of_a_table() -> None:
    e1 = extract(C, name="one", superseding="key", files=["one*"])
    e2 = extract({"id": "nr", "amount": "n"}, name="two", superseding="key", files=["two*"])
    e3 = extract(C, name="list", superseding="whole", files=["list*"])
    with house(T, [e1, e2, e3]) as h:
        h.put("one.csv", content({"a": 1, "b": 1}), arrival="2021-01-05T0800")
        h.put("two.csv", "nr,n\na,2\nc,2\n", arrival="2021-02-05T0800")
        h.put("one2.csv", content({"c": 3}), arrival="2021-03-05T0800")
        h.put("list.csv", content({"x": 9}), arrival="2021-03-05T0800")
        for name in ("one", "two", "list"):
            h.take(name)
        assert h.rows("id, amount") == [("a", 2), ("b", 1), ("c", 3), ("x", 9)]
        assert h.current().superseded_rows == 2


def test_a_key_twice_in_one_delivery_stays_for_the_rules_to_find() -> None:
    with house(T, extract(C, superseding="key")) as h:
        h.put("a.csv", content({"a": 1}), arrival="2021-01-05T0800")
        h.put("b.csv", "id,amount\na,2\na,3\n", arrival="2021-02-05T0800")
        h.take()
        assert h.rows("id, amount") == [("a", 2), ("a", 3)]


def test_a_table_without_deliveries_is_empty_with_its_columns() -> None:
    with house(T, extract(C)) as h:
        assert h.rows() == []
        assert h.current().deliveries == []
        assert h.rows("typeof(id), typeof(amount), typeof(delivery_id), typeof(delivered_at)") == []


def test_withdrawn_rows_go_from_then_on_and_are_counted() -> None:
    with house(T, extract(C)) as h:
        h.put("a.csv", content({"a": 1}), arrival="2021-01-05T0800")
        h.put("b.csv", content({"b": 2, "c": 3}), arrival="2021-02-05T0800")
        newest = h.take().new[-1]
        assert h.ledger.latest_arrival() == datetime(2021, 2, 5, 7, tzinfo=UTC)
        h.ledger.withdraw(newest.delivery_id, "test rows", at("2021-03-01"))
        assert h.rows("id") == [("a",)]
        assert h.rows("id", at("2021-02-20")) == [("b",), ("c",)]
        counted = h.current()
        assert (counted.kept_rows, counted.current_rows, counted.superseded_rows, counted.withdrawn_rows) == (3, 1, 0, 2)
        assert h.ledger.latest_arrival() == at("2021-03-01")
        assert h.ledger.withdrawals() == [(newest.delivery_id, "test rows", at("2021-03-01"))]
        with pytest.raises(CallerError, match="withdrawn already"):
            h.ledger.withdraw(newest.delivery_id, "again", at("2021-03-02"))
        with pytest.raises(CallerError, match="did you mean"):
            h.ledger.withdraw(newest.delivery_id + "x", "unknown", at("2021-03-02"))
        with pytest.raises(CallerError, match="needs a reason"):
            h.ledger.withdraw(h.ledger.deliveries()[0].delivery_id, " ", at("2021-03-02"))


def check(delivery_id: str, success: bool, severity: str = "critical", code: str = "SUM-OK") -> CheckResult:
    return CheckResult("things_csv", delivery_id, code, severity, success, 1, 2, "suite", "refs")


def test_a_critical_failure_holds_a_delivery_back_and_blocks_until_corrected() -> None:
    with house(T, extract(C)) as h:
        h.put("a.csv", content({"a": 1}), arrival="2021-01-05T0800")
        h.put("b.csv", content({"b": 2}), arrival="2021-02-05T0800")
        bad = h.take().new[-1]
        h.ledger.record_checks([check(bad.delivery_id, False, "warning"), check(bad.delivery_id, False, "info", "OTHER")])
        assert h.rows("id") == [("b",)]
        h.ledger.record_checks([check(bad.delivery_id, False)])
        assert [(c.code, c.severity) for c in h.ledger.checks()] == [("OTHER", "info"), ("SUM-OK", "critical")]
        assert h.rows("id") == [("a",)]
        assert h.current().held_back_rows == 1
        (blocker,) = h.ledger.blocking(["things_csv", "others"])
        assert (blocker.name, blocker.code, "SUM-OK" in blocker.message) == ("b.csv", "SUM-OK", True)
        assert h.ledger.blocking(["things_csv"], at("2021-01-10")) == []
        assert h.ledger.blocking(["others"]) == []
        h.put("c.csv", content({"c": 2}), arrival="2021-03-05T0800")
        h.take()
        assert h.ledger.blocking(["things_csv"]) == []
        assert len(h.ledger.blocking(["things_csv"], at("2021-02-10"))) == 1


@pytest.mark.parametrize(
    ("superseding", "name", "is_corrected"),
    [
        ("whole", "anything_2019.csv", True),
        ("period", "better_2020.csv", True),
        ("period", "better_2019.csv", False),
        ("key", "bad_2020.csv", True),
        ("key", "better_2020.csv", True),
        ("key", "better_2019.csv", False),
    ],
)
def test_a_refused_delivery_blocks_until_a_good_one_takes_its_place(superseding: str, name: str, is_corrected: bool) -> None:
    with house(T, extract(C, superseding=superseding, period=YEAR)) as h:
        h.put("bad_2020.csv", "nonsense\n", arrival="2021-01-05T0800")
        assert h.take().refused[0].code == "MISSING_COLUMN"
        assert len(h.ledger.blocking(["things_csv"])) == 1
        h.put(name, content({"a": 1}), arrival="2021-02-05T0800")
        h.take()
        assert bool(h.ledger.blocking(["things_csv"])) != is_corrected
        assert len(h.ledger.blocking(["things_csv"], at("2021-01-10"))) == 1


def test_a_refused_delivery_stays_refused_until_its_contract_changes() -> None:
    with house(T, extract(C)) as h:
        h.put("a.csv", "id,amount,extra\na,1,x\n")
        assert h.take().refused[0].code == "UNMAPPED_COLUMN"
        report = h.take()
        assert (report.new, report.known, len(report.refused)) == ([], 1, 1)
        h.extracts = [extract(C, layout={"ignore": ["extra"]})]
        report = h.take()
        assert (len(report.new), report.known, report.refused) == (1, 0, [])
        assert h.rows("id, amount") == [("a", 1)]
        assert h.ledger.rejects() == []


def test_a_changed_contract_takes_known_files_again_and_a_changed_rule_does_not() -> None:
    with house(T, extract(C)) as h:
        h.put("a.csv", content({"a": 1}))
        (first,) = h.take().new
        h.ledger.record_checks([check(first.delivery_id, True)])
        rule = {"code": "R", "type": "ExpectColumnValuesToNotBeNull", "kwargs": {"column": "id"}, "message": "m"}
        h.extracts = [extract(C, rules=[rule])]
        assert h.take().known == 1
        assert len(h.ledger.checks()) == 1
        h.tables = [table({"id": "varchar", "amount": "bigint"})]
        (again,) = h.take().new
        assert (again.delivery_id, again.store_path != first.store_path) == (first.delivery_id, True)
        assert h.rows("typeof(amount), amount") == [("BIGINT", 1)]
        assert h.ledger.checks() == []  # they spoke of other rows
        assert [p.name for p in h.home.store.rglob("*.parquet")] == [str(again.store_path).split("/")[-1]]


def test_rows_of_an_earlier_contract_whose_file_is_gone_are_not_bent_to_fit() -> None:
    with house(T, extract(C)) as h:
        path = h.put("a.csv", content({"a": 1}))
        h.take()
        path.unlink()
        h.put("b.csv", content({"a": 1}) + "b,x\n")
        h.tables = [table({"id": "varchar", "amount": "integer", "more": "integer?"})]
        h.take()
        h.ledger.withdraw(h.ledger.deliveries()[1].delivery_id, "not needed", at("2021-05-01"))
        with pytest.raises(MaalError, match=r"a\.csv was taken under an earlier contract and has no column 'more'"):
            h.rows()


def test_deleting_the_home_and_taking_again_gives_the_same() -> None:
    def everything(h: House) -> Any:
        return [
            [(d.delivery_id, d.arrived_at, d.rows_kept, d.state) for d in h.ledger.deliveries()],
            h.rows(),
            {p.name: p.read_bytes() for p in sorted(h.home.store.rglob("*.parquet"))},
        ]

    results = []
    names = ["a.csv", "b.csv", "c.csv"]
    for order in itertools.permutations(range(3)):
        with house(T, extract(C, superseding="key")) as h:
            for i in order:
                h.put(names[i], content({"a": i, names[i]: i}), arrival=f"2021-0{i + 1}-05T0800")
                h.take()
            results.append(everything(h))
    assert all(result == results[0] for result in results)


def test_a_progress_line_is_said_and_known_files_are_silent() -> None:
    with house(T, extract(C)) as h:
        h.put("a.csv", content({"a": 1}))
        h.take()
        assert h.said == ["things_csv: reading a.csv", "things_csv: a.csv: 1 rows kept, 0 set aside"]
        h.said.clear()
        take_extract(h.home, h.declared, "things_csv", h.scan(), h.ledger, h.said.append)
        assert h.said == []


def test_runs_are_noted() -> None:
    with house(T, extract(C)) as h:
        first = h.ledger.new_run("intake", at("2021-01-01"))
        second = h.ledger.new_run(
            "edition", at("2021-01-02"), plan="p", as_of="2020-12-31", known_at=at("2021-01-01"), reason="r"
        )
        h.ledger.end_run(second, at("2021-01-03"), "done")
        runs = h.ledger.runs()
        assert [r["run_id"] for r in runs] == [first, second]
        assert (runs[0]["ended_at"], runs[1]["outcome"], runs[1]["plan"]) == (None, "done", "p")


def test_rows_that_win_by_key_are_the_same_once_they_are_kept() -> None:
    with house(table({"id": "varchar", "n": "integer"}), extract({"id": "Id", "n": "N"}, superseding="key")) as h:
        h.put("a.csv", "Id,N\na,1\nb,2\n", arrival="2021-01-01T0800")
        h.put("b.csv", "Id,N\nb,3\nc,4\n", arrival="2021-02-01T0800")
        h.take()
        with connect(h.home) as con:
            found = create_current(con, h.home, h.declared, h.ledger, ["things"], None)
            rows = con.execute("from things order by all").fetchall()
            assert [row[:2] for row in rows] == [("a", 1), ("b", 3), ("c", 4)]
            for _ in range(2):
                keep_chosen(con, "things", found["things"])
                assert con.execute("from things order by all").fetchall() == rows
            kept = con.execute("select table_name from duckdb_tables()").fetchall()
            assert kept == [("things_rows",)], "and what they were chosen by is let go"


def test_how_many_rows_were_superseded_is_counted_once() -> None:
    """And asked of the store again where a delivery has come to it; the rows are the same, and so is what is made of them."""
    with house(table({"id": "varchar", "n": "integer"}), extract({"id": "Id", "n": "N"}, superseding="key")) as h:

        def current(*, keeps_counts: bool) -> tuple[CurrentTable, list[Any], int]:
            with connect(h.home) as con:
                found = create_current(con, h.home, h.declared, h.ledger, ["things"], None, keeps_counts=keeps_counts)
                looked_at = len(con.execute("from duckdb_tables()").fetchall())
                rows = con.execute("from things order by all").fetchall()
                if found["things"].made_of[:-1]:
                    keep_chosen(con, "things", found["things"])
                assert con.execute("from things order by all").fetchall() == rows
                return found["things"], rows, looked_at

        h.put("a.csv", "Id,N\na,1\nb,2\n", arrival="2021-01-01T0800")
        h.put("b.csv", "Id,N\nb,3\nc,4\n", arrival="2021-02-01T0800")
        notes: set[Path] = set()
        for superseded in (1, 3):
            h.take()
            plainly = current(keeps_counts=False)
            assert plainly[0].superseded_rows == superseded
            assert [current(keeps_counts=True), current(keeps_counts=True)] == [plainly, (*plainly[:2], 0)]
            (note,) = notes = set((h.home.store / "superseded").iterdir()) - notes
            whole = note.read_text()
            for cut in ("", whole[:1], whole[:-2], "0 of 0 rows\n"):
                note.write_text(cut)
                assert current(keeps_counts=True)[:2] == plainly[:2], "a note that was cut counts for nothing"
            note.write_text(f"2{whole[1:]}")
            with pytest.raises(AssertionError):
                current(keeps_counts=True)
            note.write_text(whole)
            h.put("c.csv", "Id,N\nb,5\na,6\n", arrival="2021-03-01T0800")
