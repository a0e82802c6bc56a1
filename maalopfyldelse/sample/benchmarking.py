"""Statens Benchmarkdatabase and the unit's own finances: sick leave of all institutions by quarter, and the result in kroner.

These rows are few and fixed: they depend on no seed and no size. Every institution but the unit itself is invented.
"""

from __future__ import annotations

from .common import Out, Sizes

OWN = "Benchmarkingenheden"
HEADING = "institution;ministerområde;år;kvartal;fraværsdage;årsværk;antal_ansatte"
# Year, quarter, when it arrived, and how much sickness there was (per cent of a usual quarter).
QUARTERS = [
    (2019, 4, "2021-03-15T0900", 112),
    (2020, 1, "2021-03-15T0900", 109),
    (2020, 2, "2021-03-15T0900", 74),
    (2020, 3, "2021-03-15T0900", 82),
    (2020, 4, "2021-03-15T0900", 101),
    (2021, 1, "2021-05-17T0900", 96),
    (2021, 2, "2021-08-16T0900", 88),
    (2021, 3, "2021-11-15T0900", 93),
]
# The unit's own days in tenths; its årsværk are 17.2 and a little more each quarter. Rolling years: 5.5 and 6.5 days per årsværk.
OWN_DAYS = [291, 278, 181, 203, 335, 301, 247, 268]
# (arrived, what, kroner): from the grundbudget UO4 is 1.18 million away, from UO2 0.53; the final accounts are closer.
FIGURES = [
    ("2021-07-09T0930", "Grundbudget", "0,00"),
    ("2021-08-13T1000", "UO2", "-650.000,00"),
    ("2022-01-12T0930", "UO4", "-1.180.000,00"),
    ("2022-03-04T1000", "Årsregnskab", "-1.120.400,50"),
]


def write(out: Out, sizes: Sizes) -> None:
    """All quarters and all figures."""
    for nth, (year, quarter, arrived, level) in enumerate(QUARTERS):
        lines = [HEADING, f"{OWN};Opdigtet ministerområde 1;{year};{quarter};{_tenths(OWN_DAYS[nth])};{_tenths(172 + nth)};18"]
        for number in range(1, 41):
            fte = 250 + number * number * 29 + nth * number  # tenths: 28 to 4,700 årsværk
            days = fte * level * (150 + number * 37 % 90) // 10_000
            shown = (_tenths(days), _tenths(fte)) if number != 3 else ("For få årsværk", "For få årsværk")
            lines.append(
                f"Styrelsen for Eksempler {number};Opdigtet ministerområde {1 + number % 9};{year};{quarter};"
                f"{shown[0]};{shown[1]};{fte // 10 + 2 if number % 2 else ''}"
            )
        out.whole(arrived, "benchmarkdatabase", f"statens_fravaer_{year}K{quarter}.csv", lines, "windows-1252")
    for arrived, what, kroner in FIGURES:
        lines = ["institution;år;tal;resultat_kr;bemærkning", f"{OWN};2021;{what};{kroner};Syntetisk bemærkning"]
        out.whole(arrived, "oekonomi", f"budgettal_2021_{what.lower().replace('å', 'aa')}.csv", lines)


def _tenths(scaled: int) -> str:
    return f"{scaled // 10:,}".replace(",", ".") + f",{scaled % 10}"
