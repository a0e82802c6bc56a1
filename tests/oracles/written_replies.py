"""Written replies counted by hand: one ticket, one mailbox count, one mailbox after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from maalopfyldelse.dates import is_working_day

Row = dict[str, Any]


def observations(
    rows: Mapping[str, list[Row]],
    *,
    as_of: date,
    from_date: date,
    parameters: Mapping[str, Any],
    options: Mapping[str, str],
) -> Iterator[Row]:
    """What sql/written_replies.sql should return under one reading, without reading_id."""
    limit = timedelta(minutes=parameters["limit_minutes"])
    extracted_at = max((t["delivered_at"] for t in rows["tickets"]), default=None)
    for ticket in rows["tickets"]:
        answer = _answer(ticket, options)
        observed = ticket["created_date"]
        in_time: bool | None = False
        undated = False
        if answer is not None:
            in_time = _in_time(ticket, answer, limit, options)
            if options["cohort"] == "answered":
                undated = answer["date"] is None
                observed = answer["date"] or observed
        reason = _ticket_reason(ticket, answer, observed, extracted_at, limit, from_date, as_of, rows["outages"], options)
        known = reason is not None or not (in_time is None or undated)
        yield _observation(
            "zendesk",
            ticket["ticket_id"],
            observed,
            1,
            reason,
            int(reason is None and known and bool(in_time)),
            int(reason is None),
            known,
        )
    registered = {m["mailbox"] for m in rows["mailboxes"]}
    inside = []
    for count in rows["mailbox_counts"]:
        reason = None
        is_inside = from_date < count["period_from_date"] and count["period_to_date"] <= as_of
        if is_inside:
            inside.append(count)
        if options["mailboxes"] == "ignored":
            reason = "mailbox_ignored"
        elif count["mailbox"] not in registered:
            reason = "unknown_mailbox"
        elif not is_inside:
            reason = "outside_window"
        received, answered = count["received_count"], count["answered_24h_count"]
        known = reason is not None or (received is not None and answered is not None)
        item = f"{count['mailbox']} {count['period_from_date']}"
        yield _observation(
            "mailbox",
            item,
            count["period_to_date"],
            1,
            reason,
            answered if reason is None and known else 0,
            received if reason is None else 0,
            known,
        )
    if options["mailboxes"] == "ignored":
        return
    for mailbox in rows["mailboxes"]:
        day = from_date + timedelta(days=1)
        while day <= as_of:
            valid = mailbox["valid_from_date"] <= day <= (mailbox["valid_to_date"] or day)
            covered = any(
                c["mailbox"] == mailbox["mailbox"] and c["period_from_date"] <= day <= c["period_to_date"] for c in inside
            )
            if valid and not covered:
                yield _observation("mailbox", mailbox["mailbox"] + " mangler", day, 0, None, 0, None, False)
                break
            day += timedelta(days=1)


def _observation(
    channel: str,
    item: str,
    observed: date,
    source_rows: int,
    reason: str | None,
    numerator: int,
    denominator: int | None,
    is_known: bool,
) -> Row:
    return {
        "channel": channel,
        "item": item,
        "observed_month": observed.replace(day=1),
        "observed_date": observed,
        "source_rows": source_rows,
        "reason": reason,
        "numerator": numerator,
        "denominator": denominator,
        "is_known": is_known,
    }


def _answer(ticket: Row, options: Mapping[str, str]) -> Row | None:
    """The answer with its elapsed time (by instants, by the system's minutes), day and minute; None while there is none."""
    if options["reply"] == "solved":
        if ticket["solved_at"] is None:
            return None
        took = ticket["solved_at"] - ticket["created_at"]
        return {"took": took, "minutes": None, "business": None, "date": ticket["solved_date"], "minute": None}
    if ticket["first_reply_at"] is None and ticket["reply_minutes"] is None:
        return None
    day, minute = ticket["first_reply_date"], ticket["first_reply_minute"]
    if day is None and ticket["created_minute"] is not None and ticket["reply_minutes"] is not None:
        days_on, minute = divmod(ticket["created_minute"] + ticket["reply_minutes"], 1440)
        day = ticket["created_date"] + timedelta(days=days_on)
    return {
        "took": ticket["first_reply_at"] - ticket["created_at"] if ticket["first_reply_at"] else None,
        "minutes": ticket["reply_minutes"],
        "business": ticket["reply_business_minutes"],
        "date": day,
        "minute": minute,
    }


def _in_time(ticket: Row, answer: Row, limit: timedelta, options: Mapping[str, str]) -> bool | None:
    """None = this clock cannot say."""
    if options["clock"] == "business":
        return None if answer["business"] is None else timedelta(minutes=answer["business"]) <= limit
    if options["clock"] == "next_working_day":
        due = ticket["created_date"] + timedelta(days=1)
        while not is_working_day(due):
            due += timedelta(days=1)
        if answer["date"] is None:
            return None
        if answer["date"] != due:
            return bool(answer["date"] < due)
        if answer["minute"] is None or ticket["created_minute"] is None:
            return None
        return bool(answer["minute"] <= ticket["created_minute"])
    by_minutes = None if answer["minutes"] is None else timedelta(minutes=answer["minutes"])
    if options["precision"] == "minutes":
        taken: Any = by_minutes if by_minutes is not None else timedelta(minutes=answer["took"] // timedelta(minutes=1))
    else:
        taken = answer["took"] if answer["took"] is not None else by_minutes
    return bool(taken <= limit)


def _ticket_reason(
    ticket: Row,
    answer: Row | None,
    observed: date,
    extracted_at: Any,
    limit: timedelta,
    from_date: date,
    as_of: date,
    outages: list[Row],
    options: Mapping[str, str],
) -> str | None:
    if options["cohort"] == "answered" and answer is None:
        return "unanswered"
    if not from_date < observed <= as_of:
        return "outside_window"
    if ticket["via"] == "voice":
        return "not_written"
    if options["removed"] == "excluded":
        if ticket["status"] == "deleted":
            return "deleted"
        if ticket["is_spam"]:
            return "spam"
        if ticket["is_merged"]:
            return "merged"
    if options["outage"] == "excluded":
        for outage in outages:
            concerns = outage["system"] in ("zendesk", "any") and outage["approved_date"] is not None
            if concerns and outage["began_at"] <= ticket["created_at"] < outage["ended_at"]:
                return "outage"
    if answer is None:
        if extracted_at - ticket["created_at"] < limit:
            return "not_due"
        if options["no_reply"] == "excluded" and ticket["status"] in ("solved", "closed"):
            return "no_reply_needed"
        if options["unanswered"] == "dropped":
            return "unanswered"
    return None
