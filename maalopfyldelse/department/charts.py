"""The pictures of the report: inline SVG made from the view by Vega-Lite, each with a text alternative.

Here is how a picture looks; what is in it is the view's. No picture needs colour: a target is a dashed line, a verdict has a shape,
what is open is hatched or hollow. The same values give the same bytes: Vega is given the numbers, no clock and no address.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction
from functools import cache
from itertools import count
from typing import Any

from ..printing import danish_exact, danish_figure
from .view import Figure, Row, Spread, Total

_SVG = "http://www.w3.org/2000/svg"
_INK, _SOFT, _LINE, _ACCENT, _PALE = "#1b1f24", "#565e68", "#c9ced6", "#1f4e79", "#dbe6f1"
_NUMBERS = {
    "decimal": ",",
    "thousands": ".",
    "grouping": [3],
    "currency": ["", " kr."],
}
# Vega brings this font along: what is measured in it comes out alike on every machine. The page sets its own.
_CONFIG = {
    "background": None,
    "view": {"stroke": None},
    "font": "Liberation Sans",
    "axis": {
        "labelColor": _SOFT,
        "titleColor": _SOFT,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "domainColor": _LINE,
        "tickColor": _LINE,
        "gridColor": "#e7eaee",
        "labelPadding": 4,
    },
    "text": {"fontSize": 11, "color": _INK},
}


class Charts:
    """Draws the pictures of one page; each gets ids of its own, in the order they are asked for."""

    def __init__(self) -> None:
        self._ids = count(1)

    def trend(self, row: Row, *, large: bool = False) -> str:
        """The figure at each day with the target as a dashed line; '' with fewer than two figures."""
        points, target = row.trend, row.target_exact
        known = [p for p in points if p.value.exact is not None]
        if len(known) < 2:
            return ""
        values = [number(p.value.exact) for p in known] + ([number(target)] if target is not None else [])
        low, high = _domain(values, row.unit)
        width, height = (340, 150) if large else (150, 44)
        labels = [p.label for p in points]
        x: dict[str, Any] = {"field": "label", "type": "ordinal", "sort": labels, "scale": {"domain": labels}}
        x["axis"] = {"title": None, "labelAngle": 0, "grid": False, "ticks": False} if large else None
        y: dict[str, Any] = {
            "field": "value",
            "type": "quantitative",
            "scale": {"domain": [low, high], "nice": False, "zero": False},
        }
        y["axis"] = {"title": None, "tickCount": 4, "domain": False, "ticks": False} if large else None
        shown = [{"label": p.label, "value": number(p.value.exact), "text": p.value.text, "last": p is known[-1]} for p in known]
        layers: list[dict[str, Any]] = [
            {"mark": {"type": "line", "color": _ACCENT, "strokeWidth": 1.8}, "encoding": {"x": x, "y": y}},
            {
                "mark": {"type": "point", "filled": True, "color": _ACCENT, "size": 34 if large else 16, "opacity": 1},
                "encoding": {"x": x, "y": y},
            },
        ]
        if target is not None:
            layers.insert(0, _rule(number(target), "mål" if large else None, y["axis"]))
        if large:
            layers.append({"mark": {"type": "text", "dy": -11}, "encoding": {"x": x, "y": y, "text": {"field": "text"}}})
        else:
            layers.append(
                {
                    "transform": [{"filter": "datum.last"}],
                    "mark": {"type": "point", "filled": True, "color": _ACCENT, "size": 46, "opacity": 1},
                    "encoding": {"x": x, "y": y},
                }
            )
        told = "; ".join(f"{p.label} {p.value.text or 'ikke opgjort'}" for p in points)
        return self._svg(
            _spec(width, height, shown, layers), f"Udvikling: {told}{f'; mål {row.target}' if row.target else ''}", ""
        )

    def total(self, total: Total) -> str:
        """The whole as a bar: what is certain, what is open, what is lost."""
        low, high, of = number(total.low), number(total.high), number(total.of)
        rows: list[dict[str, Any]] = [
            {"from": 0, "to": low, "kind": "sikker"},
            {"from": low, "to": high, "kind": "åben"},
            {"from": high, "to": of, "kind": "ikke opnået"},
        ]
        x = {
            "field": "from",
            "type": "quantitative",
            "scale": {"domain": [0, of]},
            "axis": {"title": None, "grid": False, "tickCount": 5, "labelFontSize": 13},
        }
        bars = {
            "mark": {"type": "bar", "height": 26, "stroke": _ACCENT, "strokeWidth": 1},
            "encoding": {
                "x": x,
                "x2": {"field": "to"},
                "color": {
                    "field": "kind",
                    "legend": None,
                    "scale": {"domain": ["sikker", "åben", "ikke opnået"], "range": [_ACCENT, "url(#tern)", "#ffffff"]},
                },
            },
        }
        told = f"Samlet målopfyldelse: {total.text}"
        return self._svg(
            _spec(560, 30, [r for r in rows if r["to"] > r["from"]], [bars]),
            told,
            "Fuld farve er opnået, skraveret er ikke afgjort, tom er ikke opnået.",
        )

    def ranking(self, figure: Figure) -> str:
        """Every group by its share, best first, the best n filled, with the target as a dashed line."""
        rows = [
            {"rank": place, "value": number(p.value.exact), "best": p.is_chosen}
            for place, p in enumerate(figure.parts, 1)
            if p.value.exact is not None
        ]
        if not rows:
            return ""
        x = {"field": "rank", "type": "quantitative", "scale": {"domain": [0.3, len(rows) + 0.7], "nice": False}}
        x["axis"] = {"title": f"{figure.parts_by}, bedste først", "grid": False, "tickMinStep": 1, "format": "d"}
        y = {
            "field": "value",
            "type": "quantitative",
            "axis": {"title": figure.unit, "tickCount": 5, "domain": False, "ticks": False},
        }
        width = 640
        bars = {
            "mark": {"type": "bar", "width": max(2, width / len(rows) - 1.6), "stroke": _ACCENT, "strokeWidth": 0.8},
            "encoding": {
                "x": x,
                "y": y,
                "color": {"field": "best", "legend": None, "scale": {"domain": [True, False], "range": [_ACCENT, _PALE]}},
            },
        }
        layers: list[dict[str, Any]] = [bars]
        if figure.target_exact is not None:
            layers.append(_rule(number(figure.target_exact), "mål", y["axis"]))
        chosen, hidden = figure.best[0][0], len(figure.parts) - len(rows)
        without, shown = (f", {hidden} er skjult", "viste blandt de ") if hidden else ("", "")
        told = f"{figure.parts_by}: {len(rows)} i rækkefølge efter andel{without}; de {shown}{chosen} bedste er udfyldt."
        told += f" Samlet for dem: {figure.value.text}."
        return self._svg(_spec(width, 190, rows, layers), told, f"Den stiplede linje er målet, {figure.target}.")

    def spread(self, spread: Spread, figure: Figure) -> str:
        """How the observations lie, as a curve of the share reached or as bars."""
        if not spread.total:
            return ""
        return self._curve(spread, figure) if spread.shape == "curve" else self._bars(spread, figure)

    def _curve(self, spread: Spread, figure: Figure) -> str:
        reached, rows = Fraction(0), [{"at": 0.0, "share": 0.0}]
        at_mark: Fraction | None = None
        for step in spread.steps:
            reached += step.observations.exact or 0
            if step.upper is None:
                continue
            rows.append({"at": number(step.upper), "share": number(reached / spread.total * 100)})
            if step.upper == spread.mark:
                at_mark = reached / spread.total * 100
        last = max(r["at"] for r in rows)
        x = {
            "field": "at",
            "type": "quantitative",
            "scale": {"domain": [0, last], "nice": False},
            "axis": {"title": f"{spread.axis} i {spread.unit}", "grid": False, "tickCount": 8},
        }
        y = {
            "field": "share",
            "type": "quantitative",
            "scale": {"domain": [0, 100]},
            "axis": {"title": "pct.", "tickCount": 5, "domain": False, "ticks": False},
        }
        layers: list[dict[str, Any]] = [
            {"mark": {"type": "line", "color": _ACCENT, "strokeWidth": 2, "interpolate": "linear"}, "encoding": {"x": x, "y": y}}
        ]
        told = f"Andel {spread.reached} efter {spread.axis}."
        if spread.mark is not None:
            at, share = number(spread.mark), None if at_mark is None else number(at_mark)
            layers.append(
                {
                    "data": {"values": [{"at": at}]},
                    "mark": {"type": "rule", "color": _INK, "strokeWidth": 1},
                    "encoding": {"x": {"field": "at", "type": "quantitative"}},
                }
            )
            if share is not None and at_mark is not None:
                text = f"{danish_figure(at_mark, figure.target_exact)} pct. inden for {danish_exact(spread.mark)} {spread.unit}"
                layers += _marked({"at": at, "share": share, "text": text}, "at", "share", left=at > last / 2)
                told = f"{text.capitalize()} er {spread.reached}."
        if figure.target_exact is not None and figure.unit == "pct.":
            layers.insert(0, _rule(number(figure.target_exact), "mål", y["axis"]))
        return self._svg(
            _spec(340, 150, rows, layers),
            told,
            f"Kurven viser, hvor stor en del af alle {figure.denominator_words}, der er {spread.reached}, efter {spread.axis} i {spread.unit}.",
        )

    def _bars(self, spread: Spread, figure: Figure) -> str:
        rows, before = [], Fraction(0)
        width = max((s.upper for s in spread.steps if s.upper is not None), default=Fraction(1))
        shown = [s for s in spread.steps if s.upper is not None]
        while len(shown) > 8 and not shown[-1].observations.exact:
            shown.pop()
        stock = figure.unit == "pct."
        for step in shown:
            assert step.upper is not None
            every, hits = step.observations.exact or Fraction(0), (step.hits.exact or Fraction(0)) if stock else Fraction(0)
            for kind, number_of, base in (("over", hits, Fraction(0)), ("under", every - hits, hits)):
                if number_of:
                    rows.append(
                        {
                            "from": number(before),
                            "to": number(step.upper),
                            "n": number(base),
                            "n2": number(base + number_of),
                            "kind": kind,
                        }
                    )
            before = step.upper
        width = before
        x = {
            "field": "from",
            "type": "quantitative",
            "scale": {"domain": [0, number(width)], "nice": False},
            "axis": {"title": f"{spread.axis} i {spread.unit}", "grid": False, "tickCount": 8},
        }
        y = {
            "field": "n",
            "type": "quantitative",
            "axis": {"title": "antal", "tickCount": 4, "tickMinStep": 1, "format": "d", "domain": False, "ticks": False},
        }
        bars = {
            "mark": {"type": "rect", "stroke": _ACCENT, "strokeWidth": 1},
            "encoding": {
                "x": x,
                "x2": {"field": "to"},
                "y": y,
                "y2": {"field": "n2"},
                "color": {"field": "kind", "legend": None, "scale": {"domain": ["over", "under"], "range": [_ACCENT, _PALE]}},
            },
        }
        beyond = spread.steps[-1].observations
        told = f"Fordeling efter {spread.axis}."
        if stock:
            told += f" Udfyldt: {figure.numerator_words} ({figure.numerator.text}); lys: de øvrige."
        if beyond.exact:
            told += f" Yderligere {beyond.text} ligger højere."
        return self._svg(_spec(340, 150, rows, [bars]), told, "")

    def _svg(self, spec: dict[str, Any], title: str, description: str) -> str:
        return _labelled(_drawn(spec), f"b{next(self._ids)}", title, description)


def number(exact: Fraction | None) -> float:
    """A number for the pen; the only place where a figure becomes a float."""
    return 0.0 if exact is None else round(float(exact), 6)


def _domain(values: list[float], unit: str) -> tuple[float, float]:
    """Room around the values, but never below 0 or above 100 pct. where none lies there."""
    low, high = min(values), max(values)
    pad = (high - low) * 0.12 or max(abs(high) * 0.05, 0.5)
    top = min(high + pad, 100.0) if unit == "pct." and high <= 100 else high + pad
    return (max(0.0, low - pad) if low >= 0 else low - pad), top


def _rule(at: float, label: str | None, axis: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {"mark": {"type": "rule", "strokeDash": [4, 3], "color": _INK, "strokeWidth": 1}}
    rule |= {"data": {"values": [{"mark": at}]}, "encoding": {"y": {"field": "mark", "type": "quantitative", "axis": axis}}}
    if label is None:
        return rule
    # beside the plot: within it a figure on the line would lie over the word
    text = {"mark": {"type": "text", "align": "left", "x": "width", "dx": 5, "text": label, "color": _INK, "fontStyle": "italic"}}
    data = rule.pop("data")
    encoding = rule.pop("encoding")
    return {"data": data, "encoding": encoding, "layer": [rule, text]}


def _marked(row: dict[str, Any], x: str, y: str, *, left: bool) -> list[dict[str, Any]]:
    encoding = {"x": {"field": x, "type": "quantitative"}, "y": {"field": y, "type": "quantitative"}}
    align = {"align": "right", "dx": -8} if left else {"align": "left", "dx": 8}
    return [
        {
            "data": {"values": [row]},
            "mark": {"type": "point", "filled": True, "color": _INK, "size": 46, "opacity": 1},
            "encoding": encoding,
        },
        {
            "data": {"values": [row]},
            "mark": {"type": "text", "dy": 14, **align},
            "encoding": encoding | {"text": {"field": "text"}},
        },
    ]


def _spec(width: int, height: int, rows: list[dict[str, Any]], layers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "width": width,
        "height": height,
        "padding": 4,
        "config": _CONFIG,
        "data": {"values": rows},
        "layer": layers,
    }


def _drawn(spec: dict[str, Any]) -> str:
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version="6.4", format_locale=_NUMBERS, allowed_base_urls=[])
    return drawn


@cache
def _registered() -> None:
    ET.register_namespace("", _SVG)


def _labelled(svg: str, name: str, title: str, description: str) -> str:
    """The picture as one image with a name for those who do not see it; what Vega says of its parts is left out, and sizes are
    the page's."""
    _registered()
    root = ET.fromstring(svg)
    for element in root.iter():
        for attribute in [
            a for a in element.attrib if a.startswith("aria-") or a in ("role", "class", "pointer-events", "font-family")
        ]:
            del element.attrib[attribute]
        if element.get("display") == "none":
            element.set("display", "none")
    for parent in list(root.iter()):
        for child in [
            c
            for c in parent
            if c.get("display") == "none" or (c.tag == f"{{{_SVG}}}path" and not c.get("d", "").strip("Mmh,v0Z "))
        ]:
            parent.remove(child)
    width, height = root.attrib["width"], root.attrib["height"]
    root.attrib.clear()
    root.attrib |= {"viewBox": f"0 0 {width} {height}", "width": width, "height": height, "role": "img", "focusable": "false"}
    root.set("aria-labelledby", f"{name}-t" + (f" {name}-d" if description else ""))
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        if text:
            made = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag[0]}"})
            made.text = text
            root.insert(place, made)
    return ET.tostring(root, encoding="unicode").replace(f' xmlns="{_SVG}"', "")
