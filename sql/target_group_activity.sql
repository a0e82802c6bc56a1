/*---
measure: target_group_activity
summary: One stay of a person in a jobcentre's target group a row, and whether the quarter brought ordinary work or education.
kind: share
counts: persons
numerator: personer i målgruppen berørt af beskæftigelse, ordinære timer eller ordinær uddannelse
denominator: personer i målgruppen
grain: [person_key, jobcentre_id, entered_date]
leading:
  - {table: jobcentre_panel, window: "quarter_end_date > $from_date and quarter_end_date <= $as_of"}
parameters:
  min_hours: {type: "decimal(10,2)", default: 0, unit: h, comment: "Løntimer i kvartalet, der skal overstiges; 0 = enhver time"}
options:
  seniority_scope: [jobafklaring, all, last_three]
  seniority_when: [reached, at_entry, quarter_start]
  introduction: [both, overgang_only]
  activity_ready_scope: [cash_benefits, all]
  leavers: [stay, leave]
  movers: [quarter_end, quarter_start, each]
  activity: [any, hours_and_education]
reasons:
  not_yet_entered: "Kom først i målgruppen efter kvartalet"
  died: "Afdød"
  moved_away: "Fraflyttet"
  left_benefit: "Har forladt ydelsen"
  counted_elsewhere: "Samme person tæller med et andet ophold"
  unknown_benefit: "Ydelseskoden er ikke henført til en gruppe"
  other_benefit: "Ydelsen hører ikke til målgruppen"
  in_introduction: "I introduktionsprogram"
  not_activity_ready: "Ikke aktivitetsparat"
  too_short_seniority: "Under seks måneders anciennitet"
columns:
  person_key: {type: varchar, comment: "Pseudonym nøgle"}
  jobcentre_id: {type: varchar, group: true, danish: jobcenter, comment: "Jobcenter, fem cifre"}
  entered_date: {type: date, comment: "Første dag i målgruppen hos dette jobcenter"}
---*/
with stays as (
    select
        p.person_key,
        p.jobcentre_id,
        p.entered_date,
        p.left_date,
        p.exit_reason,
        p.visitation,
        p.is_employed,
        p.paid_hours,
        p.is_in_education,
        p.seniority_months,
        p.quarter_end_date,
        b.benefit_group,
        b.is_in_introduction_programme,
        cast(date_trunc('quarter', p.quarter_end_date) as date) as quarter_start_date,
        -- The day six months on the benefit are reached, counted on from what the person brought along.
        add_months(p.entered_date, 6 - p.seniority_months) as senior_date
    from jobcentre_panel as p
    left join benefit_codes as b on p.benefit_code = b.benefit_code
    where p.quarter_end_date > $from_date and p.quarter_end_date <= $as_of
),
read_stays as (
    select
        s.*,
        r.reading_id,
        r.movers as movers_rule,
        r.activity as activity_rule,
        case when r.movers = 'quarter_start' then s.quarter_start_date else s.quarter_end_date end as residence_date,
        case when r.movers = 'quarter_end' then s.quarter_end_date else s.quarter_start_date end as moved_before_date,
        r.leavers = 'leave' as is_out_with_benefit,
        -- Only the four cash benefits are visitated (S46).
        s.visitation = 'aktivitetsparat'
        or (
            r.activity_ready_scope = 'cash_benefits'
            and s.benefit_group not in ('uddannelseshjaelp', 'kontanthjaelp', 'sho_ydelse', 'overgangsydelse')
        ) as is_ready,
        s.is_in_introduction_programme
        and (
            s.benefit_group = 'overgangsydelse'
            or (s.benefit_group = 'sho_ydelse' and r.introduction = 'both')
        ) as is_in_introduction,
        -- Which groups need six months (S44), and by when (S45). Who left before reaching them never came in.
        case r.seniority_scope
            when 'all' then true
            when 'last_three' then s.benefit_group in ('ressourceforloeb', 'ledighedsydelse', 'jobafklaring')
            else s.benefit_group = 'jobafklaring'
        end
        and not case r.seniority_when
            when 'at_entry' then s.seniority_months >= 6
            when 'quarter_start'
                then s.senior_date <= s.quarter_start_date and s.senior_date <= coalesce(s.left_date, s.senior_date)
            else s.senior_date <= s.quarter_end_date and s.senior_date <= coalesce(s.left_date, s.senior_date)
        end as is_too_new
    from stays as s
    cross join readings as r
),
present_stays as (
    -- left_date is the last day there. The dead and those who moved are out; who left for work or education stays, unless the
    -- reading lets them leave with the benefit (S47, S48).
    select
        s.*,
        case
            when s.entered_date > s.quarter_end_date then 'not_yet_entered'
            when s.exit_reason = 'doed' and s.left_date <= s.quarter_end_date then 'died'
            when s.exit_reason = 'fraflyttet' and s.left_date < s.moved_before_date then 'moved_away'
            when
                s.is_out_with_benefit and s.left_date < s.quarter_end_date
                and coalesce(s.exit_reason, 'andet') not in ('doed', 'fraflyttet')
                then 'left_benefit'
        end as absent_reason,
        date_diff('day', s.residence_date, s.entered_date) as days_after
    from read_stays as s
),
ranked_stays as (
    -- Once nationally: where the person last came in by the day of residence, or else first after it. `each` counts a person
    -- once in every jobcentre.
    select
        s.*,
        row_number() over (
            partition by
                s.reading_id,
                s.quarter_end_date,
                s.person_key,
                case when s.movers_rule = 'each' then s.jobcentre_id else '' end
            order by
                case when s.absent_reason is null then 0 else 1 end,
                case when s.days_after <= 0 then 0 else 1 end,
                case when s.days_after <= 0 then -s.days_after else s.days_after end,
                s.jobcentre_id
        ) as choice_no
    from present_stays as s
),
judged as (
    select
        s.*,
        case
            when s.absent_reason is not null then s.absent_reason
            when s.choice_no > 1 then 'counted_elsewhere'
            when s.benefit_group is null then 'unknown_benefit'
            when s.benefit_group = 'andet' then 'other_benefit'
            when s.is_in_introduction then 'in_introduction'
            when not s.is_ready then 'not_activity_ready'
            when s.is_too_new then 'too_short_seniority'
        end as reason,
        s.paid_hours > $min_hours
        or s.is_in_education
        or (s.is_employed and s.activity_rule = 'any') as is_touched
    from ranked_stays as s
)
select
    j.person_key,
    j.jobcentre_id,
    j.entered_date,
    j.reading_id,
    j.quarter_end_date as observed_date,
    cast(1 as bigint) as source_rows,
    j.reason,
    cast(case when j.reason is null and j.is_touched then 1 else 0 end as bigint) as numerator,
    cast(case when j.reason is null then 1 else 0 end as bigint) as denominator,
    true as is_known
from judged as j
