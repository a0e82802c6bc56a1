"""The registers that people type: acts, counts, single items and judgements of each plan, as workbooks and as CSV.

These rows are few and fixed: a line each in the lists of register_rows.py. Here stands how a line becomes a row of a file, and which
rows a delivery holds. A workbook is the whole register as it stood; a CSV file only has what is new, and all items.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from .common import Out, Sizes, danish
from .register_rows import REGISTERS, Register

Cell = str | int | date | None
HEADINGS = {
    "haendelser": "hændelse_id;plan;række;handling;art;dato;dokument;registreret_af;godkendt_af;bemærkning",
    "optaellinger": "optælling_id;plan;række;navn;pr_dato;antal;ud_af;dokument;registreret_af;godkendt_af;bemærkning",
    "poster": "post_id;plan;række;påbegyndt;frist;udført;undtaget;kompleks;dokument;registreret_af;godkendt_af;bemærkning",
    "vurderinger": (
        "vurdering_id;plan;række;parameter;pr_dato;vurdering;grad_pct;point;vurderet_dato;vurderet_af_rolle;dokument;begrundelse;"
        "registreret_af;godkendt_af"
    ),
}


def write(out: Out, sizes: Sizes) -> None:
    """All registers, whatever the seed and the sizes."""
    for register in REGISTERS:
        for nth, (arrived, made) in enumerate(register.deliveries):
            since = register.deliveries[nth - 1][1] if nth and register.form != "xlsx" else date.min
            until = date.max if nth == len(register.deliveries) - 1 else made
            rows = {
                "haendelser": list(_events(register, since, made, until)),
                "optaellinger": list(_counts(register, since, made)),
                "poster": list(_items(register, made)),
                "vurderinger": list(_assessments(register, since, made)),
            }
            for kind, lines in rows.items():
                if lines:
                    _put(out, arrived, f"{kind}_{register.name}_{made:%Y-%m-%d}", HEADINGS[kind], lines, register.form)


def _events(register: Register, since: date, made: date, until: date) -> Iterable[list[Cell]]:
    for number, line in enumerate(register.events, 1):
        day, row, act, kind, *marks = line.replace("ikke gennemført", "ikke_gennemført").split()
        done = date.fromisoformat(day)
        # an act with the mark ! is dated wrong, and stands in the last delivery
        if since < done <= made or ("!" in marks and until == date.max):
            yield [
                *(f"{register.mark}-H{number}", register.plan, row, act, kind.replace("_", " "), done),
                *(_document(number, done), *_people(number, marks), _remark(number)),
            ]


def _counts(register: Register, since: date, made: date) -> Iterable[list[Cell]]:
    for number, line in enumerate(register.counts, 1):
        day, row, name, value, *marks = line.split()
        counted, (one, _, whole) = date.fromisoformat(day), value.partition("/")
        if since < counted <= made:
            yield [
                *(f"{register.mark}-O{number}", register.plan, row, name, counted, int(one), int(whole) if whole else None),
                *(_document(number, counted), *_people(number, marks), _remark(number)),
            ]


def _items(register: Register, made: date) -> Iterable[list[Cell]]:
    for number, line in enumerate(register.items, 1):
        row, *rest = line.split()
        begun, due, done = (None if text == "-" else date.fromisoformat(text) for text in rest[:3])
        if begun and begun > made:
            continue
        marks = rest[3:]
        yield [
            *(f"{register.mark}-P{number}", register.plan, row, begun, due, done if done and done <= made else None),
            *("ja" if "undtaget" in marks else "nej", "ja" if "kompleks" in marks else "nej"),
            *(_document(number, begun or due or made), *_people(number, marks), _remark(number)),
        ]


def _assessments(register: Register, since: date, made: date) -> Iterable[list[Cell]]:
    for number, line in enumerate(register.assessments, 1):
        as_of, row, parameter, given, assessed, role, *marks = (
            line.replace("delvist ", "delvist_").replace("ikke ", "ikke_").split()
        )
        day, word = date.fromisoformat(assessed), given.replace("_", " ")
        if since < day <= made:
            degree = word.removesuffix("%") if word.endswith("%") else None
            points = int(word.removesuffix("p")) if word.endswith("p") else None
            verdict = None if degree or points or word == "-" else word
            yield [
                *(f"{register.mark}-V{number}", register.plan, row, None if parameter == "-" else parameter),
                *(date.fromisoformat(as_of), verdict, degree, points, day, role.replace("_", " ")),
                *(_document(number, day), "Syntetisk begrundelse" if number % 3 else None, *_people(number, marks)),
            ]


def _people(number: int, marks: list[str]) -> tuple[str, str | None]:
    """Who registered and who approved; the mark ? is for nobody yet, = for the same person."""
    registrant = f"Syntetisk Person {1 + number % 7}"
    return registrant, None if "?" in marks else registrant if "=" in marks else f"Syntetisk Person {11 + number % 4}"


def _document(number: int, day: date) -> str:
    return f"{day.year % 100:02d}/{1000 + 37 * number:05d}"


def _remark(number: int) -> str | None:
    return "Syntetisk bemærkning" if number % 5 == 0 else None


def _put(out: Out, arrived: str, stem: str, heading: str, rows: list[list[Cell]], form: str) -> None:
    if form == "xlsx":
        _workbook(out, arrived, f"{stem}.xlsx", heading.split(";"), rows)
        return
    lines = [
        ";".join(danish(cell) if isinstance(cell, date) else "" if cell is None else str(cell) for cell in row) for row in rows
    ]
    out.whole(arrived, "registre", f"{stem}.csv", [heading, *lines], form)


def _workbook(out: Out, arrived: str, name: str, heading: list[str], rows: list[list[Cell]]) -> None:
    """One sheet 'Register' with text, numbers and date cells."""
    import xlsxwriter

    path = out.path(arrived, "registre", name)
    book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": False, "strings_to_formulas": False})
    book.set_properties({"title": "Syntetiske data", "created": datetime(2020, 7, 1)})
    sheet = book.add_worksheet("Register")
    as_date = book.add_format({"num_format": "dd-mm-yyyy"})
    for column, text in enumerate(heading):
        sheet.write_string(0, column, text)
    for line, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(line, column, datetime(cell.year, cell.month, cell.day), as_date)
            elif isinstance(cell, int):
                sheet.write_number(line, column, cell)
            elif cell is not None:
                sheet.write_string(line, column, cell)
    book.close()
