"""The job as a good polars script, lazy and streaming, under the approved readings: `python -m benchmarks.with_polars run DELIVERIES OUT`.

Each file is one lazy query from text to typed columns with the reason that a row does not fit; its rows are held against the
rules in one select, and written. The figures are lazy queries over what was written.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import sys
from datetime import date
from pathlib import Path

import polars as pl
from polars import col

from benchmarks import job
from benchmarks import with_polars_figures as figures
from benchmarks import with_polars_rules as rules
from benchmarks.job import Answers, File

ZONE = "Europe/Copenhagen"


def run(deliveries: Path, out: Path, as_of: date) -> Answers:
    """The whole job."""
    answers, found = Answers(), job.lists(deliveries)
    calls = job.files(deliveries, "puzzel", r"call_events_(\d{4}-\d{2})")
    tickets = job.files(deliveries, "zendesk", r"export_()")
    cases = job.files(deliveries, "p360", r"p360_sager_()")
    panel = job.files(deliveries, "jobcenter", r"panel_(\d{4}Q\d)")
    current = {}
    for table, some, typed, held_by, key in (
        ("call_events", calls, _calls, rules.call_rules, None),
        ("tickets", tickets, _tickets, rules.ticket_rules, "ticket_id"),
        ("cases", cases, _cases, rules.case_rules, "case_id"),
        ("jobcentre_panel", panel, _panel, rules.panel_rules, None),
    ):
        for number, file in enumerate(some):
            rows = typed(file).collect(engine="streaming")
            aside = dict(rows.filter(col("reason").is_not_null()).group_by("reason").len().iter_rows())
            rows = (rows.filter(col("reason").is_null()) if aside else rows).drop("reason")
            rows.write_parquet(out / f"{table}_{number}.parquet", compression="zstd", compression_level=1)
            held = rows.lazy().select(**held_by(file, found)).collect(engine="streaming").row(0, named=True)
            held |= rules.together(rows) if table == "jobcentre_panel" else {}
            answers.file(table, rows.height, aside, [(code, int(held[code] or 0)) for code in job.RULES[table]])
        counting = some if key else job.newest(some)
        files = [
            pl.scan_parquet(out / f"{table}_{some.index(file)}.parquet").with_columns(file=pl.lit(some.index(file)))
            for file in counting
        ]
        current[table] = pl.concat(files)
        if key:
            newest = current[table].group_by(key).agg(col("file").max())
            current[table] = current[table].join(newest, on=[key, "file"], how="semi")
    figures.telephone(current["call_events"], answers, found, as_of)
    figures.written(current["tickets"], answers, found, as_of, tickets[-1].arrived)
    figures.cases(current["cases"], answers, found, as_of)
    figures.target_group(current["jobcentre_panel"], answers, found, as_of)
    return answers


# --- casting ------------------------------------------------------------------------------------------------------------------


def _csv(file: File, delimiter: str) -> pl.LazyFrame:
    return pl.scan_csv(file.path, separator=delimiter, infer_schema=False)


def _whole(raw: pl.Expr) -> pl.Expr:
    number = raw.cast(pl.Int32, strict=False)
    return pl.when(number.cast(pl.String) == raw).then(number)


def _time(raw: pl.Expr, *formats: str) -> pl.Expr:
    return pl.coalesce(raw.str.to_datetime(f, time_unit="us", strict=False) for f in formats)


def _utc(wall: pl.Expr, *, is_later: pl.Expr | None = None) -> pl.Expr:
    which = "earliest" if is_later is None else pl.when(is_later).then(pl.lit("latest")).otherwise(pl.lit("earliest"))
    instant = wall.dt.replace_time_zone(ZONE, ambiguous=which, non_existent="null")
    return instant.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _minute(wall: pl.Expr) -> pl.Expr:
    return wall.dt.hour().cast(pl.Int32) * 60 + wall.dt.minute()


def _fault(raw: pl.Expr | str, typed: pl.Expr | str, why: str) -> pl.Expr:
    raw, typed = (col(x) if isinstance(x, str) else x for x in (raw, typed))
    return pl.when(raw.is_not_null() & typed.is_null()).then(pl.lit(why))


def _missing(*names: str) -> list[pl.Expr]:
    return [pl.when(col(name).is_null()).then(pl.lit(f"MISSING_VALUE {name}")) for name in names]


def _codes(name: str, words: dict[str, str]) -> pl.Expr:
    return col(name).replace_strict(words, default=None, return_dtype=pl.String)


def _doubled(wall: str) -> pl.Expr:
    """Whether a wall time lies in the hour that autumn has twice."""
    w = col(wall).dt
    return (w.month() == 10) & (w.hour() == 2) & (w.day() > 24) & (w.weekday() == 7)


# --- the four tables ----------------------------------------------------------------------------------------------------------


def _calls(file: File) -> pl.LazyFrame:
    formats = ("%Y-%m-%d %H:%M:%S%.3f", "%Y-%m-%d %H:%M:%S")
    events = {"i": "initiation", "m": "menu", "q": "queue", "c": "conversation"}
    raw = _csv(file, ",").with_columns(
        seq=_whole(col("call_sequence")),
        w=_time(col("dte_start"), *formats),
        ws=_time(col("dte_speak_start"), *formats),
        media=_codes("media_type_id", {"1": "phone", "2": "email", "3": "chat", "4": "other"}),
        event=_codes("event_type", events),
        length=_whole(col("duration_tot_sec")),
        speak_s=_whole(col("duration_speak_sec")),
    )
    doubled = raw.filter(_doubled("w")).select("rec_id", "call_id", "seq", "w").sort("call_id", "seq").collect(engine="streaming")
    if doubled.is_empty():
        timed = raw.with_columns(u=_utc(col("w")), us=_utc(col("ws")), is_hour_assumed=pl.lit(False))
    else:
        call = "call_id"
        later = (
            doubled.with_columns(
                back=(col("w") < col("w").cum_max().shift().over(call)).fill_null(False),
                ahead=(col("w") > col("w").cum_min(reverse=True).shift(-1).over(call)).fill_null(False),
            )
            .with_columns(up_to=col("back").cum_max().over(call), from_on=col("ahead").cum_max(reverse=True).over(call))
            .select("rec_id", is_later=col("up_to") & ~col("from_on"), is_hour_assumed=col("up_to") == col("from_on"))
        )
        joined = raw.join(later.lazy(), on="rec_id", how="left").with_columns(col("is_later", "is_hour_assumed").fill_null(False))
        timed = joined.with_columns(u=_utc(col("w"), is_later=col("is_later")))
        after = _doubled("ws").fill_null(False) & (_utc(col("ws")) < col("u")).fill_null(False)
        timed = timed.with_columns(us=_utc(col("ws"), is_later=after))
    known = col("result_code").is_in(list("abcdefhkmqst?"))
    reasons = [
        *_missing("rec_id", "call_id", "call_sequence", "media_type_id", "event_type", "dte_start", "duration_tot_sec"),
        _fault("call_sequence", "seq", "NOT_A_NUMBER call_sequence"),
        _fault("media_type_id", "media", "UNKNOWN_CODE media_type_id"),
        _fault("event_type", "event", "UNKNOWN_CODE event_type"),
        pl.when(col("result_code").is_not_null() & ~known).then(pl.lit("UNKNOWN_CODE result_code")),
        _fault("dte_start", "w", "NOT_A_TIME dte_start"),
        _fault("w", "u", "NO_SUCH_HOUR dte_start"),
        _fault("duration_tot_sec", "length", "NOT_A_NUMBER duration_tot_sec"),
        _fault("dte_speak_start", "ws", "NOT_A_TIME dte_speak_start"),
        _fault("ws", "us", "NO_SUCH_HOUR dte_speak_start"),
        _fault("duration_speak_sec", "speak_s", "NOT_A_NUMBER duration_speak_sec"),
    ]
    return timed.select(
        "rec_id",
        "call_id",
        "media",
        "result_code",
        "queue_key",
        "speak_s",
        "is_hour_assumed",
        call_sequence=col("seq"),
        event_type=col("event"),
        started_at=col("u"),
        started_date=col("w").dt.date(),
        started_minute=_minute(col("w")),
        duration_s=col("length"),
        speak_started_at=col("us"),
        reason=pl.coalesce(reasons),
    )


def _tickets(file: File) -> pl.LazyFrame:
    if file.path.suffix == ".csv":
        minutes = "First reply time in minutes"
        names = ["Id", "Created at", "Solved at", minutes, f"{minutes} within business hours", "Status", "Via", "Reopens"]
        formats = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
        words = {"New": "new", "Open": "open", "Pending": "pending", "On-hold": "hold", "Solved": "solved", "Closed": "closed"}
        ways = {"Mail": "email", "Web form": "web", "Web service": "api", "Chat": "chat", "Messaging": "native_messaging"}
        ways |= {"Facebook Post": "facebook"} | dict.fromkeys(
            ("Phone call (incoming)", "Phone call (outbound)", "Voicemail"), "voice"
        )
        read = _csv(file, ",").with_columns(
            w=_time(col(names[1]), *formats),
            ws=_time(col(names[2]), *formats),
            status=_codes("Status", words | {"Deleted": "deleted"}),
            via=_codes("Via", ways),
            words=col("Tags").str.split(" "),
        )
        read = read.with_columns(u=_utc(col("w")), us=_utc(col("ws")))
    else:
        clock = pl.Struct({"calendar": pl.String, "business": pl.String})
        inner = {"solved_at": pl.String, "reopens": pl.String, "reply_time_in_minutes": clock}
        shape = {"id": pl.String, "created_at": pl.String, "status": pl.String, "via": pl.Struct({"channel": pl.String})}
        schema = shape | {"tags": pl.List(pl.String), "metric_set": pl.Struct(inner)}
        bare = gzip.decompress(file.path.read_bytes()) if file.path.suffix == ".gz" else file.path
        metrics = "metric_set.reply_time_in_minutes."
        names = [
            "id",
            "created_at",
            "metric_set.solved_at",
            f"{metrics}calendar",
            f"{metrics}business",
            "raw_status",
            "channel",
            "metric_set.reopens",
        ]
        rows = pl.read_ndjson(bare, schema=schema).lazy() if isinstance(bare, bytes) else pl.scan_ndjson(bare, schema=schema)
        metric = col("metric_set").struct
        states = ["new", "open", "pending", "hold", "solved", "closed", "deleted"]
        read = rows.with_columns(
            metric.field("solved_at").alias(names[2]),
            metric.field("reply_time_in_minutes").struct.field("calendar").alias(names[3]),
            metric.field("reply_time_in_minutes").struct.field("business").alias(names[4]),
            metric.field("reopens").alias(names[7]),
            raw_status=col("status"),
            channel=col("via").struct.field("channel"),
            words=col("tags"),
        )
        read = read.with_columns(
            u=_time(col(names[1]), "%Y-%m-%dT%H:%M:%SZ"),
            us=_time(col(names[2]), "%Y-%m-%dT%H:%M:%SZ"),
            status=pl.when(col("raw_status").is_in(states)).then(col("raw_status")),
            via=col("channel"),
        )
        danish = (
            col(name).dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE).dt.replace_time_zone(None) for name in ("u", "us")
        )
        read = read.with_columns(w=next(danish), ws=next(danish))
    numbers = {"reply_minutes": names[3], "reply_business_minutes": names[4], "reopens": names[7]}
    reasons = [
        *_missing(names[0], names[1], names[5], names[6]),
        _fault(names[1], "w", f"NOT_A_TIME {names[1]}"),
        _fault("w", "u", f"NO_SUCH_HOUR {names[1]}"),
        _fault(names[2], "ws", f"NOT_A_TIME {names[2]}"),
        _fault("ws", "us", f"NO_SUCH_HOUR {names[2]}"),
        _fault(names[5], "status", f"UNKNOWN_CODE {names[5]}"),
        _fault(names[6], "via", f"UNKNOWN_CODE {names[6]}"),
        *(_fault(raw, _whole(col(raw)), f"NOT_A_NUMBER {raw}") for raw in numbers.values()),
    ]
    return read.select(
        "status",
        "via",
        ticket_id=col(names[0]),
        created_at=col("u"),
        created_date=col("w").dt.date(),
        created_minute=_minute(col("w")),
        solved_at=col("us"),
        solved_date=col("ws").dt.date(),
        is_spam=col("words").list.contains("spam").fill_null(False),
        is_merged=col("words").list.contains("closed_by_merge").fill_null(False),
        reason=pl.coalesce(reasons),
        **{name: _whole(col(raw)) for name, raw in numbers.items()},
    )


_CASE_DATES = {
    "received_date": "Modtaget dato",
    "created_date": "Oprettet dato",
    "decided_date": "Afgørelsesdato",
    "first_closed_date": "Første lukkedato",
    "reopened_date": "Genåbnet dato",
    "closed_date": "Lukket dato",
}


def _cases(file: File) -> pl.LazyFrame:
    read = _csv(file, ";").with_columns(
        status=_codes("Sagsstatus", {"åben": "aaben", "hvilende": "hvilende", "lukket": "lukket"}),
        outcome=_codes("Udfald", {word: word.lower() for word in ("Afgjort", "Trukket", "Fejloprettet")}),
        **{name: col(raw).str.to_date("%d-%m-%Y", strict=False) for name, raw in _CASE_DATES.items()},
    )
    reasons = [
        *_missing("Sagsnr", "Sagstype", "Sagsstatus", "Oprettet dato"),
        *(_fault(raw, name, f"NOT_A_DATE {raw}") for name, raw in _CASE_DATES.items()),
        _fault("Sagsstatus", "status", "UNKNOWN_CODE Sagsstatus"),
        _fault("Udfald", "outcome", "UNKNOWN_CODE Udfald"),
    ]
    return read.select(
        "status", "outcome", *_CASE_DATES, case_id=col("Sagsnr"), case_type=col("Sagstype"), reason=pl.coalesce(reasons)
    )


def _key(person: str) -> str:
    return hmac.digest(b"a key of the department", person.encode(), hashlib.sha256).hex()


def _panel(file: File) -> pl.LazyFrame:
    numeral, year = col("kvartal").str.slice(5).cast(pl.Int32), col("kvartal").str.slice(0, 4).cast(pl.Int32)
    is_quarter = col("kvartal").str.contains("^[0-9]{4}Q[1-4]$")
    is_hours = col("løntimer_q").str.contains("^-?[0-9]{1,8}(,[0-9]{1,2})?$")
    exits = {"fraflyttet": "fraflyttet", "død": "doed", "job": "job", "uddannelse": "uddannelse", "andet": "andet"}
    flags = {"0": False, "1": True}
    days = {"entered_date": "i_målgruppe_fra", "left_date": "i_målgruppe_til"}
    read = _csv(file, ";").with_columns(
        quarter_end_date=pl.when(is_quarter).then(pl.date(year, numeral * 3, 1).dt.month_end()),
        visitation=_codes("visitationskategori", {"4": "jobparat", "5": "aktivitetsparat", "8": "ikke_visiteret"}),
        exit_reason=_codes("udgang_årsag", exits),
        is_employed=col("beskæftigelse_q").replace_strict(flags, default=None, return_dtype=pl.Boolean),
        is_in_education=col("su_q").replace_strict(flags, default=None, return_dtype=pl.Boolean),
        paid_hours=pl.when(is_hours).then(col("løntimer_q").str.replace(",", ".").cast(pl.Decimal(10, 2), strict=False)),
        seniority_months=_whole(col("anciennitet_mdr")),
        **{
            name: pl.coalesce(col(raw).str.to_date(f, strict=False) for f in ("%d-%m-%Y", "%Y-%m-%d"))
            for name, raw in days.items()
        },
    )
    names = ["kvartal", "person_key", "jobcenter_id", "ydelseskode", "visitationskategori", "i_målgruppe_fra", "beskæftigelse_q"]
    reasons = [
        *_missing(*names, "løntimer_q", "su_q", "anciennitet_mdr"),
        _fault("kvartal", "quarter_end_date", "NO_SUCH_PERIOD kvartal"),
        _fault("visitationskategori", "visitation", "UNKNOWN_CODE visitationskategori"),
        *(_fault(raw, name, f"NOT_A_DATE {raw}") for name, raw in days.items()),
        _fault("udgang_årsag", "exit_reason", "UNKNOWN_CODE udgang_årsag"),
        _fault("beskæftigelse_q", "is_employed", "UNKNOWN_CODE beskæftigelse_q"),
        _fault("løntimer_q", "paid_hours", "NOT_A_NUMBER løntimer_q"),
        _fault("su_q", "is_in_education", "UNKNOWN_CODE su_q"),
        _fault("anciennitet_mdr", "seniority_months", "NOT_A_NUMBER anciennitet_mdr"),
    ]
    return read.select(
        "quarter_end_date",
        "visitation",
        "exit_reason",
        "is_employed",
        "is_in_education",
        "paid_hours",
        "seniority_months",
        "entered_date",
        "left_date",
        quarter=col("kvartal"),
        person_key=col("person_key").map_elements(_key, return_dtype=pl.String),
        jobcentre_id=col("jobcenter_id"),
        benefit_code=col("ydelseskode"),
        reason=pl.coalesce(reasons),
    )


if __name__ == "__main__":
    sys.exit(job.main(run))
