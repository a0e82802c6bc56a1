"""The methods annex: for each plan a page in Danish, *Opgørelsesmetode*, generated from the plan and the query headers; beside it the data
dictionary (dictionary.py) and the senders' page (delivering.py).

Nothing is written here that is not declared there; `python -m maalopfyldelse.annex` writes the pages and the JSON schemas (for
editors, and of edition.json), and a test fails when they are not current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import delivering, dictionary
from .contract import Extract, Table
from .counting import approved_words, read_under
from .declared import REPOSITORY, Declared, load
from .manifest import Manifest
from .plan import Placed, Plan
from .plan_criteria import Counting, Criterion
from .printing import danish, danish_day, danish_exact
from .scanning import load_plan
from .wording import filter_words, grade_words, result_words, target_words, window_words

PAGES = REPOSITORY / "docs" / "opgoerelsesmetode"
SCHEMAS = REPOSITORY / "docs" / "schema"
DICTIONARY = REPOSITORY / "docs" / "dictionary.md"
DELIVERING = REPOSITORY / "docs" / "delivering.md"

_LEVELS = {"goal": "Mål", "requirement": "Krav", "part": "Del"}


def generated(declared: Declared) -> dict[Path, str]:
    """Every generated file with its text."""
    files = {PAGES / f"{plan_id}.md": page(load_plan(declared, plan_id), declared) for plan_id in declared.plan_paths}
    for name, model in (("plan", Plan), ("extract", Extract), ("table", Table), ("edition", Manifest)):
        schema = model.model_json_schema(by_alias=True)
        files[SCHEMAS / f"{name}.schema.json"] = json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    files[DICTIONARY] = dictionary.text(declared)
    files[DELIVERING] = delivering.text(declared)
    return files


def page(plan: Plan, declared: Declared) -> str:
    """The annex of a plan as Markdown."""
    return "\n".join(_page(plan, declared)) + "\n"


def _page(plan: Plan, declared: Declared) -> Iterator[str]:
    contract, dates = plan.contract, ", ".join(danish_day(d) for d in plan.reporting.dates)
    yield f"# Opgørelsesmetode: {plan.title}\n"
    yield f"{plan.agency}. Gælder {danish_day(contract.from_)} til {danish_day(contract.to)}."
    yield f"Dokument: {contract.document}. Parter: {'; '.join(contract.parties)}."
    yield f"Opgøres pr. {dates}; rapporten skal foreligge {plan.reporting.due_days} dage efter, og tal er endelige efter"
    yield f"{plan.reporting.closing_days} dage.\n"
    if plan.weights is None:
        yield "Planen har ingen vægte. Der angives antal, aldrig en samlet procent.\n"
    else:
        yield f"Vægtene summer til {danish(plan.weights, 0)}. Den samlede målopfyldelse er summen af vægt gange grad og angives som et"
        yield "interval, så længe noget ikke er afgjort.\n"
    yield from _bullets("Bemærkninger", plan.notes)
    yield from _bullets(
        "Fejl og mangler i teksten", [*plan.defects, *(f"Nummer {gap} findes ikke i teksten." for gap in plan.known_gaps)]
    )
    yield from _bullets("Åbne spørgsmål til styrelse og departement", plan.questions)
    for placed in plan.placed.values():
        yield from _row(placed, declared)
    for amendment in plan.amendments:
        yield f"## Tillæg {amendment.id}: {amendment.title}\n"
        yield f"{amendment.document}; gælder fra {danish_day(amendment.holds_from)}. Rækkerne ovenfor gælder før denne dato.\n"
        for row in amendment.rows:
            yield from _row(Placed(row, None, row.weight, False), declared)


def _row(placed: Placed, declared: Declared) -> Iterator[str]:
    row = placed.row
    lines = row.clause.lines
    yield f"{'###' if placed.parent else '##'} {row.id}\n"
    yield f"> {row.text}\n"
    weight = "" if placed.weight is None else f", vægt {danish_exact(placed.weight)}"
    where = f"linje {lines[0]}" if len(lines) == 1 else f"linje {', '.join(map(str, lines))}"
    yield f"- **Hvor**: {_LEVELS[row.level]}{weight}; {where}"
    if row.dimensions:
        yield f"- **Dimensioner**: {', '.join(row.dimensions)}"
    read = read_under(row, approved_words(row))
    if read.counting:
        yield from _counting(read.counting, declared)
    for criterion in read.criteria:
        yield from _criterion(criterion, declared)
    yield f"- **Graduering**: {grade_words(read.grade, bool(read.criteria))}"
    if row.verdict_dates:
        yield f"- **Verdikt**: kun pr. {', '.join(danish_day(d) for d in row.verdict_dates)}; på andre datoer til orientering"
    if row.supplier:
        yield f"- **Leveres af**: {row.supplier}"
    for text in row.notes:
        yield f"- **Bemærkning**: {text}"
    for text in row.defects:
        yield f"- **Fejl i teksten**: {text}"
    for text in row.questions:
        yield f"- **Åbent spørgsmål**: {text}"
    yield ""
    if row.readings:
        yield "| læsning | spørgsmål | mulighed | |"
        yield "|---|---|---|---|"
        for reading in row.readings:
            for word, option in reading.options.items():
                question = f"{reading.question} *{reading.why}*" if word == next(iter(reading.options)) else ""
                mark = "**valgt**" if word == reading.approved else f"kræver {option.needs}" if option.needs else ""
                yield f"| {reading.id}.{word} | {_cell(question)} | {_cell(option.text)} | {_cell(mark)} |"
        yield ""


def _counting(counting: Counting, declared: Declared, indent: str = "") -> Iterator[str]:
    measure = declared.measures[counting.measure]
    header = measure.header
    extracts = sorted(e.extract for t in measure.reads for e in declared.extracts_of(t))
    settings = [f"{name} = {value}" for name, value in sorted(counting.with_.items())]
    filters = filter_words(counting.where, header.printed)
    yield f"{indent}- **Hvad tælles**: {header.numerator} i forhold til {header.denominator} (`sql/{measure.path.name}`)"
    if filters:
        yield f"{indent}- **Afgrænsning**: {'; '.join(filters)}"
    if settings:
        yield f"{indent}- **Indstillinger**: {'; '.join(settings)}"
    yield f"{indent}- **Kilde**: {', '.join(extracts)}"
    yield f"{indent}- **Periode**: {window_words(counting.window)}"
    yield f"{indent}- **Formel**: {result_words(counting.result, header.printed)}"
    yield f"{indent}- **Mål**: {target_words(counting.target)}"
    if header.reasons:
        yield f"{indent}- **Holdes ude**: {'; '.join(header.reasons.values())}"


def _criterion(criterion: Criterion, declared: Declared) -> Iterator[str]:
    role = "forudsætning" if criterion.condition else "delkrav" if criterion.scored else "vises, tæller ikke"
    yield f"- **{criterion.id}** ({role}): {criterion.text}"
    if criterion.event:
        kinds = f" ({', '.join(criterion.event.kinds)})" if criterion.event.kinds else ""
        after = f", tidligst {danish_day(criterion.event.after)}" if criterion.event.after else ""
        yield f"  - registreret handling `{criterion.event.act}`{kinds} senest {danish_day(criterion.event.by)}{after}"
    if criterion.count:
        wanted = "alle" if criterion.count.of_all else f"mindst {criterion.count.at_least}"
        yield f"  - registreret antal `{criterion.count.name}`: {wanted} senest {danish_day(criterion.count.by)}"
    if criterion.judged:
        by = f" af {criterion.judged.by}" if criterion.judged.by else ""
        yield f"  - vurderes{by} (`{criterion.judged.parameter}`)"
    if criterion.figure:
        yield from _counting(criterion.figure, declared, "  ")


def _bullets(heading: str, texts: list[str]) -> Iterator[str]:
    if texts:
        yield f"**{heading}**\n"
        yield from (f"- {text}" for text in texts)
        yield ""


def _cell(text: Any) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Writes every generated file that is not current."""
    for path, text in generated(load()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"written: {path.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
