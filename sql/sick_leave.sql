/*---
measure: sick_leave
summary: Absence by institution, quarter and type in hours, over the institution's årsværk in hours a day.
kind: ratio
# A day is 7.4 hours, and hours / 7.4 is no finite decimal. Both sides are therefore multiplied by 7.4, which is exact and leaves
# days per årsværk unchanged: hours / (årsværk × 7.4) = (hours / 7.4) / årsværk.
numerator: fraværstimer (dage × 7,4 hvor kun dage er leveret)
denominator: årsværk × 7,4 timer
grain: [institution, quarter, absence_type]
leading:
  - {table: absence, window: "quarter_end_date > $from_date and quarter_end_date <= $as_of"}
staff: {by: institution, fte: fte}
options:
  per: [fte, heads]
  types: [stated, with_work_injury]
reasons:
  not_counted_type: "Fraværstypen tæller ikke med"
columns:
  institution: {type: varchar, group: true, danish: institution, comment: "Institutionen"}
  quarter: {type: varchar, group: true, danish: kvartal, comment: "Kvartalet, som 2020Q1"}
  absence_type: {type: varchar, comment: "Fraværstypen; mangler = kvartalet er ikke leveret"}
---*/
with absences as (
    select
        a.institution,
        a.quarter,
        a.quarter_end_date,
        a.absence_type,
        -- Days where they are delivered, otherwise hours.
        coalesce(
            cast(a.absence_days * 7.4 as decimal(28, 5)),
            cast(a.absence_hours as decimal(28, 5))
        ) as hours,
        cast(max(a.fte) over (partition by a.institution, a.quarter) * 7.4 as decimal(28, 5)) as fte_hours,
        cast(max(cast(a.heads as decimal(18, 4))) over (partition by a.institution, a.quarter) * 7.4 as decimal(28, 5))
            as heads_hours
    from absence as a
    where a.quarter_end_date > $from_date and a.quarter_end_date <= $as_of
),
read_absences as (
    -- Own sickness, partial and pregnancy-related absence are named in the plan; work injury is not (I26).
    select
        a.*,
        r.reading_id,
        case when r.per = 'heads' then a.heads_hours else a.fte_hours end as size_hours,
        a.absence_type in ('egen_sygdom', 'delvis_syg', 'graviditet')
        or (a.absence_type = 'arbejdsskade' and r.types = 'with_work_injury') as is_counted
    from absences as a
    cross join readings as r
),
placed as (
    -- The size of an institution belongs to the quarter, not to the type: the first counted type carries it.
    select
        a.*,
        a.is_counted
        and row_number() over (
            partition by a.reading_id, a.institution, a.quarter
            order by case when a.is_counted then 0 else 1 end, a.absence_type
        ) = 1 as carries_size
    from read_absences as a
),
quarter_ends as (
    select
        quarter,
        max(day) as quarter_end_date
    from danish_calendar
    group by quarter
),
expected as (
    -- Every institution that ever reported is expected in every quarter of the window.
    select
        i.institution,
        q.quarter,
        q.quarter_end_date,
        r.reading_id
    from (select distinct institution from absence) as i
    cross join quarter_ends as q
    cross join readings as r
    where q.quarter_end_date > $from_date and q.quarter_end_date <= $as_of
),
missing as (
    select e.*
    from expected as e
    left join placed as p
        on
            e.reading_id = p.reading_id
            and e.institution = p.institution
            and e.quarter = p.quarter
            and p.carries_size
    where p.reading_id is null
)
select
    p.institution,
    p.quarter,
    p.absence_type,
    p.reading_id,
    p.quarter_end_date as observed_date,
    cast(1 as bigint) as source_rows,
    case when not p.is_counted then 'not_counted_type' end as reason,
    cast(case when p.is_counted then coalesce(p.hours, 0) else 0 end as decimal(28, 5)) as numerator,
    -- Null: the quarter's size is not known.
    cast(case when p.carries_size then p.size_hours else 0 end as decimal(28, 5)) as denominator,
    not p.is_counted or (p.hours is not null and (not p.carries_size or p.size_hours is not null)) as is_known
from placed as p
union all
select
    m.institution,
    m.quarter,
    'mangler' as absence_type,
    m.reading_id,
    m.quarter_end_date as observed_date,
    cast(0 as bigint) as source_rows,
    cast(null as varchar) as reason,
    cast(0 as decimal(28, 5)) as numerator,
    cast(null as decimal(28, 5)) as denominator,
    false as is_known
from missing as m
