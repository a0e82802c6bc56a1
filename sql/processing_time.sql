/*---
measure: processing_time
summary: One closed case a row, and how many days it took.
kind: mean
numerator: dage fra start til afslutning
denominator: afsluttede sager
grain: [case_id, episode]
leading:
  - {table: cases, window: "true"}
options:
  start: [created, received]
  finish: [closed, decided]
  reopened: [last_closing, first_closing, new_case]
  day_count: [difference, inclusive]
  withdrawn: [counted, excluded]
distribution: {column: numerator, step: 7, top: 210, shape: bars, axis: sagsbehandlingstid, unit: dage}
reasons:
  unknown_type: "Sagstypen er ikke henført til et område"
  not_closed: "Ikke afsluttet på opgørelsesdagen"
  outside_window: "Afsluttet uden for perioden"
  mis_created: "Fejloprettet"
  withdrawn: "Trukket tilbage"
  negative_time: "Afsluttet før start; datafejl til gennemsyn"
columns:
  case_id: {type: varchar, comment: "Sagsnummer"}
  episode: {type: integer, comment: "1; en genåbnet sag har også 2, når genåbningen regnes som ny sag"}
  area:
    {type: varchar, group: true, danish: område, null_group: excluded, comment: "Område: eos_drift, eos_klage, cka_klage, andet; tom = ukendt sagstype"}
  observed_month: {type: date, group: true, danish: måned, comment: "Første dag i afslutningens måned"}
---*/
with case_histories as (
    -- What was true at the end of $as_of: a later reopening has not happened yet. Without one, the first closing is the closing.
    select
        c.case_id,
        t.area,
        c.outcome,
        c.created_date,
        c.received_date,
        c.decided_date,
        c.reopened_date,
        coalesce(c.reopened_date <= $as_of, false) as is_reopened,
        case when c.reopened_date is null then coalesce(c.first_closed_date, c.closed_date) else c.first_closed_date end
            as first_end_date,
        c.closed_date as last_end_date
    from cases as c
    left join case_types as t on c.case_type = t.case_type
),
episode_numbers as (
    select 1 as episode
    union all
    select 2 as episode
),
episodes as (
    -- A reopened case runs to its last closing, to its first, or is two cases (S25).
    select
        h.case_id,
        n.episode,
        h.area,
        h.outcome,
        r.reading_id,
        r.finish,
        r.day_count,
        r.withdrawn,
        case
            when n.episode = 2 then h.reopened_date
            when r.start = 'received' then h.received_date
            else h.created_date
        end as start_date,
        case
            when h.is_reopened and (n.episode = 2 or r.reopened = 'last_closing') then h.last_end_date
            else h.first_end_date
        end as closing_date,
        -- The one decision date a case has belongs to the part of its history it falls in (S24).
        case
            when n.episode = 2 and h.decided_date < h.reopened_date then null
            when n.episode = 1 and not (h.is_reopened and r.reopened = 'last_closing') and h.decided_date >= h.reopened_date
                then null
            else h.decided_date
        end as decided_date
    from case_histories as h
    cross join readings as r
    cross join episode_numbers as n
    where n.episode = 1 or (r.reopened = 'new_case' and h.is_reopened)
),
timed as (
    -- The start day is not counted (S22). The window asks for the closing, whichever day the time runs to.
    select
        e.case_id,
        e.episode,
        e.area,
        e.outcome,
        e.reading_id,
        e.withdrawn,
        e.closing_date,
        case when e.day_count = 'inclusive' then 1 else 0 end as extra_days,
        date_diff('day', e.start_date, case when e.finish = 'decided' then e.decided_date else e.closing_date end) as days
    from episodes as e
),
judged as (
    select
        t.*,
        case
            when t.area is null then 'unknown_type'
            when t.closing_date is null then 'not_closed'
            -- Half-open, so that consecutive windows count a closing exactly once (S29).
            when t.closing_date <= $from_date or t.closing_date > $as_of then 'outside_window'
            when t.outcome = 'fejloprettet' then 'mis_created'
            when t.outcome = 'trukket' and t.withdrawn = 'excluded' then 'withdrawn'
            when t.days < 0 then 'negative_time'
        end as reason
    from timed as t
)
select
    j.case_id,
    cast(j.episode as integer) as episode,
    j.area,
    cast(date_trunc('month', coalesce(j.closing_date, $as_of)) as date) as observed_month,
    j.reading_id,
    -- A case that is still open is observed as such on the reporting date.
    cast(coalesce(j.closing_date, $as_of) as date) as observed_date,
    cast(case when j.episode = 1 then 1 else 0 end as bigint) as source_rows,
    j.reason,
    cast(case when j.reason is null then coalesce(j.days + j.extra_days, 0) else 0 end as bigint) as numerator,
    cast(case when j.reason is null then 1 else 0 end as bigint) as denominator,
    -- Without a date of receipt or of decision the time is unknown, not zero.
    not (j.reason is null and j.days is null) as is_known
from judged as j
