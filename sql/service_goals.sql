/*---
measure: service_goals
summary: One application a row, and whether it was decided within the service goal.
kind: share
numerator: ansøgninger afgjort inden for servicemålet
denominator: ansøgninger
grain: [decision_id]
leading:
  - {table: decisions, window: "true"}
parameters:
  limit_days: {type: integer, default: 31, unit: days, comment: "Servicemålet i dage; målet selv tæller med"}
options:
  day_count: [difference, inclusive, working_days]
  cohort: [decided, received, received_or_overdue]
  complicated: [all, uncomplicated]
  permits: [first, all]
distribution:
  {column: processing_days, step: 5, top: 200, mark: limit_days, shape: curve,
   axis: sagsbehandlingstid, unit: dage, reached: afgjort}
reasons:
  not_decided: "Ikke afgjort på opgørelsesdagen"
  outside_window: "Uden for perioden"
  withdrawn: "Frafaldet"
  no_target: "Uden styringsmål"
  not_first_time: "Ikke første tilladelse (forlængelse)"
  complicated: "Kompliceret"
  negative_time: "Afgjort før indgivelsen; datafejl til gennemsyn"
  not_due: "Ikke forfalden: ikke afgjort, men målet er ikke overskredet"
columns:
  decision_id: {type: varchar, comment: "Sagsnummer"}
  scheme: {type: varchar, group: true, danish: ordning, comment: "Ordningen, som beloebsordning; eu for EU-området"}
  population: {type: varchar, group: true, danish: gruppe, comment: "eu_borger eller tredjeland"}
  observed_month: {type: date, group: true, danish: måned, comment: "Første dag i den måned, der placerer ansøgningen"}
  processing_days:
    {type: integer, unit: days, comment: "Dage fra indgivelse til afgørelse, eller til opgørelsesdagen hvis den ikke er afgjort"}
---*/
with calendar as (
    -- Working days numbered through, so that those between two dates are a difference.
    select
        day,
        sum(case when is_working_day then 1 else 0 end) over (order by day rows unbounded preceding) as working_day_no
    from danish_calendar
),
application_states as (
    -- What was true at the end of $as_of: a later decision has not been made yet.
    select
        d.decision_id,
        d.scheme,
        d.population,
        d.application_date,
        d.is_first_time,
        d.is_complicated,
        d.has_target,
        coalesce(d.outcome = 'frafaldet', false) as is_withdrawn,
        coalesce(d.decision_date <= $as_of, false) as is_decided,
        case when d.decision_date <= $as_of then d.decision_date else $as_of end as end_date
    from decisions as d
),
read_applications as (
    -- The day of the application is not counted (I5), unless the reading counts it. Working days are those after it (I6).
    select
        s.*,
        r.reading_id,
        r.cohort as cohort_rule,
        r.complicated as complicated_rule,
        r.permits as permits_rule,
        case r.day_count
            when 'working_days' then e.working_day_no - b.working_day_no
            when 'inclusive' then date_diff('day', s.application_date, s.end_date) + 1
            else date_diff('day', s.application_date, s.end_date)
        end as days,
        case when r.cohort = 'decided' then s.end_date else s.application_date end as observed_date
    from application_states as s
    cross join readings as r
    left join calendar as b on s.application_date = b.day
    left join calendar as e on s.end_date = e.day
),
judged as (
    select
        a.*,
        case
            when a.cohort_rule = 'decided' and not a.is_decided then 'not_decided'
            when a.observed_date <= $from_date or a.observed_date > $as_of then 'outside_window'
            when a.is_withdrawn then 'withdrawn'
            when not a.has_target then 'no_target'
            when not a.is_first_time and a.permits_rule = 'first' then 'not_first_time'
            when a.is_complicated and a.complicated_rule = 'uncomplicated' then 'complicated'
            when a.end_date < a.application_date then 'negative_time'
            when not a.is_decided and a.days <= $limit_days and a.cohort_rule = 'received_or_overdue' then 'not_due'
        end as reason
    from read_applications as a
)
select
    j.decision_id,
    j.scheme,
    j.population,
    cast(date_trunc('month', j.observed_date) as date) as observed_month,
    cast(j.days as integer) as processing_days,
    j.reading_id,
    cast(j.observed_date as date) as observed_date,
    cast(1 as bigint) as source_rows,
    j.reason,
    cast(case when j.reason is null and j.is_decided and j.days <= $limit_days then 1 else 0 end as bigint) as numerator,
    cast(case when j.reason is null then 1 else 0 end as bigint) as denominator,
    -- One that is pending within its time may yet be decided in time. A date before the calendar is beyond any goal.
    j.reason is not null or j.is_decided or coalesce(j.days > $limit_days, true) as is_known
from judged as j
