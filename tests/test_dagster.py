"""The definitions as Dagster sees them, the schedule's ticks, and runs through it from files to editions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from little import GOOD, NOW, Little

from assets.extracts import check_name
from assets.step import key
from maalopfyldelse import declared as gathering
from maalopfyldelse import gx_suite
from maalopfyldelse.dates import DANISH_ZONE
from maalopfyldelse.errors import CallerError, MaalError
from maalopfyldelse.scanning import load_plans
from pipelines import definitions, jobs, partitions, schedules
from pipelines import run as runs

REPOSITORY = Path(__file__).resolve().parent.parent
SNAPSHOT = REPOSITORY / "tests" / "dagster_snapshot.json"


@pytest.fixture(scope="module")
def built() -> dg.Definitions:
    return definitions.build(declared=gathering.load())


@pytest.fixture
def little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Little:
    return Little(tmp_path, monkeypatch)


def run(world: Little, *plans: str, **more: Any) -> runs.Outcome:
    said: list[str] = more.pop("said", [])
    arguments: dict[str, Any] = {"as_of": None, "known_at": None, "reason": None} | more
    declared = world.declared
    with world.home.locked("test"):
        return runs.run(
            world.home, declared, world.deliveries, load_plans(declared, plans), say=said.append, now=NOW, **arguments
        )


# --- what is defined


def described(defs: dg.Definitions) -> dict[str, Any]:
    graph = defs.resolve_asset_graph()
    nodes = {node.key.to_user_string(): node for node in graph.asset_nodes if node.is_materializable}
    return {
        "assets": {
            name: {
                "group": node.group_name,
                "deps": sorted(k.to_user_string() for k in node.parent_keys),
                "kinds": sorted(node.kinds),
                "owners": sorted(node.owners),
                "partitions": node.partitions_def.name
                if isinstance(node.partitions_def, dg.DynamicPartitionsDefinition)
                else None,
                "checks": sorted(f"{c.name}{' (blocking)' if graph.get(c).blocking else ''}" for c in node.check_keys),
            }
            for name, node in sorted(nodes.items())
        },
        "jobs": {
            name: sorted(k.to_user_string() for k in defs.resolve_job_def(name).asset_layer.executable_asset_keys)
            for name in (jobs.INTAKE, jobs.EDITION)
        },
        "schedules": {
            s.name: f"{s.job_name} at {s.cron_schedule} {s.execution_timezone}"
            for s in (defs.resolve_schedule_def(n) for n in ("edition_after_quarter", "intake_before_editions"))
        },
    }


def test_nothing_is_lost_from_the_definitions(built: dg.Definitions) -> None:
    """A dependency that is gone shows as a difference. MAAL_WRITE_SNAPSHOT=1 writes the file anew after a wanted change."""
    found = described(built)
    if os.environ.get("MAAL_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(SNAPSHOT.read_text())


def test_the_definitions_load_as_dagster_loads_them() -> None:
    dg.Definitions.validate_loadable(definitions.definitions())


def test_every_rule_is_a_check_and_critical_ones_block(built: dg.Definitions) -> None:
    graph = built.resolve_asset_graph()
    for extract in gathering.load().extracts.values():
        at = key("extracts", extract.extract)
        assert graph.get(dg.AssetCheckKey(at, "deliveries")).blocking
        for rule in extract.rules:
            assert graph.get(dg.AssetCheckKey(at, check_name(rule))).blocking is (rule.severity == "critical")


def test_every_asset_says_what_it_is(built: dg.Definitions) -> None:
    for node in built.resolve_asset_graph().asset_nodes:
        assert node.description, node.key
        assert node.owners, node.key
        assert node.kinds, node.key
        if node.group_name in ("extracts", "measures", "fulfilment"):
            columns = node.metadata["dagster/column_schema"].columns
            assert columns and all(column.description for column in columns), node.key


# --- when it runs


def tick(defs: dg.Definitions, at: datetime, instance: dg.DagsterInstance) -> list[Any]:
    schedule = defs.resolve_schedule_def("edition_after_quarter")
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=at, repository_def=defs.get_repository_def())
    found = schedule.evaluate_tick(context)
    return list(found.run_requests or []) or [found.skip_message]


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("MAAL_DAGSTER", str(tmp_path))
    with dg.DagsterInstance.from_config(str(REPOSITORY)) as made:
        yield made


def test_a_tick_takes_the_plans_whose_reporting_date_has_come(built: dg.Definitions, instance: dg.DagsterInstance) -> None:
    [request] = [
        r for r in tick(built, datetime(2021, 7, 10, 6, tzinfo=DANISH_ZONE), instance) if r.tags["maal/plan"] == "star-2021"
    ]
    assert request.partition_key == "2021-06-30"
    assert request.tags["maal/due"] == "2021-07-30"
    assert request.run_key == "star-2021:2021-06-30"
    assert key("editions", "star-2021") in request.asset_selection
    assert key("editions", "siri-2020") not in request.asset_selection
    assert "2021-06-30" in instance.get_dynamic_partitions("as_of")


def test_a_tick_without_a_reporting_date_says_why_it_skips(built: dg.Definitions, instance: dg.DagsterInstance) -> None:
    [said] = tick(built, datetime(1999, 4, 10, 6, tzinfo=DANISH_ZONE), instance)
    assert said.startswith("No plan has a reporting date from 1999-01-10 to 1999-04-09. The next is ")
    assert instance.get_dynamic_partitions("as_of") == []


def test_each_reporting_date_is_taken_by_exactly_one_tick() -> None:
    plans = load_plans(gathering.load())
    ticks = [date(year, month, schedules.DAY) for year in range(2000, 2030) for month in (1, 4, 7, 10)]
    taken = [(plan.plan, as_of) for today in ticks for plan, as_of in schedules.due(plans, today)]
    assert sorted(taken) == sorted((plan.plan, as_of) for plan in plans for as_of in plan.reporting.dates)


# --- what a run does


def test_a_run_takes_in_counts_and_publishes(little: Little) -> None:
    little.deliver_all()
    said: list[str] = []
    outcome = run(little, reason="Første udgave", said=said)
    assert [(p.plan, p.as_of, p.number, p.is_new) for p in outcome.published] == [
        ("alpha", date(2021, 12, 31), 1, True),
        ("beta", date(2021, 12, 31), 1, True),
    ]
    assert outcome.problems == []
    assert outcome.notes == ["intake: 3 new deliveries, 8 rows kept, 0 set aside; 0 deliveries were known already"]
    assert {line.row: (line.numerator, line.denominator) for line in outcome.published[0].lines if line.row == "1"} == {
        "1": (2, 3)
    }
    assert any("letters_2021.csv" in text for text in said)
    with dg.DagsterInstance.from_config(str(REPOSITORY)) as instance:
        tags = [r.tags for r in instance.get_runs() if r.tags.get("maal/plan") == "alpha"]
        assert [(t["dagster/partition"], t["maal/reason"], t["maal/known_at"][:10]) for t in tags] == [
            ("2021-12-31", "Første udgave", "2022-01-05")
        ]
        event = instance.get_latest_materialization_event(key("fulfilment", "alpha"))
        assert event is not None and event.asset_materialization is not None
        metadata = event.asset_materialization.metadata
        assert metadata["dagster/row_count"].value == 2
        assert [record.data["verdict"] for record in metadata["preview"].records] == [None, "ikke opfyldt"]
        event = instance.get_latest_materialization_event(key("measures", "letters_answered"))
        assert event is not None and event.asset_materialization is not None
        assert event.asset_materialization.metadata["leading_rows"].value == 3


def test_a_second_run_with_nothing_new_does_nothing_and_says_so(little: Little, monkeypatch: pytest.MonkeyPatch) -> None:
    little.deliver_all()
    run(little)
    monkeypatch.setattr(gx_suite, "_gx", lambda: pytest.fail("Great Expectations was imported"))
    outcome = run(little)
    assert [(p.number, p.is_new) for p in outcome.published] == [(1, False), (1, False)]
    assert outcome.notes == [
        "intake: nothing new; 3 deliveries were known already and not read again",
        "expectations: nothing new to hold against the rules",
        "counted 0 scans; 2 were known already and not run again",
    ]


def test_a_failed_critical_rule_stops_its_plan_and_no_other(little: Little, capfd: pytest.CaptureFixture[str]) -> None:
    little.deliver_all()
    little.deliver_rows("2022-01-06T0800", "letters_more.csv", [("9", "2021-05-01", "z", "y"), ("10", "2021-05-02", "a", "y")])
    outcome = run(little)
    assert [p.plan for p in outcome.published] == ["beta"]
    [problem] = outcome.problems
    assert problem.startswith("alpha at 2021-12-31 was not published")
    assert "letters_more.csv (letters_csv, LETTER-KIND)" in problem
    assert "Traceback" not in "".join(capfd.readouterr())
    assert not (little.home.editions / "alpha").exists()
    # The list is completed: the letters are held against it again, and the plan is published.
    little.deliver("2022-01-07T0800", "kinds_2.csv", "kind\na\nb\nz\n")
    outcome = run(little)
    assert ([p.plan for p in outcome.published], outcome.problems) == (["alpha", "beta"], [])


def test_a_refused_file_is_told_each_time_until_it_is_corrected(little: Little) -> None:
    little.deliver_all()
    little.deliver("2022-01-06T0800", "visits_new.csv", "id;received;kind\n1;2021-01-01;a\n")
    for _ in range(2):
        outcome = run(little, "alpha")
        assert [p.plan for p in outcome.published] == ["alpha"]
        assert len(outcome.problems) == 1
        assert outcome.problems[0].startswith("visits_new.csv (visits_csv, ")
    with dg.DagsterInstance.from_config(str(REPOSITORY)) as instance:
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(key("extracts", name), "deliveries") for name in ("visits_csv", "letters_csv")]
        )
        status = {k.asset_key.path[1]: record.status.value for k, record in checks.items()}
    assert status == {"visits_csv": "FAILED", "letters_csv": "SUCCEEDED"}


def test_a_warning_is_noted_and_stops_nothing(little: Little) -> None:
    little.deliver_all()
    little.deliver_rows("2022-01-06T0800", "letters_more.csv", GOOD[:1])
    outcome = run(little, "alpha")
    assert outcome.problems == []
    assert "warning: letters_csv LETTER-FEW on 1 delivery: Fewer than two rows. Check the export." in outcome.notes


def test_a_file_no_contract_knows_is_told(little: Little) -> None:
    little.deliver_all()
    little.deliver("2022-01-06T0800", "breve.csv", "x\n")
    outcome = run(little, "alpha")
    assert [p.plan for p in outcome.published] == ["alpha"]
    assert len(outcome.problems) == 1 and "breve.csv" in outcome.problems[0]


def test_what_an_asset_raises_comes_out_as_it_was(little: Little, capfd: pytest.CaptureFixture[str]) -> None:
    little.deliver_all()
    text = (little.root / "expectations/kinds_csv.yaml").read_text()
    little.write("expectations/kinds_csv.yaml", text.replace("column: kind", "colum: kind"))
    with pytest.raises(CallerError, match=r"kinds_csv.yaml: rule KIND-TWICE: .*did you mean 'column'"):
        run(little)
    with pytest.raises(CallerError, match="2022-12-31 lies outside the contract of alpha"):
        little.write("expectations/kinds_csv.yaml", text)
        run(little, "alpha", as_of=date(2022, 12, 31))
    with pytest.raises(CallerError, match="no such folder"):
        little.deliveries = little.root / "nowhere"
        run(little)
    assert "dagster" not in "".join(capfd.readouterr()).lower()


def test_deliveries_that_were_not_held_against_the_rules_are_not_published(little: Little) -> None:
    little.deliver_all()
    run(little)
    text = (little.root / "expectations/letters_csv.yaml").read_text()
    little.write("expectations/letters_csv.yaml", text.replace("severity: warning", "severity: info"))
    work = runs.Work(little.home, little.declared, little.deliveries, NOW)
    with pytest.raises(MaalError, match=r"alpha was not published: 1 deliveries have not been held .*letters_2021.csv"):
        work.computed("alpha", date(2021, 12, 31), work.known_at())


# --- as Dagster's pages run it


def launched(world: Little) -> dg.Definitions:
    return definitions.build(home=world.home.path, deliveries=world.deliveries, declared=world.declared)


def test_runs_from_dagsters_pages_find_their_plan_and_hold_the_home(little: Little) -> None:
    little.deliver_all()
    with dg.DagsterInstance.ephemeral() as instance:
        defs = launched(little)
        assert defs.resolve_job_def(jobs.INTAKE).execute_in_process(instance=instance).success
        at = partitions.add(instance, date(2021, 6, 30))
        edition = defs.resolve_job_def(jobs.EDITION)
        result = edition.execute_in_process(instance=instance, partition_key=at)
        assert result.success
        assert sorted(p.parent.parent.name for p in little.home.editions.glob("*/2021-06-30/1")) == ["alpha", "beta"]
        record = instance.get_run_by_id(result.run_id)
        assert record is not None and record.tags["maal/known_at"].startswith("2022-01-05T07:00")
        outside = partitions.add(instance, date(2020, 6, 30))
        result = edition.execute_in_process(instance=instance, partition_key=outside, raise_on_error=False)
        assert not result.success
        with little.home.locked("somebody else"):
            result = edition.execute_in_process(instance=instance, partition_key=at, raise_on_error=False)
        assert not result.success


def intake_in_processes() -> dg.JobDefinition:
    """The intake of the repository's declarations, one process a step; where it works is the environment's to say."""
    return definitions.build(executor=dg.multiprocess_executor).resolve_job_def(jobs.INTAKE)


_SMOKE = """
import dagster as dg
from test_dagster import intake_in_processes, key
if __name__ == "__main__":
    with dg.instance_for_test() as instance:
        result = dg.execute_job(
            dg.reconstructable(intake_in_processes),
            instance,
            run_config={"execution": {"config": {"max_concurrent": 1}}},
            asset_selection=[key("extracts", "jobcentre_benefit_codes"), key("extracts", "puzzel_opening_hours")],
        )
        print("succeeded" if result.success else "failed")
"""


@pytest.mark.long
def test_steps_in_processes_of_their_own_agree_on_the_home(tmp_path: Path) -> None:
    here = REPOSITORY / "tests"
    environment = os.environ | {
        "MAAL_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join([str(here), str(REPOSITORY)]),
    }
    done = subprocess.run([sys.executable, "-c", _SMOKE], env=environment, cwd=here, capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines()[-1:] == ["succeeded"], done.stdout + done.stderr
