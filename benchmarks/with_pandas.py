"""The job as a good pandas script, under the approved readings: `python -m benchmarks.with_pandas run DELIVERIES OUT`.

Each file is read as text by pyarrow's parser, cast by whole columns, held against the rules, written, and kept for the counting.
No row is looked at by itself, except those of the hour that autumn has twice.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import job
from benchmarks import with_pandas_figures as figures
from benchmarks.job import Answers, File, Lists

ZONE = "Europe/Copenhagen"
Reasons = list[tuple[pd.Series, str]]  # where a row does not fit, and why


def run(deliveries: Path, out: Path, as_of: date) -> Answers:
    """The whole job."""
    answers, found = Answers(), job.lists(deliveries)
    calls = job.files(deliveries, "puzzel", r"call_events_(\d{4}-\d{2})")
    tickets = job.files(deliveries, "zendesk", r"export_()")
    cases = job.files(deliveries, "p360", r"p360_sager_()")
    panel = job.files(deliveries, "jobcenter", r"panel_(\d{4}Q\d)")
    kept: dict[str, list[pd.DataFrame]] = {}
    for table, some, typed, rules in (
        ("call_events", calls, _calls, _call_rules),
        ("tickets", tickets, _tickets, _ticket_rules),
        ("cases", cases, _cases, _case_rules),
        ("jobcentre_panel", panel, _panel, _panel_rules),
    ):
        counting = some if table in ("tickets", "cases") else job.newest(some)
        for number, file in enumerate(some):
            rows, reasons = typed(file)
            reason = np.select([bad.to_numpy(dtype=bool) for bad, _ in reasons], [why for _, why in reasons], default="")
            is_aside = reason != ""
            aside = pd.Series(reason[is_aside]).value_counts().to_dict()
            rows = rows[~is_aside] if is_aside.any() else rows
            rows.to_parquet(out / f"{table}_{number}.parquet", index=False, compression="zstd")
            answers.file(table, len(rows), aside, list(rules(rows, file, found)))
            if file in counting:
                kept.setdefault(table, []).append(rows)
    figures.telephone(pd.concat(kept.pop("call_events"), ignore_index=True), answers, found, as_of)
    newest = pd.concat(kept.pop("tickets"), ignore_index=True).drop_duplicates("ticket_id", keep="last")
    figures.written(newest, answers, found, as_of, tickets[-1].arrived)
    newest = pd.concat(kept.pop("cases"), ignore_index=True).drop_duplicates("case_id", keep="last")
    newest["area"] = newest["case_type"].map(found.case_types)
    figures.case_times(newest, answers, as_of)
    figures.pending(newest, answers, as_of)
    figures.target_group(pd.concat(kept.pop("jobcentre_panel"), ignore_index=True), answers, found, as_of)
    return answers


# --- intake -------------------------------------------------------------------------------------------------------------------


def _csv(file: File, columns: list[str], delimiter: str) -> pd.DataFrame:
    return pd.read_csv(
        file.path,
        sep=delimiter,
        usecols=columns,
        dtype="string[pyarrow]",
        engine="pyarrow",
        keep_default_na=False,
        na_values=[""],
    )


def _whole(text: pd.Series) -> pd.Series:
    return pd.to_numeric(text.where(text.str.fullmatch(r"-?[0-9]{1,9}")), errors="coerce").astype("Int32")


def _times(text: pd.Series, *formats: str) -> pd.Series:
    found = pd.to_datetime(text, format=formats[0], errors="coerce")
    for another in formats[1:]:
        left = found.isna() & text.notna()
        if left.any():
            found = found.where(~left, pd.to_datetime(text[left], format=another, errors="coerce"))
    return found.astype("datetime64[us]")


def _fault(raw: pd.Series, typed: pd.Series, code: str, place: str) -> Iterator[tuple[pd.Series, str]]:
    yield raw.notna() & typed.isna(), f"{code} {place}"


def _must(raw: pd.Series, typed: pd.Series, code: str, place: str) -> Iterator[tuple[pd.Series, str]]:
    yield raw.isna(), f"MISSING_VALUE {place}"
    yield from _fault(raw, typed, code, place)


def _utc(wall: pd.Series, is_later: pd.Series | None = None) -> pd.Series:
    """Instants of Danish wall times; none for those that spring skips. Of a doubled hour the earlier, or what is given."""
    earlier = np.ones(len(wall), dtype=bool) if is_later is None else ~is_later.to_numpy(dtype=bool)
    return wall.dt.tz_localize(ZONE, ambiguous=earlier, nonexistent="NaT").dt.tz_convert("UTC").dt.tz_localize(None)


def _skipped(wall: pd.Series, instant: pd.Series, place: str) -> tuple[pd.Series, str]:
    return wall.notna() & instant.isna(), f"NO_SUCH_HOUR {place}"


def _doubled(wall: pd.Series) -> pd.Series:
    """Whether a wall time lies in the hour that autumn has twice."""
    likely = (wall.dt.month == 10) & (wall.dt.hour == 2) & (wall.dt.day > 24) & (wall.dt.day_of_week == 6)
    return likely.fillna(False)


def _calls(file: File) -> tuple[pd.DataFrame, Reasons]:
    names = (
        "rec_id call_id call_sequence media_type_id event_type result_code queue_key dte_start duration_tot_sec dte_speak_start"
    )
    raw = _csv(file, [*names.split(), "duration_speak_sec"], ",")
    formats = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S")
    wall, speak = _times(raw["dte_start"], *formats), _times(raw["dte_speak_start"], *formats)
    sequence, length, spoken = (_whole(raw[name]) for name in ("call_sequence", "duration_tot_sec", "duration_speak_sec"))
    is_later, is_assumed = pd.Series(False, raw.index), pd.Series(False, raw.index)
    if (doubled := _doubled(wall)).any():
        some = pd.DataFrame({"call": raw["call_id"], "number": sequence, "wall": wall})[doubled].sort_values(["call", "number"])
        calls, back = some.groupby("call")["wall"], some[::-1].groupby("call")["wall"]
        some["back"] = some["wall"] < calls.cummax().groupby(some["call"]).shift()
        some["ahead"] = some["wall"] > back.cummin().groupby(some["call"]).shift()[::-1]
        up_to = some.groupby("call")["back"].cummax()
        from_on = some[::-1].groupby("call")["ahead"].cummax()[::-1]
        is_later.loc[some.index], is_assumed.loc[some.index] = up_to & ~from_on, up_to == from_on
    instant = _utc(wall, is_later)
    earlier = _utc(speak)
    speaking = _utc(speak, _doubled(speak) & (earlier < instant)) if doubled.any() else earlier
    media = raw["media_type_id"].map({"1": "phone", "2": "email", "3": "chat", "4": "other"})
    event = raw["event_type"].map({"i": "initiation", "m": "menu", "q": "queue", "c": "conversation"})
    rows = pd.DataFrame(
        {
            "rec_id": raw["rec_id"],
            "call_id": raw["call_id"],
            "call_sequence": sequence,
            "media": media.astype("category"),
            "event_type": event.astype("category"),
            "result_code": raw["result_code"].astype("category"),
            "queue_key": raw["queue_key"].astype("category"),
            "started_at": instant,
            "started_date": wall.dt.normalize(),
            "started_minute": (wall.dt.hour * 60 + wall.dt.minute).astype("Int32"),
            "duration_s": length,
            "speak_started_at": speaking,
            "speak_s": spoken,
            "is_hour_assumed": is_assumed,
        }
    )
    return rows, [
        (raw["rec_id"].isna(), "MISSING_VALUE rec_id"),
        (raw["call_id"].isna(), "MISSING_VALUE call_id"),
        *_must(raw["call_sequence"], sequence, "NOT_A_NUMBER", "call_sequence"),
        *_must(raw["media_type_id"], media, "UNKNOWN_CODE", "media_type_id"),
        *_must(raw["event_type"], event, "UNKNOWN_CODE", "event_type"),
        (raw["result_code"].notna() & ~raw["result_code"].isin(list("abcdefhkmqst?")), "UNKNOWN_CODE result_code"),
        *_must(raw["dte_start"], wall, "NOT_A_TIME", "dte_start"),
        _skipped(wall, instant, "dte_start"),
        *_must(raw["duration_tot_sec"], length, "NOT_A_NUMBER", "duration_tot_sec"),
        *_fault(raw["dte_speak_start"], speak, "NOT_A_TIME", "dte_speak_start"),
        _skipped(speak, speaking, "dte_speak_start"),
        *_fault(raw["duration_speak_sec"], spoken, "NOT_A_NUMBER", "duration_speak_sec"),
    ]


def _call_rules(r: pd.DataFrame, file: File, found: Lists) -> Iterator[tuple[str, int]]:
    yield "CALL-KEY-TWICE", r["rec_id"].duplicated().sum()
    yield "CALL-SEQUENCE-TWICE", r.duplicated(["call_id", "call_sequence"]).sum()
    yield "CALL-QUEUE-UNKNOWN", ((r["event_type"] == "queue") & ~r["queue_key"].isin(list(found.queues))).sum()
    yield "CALL-DURATION-NEGATIVE", (r["duration_s"] < 0).sum()
    yield "CALL-DURATION-LONG", (r["duration_s"] > 86_400).sum()
    yield "CALL-SPEAK-BEFORE-START", (r["speak_started_at"] < r["started_at"]).sum()
    answered = (r["event_type"] == "conversation") & (r["result_code"] == "k")
    yield "CALL-ANSWER-WITHOUT-TIME", (answered & r["speak_started_at"].isna()).sum()
    yield "CALL-WITHOUT-INITIATION", r["call_id"].nunique() - r.loc[r["event_type"] == "initiation", "call_id"].nunique()
    yield "CALL-DAYS-FEW", r["started_date"].nunique() < 15


def _tickets(file: File) -> tuple[pd.DataFrame, Reasons]:
    if file.path.suffix == ".csv":
        minutes = "First reply time in minutes"
        names = ["Id", "Created at", "Solved at", minutes, f"{minutes} within business hours", "Status", "Via", "Tags", "Reopens"]
        raw = _csv(file, names, ",")
        wall, ended = (_times(raw[name], "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S") for name in names[1:3])
        created, solved = _utc(wall), _utc(ended)
        words = {"New": "new", "Open": "open", "Pending": "pending", "On-hold": "hold", "Solved": "solved", "Closed": "closed"}
        status = raw["Status"].map(words | {"Deleted": "deleted"})
        ways = {"Mail": "email", "Web form": "web", "Web service": "api", "Chat": "chat", "Messaging": "native_messaging"}
        ways |= {"Facebook Post": "facebook"} | dict.fromkeys(
            ("Phone call (incoming)", "Phone call (outbound)", "Voicemail"), "voice"
        )
        via, tags = raw["Via"].map(ways), raw["Tags"].str.split(" ")
    else:
        names = ["id", "created_at", "metric_set.solved_at", "metric_set.reply_time_in_minutes.calendar"]
        names += ["metric_set.reply_time_in_minutes.business", "status", "via.channel", "tags", "metric_set.reopens"]
        raw = pd.read_json(file.path, lines=True, dtype=False)
        inner = pd.DataFrame(raw["metric_set"].tolist(), index=raw.index)
        reply = pd.DataFrame(inner["reply_time_in_minutes"].tolist(), index=raw.index).astype("Int64")
        columns = [raw["id"], raw["created_at"], inner["solved_at"], reply["calendar"], reply["business"], raw["status"]]
        columns += [raw["via"].str.get("channel"), raw["tags"], inner["reopens"].astype("Int64")]
        text = [c if n == "tags" else c.astype("string") for n, c in zip(names, columns, strict=True)]
        raw = pd.DataFrame(dict(zip(names, text, strict=True)))
        created, solved = (_times(raw[name], "%Y-%m-%dT%H:%M:%SZ") for name in names[1:3])
        wall, ended = (t.dt.tz_localize("UTC").dt.tz_convert(ZONE).dt.tz_localize(None) for t in (created, solved))
        status = raw["status"].where(raw["status"].isin(["new", "open", "pending", "hold", "solved", "closed", "deleted"]))
        via, tags = raw["via.channel"], raw["tags"]
    reply, business, reopens = _whole(raw[names[3]]), _whole(raw[names[4]]), _whole(raw[names[8]])
    words_of = tags.explode()
    spam, merged = (words_of.eq(word).groupby(level=0).any().fillna(False) for word in ("spam", "closed_by_merge"))
    rows = pd.DataFrame(
        {
            "ticket_id": raw[names[0]],
            "created_at": created,
            "created_date": wall.dt.normalize(),
            "created_minute": (wall.dt.hour * 60 + wall.dt.minute).astype("Int32"),
            "solved_at": solved,
            "solved_date": ended.dt.normalize(),
            "reply_minutes": reply,
            "reply_business_minutes": business,
            "status": status,
            "via": via,
            "is_spam": spam.astype(bool),
            "is_merged": merged.astype(bool),
            "reopens": reopens,
        }
    )
    return rows, [
        (raw[names[0]].isna(), f"MISSING_VALUE {names[0]}"),
        *_must(raw[names[1]], wall, "NOT_A_TIME", names[1]),
        _skipped(wall, created, names[1]),
        *_fault(raw[names[2]], ended, "NOT_A_TIME", names[2]),
        _skipped(ended, solved, names[2]),
        *_fault(raw[names[3]], reply, "NOT_A_NUMBER", names[3]),
        *_fault(raw[names[4]], business, "NOT_A_NUMBER", names[4]),
        *_must(raw[names[5]], status, "UNKNOWN_CODE", names[5]),
        *_must(raw[names[6]], via, "UNKNOWN_CODE", names[6]),
        *_fault(raw[names[8]], reopens, "NOT_A_NUMBER", names[8]),
    ]


def _ticket_rules(r: pd.DataFrame, file: File, found: Lists) -> Iterator[tuple[str, int]]:
    yield "TICKET-KEY-TWICE", r["ticket_id"].duplicated().sum()
    yield "TICKET-REPLY-NEGATIVE", (r["reply_minutes"] < 0).sum()
    yield "TICKET-FROM-THE-FUTURE", (r["created_at"] > file.arrived).sum()
    yield "TICKET-SOLVED-BEFORE-CREATED", (r["solved_at"] < r["created_at"]).sum()
    yield "TICKET-BUSINESS-ABOVE-CALENDAR", (r["reply_business_minutes"] > r["reply_minutes"]).sum()
    yield "TICKET-DAYS-FEW", r["created_date"].nunique() < 15


def _cases(file: File) -> tuple[pd.DataFrame, Reasons]:
    places = ["Modtaget dato", "Oprettet dato", "Afgørelsesdato", "Første lukkedato", "Genåbnet dato", "Lukket dato"]
    names = ["received_date", "created_date", "decided_date", "first_closed_date", "reopened_date", "closed_date"]
    raw = _csv(file, ["Sagsnr", "Sagstype", *places, "Sagsstatus", "Udfald"], ";")
    status = raw["Sagsstatus"].map({"åben": "aaben", "hvilende": "hvilende", "lukket": "lukket"})
    outcome = raw["Udfald"].map({word: word.lower() for word in ("Afgjort", "Trukket", "Fejloprettet")})
    dates = {name: _times(raw[place], "%d-%m-%Y") for name, place in zip(names, places, strict=True)}
    rows = pd.DataFrame({"case_id": raw["Sagsnr"], "case_type": raw["Sagstype"], **dates, "status": status, "outcome": outcome})
    reasons = [(raw[place].isna(), f"MISSING_VALUE {place}") for place in ("Sagsnr", "Sagstype", places[1])]
    for name, place in zip(names, places, strict=True):
        reasons += _fault(raw[place], dates[name], "NOT_A_DATE", place)
    reasons += _must(raw["Sagsstatus"], status, "UNKNOWN_CODE", "Sagsstatus")
    return rows, [*reasons, *_fault(raw["Udfald"], outcome, "UNKNOWN_CODE", "Udfald")]


def _case_rules(r: pd.DataFrame, file: File, found: Lists) -> Iterator[tuple[str, int]]:
    yield "CASE-KEY-TWICE", r["case_id"].duplicated().sum()
    yield "CASE-TYPE-UNKNOWN", (~r["case_type"].isin(list(found.case_types))).sum()
    yield "CASE-FROM-THE-FUTURE", (r["created_date"] > pd.Timestamp(file.arrived.date()) + pd.Timedelta(days=1)).sum()
    yield "CASE-CLOSED-BEFORE-CREATED", (r["closed_date"] < r["created_date"]).sum()
    yield "CASE-RECEIVED-AFTER-CREATED", (r["created_date"] < r["received_date"]).sum()
    yield "CASE-STATUS-DISAGREES", ((r["status"] == "lukket") != r["closed_date"].notna()).sum()
    reopened, first = r["reopened_date"], r["first_closed_date"]
    yield "CASE-REOPENING-INCOMPLETE", ((reopened.isna() != first.isna()) | (reopened < first)).sum()
    yield "CASE-ROWS-FEW", len(r) < 100


def _panel(file: File) -> tuple[pd.DataFrame, Reasons]:
    names = ["kvartal", "person_key", "jobcenter_id", "ydelseskode", "visitationskategori", "i_målgruppe_fra", "i_målgruppe_til"]
    raw = _csv(file, [*names, "udgang_årsag", "beskæftigelse_q", "løntimer_q", "su_q", "anciennitet_mdr"], ";")
    quarter = raw["kvartal"].where(raw["kvartal"].str.fullmatch("[0-9]{4}Q[1-4]"))
    ends = {q: pd.Period(q).end_time.normalize() for q in quarter.dropna().unique()}
    keys = {
        key: hmac.digest(b"a key of the department", key.encode(), hashlib.sha256).hex() for key in raw["person_key"].unique()
    }
    visitation = raw["visitationskategori"].map({"4": "jobparat", "5": "aktivitetsparat", "8": "ikke_visiteret"})
    entered, left = (_times(raw[name], "%d-%m-%Y", "%Y-%m-%d") for name in names[5:])
    words = {"fraflyttet": "fraflyttet", "død": "doed", "job": "job", "uddannelse": "uddannelse", "andet": "andet"}
    reason, flags = raw["udgang_årsag"].map(words), {"0": False, "1": True}
    employed, education = raw["beskæftigelse_q"].map(flags), raw["su_q"].map(flags)
    hours = raw["løntimer_q"].where(raw["løntimer_q"].str.fullmatch("-?[0-9]{1,8}(,[0-9]{1,2})?"))
    hundredths = (pd.to_numeric(hours.str.replace(",", ".")) * 100).round().astype("Int64")  # exact: two decimals at most
    seniority = _whole(raw["anciennitet_mdr"])
    rows = pd.DataFrame(
        {
            "quarter": raw["kvartal"],
            "quarter_end_date": quarter.map(ends),
            "person_key": raw["person_key"].map(keys),
            "jobcentre_id": raw["jobcenter_id"],
            "benefit_code": raw["ydelseskode"],
            "visitation": visitation,
            "entered_date": entered,
            "left_date": left,
            "exit_reason": reason,
            "is_employed": employed.astype("boolean"),
            "paid_hundredths": hundredths,
            "is_in_education": education.astype("boolean"),
            "seniority_months": seniority,
        }
    )
    return rows, [
        *_must(raw["kvartal"], quarter, "NO_SUCH_PERIOD", "kvartal"),
        *((raw[name].isna(), f"MISSING_VALUE {name}") for name in names[1:4]),
        *_must(raw["visitationskategori"], visitation, "UNKNOWN_CODE", "visitationskategori"),
        *_must(raw[names[5]], entered, "NOT_A_DATE", names[5]),
        *_fault(raw[names[6]], left, "NOT_A_DATE", names[6]),
        *_fault(raw["udgang_årsag"], reason, "UNKNOWN_CODE", "udgang_årsag"),
        *_must(raw["beskæftigelse_q"], employed, "UNKNOWN_CODE", "beskæftigelse_q"),
        *_must(raw["løntimer_q"], hours, "NOT_A_NUMBER", "løntimer_q"),
        *_must(raw["su_q"], education, "UNKNOWN_CODE", "su_q"),
        *_must(raw["anciennitet_mdr"], seniority, "NOT_A_NUMBER", "anciennitet_mdr"),
    ]


def _panel_rules(r: pd.DataFrame, file: File, found: Lists) -> Iterator[tuple[str, int]]:
    yield "PANEL-KEY-TWICE", r.duplicated(["quarter", "person_key", "jobcentre_id", "entered_date"]).sum()
    yield "PANEL-BENEFIT-UNKNOWN", (~r["benefit_code"].isin(list(found.benefits))).sum()
    yield "PANEL-JOBCENTRE-UNKNOWN", (~r["jobcentre_id"].isin(found.jobcentres)).sum()
    place = ["quarter", "person_key", "jobcentre_id"]
    stays = r.sort_values([*place, "entered_date"])
    before = stays.groupby(place)[["entered_date", "left_date"]].shift()
    overlaps = before["entered_date"].notna() & ~(before["left_date"] < stays["entered_date"])
    yield "PANEL-STAYS-OVERLAP", overlaps.sum()
    yield (
        "PANEL-TWO-JOBCENTRES",
        (r[r["left_date"].isna()].groupby(["quarter", "person_key"])["jobcentre_id"].nunique() > 1).sum(),
    )
    yield "PANEL-LEFT-BEFORE-ENTERED", (r["left_date"] < r["entered_date"]).sum()
    yield "PANEL-ENTERED-AFTER-QUARTER", (r["quarter_end_date"] < r["entered_date"]).sum()
    yield "PANEL-LEFT-AFTER-QUARTER", (r["quarter_end_date"] < r["left_date"]).sum()
    yield "PANEL-EXIT-INCOMPLETE", (r["left_date"].isna() != r["exit_reason"].isna()).sum()
    yield "PANEL-HOURS-NEGATIVE", (r["paid_hundredths"] < 0).sum()
    yield "PANEL-SENIORITY-NEGATIVE", (r["seniority_months"] < 0).sum()
    yield "PANEL-JOBCENTRES-FEW", r["jobcentre_id"].nunique() < 90


if __name__ == "__main__":
    sys.exit(job.main(run))
