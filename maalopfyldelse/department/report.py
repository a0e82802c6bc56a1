"""The report: one page of HTML for the department, from the view.

Here is what the template needs besides the view: the charts, which rows come first in the analysis, and the style sheet. The page
holds everything it shows, reaches for nothing outside itself and runs no script; every text is escaped by the template.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ..wording import long_clock, long_date
from .charts import Charts
from .view import Figure, Row, View

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Group:
    """A row at the top of the plan with all rows below it, in the plan's order."""

    top: Row
    below: tuple[Row, ...]


def page(view: View) -> str:
    """The page as text; the same view gives the same text."""
    return _template().render(
        view=view, draw=_Pictures(), css=Markup(_style()), unmet=groups(view, met=False), met=groups(view, met=True)
    )


def groups(view: View, *, met: bool) -> list[Group]:
    """The top rows that are met with everything below them, or the others."""
    parents = {row.id: row.parent for row in view.rows}

    def top_of(row: Row) -> str:
        found = row.id
        while (parent := parents[found]) is not None:
            found = parent
        return found

    made = [
        Group(top, tuple(r for r in view.rows if r is not top and top_of(r) == top.id)) for top in view.rows if top.parent is None
    ]
    return [group for group in made if all(r.is_met for r in (group.top, *group.below)) == met]


class _Pictures:
    """The charts of one page, as markup that the template may print as it is."""

    def __init__(self) -> None:
        self._charts = Charts()

    def small_trend(self, row: Row) -> Markup:
        return Markup(self._charts.trend(row))

    def large_trend(self, row: Row) -> Markup:
        return Markup(self._charts.trend(row, large=True))

    def total(self, view: View) -> Markup:
        return Markup(self._charts.total(view.total) if view.total else "")

    def ranking(self, figure: Figure) -> Markup:
        return Markup(self._charts.ranking(figure) if figure.best else "")

    def spread(self, figure: Figure) -> Markup:
        return Markup(self._charts.spread(figure.spread, figure) if figure.spread else "")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"long_date": long_date, "long_time": long_clock}
    return environment.get_template("report.html.jinja")


@cache
def _style() -> str:
    return (HERE / "report.css").read_text()
