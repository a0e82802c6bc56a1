"""Row rules: what a row says as a whole, held against the day it arrived and against the plans."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_house import House, extract, house, table

from maalopfyldelse.contract import RowRule
from maalopfyldelse.declared import Declared
from maalopfyldelse.errors import CallerError

T = table({"id": "varchar", "begun": "date?", "done": "date?", "who": "varchar?", "by": "varchar?", "has_note": "boolean"})
C = {
    "id": "id",
    "begun": "begun",
    "done": "done",
    "who": {"hash_of": "who", "ignore_case": True},
    "by": {"hash_of": "by", "ignore_case": True},
    "has_note": {"present_of": "note"},
}
RULES = [
    {"code": "SAME_PERSON", "column": "by", "when": "things.who = things.by", "message": "approve it by another"},
    {"code": "AFTER_ARRIVAL", "column": "done", "when": "done > delivered_date", "message": "not yet"},
    {"code": "BACKWARD", "column": "done", "when": "things.done < things.begun", "message": "wrong way round"},
    {"code": "NEITHER", "column": "begun", "when": "begun is null and done is null", "message": "no date"},
]
HEAD = "id,begun,done,who,by,note\n"


def test_each_fault_of_each_row_is_told_in_one_pass() -> None:
    rows = [
        "1,2021-01-01,2021-04-12,AB,CD,x",  # good: the day of arrival itself
        "2,2021-04-12,2021-04-13,AB,cd,",  # after arrival
        "3,2021-03-01,2021-02-01,AB, ab ,",  # backward, and the same person in other letters
        "4,,,AB,,",  # no date
        "5,2021-02-30,,AB,,",  # a wrong date is not also a missing one
        "6,2021-05-01,2021-04-30,,,",  # two rules at once
    ]
    with house(T, extract(C, set_aside=RULES)) as h:
        delivery = h.take_one(HEAD + "\n".join(rows) + "\n")
        assert (delivery.rows_read, delivery.rows_kept, delivery.rows_set_aside) == (6, 1, 5)
        assert h.faults() == [
            (3, "AFTER_ARRIVAL", "done"),
            (4, "BACKWARD", "done"),
            (4, "SAME_PERSON", "by"),
            (5, "NEITHER", "begun"),
            (6, "NOT_A_DATE", "begun"),
            (7, "AFTER_ARRIVAL", "done"),
            (7, "BACKWARD", "done"),
        ]
        assert h.rows("id, has_note") == [("1", True)]
        assert {r.message for r in h.ledger.rejects() if r.code == "NEITHER"} == {"no date"}


def test_a_delivery_that_arrived_on_another_day_is_judged_anew() -> None:
    with house(T, extract(C, set_aside=RULES)) as h:
        content = HEAD + "1,2021-04-13,2021-04-13,,,\n"
        h.put("things.csv", content, arrival="2021-04-14T0800")
        assert [d.rows_kept for d in h.take().new] == [1]
        h.put("things.csv", content, arrival="2021-04-12T2359")
        assert [d.rows_set_aside for d in h.take().new] == [1]
        assert h.take().known == 1


def test_too_many_count_against_the_limit_and_are_named() -> None:
    with house(T, extract(C, set_aside=RULES, limits={"max_set_aside_share": 0.1})) as h:
        delivery = h.take_one(HEAD + "1,2021-01-01,,,,\n2,,,,,\n")
        assert delivery.code == "TOO_MANY_SET_ASIDE"
        assert delivery.message is not None and "NEITHER in 'begun': 1 rows; first on line 3" in delivery.message


PLAN = """\
plan: p
title: t
agency: a
contract: {{from: 2021-01-01, to: 2021-12-31, document: d, parties: [a, b]}}
reporting: {{dates: [2021-12-31], due_days: 1, closing_days: 1}}
weights: null
rows:
  - id: M1
    text: t
    clause: {{lines: [1]}}
    grade: all_of
    criteria: [{{id: a, text: t, event: {{act: {act}, by: 2021-12-31}}}}]
    rows: [{{id: M1.A, level: part, text: t, clause: {{lines: [1]}}, grade: assessed}}]
"""
LOOKING = [
    {
        "code": "NO_SUCH_ROW",
        "column": "plan_row",
        "when": "(plan, plan_row) not in (select plan, plan_row from plan_rows)",
        "message": "no such row",
    },
    {
        "code": "NO_SUCH_ACT",
        "column": "act",
        "when": "not exists (select 1 from plan_words w where w.plan_row = acts.plan_row and w.use = 'act' and w.word = acts.act)",
        "message": "no such act",
    },
]


class Planned(House):
    """A house with a plan file."""

    @property
    def declared(self) -> Declared:
        return Declared(
            (), {t.table: t for t in self.tables}, {e.extract: e for e in self.extracts}, {}, {"p": self.root / "p.yaml"}
        )

    def plan(self, act: str) -> None:
        (self.root / "p.yaml").write_text(PLAN.format(act=act))


def planned(root: Path) -> Planned:
    columns = {"id": "varchar", "plan": "varchar", "plan_row": "varchar", "act": "varchar?"}
    wanted = extract({c: c for c in columns}, into="acts", set_aside=LOOKING)
    return Planned(root, [table(columns, name="acts")], [wanted])


def test_rows_are_held_against_the_plans_and_taken_again_when_these_change(tmp_path: Path) -> None:
    h = planned(tmp_path)
    h.plan("sendt")
    h.put("acts.csv", "id,plan,plan_row,act\n1,p,M1,sendt\n2,p,M1,vedtaget\n3,p,M9,sendt\n4,q,M1,sendt\n")
    assert [d.rows_kept for d in h.take().new] == [1]
    assert h.faults() == [
        (3, "NO_SUCH_ACT", "act"),
        (4, "NO_SUCH_ACT", "act"),
        (4, "NO_SUCH_ROW", "plan_row"),
        (5, "NO_SUCH_ROW", "plan_row"),
    ]
    h.plan("'sendt'")  # other bytes, and nothing that the rules look into
    assert h.take().known == 1
    h.plan("vedtaget")
    h.take()
    assert h.rows("id") == [("2",)]


def test_rows_keep_the_order_of_the_file_whatever_the_rules_look_up(tmp_path: Path) -> None:
    h = planned(tmp_path)
    h.plan("sendt")
    lines = [f"{i},p,M1{'.A' if i % 3 else ''},sendt" for i in range(300_000)]
    h.extracts[0].set_aside.pop()
    good, stored = h.put("acts.csv", "id,plan,plan_row,act\n" + "\n".join(lines) + "\n"), set()
    for remark in ("", " ", "  "):
        h.extracts[0].set_aside[0] = RowRule(**{**LOOKING[0], "message": "no" + remark})
        (delivery,) = h.take().new
        stored.add(hashlib.sha256((h.home.path / str(delivery.store_path)).read_bytes()).hexdigest())
    assert good.exists() and len(stored) == 1


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("no_such_column = 1", "no_such_column"),
        ("done >", "syntax error"),
        ("'word'", "Could not convert"),
        ("plan in (select plan from plans)", "plans"),
    ],
)
def test_a_rule_that_is_no_condition_is_the_callers_mistake(when: str, told: str) -> None:
    rules = [{"code": "X", "column": "done", "when": when, "message": "m"}]
    with house(T, extract(C, set_aside=rules)) as h, pytest.raises(CallerError, match=told) as caught:
        h.take_one(HEAD + "1,,,,,\n")
    assert "expectations/things_csv.yaml: set_aside X" in str(caught.value)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["", "x", "2021-01-01", "2021-06-30"]),
            st.sampled_from(["", "A", "a ", "b"]),
            st.sampled_from(["", "A", "B"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_rules_agree_with_a_plain_reading(rows: list[tuple[str, str, str]]) -> None:
    """What is set aside, and why, worked out a row at a time."""
    expected = []
    for line, (done, who, by) in enumerate(rows, 2):
        if done == "x":
            expected.append((line, "NOT_A_DATE"))
        if done == "":
            expected.append((line, "NEITHER"))
        if done == "2021-06-30":
            expected.append((line, "AFTER_ARRIVAL"))
        if who.strip() and who.strip().lower() == by.strip().lower():
            expected.append((line, "SAME_PERSON"))
    with house(T, extract(C, set_aside=RULES)) as h:
        delivery = h.take_one(HEAD + "".join(f"{i},,{done},{who},{by},\n" for i, (done, who, by) in enumerate(rows)))
        assert sorted((line, code) for line, code, _ in h.faults()) == sorted(expected)
        assert delivery.rows_set_aside == len({line for line, _ in expected})
