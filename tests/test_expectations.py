"""Rules over deliveries: who fails, what is counted, what is not evaluated twice, and that no value ever leaves."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from maalopfyldelse import expectations, gx_suite
from maalopfyldelse.contract import Extract, Format, Layout, Rule, Table, TableColumn
from maalopfyldelse.contract_source import Source
from maalopfyldelse.declared import Declared, load
from maalopfyldelse.errors import CallerError
from maalopfyldelse.home import Home
from maalopfyldelse.intake.ledger import CheckResult, Delivery, Ledger

SECRET = "0101701234"
Row = tuple[str, str, date, int | None]


def column(kind: str, required: bool = True) -> TableColumn:
    return TableColumn(type=kind, comment="…", required=required)


CASES = Table(
    table="cases",
    comment="…",
    key=["case_id"],
    columns={
        "case_id": column("varchar"),
        "case_type": column("varchar"),
        "created_date": column("date"),
        "days": column("integer", required=False),
    },
)
TYPES = Table(table="case_types", comment="…", key=["case_type"], columns={"case_type": column("varchar")})


def extract(*rules: Rule) -> Extract:
    layout = Layout(id="one", format=Format(type="csv"), columns={"case_id": Source(**{"from": "id"})})
    return Extract(
        extract="cases_csv", summary="…", system="s", supplier="…", table="cases", files=["*.csv"],
        superseding="key", layouts=[layout], rules=list(rules),
    )  # fmt: skip


def rule(code: str, kind: str, severity: Any = "critical", **kwargs: Any) -> Rule:
    return Rule(code=code, type=kind, kwargs=kwargs, severity=severity, message="…")


def query(code: str, sql: str, severity: Any = "critical") -> Rule:
    return rule(code, "UnexpectedRowsExpectation", severity, unexpected_rows_query=sql)


def declared(*rules: Rule) -> Declared:
    types = Extract.model_construct(extract="types_csv", table="case_types", rules=[])
    extracts = {"cases_csv": extract(*rules), "types_csv": types}
    return Declared((), {"cases": CASES, "case_types": TYPES}, extracts, {}, {}, {"extract:cases_csv": Path("cases_csv.yaml")})


class House:
    """A home with deliveries put in by hand, and the views of current rows that rules look up."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.ledger = Ledger(self.home.ledger)
        self.looked_up: list[frozenset[str]] = []
        self.types = ["A", "B"]

    def deliver(self, number: int, rows: list[Row], extract: str = "cases_csv", table: str = "cases") -> str:
        delivery_id = f"{extract}-{number:012d}"
        path = Path("store") / table / f"{delivery_id}.parquet"
        (self.home.path / path).parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as con:
            con.execute("create table t (case_id varchar, case_type varchar, created_date date, days integer)")
            con.executemany("insert into t values (?, ?, ?, ?)", rows)
            con.execute(f"copy (select *, '{delivery_id}' as delivery_id from t) to '{self.home.path / path}'")
        self.ledger.record(
            Delivery(
                delivery_id, extract, table, "s", f"{number}.csv", f"{number:064d}", 1,
                datetime(2021, 1, 1, tzinfo=UTC) + timedelta(days=number), "folder", None, "key", "one", "c", "stored",
                rows_read=len(rows), rows_kept=len(rows), rows_set_aside=0, store_path=str(path),
            )
        )  # fmt: skip
        return delivery_id

    def evaluate(self, *rules: Rule) -> dict[tuple[str, str], CheckResult]:
        def current(con: duckdb.DuckDBPyConnection, tables: frozenset[str]) -> None:
            self.looked_up.append(tables)
            words = ", ".join(f"'{word}'" for word in self.types)
            con.execute(f"create or replace temp view case_types as select unnest([{words}]) as case_type")

        found = expectations.evaluate(self.home, declared(*rules), self.ledger, "cases_csv", lambda _: None, current)
        return {(r.delivery_id, r.code): r for r in found}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


def rows(*days: int | None, kind: str = "A", first: int = 1) -> list[Row]:
    return [(f"{first + n}", kind, date(2021, 1, 1 + n), value) for n, value in enumerate(days)]


NOT_NEGATIVE = rule("NOT-NEGATIVE", "ExpectColumnValuesToBeBetween", column="days", min_value=0)
KNOWN_TYPE = query(
    "KNOWN-TYPE",
    "select b.case_id from {batch} b where not exists (select 1 from case_types t where t.case_type = b.case_type)",
)
ENOUGH = rule("ENOUGH", "ExpectTableRowCountToBeBetween", "warning", min_value=3)
UNIQUE = rule("UNIQUE", "ExpectColumnValuesToBeUnique", column="case_id")


def test_the_delivery_that_fails_is_named_and_counted(house: House) -> None:
    good, bad = house.deliver(1, rows(1, 2, None)), house.deliver(2, rows(-1, -2, 5, 6, first=10))
    found = house.evaluate(NOT_NEGATIVE, KNOWN_TYPE, ENOUGH)
    assert {key: (r.success, r.unexpected_count, r.element_count) for key, r in found.items()} == {
        (good, "NOT-NEGATIVE"): (True, 0, 3),
        (bad, "NOT-NEGATIVE"): (False, 2, 4),
        (good, "KNOWN-TYPE"): (True, 0, 3),
        (bad, "KNOWN-TYPE"): (True, 0, 4),
        (good, "ENOUGH"): (True, None, 3),
        (bad, "ENOUGH"): (True, None, 4),
    }
    assert [b.delivery_id for b in house.ledger.blocking(["cases_csv"])] == [bad]


def test_a_rule_on_rows_together_is_held_against_each_delivery_alone(house: House) -> None:
    # Together they have five rows and one case twice; alone each is too small and each is unique.
    one, two = house.deliver(1, rows(1, 2)), house.deliver(2, rows(3, 4))
    found = house.evaluate(UNIQUE, ENOUGH, query("FEW", "select count(*) from {batch} having count(*) > 2"))
    assert {key: r.success for key, r in found.items()} == {
        (d, code): code != "ENOUGH" for d in (one, two) for code in ("UNIQUE", "ENOUGH", "FEW")
    }


def test_great_expectations_is_loaded_with_spark_out_of_its_sight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "pyspark"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "pyspark.py").write_text("import sys\nsys.exit(0)\n")  # what its remote client does in some processes
    monkeypatch.syspath_prepend(tmp_path)
    with gx_suite._spark_out_of_sight(), pytest.raises(ImportError):
        import pyspark
    with pytest.raises(SystemExit):  # and in sight again
        import pyspark  # noqa: F401


@pytest.mark.parametrize(
    "cells", ["(1,1),(1,2),(2,1)", "(1,1),(1,1),(2,null),(2,null)", "(null,1),(null,1),(3,1),(3,1),(3,1)", "(1,1)", "(null,null)"]
)
def test_uniqueness_counts_as_great_expectations_does(cells: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule("ONE", "ExpectColumnValuesToBeUnique", column="a")]
    rules += [rule("TWO", "expect_compound_columns_to_be_unique", column_list=["a", "b"])]
    batch = f"select cast(a as integer) as a, cast(b as integer) as b from (values {cells}) t(a, b)"
    ours = gx_suite.validate(rules, batch, "here")
    monkeypatch.setattr(gx_suite, "_twice", lambda _: None)
    assert ours == gx_suite.validate(rules, batch, "here")


def test_what_a_rule_finds_depends_on_the_state_of_knowledge_it_is_asked_at(house: House) -> None:
    one = house.deliver(1, rows(1, 2) + rows(3, kind="C", first=9))
    house.deliver(1, rows(1), "types_csv", "case_types")
    assert not house.evaluate(NOT_NEGATIVE, KNOWN_TYPE)[one, "KNOWN-TYPE"].success
    early = house.ledger.latest_arrival()
    house.deliver(5, rows(1), "types_csv", "case_types")
    house.types.append("C")
    assert house.ledger.checks("cases_csv")[-1].code != "KNOWN-TYPE"  # what it found speaks of another list
    assert house.evaluate(NOT_NEGATIVE, KNOWN_TYPE)[one, "KNOWN-TYPE"].success
    assert len(house.looked_up) == 2
    assert [b.code for b in house.ledger.blocking(["cases_csv"], early)] == ["KNOWN-TYPE"]
    assert house.ledger.blocking(["cases_csv"]) == []
    assert house.ledger.counting("cases_csv", early) == []
    assert [d.delivery_id for d in house.ledger.counting("cases_csv")] == [one]


def test_critical_rules_may_not_look_each_other_up_in_a_circle(house: House) -> None:
    own = query("OWN", "select 1 from {batch} b join cases c on b.case_id = c.case_id where c.days > b.days")
    for severity, said in (("critical", ["cases_csv.yaml: critical rules look up cases_csv itself"]), ("warning", [])):
        world = declared(own.model_copy(update={"severity": severity}))
        problems = expectations.check_rules(world.extracts["cases_csv"], world)
        assert [p.split(",")[0] for p in problems] == said


def test_rows_are_looked_up_in_the_current_rows_of_other_tables(house: House) -> None:
    one = house.deliver(1, rows(1, 2) + rows(3, kind="Z", first=9))
    found = house.evaluate(KNOWN_TYPE)
    assert (found[one, "KNOWN-TYPE"].success, found[one, "KNOWN-TYPE"].unexpected_count) == (False, 1)
    assert house.looked_up == [frozenset({"case_types"})]


def test_nothing_new_is_not_evaluated_and_great_expectations_stays_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.deliver(1, rows(1))
    first = house.evaluate(NOT_NEGATIVE, KNOWN_TYPE)

    def loaded() -> None:
        raise AssertionError("Great Expectations was asked for")

    monkeypatch.setattr(expectations, "connection", loaded)
    monkeypatch.setattr(expectations, "validate", loaded)
    assert house.evaluate(NOT_NEGATIVE, KNOWN_TYPE) == first
    with pytest.raises(AssertionError):  # other rules
        house.evaluate(NOT_NEGATIVE, KNOWN_TYPE, ENOUGH)
    house.deliver(1, rows(1), "types_csv", "case_types")
    with pytest.raises(AssertionError):  # another delivery where the rules look things up
        house.evaluate(NOT_NEGATIVE, KNOWN_TYPE)


def test_a_new_delivery_is_evaluated_alone(house: House) -> None:
    one = house.deliver(1, rows(1))
    house.evaluate(NOT_NEGATIVE)
    (house.home.path / "store/cases" / f"{one}.parquet").unlink()  # would fail if it were read again
    two = house.deliver(2, rows(-1, first=5))
    found = house.evaluate(NOT_NEGATIVE)
    assert [(key[0], r.success) for key, r in found.items()] == [(one, True), (two, False)]


def test_when_the_rules_are_gone_what_failed_them_is_free(house: House) -> None:
    house.deliver(1, rows(-1))
    house.evaluate(NOT_NEGATIVE)
    assert house.ledger.blocking(["cases_csv"])
    assert house.evaluate() == {}
    assert not house.ledger.blocking(["cases_csv"])


def test_another_message_is_no_other_rule_but_another_severity_is() -> None:
    told = NOT_NEGATIVE.model_copy(update={"message": "Dage kan ikke være negative"})
    softer = NOT_NEGATIVE.model_copy(update={"severity": "warning"})
    assert expectations.suite_hash(extract(told)) == expectations.suite_hash(extract(NOT_NEGATIVE))
    assert expectations.suite_hash(extract(softer)) != expectations.suite_hash(extract(NOT_NEGATIVE))


def test_no_value_leaves(house: House, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house.deliver(1, [(SECRET, SECRET, date(2021, 1, 1), int(SECRET)), (SECRET, SECRET, date(2021, 1, 1), 8)])
    found = house.evaluate(
        UNIQUE,
        KNOWN_TYPE,
        rule("SET", "ExpectColumnValuesToBeInSet", column="case_type", value_set=["A"]),
        rule("DISTINCT", "ExpectColumnDistinctValuesToBeInSet", column="case_type", value_set=["A"]),
        rule("MAX", "ExpectColumnMaxToBeBetween", column="days", max_value=1),
        query("ROWS", "select * from {batch} where days > 0"),
        query("CAST", "select * from {batch} where cast(case_id as date) > created_date"),
    )
    assert not any(r.success for r in found.values())
    assert [r.unexpected_count for r in found.values()] == [2, 2, 2, 1, None, 2, None]
    captured = capfd.readouterr()
    for text in (repr(found), captured.out, captured.err, house.ledger.path.read_bytes().decode("latin-1")):
        assert SECRET.lstrip("0") not in text
    assert not [r for r in caplog.records if SECRET.lstrip("0") in r.getMessage() and "sqlalchemy" not in r.name]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (rule("R", "ExpectColumnValuesToBeUniqe", column="case_id"), "did you mean 'ExpectColumnValuesToBeUnique'"),
        (rule("R", "expect_column_values_to_be_uniqe", column="case_id"), "did you mean 'expect_column_values_to_be_unique'"),
        (rule("R", "ExpectColumnValuesToBeUnique", colum="case_id"), "did you mean 'column'"),
        (
            rule("R", "ExpectColumnValuesToBeUnique", column="case_id", result_format="COMPLETE"),
            "no argument is called 'result_format'",
        ),
        (rule("R", "ExpectColumnValuesToBeUnique"), "column: field required"),
        (rule("R", "ExpectColumnValuesToBeUnique", column="case"), "the table has no column 'case'"),
        (rule("R", "ExpectColumnValuesToMatchRegex", column="case_id", regex="^2"), "State it as an UnexpectedRowsExpectation"),
        (query("R", "select nothing from {batch}"), 'Referenced column "nothing" not found'),
        (query("R", "select * from {batch} where case_type in (select x from case_type)"), "did you mean 'case_types'"),
        (query("R", "select * from {batch} where"), "not valid SQL"),
        (query("R", "select 1"), "reads no {batch}"),
        (query("R", "select * from {batch} where created_date > current_date"), "'current_date' differs from run to run"),
    ],
)
def test_a_malformed_rule_is_told_with_and_without_data(house: House, broken: Rule, said: str) -> None:
    world = declared(NOT_NEGATIVE, broken)
    problems = expectations.check_rules(world.extracts["cases_csv"], world)
    assert len(problems) == 1
    assert said in problems[0]
    assert problems[0].startswith("cases_csv.yaml: rule R:")
    house.deliver(1, rows(1, 2))
    house.deliver(2, rows(1, 2))
    with pytest.raises(CallerError) as caught:
        house.evaluate(NOT_NEGATIVE, broken)
    assert said in str(caught.value)
    assert house.ledger.checks() == []


def test_sound_rules_have_no_problems() -> None:
    world = declared(NOT_NEGATIVE, KNOWN_TYPE, ENOUGH, UNIQUE)
    assert expectations.check_rules(world.extracts["cases_csv"], world) == []
    assert expectations.refers_to(world.extracts["cases_csv"], world) == {"case_types"}


@pytest.mark.parametrize(
    ("sql", "row_by_row"),
    [
        ("select case_id from {batch} where days < 0", True),
        ("select b.case_id from {batch} b left join case_types t using (case_type) where t.case_type is null", True),
        ("select case_id from {batch} group by 1 having count(*) > 1", False),
        ("select 1 from {batch} a join {batch} b on a.case_id = b.case_id", False),
        ("select 1 from case_types t where not exists (select 1 from {batch} b where b.case_type = t.case_type)", False),
    ],
)
def test_which_queries_can_be_proved_for_all_deliveries_at_once(sql: str, row_by_row: bool) -> None:
    assert gx_suite.is_row_by_row(query("R", sql)) is row_by_row


@pytest.mark.parametrize(
    ("sql", "by_delivery"),
    [
        ("select b.delivery_id from {batch} b group by b.delivery_id having count(*) < 5", True),
        ("select b.delivery_id from {batch} b where b.days > 0 group by b.delivery_id, b.case_type having count(distinct b.days) < 2", True),
        ("select s.id from (select lag(b.id) over (partition by b.delivery_id order by b.id) as id from {batch} b) s", False),
        ("select 1 from t where t.x not in (select b.x from {batch} b group by b.delivery_id, b.x)", False),
        ("select 1 from t where t.x in (select a.x from {batch} a join {batch} b on a.delivery_id = b.delivery_id and a.x = b.y where a.z)", False),
        ("with p as (select b.x, count(*) as n from {batch} b group by b.delivery_id, b.x) select 1 from p having max(n) < 2", False),
        ("select median(s.x) from (select b.x from {batch} b group by b.delivery_id, b.x) s", False),
        ("select 1 from {batch} b group by b.delivery_id is null, b.x having count(*) > 1", False),
        ("select 1 from {batch} b where b.x <> 'group by b.delivery_id' having count(*) > 1", False),
        ("select 1 from {batch} b /* group by b.delivery_id */ having count(*) > 1", False),
        ("select b.x from {batch} b where not exists (select 1 from t where t.x = b.x) group by b.delivery_id, b.x having max(b.y) > 1", True),
        ("select 1 from {batch} a join {batch} b on a.delivery_id = b.delivery_id and a.days < b.days where a.x or b.x", True),
        ("select 1 from {batch} a join {batch} b on a.delivery_id = b.delivery_id and a.days < b.days or a.x where b.x", False),
        ("select 1 from {batch} a join {batch} b on a.days = b.days where a.delivery_id = b.delivery_id", False),
        ("select case_id from {batch} group by delivery_id having count(*) > 1", False),  # whose delivery_id?
        ("select 1 from {batch} b group by b.case_type, b.delivery_id having count(*) > 1", False),
        ("select 1 from {batch} b group by b.delivery_id having count(*) > (select count(*) from {batch} c)", False),
        ("select b.case_id, row_number() over (order by b.days) as n from {batch} b group by b.delivery_id, b.case_id", False),
        ("select 1 from {batch} b where exists (select 1 from case_types t group by t.delivery_id having count(*) > 1) having count(*) > 1", False),
        ("select max(s.n) from (select b.delivery_id, count(*) as n from {batch} b group by b.delivery_id) s having max(s.n) > 1", False),
        ("select distinct b.days from {batch} b group by b.delivery_id, b.days limit 1", False),
    ],
)  # fmt: skip
def test_which_queries_look_at_one_delivery_at_a_time(sql: str, by_delivery: bool) -> None:
    assert gx_suite.is_delivery_by_delivery(query("R", sql)) is by_delivery


def test_every_rule_of_the_contracts_can_be_proved_for_many_deliveries_at_once() -> None:
    """But those that are named here; a new one costs a look at each delivery, which the sample's files make dear."""
    apart = {
        rule.code
        for extract in load().extracts.values()
        for rule in extract.rules
        if not gx_suite.is_row_by_row(rule) and not gx_suite.is_delivery_by_delivery(rule)
    }
    assert apart == {"EVENT-DONE-AND-NOT-DONE", "PANEL-STAYS-OVERLAP"}


@pytest.mark.parametrize("most", [3, 5, 1_000])
def test_many_deliveries_at_once_find_what_each_alone_would(house: House, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """In batches of a few rows: the deliveries that fail a rule about their rows together, and no others, fail it."""
    monkeypatch.setattr(expectations, "BATCH", most)
    for month, days in enumerate([(1, 2), (3, 3), (1, 4, 5), (6,), (7, 8)], 1):
        house.deliver(month, rows(*days))
    twice = rule("TWICE", "ExpectCompoundColumnsToBeUnique", column_list=["delivery_id", "days"])
    found = house.evaluate(twice, query("FEW", "select b.delivery_id from {batch} b group by b.delivery_id having count(*) < 2"))
    by_code = {code: [c.success for (_, of), c in found.items() if of == code] for code in ("TWICE", "FEW")}
    assert by_code == {"TWICE": [True, False, True, True, True], "FEW": [True, True, True, False, True]}
