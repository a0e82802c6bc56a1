/*---
measure: budget_deviation
summary: One figure of an institution's year a row, and how far the realised result lies from it, whichever way.
kind: ratio
numerator: afvigelse i kroner mellem budgetteret og realiseret resultat, uden fortegn
denominator: budgetterede resultater
grain: [institution, year, comparison]
leading:
  - {table: budget_figures, window: "year_end_date > $from_date and year_end_date <= $as_of"}
options:
  realised: [uo4, accounts]
reasons:
  realised_result: "Det realiserede resultat, som der måles mod"
  other_result: "Et andet realiseret resultat"
columns:
  institution: {type: varchar, group: true, danish: institution, comment: "Institutionen"}
  year: {type: integer, comment: "Budgetåret"}
  comparison: {type: varchar, group: true, danish: sammenligning, comment: "Hvad der sammenlignes med: grundbudget eller uo2"}
  deviation_dkk: {type: "decimal(18,2)", unit: DKK, comment: "Realiseret minus budgetteret; tom = et af tallene mangler"}
---*/
with figures as (
    select
        b.institution,
        b.year,
        b.year_end_date,
        b.figure,
        b.amount_dkk,
        max(case when b.figure = 'uo4' then b.amount_dkk end) over (partition by b.institution, b.year) as uo4_dkk,
        max(case when b.figure = 'aarsregnskab' then b.amount_dkk end) over (partition by b.institution, b.year) as accounts_dkk
    from budget_figures as b
    where b.year_end_date > $from_date and b.year_end_date <= $as_of
),
expected as (
    -- Both comparisons belong to every year of which anything is known.
    select distinct
        f.institution,
        f.year,
        f.year_end_date,
        c.comparison,
        f.uo4_dkk,
        f.accounts_dkk
    from figures as f
    cross join (
        select 'grundbudget' as comparison
        union all
        select 'uo2' as comparison
    ) as c
),
compared as (
    select
        e.institution,
        e.year,
        e.year_end_date,
        e.comparison,
        r.reading_id,
        f.figure is not null as is_delivered,
        cast(case when r.realised = 'accounts' then e.accounts_dkk else e.uo4_dkk end - f.amount_dkk as decimal(18, 2))
            as deviation_dkk
    from expected as e
    cross join readings as r
    left join figures as f on e.institution = f.institution and e.year = f.year and e.comparison = f.figure
)
select
    c.institution,
    c.year,
    c.comparison,
    c.deviation_dkk,
    c.reading_id,
    c.year_end_date as observed_date,
    cast(case when c.is_delivered then 1 else 0 end as bigint) as source_rows,
    cast(null as varchar) as reason,
    cast(coalesce(abs(c.deviation_dkk), 0) as decimal(18, 2)) as numerator,
    cast(1 as bigint) as denominator,
    c.deviation_dkk is not null as is_known
from compared as c
union all
select
    f.institution,
    f.year,
    f.figure as comparison,
    cast(null as decimal(18, 2)) as deviation_dkk,
    r.reading_id,
    f.year_end_date as observed_date,
    cast(1 as bigint) as source_rows,
    case when (f.figure = 'uo4') = (r.realised = 'uo4') then 'realised_result' else 'other_result' end as reason,
    cast(0 as decimal(18, 2)) as numerator,
    cast(0 as bigint) as denominator,
    true as is_known
from figures as f
cross join readings as r
where f.figure in ('uo4', 'aarsregnskab')
