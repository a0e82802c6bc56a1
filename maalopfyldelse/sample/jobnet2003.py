"""AMS in 2003: job ads and hits by month, and the journal's pool applications and complaints.

These rows are few and fixed: they depend on no seed and no size.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from .common import Draw, Out, Sizes, danish, working_days

DELIVERIES = [("2003-10-08T1000", date(2003, 10, 7)), ("2004-01-20T1000", date(2004, 1, 19))]
SEASON = [104, 100, 106, 98, 101, 92, 70, 103, 110, 108, 106, 82]  # per cent of a usual month
ADS_2002, ADS_2003 = 20_600, 27_000  # a month; together 1.31 times as many
HITS_2002, HITS_2003 = 305_000, 364_000  # a day; 1.19 times as many
POOLS = [date(2003, 3, 3), date(2003, 9, 1)]  # closing dates; other pools have none


def write(out: Out, sizes: Sizes) -> None:
    """Both deliveries of each extract."""
    since = date.min
    for arrived, made in DELIVERIES:
        out.whole(arrived, "jobnet", f"aktivitet_{made:%Y-%m-%d}.csv", _activity(since, made), "windows-1252")
        out.whole(arrived, "journal", f"puljeansoegninger_{made:%Y-%m-%d}.csv", _applications(made), "windows-1252")
        out.whole(arrived, "journal", f"klager_{made:%Y-%m-%d}.csv", _complaints(made), "windows-1252")
        since = made


def _activity(since: date, made: date) -> list[str]:
    """The months that ended between two deliveries."""
    lines = ["serie;periode_fra;periode_til;antal;kilde"]
    for month in range(24):
        year, index = 2002 + month // 12, month % 12
        first, last = date(year, index + 1, 1), date(year, index + 1, monthrange(year, index + 1)[1])
        if since < last <= made:
            ads = (ADS_2002 if year == 2002 else ADS_2003) * SEASON[index] // 100
            hits = (HITS_2002 if year == 2002 else HITS_2003) * last.day * (SEASON[index] + 100) // 200
            for series, number in (("Jobannoncer", ads), ("Hits", hits)):
                lines.append(f"{series};{danish(first)};{danish(last)};{number:,};serverlog".replace(",", "."))
    return lines


def _applications(made: date) -> list[str]:
    """Four applications a month, and twenty to each closing date; three of them are answered too late or not at all."""
    lines = ["ansøgning_nr;pulje;ansøger;modtaget;ansøgningsfrist;svar_sendt;trukket"]
    draw = Draw(2003, "pools")
    came: list[tuple[date, date | None]] = [(day, None) for day in working_days(date(2002, 11, 4), date(2003, 12, 19))[::5]]
    came += [(closing - timedelta(days=draw.below(21)), closing) for closing in POOLS for _ in range(20)]
    for number, (received, closing) in enumerate(sorted(came, key=lambda pair: (pair[0], pair[1] or date.min)), 1):
        length = {17: 61, 58: 75, 71: 200}.get(number, draw.between(14, 55))
        replied = max(received, closing or received) + timedelta(days=length)
        if received <= made:
            seen = danish(replied) if replied <= made else ""
            lines.append(
                f"03-P{number};Opdigtet pulje {1 + number % 4};Syntetisk {number};{danish(received)};{danish(closing)};{seen};"
                f"{'ja' if number % 37 == 0 else 'nej'}"
            )
    return lines


def _complaints(made: date) -> list[str]:
    """One complaint a working day; about six in seven are decided within four months."""
    lines = ["klage_nr;klager;modtaget;afgjort;trukket"]
    draw = Draw(2003, "complaints")
    for number, received in enumerate(working_days(date(2002, 8, 1), date(2003, 12, 30)), 1):
        length = draw.between(20, 118) if draw.chance(855) else draw.between(125, 260)
        decided = received + timedelta(days=length)
        if received <= made:
            seen = danish(decided) if decided <= made else ""
            name = f"Syntetisk {number}" if number % 6 == 0 else ""
            lines.append(f"03-K{number};{name};{danish(received)};{seen};{'ja' if number % 41 == 0 else 'nej'}")
    return lines
