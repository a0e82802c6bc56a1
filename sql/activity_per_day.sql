/*---
measure: activity_per_day
summary: One counted period of a series a row, as a number over its days, or as a number.
kind: ratio
numerator: antal (annoncer, hits)
denominator: dage (eller 1 for perioden i alt)
grain: [series, period_from_date, is_covered]
leading:
  - {table: activity_counts, window: "true"}
options:
  per: [day, total]
reasons:
  outside_window: "Uden for perioden"
  across_the_edge: "Optællingen går ud over periodens kant"
columns:
  series: {type: varchar, group: true, danish: serie, comment: "job_ads = nye jobannoncer, hits = hits"}
  period_from_date: {type: date, comment: "Første dag"}
  is_covered: {type: boolean, comment: "Falsk = dage i perioden, som ingen optælling dækker"}
  days: {type: integer, unit: days, comment: "Antal dage"}
---*/
with placed as (
    select
        c.series,
        c.period_from_date,
        c.period_to_date,
        c.number,
        c.period_from_date > $from_date and c.period_to_date <= $as_of as is_inside,
        c.period_to_date <= $from_date or c.period_from_date > $as_of as is_outside,
        date_diff('day', c.period_from_date, c.period_to_date) + 1 as days
    from activity_counts as c
),
ordered as (
    -- The first period that counts stands for the whole when the total is asked.
    select
        p.*,
        case when p.is_outside then 'outside_window' when not p.is_inside then 'across_the_edge' end as reason,
        row_number() over (
            partition by p.series
            order by case when p.is_inside then 0 else 1 end, p.period_from_date
        ) as place
    from placed as p
),
missing as (
    -- Days of the window that no period inside it covers.
    select
        s.series,
        min(d.day) as first_missing_date,
        count(*) as days
    from (select distinct series from activity_counts) as s
    cross join danish_calendar as d
    left join placed as p
        on s.series = p.series and p.is_inside and p.period_from_date <= d.day and d.day <= p.period_to_date
    where d.day > $from_date and d.day <= $as_of and p.series is null
    group by s.series
)
select
    o.series,
    o.period_from_date,
    true as is_covered,
    cast(o.days as integer) as days,
    r.reading_id,
    o.period_to_date as observed_date,
    cast(1 as bigint) as source_rows,
    o.reason,
    cast(case when o.reason is null then o.number else 0 end as bigint) as numerator,
    cast(
        case when o.reason is not null then 0 when r.per = 'day' then o.days when o.place = 1 then 1 else 0 end as bigint
    ) as denominator,
    true as is_known
from ordered as o
cross join readings as r
union all
select
    m.series,
    m.first_missing_date as period_from_date,
    false as is_covered,
    cast(m.days as integer) as days,
    r.reading_id,
    m.first_missing_date as observed_date,
    cast(0 as bigint) as source_rows,
    cast(null as varchar) as reason,
    cast(0 as bigint) as numerator,
    cast(case when r.per = 'day' then m.days else 0 end as bigint) as denominator,
    false as is_known
from missing as m
cross join readings as r
