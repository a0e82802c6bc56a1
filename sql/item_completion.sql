/*---
measure: item_completion
summary: One registered item of a plan's row a row, and whether it was done in time.
kind: share
numerator: poster gennemført til tiden
denominator: poster
grain: [item_id]
leading:
  - {table: items, window: "true"}
parameters:
  months: {type: integer, default: 0, unit: months, comment: "Frist i kalendermåneder fra postens start (due=months_after_start)"}
options:
  due: [stated, months_after_start, window_end]
  exempt: [excluded, counted]
  not_due: [unknown, excluded]
  complex_items: [counted, next_year]
reasons:
  not_started: "Endnu ikke begyndt på opgørelsesdagen"
  outside_window: "Fristen lå før perioden"
  exempt: "Undtaget efter aftale"
  next_year: "Komplekst; må afsluttes året efter"
  not_due: "Ikke forfalden"
columns:
  item_id: {type: varchar, comment: "Postens nummer i registret"}
  plan: {type: varchar, group: true, danish: plan, comment: "Planens id"}
  plan_row: {type: varchar, group: true, danish: række, comment: "Planens række"}
  is_approved: {type: boolean, group: true, danish: godkendt, comment: "Godkendt af en anden end den, der registrerede den"}
  last_date: {type: date, comment: "Fristen efter læsningen; tom = ukendt"}
---*/
with read_items as (
    select
        i.item_id,
        i.plan,
        i.plan_row,
        i.approver_key is not null as is_approved,
        i.started_date,
        i.is_exempt,
        i.is_complex,
        i.done_date,
        coalesce(i.done_date <= $as_of, false) as is_done,
        r.reading_id,
        r.exempt as exempt_rule,
        r.not_due as not_due_rule,
        i.is_complex and r.complex_items = 'next_year' as may_be_next_year,
        case r.due
            when 'months_after_start' then add_months(i.started_date, $months)
            when 'window_end' then $as_of
            else i.due_date
        end as due_date
    from items as i
    cross join readings as r
),
dated as (
    -- A complex item has a year more.
    select
        i.*,
        cast(case when i.may_be_next_year then add_months(i.due_date, 12) else i.due_date end as date) as last_date
    from read_items as i
),
judged as (
    -- What is done counts, however early; what is neither done nor due is no breach.
    select
        d.*,
        case
            when d.started_date > $as_of then 'not_started'
            when d.last_date <= $from_date then 'outside_window'
            when d.is_exempt and d.exempt_rule = 'excluded' then 'exempt'
            when d.may_be_next_year and not d.is_done and d.last_date > $as_of then 'next_year'
            when not d.is_done and d.last_date > $as_of and d.not_due_rule = 'excluded' then 'not_due'
        end as reason
    from dated as d
)
select
    j.item_id,
    j.plan,
    j.plan_row,
    j.is_approved,
    j.last_date,
    j.reading_id,
    -- What is not due yet is observed as such on the reporting date.
    cast(case when j.last_date < $as_of then j.last_date else $as_of end as date) as observed_date,
    cast(1 as bigint) as source_rows,
    j.reason,
    cast(case when j.reason is null and j.is_done and j.done_date <= j.last_date then 1 else 0 end as bigint) as numerator,
    cast(case when j.reason is null then 1 else 0 end as bigint) as denominator,
    j.reason is not null or (j.last_date is not null and (j.is_done or j.last_date <= $as_of)) as is_known
from judged as j
