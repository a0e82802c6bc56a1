"""Telephone answers counted by hand: one call after the other, in plain Python over the events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

Row = dict[str, Any]


def observations(
    rows: Mapping[str, list[Row]],
    *,
    as_of: date,
    from_date: date,
    parameters: Mapping[str, Any],
    options: Mapping[str, str],
) -> Iterator[Row]:
    """What sql/telephone_answers.sql should return under one reading, without reading_id."""
    for call_id in {event["call_id"] for event in rows["call_events"]}:
        events = sorted(
            (e for e in rows["call_events"] if e["call_id"] == call_id), key=lambda e: (e["call_sequence"], e["rec_id"])
        )
        begun_date = min(e["started_date"] for e in events)
        if not from_date < begun_date <= as_of:
            continue
        begun_at = min(e["started_at"] for e in events)
        yield from _call(call_id, events, begun_at, begun_date, rows, parameters["limit_ms"], options)


def _call(
    call_id: str,
    events: list[Row],
    begun_at: datetime,
    begun_date: date,
    rows: Mapping[str, list[Row]],
    limit_ms: int,
    options: Mapping[str, str],
) -> Iterator[Row]:
    reported = {q["queue_key"]: q["queue"] for q in rows["queues"]}
    phone = [e for e in events if e["media"] == "phone"]
    queued = [e for e in phone if e["event_type"] == "queue" and not (e["queue_key"] or "").startswith("__Callout_")]
    entries = [e for e in queued if reported.get(e["queue_key"]) != "outside"]

    def observation(entry_no: int, queue: str | None, reason: str | None, wait: int | None, hit: bool) -> Row:
        return {
            "call_id": call_id,
            "entry_no": entry_no,
            "queue": queue,
            "observed_month": begun_date.replace(day=1),
            "wait_ms": wait,
            "observed_date": begun_date,
            "source_rows": len(events) if entry_no <= 1 else 0,
            "reason": reason,
            "numerator": int(reason is None and hit),
            "denominator": int(reason is None),
            "is_known": True,
        }

    if not entries:
        why_not = "not_phone" if not phone else "other_queue" if queued else "no_queue"
        yield observation(0, "outside" if queued else "none", why_not, None, False)
        return

    def spoken_between(first: Row, beyond: Row | None) -> list[datetime]:
        return [
            e["speak_started_at"] or e["started_at"]
            for e in phone
            if e["event_type"] == "conversation"
            and e["result_code"] == "k"
            and e["call_sequence"] >= first["call_sequence"]
            and (beyond is None or e["call_sequence"] < beyond["call_sequence"])
        ]

    following: list[Row | None] = [*entries[1:], None]
    if options["unit"] == "queue_entry":
        counted = [
            (number, entry, [entry], entry, min(spoken_between(entry, after), default=None))
            for number, (entry, after) in enumerate(zip(entries, following, strict=True), start=1)
        ]
    else:
        counted = [(1, entries[0], entries, queued[-1], min(spoken_between(entries[0], None), default=None))]

    for number, entry, its_entries, last_event, answered_at in counted:
        order = min((_ended(e) for e in its_entries if e["result_code"] == "q"), default=None)
        met_at = answered_at
        if options["callback"] == "order_is_answer" and order and (answered_at is None or order < answered_at):
            met_at = order
        if options["wait_from"] == "initiation":
            wait_from = begun_at
        elif options["wait_from"] == "first_queue" or options["unit"] == "queue_entry":
            wait_from = entry["started_at"]
        elif answered_at is None:
            wait_from = max(e["started_at"] for e in its_entries)
        else:
            wait_from = max(
                e["started_at"]
                for e, after in zip(entries, following, strict=True)
                if min(spoken_between(e, after), default=None) == answered_at
            )
        ended_at = _ended(last_event)
        reason: str | None = None
        if _in_outage(entry, answered_at or ended_at, rows["outages"], options["outage"]):
            reason = "outage"
        elif options["closed_hours"] == "excluded" and _closed(entry, rows["opening_hours"]):
            reason = "closed_hours"
        elif options["callback"] == "excluded" and order:
            reason = "callback_ordered"
        elif options["error_codes"] == "excluded" and met_at is None and last_event["result_code"] == "e":
            reason = "queue_error"
        elif options["denominator"] == "answered" and met_at is None:
            reason = "unanswered"
        elif options["denominator"] == "no_early_hangup" and met_at is None and last_event["result_code"] == "h":
            reason = "early_hangup" if _ms(wait_from, ended_at) < limit_ms else None
        wait = None if met_at is None else _ms(wait_from, met_at)
        judged = wait
        if wait is not None and options["precision"] == "whole_seconds":
            judged = (wait + 500) // 1000 * 1000
        yield observation(number, reported.get(entry["queue_key"]), reason, wait, judged is not None and judged <= limit_ms)


def _ms(first: datetime, second: datetime) -> int:
    return (second - first) // timedelta(milliseconds=1)


def _ended(event: Row) -> datetime:
    ended: datetime = event["started_at"] + timedelta(seconds=event["duration_s"])
    return ended


def _in_outage(entry: Row, waited_until: datetime, outages: list[Row], rule: str) -> bool:
    for outage in outages:
        if outage["system"] != "puzzel" or outage["approved_date"] is None:
            continue
        at_entry = outage["began_at"] <= entry["started_at"] < outage["ended_at"]
        overlaps = entry["started_at"] < outage["ended_at"] and outage["began_at"] < waited_until
        last_day = outage["ended_date"] or outage["began_date"]
        if rule == "queue_entry" and at_entry:
            return True
        if rule == "waiting_overlap" and (at_entry or overlaps):
            return True
        if rule == "whole_day" and outage["began_date"] <= entry["started_date"] <= last_day:
            return True
    return False


def _closed(entry: Row, opening_hours: list[Row]) -> bool:
    day = entry["started_date"]
    valid = [h for h in opening_hours if h["valid_from_date"] <= day and (h["valid_to_date"] or day) >= day]
    today = [h for h in valid if h["weekday"] == day.isoweekday()]
    if not valid:
        return False
    if not today:
        return True
    opens, closes = min(h["opens_at_minute"] for h in today), max(h["closes_at_minute"] for h in today)
    return not opens <= entry["started_minute"] < closes
