/*---
measure: pending_age
summary: One case a row, whether it was pending at the end of the reporting date, and whether it was older than the limit.
kind: stock
numerator: verserende sager ældre end grænsen
denominator: verserende sager
grain: [case_id]
leading:
  - {table: cases, window: "true"}
parameters:
  age_limit: {type: integer, default: 3, comment: "Alderen en verserende sag måles mod"}
  age_unit: {type: varchar, default: months, values: [months, days], comment: "Om grænsen er kalendermåneder eller dage"}
options:
  comparison: [over, at_least]
  direction: [forward, backward]
  start: [created, received]
  pending: [all, open_status, without_on_hold]
  closing_day: [not_pending, pending]
distribution: {column: age_days, step: 10, top: 300, shape: bars, axis: alder, unit: dage, without: "har ingen oplyst start"}
reasons:
  unknown_type: "Sagstypen er ikke henført til et område"
  not_yet_created: "Endnu ikke begyndt på opgørelsesdagen"
  not_pending: "Ikke verserende på opgørelsesdagen"
  on_hold: "Hvilende"
columns:
  case_id: {type: varchar, comment: "Sagsnummer"}
  area:
    {type: varchar, group: true, danish: område, null_group: excluded, comment: "Område: eos_drift, eos_klage, cka_klage, andet; tom = ukendt sagstype"}
  age_days: {type: integer, unit: days, comment: "Alder på opgørelsesdagen fra sagens start; tom = starten er ikke oplyst"}
---*/
with case_states as (
    -- Was it closed on the reporting date? Told from the dates, for today's status says nothing of that day (S32). A case
    -- closed first and reopened later was closed in between.
    select
        c.case_id,
        t.area,
        c.status,
        c.created_date,
        c.received_date,
        -- Months are counted before the readings multiply the cases: to add them takes longer than all else here.
        case when $age_unit = 'months' then date_diff('day', add_months(c.created_date, $age_limit), $as_of) end as created_beyond,
        case when $age_unit = 'months' then date_diff('day', add_months(c.received_date, $age_limit), $as_of) end as received_beyond,
        coalesce(c.closed_date <= $as_of, false)
        or (coalesce(c.first_closed_date <= $as_of, false) and coalesce(c.reopened_date > $as_of, true)) as is_closed,
        coalesce(c.closed_date < $as_of, false)
        or (coalesce(c.first_closed_date < $as_of, false) and coalesce(c.reopened_date > $as_of, true)) as is_closed_before
    from cases as c
    left join case_types as t on c.case_type = t.case_type
),
read_states as (
    select
        s.case_id,
        s.area,
        s.status,
        r.reading_id,
        r.comparison,
        r.direction,
        r.pending,
        case when r.start = 'received' then s.received_date else s.created_date end as start_date,
        case when r.start = 'received' then s.received_beyond else s.created_beyond end as months_beyond,
        -- Where the date of receipt is missing, the creation still tells that the case existed.
        case when r.start = 'received' then coalesce(s.received_date, s.created_date) else s.created_date end as existed_date,
        case when r.closing_day = 'pending' then s.is_closed_before else s.is_closed end as is_closed
    from case_states as s
    cross join readings as r
),
judged as (
    select
        s.*,
        date_diff('day', s.start_date, $as_of) as age_days,
        case
            when s.area is null then 'unknown_type'
            when s.existed_date > $as_of then 'not_yet_created'
            when s.pending = 'open_status' and s.status <> 'aaben' then 'not_pending'
            when s.pending <> 'open_status' and s.is_closed then 'not_pending'
            when s.pending = 'without_on_hold' and s.status = 'hvilende' then 'on_hold'
        end as reason,
        -- How far beyond the limit, in days: over asks for more than 0, at_least for 0. Months are counted forward from the
        -- start (S31 a, b) or backward from the reporting date (S31 c), clamped to the month's last day.
        case
            when $age_unit = 'days' then date_diff('day', s.start_date, $as_of) - $age_limit
            when s.direction = 'backward' then date_diff('day', s.start_date, add_months($as_of, -$age_limit))
            else s.months_beyond
        end as days_beyond
    from read_states as s
)
select
    j.case_id,
    j.area,
    cast(j.age_days as integer) as age_days,
    j.reading_id,
    cast($as_of as date) as observed_date,
    cast(1 as bigint) as source_rows,
    j.reason,
    cast(
        case
            when j.reason is not null then 0
            when j.days_beyond > 0 or (j.days_beyond = 0 and j.comparison = 'at_least') then 1
            else 0
        end as bigint
    ) as numerator,
    cast(case when j.reason is null then 1 else 0 end as bigint) as denominator,
    j.reason is not null or j.start_date is not null as is_known
from judged as j
