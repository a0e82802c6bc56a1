"""The generated pages and schemas are current, and say what a reader needs of every row."""

from __future__ import annotations

import json

import pytest

from maalopfyldelse.annex import DELIVERING, DICTIONARY, PAGES, SCHEMAS, generated, page
from maalopfyldelse.declared import load
from maalopfyldelse.scanning import load_plan

DECLARED = load()


def test_generated_files_are_current() -> None:
    stale = [str(path) for path, text in generated(DECLARED).items() if not path.exists() or path.read_text() != text]
    assert not stale, "run: make docs"
    known = {path.name for path in generated(DECLARED) if path not in (DICTIONARY, DELIVERING)}
    assert {p.name for folder in (PAGES, SCHEMAS) for p in folder.iterdir()} == known


@pytest.mark.parametrize("plan_id", sorted(DECLARED.plan_paths))
def test_every_row_has_its_words_its_readings_and_its_grading(plan_id: str) -> None:
    plan = load_plan(DECLARED, plan_id)
    text = page(plan, DECLARED)
    for placed in plan.placed.values():
        section = text.split(f"# {placed.row.id}\n")[1].split("\n##")[0]
        assert placed.row.text in section and "**Graduering**" in section
        for reading in placed.row.readings:
            assert f"| {reading.id}.{reading.approved} |" in section and "**valgt**" in section
        for criterion in placed.row.criteria:
            assert criterion.text in section
        for said in (*placed.row.notes, *placed.row.defects, *placed.row.questions):
            assert said in section


@pytest.mark.parametrize("plan_id", sorted(DECLARED.plan_paths))
def test_remarks_speak_to_the_department_not_to_the_plans_editor(plan_id: str) -> None:
    plan = load_plan(DECLARED, plan_id)
    said = [*plan.notes, *(t for p in plan.placed.values() for t in (*p.row.notes, *p.row.questions, *p.row.defects))]
    keys = {"missing", "at_least", "at_most", "needs", "set", "criteria", "grade", "target"}
    assert not [text for text in said if keys & set(text.replace(",", " ").replace(".", " ").split())]


def test_schemas_are_json_schema() -> None:
    for name in ("plan", "extract", "table"):
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        assert schema["type"] == "object" and schema["properties"]


def test_the_dictionary_names_every_table_measure_and_column() -> None:
    sections = {part.split("\n")[0]: part for part in generated(DECLARED)[DICTIONARY].split("\n### ")[1:]}
    for name, table in DECLARED.tables.items():
        assert all(f"| `{column}` |" in sections[name] for column in table.columns)
        assert all(f"`{extract.extract}`" in sections[name] for extract in DECLARED.extracts_of(name))
    for name, measure in DECLARED.measures.items():
        header = measure.header
        said = [*header.columns, *header.parameters, *header.options, *header.reasons]
        assert all(f"| `{word}` |" in sections[f"measures.{name}"] for word in said)


def test_the_senders_page_names_every_column_limit_and_row_rule() -> None:
    declared = DECLARED
    page = generated(declared)[DELIVERING]
    for extract in declared.extracts.values():
        section = page.partition(f"### {extract.extract}\n")[2].partition("\n### ")[0]
        words = [rule.code for rule in extract.set_aside]
        for layout in extract.layouts:
            sources = layout.columns.values()
            words += [
                *(layout.files or extract.files),
                *layout.personal,
                *layout.ignore,
                *(c for s in sources for c in s.columns),
            ]
        assert [word for word in words if word not in section] == [], extract.extract
        share = extract.limits.max_set_aside_share
        assert (
            "afvises ikke for" if share >= 1 else "pct. af rækkerne" if extract.limits.max_set_aside_rows is None else "rækker"
        ) in section
