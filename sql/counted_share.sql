/*---
measure: counted_share
summary: One registered count of a plan's row a row, as a part of its whole.
kind: ratio
numerator: det optalte antal
denominator: det samlede antal
grain: [count_id]
leading:
  - {table: register_counts, window: "true"}
options:
  each: [newest, all]
reasons:
  outside_window: "Uden for perioden"
  superseded: "Afløst af en nyere optælling i perioden"
columns:
  count_id: {type: varchar, comment: "Optællingens nummer i registret"}
  plan: {type: varchar, group: true, danish: plan, comment: "Planens id"}
  plan_row: {type: varchar, group: true, danish: række, comment: "Planens række"}
  name: {type: varchar, group: true, danish: optælling, comment: "Hvad der er optalt"}
  counted_date: {type: date, group: true, danish: dag, comment: "Dagen, hvis tilstand er optalt"}
  is_approved: {type: boolean, group: true, danish: godkendt, comment: "Godkendt af en anden end den, der registrerede den"}
---*/
with counts as (
    select
        c.count_id,
        c.plan,
        c.plan_row,
        c.name,
        c.as_of_date as counted_date,
        c.approver_key is not null as is_approved,
        c.number,
        c.of_number,
        c.as_of_date > $from_date and c.as_of_date <= $as_of as is_inside,
        row_number() over (
            partition by c.plan, c.plan_row, c.name, c.as_of_date > $from_date and c.as_of_date <= $as_of
            order by c.as_of_date desc, c.delivered_at desc, c.count_id desc
        ) as place
    from register_counts as c
),
judged as (
    select
        c.*,
        r.reading_id,
        case
            when not c.is_inside then 'outside_window'
            when r.each = 'newest' and c.place > 1 then 'superseded'
        end as reason
    from counts as c
    cross join readings as r
)
select
    j.count_id,
    j.plan,
    j.plan_row,
    j.name,
    j.counted_date,
    j.is_approved,
    j.reading_id,
    j.counted_date as observed_date,
    cast(1 as bigint) as source_rows,
    j.reason,
    cast(case when j.reason is null then j.number else 0 end as bigint) as numerator,
    -- Null: of how many was not registered.
    cast(case when j.reason is null then j.of_number else 0 end as bigint) as denominator,
    j.reason is not null or j.of_number is not null as is_known
from judged as j
