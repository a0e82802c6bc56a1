"""What is said of deliveries over time: gaps by name, withdrawals and arrivals that only one home knows, a state of knowledge in the
past, and the page of checks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from intake_house import SIGHTED, House, extract, house, table
from little import GOOD, NOW, Little

from maalopfyldelse.checks_page import write_checks_page
from maalopfyldelse.dates import parse_instant
from maalopfyldelse.errors import CallerError, MaalError
from maalopfyldelse.home import Home
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.ledger import CheckResult, Ledger
from maalopfyldelse.intake.withdrawals import append_withdrawal, read_withdrawals
from maalopfyldelse.news import gaps_of, not_in_the_folder
from maalopfyldelse.work import Work
from pipelines.cli import main

T = table({"id": "varchar"})


def monthly(**more: Any) -> Any:
    period = {"pattern": r"(?P<year>\d{4})-(?P<month>\d{2})", "every": "month", "since": "2020-10"}
    return extract({"id": "id"}, superseding="period", period=period, supplier="The office", **more)


def quarterly() -> Any:
    period = {"pattern": r"(?P<year>\d{4})Q(?P<quarter>\d)", "every": "quarter"}
    return extract({"id": "id"}, superseding="period", period=period, supplier="The office", retention="Gone after a while.")


def told(h: House, today: date) -> list[str]:
    (contract,) = h.extracts
    return [gap.text.removeprefix("gap: things_csv: ") for gap in gaps_of(contract, h.ledger.counting("things_csv"), today)]


def test_a_gap_is_named_at_the_start_in_the_middle_and_at_the_end() -> None:
    with house(T, monthly()) as h:
        assert told(h, date(2021, 4, 1)) == []  # nothing has come at all: whether it is needed is the plans' to say
        for month in ("2020-11", "2021-02", "2021-05"):
            h.put(f"things_{month}.csv", f"id\n{month}\n", arrival="2021-07-02T0800")
        h.take()
        missing = "is missing, though a later one has come. Ask The office."
        assert told(h, date(2021, 7, 31)) == [
            f"2020-10 {missing}",
            "2020-12 to 2021-01 (2 periods) are missing, though a later one has come. Ask The office.",
            "2021-03 to 2021-04 (2 periods) are missing, though a later one has come. Ask The office.",
            "waiting: things_csv: 2021-06 has not come yet. Ask The office.",  # July is not over
        ]
        assert told(h, date(2021, 3, 1))[2:] == []
        late = next(d for d in h.ledger.deliveries() if d.period == "2021-02")
        h.ledger.withdraw(late.delivery_id, "wrong month", datetime(2021, 7, 3, tzinfo=UTC))
        assert "2020-12 to 2021-04 (5 periods) are missing" in told(h, date(2021, 6, 1))[1]


def test_a_gap_says_how_long_the_source_still_has_it() -> None:
    with house(T, monthly(source_keeps_months=13)) as h:
        h.put("things_2020-12.csv", "id\n1\n", arrival="2021-01-02T0800")
        h.take()
        assert told(h, date(2021, 1, 5))[0].endswith("Ask The office: the source has 2020-10 until 2021-11-30.")
        assert "only until 2021-11-30; an earlier export may be the only copy left" in told(h, date(2021, 12, 1))[0]
    with house(T, quarterly()) as h:
        for quarter in ("2020Q1", "2020Q3"):
            h.put(f"things_{quarter}.csv", f"id\n{quarter}\n", arrival="2021-01-02T0800")
        h.take()
        assert told(h, date(2020, 12, 31)) == [
            "2020Q2 is missing, though a later one has come. Ask The office. Retention: Gone after a while."
        ]


def test_a_withdrawal_is_kept_where_a_home_built_anew_finds_it(capsys: pytest.CaptureFixture[str]) -> None:
    with house(T, extract({"id": "id"})) as h:
        for n in (1, 2, 3):
            h.put(f"things_{n}.csv", f"id\n{n}\n", arrival=f"2021-0{n}-05T0800")
        _, two, three = h.take().new
        command = ["withdraw", "--home", str(h.home.path), "--reason", 'Said "wrong",\nby phone']
        assert main([*command, three.delivery_id]) == 0
        line = capsys.readouterr().out.splitlines()[-1].strip()
        assert list(not_in_the_folder(h.scan(), h.ledger, [])) == [
            f"withdrawn in this home only: a home built anew would count them again. Add to {h.folder}/withdrawals.csv (columns "
            f"delivery,withdrawn_at,reason):\n  {line}"
        ]
        (h.folder / "withdrawals.csv").write_text(f"delivery,withdrawn_at,reason\n{line}")
        assert main([*command, two.delivery_id, "--deliveries", str(h.folder)]) == 0
        assert main([*command, two.delivery_id, "--deliveries", str(h.folder)]) == 2
        assert len(read_withdrawals(h.folder)) == 2
        assert list(not_in_the_folder(h.scan(), h.ledger, [])) == []
        before = (h.ledger.withdrawals(), h.ledger.latest_arrival(), h.rows())
        assert [row[0] for row in before[2]] == ["1"]
        h.home = Home(h.root / "anew")
        h.ledger = Ledger(h.home.ledger)
        h.take()
        assert (h.ledger.withdrawals(), h.ledger.latest_arrival(), h.rows()) == before
        assert before[0][0][1] == 'Said "wrong", by phone'


def test_a_register_of_withdrawals_that_cannot_be_read_stops_the_run_with_its_lines() -> None:
    with house(T, extract({"id": "id"})) as h:
        path = h.put("things.csv", "id\n1\n")
        register = h.folder / "withdrawals.csv"
        register.write_text("delivery,withdrawn_at,reason\nx,soon,why\ny,2021-05-01,\nz,2021-05-01,a,b\n")
        with pytest.raises(CallerError) as caught:
            h.scan()
        assert [text.split(": ")[1] for text in str(caught.value).splitlines()] == ["line 2", "line 3", "line 4"]
        register.write_text("delivery;when\n")
        with pytest.raises(CallerError, match="line 1: expected delivery,withdrawn_at,reason"):
            h.scan()
        (found,) = scan_without(h, register)
        register.write_text(f"delivery;withdrawn_at;reason\n{found.sha256[:12]};2021-05-01;a, b\nthings_csv-0;2021-05-01;c\n")
        (problem,) = h.scan().problems
        assert problem.code == "NO_SUCH_DELIVERY"
        assert problem.message.startswith("withdrawals.csv: line 3: no delivery is called 'things_csv-0' (did you mean")
        h.take()
        assert h.ledger.withdrawals()[0][1:] == ("a, b", parse_instant("2021-05-01"))
        assert h.rows() == []
        assert path.read_text() == "id\n1\n"
        append_withdrawal(h.folder, "things_csv-1", "d; e", NOW)
        assert [w.reason for w in read_withdrawals(h.folder)] == ["a, b", "c", "d; e"]


def scan_without(h: House, register: Path) -> Any:
    register.unlink()
    return h.scan().files


def test_what_a_file_is_called_now_is_what_counts() -> None:
    with house(T, monthly()) as h:
        path = h.put("things_2021-01.csv", "id\n1\n", arrival="2021-02-05T0800")
        h.take()
        path.rename(path.with_name("things_2020-12.csv"))
        h.take()
        assert [(d.name, d.period) for d in h.ledger.deliveries()] == [("things_2020-12.csv", "2020-12")]
        h.put("things_2021-01.csv", "id\n1\n", arrival="2021-03-05T0800")
        (problem,) = h.scan().problems
        assert (problem.code, "speaks of 2021-01, not 2020-12" in problem.message) == ("SAME_BYTES_TWO_PERIODS", True)


def test_what_only_this_home_knows_of_an_arrival_is_told() -> None:
    with house(T, extract({"id": "id"})) as h:
        seen = h.put("seen.csv", "id\n1\n", arrival=None)
        early = h.put("early.csv", "id\n2\n", arrival="2021-02-05T0800")
        new = h.take().new
        assert [text.split(":")[0] for text in not_in_the_folder(h.scan(), h.ledger, new)] == ["arrival of seen.csv"]
        assert list(not_in_the_folder(h.scan(), h.ledger, [])) == []
        early.unlink()
        h.put("early.csv", "id\n2\n", arrival="2021-03-05T0800")
        h.take()
        (text,) = not_in_the_folder(scan(h.folder, h.declared.extracts, h.ledger, SIGHTED), h.ledger, [])
        assert "known to have arrived at 2021-02-05T07:00+00:00 (folder)" in text
        assert seen.exists()


def test_a_past_state_of_knowledge_is_judged_by_what_was_known_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The letters came before the list knew their kind. Then they failed a critical rule; today they do not."""
    little = Little(tmp_path, monkeypatch)
    little.deliver_all()
    little.deliver_rows("2022-01-04T0800", "letters_2021.csv", [*GOOD, ("9", "2021-05-01", "new", "y")])
    (little.deliveries / "2022-01-05T0800/little/letters_2021.csv").unlink()
    little.deliver("2022-01-20T0800", "kinds_2.csv", "kind\na\nb\nnew\n")
    then, now = parse_instant("2022-01-10"), parse_instant("2022-01-31")
    work = Work(little.home, little.declared, little.deliveries, NOW)
    for name in ("letters_csv", "kinds_csv"):
        work.intake(name)
    assert [line.value for line in work.computed("alpha", date(2021, 12, 31), now).lines if line.row == "1"] == [75]
    with pytest.raises(MaalError, match="LETTER-KIND"):
        work.computed("alpha", date(2021, 12, 31), then)
    known = {(c.code, c.success) for c in little.ledger.checks("letters_csv", then)}
    assert known == {("LETTER-KIND", False), ("LETTER-FEW", True)}
    assert all(c.success for c in little.ledger.checks("letters_csv"))


def test_the_page_shows_what_stands_in_the_way_and_no_markup_of_others() -> None:
    rule = {"code": "R", "type": "ExpectColumnValuesToNotBeNull", "kwargs": {"column": "id"}, "message": "<b>No id</b>"}
    with house(T, monthly(rules=[rule])) as h:
        h.put("things_<i>_2020-10.csv", "id\n1\n", arrival="2021-01-05T0800")
        h.put("things_2020-12.csv", "nonsense\n1\n", arrival="2021-01-06T0800")
        h.put("things_2021-01.csv", "id\n2\n", arrival="2021-02-06T0800")
        good, _ = h.take().new
        h.ledger.record_checks([CheckResult("things_csv", good.delivery_id, "R", "critical", False, 1234, 5678, "s", "")])
        page = write_checks_page(h.home, h.declared, h.ledger).read_text()
    for text in ("things_&lt;i&gt;_2020-10.csv", "&lt;b&gt;No id&lt;/b&gt;", "1,234", "5,678", "held back", "MISSING_COLUMN"):
        assert text in page
    assert "2020-10 to 2020-12 (3 periods) are missing" in page
    for text in ("<i>", "<b>", "<script", "http:", "https:"):
        assert text not in page
