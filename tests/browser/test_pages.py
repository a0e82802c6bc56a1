"""All pages, in a real browser: they open from disk alone, can be read at both widths and by everybody, and be walked by keyboard.

What only the report must hold is in test_report_page.py.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import EXPLAINED, PLANS, Open
from playwright.sync_api import Page

PAGES = [*PLANS, *EXPLAINED, "checks"]
A4_BETWEEN_MARGINS = 688  # CSS pixels of 210 mm less twice 14 mm
LAYOUT = (Path(__file__).parent / "layout.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(page: Page) -> list[str]:
    """What of the layout a reader would stumble over."""
    found: list[str] = page.evaluate(LAYOUT)
    return found[:20]


@pytest.mark.parametrize("name", PAGES)
def test_it_opens_from_disk_and_asks_for_nothing_else(files: dict[str, Path], open_page: Open, name: str) -> None:
    opened = open_page(files[name], all_open=True)
    opened.page.wait_for_load_state("networkidle")
    assert opened.requests == [files[name].as_uri()]
    assert not opened.complaints
    assert opened.page.title() and opened.page.locator("h1").count() == 1


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("width", "is_print", "all_open"),
    [(360, False, False), (360, False, True), (1440, False, False), (1440, False, True), (A4_BETWEEN_MARGINS, True, False)],
)
def test_nothing_overlaps_is_cut_or_leaves_the_page(
    files: dict[str, Path], open_page: Open, name: str, width: int, is_print: bool, all_open: bool
) -> None:
    page = open_page(files[name], width, is_print=is_print, all_open=all_open).page
    assert page.evaluate("innerWidth") == width
    assert not faults(page)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("document.querySelector('main p').style.marginTop = '-50px'", "over one another"),
        ("document.querySelector('h1').style.cssText = 'height: 8px; overflow: hidden'", "cut off"),
        ("document.querySelector('p').style.cssText = 'width: 2000px; max-width: none; text-align: right'", "beside the page"),
        ("document.querySelector('table').style.cssText = 'position: relative; left: 1300px'", "scrolls sideways"),
        ("document.querySelector('.goals svg text, .bar svg text').setAttribute('x', '900')", "cut off by its drawing"),
    ],
)
def test_the_look_at_the_layout_sees_harm(files: dict[str, Path], open_page: Open, harm: str, told: str) -> None:
    page = open_page(files["star-2021"]).page
    page.evaluate(f"() => {{ {harm} }}")
    assert any(told in fault for fault in faults(page))


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_breach_of_wcag_aa(files: dict[str, Path], open_page: Open, name: str) -> None:
    page = open_page(files[name], all_open=name != "checks").page  # there the same small table is folded once a delivery
    told = {"runOnly": RULES, "resultTypes": ["violations"]}
    assert not _breaches(page, told)
    page.set_viewport_size({"width": 360, "height": 900})  # the same colours in another order: contrast was seen above
    assert not _breaches(page, told | {"rules": {"color-contrast": {"enabled": False}}})


def _breaches(page: Page, options: dict[str, Any]) -> list[tuple[str, Any, str]]:
    found = Axe().run(page, options=options).response["violations"]
    return [(v["id"], node["target"], node["failureSummary"]) for v in found for node in v["nodes"]][:10]


@pytest.mark.parametrize("name", PAGES)
def test_text_in_drawings_stands_out_from_the_paper(files: dict[str, Path], open_page: Open, name: str) -> None:
    """Axe cannot tell what lies behind a text in a drawing; ours stand on white or on a pale bar, never on a dark one."""
    page = open_page(files[name], all_open=True).page
    inks: list[str] = page.evaluate(
        "[...new Set([...document.querySelectorAll('svg text')].map((t) => getComputedStyle(t).fill))]"
    )
    for ink in inks:
        red, green, blue = (int(part) for part in ink.removeprefix("rgb(").removesuffix(")").split(", "))
        assert 1.05 / (_luminance(red, green, blue) + 0.05) >= 4.5, ink


def _luminance(*channels: int) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


WATCH_FOCUS = """() => {
  window.stops = [];
  document.addEventListener("focusin", ({ target }) => {
    const style = getComputedStyle(target), box = target.getBoundingClientRect();
    const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const seen = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    window.stops.push({ what: window.told(target), marked, seen });
  });
  window.told = (e) => [...document.querySelectorAll("a[href], summary, [tabindex]")].indexOf(e);
}"""
REACHABLE = """() => [...document.querySelectorAll("a[href], summary, [tabindex='0']")]
  .filter((e) => e.checkVisibility()).map((e) => window.told(e))"""


@pytest.mark.parametrize("name", PAGES)
def test_the_tab_key_reaches_everything_in_order_and_shows_where_it_is(
    files: dict[str, Path], open_page: Open, name: str
) -> None:
    page = open_page(files[name], 1440).page
    page.evaluate(WATCH_FOCUS)
    expected: list[int] = page.evaluate(REACHABLE)
    for _ in expected:
        page.keyboard.press("Tab")
    stops = page.evaluate("window.stops")
    assert [stop["what"] for stop in stops] == expected
    assert not [stop for stop in stops if not stop["marked"] or not stop["seen"]]


@pytest.mark.parametrize("name", [*PLANS, "checks"])
def test_what_folds_closes_and_opens_by_key(files: dict[str, Path], open_page: Open, name: str) -> None:
    page = open_page(files[name], all_open=True).page
    states = "[...document.querySelectorAll('details')].slice(0, 40).map((one) => one.open)"
    number = len(page.evaluate(states))
    for key, places, opens in (
        ("Enter", reversed(range(number)), False),
        ("Space", iter(range(number)), True),
    ):  # inner ones first
        for place in places:
            page.evaluate(f"document.querySelectorAll('details > summary')[{place}].focus({{ preventScroll: true }})")
            page.keyboard.press(key)
        assert page.evaluate(states) == [opens] * number
    assert number


@pytest.mark.parametrize("name", PAGES)
def test_what_scrolls_sideways_is_a_named_region_and_scrolls_by_key(files: dict[str, Path], open_page: Open, name: str) -> None:
    page = open_page(files[name], 360, all_open=True).page
    wide: list[dict[str, Any]] = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth)
          .map((e, place) => {
            e.dataset.wide = place;
            return { role: e.getAttribute("role"), tab: e.tabIndex, name: e.getAttribute("aria-label") };
          })"""
    )
    assert all(one["role"] == "region" and one["tab"] == 0 and one["name"] for one in wide)
    assert max(Counter(one["name"] for one in wide).values(), default=1) == 1
    for place in range(len(wide)):
        page.evaluate(f"document.querySelector('[data-wide=\"{place}\"]').focus()")
        for _ in range(50):  # a key that comes before the page is painted where the focus is now goes nowhere
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(20)
            if moved := page.evaluate(f"document.querySelector('[data-wide=\"{place}\"]').scrollLeft") > 0:
                break
            page.wait_for_timeout(180)
        assert moved, wide[place]
