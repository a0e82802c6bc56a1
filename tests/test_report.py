"""The department's page: every row of the plan, the figures of the tables, nothing that acts on its reader or leaves the house."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from both_plans import deliver_all
from little import NOW, Little
from world import World

from maalopfyldelse.department import Facts, build
from maalopfyldelse.department.clean import clean_text, cleaned
from maalopfyldelse.department.report import page
from maalopfyldelse.department.suppress import HIDDEN
from maalopfyldelse.department.view import Amount, View
from maalopfyldelse.edition import Computed, compute
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.plan import read_plan
from maalopfyldelse.printing import danish_figure
from maalopfyldelse.restatement import Side, between
from maalopfyldelse.scanning import load_plan
from maalopfyldelse.tabular import fulfilment_records

MADE = datetime(2022, 2, 1, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"' onload='x' \u202eabc\u200b =HYPERLINK(\"http://x\") &amp; ]]>"


@dataclass
class Element:
    """A tag with its attributes and all text below it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    inside: list[Element] = field(default_factory=list)

    def all(self, tag: str, **wanted: str) -> Iterator[Element]:
        for child in self.inside:
            if child.tag == tag and all(child.attributes.get(k.rstrip("_")) == v for k, v in wanted.items()):
                yield child
            yield from child.all(tag, **wanted)


class Reader(HTMLParser):
    """Reads a page into elements; complains of a tag that is closed out of turn."""

    VOID = {"meta", "link", "br", "img", "hr", "input"}

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.feed(text)
        assert [e.tag for e in self.open] == [""], f"never closed: {[e.tag for e in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, dict(attrs))
        self.open[-1].inside.append(made)
        if tag not in self.VOID:
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = deliver_all(World(tmp_path_factory.mktemp("report")))
    made.take()
    return made


@pytest.fixture(scope="module")
def computed(world: World) -> dict[str, Computed]:
    return {
        plan: world.compute(plan, as_of) for plan, as_of in (("star-2021", date(2021, 12, 31)), ("siri-2020", date(2020, 12, 31)))
    }


@pytest.fixture(scope="module")
def views(computed: dict[str, Computed]) -> dict[str, View]:
    return {plan: build(one, Facts(1, MADE)) for plan, one in computed.items()}


@pytest.fixture(scope="module")
def pages(views: dict[str, View]) -> dict[str, str]:
    return {plan: page(view) for plan, view in views.items()}


def rows_of(text: str) -> dict[str, dict[str, str]]:
    """Part 1 as it is read: by row, its cells under their labels."""
    (table,) = Reader(text).root.all("table", class_="stack goals")
    (body,) = table.all("tbody")
    found = {}
    for tr in body.all("tr"):
        (head,) = tr.all("th")
        cells = {c.attributes.get("data-label") or c.attributes["class"] or "": " ".join(c.text.split()) for c in tr.all("td")}
        found[head.text.strip()] = cells
    return found


@pytest.mark.parametrize("plan", ["star-2021", "siri-2020"])
def test_every_row_stands_in_part_1_and_in_part_2_with_the_figures_of_the_table(
    computed: dict[str, Computed], pages: dict[str, str], plan: str
) -> None:
    rows = rows_of(pages[plan])
    declared = read_plan(Path("plans") / f"{plan}.yaml").placed
    assert list(rows) == list(declared)
    blocks = {e.attributes["id"]: e for e in Reader(pages[plan]).root.all("details") if e.attributes.get("class") == "row"}
    assert sorted(blocks) == sorted(f"r-{row}" for row in declared)
    for record in fulfilment_records(computed[plan].lines, 1):
        if record["level"] == "total":
            continue
        cells = rows[record["row"]]
        assert cells["v"] == (record["verdict"] or "uden verdikt")
        assert record["text"] in blocks[f"r-{record['row']}"].text
        criteria = [c for c in declared[record["row"]].row.criteria if c.figure]
        if record["value"] is not None and len(criteria) < 2:
            target = None if record["target"] is None else Fraction(record["target"])
            shown = "skjult" if record["row"] == "M4" else danish_figure(Fraction(record["value"]), target)  # few persons
            assert cells["Resultat"].startswith(shown)
        for alternative in record["readings"]:
            assert alternative["id"] in blocks[f"r-{record['row']}"].text


def test_the_view_of_few_persons_shows_verdicts_only(views: dict[str, View]) -> None:
    made = views["star-2021"].row("M4")
    (one,) = made.figures
    assert made.verdict.word == "opfyldt" and made.points.exact == 10
    assert {a.exact for a in (made.value, one.value, one.numerator, one.denominator, one.counted, one.observations)} == {None}
    assert not one.parts and not one.best and one.spread is None
    options = [o for r in made.readings for o in r.options if o.value]
    assert options and all(o.value == HIDDEN and o.basis == "skjult" and o.verdict.word for o in options)
    assert all(not p.value or p.value == HIDDEN for p in made.trend)


def test_rows_that_are_not_met_are_open_and_come_first(pages: dict[str, str], views: dict[str, View]) -> None:
    view, root = views["star-2021"], Reader(pages["star-2021"]).root
    blocks = [e for e in root.all("details") if e.attributes.get("class") == "row"]
    is_met = {f"r-{row.id}": row.is_met for row in view.rows}
    assert {e.attributes["id"]: "open" not in e.attributes for e in blocks} == is_met
    tops = [e.attributes["id"] for e in blocks if view.row((e.attributes["id"] or "")[2:]).parent is None]
    whole = {top: all(r.is_met for r in view.rows if f"r-{r.id}" == top or f"r-{r.parent}" == top) for top in tops}
    assert [whole[top] for top in tops] == sorted(whole.values())


def test_the_page_reaches_for_nothing_and_runs_nothing(pages: dict[str, str]) -> None:
    for text in pages.values():
        root = Reader(text).root
        assert not [e for tag in ("script", "link", "img", "iframe", "object", "base", "form") for e in root.all(tag)]
        targets = re.findall(r'(?:href|src|xlink:href|action|data)="([^"]*)"', text)
        ids = re.findall(r'\sid="([^"]*)"', text)
        assert {t[1:] for t in targets} <= set(ids) and all(t.startswith("#") for t in targets)
        assert len(ids) == len(set(ids))
        assert not re.search(r"url\((?!#tern)|@import|@font-face|\son[a-z]+=", text)
        assert len(text.encode()) < 1_000_000


def test_the_same_edition_gives_the_same_bytes(computed: dict[str, Computed], pages: dict[str, str]) -> None:
    assert page(build(computed["star-2021"], Facts(1, MADE))) == pages["star-2021"]


def spoiled(value: Any) -> Any:
    """The same view with every text of the outside world made hostile."""
    return replace(
        value,
        title=value.title + HOSTILE,
        rows=tuple(
            replace(
                row,
                text=HOSTILE,
                reason=HOSTILE,
                remark=HOSTILE,
                supplier=HOSTILE,
                notes=(HOSTILE,),
                value=Amount(HOSTILE, row.value.exact),
                figures=tuple(
                    replace(
                        f,
                        numerator_words=HOSTILE,
                        parts_by=HOSTILE,
                        parts=tuple(replace(p, name=HOSTILE) for p in f.parts),
                        spread=f.spread and replace(f.spread, axis=HOSTILE, without_words=HOSTILE),
                    )
                    for f in row.figures
                ),
                trend=tuple(
                    replace(p, label=f"{n} {HOSTILE}", value=Amount(HOSTILE, p.value.exact)) for n, p in enumerate(row.trend)
                ),
            )
            for row in value.rows
        ),
        deliveries=tuple(replace(d, file=HOSTILE) for d in value.deliveries),
        evidence=tuple(replace(i, document=HOSTILE) for i in value.evidence),
    )


def test_text_of_others_does_nothing(views: dict[str, View]) -> None:
    text = page(cleaned(spoiled(views["star-2021"])))
    root = Reader(text).root
    assert not list(root.all("script")) and "<script" not in text
    assert "\u202e" not in text and "\u200b" not in text and "[U+202E]" in text
    assert not [e for e in walk(root) if any(name.startswith("on") for name in e.attributes)]
    assert "alert(1)" in root.text  # it is shown, as text
    drawn = [e for svg in root.all("svg") for e in walk(svg) if "alert(1)" in e.text]
    assert drawn, "the charts bear the texts as well"


def walk(element: Element) -> Iterator[Element]:
    yield element
    for child in element.inside:
        yield from walk(child)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("linje\nto", "linje to"),
        ("a\u202eb", "a[U+202E]b"),
        ("\u2066x\u2069", "[U+2066]x[U+2069]"),
        ("\x00\x1b[31m", "[U+0000][U+001B][31m"),
        ("\ufeffæøå – ½", "[U+FEFF]æøå – ½"),
        ("\ud800", "[U+D800]"),
    ],
)
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert clean_text(text) == shown


def test_headings_step_down_one_at_a_time_and_tables_say_what_they_are(pages: dict[str, str]) -> None:
    for text in pages.values():
        root = Reader(text).root
        (html,) = root.all("html")
        assert html.attributes["lang"] == "da"
        levels = [int(e.tag[1]) for e in walk(root) if re.fullmatch(r"h[1-6]", e.tag)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))
        for table in root.all("table"):
            assert list(table.all("caption")) or table.attributes.get("aria-labelledby")
            assert all(th.attributes.get("scope") for th in table.all("th"))
        for svg in root.all("svg", role="img"):
            assert next(svg.all("title")).text


def test_the_curve_of_waits_passes_the_figure_at_its_mark(views: dict[str, View]) -> None:
    (figure,) = views["star-2021"].row("M2.A").figures
    assert figure.spread is not None and figure.spread.mark == 240
    reached = sum((s.observations.exact or 0 for s in figure.spread.steps if s.upper and s.upper <= 240), Fraction(0))
    assert reached / figure.spread.total * 100 == figure.value.exact
    assert figure.spread.total == figure.denominator.exact


def test_the_spread_of_a_stock_and_of_a_mean_add_up_to_the_figure(views: dict[str, View]) -> None:
    (old,) = views["star-2021"].row("M2.D").figures
    assert old.spread is not None and old.spread.total == old.denominator.exact
    assert sum((s.hits.exact or 0 for s in old.spread.steps), Fraction(0)) == old.numerator.exact
    (time,) = views["star-2021"].row("M2.C").figures
    assert time.spread is not None
    assert sum((s.hits.exact or 0 for s in time.spread.steps), Fraction(0)) == time.numerator.exact


def test_the_trend_is_the_figure_at_each_quarter_end_under_the_approved_reading(world: World, views: dict[str, View]) -> None:
    points = views["star-2021"].row("M2.A").trend
    assert [p.day for p in points] == [date(2021, 3, 31), date(2021, 6, 30), date(2021, 9, 30), date(2021, 12, 31)]
    for point in points[1:3]:
        (line,) = (x for x in world.compute("star-2021", point.day).lines if x.row == "M2.A")
        assert point.value.exact == line.value and point.verdict.word == line.verdict


def test_what_has_changed_since_the_edition_before_stands_with_old_new_and_difference(computed: dict[str, Computed]) -> None:
    records = fulfilment_records(computed["star-2021"].lines, 1)
    old = {record["row"]: dict(record) for record in records}
    assert old["M2.A"]["value"] is not None
    old["M2.A"] |= {"value": old["M2.A"]["value"] - Decimal("0.04"), "verdict": "ikke opgjort"}

    def side(number: int, of: list[dict[str, Any]], code: str) -> Side:
        return Side("star-2021", date(2021, 12, 31), number, MADE, False, code, (), of, lambda: computed["star-2021"].scanning)

    def restated(before: list[dict[str, Any]]) -> dict[str, Any]:
        return between(side(1, before, "older"), side(2, records, "newer")).as_plain()

    view = build(computed["star-2021"], Facts(2, MADE, "Rettet leverance", restated(list(old.values()))))
    entries = [(c.row, c.what, c.difference, c.causes) for c in view.changes.entries]
    assert entries == [("M2.A", "verdikt", "", ("ændret program",)), ("M2.A", "resultat", "+0,04", ("ændret program +0,04",))]
    value = view.changes.entries[1]
    assert value.old != value.new and value.new.endswith(" pct.")
    text = page(view)
    assert "Rettet leverance" in text and "udgave 1 af 1. februar 2022" in text
    assert not build(computed["star-2021"], Facts(2, MADE, None, restated(records))).changes.entries


def test_an_amendment_stands_in_both_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    little = Little(tmp_path, monkeypatch)
    plan = (little.root / "plans" / "alpha.yaml").read_text()
    row = plan[plan.index('  - id: "1"') :].replace("80", "90")
    tillaeg = '  - id: T1\n    title: "Nyt måltal"\n    document: "Tillæg af 1. juli"\n    holds_from: 2021-07-01\n    rows:\n'
    little.write("plans/alpha.yaml", plan + "amendments:\n" + tillaeg + "".join(f"    {x}\n" for x in row.splitlines()))
    little.deliver_all()
    declared, ledger = little.declared, little.ledger
    found = scan(little.deliveries, declared.extracts, ledger, NOW)
    for extract in ("kinds_csv", "letters_csv"):
        take_extract(little.home, declared, extract, found, ledger, lambda text: None)
    for as_of, in_force, target in ((date(2021, 6, 30), False, "mindst 80 pct."), (date(2021, 12, 31), True, "mindst 90 pct.")):
        known = ledger.latest_arrival()
        assert known is not None
        one = compute(little.home, declared, ledger, load_plan(declared, "alpha"), as_of, known)
        view = build(one, Facts(1, NOW))
        (amendment,) = view.amendments
        assert amendment.in_force is in_force and view.rows[0].target == target
        (pair,) = amendment.rows
        assert "Mål: mindst 80 pct." in pair.before and "Mål: mindst 90 pct." in pair.after
        assert "Tillæg af 1. juli" in page(view)


@pytest.mark.parametrize(
    ("value", "marks", "shown"),
    [
        (Fraction(8996, 100), (90,), "89,96"),
        (Fraction(8995, 100), (90,), "89,95"),
        (Fraction(246, 100), (Fraction(5, 2), 0), "2,46"),
        (Fraction(1, 25), (0, 10), "0,04"),
        (Fraction(865, 10), (90,), "86,5"),
        (Fraction(8685, 100), (90,), "86,9"),  # half up
    ],
)
def test_more_decimals_where_rounding_would_hide_what_it_is(value: Fraction, marks: tuple[Any, ...], shown: str) -> None:
    assert danish_figure(value, *(Fraction(m) for m in marks)) == shown
