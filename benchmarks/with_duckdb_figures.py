"""The figures of with_duckdb.py: facts once a call, ticket, case and stay, then one aggregate a reading.

What every reading shares is brought to a table of facts; a reading is a handful of conditions written into one statement over it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from benchmarks import job
from benchmarks.job import AGE_MONTHS, AREAS, CASH, LIMIT_MINUTES, LIMIT_MS, Answers, Groups, Lists

Con = duckdb.DuckDBPyConnection


def _sums(con: Con, sql: str) -> tuple[Groups, dict[str, int]]:
    """From rows of group, reason, count, numerator, unknown: the groups' sums and the exclusions."""
    groups: Groups = {}
    excluded: dict[str, int] = {}
    for group, reason, times, numerator, unknown in con.execute(sql).fetchall():
        if reason is None:
            groups[str(group)] = (int(numerator), times, unknown)
        else:
            excluded[reason] = excluded.get(reason, 0) + times
    return groups, excluded


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
        return _sums(
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
        groups, excluded = _sums(
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


def case_times(con: Con, answers: Answers, as_of: date) -> None:
    """Days from start to end of the cases closed in twelve months."""
    after = date(as_of.year - 1, as_of.month, min(as_of.day, 28) if as_of.month == 2 else as_of.day)
    con.execute(f"""
        create temp table case_facts as select area, outcome, created_date, received_date, decided_date, reopened_date,
            coalesce(reopened_date <= date '{as_of}', false) as is_reopened,
            case when reopened_date is null then coalesce(first_closed_date, closed_date)
                else first_closed_date end as first_end, closed_date as last_end
        from cases left join case_types using (case_type)
    """)

    def counted(row: str, group: str = "month", **o: str) -> tuple[Groups, dict[str, int]]:
        areas = ", ".join(f"'{area}'" for area in AREAS[row])
        ways = {"first": [("first_end", "created_date", "is_reopened", "true")]}.get(
            o.get("reopened", ""), [("case when is_reopened then last_end else first_end end", "created_date", "false", "true")]
        )
        if o.get("reopened") == "new":
            ways = [("first_end", "created_date", "is_reopened", "true"), ("last_end", "reopened_date", "false", "is_reopened")]
        total: Groups = {}
        excluded: dict[str, int] = {}
        for end, start, _, where in ways:
            begun = "received_date" if "received" in o else start
            whole = "case when is_reopened then last_end else first_end end"
            is_other = f"not (is_reopened and {str(end == whole).lower()}) and decided_date >= reopened_date"
            decided = f"case when {is_other} then null else decided_date end"  # decided in the other part of its history
            ended = decided if "decided" in o else "closing"
            some, left_out = _sums(
                con,
                f"""
                select {group}, case when closing is null then 'not_closed' when closing <= date '{o.get("after", after)}'
                    or closing > date '{as_of}' then 'outside_window'
                    when outcome = 'fejloprettet' then 'mis_created' {"when outcome = 'trukket' then 'withdrawn'" if "withdrawn" in o else ""}
                    when date_diff('day', {begun}, {ended}) < 0 then 'negative_time' end as reason,
                    count(*), coalesce(sum(date_diff('day', {begun}, {ended}) + {o.get("extra", 0)}), 0),
                        count_if(date_diff('day', {begun}, {ended}) is null)
                from (select *, {end} as closing, cast(date_trunc('month', closing) as date) as month from case_facts
                    where area in ({areas}) and {where}) group by all
            """,
            )
            for name, sums in some.items():
                total[name] = tuple(a + b for a, b in zip(total.get(name, (0, 0, 0)), sums, strict=True))  # type: ignore[assignment]
            excluded = left_out
        return total, excluded

    for row in ("M2.C", "M2.E"):
        groups, excluded = counted(row)
        answers.figure(row, groups, excluded)
        for reading, options in {
            "S22.b": {"extra": "1"},
            "S23.b": {"received": "yes"},
            "S24.b": {"decided": "yes"},
            "S25.b": {"reopened": "first"},
            "S25.c": {"reopened": "new"},
            "S28.b": {"withdrawn": "excluded"},
            "S29.b": {"after": str(after - timedelta(days=1))},
        }.items():
            answers.figure(row, counted(row, **options)[0], {}, reading)
        by_area = counted(row, group="area")[0]
        answers.figure(row, groups, {}, "S26.b", "mean")
        answers.figure(row, by_area, {}, "S26.c", "mean")
        if row == "M2.E":
            answers.figure(row, by_area, {}, "S30.b", "most")


def pending(con: Con, answers: Answers, as_of: date) -> None:
    """Cases pending at the end of the day, and how many of them are old."""
    con.execute(f"""
        create temp table case_states as select area, status, created_date, received_date,
            coalesce(closed_date <= date '{as_of}', false) or (coalesce(first_closed_date <= date '{as_of}', false)
                and coalesce(reopened_date > date '{as_of}', true)) as is_closed,
            coalesce(closed_date < date '{as_of}', false) or (coalesce(first_closed_date < date '{as_of}', false)
                and coalesce(reopened_date > date '{as_of}', true)) as is_closed_before
        from cases left join case_types using (case_type)
    """)

    def counted(row: str, **o: Any) -> tuple[Groups, dict[str, int]]:
        areas, months = ", ".join(f"'{area}'" for area in AREAS[row]), AGE_MONTHS[row]
        start, existed = (
            ("received_date", "coalesce(received_date, created_date)") if "received" in o else ("created_date", "created_date")
        )
        closed = "is_closed_before" if "closing_day" in o else "is_closed"
        gone = "status <> 'aaben'" if o.get("pending") == "open" else closed
        old = f"{start} + interval {months} month {'<=' if 'at_least' in o else '<'} date '{as_of}'"
        old = f"{start} < date '{as_of}' - interval {months} month" if "backward" in o else old
        old = f"date_diff('day', {start}, date '{as_of}') > {o['days']}" if "days" in o else old
        resting = "when status = 'hvilende' then 'on_hold'" if o.get("pending") == "awake" else ""
        return _sums(
            con,
            f"""
            select area, case when {existed} > date '{as_of}' then 'not_yet_created' when {gone}
                then 'not_pending' {resting} end as reason, count(*), count_if({old}), count_if({start} is null)
            from case_states where area in ({areas}) group by all
        """,
        )

    for row in ("M2.D", "M2.F"):
        groups, excluded = counted(row)
        answers.figure(row, groups, excluded)
        days = (90, 91, 92) if row == "M2.D" else (120, 122)
        for reading, options in {
            "S23.b": {"received": "yes"},
            "S31.b": {"at_least": "yes"},
            "S31.c": {"backward": "yes"},
            **{f"S31.d{n}": {"days": n} for n in days},
            "S32.b": {"pending": "open"},
            "S32.c": {"pending": "awake"},
            "S33.b": {"closing_day": "pending"},
        }.items():
            answers.figure(row, counted(row, **options)[0], {}, reading)
        answers.figure(row, groups, {}, "S34.b")
        if row == "M2.F":
            answers.figure(row, groups, {}, "S30.b", "most")


def target_group(con: Con, answers: Answers, as_of: date) -> None:
    """People of the target group whom the quarter brought work or education, by jobcentre."""
    quarters = ("2021Q3", "2021Q2") if as_of.month == 12 else ("2021Q1", "2021Q1")
    con.execute(f"""
        create temp table stays as select *, cast(date_trunc('quarter', quarter_end_date) as date) as quarter_start,
            cast(entered_date + to_months(6 - seniority_months) as date) as senior_date
        from jobcentre_panel left join benefit_codes using (benefit_code) where quarter in {quarters}
    """)
    cash = ", ".join(f"'{benefit}'" for benefit in CASH)

    def counted(**o: str) -> tuple[Groups, dict[str, int]]:
        needs = {"all": "true", "three": "benefit_group in ('ressourceforloeb', 'ledighedsydelse', 'jobafklaring')"}.get(
            o.get("scope", ""), "benefit_group = 'jobafklaring'"
        )
        by = "quarter_start" if o.get("senior") == "start" else "quarter_end_date"
        senior = (
            "seniority_months >= 6"
            if o.get("senior") == "entry"
            else f"(senior_date <= {by} and senior_date <= coalesce(left_date, senior_date))"
        )
        intro = "benefit_group = 'overgangsydelse'" if "overgang" in o else "benefit_group in ('overgangsydelse', 'sho_ydelse')"
        ready = (
            "visitation = 'aktivitetsparat'"
            if "all_ready" in o
            else f"(visitation = 'aktivitetsparat' or benefit_group not in ({cash}))"
        )
        lives, moved = (
            "quarter_start" if o.get("movers") == "start" else "quarter_end_date",
            "quarter_start" if "movers" in o else "quarter_end_date",
        )
        left = (
            "when left_date < quarter_end_date and coalesce(exit_reason, 'andet') not in ('doed', 'fraflyttet') then 'left_benefit'"
            if "leave" in o
            else ""
        )
        person = "person_key, jobcentre_id" if o.get("movers") == "each" else "person_key"
        touched = "paid_hours > 0 or is_in_education" + ("" if "hours" in o else " or is_employed")
        return _sums(
            con,
            f"""
            with present as (
                select *, date_diff('day', {lives}, entered_date) as later, case when entered_date > quarter_end_date
                    then 'not_yet_entered'
                    when exit_reason = 'doed' and left_date <= quarter_end_date then 'died' when exit_reason = 'fraflyttet'
                        and left_date < {moved} then 'moved_away' {left} end as absent
                from stays where quarter = '{o.get("quarter", quarters[0])}'
            ), ranked as (
                select *, row_number() over (partition by {person} order by absent is not null, later > 0, abs(later),
                    jobcentre_id) as choice from present
            )
            select jobcentre_id, case when absent is not null then absent when choice > 1 then 'counted_elsewhere'
                when benefit_group is null then 'unknown_benefit'
                when benefit_group = 'andet' then 'other_benefit' when is_intro and {intro} then 'in_introduction'
                    when not {ready} then 'not_activity_ready'
                when {needs} and not {senior} then 'too_short_seniority' end as reason, count(*), count_if({touched}), 0
            from ranked group by all
        """,
        )

    groups, excluded = counted()
    answers.figure("M4", groups, excluded)
    for reading, kind in {
        "S40.R2": "each larger",
        "S40.R3": "mean larger",
        "S42.b": "pooled smaller",
        "S42.c": "pooled all",
        "S42.d": "pooled code",
        "S43.b": "pooled larger 30",
    }.items():
        answers.figure("M4", groups, {}, reading, kind)
    for reading, options in {
        "S44.b": {"scope": "all"},
        "S44.c": {"scope": "three"},
        "S44-intro.b": {"overgang": "only"},
        "S45.a": {"senior": "entry"},
        "S45.b": {"senior": "start"},
        "S46.b": {"all_ready": "yes"},
        "S47.b": {"leave": "yes"},
        "S48.b": {"movers": "start"},
        "S48.c": {"movers": "each"},
        "S49.b": {"hours": "only"},
        "S51.b": {"quarter": quarters[1]},
    }.items():
        if reading != "S51.b" or as_of.month == 12:  # the plan gives it a quarter at the year's end only
            answers.figure("M4", counted(**options)[0], {}, reading)
