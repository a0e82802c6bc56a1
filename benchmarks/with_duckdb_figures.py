"""The figures of with_duckdb.py over cases and stays: facts once each, then one aggregate a reading. Enquiries are with_duckdb_enquiries.py's.

What every reading shares is brought to a table of facts; a reading is a handful of conditions written into one statement over it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb

from benchmarks.job import AGE_MONTHS, AREAS, CASH, Answers, Groups

Con = duckdb.DuckDBPyConnection


def sums_of(con: Con, sql: str) -> tuple[Groups, dict[str, int]]:
    """From rows of group, reason, count, numerator, unknown: the groups' sums and the exclusions."""
    groups: Groups = {}
    excluded: dict[str, int] = {}
    for group, reason, times, numerator, unknown in con.execute(sql).fetchall():
        if reason is None:
            groups[str(group)] = (int(numerator), times, unknown)
        else:
            excluded[reason] = excluded.get(reason, 0) + times
    return groups, excluded


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
            some, left_out = sums_of(
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
        return sums_of(
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
        return sums_of(
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
