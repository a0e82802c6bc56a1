"""The detector of personal numbers against the slow one, and where such a number must and must not be found."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_house import extract, house, table
from reference_cpr import holds_person

from maalopfyldelse.intake.cpr import holds_sql

PIECES = st.one_of(
    st.from_regex(r"[0-9][0-9](0[1-9]|1[0-3])[0-9]{2}", fullmatch=True),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
    st.sampled_from(["-", " ", "\u2013", "\u00a0", "", "x", "+45", "æ", "0"]),
)


def _found(texts: list[str], *, digits_are_ids: bool) -> list[bool]:
    sql = f"select {holds_sql('t', digits_are_ids=digits_are_ids)} from (select unnest(?) as t)"
    return [row[0] for row in duckdb.connect().execute(sql, [texts]).fetchall()]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(PIECES, min_size=1, max_size=7).map("".join), min_size=10, max_size=40))
def test_the_detector_agrees_with_the_slow_one(texts: list[str]) -> None:
    for digits_are_ids in (False, True):
        expected = [holds_person(text, by_itself=not digits_are_ids) for text in texts]
        assert _found(texts, digits_are_ids=digits_are_ids) == expected


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("0101701234", True),
        ("sag om 010170-1234, haster", True),
        ("010170 1234", True),
        ("610170-1234", True),  # a replacement number: the day with 60 added
        ("290200-4123", True),  # 29 February 2000
        ("290200-1123", False),  # 1900 was no leap year
        ("310470-1234", False),  # no such day
        ("1234501017012345678", False),  # nineteen digits: a telephone system's id
        ("20210101701234", False),
        ("+4520123456", False),
    ],
)
def test_where_a_personal_number_stands(text: str, is_found: bool) -> None:
    assert _found([text], digits_are_ids=False) == [is_found]
    assert holds_person(text, by_itself=True) is is_found


def test_ids_of_ten_digits_are_none_where_the_table_says_so() -> None:
    assert _found(["0101701234", "010170-1234"], digits_are_ids=True) == [False, True]


def test_a_row_with_a_personal_number_is_set_aside_and_the_number_goes_nowhere() -> None:
    things = table({"id": "varchar", "note": "varchar?", "amount": "bigint?"})
    columns = {"id": "id", "note": "note", "amount": "amount"}
    rows = ["1,fine,12", "2,ring til 010170-1234 i dag,3", "3,,0202801234", "4,1234501017012345678,"]
    with house(things, extract(columns)) as h:
        delivery = h.take_one("id,note,amount\n" + "\n".join(rows) + "\n")
        assert (delivery.rows_read, delivery.rows_kept) == (4, 2)
        assert h.faults() == [(3, "PERSONAL_NUMBER", "note"), (4, "PERSONAL_NUMBER", "amount")]
        assert h.rows("id") == [("1",), ("4",)]
        left = b"".join(p.read_bytes() for p in h.home.path.rglob("*") if p.is_file())
        assert b"010170-1234" not in left and b"0202801234" not in left
        assert all("010170" not in r.message for r in h.ledger.rejects())
