"""The contracts' rules as with_duckdb.py holds them: code to how many rows of `batch` do not fit, all of a table in one aggregate.

What begins with a bracket is a query of its own. `arrived` is when the file came.
"""

from __future__ import annotations

from benchmarks.job import Lists

TICKET_RULES = {
    "TICKET-KEY-TWICE": "count(*) - count(distinct ticket_id)",
    "TICKET-REPLY-NEGATIVE": "count_if(reply_minutes < 0)",
    "TICKET-FROM-THE-FUTURE": "count_if(created_at > getvariable('arrived'))",
    "TICKET-SOLVED-BEFORE-CREATED": "count_if(solved_at < created_at)",
    "TICKET-BUSINESS-ABOVE-CALENDAR": "count_if(reply_business_minutes > reply_minutes)",
    "TICKET-DAYS-FEW": "case when count(distinct created_date) < 15 then 1 else 0 end",
}

CASE_RULES = {
    "CASE-KEY-TWICE": "count(*) - count(distinct case_id)",
    "CASE-TYPE-UNKNOWN": "count_if(case_type not in (select case_type from case_types))",
    "CASE-FROM-THE-FUTURE": "count_if(date_diff('day', cast(getvariable('arrived') as date), created_date) > 1)",
    "CASE-CLOSED-BEFORE-CREATED": "count_if(closed_date < created_date)",
    "CASE-RECEIVED-AFTER-CREATED": "count_if(created_date < received_date)",
    "CASE-STATUS-DISAGREES": "count_if((status = 'lukket') <> (closed_date is not null))",
    "CASE-REOPENING-INCOMPLETE": "count_if((reopened_date is null) <> (first_closed_date is null) or reopened_date < first_closed_date)",
    "CASE-ROWS-FEW": "case when count(*) < 100 then 1 else 0 end",
}

PANEL_RULES = {
    "PANEL-KEY-TWICE": "count(*) - count(distinct hash(quarter, person_key, jobcentre_id, entered_date))",
    "PANEL-BENEFIT-UNKNOWN": "count_if(benefit_code not in (select benefit_code from benefit_codes))",
    "PANEL-JOBCENTRE-UNKNOWN": "count_if(jobcentre_id not in (select jobcentre_id from jobcentres))",
    "PANEL-STAYS-OVERLAP": """(select count(*) from (
        select entered_date, lag(entered_date) over stays as before, lag(left_date) over stays as ended from batch
        window stays as (partition by quarter, person_key, jobcentre_id order by entered_date)
    ) where before is not null and (ended is null or ended >= entered_date))""",
    "PANEL-TWO-JOBCENTRES": """(select count(*) from (
        select 1 from batch where left_date is null group by quarter,
            person_key having min(jobcentre_id) <> max(jobcentre_id)))""",
    "PANEL-LEFT-BEFORE-ENTERED": "count_if(left_date < entered_date)",
    "PANEL-ENTERED-AFTER-QUARTER": "count_if(quarter_end_date < entered_date)",
    "PANEL-LEFT-AFTER-QUARTER": "count_if(quarter_end_date < left_date)",
    "PANEL-EXIT-INCOMPLETE": "count_if((left_date is null) <> (exit_reason is null))",
    "PANEL-HOURS-NEGATIVE": "count_if(paid_hours < 0)",
    "PANEL-SENIORITY-NEGATIVE": "count_if(seniority_months < 0)",
    "PANEL-JOBCENTRES-FEW": "case when count(distinct jobcentre_id) < 90 then 1 else 0 end",
}


def call_rules(found: Lists) -> dict[str, str]:
    """On call events."""
    known = ", ".join(f"'{key}'" for key in found.queues)
    return {
        "CALL-KEY-TWICE": "count(*) - count(distinct rec_id)",
        "CALL-SEQUENCE-TWICE": "count(*) - count(distinct hash(call_id, call_sequence))",
        "CALL-QUEUE-UNKNOWN": f"count_if(event_type = 'queue' and (queue_key is null or queue_key not in ({known})))",
        "CALL-DURATION-NEGATIVE": "count_if(duration_s < 0)",
        "CALL-DURATION-LONG": "count_if(duration_s > 86400)",
        "CALL-SPEAK-BEFORE-START": "count_if(speak_started_at < started_at)",
        "CALL-ANSWER-WITHOUT-TIME": "count_if(event_type = 'conversation' and result_code = 'k' and speak_started_at is null)",
        "CALL-WITHOUT-INITIATION": "count(distinct call_id) - count(distinct case when event_type = 'initiation' then call_id end)",
        "CALL-DAYS-FEW": "case when count(distinct started_date) < 15 then 1 else 0 end",
    }
