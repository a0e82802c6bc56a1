"""What lies in a folder of deliveries: arrival, system, period, the same bytes twice, what is left alone and what is refused."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from intake_house import SIGHTED, House, extract, house, table

from maalopfyldelse.contract import Period
from maalopfyldelse.errors import CallerError
from maalopfyldelse.intake.deliveries import period_of, scan
from maalopfyldelse.intake.take import take_extract

T = table({"id": "varchar"})
E = extract({"id": "id"}, files=["things*.csv"])


def codes(h: House) -> list[tuple[str, str]]:
    return [(p.code, p.name) for p in h.scan().problems]


def test_arrival_stands_in_the_folder_name_in_danish_time() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n", arrival="2021-04-12T0800")
        (found,) = h.scan().files
        assert (found.arrived_at, found.arrival_source, found.system) == (
            datetime(2021, 4, 12, 6, tzinfo=UTC),
            "folder",
            "system",
        )
        assert h.scan().synthetic


def test_arrivals_csv_gives_arrival_and_the_earliest_declared_wins() -> None:
    with house(T, E) as h:
        h.put("things_a.csv", "id\n1\n", arrival=None)
        h.put("things_b.csv", "id\n2\n", arrival="2021-04-12T0800")
        other = "2021-04-12T0800/system/things_b.csv"
        listed = f"file,received_at,system\nthings_a.csv,2021-05-01T09:30,system\n{other},2021-04-11T0700,system\n"
        (h.folder / "arrivals.csv").write_text(listed)
        found = {f.name: f for f in h.scan().files}
        assert found["things_a.csv"].arrived_at == datetime(2021, 5, 1, 7, 30, tzinfo=UTC)
        assert found["things_a.csv"].arrival_source == "arrivals.csv"
        assert found["things_b.csv"].arrived_at == datetime(2021, 4, 11, 5, tzinfo=UTC)


def test_arrivals_csv_mistakes_are_named_with_their_line() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n", arrival=None)
        (h.folder / "arrivals.csv").write_text("file;received_at\nthings.csv;tomorrow\n")
        with pytest.raises(CallerError, match=r"arrivals\.csv: line 2: received_at: 'tomorrow' is not a time"):
            h.scan()
        (h.folder / "arrivals.csv").write_text("file,when\nthings.csv,2021-01-01\n")
        with pytest.raises(CallerError, match="line 1: expected the columns file, received_at"):
            h.scan()
        (h.folder / "arrivals.csv").write_text("file,received_at\n../secret,2021-01-01\n")
        assert codes(h) == [("NO_SUCH_FILE", "../secret")]


def test_without_a_declared_arrival_the_first_sighting_counts_and_is_kept() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n", arrival=None)
        (first,) = h.scan().files
        (later,) = scan(h.folder, h.declared.extracts, h.ledger, datetime(2023, 1, 1, tzinfo=UTC)).files
        assert first.arrived_at == later.arrived_at == SIGHTED
        assert first.arrival_source == "sighting"
        (unknown,) = scan(h.folder, h.declared.extracts).files
        assert unknown.arrived_at is None


def test_the_same_bytes_twice_are_one_delivery_with_the_earliest_arrival() -> None:
    with house(T, E) as h:
        h.put("things_copy.csv", "id\n1\n", arrival="2021-06-01T0800")
        h.take()
        assert [d.name for d in h.ledger.deliveries()] == ["things_copy.csv"]
        h.put("things_first.csv", "id\n1\n", arrival="2021-05-01T0800")
        assert len(h.scan().files) == 1
        report = h.take()
        assert (report.new, report.known) == ([], 1)
        (delivery,) = h.ledger.deliveries()
        assert (delivery.name, delivery.arrived_at) == ("things_first.csv", datetime(2021, 5, 1, 6, tzinfo=UTC))
        assert h.rows("delivered_at") == [(datetime(2021, 5, 1, 6),)]


def test_what_is_no_delivery_is_left_alone() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n")
        for name in ("README.md", "readme.txt", ".hidden", "~$things.csv", "Thumbs.db"):
            h.put(name, "x")
        (h.folder / ".git").mkdir()
        (h.folder / ".git" / "things.csv").write_text("x")
        assert [f.name for f in h.scan().files] == ["things.csv"]
        assert codes(h) == []


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_followed() -> None:
    with house(T, E) as h:
        outside = h.root / "things_secret.csv"
        outside.write_text("id\n7\n")
        inside = h.put("things.csv", "id\n1\n")
        (h.folder / "things_link.csv").symlink_to(outside)
        (h.folder / "things_twin.csv").symlink_to(inside)
        (h.folder / "elsewhere").symlink_to(h.root)
        (h.folder / "things_dangling.csv").symlink_to(h.folder / "nowhere")
        assert len(h.scan().files) == 1
        assert sorted(codes(h)) == [
            ("LINK_BROKEN", "things_dangling.csv"),
            ("LINK_OUTSIDE", "elsewhere"),
            ("LINK_OUTSIDE", "things_link.csv"),
        ]
        assert "Put the file itself there" in h.scan().problems[0].message


def test_a_missing_or_empty_folder_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="no such folder"):
        scan(tmp_path / "nowhere", {})
    (tmp_path / "README").touch()
    with pytest.raises(CallerError, match="holds no deliveries"):
        scan(tmp_path, {})


def test_a_file_that_no_contract_matches_is_a_problem_and_the_others_go_on() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n")
        h.put("thinks.csv", "id\n1\n")
        h.put("things_x.csv", "id\n2\n", system="elsewhere")
        h.put("things_y.csv", "id\n3\n", arrival="2021-13-45T0800")
        problems = {p.name.split("/")[-1]: p for p in h.scan().problems}
        assert {name: p.code for name, p in problems.items()} == {
            "thinks.csv": "NO_CONTRACT",
            "things_x.csv": "NO_CONTRACT",
            "things_y.csv": "BAD_ARRIVAL",
        }
        assert "did you mean 'things*.csv'?" in problems["thinks.csv"].message
        assert "under 'elsewhere'" in problems["things_x.csv"].message
        assert h.take().new[0].rows_kept == 1


def test_a_file_that_two_contracts_claim_is_a_problem() -> None:
    with house(T, [E, extract({"id": "id"}, name="others", files=["*.csv"])]) as h:
        h.put("things.csv", "id\n1\n")
        assert codes(h) == [("AMBIGUOUS", "2021-04-12T0800/system/things.csv")]


@pytest.mark.parametrize(
    "name", ["things 'quoted'.csv", "things*[1]?.csv", "things\nnewline.csv", "things;drop table.csv", "things æøå.csv"]
)
def test_odd_names_are_only_names(name: str) -> None:
    with house(T, E) as h:
        delivery = h.take_one("id\n1\n", name)
        assert delivery.state == "stored"
        assert "\n" not in delivery.name


def test_an_untouched_file_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maalopfyldelse.intake.deliveries._SETTLED", 0)
    with house(T, E) as h:
        path = h.put("things.csv", "id\n1\n")
        h.take()

        def never(path: Path) -> str:
            raise AssertionError(f"{path} was read")

        monkeypatch.setattr("maalopfyldelse.intake.deliveries.hash_file", never)
        assert h.take().known == 1
        path.write_text("id\n2\n")
        with pytest.raises(AssertionError, match="was read"):
            h.take()


def test_a_file_written_a_moment_ago_may_be_written_again_in_the_same_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system whose clock has not moved on, so that nothing but the bytes tells."""
    now = time.time_ns()
    monkeypatch.setattr("maalopfyldelse.intake.deliveries.facts_of", lambda status: (status.st_size, now, now, status.st_ino))
    with house(T, E) as h:
        path = h.put("things.csv", "id\n1\n")
        found = h.scan()
        path.write_text("id\n2\n")
        report = take_extract(h.home, h.declared, h.extracts[0].extract, found, h.ledger)
        assert [d.code for d in report.refused] == ["CHANGED_WHILE_READ"]
        assert [d.state for d in h.take().new] == ["stored"]
        assert h.rows("id") == [("2",)]


@pytest.mark.parametrize(
    ("pattern", "name", "period"),
    [
        (r"(?P<year>\d{4})-(?P<month>\d{2})", "x_2020-07.csv", "2020-07"),
        (r"(?P<year>\d{4})K(?P<quarter>[1-4])", "x_2020K3.csv", "2020Q3"),
        (r"(?P<year>\d{2})H(?P<half>\d)", "x_20H2.csv", "2020H2"),
        (r"(?P<year>\d{4})", "x_2020.csv", "2020"),
        (r"(?P<year>\d{4})-(?P<month>\d{2})", "x_2020-13.csv", None),
        (r"(?P<year>\d{4})", "x.csv", None),
    ],
)
def test_the_period_is_read_from_the_name(pattern: str, name: str, period: str | None) -> None:
    assert period_of(Period(pattern=pattern), name) == period
