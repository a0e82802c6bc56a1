"""What the report alone must hold: every row of its plan, all of it on paper, and texts of others that do nothing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import PLANS, Open
from playwright.sync_api import Page
from pypdf import PdfReader
from test_pages import faults

from maalopfyldelse.declared import REPOSITORY, load
from maalopfyldelse.department import Facts, View, build
from maalopfyldelse.department.clean import cleaned
from maalopfyldelse.department.report import page as report_of
from maalopfyldelse.edition import compute
from maalopfyldelse.home import Home
from maalopfyldelse.intake.ledger import Ledger
from maalopfyldelse.plan import read_plan
from maalopfyldelse.scanning import load_plan

SHOWN_IN_PRINT = """() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() && !element.closest("svg, .unseen, [aria-hidden]") && element.checkVisibility()) found.push(node.data);
  }
  return found;
}"""


@pytest.mark.parametrize("plan", PLANS)
def test_every_row_of_the_plan_stands_in_both_parts_and_can_be_read(files: dict[str, Path], open_page: Open, plan: str) -> None:
    page = open_page(files[plan]).page
    declared = list(read_plan(REPOSITORY / "plans" / f"{plan}.yaml").placed)
    part_1 = page.locator("table.stack.goals tbody tr")
    assert [text.split()[0] for text in part_1.all_inner_texts()] == declared
    blocks = page.locator("details.row")
    assert Counter(blocks.evaluate_all("all => all.map((one) => one.id)")) == Counter(f"r-{row}" for row in declared)
    assert all(blocks.evaluate_all("all => all.map((one) => one.checkVisibility() && one.getBoundingClientRect().height > 20)"))


@pytest.mark.parametrize("plan", PLANS)
def test_a_row_of_part_1_leads_to_its_row_in_part_2(files: dict[str, Path], open_page: Open, plan: str) -> None:
    page = open_page(files[plan]).page
    link = page.locator("table.stack.goals tbody a").last
    link.click()
    target = page.locator(f"[id='r-{link.inner_text()}']")
    assert 0 <= target.evaluate("one => one.getBoundingClientRect().top") < 900


def test_the_first_stop_leads_past_the_navigation(files: dict[str, Path], open_page: Open) -> None:
    page = open_page(files["star-2021"]).page
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("one => one === document.activeElement && one.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "indhold"
    page.keyboard.press("Tab")
    assert page.evaluate("!document.activeElement.closest('nav') && Boolean(document.activeElement.closest('main'))")


@pytest.mark.parametrize("plan", PLANS)
def test_on_paper_stands_all_that_is_folded_on_screen(files: dict[str, Path], open_page: Open, plan: str, tmp_path: Path) -> None:
    page = open_page(files[plan]).page
    assert page.locator("details:not([open])").count() > 0
    (tmp_path / "report.pdf").write_bytes(page.pdf(prefer_css_page_size=True, print_background=False))
    paper = PdfReader(tmp_path / "report.pdf")
    for sheet in paper.pages:
        assert abs(sheet.mediabox.width * 254 / 720 - 210) < 0.5 and abs(sheet.mediabox.height * 254 / 720 - 297) < 0.5
    printed = _letters("".join(sheet.extract_text() for sheet in paper.pages))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    page.emulate_media(media="print")
    wanted: list[str] = page.evaluate(SHOWN_IN_PRINT)
    assert len(wanted) > 300
    assert not [text for text in wanted if _letters(text) not in printed][:10]
    for row in read_plan(REPOSITORY / "plans" / f"{plan}.yaml").placed:
        assert row in printed


def _letters(text: str) -> str:
    """Without blanks and line ends, and with joined letters (fi) apart, as fonts draw them otherwise."""
    return "".join(unicodedata.normalize("NFKC", text).split())


# --- texts of others

HIT = "window.hit=(window.hit||0)+1"
HOSTILE = (
    f"<script>{HIT}</script><img src=x onerror='{HIT}'>\"><svg onload=\"{HIT}\">' onmouseover='{HIT}' </style></title></table></details>"
    f'<a href="javascript:{HIT}">x</a> \u202egnorw\u202c \u2067x\u2069\u200f\u061c ]]> --> &lt;b&gt; {{{{ 7*7 }}}} {{% endfor %}}'
)
KEYS = frozenset({"id", "parent", "key", "sign", "level", "shape", "comparison", "row", "role", "word"})
OURS = KEYS | {"Amount", "Point", "Spread", "target", "unit", "found", "basis", "period", "arrived", "day", "due"}
OURS |= {"status", "best", "parts_by"}  # what the program or a query's header says
DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u0000-\u0008]")


def spoiled(value: Any, text: str, name: str = "", *, but: frozenset[str] = KEYS) -> Any:
    """The same value with every text in it hostile, but those in fields named `but` and numbers in print where `Amount` is in it."""
    if isinstance(value, str):
        return value if name in but or not value else text
    if isinstance(value, tuple):
        return tuple(spoiled(item, f"{n}. {text}" if name == "trend" else text, name, but=but) for n, item in enumerate(value))
    if is_dataclass(value) and not isinstance(value, type) and type(value).__name__ not in but:
        return replace(value, **{f.name: spoiled(getattr(value, f.name), text, f.name, but=but) for f in fields(value)})
    return value


@pytest.fixture(scope="module")
def view(home: Home) -> View:
    declared, ledger = load(), Ledger(home.ledger)
    known_at = ledger.latest_arrival()
    assert known_at is not None
    computed = compute(home, declared, ledger, load_plan(declared, "star-2021"), date(2021, 12, 31), known_at)
    return build(computed, Facts(1, datetime(2022, 2, 1, tzinfo=UTC)))


def _written(view: View, text: str, folder: Path, but: frozenset[str] = KEYS) -> Path:
    file = folder / "hostile.html"
    file.write_text(report_of(cleaned(spoiled(view, text, but=but))), encoding="utf-8")
    return file


def test_hostile_text_does_nothing_even_where_scripts_may_run(view: View, open_page: Open, tmp_path: Path) -> None:
    file = _written(view, HOSTILE, tmp_path)
    opened = open_page(file, all_open=True, ignores_policy=True)
    page = opened.page
    page.wait_for_load_state("networkidle")
    page.mouse.move(400, 400)
    assert page.evaluate("window.hit === undefined") and not opened.complaints
    assert opened.requests == [file.as_uri()]
    assert page.locator("script, img, iframe, object, [onload], [onerror], [onmouseover], a[href^='javascript']").count() == 0
    everything: str = page.evaluate("document.documentElement.textContent")
    assert f"<script>{HIT}</script>" in everything and "[U+202E]gnorw[U+202C]" in everything and "{{ 7*7 }}" in everything
    assert not DIRECTION.search(everything)
    assert page.locator("details.row").count() == len(view.rows)  # nothing closed a part early
    assert page.locator("main > section").count() == _sections(open_page, files_of=view, folder=tmp_path)


def _sections(open_page: Open, files_of: View, folder: Path) -> int:
    file = folder / "plain.html"
    file.write_text(report_of(files_of), encoding="utf-8")
    return open_page(file).page.locator("main > section").count()


@pytest.mark.parametrize("width", [360, 1440])
def test_a_word_without_end_breaks_instead_of_breaking_the_page(view: View, open_page: Open, tmp_path: Path, width: int) -> None:
    page: Page = open_page(_written(view, "Donaudampfskibsrederi_" * 8, tmp_path, OURS), width, all_open=True).page
    assert not faults(page)
