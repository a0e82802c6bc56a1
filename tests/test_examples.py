"""The catalogue's boundary examples X1–X11 and the chosen readings of 5.2, from raw deliveries to the verdict.

Every test writes files as the source systems write them; nothing is put into an intermediate table.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from world import World, alternative

NOON = datetime(2021, 1, 11, 12)
JANUARY = date(2021, 1, 31)
YEAR_END = date(2021, 12, 31)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _phone(world: World, calls: list[tuple[int, bool]], start: datetime = NOON) -> None:
    for n, (wait_ms, answered) in enumerate(calls):
        world.call(start + timedelta(minutes=n % 600), wait_ms, answered=answered)
    world.deliver_calls(f"{start:%Y-%m}", "2021-02-05T0800")
    world.deliver_queues()
    world.take()


def test_x1_the_reading_of_the_denominator_decides(world: World) -> None:
    _phone(world, [(60_000, True)] * 860 + [(300_000, True)] * 40 + [(60_000, False)] * 60 + [(300_000, False)] * 40)
    line = world.line("star-2021", "M2.A", JANUARY)
    assert (line.value, line.verdict, line.numerator, line.denominator) == (86, "ikke opfyldt", 860, 1000)
    early = alternative(line, "S4.c")
    assert (early.figure.value, early.graded.verdict) == (Fraction(86000, 940), "opfyldt")
    answered = alternative(line, "S4.b")
    assert (answered.figure.value, answered.graded.verdict) == (Fraction(86000, 900), "opfyldt")
    short = alternative(line, "S4.d")
    assert short.figure is None and "korte opkald" in short.graded.reason


def test_x2_exactly_ninety_and_exactly_four_minutes(world: World) -> None:
    _phone(world, [(240_000, True)] * 90 + [(240_001, True)] * 10)
    line = world.line("star-2021", "M2.A", JANUARY)
    assert (line.value, line.verdict) == (90, "opfyldt")
    assert alternative(line, "S6.b").figure.value == 100  # on whole seconds 240.001 is 240


@pytest.mark.parametrize(("minute", "hit"), [(0, 1), (1, 0)])
def test_x3_a_day_with_23_hours_has_24_elapsed_ones_an_hour_later(world: World, minute: int, hit: int) -> None:
    received, replied = datetime(2021, 3, 27, 12), datetime(2021, 3, 28, 13, minute)
    from maalopfyldelse.dates import DANISH_ZONE

    elapsed = replied.replace(tzinfo=DANISH_ZONE).timestamp() - received.replace(tzinfo=DANISH_ZONE).timestamp()
    world.deliver_tickets(
        "2021-05-01T0800", [{"created": received, "minutes": int(elapsed // 60), "business": 60, "solved": replied}]
    )
    world.deliver_mailboxes([("lukket", date(2019, 1, 1), date(2019, 12, 31))])
    world.deliver_mailbox_counts("2020-01-05T0800", [("lukket", date(2019, 1, 1), date(2019, 12, 31), 1, 1)])
    world.take()
    line = world.line("star-2021", "M2.B", date(2021, 3, 31))
    assert (line.numerator, line.denominator) == (hit, 1)


def _written(world: World, mailbox_answered: int | None, mailbox_received: int = 1000) -> None:
    day = datetime(2021, 1, 4, 10)
    tickets = [
        {"created": day, "minutes": 60 if n < 8370 else 2000, "business": 60, "solved": day + timedelta(days=2)}
        for n in range(9000)
    ]
    world.deliver_tickets("2021-02-10T0800", tickets)
    world.deliver_mailboxes([("support", date(2021, 1, 1), None)])
    world.deliver_mailbox_counts("2021-02-10T0900", [("support", date(2021, 1, 1), JANUARY, mailbox_received, mailbox_answered)])
    world.take()


def test_x5_channels_are_pooled(world: World) -> None:
    _written(world, 800)
    line = world.line("star-2021", "M2.B", JANUARY)
    assert (line.value, line.verdict) == (Fraction(917, 10), "ikke opfyldt")
    assert alternative(line, "S17.b").figure.value == Fraction(865, 10)
    only_zendesk = alternative(line, "S18.b")
    assert (only_zendesk.figure.value, only_zendesk.graded.verdict) == (93, "opfyldt")


def test_s18_an_uncounted_mailbox_of_known_size_widens_the_share(world: World) -> None:
    _written(world, None)
    line = world.line("star-2021", "M2.B", JANUARY)
    assert line.value is None and line.verdict == "ikke opgjort" and (line.low, line.high) == (0, 100)
    figure = line.outcomes[0].figure
    assert figure is not None and (figure.low, figure.high) == (Fraction(837, 10), Fraction(937, 10))


def test_s18_a_mailbox_nobody_counted_is_not_computed(world: World) -> None:
    day = datetime(2021, 1, 4, 10)
    world.deliver_tickets("2021-02-10T0800", [{"created": day, "minutes": 60, "business": 60, "solved": day}])
    world.deliver_mailboxes([("support", date(2020, 12, 1), None)])
    world.deliver_mailbox_counts("2021-01-10T0900", [("support", date(2020, 12, 1), date(2020, 12, 31), 10, 9)])
    world.take()
    line = world.line("star-2021", "M2.B", JANUARY)
    assert line.value is None and line.verdict == "ikke opgjort" and "Mangler data" in (line.reason or "")
    assert alternative(line, "S18.b").figure.value == 100


def _cases(world: World, cases: list[dict[str, object]], received_at: str = "2022-02-01T0800") -> None:
    world.deliver_case_types()
    world.deliver_cases(received_at, [{"id": f"21/{n:04}"} | c for n, c in enumerate(cases)])
    world.take()


def test_x7_the_window_is_half_open(world: World) -> None:
    closed = [date(2020, 12, 31), date(2021, 1, 1), YEAR_END, date(2022, 1, 1)]
    _cases(world, [{"created": day - timedelta(days=7 * (n + 1)), "closed": day} for n, day in enumerate(closed)])
    line = world.line("star-2021", "M2.C", YEAR_END)
    assert (line.numerator, line.denominator) == (14 + 21, 2)
    assert line.value == Fraction(35, 14)
    both_ends = alternative(line, "S29.b").figure
    assert (both_ends.numerator, both_ends.denominator) == (7 + 14 + 21, 3)


def test_seven_weeks_exactly_are_met_and_a_day_more_is_not(world: World) -> None:
    _cases(world, [{"created": date(2021, 3, 1), "closed": date(2021, 3, 1) + timedelta(days=d)} for d in (48, 50)])
    assert world.line("star-2021", "M2.C", YEAR_END).verdict == "opfyldt"
    world.deliver_cases("2022-02-02T0800", [{"id": "21/0001", "created": date(2021, 3, 1), "closed": date(2021, 4, 21)}])
    world.take()
    assert world.line("star-2021", "M2.C", YEAR_END).verdict == "ikke opfyldt"


@pytest.mark.parametrize(
    ("created", "months", "backward", "days90", "days91", "days92"),
    [
        (date(2021, 9, 29), True, True, True, True, True),
        (date(2021, 9, 30), True, False, True, True, False),
        (date(2021, 10, 1), False, False, True, False, False),
        (date(2021, 10, 2), False, False, False, False, False),
    ],
)
def test_x8_over_three_months(
    world: World, created: date, months: bool, backward: bool, days90: bool, days91: bool, days92: bool
) -> None:
    _cases(world, [{"created": created}])
    line = world.line("star-2021", "M2.D", YEAR_END)
    assert line.value == 100 * months
    found = {name: alternative(line, f"S31.{name}").figure.value == 100 for name in ("c", "d90", "d91", "d92")}
    assert found == {"c": backward, "d90": days90, "d91": days91, "d92": days92}


def test_x8_over_four_months(world: World) -> None:
    _cases(world, [{"created": date(2021, 8, 31), "type": "CK"}])
    line = world.line("star-2021", "M2.F", YEAR_END)
    assert (
        line.value == 0 and alternative(line, "S31.b").figure.value == 100 and alternative(line, "S31.d120").figure.value == 100
    )


def test_s33_closed_on_the_day_is_not_pending_and_s34_none_pending_is_met(world: World) -> None:
    _cases(world, [{"created": date(2021, 1, 4), "closed": YEAR_END}])
    line = world.line("star-2021", "M2.D", YEAR_END)
    assert line.value is None and line.verdict == "opfyldt" and line.reason
    assert alternative(line, "S33.b").figure.value == 100
    assert alternative(line, "S34.b").graded.verdict == "ikke opgjort"


def test_s35_no_closed_case_has_no_mean(world: World) -> None:
    _cases(world, [{"created": date(2021, 11, 1)}])
    assert world.line("star-2021", "M2.C", YEAR_END).verdict == "ikke opgjort"


def test_s36_mid_year_is_information_without_a_verdict(world: World) -> None:
    _cases(world, [{"created": date(2021, 1, 4)}])
    line = world.line("star-2021", "M2.D", date(2021, 6, 30))
    assert (
        line.value == 100 and line.verdict is None and (line.low, line.high) == (0, 100) and "orientering" in (line.reason or "")
    )


def test_s23_receipt_instead_of_creation_and_missing_receipt(world: World) -> None:
    created = date(2021, 3, 1)
    _cases(world, [{"created": created, "received": created - timedelta(days=10), "closed": created + timedelta(days=40)}])
    line = world.line("star-2021", "M2.C", YEAR_END)
    assert (line.value, alternative(line, "S23.b").figure.value) == (Fraction(40, 7), Fraction(50, 7))
    world.deliver_cases("2022-02-02T0800", [{"id": "21/0099", "created": created, "closed": created}])
    world.take()
    assert "Mangler data" in alternative(world.line("star-2021", "M2.C", YEAR_END), "S23.b").figure.reason


def test_s25_and_s28_reopened_and_mis_created(world: World) -> None:
    reopened = {
        "created": date(2021, 1, 1),
        "first_closed": date(2021, 1, 11),
        "reopened": date(2021, 2, 1),
        "closed": date(2021, 2, 21),
    }
    mis_created = {"created": date(2021, 1, 1), "closed": date(2021, 6, 1), "outcome": "Fejloprettet"}
    _cases(world, [reopened, mis_created])
    line = world.line("star-2021", "M2.C", YEAR_END)
    assert (line.numerator, line.denominator) == (51, 1)
    assert line.outcomes[0].figure is not None and line.outcomes[0].figure.excluded["mis_created"] == 1
    assert alternative(line, "S25.b").figure.numerator == 10
    new_case = alternative(line, "S25.c").figure
    assert (new_case.numerator, new_case.denominator) == (10 + 20, 2)


def test_s30_the_mixture_of_complaints_can_hide_one_kind(world: World) -> None:
    day = date(2021, 3, 1)
    cka = [{"created": day, "closed": day + timedelta(days=30), "type": "CK"} for _ in range(9)]
    _cases(world, [*cka, {"created": day, "closed": day + timedelta(days=90), "type": "EK"}])
    line = world.line("star-2021", "M2.E", YEAR_END)
    assert line.value == Fraction(36, 7) and line.verdict == "opfyldt"
    each = alternative(line, "S30.b")
    assert each.figure.value == Fraction(90, 7) and each.graded.verdict == "ikke opfyldt"


def test_x11_the_fifteen_best(world: World) -> None:
    persons = [{"centre": f"{n:05}", "employed": k < 30} for n in range(14) for k in range(100)]
    persons += [{"centre": "99999", "hours": "12.5" if k < 240 else 0} for k in range(1000)]
    world.deliver_benefits()
    world.deliver_panel("2021-11-01T0800", "2021Q3", [p | {"key": f"p{n}"} for n, p in enumerate(persons)])
    world.take()
    line = world.line("star-2021", "M4", YEAR_END)
    assert (line.value, line.low, line.verdict) == (Fraction(275, 10), 100, "opfyldt")
    r2, r3 = alternative(line, "S40.R2"), alternative(line, "S40.R3")
    assert (r2.figure.value, r2.graded.low, r2.graded.verdict) == (24, 75, "delvist opfyldt")
    assert (r3.figure.value, r3.graded.low) == (Fraction(296, 10), 100)


def test_i23_per_employee_turns_the_verdict(world: World) -> None:
    for n in range(1, 5):
        world.deliver_absence(f"2020-{3 * n:02}-28T0800", f"2020Q{n}", [{"days": 175, "fte": 98, "heads": 102}])
    world.take()
    line = world.line("siri-2020", "2.3", date(2020, 12, 31))
    assert (line.value, line.verdict) == (Fraction(700, 98), "ikke opfyldt")
    heads = alternative(line, "I23.b")
    assert (heads.figure.value, heads.graded.verdict) == (Fraction(700, 102), "opfyldt")


def test_i25_seven_exactly_is_not_under_seven_and_hours_are_converted_exactly(world: World) -> None:
    for n in range(1, 5):
        world.deliver_absence(f"2020-{3 * n:02}-28T0800", f"2020Q{n}", [{"hours": "129.5", "fte": 10, "heads": 10}])
    world.take()
    line = world.line("siri-2020", "2.3", date(2020, 12, 31))
    assert (line.value, line.verdict) == (7, "ikke opfyldt")


def test_a_missing_quarter_is_named(world: World) -> None:
    for n in (1, 2, 4):
        world.deliver_absence(f"2020-{3 * n:02}-28T0800", f"2020Q{n}", [{"days": 10, "fte": 10, "heads": 10}])
    world.take()
    line = world.line("siri-2020", "2.3", date(2020, 12, 31))
    assert line.verdict == "ikke opgjort" and "2020Q3" in (line.reason or "")


def test_a_missing_month_of_calls_is_named(world: World) -> None:
    _phone(world, [(1000, True)] * 3)
    line = world.line("star-2021", "M2.A", date(2021, 2, 28))
    assert line.verdict == "ikke opgjort" and "2021-02" in (line.reason or "")


def test_s9_an_outage_is_left_out_of_both_sides(world: World) -> None:
    _phone(world, [(300_000, False)] * 3 + [(1000, True)] * 7)
    world.deliver_outages([(NOON, NOON + timedelta(minutes=3))], "2021-02-06T0800")
    world.take()
    line = world.line("star-2021", "M2.A", JANUARY)
    assert (line.numerator, line.denominator) == (7, 7)
    assert alternative(line, "S9.d").figure.value == 70


def test_the_same_call_twice_delivered_counts_once_and_a_correction_replaces_its_month(world: World) -> None:
    _phone(world, [(1000, True)] * 2)
    world.call(NOON, 1000, answered=False)
    world.deliver_calls("2021-01", "2021-02-09T0800")
    world.take()
    assert world.line("star-2021", "M2.A", JANUARY).denominator == 1
    assert world.line("star-2021", "M2.A", JANUARY, known_at="2021-02-08T0800").denominator == 2
