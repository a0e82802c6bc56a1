"""The figures of with_polars.py, under the approved readings: lazy queries, streamed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
from polars import col

from benchmarks import job
from benchmarks.job import AGE_MONTHS, AREAS, CASH, LIMIT_MINUTES, LIMIT_MS, Answers, Groups, Lists


def _counted(
    rows: pl.LazyFrame, reasons: dict[str, pl.Expr], group: pl.Expr, numerator: pl.Expr
) -> tuple[Groups, dict[str, int]]:
    """Groups' numerators and denominators, and how many are excluded for which reason, the first that holds."""
    reason = pl.coalesce(pl.when(bad).then(pl.lit(why)) for why, bad in reasons.items())
    sums = (
        rows.select(reason=reason, group=group.cast(pl.String), n=numerator.fill_null(False).cast(pl.Int64))
        .group_by("reason", "group")
        .agg(col("n").sum(), pl.len())
        .collect(engine="streaming")
    )
    groups: Groups = {}
    excluded: dict[str, int] = {}
    for why, name, n, times in sums.iter_rows():
        if why is None:
            groups[name] = (n, times, 0)
        else:
            excluded[why] = excluded.get(why, 0) + times
    return groups, excluded


def telephone(events: pl.LazyFrame, answers: Answers, found: Lists, as_of: date) -> None:
    """Calls answered within the limit."""
    after = date(as_of.year - 1, 12, 31)
    is_queue = (col("event_type") == "queue") & ~col("queue_key").str.starts_with("__Callout_").fill_null(False)
    is_talk = (col("event_type") == "conversation") & (col("result_code") == "k")
    spoke = pl.coalesce("speak_started_at", "started_at")
    known = events.with_columns(queue=col("queue_key").replace_strict(found.queues, default=None, return_dtype=pl.String))
    known = known.with_columns(is_entry=is_queue & (col("queue") != "outside").fill_null(True) & (col("media") == "phone"))
    first = pl.when("is_entry").then(col("call_sequence")).min()
    calls = (
        known.group_by("call_id")
        .agg(
            begun=col("started_date").min(),
            entry=first,
            entered=col("started_at").filter("is_entry").min(),
            queue=col("queue").filter("is_entry").sort_by(col("call_sequence").filter("is_entry")).first(),
            answered=spoke.filter(is_talk & (col("call_sequence") > pl.when("is_entry").then(col("call_sequence")).min())).min(),
        )
        .filter((col("begun") > after) & (col("begun") <= as_of) & col("queue").is_in(["support_borger", "support_virksomhed"]))
    )
    down = pl.any_horizontal(
        (col("entered") >= o.began) & (col("entered") < o.ended) for o in found.outages if o.system == "puzzel"
    )
    in_time = col("answered") - col("entered") <= timedelta(milliseconds=LIMIT_MS)
    answers.figure("M2.A", *_counted(calls, {"outage": down}, col("begun").dt.truncate("1mo"), in_time))


def written(tickets: pl.LazyFrame, answers: Answers, found: Lists, as_of: date, exported: datetime) -> None:
    """Tickets and mails answered within the limit."""
    after = date(as_of.year - 1, 12, 31)
    is_young = col("created_at") > exported - timedelta(minutes=LIMIT_MINUTES)
    reasons = {
        "outside_window": (col("created_date") <= after) | (col("created_date") > as_of),
        "not_written": col("via").str.to_lowercase() == "voice",
        "deleted": col("status") == "deleted",
        "spam": col("is_spam"),
        "merged": col("is_merged"),
        "not_due": col("reply_minutes").is_null() & is_young,
    }
    groups, excluded = _counted(tickets, reasons, pl.lit("zendesk"), col("reply_minutes") <= LIMIT_MINUTES)
    mails, outside = job.mailboxes(found, after, as_of)
    groups |= {f"mailbox {name}": sums for name, sums in mails.items()}
    answers.figure("M2.B", groups, excluded | {"outside_window": excluded.get("outside_window", 0) + outside})


def cases(rows: pl.LazyFrame, answers: Answers, found: Lists, as_of: date) -> None:
    """Days from creation to closing of the cases closed in twelve months; pending cases, and how many of them are old."""
    first, reopened, closed, created = (col(f"{name}_date") for name in ("first_closed", "reopened", "closed", "created"))
    states = rows.with_columns(
        area=col("case_type").replace_strict(found.case_types, default=None, return_dtype=pl.String),
        end=pl.when(reopened <= as_of).then(closed).when(reopened.is_null()).then(pl.coalesce(first, closed)).otherwise(first),
        is_closed=(closed <= as_of).fill_null(False) | ((first <= as_of).fill_null(False) & (reopened > as_of).fill_null(True)),
    )
    states = states.with_columns(days=(col("end") - created).dt.total_days())
    year_before = pl.lit(as_of).dt.offset_by("-1y")
    for row in ("M2.C", "M2.E"):
        reasons = {
            "not_closed": col("end").is_null(),
            "outside_window": (col("end") <= year_before) | (col("end") > as_of),
            "mis_created": col("outcome") == "fejloprettet",
            "negative_time": col("days") < 0,
        }
        mine = states.filter(col("area").is_in(AREAS[row]))
        answers.figure(row, *_counted(mine, reasons, col("area"), col("days")))
    for row, months in AGE_MONTHS.items():
        mine = states.filter(col("area").is_in(AREAS[row]))
        old = created.dt.offset_by(f"{months}mo") < as_of
        answers.figure(
            row, *_counted(mine, {"not_yet_created": created > as_of, "not_pending": col("is_closed")}, col("area"), old)
        )


def target_group(panel: pl.LazyFrame, answers: Answers, found: Lists, as_of: date) -> None:
    """People of the target group whom the quarter brought work or education, by jobcentre."""
    quarter = "2021Q3" if as_of.month == 12 else "2021Q1"
    end, left, entered = col("quarter_end_date"), col("left_date"), col("entered_date")
    later = (entered - end).dt.total_days()
    gone = col("exit_reason")
    absent = pl.coalesce(
        pl.when(entered > end).then(pl.lit("not_yet_entered")),
        pl.when((gone == "doed") & (left <= end)).then(pl.lit("died")),
        pl.when((gone == "fraflyttet") & (left < end)).then(pl.lit("moved_away")),
    )
    offset = pl.format("{}mo", 6 - col("seniority_months"))
    stays = panel.filter(col("quarter") == quarter).with_columns(
        absent=absent,
        is_after=later > 0,
        distance=later.abs(),
        group=col("benefit_code").replace_strict(
            {c: g for c, (g, _) in found.benefits.items()}, default=None, return_dtype=pl.String
        ),
        is_intro=col("benefit_code").replace_strict(
            {c: i for c, (_, i) in found.benefits.items()}, default=None, return_dtype=pl.Boolean
        ),
        senior=entered.dt.offset_by(offset),
    )
    order = [col("absent").is_not_null(), col("is_after"), col("distance"), col("jobcentre_id")]
    stays = stays.sort("person_key", *order).with_columns(nth=pl.int_range(pl.len()).over("person_key"))
    is_senior = (col("senior") <= end) & (left.is_null() | (col("senior") <= left))
    reasons = {
        **{why: col("absent") == why for why in ("not_yet_entered", "died", "moved_away")},
        "counted_elsewhere": col("nth") > 0,
        "unknown_benefit": col("group").is_null(),
        "other_benefit": col("group") == "andet",
        "in_introduction": col("is_intro") & col("group").is_in(["overgangsydelse", "sho_ydelse"]),
        "not_activity_ready": (col("visitation") != "aktivitetsparat") & col("group").is_in(CASH),
        "too_short_seniority": (col("group") == "jobafklaring") & ~is_senior,
    }
    touched = (col("paid_hours") > 0) | col("is_in_education") | col("is_employed")
    answers.figure("M4", *_counted(stays, reasons, col("jobcentre_id"), touched))


if __name__ == "__main__":
    raise SystemExit("run benchmarks.with_polars")
