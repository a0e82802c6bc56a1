/*---
measure: telephone_answers
summary: One phone enquiry a row, and whether an agent answered it within the limit.
kind: share
numerator: telefoniske henvendelser besvaret inden for grænsen
denominator: telefoniske henvendelser
grain: [call_id, entry_no]
leading:
  - table: call_events
    window: >-
      call_id in (select call_id from call_events group by call_id
      having min(started_date) > $from_date and min(started_date) <= $as_of)
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
        max(started_date) as last_date,
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
late_calls as (
    -- A call of the window may go on after it.
    select call_id
    from calls
    where last_date > $as_of
),
met as (
    -- Whom a caller met, in order: the queues he stood in and the agents who answered. A __Callout_ queue holds agents' outgoing
    -- calls and callbacks. A queue key that nobody mapped gives a null queue: that group is forbidden, so the run stops rather than
    -- counts without it (S10). Times are milliseconds, so that a wait is a plain subtraction; duration_s is rounded by the system.
    -- Calls of the window have no event before it; of calls that began before it none is left where calls are told apart.
    select
        e.call_id,
        e.call_sequence,
        e.rec_id,
        e.result_code,
        e.started_at,
        e.started_date,
        e.started_minute,
        q.queue,
        case when e.event_type = 'queue' then 1 else 0 end as is_stand,
        case when e.event_type = 'queue' and coalesce(q.queue, '') <> 'outside' then 1 else 0 end as is_entry,
        date_diff('millisecond', timestamp '2000-01-01 00:00:00', e.started_at) as start_ms,
        date_diff('millisecond', timestamp '2000-01-01 00:00:00', e.started_at) + cast(e.duration_s as bigint) * 1000 as end_ms,
        date_diff('millisecond', timestamp '2000-01-01 00:00:00', coalesce(e.speak_started_at, e.started_at)) as speak_ms
    from call_events as e
    left join queues as q on e.queue_key = q.queue_key
    left join late_calls as l on case when e.started_date > $as_of then e.call_id end = l.call_id
    where
        e.media = 'phone'
        and e.started_date > $from_date
        and (e.started_date <= $as_of or l.call_id is not null)
        and (
            (e.event_type = 'queue' and coalesce(substr(e.queue_key, 1, 10), '') <> '__Callout_')
            or (e.event_type = 'conversation' and e.result_code = 'k')
        )
),
numbered as (
    -- Every agent belongs to the reported queue entry before him; a queue comes before the agents of the same place.
    select
        m.*,
        sum(m.is_entry) over (
            partition by m.call_id order by m.call_sequence, m.is_stand desc, m.rec_id
            rows between unbounded preceding and current row
        ) as entry_no,
        sum(m.is_stand) over (
            partition by m.call_id order by m.call_sequence, m.is_stand desc, m.rec_id
            rows between current row and unbounded following
        ) as stands_left
    from met as m
),
stretches as (
    -- The reported queue entries of a call (0 = before the first), each with the first agent who spoke after it and before the
    -- next one; callbacks and other queues included (S7, S12). The last queue of the call may be any.
    select
        call_id,
        entry_no,
        min(case when is_entry = 1 then queue end) as queue,
        min(case when is_entry = 1 then result_code end) as result_code,
        min(case when is_entry = 1 then started_at end) as entered_at,
        min(case when is_entry = 1 then started_date end) as entered_date,
        min(case when is_entry = 1 then started_minute end) as entered_minute,
        min(case when is_entry = 1 then start_ms end) as start_ms,
        min(case when is_entry = 1 then end_ms end) as end_ms,
        min(case when is_stand = 0 then speak_ms end) as answer_ms,
        max(case when is_stand = 1 and stands_left = 1 then end_ms end) as last_end_ms,
        max(case when is_stand = 1 and stands_left = 1 then result_code end) as last_code,
        max(is_stand) as has_queue
    from numbered
    group by call_id, entry_no
),
entries as (
    select
        call_id,
        entry_no,
        queue,
        result_code,
        entered_at,
        entered_date,
        entered_minute,
        start_ms,
        end_ms,
        answer_ms,
        case when result_code = 'q' then end_ms end as order_ms
    from stretches
    where entry_no > 0
),
ends as (
    select
        call_id,
        min(case when entry_no > 0 then answer_ms end) as first_answer_ms,
        max(last_end_ms) as last_end_ms,
        max(last_code) as last_code,
        max(has_queue) as has_queue
    from stretches
    group by call_id
),
whole_calls as (
    -- The last queue is the one whose agent gave the first answer; of an unanswered call, the last one entered (S5).
    select
        e.call_id,
        min(e.order_ms) as order_ms,
        max(case when f.first_answer_ms is null or e.answer_ms = f.first_answer_ms then e.start_ms end) as last_start_ms
    from entries as e
    inner join ends as f on e.call_id = f.call_id
    group by e.call_id
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
        f.first_answer_ms as answer_ms,
        w.order_ms,
        f.last_end_ms as end_ms,
        f.last_code as end_code
    from entries as e
    inner join whole_calls as w on e.call_id = w.call_id
    inner join ends as f on e.call_id = f.call_id
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
    from entries
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
        date_diff('millisecond', timestamp '2000-01-01 00:00:00', c.begun_at) as begun_ms,
        u.asked_unit,
        coalesce(s.entry_no, 0) as entry_no,
        case when s.call_id is not null then s.queue when f.has_queue = 1 then 'outside' else 'none' end as queue,
        s.call_id is not null as has_entry,
        coalesce(f.has_queue, 0) = 1 as has_queue,
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
    left join ends as f on c.call_id = f.call_id
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
        case r.wait_from when 'initiation' then f.begun_ms when 'last_queue' then f.last_start_ms else f.start_ms end as wait_start_ms,
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
