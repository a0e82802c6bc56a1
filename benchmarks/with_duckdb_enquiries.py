"""Enquiries, by telephone and in writing, as with_duckdb_figures.py counts figures: facts once a call and ticket, then one aggregate a
reading."""

from __future__ import annotations

from datetime import date, datetime

from benchmarks import job
from benchmarks.job import LIMIT_MINUTES, LIMIT_MS, Answers, Groups, Lists
from benchmarks.with_duckdb_figures import Con, sums_of


def telephone(con: Con, answers: Answers, found: Lists, as_of: date) -> None:
    """Calls answered within the limit."""
    down = [o for o in found.outages if o.system == "puzzel"]

    def hit(condition: str) -> str:
        return " or ".join(f"({condition.format(o=o)})" for o in down) or "false"

    con.execute(f"""
        create temp table spans as select call_id, min(started_at) as begun_at, min(started_date) as begun_date
            from call_events
        group by call_id having min(started_date) > date '{as_of.year - 1}-12-31' and min(started_date) <= date '{as_of}'
    """)
    con.execute("""
        create temp table entries as
        with events as (
            select call_id, call_sequence, event_type, result_code, started_at, started_date, duration_s, speak_started_at,
                queue, begun_at, begun_date,
                event_type = 'queue' and not starts_with(coalesce(queue_key, ''), '__Callout_') as is_stand, is_stand
                    and coalesce(queue, '') <> 'outside' as is_entry
            from call_events join spans using (call_id) left join queues using (queue_key) where media = 'phone'
        ), numbered as (
            select *, sum(case when is_entry then 1 else 0 end) over (partition by call_id order by call_sequence) as entry_no from events
        )
        select call_id, entry_no, min(begun_at) as begun_at, min(begun_date) as begun_date,
            min(queue) filter (is_entry) as queue, min(started_at) filter (is_entry) as entered_at,
            min(started_date) filter (is_entry) as entered_date, min(result_code) filter (is_entry) as code,
                min(duration_s) filter (is_entry) as waited_s,
            min(coalesce(speak_started_at, started_at)) filter (event_type = 'conversation'
                and result_code = 'k') as answer_at,
            max(struct_pack(n := call_sequence, code := result_code,
                ended := started_at + to_seconds(duration_s))) filter (is_stand) as last_stand
        from numbered group by call_id, entry_no
    """)
    con.execute("""
        create temp table subjects as
        with own as (
            select *, entered_at + to_seconds(waited_s) as end_at, case when code = 'q'
                then entered_at + to_seconds(waited_s) end as order_at from entries where entry_no > 0
        ), firsts as (
            select call_id, min(answer_at) as first_at from own group by call_id
        ), whole as (
            select call_id, min(begun_at) as begun_at, min(begun_date) as begun_date, min_by(queue, entry_no) as queue,
                min(entered_at) filter (entry_no = 1) as entered_at,
                min(entered_date) filter (entry_no = 1) as entered_date, max(entered_at) filter (first_at is null
                    or answer_at = first_at) as last_at, min(answer_at) as answer_at,
                min(order_at) as order_at, max(last_stand) as last_stand
            from own join firsts using (call_id) group by call_id
        )
        select true as is_call, begun_at, begun_date, queue, entered_at, entered_date, last_at, answer_at, order_at,
            last_stand.ended as end_at, last_stand.code as end_code from whole
        union all
        select false, begun_at, begun_date, queue, entered_at, entered_date, entered_at, answer_at, order_at, end_at, code
            from own
    """)
    begun = "timestamp '{o.began}' <= entered_at or timestamp '{o.began}' < coalesce(answer_at, end_at)"
    waiting = f"entered_at < timestamp '{{o.ended}}' and ({begun})"
    con.execute(f"""
        create temp table facts as select *, cast(date_trunc('month', begun_date) as date) as month,
            {hit("timestamp '{o.began}' <= entered_at and entered_at < timestamp '{o.ended}'")} as is_at_entry,
            {hit(waiting)} as is_while_waiting,
            {hit("entered_date between date '{o.began_date}' and date '{o.ended_date}'")} as is_on_day
        from subjects where queue in ('support_borger', 'support_virksomhed')
    """)

    def counted(**o: str) -> tuple[Groups, dict[str, int]]:
        start = {"initiation": "begun_at", "last_queue": "last_at"}.get(o.get("wait_from", ""), "entered_at")
        met = (
            "case when order_at < coalesce(answer_at, order_at + interval 1 second) then order_at else answer_at end"
            if o.get("callback") == "order"
            else "answer_at"
        )
        outage = {"waiting": "is_while_waiting", "day": "is_on_day", "ignored": "false"}.get(o.get("outage", ""), "is_at_entry")
        reasons = [f"when {outage} then 'outage'"]
        reasons += ["when order_at is not null then 'callback_ordered'"] if o.get("callback") == "excluded" else []
        reasons += ["when met is null and end_code = 'e' then 'queue_error'"] if "errors" in o else []
        reasons += ["when met is null then 'unanswered'"] if o.get("denominator") == "answered" else []
        early = f"met is null and end_code = 'h' and date_diff('millisecond', {start}, end_at) < {LIMIT_MS}"
        reasons += [f"when {early} then 'early_hangup'"] if o.get("denominator") == "early" else []
        wait = f"date_diff('millisecond', {start}, met)"
        within = f"{wait} < {LIMIT_MS + 500}" if "seconds" in o else f"{wait} <= {LIMIT_MS}"
        return sums_of(
            con,
            f"""
            select month, case {" ".join(reasons)} end as reason, count(*), count_if({within}), 0 from (select *,
                {met} as met from facts where is_call = {o.get("unit", "true")}) group by all
        """,
        )

    groups, excluded = counted()
    answers.figure("M2.A", groups, excluded)
    for reading, options in {
        "S4.b": {"denominator": "answered"},
        "S4.c": {"denominator": "early"},
        "S5.b": {"wait_from": "initiation"},
        "S5.c": {"wait_from": "last_queue"},
        "S6.b": {"seconds": "whole"},
        "S7.b": {"callback": "order"},
        "S7.c": {"callback": "excluded"},
        "S8.b": {},  # no opening hours have been delivered
        "S8.c": {"errors": "excluded"},
        "S9.b": {"outage": "waiting"},
        "S9.c": {"outage": "day"},
        "S9.d": {"outage": "ignored"},
        "S12.b": {"unit": "false"},
    }.items():
        answers.figure("M2.A", counted(**options)[0] if options else groups, {}, reading)
    answers.figure("M2.A", groups, {}, "S11.b", "mean")
    answers.figure("M2.A", groups, {}, "S11.c", "least")


def written(con: Con, answers: Answers, found: Lists, as_of: date, exported: datetime) -> None:
    """Tickets and mails answered within the limit."""
    after = date(as_of.year - 1, 12, 31)
    down = [o for o in found.outages if o.system in ("zendesk", "any")]
    hit = " or ".join(f"(created_at >= timestamp '{o.began}' and created_at < timestamp '{o.ended}')" for o in down) or "false"
    con.execute(f"""
        create temp table ticket_facts as select *, {hit} as is_in_outage,
            created_date + cast((created_minute + reply_minutes) // 1440 as integer) as reply_date,
                (created_minute + reply_minutes) % 1440 as reply_minute,
            date_diff('millisecond', created_at, solved_at) as solved_ms, date_diff('minute', created_at,
                timestamp '{exported}') as age,
            date_diff('millisecond', created_at, timestamp '{exported}') < {LIMIT_MINUTES} * 60000 as is_young,
            case when status = 'deleted' then 'deleted' when is_spam then 'spam' when is_merged then 'merged' end as removed
        from tickets left join calendar on day = created_date
    """)
    mails, outside = job.mailboxes(found, after, as_of)

    def counted(**o: str) -> tuple[Groups, dict[str, int]]:
        solved = o.get("reply") == "solved"
        there = "solved_at is not null" if solved else "reply_minutes is not null"
        in_time = {
            "business": f"reply_business_minutes <= {LIMIT_MINUTES}",
            "next": "reply_date < next_working_day or (reply_date = next_working_day and reply_minute <= created_minute)",
        }.get(o.get("clock", ""), f"solved_ms <= {LIMIT_MINUTES * 60000}" if solved else f"reply_minutes <= {LIMIT_MINUTES}")
        day = "coalesce(reply_date, created_date)" if "answered" in o else "created_date"
        reasons = [f"when not ({there}) then 'unanswered'"] if "answered" in o else []
        reasons += [
            f"when {day} <= date '{after}' or {day} > date '{as_of}' then 'outside_window'",
            "when lower(via) = 'voice' then 'not_written'",
        ]
        reasons += [] if "removed" in o else ["when removed is not null then removed"]
        reasons += ["when is_in_outage then 'outage'"] if "outage" in o else []
        reasons += [f"when not ({there}) and is_young then 'not_due'"]
        reasons += [f"when not ({there}) and status in ('solved', 'closed') then 'no_reply_needed'"] if "no_reply" in o else []
        reasons += [f"when not ({there}) then 'unanswered'"] if "dropped" in o else []
        groups, excluded = sums_of(
            con,
            f"""
            select 'zendesk', case {" ".join(reasons)} end as reason, count(*), count_if({there} and ({in_time})),
                count_if({there} and ({in_time}) is null) from ticket_facts group by reason
        """,
        )
        if "mailboxes" not in o:
            groups["mailbox"] = tuple(sum(g[i] for g in mails.values()) for i in range(3))  # type: ignore[assignment]
            excluded |= {"outside_window": excluded.get("outside_window", 0) + outside}
        return groups, excluded

    groups, excluded = counted()
    answers.figure("M2.B", groups, excluded)
    for reading, options in {
        "S13.b": {"clock": "business"},
        "S13.c": {"clock": "next"},
        "S14.c": {"reply": "solved"},
        "S15.b": {"dropped": "yes"},
        "S16.b": {"answered": "yes"},
        "S18.b": {"mailboxes": "ignored"},
        "S19.b": {"removed": "counted"},
        "S19.c": {"no_reply": "excluded"},
        "S20.b": {"outage": "excluded"},
        "S21.b": {},  # the exports have minutes only
    }.items():
        answers.figure("M2.B", counted(**options)[0] if options else groups, {}, reading)
    answers.figure("M2.B", groups, {}, "S17.b", "mean")
    answers.figure("M2.B", groups, {}, "S17.c", "least")
