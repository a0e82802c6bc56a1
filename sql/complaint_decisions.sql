/*---
measure: complaint_decisions
summary: One complaint a row, and whether it was decided within the limit.
kind: share
numerator: klagesager afgjort inden for grænsen
denominator: klagesager
grain: [complaint_id]
leading:
  - {table: complaints, window: "true"}
parameters:
  months: {type: integer, default: 4, unit: months, comment: "Grænsen i kalendermåneder fra modtagelsen"}
options:
  cohort: [decided_or_overdue, decided, received]
  comparison: [within, under]
reasons:
  not_received: "Endnu ikke modtaget på opgørelsesdagen"
  outside_window: "Uden for perioden"
  withdrawn: "Trukket tilbage"
  negative_time: "Afgjort før modtagelsen; datafejl til gennemsyn"
  not_due: "Ikke forfalden: ikke afgjort, men grænsen er ikke overskredet"
  pending: "Ikke afgjort på opgørelsesdagen"
columns:
  complaint_id: {type: varchar, comment: "Sagsnummer"}
  observed_month: {type: date, group: true, danish: måned, comment: "Første dag i den måned, der placerer sagen"}
  last_date: {type: date, comment: "Dagen, grænsen nås"}
---*/
with complaint_states as (
    -- What was true at the end of $as_of: a later decision has not been made yet.
    select
        c.complaint_id,
        c.received_date,
        c.is_withdrawn,
        add_months(c.received_date, $months) as last_date,
        coalesce(c.decided_date <= $as_of, false) as is_decided,
        case when c.decided_date <= $as_of then c.decided_date else $as_of end as end_date
    from complaints as c
),
read_complaints as (
    -- Under the limit is before the day it is reached (R6).
    select
        s.*,
        r.reading_id,
        r.cohort as cohort_rule,
        s.end_date < s.last_date or (s.end_date = s.last_date and r.comparison = 'within') as is_in_time,
        case when r.cohort = 'received' then s.received_date else s.end_date end as observed_date
    from complaint_states as s
    cross join readings as r
),
judged as (
    select
        c.*,
        case
            when c.received_date > $as_of then 'not_received'
            when c.observed_date <= $from_date then 'outside_window'
            when c.is_withdrawn then 'withdrawn'
            when c.end_date < c.received_date then 'negative_time'
            when c.is_decided or c.cohort_rule = 'received' then null
            when c.cohort_rule = 'decided' then 'pending'
            when c.is_in_time then 'not_due'
        end as reason
    from read_complaints as c
)
select
    j.complaint_id,
    cast(date_trunc('month', j.observed_date) as date) as observed_month,
    j.last_date,
    j.reading_id,
    cast(j.observed_date as date) as observed_date,
    cast(1 as bigint) as source_rows,
    j.reason,
    cast(case when j.reason is null and j.is_decided and j.is_in_time then 1 else 0 end as bigint) as numerator,
    cast(case when j.reason is null then 1 else 0 end as bigint) as denominator,
    -- One that is pending within its time may yet be decided in time.
    j.reason is not null or j.is_decided or not j.is_in_time as is_known
from judged as j
