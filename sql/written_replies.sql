/*---
measure: written_replies
summary: One written enquiry a row (a mailbox count stands for many), and whether it was answered within the limit.
kind: share
numerator: skriftlige henvendelser besvaret inden for grænsen
denominator: skriftlige henvendelser
grain: [channel, item]
leading:
  - {table: tickets, window: "true"}
  - {table: mailbox_counts, window: "true"}
parameters:
  limit_minutes: {type: integer, default: 1440, unit: min, comment: "Længste svartid der tæller som besvaret; grænsen selv tæller med"}
options:
  clock: [elapsed, business, next_working_day]
  reply: [public_agent, solved]
  unanswered: [miss, dropped]
  cohort: [received, answered]
  mailboxes: [required, ignored]
  removed: [excluded, counted]
  no_reply: [miss, excluded]
  outage: [counted, excluded]
  precision: [instants, minutes]
reasons:
  outside_window: "Uden for perioden"
  not_written: "Ikke en skriftlig henvendelse (telefon)"
  deleted: "Slettet"
  spam: "Spam"
  merged: "Lagt sammen med en anden henvendelse, som bærer svaret"
  outage: "Modtaget under en registreret driftsforstyrrelse"
  not_due: "Ikke forfalden: ubesvaret, men yngre end grænsen da udtrækket kom"
  no_reply_needed: "Løst uden offentligt svar"
  unanswered: "Ubesvaret; kun besvarede tæller"
  mailbox_ignored: "Funktionspostkasser holdes ude"
  unknown_mailbox: "Postkassen står ikke i listen over postkasser"
columns:
  channel: {type: varchar, group: true, danish: kanal, comment: "zendesk eller mailbox"}
  item: {type: varchar, comment: "Henvendelsens nummer, eller postkassen med periodens første dag"}
  observed_month: {type: date, group: true, danish: måned, comment: "Første dag i den måned, der placerer henvendelsen"}
---*/
with calendar as (
    -- Days as numbers, so that a clock can be carried on across midnight by plain arithmetic.
    select
        day,
        date_diff('day', date '2000-01-01', day) as day_no,
        min(case when is_working_day then date_diff('day', date '2000-01-01', day) end) over (
            order by day desc rows between unbounded preceding and 1 preceding
        ) as next_working_day_no
    from danish_calendar
),
latest as (
    -- The newest delivery of tickets stands for the moment of extraction (S15).
    select max(delivered_at) as delivered_at from tickets
),
hit_by_outage as (
    -- Half-open, as for the telephone (S20 as S9); `any` is an outage of everything.
    select distinct t.ticket_id
    from tickets as t
    inner join outages as o on o.began_at <= t.created_at and t.created_at < o.ended_at
    where o.system in ('zendesk', 'any') and o.approved_date is not null
),
ticket_facts as (
    -- Where the system gives minutes to the reply and no instant, the wall clock is carried on from the receipt: exact but for
    -- the hour by which a clock change in between moves it.
    select
        t.ticket_id,
        t.created_date,
        t.created_minute,
        t.first_reply_at is not null or t.reply_minutes is not null as has_reply,
        t.solved_at is not null as has_solution,
        coalesce(
            date_diff('day', date '2000-01-01', t.first_reply_date),
            c.day_no + (t.created_minute + t.reply_minutes) // 1440
        ) as reply_day_no,
        case
            when t.first_reply_date is not null then t.first_reply_minute
            else (t.created_minute + t.reply_minutes) % 1440
        end as reply_minute,
        date_diff('day', date '2000-01-01', t.solved_date) as solution_day_no,
        c.next_working_day_no,
        date_diff('millisecond', t.created_at, t.first_reply_at) as reply_ms,
        date_diff('millisecond', t.created_at, t.solved_at) as solution_ms,
        cast(t.reply_minutes as bigint) * 60000 as reply_metric_ms,
        cast(t.reply_business_minutes as bigint) * 60000 as business_ms,
        t.status in ('solved', 'closed') as is_finished,
        date_diff('millisecond', t.created_at, l.delivered_at) < cast($limit_minutes as bigint) * 60000 as is_young,
        o.ticket_id is not null as is_in_outage,
        translate(t.via, 'VOICE', 'voice') = 'voice' as is_voice,
        case when t.status = 'deleted' then 'deleted' when t.is_spam then 'spam' when t.is_merged then 'merged' end
            as removed_reason
    from tickets as t
    cross join latest as l
    left join calendar as c on t.created_date = c.day
    left join hit_by_outage as o on t.ticket_id = o.ticket_id
),
answered_tickets as (
    -- What counts as the answer (S14). Of a solution no business minutes and no minute of the day are kept.
    select
        t.*,
        r.reading_id,
        r.clock as clock_rule,
        r.unanswered as unanswered_rule,
        r.cohort as cohort_rule,
        r.removed as removed_rule,
        r.no_reply as no_reply_rule,
        r.outage as outage_rule,
        r.precision as time_precision,
        case when r.reply = 'solved' then t.has_solution else t.has_reply end as is_answered,
        case when r.reply = 'solved' then t.solution_day_no else t.reply_day_no end as answered_day_no,
        case when r.reply = 'solved' then null else t.reply_minute end as answered_minute,
        case when r.reply = 'solved' then t.solution_ms else t.reply_ms end as instant_ms,
        case when r.reply = 'solved' then null else t.reply_metric_ms end as metric_ms,
        case when r.reply = 'solved' then null else t.business_ms end as answer_business_ms
    from ticket_facts as t
    cross join readings as r
),
timed_tickets as (
    -- Within the limit? Null = answered, but this clock cannot say (S13, S21). The working-day clock goes by the minute.
    select
        a.*,
        case
            when a.clock_rule = 'business' then a.answer_business_ms <= cast($limit_minutes as bigint) * 60000
            when a.clock_rule = 'next_working_day'
                then
                    a.answered_day_no < a.next_working_day_no
                    or (a.answered_day_no = a.next_working_day_no and a.answered_minute <= a.created_minute)
            when a.time_precision = 'minutes'
                then coalesce(a.metric_ms, a.instant_ms - a.instant_ms % 60000) <= cast($limit_minutes as bigint) * 60000
            else coalesce(a.instant_ms, a.metric_ms) <= cast($limit_minutes as bigint) * 60000
        end as is_in_time,
        -- An answer without a day cannot be placed in a period; it stands with its receipt, unknown (S16).
        a.cohort_rule = 'answered' and d.day is null as is_undated,
        case when a.cohort_rule = 'answered' then coalesce(d.day, a.created_date) else a.created_date end as observed_date
    from answered_tickets as a
    -- Only answers that are placed by their own day are looked up.
    left join calendar as d on case when a.cohort_rule = 'answered' then a.answered_day_no end = d.day_no
),
judged_tickets as (
    select
        t.*,
        case
            when t.cohort_rule = 'answered' and not t.is_answered then 'unanswered'
            when t.observed_date <= $from_date or t.observed_date > $as_of then 'outside_window'
            when t.is_voice then 'not_written'
            when t.removed_rule = 'excluded' and t.removed_reason is not null then t.removed_reason
            when t.outage_rule = 'excluded' and t.is_in_outage then 'outage'
            when not t.is_answered and t.is_young then 'not_due'
            when not t.is_answered and t.is_finished and t.no_reply_rule = 'excluded' then 'no_reply_needed'
            when not t.is_answered and t.unanswered_rule = 'dropped' then 'unanswered'
        end as reason,
        t.is_answered and (t.is_in_time is null or t.is_undated) as is_doubtful
    from timed_tickets as t
),
mailbox_facts as (
    select
        c.mailbox,
        c.period_from_date,
        c.period_to_date,
        c.received_count,
        c.answered_24h_count,
        c.period_from_date > $from_date and c.period_to_date <= $as_of as is_inside,
        m.mailbox is not null as is_registered
    from mailbox_counts as c
    left join mailboxes as m on c.mailbox = m.mailbox
),
judged_mailboxes as (
    -- A count is an aggregate: no other clock, cohort or limit can be read from it.
    select
        f.*,
        r.reading_id,
        case
            when r.mailboxes = 'ignored' then 'mailbox_ignored'
            when not f.is_registered then 'unknown_mailbox'
            when not f.is_inside then 'outside_window'
        end as reason
    from mailbox_facts as f
    cross join readings as r
),
missing_mailboxes as (
    -- Registered mailboxes with a day of the window that no count inside the window covers (S18).
    select
        m.mailbox,
        min(d.day) as first_missing_date
    from mailboxes as m
    inner join danish_calendar as d
        on m.valid_from_date <= d.day and (m.valid_to_date is null or d.day <= m.valid_to_date)
    left join mailbox_facts as f
        on m.mailbox = f.mailbox and f.is_inside and f.period_from_date <= d.day and d.day <= f.period_to_date
    where d.day > $from_date and d.day <= $as_of and f.mailbox is null
    group by m.mailbox
)
select
    'zendesk' as channel,
    t.ticket_id as item,
    cast(date_trunc('month', t.observed_date) as date) as observed_month,
    t.reading_id,
    t.observed_date,
    cast(1 as bigint) as source_rows,
    t.reason,
    cast(case when t.reason is null and t.is_answered and not t.is_doubtful and t.is_in_time then 1 else 0 end as bigint)
        as numerator,
    cast(case when t.reason is null then 1 else 0 end as bigint) as denominator,
    t.reason is not null or not t.is_doubtful as is_known
from judged_tickets as t
union all
select
    'mailbox' as channel,
    m.mailbox || ' ' || cast(m.period_from_date as varchar) as item,
    cast(date_trunc('month', m.period_to_date) as date) as observed_month,
    m.reading_id,
    m.period_to_date as observed_date,
    cast(1 as bigint) as source_rows,
    m.reason,
    cast(case when m.reason is null and m.received_count is not null then coalesce(m.answered_24h_count, 0) else 0 end as bigint)
        as numerator,
    -- Null: not even the size is known.
    cast(case when m.reason is null then m.received_count else 0 end as bigint) as denominator,
    m.reason is not null or (m.received_count is not null and m.answered_24h_count is not null) as is_known
from judged_mailboxes as m
union all
select
    'mailbox' as channel,
    m.mailbox || ' mangler' as item,
    cast(date_trunc('month', m.first_missing_date) as date) as observed_month,
    r.reading_id,
    m.first_missing_date as observed_date,
    cast(0 as bigint) as source_rows,
    cast(null as varchar) as reason,
    cast(0 as bigint) as numerator,
    cast(null as bigint) as denominator,
    false as is_known
from missing_mailboxes as m
cross join readings as r
where r.mailboxes = 'required'
