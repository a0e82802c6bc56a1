"""The figures of with_pandas.py, under the approved readings."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd

from benchmarks import job
from benchmarks.job import AGE_MONTHS, AREAS, CASH, LIMIT_MINUTES, LIMIT_MS, Answers, Groups, Lists


def _counted(
    rows: pd.DataFrame, reasons: list[tuple[pd.Series, str]], group: str, numerator: pd.Series
) -> tuple[Groups, dict[str, int]]:
    """Groups' numerators and denominators, and how many are excluded for which reason, the first that holds."""
    reason = np.select([bad.fillna(False).to_numpy(dtype=bool) for bad, _ in reasons], [why for _, why in reasons], default="")
    counts = pd.Series(reason).value_counts().to_dict()
    kept = pd.DataFrame(
        {"group": rows[group].astype(str).to_numpy(), "n": numerator.astype("Int64").fillna(0).to_numpy(dtype="int64")}
    )[reason == ""]
    sums = kept.groupby("group")["n"].agg(["sum", "count"])
    groups = {str(name): (int(n), int(d), 0) for name, n, d in sums.itertuples()}
    return groups, {why: int(times) for why, times in counts.items() if why}


def telephone(events: pd.DataFrame, answers: Answers, found: Lists, as_of: date) -> None:
    """Calls answered within the limit."""
    began = events.groupby("call_id")["started_date"].transform("min")
    e = events[(began > pd.Timestamp(as_of.year - 1, 12, 31)) & (began <= pd.Timestamp(as_of)) & (events["media"] == "phone")]
    e = e.sort_values(["call_id", "call_sequence"])
    queue = e["queue_key"].astype("string").map(found.queues)
    is_stand = (e["event_type"] == "queue") & ~e["queue_key"].astype("string").str.startswith("__Callout_", na=False)
    is_entry = is_stand & (queue != "outside")
    entry_no = is_entry.groupby(e["call_id"]).cumsum()
    talk = (e["event_type"] == "conversation") & (e["result_code"] == "k") & (entry_no > 0)
    answer = e["speak_started_at"].fillna(e["started_at"])[talk].groupby(e["call_id"][talk]).min()
    calls = e[is_entry & (entry_no == 1)].set_index("call_id")[["started_at"]]
    calls["queue"] = queue[is_entry & (entry_no == 1)].to_numpy()
    calls["answer"] = answer
    calls["month"] = began[e.index][is_entry & (entry_no == 1)].dt.strftime("%Y-%m-01").to_numpy()
    calls = calls[calls["queue"].isin(["support_borger", "support_virksomhed"])]
    down = pd.Series(False, calls.index)
    for outage in (o for o in found.outages if o.system == "puzzel"):
        down |= (calls["started_at"] >= outage.began) & (calls["started_at"] < outage.ended)
    in_time = calls["answer"] - calls["started_at"] <= pd.Timedelta(milliseconds=LIMIT_MS)
    answers.figure("M2.A", *_counted(calls, [(down, "outage")], "month", in_time))


def written(t: pd.DataFrame, answers: Answers, found: Lists, as_of: date, exported: datetime) -> None:
    """Tickets and mails answered within the limit."""
    after = date(as_of.year - 1, 12, 31)
    has_reply = t["reply_minutes"].notna()
    day = t["created_date"]
    is_young = t["created_at"] > pd.Timestamp(exported) - pd.Timedelta(minutes=LIMIT_MINUTES)
    groups, excluded = _counted(
        t.assign(channel="zendesk"),
        [
            ((day <= pd.Timestamp(after)) | (day > pd.Timestamp(as_of)), "outside_window"),
            (t["via"].str.lower() == "voice", "not_written"),
            (t["status"] == "deleted", "deleted"),
            (t["is_spam"], "spam"),
            (t["is_merged"], "merged"),
            (~has_reply & is_young, "not_due"),
        ],
        "channel",
        t["reply_minutes"] <= LIMIT_MINUTES,
    )
    mails, outside = job.mailboxes(found, after, as_of)
    groups |= {f"mailbox {name}": sums for name, sums in mails.items()}
    answers.figure("M2.B", groups, excluded | {"outside_window": excluded.get("outside_window", 0) + outside})


def case_times(cases: pd.DataFrame, answers: Answers, as_of: date) -> None:
    """Days from creation to closing of the cases closed in twelve months."""
    now = pd.Timestamp(as_of)
    is_reopened = cases["reopened_date"] <= now
    never = cases["reopened_date"].isna()
    first = cases["first_closed_date"].where(~never, cases["first_closed_date"].fillna(cases["closed_date"]))
    closing = cases["closed_date"].where(is_reopened, first)
    days = (closing - cases["created_date"]).dt.days
    for row in ("M2.C", "M2.E"):
        mine = cases["area"].isin(AREAS[row])
        c, end, length = cases[mine], closing[mine], days[mine]
        reasons = [
            (end.isna(), "not_closed"),
            ((end <= now - pd.DateOffset(years=1)) | (end > now), "outside_window"),
            (c["outcome"] == "fejloprettet", "mis_created"),
            (length < 0, "negative_time"),
        ]
        answers.figure(row, *_counted(c, reasons, "area", length))


def pending(cases: pd.DataFrame, answers: Answers, as_of: date) -> None:
    """Cases pending at the end of the day, and how many of them are old."""
    now = pd.Timestamp(as_of)
    is_closed = (cases["closed_date"] <= now) | ((cases["first_closed_date"] <= now) & ~(cases["reopened_date"] <= now))
    for row in ("M2.D", "M2.F"):
        mine = cases["area"].isin(AREAS[row])
        c, closed = cases[mine], is_closed[mine]
        old = c["created_date"] + pd.DateOffset(months=AGE_MONTHS[row]) < now
        answers.figure(row, *_counted(c, [(c["created_date"] > now, "not_yet_created"), (closed, "not_pending")], "area", old))


def target_group(panel: pd.DataFrame, answers: Answers, found: Lists, as_of: date) -> None:
    """People of the target group whom the quarter brought work or education, by jobcentre."""
    p = panel[panel["quarter"] == ("2021Q3" if as_of.month == 12 else "2021Q1")].copy()
    group = p["benefit_code"].map({code: benefit for code, (benefit, _) in found.benefits.items()})
    is_intro = p["benefit_code"].map({code: intro for code, (_, intro) in found.benefits.items()}).astype(bool)
    end, left = p["quarter_end_date"], p["left_date"]
    months = (6 - p["seniority_months"]).astype(int)
    day = (p["entered_date"].dt.to_period("M").dt.to_timestamp().dt.to_period("M") + months).dt
    senior = day.start_time + pd.to_timedelta(np.minimum(p["entered_date"].dt.day, day.days_in_month) - 1, unit="D")
    absent = np.select(
        [
            p["entered_date"] > end,
            (p["exit_reason"] == "doed") & (left <= end),
            (p["exit_reason"] == "fraflyttet") & (left < end),
        ],
        ["not_yet_entered", "died", "moved_away"],
        default="",
    )
    p["is_absent"] = absent != ""
    p["later"] = (p["entered_date"] - end).dt.days
    p["is_after"], p["distance"] = p["later"] > 0, p["later"].abs()
    order = p.sort_values(["is_absent", "is_after", "distance", "jobcentre_id"])
    elsewhere = order.duplicated("person_key").reindex(p.index)
    too_new = (group == "jobafklaring") & ~((senior <= end) & (left.isna() | (senior <= left)))
    reasons = [(pd.Series(absent == why, p.index), why) for why in ("not_yet_entered", "died", "moved_away")]
    reasons += [
        (elsewhere, "counted_elsewhere"),
        (group.isna(), "unknown_benefit"),
        (group == "andet", "other_benefit"),
        (is_intro & group.isin(["overgangsydelse", "sho_ydelse"]), "in_introduction"),
        ((p["visitation"] != "aktivitetsparat") & group.isin(CASH), "not_activity_ready"),
        (too_new, "too_short_seniority"),
    ]
    touched = (p["paid_hundredths"] > 0) | p["is_in_education"] | p["is_employed"]
    answers.figure("M4", *_counted(p, reasons, "jobcentre_id", touched))
