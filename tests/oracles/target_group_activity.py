"""Target-group activity counted by hand: one person after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from maalopfyldelse.dates import add_months

Row = dict[str, Any]
CASH_BENEFITS = {"uddannelseshjaelp", "kontanthjaelp", "sho_ydelse", "overgangsydelse"}
LAST_THREE = {"ressourceforloeb", "ledighedsydelse", "jobafklaring"}


def observations(
    rows: Mapping[str, list[Row]],
    *,
    as_of: date,
    from_date: date,
    parameters: Mapping[str, Any],
    options: Mapping[str, str],
) -> Iterator[Row]:
    """What sql/target_group_activity.sql should return under one reading, without reading_id."""
    groups = {b["benefit_code"]: b for b in rows["benefit_codes"]}
    panel = [s for s in rows["jobcentre_panel"] if from_date < s["quarter_end_date"] <= as_of]
    for stay in panel:
        reason = _absent(stay, options)
        if reason is None and _chosen(stay, panel, options) is not stay:
            reason = "counted_elsewhere"
        if reason is None:
            reason = _outside(stay, groups.get(stay["benefit_code"]), options)
        touched = stay["paid_hours"] > parameters["min_hours"] or stay["is_in_education"]
        if options["activity"] == "any":
            touched = touched or stay["is_employed"]
        yield {
            "person_key": stay["person_key"],
            "jobcentre_id": stay["jobcentre_id"],
            "entered_date": stay["entered_date"],
            "observed_date": stay["quarter_end_date"],
            "source_rows": 1,
            "reason": reason,
            "numerator": int(reason is None and touched),
            "denominator": int(reason is None),
            "is_known": True,
        }


def _first_day(stay: Row) -> date:
    end: date = stay["quarter_end_date"]
    return add_months(end.replace(day=1), -2)


def _absent(stay: Row, options: Mapping[str, str]) -> str | None:
    """Why the person is not there at all, going by the dates."""
    last_day, left, why = stay["quarter_end_date"], stay["left_date"], stay["exit_reason"]
    if stay["entered_date"] > last_day:
        return "not_yet_entered"
    if left is None:
        return None
    if why == "doed":
        return "died" if left <= last_day else None
    if why == "fraflyttet":
        must_live_there_on = last_day if options["movers"] == "quarter_end" else _first_day(stay)
        return "moved_away" if left < must_live_there_on else None
    return "left_benefit" if options["leavers"] == "leave" and left < last_day else None


def _chosen(stay: Row, panel: list[Row], options: Mapping[str, str]) -> Row:
    """The one stay under which the person counts."""
    candidates = [
        other
        for other in panel
        if other["person_key"] == stay["person_key"]
        and other["quarter_end_date"] == stay["quarter_end_date"]
        and _absent(other, options) is None
        and (options["movers"] != "each" or other["jobcentre_id"] == stay["jobcentre_id"])
    ]
    candidates.sort(key=lambda s: s["jobcentre_id"])
    day = _first_day(stay) if options["movers"] == "quarter_start" else stay["quarter_end_date"]
    already = [s for s in candidates if s["entered_date"] <= day]
    if already:
        return max(already, key=lambda s: s["entered_date"])  # the first of equals, so the lowest jobcentre
    return min(candidates, key=lambda s: s["entered_date"])


def _outside(stay: Row, benefit: Row | None, options: Mapping[str, str]) -> str | None:
    """Why somebody who is there does not belong to the target group."""
    if benefit is None:
        return "unknown_benefit"
    group = benefit["benefit_group"]
    if group == "andet":
        return "other_benefit"
    if benefit["is_in_introduction_programme"]:
        if group == "overgangsydelse":
            return "in_introduction"
        if group == "sho_ydelse" and options["introduction"] == "both":
            return "in_introduction"
    must_be_ready = group in CASH_BENEFITS or options["activity_ready_scope"] == "all"
    if must_be_ready and stay["visitation"] != "aktivitetsparat":
        return "not_activity_ready"
    needs_six_months = {
        "jobafklaring": group == "jobafklaring",
        "last_three": group in LAST_THREE,
        "all": True,
    }[options["seniority_scope"]]
    if needs_six_months and not _has_six_months(stay, options["seniority_when"]):
        return "too_short_seniority"
    return None


def _has_six_months(stay: Row, when: str) -> bool:
    if when == "at_entry":
        return bool(stay["seniority_months"] >= 6)
    reached = add_months(stay["entered_date"], 6 - stay["seniority_months"])
    if stay["left_date"] is not None and stay["left_date"] < reached:
        return False
    return reached <= (_first_day(stay) if when == "quarter_start" else stay["quarter_end_date"])
