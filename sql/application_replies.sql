/*---
measure: application_replies
summary: One application to a pool a row, and whether it was answered within the limit, or after how many days.
kind: share
numerator: ansøgninger besvaret inden for grænsen (eller deres dage)
denominator: ansøgninger
grain: [application_id]
leading:
  - {table: pool_applications, window: "true"}
parameters:
  limit_days: {type: integer, default: 56, unit: days, comment: "Længste sagsbehandlingstid; grænsen selv tæller med"}
options:
  start: [later_of, deadline, receipt]
  pending: [breach_when_overdue, excluded]
  shown: [in_time, days]
distribution:
  {column: processing_days, step: 7, top: 140, mark: limit_days, shape: curve,
   axis: sagsbehandlingstid, unit: dage, reached: besvaret}
reasons:
  outside_window: "Besvaret uden for perioden"
  not_received: "Endnu ikke modtaget på opgørelsesdagen"
  withdrawn: "Trukket tilbage"
  negative_time: "Besvaret før modtagelsen; datafejl til gennemsyn"
  not_due: "Ikke forfalden: ikke besvaret, men grænsen er ikke overskredet"
  pending: "Ikke besvaret på opgørelsesdagen"
columns:
  application_id: {type: varchar, comment: "Sagsnummer"}
  observed_month: {type: date, group: true, danish: måned, comment: "Første dag i svarets måned; opgørelsesdagens, hvis den ikke er besvaret"}
  processing_days:
    {type: integer, unit: days, comment: "Dage fra start til svar, eller til opgørelsesdagen; 0, når svaret kom før ansøgningsfristen"}
---*/
with application_states as (
    -- What was true at the end of $as_of: a later answer has not been given yet.
    select
        a.application_id,
        a.received_date,
        a.deadline_date,
        a.is_withdrawn,
        coalesce(a.replied_date <= $as_of, false) as is_replied,
        case when a.replied_date <= $as_of then a.replied_date else $as_of end as end_date
    from pool_applications as a
),
read_applications as (
    -- Time runs from the pool's deadline where it has one, and a late application's from its receipt (R2).
    select
        s.*,
        r.reading_id,
        r.pending as pending_rule,
        r.shown as shown_rule,
        date_diff(
            'day',
            case
                when s.deadline_date is null or r.start = 'receipt' then s.received_date
                when r.start = 'later_of' and s.received_date > s.deadline_date then s.received_date
                else s.deadline_date
            end,
            s.end_date
        ) as days
    from application_states as s
    cross join readings as r
),
judged as (
    select
        a.*,
        case when a.days < 0 then 0 else a.days end as counted_days,
        case
            when a.received_date > $as_of then 'not_received'
            when a.is_replied and a.end_date <= $from_date then 'outside_window'
            when a.is_withdrawn then 'withdrawn'
            when a.end_date < a.received_date then 'negative_time'
            when not a.is_replied and a.days <= $limit_days then 'not_due'
            -- Who waits has no time of processing yet, only a breach (R4).
            when not a.is_replied and (a.pending_rule = 'excluded' or a.shown_rule = 'days') then 'pending'
        end as reason
    from read_applications as a
)
select
    j.application_id,
    cast(date_trunc('month', j.end_date) as date) as observed_month,
    cast(j.counted_days as integer) as processing_days,
    j.reading_id,
    cast(j.end_date as date) as observed_date,
    cast(1 as bigint) as source_rows,
    j.reason,
    cast(
        case
            when j.reason is not null then 0
            when j.shown_rule = 'days' then j.counted_days
            when j.is_replied and j.counted_days <= $limit_days then 1
            else 0
        end as bigint
    ) as numerator,
    cast(case when j.reason is null then 1 else 0 end as bigint) as denominator,
    true as is_known
from judged as j
