"""The contracts' rules as with_polars.py holds them: code to an expression that counts the rows that do not fit."""

from __future__ import annotations

import polars as pl
from polars import col

from benchmarks.job import File, Lists

Rules = dict[str, pl.Expr]


def call_rules(file: File, found: Lists) -> Rules:
    """On call events."""
    is_event = {word: col("event_type") == word for word in ("queue", "conversation", "initiation")}
    answered = is_event["conversation"] & (col("result_code") == "k")
    return {
        "CALL-KEY-TWICE": pl.len() - col("rec_id").n_unique(),
        "CALL-SEQUENCE-TWICE": pl.len() - pl.struct("call_id", "call_sequence").n_unique(),
        "CALL-QUEUE-UNKNOWN": (is_event["queue"] & ~col("queue_key").is_in(list(found.queues)).fill_null(False)).sum(),
        "CALL-DURATION-NEGATIVE": (col("duration_s") < 0).sum(),
        "CALL-DURATION-LONG": (col("duration_s") > 86_400).sum(),
        "CALL-SPEAK-BEFORE-START": (col("speak_started_at") < col("started_at")).sum(),
        "CALL-ANSWER-WITHOUT-TIME": (answered & col("speak_started_at").is_null()).sum(),
        "CALL-WITHOUT-INITIATION": col("call_id").n_unique() - col("call_id").filter(is_event["initiation"]).n_unique(),
        "CALL-DAYS-FEW": col("started_date").n_unique() < 15,
    }


def ticket_rules(file: File, found: Lists) -> Rules:
    """On tickets."""
    return {
        "TICKET-KEY-TWICE": pl.len() - col("ticket_id").n_unique(),
        "TICKET-REPLY-NEGATIVE": (col("reply_minutes") < 0).sum(),
        "TICKET-FROM-THE-FUTURE": (col("created_at") > file.arrived).sum(),
        "TICKET-SOLVED-BEFORE-CREATED": (col("solved_at") < col("created_at")).sum(),
        "TICKET-BUSINESS-ABOVE-CALENDAR": (col("reply_business_minutes") > col("reply_minutes")).sum(),
        "TICKET-DAYS-FEW": col("created_date").n_unique() < 15,
    }


def case_rules(file: File, found: Lists) -> Rules:
    """On cases."""
    closed, first, reopened = col("closed_date"), col("first_closed_date"), col("reopened_date")
    return {
        "CASE-KEY-TWICE": pl.len() - col("case_id").n_unique(),
        "CASE-TYPE-UNKNOWN": (~col("case_type").is_in(list(found.case_types))).sum(),
        "CASE-FROM-THE-FUTURE": ((col("created_date") - pl.lit(file.arrived.date())).dt.total_days() > 1).sum(),
        "CASE-CLOSED-BEFORE-CREATED": (closed < col("created_date")).sum(),
        "CASE-RECEIVED-AFTER-CREATED": (col("created_date") < col("received_date")).sum(),
        "CASE-STATUS-DISAGREES": ((col("status") == "lukket") != closed.is_not_null()).sum(),
        "CASE-REOPENING-INCOMPLETE": ((reopened.is_null() != first.is_null()) | (reopened < first).fill_null(False)).sum(),
        "CASE-ROWS-FEW": pl.len() < 100,
    }


def panel_rules(file: File, found: Lists) -> Rules:
    """On stays, each by itself."""
    left = col("left_date")
    return {
        "PANEL-KEY-TWICE": pl.len() - pl.struct("quarter", "person_key", "jobcentre_id", "entered_date").n_unique(),
        "PANEL-BENEFIT-UNKNOWN": (~col("benefit_code").is_in(list(found.benefits))).sum(),
        "PANEL-JOBCENTRE-UNKNOWN": (~col("jobcentre_id").is_in(found.jobcentres)).sum(),
        "PANEL-LEFT-BEFORE-ENTERED": (left < col("entered_date")).sum(),
        "PANEL-ENTERED-AFTER-QUARTER": (col("quarter_end_date") < col("entered_date")).sum(),
        "PANEL-LEFT-AFTER-QUARTER": (col("quarter_end_date") < left).sum(),
        "PANEL-EXIT-INCOMPLETE": (left.is_null() != col("exit_reason").is_null()).sum(),
        "PANEL-HOURS-NEGATIVE": (col("paid_hours") < 0).sum(),
        "PANEL-SENIORITY-NEGATIVE": (col("seniority_months") < 0).sum(),
        "PANEL-JOBCENTRES-FEW": col("jobcentre_id").n_unique() < 90,
    }


def together(rows: pl.DataFrame) -> dict[str, int]:
    """The panel's rules that look at a person's stays together."""
    place = ["quarter", "person_key", "jobcentre_id"]
    stays = (
        rows.lazy()
        .sort(*place, "entered_date")
        .with_columns(before=col("left_date").shift().over(place), nth=pl.int_range(pl.len()).over(place))
    )
    overlaps = stays.filter((col("nth") > 0) & (col("before").is_null() | (col("before") >= col("entered_date"))))
    there = rows.lazy().filter(col("left_date").is_null()).group_by("quarter", "person_key").agg(col("jobcentre_id").n_unique())
    counts = [frame.select(pl.len()) for frame in (overlaps, there.filter(col("jobcentre_id") > 1))]
    found = pl.collect_all(counts, engine="streaming")
    return {"PANEL-STAYS-OVERLAP": found[0].item(), "PANEL-TWO-JOBCENTRES": found[1].item()}
