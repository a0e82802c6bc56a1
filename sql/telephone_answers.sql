/*---
measure: telephone_answers
summary: One phone enquiry a row, and whether an agent answered it within the limit.
kind: share
numerator: telefoniske henvendelser besvaret inden for grænsen
denominator: telefoniske henvendelser
grain: [call_id, entry_no]
leading:
  - {table: call_events, together_by: call_id, placed_by: min(started_date)}
months: observed_month
parameters:
  limit_ms: {type: bigint, default: 240000, unit: ms, comment: "Længste ventetid der tæller som besvaret; grænsen selv tæller med"}
options:
  denominator: [all, answered, no_early_hangup]
  wait_from: [first_queue, initiation, last_queue]
  precision: [ms, whole_seconds]
  callback: [answered_in_time, order_is_answer, excluded]
  closed_hours: [excluded, counted]
  error_codes: [counted, excluded]
  outage: [queue_entry, waiting_overlap, whole_day, ignored]
  unit: [call, queue_entry]
distribution:
  {column: wait_ms, step: 10000, top: 600000, per: 1000, mark: limit_ms, shape: curve,
   axis: ventetid, unit: sekunder, reached: besvaret, without: "er ikke besvaret"}
reasons:
  not_phone: "Ikke en telefonisk henvendelse"
  no_queue: "Nåede ingen kø (afsluttet i menuen, udgående opkald eller tilbagekald)"
  other_queue: "Kun i køer uden for Landssupporten"
  outage: "Registreret driftsforstyrrelse"
  closed_hours: "Uden for den godkendte åbningstid"
  callback_ordered: "Tilbagekald bestilt"
  queue_error: "Køen endte i en fejl (kode e)"
  unanswered: "Ubesvaret; kun besvarede kald tæller"
  early_hangup: "Lagt på før grænsen"
columns:
  call_id: {type: varchar, comment: "Henvendelsen i telefonsystemet"}
  entry_no: {type: integer, comment: "Nummer på køindgangen i kaldet, fra 1; 0 = ingen rapporteret kø"}
  queue: {type: varchar, group: true, danish: kø, comment: "Den rapporterede kø; outside = kun andre køer, none = ingen kø"}
  observed_month: {type: date, group: true, danish: måned, comment: "Første dag i den måned, hvor kaldet begyndte"}
  wait_ms: {type: bigint, unit: ms, comment: "Ventetid til svaret under denne læsning; tom = ubesvaret"}
---*/
with all_calls as (
    select
        call_id,
        min(started_at) as begun_at,
        min(started_date) as begun_date,
        count(*) as event_count,
        max(case when media = 'phone' then 1 else 0 end) as is_phone
    from call_events
    group by call_id
),
calls as (
    -- A call belongs to the day its first event began (S11). Not HAVING: a macro's parameter is no constant there.
    select *
    from all_calls
    where begun_date > $from_date and begun_date <= $as_of
),
phone_events as (
    -- Times as milliseconds since the call began, so that a wait is a plain subtraction. duration_s is rounded by the system.
    select
        e.rec_id,
        e.call_id,
        e.call_sequence,
        e.event_type,
        e.result_code,
        e.queue_key,
        e.started_at,
        e.started_date,
        e.started_minute,
        date_diff('millisecond', c.begun_at, e.started_at) as start_ms,
        date_diff('millisecond', c.begun_at, e.started_at) + cast(e.duration_s as bigint) * 1000 as end_ms,
        date_diff('millisecond', c.begun_at, coalesce(e.speak_started_at, e.started_at)) as speak_ms
    from call_events as e
    inner join calls as c on e.call_id = c.call_id
    where e.media = 'phone'
),
stands as (
    -- Every queue a caller stood in; a __Callout_ queue holds agents' outgoing calls and callbacks. A queue key that nobody
    -- mapped gives a null queue: that group is forbidden, so the run stops rather than counts without it (S10).
    select
        e.*,
        q.queue,
        coalesce(q.queue, '') <> 'outside' as is_reported,
        row_number() over (partition by e.call_id order by e.call_sequence desc, e.rec_id desc) as from_last
    from phone_events as e
    left join queues as q on e.queue_key = q.queue_key
    where e.event_type = 'queue' and coalesce(substr(e.queue_key, 1, 10), '') <> '__Callout_'
),
entries as (
    -- The reported queue entries of a call, in order, each reaching to the next.
    select
        call_id,
        call_sequence,
        queue,
        result_code,
        started_at as entered_at,
        started_date as entered_date,
        started_minute as entered_minute,
        start_ms,
        end_ms,
        case when result_code = 'q' then end_ms end as order_ms,
        row_number() over (partition by call_id order by call_sequence, rec_id) as entry_no,
        lead(call_sequence) over (partition by call_id order by call_sequence, rec_id) as next_sequence
    from stands
    where is_reported
),
answers as (
    -- The first agent who spoke after each entry and before the next one; callbacks and other queues included (S7, S12).
    select
        e.call_id,
        e.entry_no,
        min(a.speak_ms) as answer_ms
    from entries as e
    inner join phone_events as a
        on
            e.call_id = a.call_id
            and a.call_sequence >= e.call_sequence
            and (e.next_sequence is null or a.call_sequence < e.next_sequence)
    where a.event_type = 'conversation' and a.result_code = 'k'
    group by e.call_id, e.entry_no
),
first_answers as (
    select
        call_id,
        min(answer_ms) as first_answer_ms
    from answers
    group by call_id
),
answered_entries as (
    select
        e.*,
        a.answer_ms,
        f.first_answer_ms
    from entries as e
    left join answers as a on e.call_id = a.call_id and e.entry_no = a.entry_no
    left join first_answers as f on e.call_id = f.call_id
),
whole_calls as (
    -- The last queue is the one whose agent gave the first answer; of an unanswered call, the last one entered (S5).
    select
        call_id,
        min(answer_ms) as answer_ms,
        min(order_ms) as order_ms,
        max(case when first_answer_ms is null or answer_ms = first_answer_ms then start_ms end) as last_start_ms
    from answered_entries
    group by call_id
),
subjects as (
    -- What is counted: the call (from its first reported entry to the end of its last queue), or each queue entry (S12).
    select
        'call' as unit,
        e.call_id,
        e.entry_no,
        e.queue,
        e.entered_at,
        e.entered_date,
        e.entered_minute,
        e.start_ms,
        w.last_start_ms,
        w.answer_ms,
        w.order_ms,
        l.end_ms,
        l.result_code as end_code
    from answered_entries as e
    inner join whole_calls as w on e.call_id = w.call_id
    inner join stands as l on e.call_id = l.call_id and l.from_last = 1
    where e.entry_no = 1
    union all
    select
        'queue_entry' as unit,
        call_id,
        entry_no,
        queue,
        entered_at,
        entered_date,
        entered_minute,
        start_ms,
        start_ms as last_start_ms,
        answer_ms,
        order_ms,
        end_ms,
        result_code as end_code
    from answered_entries
),
outage_pairs as (
    -- Approved outages of the telephone system, half-open [began, ended), under each way to tell who was hit (S9).
    select
        s.unit,
        s.call_id,
        s.entry_no,
        o.began_at <= s.entered_at and s.entered_at < o.ended_at as is_at_entry,
        s.entered_at < o.ended_at
        and (
            o.began_at <= s.entered_at
            or date_diff('millisecond', s.entered_at, o.began_at) < coalesce(s.answer_ms, s.end_ms) - s.start_ms
        ) as is_while_waiting,
        s.entered_date between o.began_date and coalesce(o.ended_date, o.began_date) as is_on_day
    from subjects as s
    inner join outages as o on o.system = 'puzzel' and o.approved_date is not null
),
outage_hits as (
    -- Who entered during an outage also waited in it.
    select
        p.unit,
        p.call_id,
        p.entry_no,
        max(case when p.is_at_entry then 1 else 0 end) as at_entry,
        max(case when p.is_while_waiting then 1 else 0 end) as while_waiting,
        max(case when p.is_on_day then 1 else 0 end) as on_day
    from outage_pairs as p
    where p.is_while_waiting or p.is_on_day
    group by p.unit, p.call_id, p.entry_no
),
entry_days as (
    -- 1 = Monday: 3 January 2000 was one. dayofweek differs between engines.
    select distinct
        entered_date,
        date_diff('day', date '2000-01-03', entered_date) % 7 + 1 as weekday
    from entries
),
hours as (
    -- Opening hours of the days that a register covers; a covered day whose weekday has no row is closed all day (S8).
    select
        d.entered_date,
        min(case when h.weekday = d.weekday then h.opens_at_minute end) as opens_at_minute,
        max(case when h.weekday = d.weekday then h.closes_at_minute end) as closes_at_minute
    from entry_days as d
    inner join opening_hours as h
        on h.valid_from_date <= d.entered_date and (h.valid_to_date is null or d.entered_date <= h.valid_to_date)
    group by d.entered_date
),
units as (
    -- Read by another name: in a macro an option's name is a parameter.
    select distinct r.unit as asked_unit
    from readings as r
),
facts as (
    -- Each call, and where a reading asks for them each entry, once; the readings come after, for joining every call under
    -- every reading took most of the time.
    select
        c.call_id,
        c.begun_date,
        cast(date_trunc('month', c.begun_date) as date) as observed_month,
        c.event_count,
        c.is_phone,
        u.asked_unit,
        coalesce(s.entry_no, 0) as entry_no,
        case when s.call_id is not null then s.queue when l.call_id is not null then 'outside' else 'none' end as queue,
        s.call_id is not null as has_entry,
        l.call_id is not null as has_queue,
        s.start_ms,
        s.last_start_ms,
        s.answer_ms,
        s.order_ms,
        s.end_ms,
        s.end_code,
        coalesce(o.at_entry, 0) as at_entry,
        coalesce(o.while_waiting, 0) as while_waiting,
        coalesce(o.on_day, 0) as on_day,
        h.entered_date is not null
        and (
            h.opens_at_minute is null
            or s.entered_minute < h.opens_at_minute
            or s.entered_minute >= h.closes_at_minute
        ) as is_outside_hours
    from calls as c
    cross join units as u
    left join subjects as s on c.call_id = s.call_id and u.asked_unit = s.unit
    left join stands as l on c.call_id = l.call_id and l.from_last = 1
    left join outage_hits as o on s.unit = o.unit and s.call_id = o.call_id and s.entry_no = o.entry_no
    left join hours as h on s.entered_date = h.entered_date
),
read_calls as (
    -- Each call under each reading, with the moment its wait began and the moment it was met.
    select
        f.call_id,
        f.begun_date,
        f.observed_month,
        f.event_count,
        f.is_phone,
        f.entry_no,
        f.queue,
        f.has_entry,
        f.has_queue,
        r.reading_id,
        r.denominator as counted_calls,
        r.precision as wait_precision,
        r.callback as callback_rule,
        r.error_codes as error_rule,
        f.order_ms,
        f.end_ms,
        f.end_code,
        case r.wait_from when 'initiation' then 0 when 'last_queue' then f.last_start_ms else f.start_ms end as wait_start_ms,
        case
            when r.callback = 'order_is_answer' and f.order_ms < coalesce(f.answer_ms, f.order_ms + 1) then f.order_ms
            else f.answer_ms
        end as met_ms,
        case r.outage
            when 'queue_entry' then f.at_entry
            when 'waiting_overlap' then f.while_waiting
            when 'whole_day' then f.on_day
            else 0
        end = 1 as is_in_outage,
        r.closed_hours = 'excluded' and f.is_outside_hours as is_closed
    from facts as f
    inner join readings as r on f.asked_unit = r.unit
),
judged as (
    select
        c.*,
        c.met_ms - c.wait_start_ms as wait_ms,
        case
            when c.is_phone = 0 then 'not_phone'
            when not c.has_queue then 'no_queue'
            when not c.has_entry then 'other_queue'
            when c.is_in_outage then 'outage'
            when c.is_closed then 'closed_hours'
            when c.callback_rule = 'excluded' and c.order_ms is not null then 'callback_ordered'
            when c.error_rule = 'excluded' and c.met_ms is null and c.end_code = 'e' then 'queue_error'
            when c.counted_calls = 'answered' and c.met_ms is null then 'unanswered'
            when
                c.counted_calls = 'no_early_hangup' and c.met_ms is null
                and c.end_code = 'h' and c.end_ms - c.wait_start_ms < $limit_ms
                then 'early_hangup'
        end as reason
    from read_calls as c
)
select
    j.call_id,
    cast(j.entry_no as integer) as entry_no,
    j.queue,
    j.observed_month,
    cast(j.wait_ms as bigint) as wait_ms,
    j.reading_id,
    j.begun_date as observed_date,
    cast(case when j.entry_no <= 1 then j.event_count else 0 end as bigint) as source_rows,
    j.reason,
    -- Whole seconds are rounded half up (S6); a call nobody met has no wait and is no hit.
    cast(
        case
            when j.reason is not null or j.met_ms is null then 0
            when j.wait_precision = 'whole_seconds' and j.wait_ms + 500 - (j.wait_ms + 500) % 1000 <= $limit_ms then 1
            when j.wait_precision <> 'whole_seconds' and j.wait_ms <= $limit_ms then 1
            else 0
        end as bigint
    ) as numerator,
    cast(case when j.reason is null then 1 else 0 end as bigint) as denominator,
    true as is_known
from judged as j
