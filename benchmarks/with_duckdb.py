"""The job as SQL written by hand for DuckDB, all readings included: `python -m benchmarks.with_duckdb run DELIVERIES OUT`.

Each file is read as text once, cast into a table of typed rows with the reason that a row does not fit,
    and that table is held
against the rules and written. Calls, tickets, cases and stays are brought to one row of facts each; every reading is then one
aggregate over the facts, with its options written into the statement.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks import job
from benchmarks import with_duckdb_enquiries as enquiries
from benchmarks import with_duckdb_figures as figures
from benchmarks import with_duckdb_rules as rules
from benchmarks.job import Answers, File, Lists
from maalopfyldelse.dates import is_working_day

PARQUET = "(format parquet, parquet_version v2, compression zstd, compression_level 1)"
# The instants (UTC) at which Danish time changed; from each on it is so many hours ahead.
CHANGES = [
    (f"{year}-{month:02d}-{31 - (date(year, month, 31).weekday() + 1) % 7} 01:00:00", ahead)
    for year in range(2018, 2024)
    for month, ahead in ((3, 2), (10, 1))
]


def run(deliveries: Path, out: Path, as_of: date, *, is_stored: bool = False) -> Answers:
    """The whole job, or the counting alone over what an earlier run has stored in `out`."""
    answers, found = Answers(), job.lists(deliveries)
    con = duckdb.connect(config={"temp_directory": str(out / "spill")})
    con.execute("set enable_progress_bar = false; set timezone = 'UTC'; set preserve_insertion_order = false")
    _macros(con)
    _lists(con, found)
    calls = job.files(deliveries, "puzzel", r"call_events_(\d{4}-\d{2})")
    tickets = job.files(deliveries, "zendesk", r"export_()")
    cases = job.files(deliveries, "p360", r"p360_sager_()")
    panel = job.files(deliveries, "jobcenter", r"panel_(\d{4}Q\d)")
    if not is_stored:
        for table, some, select, held in (
            ("call_events", calls, _calls, rules.call_rules(found)),
            ("tickets", tickets, _tickets, rules.TICKET_RULES),
            ("cases", cases, _cases, rules.CASE_RULES),
            ("jobcentre_panel", panel, _panel, rules.PANEL_RULES),
        ):
            for number, file in enumerate(some):
                _take(con, answers, table, file, select(con, file), held, out / f"{table}_{number}.parquet")
    _views(
        con,
        out,
        {
            "call_events": (calls, None),
            "jobcentre_panel": (panel, None),
            "tickets": (tickets, "ticket_id"),
            "cases": (cases, "case_id"),
        },
    )
    enquiries.telephone(con, answers, found, as_of)
    enquiries.written(con, answers, found, as_of, max(f.arrived for f in tickets))
    figures.case_times(con, answers, as_of)
    figures.pending(con, answers, as_of)
    figures.target_group(con, answers, as_of)
    con.close()
    return answers


# --- intake -------------------------------------------------------------------------------------------------------------------


def _macros(con: duckdb.DuckDBPyConnection) -> None:
    def chain(column: str, *, of_wall: bool) -> str:
        """How many hours Danish time is ahead, of an instant or of a wall time (of the doubled hour the earlier)."""
        said = "1"
        for instant, ahead in CHANGES:
            hours = max(ahead, 3 - ahead) if of_wall else 0
            said = f"case when {column} >= timestamp '{instant}' + interval {hours} hour then {ahead} else {said} end"
        return said

    def within(column: str, month: str, hours: int) -> str:
        starts = [f"timestamp '{instant}' + interval {hours} hour" for instant, _ in CHANGES if instant[5:7] == month]
        return " or ".join(f"({column} >= {s} and {column} < {s} + interval 1 hour)" for s in starts)

    con.execute(f"""
        create macro whole(x) as case when cast(try_cast(x as integer) as varchar) = x then try_cast(x as integer) end;
        create macro to_utc(w) as w - to_hours({chain("w", of_wall=True)});
        create macro to_danish(t) as t + to_hours({chain("t", of_wall=False)});
        create macro is_skipped(w) as {within("w", "03", 1)};
        create macro is_doubled(w) as {within("w", "10", 1)};
        create macro minute_of(t) as cast(60 * hour(t) + minute(t) as integer);
        create macro fault(raw, typed, code, place) as case when raw is not null and typed is null
            then code || ' ' || place end;
        create macro must(raw, typed, code, place) as
            case when typed is null then case when raw is null then 'MISSING_VALUE' else code end || ' ' || place end;
    """)


def _lists(con: duckdb.DuckDBPyConnection, found: Lists) -> None:
    def table(name: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
        lists = [list(cells) for cells in zip(*rows, strict=True)]
        con.execute(f"create temp table {name} ({columns})")
        con.execute(f"insert into {name} select {', '.join('unnest(?)' for _ in lists)}", lists)

    table("queues", "queue_key varchar, queue varchar", found.queues.items())
    table("case_types", "case_type varchar, area varchar", found.case_types.items())
    table(
        "benefit_codes",
        "benefit_code varchar, benefit_group varchar, is_intro boolean",
        [(c, *b) for c, b in found.benefits.items()],
    )
    table("jobcentres", "jobcentre_id varchar", [(c,) for c in found.jobcentres])
    days = [date(2018, 1, 1) + timedelta(days=n) for n in range(6 * 365)]
    table(
        "calendar",
        "day date, next_working_day date",
        [(d, next(x for x in (d + timedelta(days=k) for k in range(1, 15)) if is_working_day(x))) for d in days],
    )


def _codes(column: str, words: dict[str, str]) -> str:
    return f"case {column} " + " ".join(f"when '{word}' then '{meaning}'" for word, meaning in words.items()) + " end"


def _csv(file: File, delimiter: str) -> str:
    with file.path.open(encoding="utf-8-sig") as lines:
        said = ", ".join(f"'{name}': 'varchar'" for name in lines.readline().strip().split(delimiter))
    return (
        f"read_csv('{file.path}', auto_detect = false, header = true, delim = '{delimiter}', quote = '\"', nullstr = '', "
        f"columns = {{{said}}})"
    )


def _take(
    con: duckdb.DuckDBPyConnection, answers: Answers, table: str, file: File, select: str, held: dict[str, str], target: Path
) -> None:
    con.execute(f"create or replace temp table taken as select * from ({select})")
    aside = con.execute("select reason, count(*) from taken where reason is not null group by reason").fetchall()
    kept = "select * exclude (reason) from taken where reason is null" if aside else "select * exclude (reason) from taken"
    rows = con.execute(f"copy ({kept}) to '{target}' {PARQUET}").fetchall()[0][0]
    con.execute(f"create or replace temp view batch as {kept}")
    con.execute(f"set variable arrived = timestamp '{file.arrived}'")
    plain = {code: sql for code, sql in held.items() if not sql.startswith("(select")}
    whole = con.execute(f"select {', '.join(f'coalesce({sql}, 0)' for sql in plain.values())} from batch").fetchall()[0]
    failed = dict(zip(plain, whole, strict=True))
    failed |= {code: con.execute(f"select {sql}").fetchall()[0][0] for code, sql in held.items() if code not in plain}
    answers.file(table, rows, dict(aside), [(code, failed[code]) for code in held])


def _calls(con: duckdb.DuckDBPyConnection, file: File) -> str:
    raw = _csv(file, ",")
    time = "try_strptime({}, ['%Y-%m-%d %H:%M:%S.%g', '%Y-%m-%d %H:%M:%S'])"
    codes = (
        {"1": "phone", "2": "email", "3": "chat", "4": "other"},
        {"i": "initiation", "m": "menu", "q": "queue", "c": "conversation"},
    )
    media, events = (_codes(column, words) for column, words in zip(("media_type_id", "event_type"), codes, strict=True))
    con.execute(f"""
        create or replace temp table wall as select rec_id, call_id, call_sequence, media_type_id, event_type, result_code,
            queue_key, dte_start, duration_tot_sec,
            dte_speak_start, duration_speak_sec, whole(call_sequence) as seq, {time.format("dte_start")} as w,
                {time.format("dte_speak_start")} as ws
        from {raw}
    """)
    # In the hour that autumn has twice, the order of a call's events tells which of the two it was.
    con.execute("""
        create or replace temp table later as
        with doubled as (
            select rec_id, call_id, seq, w, max(w) over before as latest, min(w) over after as earliest from wall
                where is_doubled(w)
            window before as (partition by call_id order by seq rows between unbounded preceding and 1 preceding),
                after as (partition by call_id order by seq rows between 1 following and unbounded following)
        )
        select rec_id,
            coalesce(bool_or(w < latest) over (partition by call_id order by seq), false) as is_up_to,
            coalesce(bool_or(w > earliest) over (partition by call_id order by seq rows between current row
                and unbounded following), false) as is_from_on
        from doubled
    """)
    return f"""
        with instants as (
            select wall.*, case when is_up_to and not is_from_on then w - interval 1 hour else to_utc(w) end as u,
                case when is_doubled(w) then coalesce(is_up_to = is_from_on, true) else false end as is_hour_assumed
            from wall left join later on later.rec_id = wall.rec_id
        ), typed as (
            select *, case when is_doubled(ws) and to_utc(ws) < u then ws - interval 1 hour else to_utc(ws) end as us,
                {media} as media, {events} as event, whole(duration_tot_sec) as duration_s,
                    whole(duration_speak_sec) as speak_s
            from instants
        )
        select rec_id, call_id, seq as call_sequence, media, event as event_type, result_code, queue_key, u as started_at,
            cast(w as date) as started_date,
            minute_of(w) as started_minute, duration_s, us as speak_started_at, speak_s, is_hour_assumed,
            coalesce(
                must(rec_id, rec_id, '', 'rec_id'), must(call_id, call_id, '', 'call_id'), must(call_sequence, seq,
                    'NOT_A_NUMBER', 'call_sequence'),
                must(media_type_id, media, 'UNKNOWN_CODE', 'media_type_id'), must(typed.event_type, event, 'UNKNOWN_CODE',
                    'event_type'),
                case when result_code not in ('a', 'b', 'c', 'd', 'e', 'f', 'h', 'k', 'm', 'q', 's', 't', '?')
                    then 'UNKNOWN_CODE result_code' end,
                must(dte_start, w, 'NOT_A_TIME', 'dte_start'), case when is_skipped(w) then 'NO_SUCH_HOUR dte_start' end,
                must(duration_tot_sec, duration_s, 'NOT_A_NUMBER', 'duration_tot_sec'), fault(dte_speak_start, ws,
                    'NOT_A_TIME', 'dte_speak_start'),
                case when is_skipped(ws) then 'NO_SUCH_HOUR dte_speak_start' end, fault(duration_speak_sec, speak_s,
                    'NOT_A_NUMBER', 'duration_speak_sec')
            ) as reason
        from typed
    """


def _tickets(con: duckdb.DuckDBPyConnection, file: File) -> str:
    if file.path.suffix == ".csv":
        words = {
            "New": "new",
            "Open": "open",
            "Pending": "pending",
            "On-hold": "hold",
            "Solved": "solved",
            "Closed": "closed",
            "Deleted": "deleted",
        }
        ways = {
            "Mail": "email",
            "Web form": "web",
            "Web service": "api",
            "Chat": "chat",
            "Messaging": "native_messaging",
            "Facebook Post": "facebook",
        }
        ways |= dict.fromkeys(("Phone call (incoming)", "Phone call (outbound)", "Voicemail"), "voice")
        status, via = _codes('"Status"', words), _codes('"Via"', ways)
        time = "try_strptime({}, ['%Y-%m-%d %H:%M', '%Y-%m-%d %H:%M:%S'])"
        rows = f"""
            select "Id" as id, "Created at" as created, "Solved at" as solved, "First reply time in minutes" as reply,
                "First reply time in minutes within business hours" as business, "Status" as raw_status, {status} as status,
                "Via" as raw_via, {via} as via, string_split("Tags", ' ') as tags, "Reopens" as reopened,
                    {time.format('"Created at"')} as w, {time.format('"Solved at"')} as ws,
                to_utc(w) as u, to_utc(ws) as us, is_skipped(w) as is_skipped_w, is_skipped(ws) as is_skipped_ws
            from {_csv(file, ",")}"""
        places = (
            "Created at",
            "Solved at",
            "First reply time in minutes",
            "First reply time in minutes within business hours",
            "Status",
            "Via",
            "Reopens",
            "Id",
        )
    else:
        shape = (
            "{id: 'varchar', created_at: 'varchar', status: 'varchar', via: 'struct(channel varchar)', tags: 'varchar[]', metric_set: "
            "'struct(solved_at varchar, reopens varchar, reply_time_in_minutes struct(calendar varchar, business varchar))'}"
        )
        time = "try_strptime({}, '%Y-%m-%dT%H:%M:%SZ')"
        known = "'new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted'"
        rows = f"""
            select id, created_at as created, metric_set.solved_at as solved,
                metric_set.reply_time_in_minutes.calendar as reply, metric_set.reply_time_in_minutes.business as business,
                status as raw_status, case when status in ({known}) then status end as status, via.channel as raw_via,
                    via.channel as via, tags, metric_set.reopens as reopened,
                {time.format("created")} as u, {time.format("solved")} as us, to_danish(u) as w, to_danish(us) as ws,
                    false as is_skipped_w, false as is_skipped_ws
            from read_json('{file.path}', format = 'newline_delimited', auto_detect = false, columns = {shape})"""
        places = (
            "created_at",
            "metric_set.solved_at",
            "metric_set.reply_time_in_minutes.calendar",
            "metric_set.reply_time_in_minutes.business",
            "status",
            "via.channel",
            "metric_set.reopens",
            "id",
        )
    return f"""
        select id as ticket_id, u as created_at, cast(w as date) as created_date, minute_of(w) as created_minute,
            us as solved_at, cast(ws as date) as solved_date, whole(reply) as reply_minutes,
            whole(business) as reply_business_minutes, status, via, coalesce(list_contains(tags, 'spam'), false) as is_spam,
                coalesce(list_contains(tags, 'closed_by_merge'), false) as is_merged,
            whole(reopened) as reopens,
            coalesce(must(id, id, '', '{places[7]}'), must(created, w, 'NOT_A_TIME', '{places[0]}'), case when is_skipped_w
                then 'NO_SUCH_HOUR {places[0]}' end,
                fault(solved, ws, 'NOT_A_TIME', '{places[1]}'), case when is_skipped_ws then 'NO_SUCH_HOUR {places[1]}' end,
                    fault(reply, whole(reply), 'NOT_A_NUMBER', '{places[2]}'),
                fault(business, whole(business), 'NOT_A_NUMBER', '{places[3]}'), must(raw_status, status, 'UNKNOWN_CODE',
                    '{places[4]}'), must(raw_via, via, 'UNKNOWN_CODE', '{places[5]}'),
                fault(reopened, whole(reopened), 'NOT_A_NUMBER', '{places[6]}')) as reason
        from ({rows})
    """


_CASE_DATES = {
    "received": "Modtaget dato",
    "created": "Oprettet dato",
    "decided": "Afgørelsesdato",
    "first_closed": "Første lukkedato",
    "reopened": "Genåbnet dato",
    "closed": "Lukket dato",
}


def _cases(con: duckdb.DuckDBPyConnection, file: File) -> str:
    dates = [*_CASE_DATES.items()]
    typed = ", ".join(f"""cast(try_strptime("{raw}", '%d-%m-%Y') as date) as {name}_date""" for name, raw in dates)
    faults = ", ".join(
        f"""{"must" if name == "created" else "fault"}("{raw}", {name}_date, 'NOT_A_DATE', '{raw}')""" for name, raw in dates
    )
    return f"""
        select case_id, case_type, {", ".join(f"{name}_date" for name, _ in dates)}, status, outcome,
            coalesce(must(case_id, case_id, '', 'Sagsnr'), must(case_type, case_type, '', 'Sagstype'), {faults},
                must("Sagsstatus", status, 'UNKNOWN_CODE', 'Sagsstatus'),
                fault("Udfald", outcome, 'UNKNOWN_CODE', 'Udfald')) as reason
        from (select *, "Sagsnr" as case_id, "Sagstype" as case_type, {typed}, case "Sagsstatus" when 'åben' then 'aaben'
            when 'hvilende' then 'hvilende' when 'lukket' then 'lukket' end as status,
            case when "Udfald" in ('Afgjort', 'Trukket', 'Fejloprettet') then lower("Udfald") end as outcome
                from {_csv(file, ";")})
    """


def _panel(con: duckdb.DuckDBPyConnection, file: File) -> str:
    day = """cast(try_strptime("{}", ['%d-%m-%Y', '%Y-%m-%d']) as date)"""
    is_hours = """regexp_full_match("løntimer_q", '-?[0-9]{1,8}(,[0-9]{1,2})?')"""
    hours = f"""case when {is_hours} then cast(replace("løntimer_q", ',', '.') as decimal(10, 2)) end"""
    return f"""
        select kvartal as quarter, quarter_end_date, sha256('a key of the department' || person_key) as person_key,
            jobcenter_id as jobcentre_id, ydelseskode as benefit_code, visitation, entered_date, left_date,
            exit_reason, is_employed, paid_hours, is_in_education, seniority_months,
            coalesce(must(kvartal, quarter_end_date, 'NO_SUCH_PERIOD', 'kvartal'), must(person_key, person_key, '',
                'person_key'), must(jobcenter_id, jobcenter_id, '', 'jobcenter_id'),
                must(ydelseskode, ydelseskode, '', 'ydelseskode'), must(visitationskategori, visitation, 'UNKNOWN_CODE',
                    'visitationskategori'), must("i_målgruppe_fra", entered_date, 'NOT_A_DATE', 'i_målgruppe_fra'),
                fault("i_målgruppe_til", left_date, 'NOT_A_DATE', 'i_målgruppe_til'), fault("udgang_årsag", exit_reason,
                    'UNKNOWN_CODE', 'udgang_årsag'),
                must("beskæftigelse_q", is_employed, 'UNKNOWN_CODE', 'beskæftigelse_q'), must("løntimer_q", paid_hours,
                    'NOT_A_NUMBER', 'løntimer_q'), must(su_q, is_in_education, 'UNKNOWN_CODE', 'su_q'),
                must(anciennitet_mdr, seniority_months, 'NOT_A_NUMBER', 'anciennitet_mdr')) as reason
        from (select *, case when regexp_full_match(kvartal, '[0-9]{{4}}Q[1-4]')
            then last_day(make_date(cast(kvartal[:4] as integer), 3 * cast(kvartal[6:] as integer),
            1)) end as quarter_end_date,
            case visitationskategori when '4' then 'jobparat' when '5' then 'aktivitetsparat' when '8'
                then 'ikke_visiteret' end as visitation, {day.format("i_målgruppe_fra")} as entered_date,
            {day.format("i_målgruppe_til")} as left_date, case "udgang_årsag" when 'død' then 'doed' when 'fraflyttet'
                then 'fraflyttet' when 'job' then 'job' when 'uddannelse' then 'uddannelse' when 'andet'
                then 'andet' end as exit_reason,
            case "beskæftigelse_q" when '0' then false when '1' then true end as is_employed, {hours} as paid_hours,
                case su_q when '0' then false when '1' then true end as is_in_education,
                whole(anciennitet_mdr) as seniority_months
            from {_csv(file, ";")})
    """


def _views(con: duckdb.DuckDBPyConnection, out: Path, tables: dict[str, tuple[list[File], str | None]]) -> None:
    """The rows that count: of a period the newest file's, of a key the newest file's row."""
    for table, (some, key) in tables.items():
        counting = some if key else job.newest(some)
        paths = ", ".join(f"'{out}/{table}_{some.index(file)}.parquet'" for file in counting)
        rows = f"from read_parquet([{paths}], filename = true)"
        if key:
            rank = "cast(regexp_extract(filename, '_([0-9]+)[.]parquet', 1) as integer)"
            con.execute(f"""create temp table newest as select {key}, max({rank}) as newest {rows} group by {key}""")
            con.execute(f"""
                create temp table {table} as select r.* exclude (filename) {rows} r join newest on newest.{key} = r.{key}
                    and {rank} = newest
            """)
            con.execute("drop table newest")
        else:
            con.execute(f"create temp view {table} as select * exclude (filename) {rows}")


if __name__ == "__main__":
    sys.exit(job.main(run))
