"""How exact numbers are written: half up, nine decimals, Danish print that never hides a verdict."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maalopfyldelse.printing import danish, danish_figure, decimal, exact_text

NUMBERS = st.fractions(-1000, 1000, max_denominator=10**6)


@given(NUMBERS)
def test_nine_decimals_half_up(number: Fraction) -> None:
    written = decimal(number)
    assert written is not None
    assert abs(Fraction(written) - number) <= Fraction(1, 2 * 10**9)
    assert written == written.quantize(Decimal("1e-9"))


@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_exact_text_says_the_number_itself(whole: int, places: int) -> None:
    number = Fraction(whole, 10**places)
    text = exact_text(number)
    assert text is not None and Fraction(text) == number and "e" not in text.lower()


def test_a_number_without_a_finite_decimal_stays_a_fraction() -> None:
    assert exact_text(Fraction(1, 3)) == "1/3"


@pytest.mark.parametrize(
    ("value", "target", "shown"),
    [
        (Fraction(8996, 100), 90, "89,96"),
        (Fraction(90), 90, "90,0"),
        (Fraction(8994, 100), 90, "89,9"),
        (Fraction(700001, 100000), 7, "7,00001"),
        (Fraction(8605, 100), 90, "86,1"),
    ],
)
def test_print_shows_more_when_rounding_would_hide_the_verdict(value: Fraction, target: int, shown: str) -> None:
    assert danish_figure(value, Fraction(target)) == shown


@given(NUMBERS, st.fractions(-100, 100, max_denominator=10))
def test_the_printed_figure_lies_on_the_right_side_of_the_target(value: Fraction, target: Fraction) -> None:
    printed = Fraction(danish_figure(value, target).replace(",", "."))
    if abs(value - target) > Fraction(1, 10**5):
        assert (printed > target) == (value > target) and (printed < target) == (value < target)


def test_negative_numbers_and_zero() -> None:
    assert danish(Fraction(-1, 4)) == "-0,3" and danish(Fraction(-1, 100)) == "0,0"
