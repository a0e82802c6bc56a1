"""The words of a plan in Danish: how a window, a result, a target and a grade read, and how days and periods are written.

One wording for the methods annex and for what the department reads. Numbers are printing.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from .counting import groups_of
from .dates import DANISH_ZONE
from .plan_terms import UNIT_WORDS, Grade, ResultKind, Target, Window
from .printing import danish_day, danish_exact

MONTHS = ("januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december")
COMPARISON_WORDS = {"at_least": "mindst", "at_most": "højst", "under": "under", "over": "over"}


def long_date(day: date) -> str:
    """`31. december 2021`."""
    return f"{day.day}. {MONTHS[day.month - 1]} {day.year}"


def days_words(first: date, last: date) -> str:
    """`1. januar – 31. december 2021`, or the day alone."""
    if first == last:
        return long_date(last)
    begins = long_date(first) if first.year != last.year else f"{first.day}. {MONTHS[first.month - 1]}"
    return f"{begins} – {long_date(last)}"


def long_time(instant: datetime) -> str:
    """`12. april 2021 kl. 08.00`, Danish time."""
    return long_clock(instant.astimezone(DANISH_ZONE))


def long_clock(wall: datetime) -> str:
    """As `long_time`, of a wall time."""
    return f"{long_date(wall.date())} kl. {wall:%H.%M}"


def period_words(period: str | None) -> str:
    """`2021Q1` as `1. kvartal 2021`, `2021-03` as `marts 2021`; any other text as it is."""
    text = period or ""
    if m := re.fullmatch(r"(\d{4})([QH])(\d)", text):
        return f"{m[3]}. {'kvartal' if m[2] == 'Q' else 'halvår'} {m[1]}"
    if m := re.fullmatch(r"(\d{4})-(\d{2})", text):
        return f"{MONTHS[int(m[2]) - 1]} {m[1]}"
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return long_date(date.fromisoformat(text))
    return text


def window_words(window: Window) -> str:
    """Which days an observation may lie in."""
    if window.year_to_date is not None:
        return "fra 1. januar til opgørelsesdagen"
    if window.stock is not None:
        return "tilstanden ved opgørelsesdagens slutning"
    if window.rolling is not None:
        return f"de seneste {window.rolling.months} måneder til og med opgørelsesdagen"
    if window.fixed is not None:
        return f"{danish_day(window.fixed.from_)} til {danish_day(window.fixed.to)}"
    entries = sorted((window.by_date or {}).items())
    return "; ".join(f"fra opgørelsen pr. {danish_day(d)}: {danish_day(w.from_)} til {danish_day(w.to)}" for d, w in entries)


def filter_words(where: Mapping[str, Iterable[str]], names: Mapping[str, str]) -> list[str]:
    """`kø: support_borger, support_virksomhed`, one text a group; `names` says what groups are called."""
    return [f"{names.get(group, group)}: {', '.join(values)}" for group, values in where.items()]


def result_words(result: ResultKind, names: Mapping[str, str], against: str | None = None) -> str:
    """How observations become a number. `against` is the period that a change is held against, where its dates are known."""
    called = {group: names.get(group, group) for group in groups_of(result)}
    if result.pooled is not None:
        mean = result.pooled.denominator_mean_of
        return f"sum af tællere / gennemsnit af nævnere over {called[mean]}" if mean else "sum af tællere / sum af nævnere"
    if result.best:
        of = {"pooled": "samlet", "each": "hver for sig", "mean": "gennemsnit af andelene"}[result.best.of]
        return f"de {', '.join(map(str, result.best.n))} bedste efter {called[result.best.group]}, {of}"
    if result.change:
        other = [f"perioden {against or window_words(result.change.against)}"] if result.change.against else []
        if result.change.where is not None:
            other.append("; ".join(filter_words(result.change.where, names)) or "alle")
        other += [f"gennemsnittet over {called[result.change.mean_of]}"] if result.change.mean_of else []
        return f"tallet delt med det tilsvarende tal for {', '.join(other)}"
    named = {"gennemsnit af": result.mean_of, "den dårligste af": result.worst_of, "summen af": result.sum_of}
    return next(f"{words} tallene for hver {called[group]}" for words, group in named.items() if group)


def target_words(target: Target) -> str:
    """`mindst 90 pct.`"""
    if target.number is None or target.comparison is None:
        return f"tallet {target.missing} mangler i teksten"
    return f"{COMPARISON_WORDS[target.comparison]} {danish_exact(target.number)} {UNIT_WORDS[target.unit]}".strip()


def grade_words(grade: Grade, over_criteria: bool) -> str:
    """How a number, or the parts, become a degree."""
    parts = "delkravene" if over_criteria else "rækkerne nedenfor"
    if grade.threshold:
        return "opfyldt eller ikke" + ("; intet at opgøre regnes for opfyldt" if grade.threshold.empty == "met" else "")
    if grade.steps:
        return "; ".join(
            f"{danish_exact(d)} pct. hvis målet holder for {n}" for n, d in sorted(grade.steps.degrees.items(), reverse=True)
        )
    if grade.scale:
        steps = [
            f"{n}: {danish_exact(a)}" + (f"–{danish_exact(b)}" if a != b else "")
            for n, (a, b) in sorted(grade.scale.intervals.items())
        ]
        return f"antal helt opfyldte af {parts} → grad i pct.: {'; '.join(steps)}"
    if grade.undefined:
        return f"teksten giver ingen regel: {grade.undefined.missing}"
    if grade.assessed:
        return "vurderes" + (f" af {grade.assessed.by}" if grade.assessed.by else "")
    words = {
        "all_of": f"opfyldt når alle af {parts} er opfyldt",
        "any_of": f"opfyldt når mindst én af {parts} er opfyldt",
        "k_of_n": f"{parts} vægter ligeligt",
        "sum": "summen af pointene nedenfor",
        "silence": f"alle af {parts} opfyldt giver fuldt, ingen giver 0; derimellem siger teksten intet, og graden er åben",
        "each_by_verdict": "hver del efter sin vurdering",
        "proportional": "tallets andel af målet, højst 100 pct.",
    }
    return words[next(iter(grade.model_fields_set))]


def readable(code: str) -> str:
    """A code of a plan or a register as a Danish word: `praksisundersoegelse` as `praksisundersøgelse`."""
    text = code.replace("_", " ")
    for written, meant in (("ae", "æ"), ("oe", "ø"), ("aa", "å")):
        text = text.replace(written, meant)
    return text


def with_long_dates(text: str) -> str:
    """The text with its days written out: `frist 30-06-2021` as `frist 30. juni 2021`."""
    return re.sub(r"\b(\d{2})-(\d{2})-(\d{4})\b", lambda m: _written_out(m[0], int(m[3]), int(m[2]), int(m[1])), text)


def _written_out(text: str, year: int, month: int, day: int) -> str:
    try:
        return long_date(date(year, month, day))
    except ValueError:
        return text


def verdict_words(verdict: str | None) -> str:
    """The verdict, or that the text gives none."""
    return verdict or "uden verdikt"
