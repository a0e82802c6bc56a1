"""ISOLA: absence by institution, quarter and cause, one file a quarter (semicolons, decimal comma, Windows-1252).

These rows are few and fixed: they depend on no seed and no size.
"""

from __future__ import annotations

from .common import Out, Sizes

HEADING = "institution;hovedkonto;år;kvartal;fraværstype;fraværstimer;fraværsdage;årsværk;antal_ansatte"
ARRIVALS = {
    (2019, 1): "2020-07-03T1000",
    (2019, 2): "2020-07-03T1000",
    (2019, 3): "2020-07-03T1000",
    (2019, 4): "2020-07-03T1000",
    (2020, 1): "2020-07-03T1000",
    (2020, 2): "2020-08-14T1000",
    (2020, 3): "2020-11-13T1000",
    (2020, 4): "2021-02-12T1000",
}
CAUSES = ["Egen sygdom", "Delvis sygemelding", "Graviditetsbetinget", "Arbejdsskade", "Barns sygdom", "Barsel"]
# SIRI, by quarter: årsværk in hundredths, employees, and tenths of days by cause. 2020: 7.1 days per årsværk, 6.9 per head.
SIRI = {
    (2019, 1): (95_850, 990, [18_620, 2_105, 705, 95, 1_480, 9_200]),
    (2019, 2): (96_225, 993, [14_310, 1_890, 640, 60, 1_120, 9_050]),
    (2019, 3): (96_500, 998, [13_480, 1_760, 655, 110, 980, 8_700]),
    (2019, 4): (97_175, 1_004, [19_740, 2_235, 720, 75, 1_510, 9_410]),
    (2020, 1): (98_025, 1_013, [18_905, 2_050, 690, 85, 1_390, 9_300]),
    (2020, 2): (98_350, 1_017, [11_640, 1_605, 615, 40, 760, 9_150]),
    (2020, 3): (98_600, 1_021, [12_395, 1_580, 610, 120, 890, 8_800]),
    (2020, 4): (98_875, 1_025, [16_780, 2_040, 700, 90, 1_180, 9_500]),
}


def write(out: Out, sizes: Sizes) -> None:
    """All quarters. In 2019 only hours were delivered; the smallest unit has too few årsværk to be shown."""
    for (year, quarter), (fte, heads, tenths) in SIRI.items():
        lines = [HEADING]
        for name, account, share in (("SIRI", "14.11.03", 1000), ("Styrelsen for Eksempler", "99.11.01", 310)):
            for cause, days in zip(CAUSES, tenths, strict=True):
                days = days * share // 1000
                shown = _number(days, 1) if year > 2019 else ""
                lines.append(
                    f"{name};{account};{year};{quarter};{cause};{_number(days * 74, 2)};{shown};"
                    f"{_number(fte * share // 1000, 2)};{_number(heads * share // 1000, 0)}"
                )
        for cause in CAUSES:
            lines.append(f"Lille Enhed;99.11.02;{year};{quarter};{cause};0,00;{'0,0' if year > 2019 else ''};For få årsværk;8")
        out.whole(ARRIVALS[year, quarter], "isola", f"isola_fravaer_{year}K{quarter}.csv", lines, "windows-1252")


def _number(scaled: int, decimals: int) -> str:
    """`1.234,50` of 123450 with two decimals."""
    whole, part = divmod(scaled, 10**decimals)
    text = f"{whole:,}".replace(",", ".")
    return f"{text},{part:0{decimals}d}" if decimals else text
