"""Answers of jobindsats.dk's API in the three shapes that it gives: CSV and JSON of version 2, JSON of version 3.

The numbers are invented and far from those that are published. Each answer repeats the quarter before with a few more persons, as late
registrations do.
"""

from __future__ import annotations

import json

from .common import Draw, Out, Sizes

SYSTEM = "jobindsats"
HEADINGS = ["Område", "Periode", "Ydelsesgruppe", "Antal personer"]
AREAS = ["Hele landet", "Syntetisk Kommune Øst", "Syntetisk Kommune Ålund"]
GROUPS = ["Kontanthjælp", "Uddannelseshjælp", "Ledighedsydelse", "Ressourceforløb", "Jobafklaringsforløb"]
ANSWERS = [
    ("2021-08-16T0900", ["2021Q01", "2021Q02"], "v2.csv"),
    ("2021-11-15T0900", ["2021Q02", "2021Q03"], "v2.json"),
    ("2022-01-04T1000", ["2021Q3", "2021Q4"], "v3.json"),
]


def write(out: Out, sizes: Sizes) -> None:
    """Writes one answer for each arrival."""
    draw = Draw(sizes.seed, SYSTEM)
    for arrived, periods, kind in ANSWERS:
        rows = [
            [area, period, group, _danish(draw.between(200, 900) * (90 if area == AREAS[0] else 1), draw.below(10))]
            for period in periods
            for area in AREAS
            for group in GROUPS
        ]
        name = f"jobindsats_qtij01_{periods[-1]}_{kind}"
        if kind == "v2.csv":
            out.whole(arrived, SYSTEM, name, [";".join(row) for row in [HEADINGS, *rows]])
            continue
        with out.text(arrived, SYSTEM, name) as handle:
            if kind == "v2.json":
                names = ["area", "period", "_ygrp_j01", "mqtij01"]
                variables = [{"Name": n, "Label": label} for n, label in zip(names, HEADINGS, strict=True)]
                answer: object = [{"Variables": variables, "Data": rows, "Area": AREAS, "Period": periods}]
            else:
                handle.write("\ufeff")
                answer = {"columns": HEADINGS, "rows": rows}
            json.dump(answer, handle, ensure_ascii=False)


def _danish(whole: int, tenth: int) -> str:
    """`12.345,6`."""
    return f"{whole:,}".replace(",", ".") + f",{tenth}"
