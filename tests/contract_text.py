"""The contracts' own texts, where they lie beside the repository, and whether a plan says what they say.

For the tests of single plans; what a plan must hold beyond its words is theirs.
"""

from __future__ import annotations

import re

import pytest

from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.plan import Plan

SEEDS = REPOSITORY.parent / "shared" / "seeds"


def contract_lines(plan_id: str) -> list[str]:
    """The text, a line an entry, without marks of a web page and bullets. Skips the test where the text is not there."""
    path = SEEDS / f"{plan_id}.txt"
    if not path.exists():
        pytest.skip("the contracts' texts are not beside the repository")
    return [_plain(line) for line in path.read_text(encoding="utf-8").splitlines()]


def not_in_the_text(plan: Plan) -> list[str]:
    """What the plan quotes and its text does not say: rows whose words do not stand in their clause, sections, lines out of range."""
    lines = contract_lines(plan.plan)
    wrong = []
    for row_id, placed in plan.placed.items():
        clause = placed.row.clause
        if not all(1 <= n <= len(lines) for n in clause.lines):
            wrong.append(f"{row_id}: a line out of range")
            continue
        if _plain(placed.row.text) not in _plain(" ".join(lines[n - 1] for n in clause.lines)):
            wrong.append(f"{row_id}: its words do not stand in lines {clause.lines}")
        if clause.section is not None and not any(clause.section in line for line in lines):
            wrong.append(f"{row_id}: no section '{clause.section}'")
    return wrong


def named_lines(plan: Plan) -> list[int]:
    """Every line number that the plan's notes and defects name."""
    said = [*plan.notes, *plan.defects]
    for placed in plan.placed.values():
        said += [*placed.row.notes, *placed.row.defects]
    found = [re.findall(r"\blinje ([\d,\s og-]+)", text) for text in said]
    return [int(number) for groups in found for group in groups for number in re.findall(r"\d+", group)]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>|•|\*\*", " ", text).split())
