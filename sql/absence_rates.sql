/*---
measure: absence_rates
summary: Sick leave of every institution of the state by quarter, as days over årsværk.
kind: ratio
# The rate of a window is its days over the mean of its quarters' årsværk: Σ days / (Σ årsværk / n) = Σ (days × n) / Σ årsværk. So the
# sums of an institution, and of all of them, divide to days per årsværk without any division here.
numerator: fraværsdage × antal kvartaler i perioden
denominator: kvartalernes årsværk lagt sammen
grain: [institution, quarter]
leading:
  - {table: state_absence, window: "quarter_end_date > $from_date and quarter_end_date <= $as_of"}
staff: {by: institution, fte: fte}
options:
  per: [fte, heads]
reasons:
  too_few: "For få årsværk, eller tallet er ikke oplyst"
  incomplete: "Institutionen mangler kvartaler i perioden"
columns:
  institution: {type: varchar, group: true, danish: institution, comment: "Institutionen"}
  quarter: {type: varchar, group: true, danish: kvartal, comment: "Kvartalet, som 2020Q4"}
---*/
with quarter_ends as (
    select
        quarter,
        max(day) as quarter_end_date
    from danish_calendar
    group by quarter
),
quarter_count as (
    select count(*) as quarters
    from quarter_ends
    where quarter_end_date > $from_date and quarter_end_date <= $as_of
),
sized as (
    select
        a.institution,
        a.quarter,
        a.quarter_end_date,
        a.absence_days,
        r.reading_id,
        case when r.per = 'heads' then a.heads else a.fte end as size
    from state_absence as a
    cross join readings as r
    where a.quarter_end_date > $from_date and a.quarter_end_date <= $as_of
),
counted as (
    -- Like Benchmarkdatabasen: an institution with a quarter missing or suppressed is left out of the whole window.
    select
        s.*,
        s.absence_days is not null and s.size is not null as is_given,
        sum(case when s.absence_days is not null and s.size is not null then 1 else 0 end) over (
            partition by s.reading_id, s.institution
        ) as given_quarters
    from sized as s
),
judged as (
    select
        c.*,
        q.quarters,
        case when not c.is_given then 'too_few' when c.given_quarters < q.quarters then 'incomplete' end as reason
    from counted as c
    cross join quarter_count as q
)
select
    j.institution,
    j.quarter,
    j.reading_id,
    j.quarter_end_date as observed_date,
    cast(1 as bigint) as source_rows,
    j.reason,
    cast(case when j.reason is null then j.absence_days * cast(j.quarters as decimal(4, 0)) else 0 end as decimal(28, 4)) as numerator,
    cast(case when j.reason is null then j.size else 0 end as decimal(28, 4)) as denominator,
    true as is_known
from judged as j
