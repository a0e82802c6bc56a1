"""`HOME/checks/index.html`: what has arrived and how it stood against its contract, on one page for the engineer.

One static file in English, without script, network or cell values, written from the ledger and the contracts alone, so without
importing Great Expectations. Its own Data Docs are not used: they print the observed values of results (a maximum is a cell's
value), and fetch their styles and scripts from other hosts. What the department reads is elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from .contract import Extract
from .dates import DANISH_ZONE, danish_date
from .declared import Declared
from .expectations import suite_hash
from .home import Home
from .intake.ledger import CheckResult, Delivery, Ledger
from .news import Gap, gaps_of

_STYLE = """
:root { --ink: #1d2328; --soft: #5b6670; --line: #d9dee3; --bad: #a3161f; --warn: #8a5a00; --good: #1c6b3c; }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 2.5rem 6rem; max-width: 84rem; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif; font-variant-numeric: tabular-nums }
h1 { font-size: 1.6rem; margin: 0 0 .25rem } h2 { font-size: 1.2rem; margin: 3rem 0 .25rem; padding-top: 1rem; border-top: 2px solid var(--ink) }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem } p { margin: .25rem 0; max-width: 60rem } a { color: inherit }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600; color: var(--soft); font-size: .85rem } td { overflow-wrap: break-word }
.n { text-align: right; white-space: nowrap; padding-right: 1.4rem }
.when, .code { white-space: nowrap } .code, code { font: .85em ui-monospace, "DejaVu Sans Mono", monospace }
.soft { color: var(--soft) } .bad { color: var(--bad); font-weight: 600 } .warn { color: var(--warn); font-weight: 600 } .good { color: var(--good) }
summary { cursor: pointer } details table { font-size: .9rem; margin: .25rem 0 .75rem; width: auto }
details .code, .fault { white-space: normal } .fault { display: block; max-width: 12rem; margin-left: auto; overflow-wrap: anywhere }
:focus-visible { outline: 3px solid #1f4e79; outline-offset: 2px } .scroll { overflow-x: auto }
@media (max-width: 60rem) { body { padding: 1rem 1rem 3rem; overflow-wrap: anywhere }
  .scroll table { min-width: 46rem; overflow-wrap: normal } details table { min-width: 0 !important } }
@media print { body { padding: 0; font-size: 11px } .scroll { overflow: visible } .scroll table { min-width: 0 }
  .when, .code, .n { white-space: normal; overflow-wrap: anywhere } }
"""


@dataclass(frozen=True)
class _Seen:
    """What the page says of one extract."""

    extract: Extract
    deliveries: list[Delivery]
    checks: dict[str, list[CheckResult]]  # by delivery
    held_back: set[str]
    in_the_way: set[str]
    gaps: list[Gap]

    def failing(self, delivery: Delivery, severity: str) -> list[CheckResult]:
        return [c for c in self.checks.get(delivery.delivery_id, []) if not c.success and c.severity == severity]


def write_checks_page(home: Home, declared: Declared, ledger: Ledger) -> Path:
    """Writes the page anew, in one step; its path."""
    page = "\n".join(_page(declared, ledger))
    home.checks.mkdir(mode=0o700, exist_ok=True)
    temporary = home.tmp / "checks.html"
    temporary.write_text(page, encoding="utf-8")
    return temporary.replace(home.checks / "index.html")


def _page(declared: Declared, ledger: Ledger) -> Iterator[str]:
    latest = ledger.latest_arrival()
    seen = [_look(extract, ledger, latest) for _, extract in sorted(declared.extracts.items())]
    came = [one for one in seen if one.deliveries]
    yield "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>Deliveries and checks</title>"
    yield "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>{_STYLE}</style></head><body>"
    yield "<main><h1>Deliveries and checks</h1>"
    yield f"<p class='soft'>All that is known at {_when(latest) if latest else 'no time: nothing has arrived'}. Times are Danish.</p>"
    if any(d.synthetic for one in came for d in one.deliveries):
        yield "<p class='warn'>Sample data are among the deliveries.</p>"
    yield _table(
        ("Extract", "n Deliveries", "n Refused", "n Rows kept", "n Set aside", "n Rules", "Stands in the way", "Newest arrival"),
        (_summary(one) for one in came),
        "All extracts",
    )
    withdrawn = {delivery_id: reason for delivery_id, reason, _ in reversed(ledger.withdrawals())}
    set_aside = ledger.reject_counts()
    for one in came:
        yield from _of_extract(one, withdrawn, set_aside)
    if without := [one.extract.extract for one in seen if not one.deliveries]:
        yield f"<h2>Nothing has come of</h2><p>{escape(', '.join(without))}</p>"
    yield "</main></body></html>\n"


def _look(extract: Extract, ledger: Ledger, latest: datetime | None) -> _Seen:
    checks: dict[str, list[CheckResult]] = {}
    for check in ledger.checks(extract.extract):
        checks.setdefault(check.delivery_id, []).append(check)
    deliveries, counting = ledger.deliveries(extract.extract), ledger.counting(extract.extract)
    good = {d.delivery_id for d in counting}
    return _Seen(
        extract,
        deliveries[::-1],
        checks,
        {d.delivery_id for d in deliveries if d.state == "stored" and d.withdrawn_at is None} - good,
        {b.delivery_id for b in ledger.blocking([extract.extract])},
        gaps_of(extract, counting, danish_date(latest)) if latest else [],
    )


def _summary(one: _Seen) -> Iterable[str]:
    names = one.extract.extract
    refused = sum(d.state == "refused" and d.withdrawn_at is None for d in one.deliveries)
    yield f"<a href='#{escape(names)}'>{escape(names)}</a>"
    yield _n(len(one.deliveries))
    yield _n(refused)
    yield _n(sum(d.rows_kept or 0 for d in one.deliveries))
    yield _n(sum(d.rows_set_aside or 0 for d in one.deliveries))
    yield _n(len(one.extract.rules))
    yield f"<span class='bad'>{len(one.in_the_way)} deliveries</span>" if one.in_the_way else "<span class='good'>nothing</span>"
    yield f"<span class='when'>{_when(max(d.arrived_at for d in one.deliveries))}</span>"


def _of_extract(one: _Seen, withdrawn: dict[str, str], set_aside: dict[str, dict[tuple[str, str | None], int]]) -> Iterator[str]:
    extract = one.extract
    yield f"<h2 id='{escape(extract.extract)}'>{escape(extract.extract)}</h2><p>{escape(extract.summary)}</p>"
    facts = [f"From {extract.supplier}", f"table <code>{escape(extract.table)}</code>", f"supersedes by {extract.superseding}"]
    if extract.period and extract.period.every:
        facts.append(f"one delivery a {extract.period.every} from {escape(extract.period.since or 'the first')} on")
    facts += [f"at most {extract.limits.max_set_aside_share:.0%} of the rows set aside"]
    yield f"<p class='soft'>{escape(facts[0])}; {'; '.join(facts[1:])}; suite <code>{suite_hash(extract)[:12]}</code></p>"
    yield from (f"<p class='{'soft' if gap.is_awaited else 'warn'}'>{escape(gap.text)}</p>" for gap in one.gaps)
    if extract.rules:
        yield "<h3>Rules</h3>"
        yield _table(
            ("Code", "Severity", "When it fails", "n Deliveries", "n Failing"),
            (_rule(one, rule.code, rule.severity, rule.message) for rule in extract.rules),
            f"Rules of {extract.extract}",
        )
    yield "<h3>Deliveries, the newest first</h3>"
    yield _table(
        ("Arrived", "File", "Period", "n Read", "n Kept", "n Set aside", "Outcome", "Rules"),
        (_delivery(one, d, withdrawn.get(d.delivery_id), set_aside.get(d.delivery_id, {})) for d in one.deliveries),
        f"Deliveries of {extract.extract}",
    )


def _rule(one: _Seen, code: str, severity: str, message: str) -> Iterable[str]:
    results = [c for checks in one.checks.values() for c in checks if c.code == code]
    failing = sum(not c.success for c in results)
    word = "bad" if severity == "critical" else "warn"
    yield f"<span class='code'>{escape(code)}</span>"
    yield severity
    yield escape(message)
    yield _n(len(results))
    yield f"<span class='{word}'>{_n(failing)}</span>" if failing else _n(0)


def _delivery(one: _Seen, d: Delivery, reason: str | None, set_aside: dict[tuple[str, str | None], int]) -> Iterable[str]:
    sighting = "<br><span class='warn'>first sighting only</span>" if d.arrival_source == "sighting" else ""
    yield f"<span class='when'>{_when(d.arrived_at)}</span>{sighting}"
    yield f"{escape(d.name)}<br><span class='soft code'>{escape(d.delivery_id)}</span>"
    yield f"<span class='when'>{escape(d.period or '')}</span>"
    yield from ("" if n is None else _n(n) for n in (d.rows_read, d.rows_kept))
    codes = "".join(
        f"<span class='soft fault'>{escape(_fault(code, column))}: {n:,}</span>" for (code, column), n in set_aside.items()
    )
    yield ("" if d.rows_set_aside is None else _n(d.rows_set_aside)) + codes
    yield _outcome(one, d, reason)
    checks = one.checks.get(d.delivery_id, [])
    critical, others = one.failing(d, "critical"), one.failing(d, "warning") + one.failing(d, "info")
    told = f"<span class='bad'>{len(critical)} fail</span>, " * bool(
        critical
    ) + f"<span class='warn'>{len(others)} warn</span>, " * bool(others)
    if checks:
        results = _table(("Rule", "Result", "n Do not fit", "n Of"), (_check(c) for c in checks))
        opened = " open" if critical else ""
        yield f"<details{opened}><summary>{told}{sum(c.success for c in checks)} of {len(checks)} hold</summary>{results}</details>"
    else:
        yield ""


def _outcome(one: _Seen, d: Delivery, reason: str | None) -> str:
    way = "<br><span class='bad'>Stands in the way of the plans that read it.</span>" if d.delivery_id in one.in_the_way else ""
    if d.withdrawn_at is not None:
        return f"withdrawn {_when(d.withdrawn_at)}: {escape(reason or '')}"
    if d.state == "refused":
        return (
            f"<span class='bad'>refused</span> <span class='code'>{escape(d.code or '')}</span><br>{escape(d.message or '')}{way}"
        )
    if d.delivery_id in one.held_back:
        return f"<span class='bad'>held back</span>: it fails a critical rule{way}"
    return "<span class='good'>taken in</span>"


def _check(check: CheckResult) -> Iterable[str]:
    word = "bad" if check.severity == "critical" else "warn"
    yield f"<span class='code'>{escape(check.code)}</span>"
    yield "<span class='good'>holds</span>" if check.success else f"<span class='{word}'>{escape(check.severity)}</span>"
    yield "" if check.unexpected_count is None else _n(check.unexpected_count)
    yield "" if check.element_count is None else _n(check.element_count)


def _fault(code: str, column: str | None) -> str:
    return f"{code} in {column}" if column else code


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], name: str = "") -> str:
    """`n ` before a head puts its column to the right; cells are HTML. A named table scrolls by itself where it is too wide."""
    names = list(heads)
    right = [" class='n'" if head.startswith("n ") else "" for head in names]
    lines = [
        "<table><thead><tr>"
        + "".join(f"<th scope='col'{r}>{escape(head.removeprefix('n '))}</th>" for r, head in zip(right, names, strict=True))
        + "</tr></thead><tbody>"
    ]
    lines += ["<tr>" + "".join(f"<td{r}>{cell}</td>" for r, cell in zip(right, row, strict=True)) + "</tr>" for row in rows]
    table = "\n".join([*lines, "</tbody></table>"])
    return f"<div class='scroll' role='region' tabindex='0' aria-label='{escape(name)}'>{table}</div>" if name else table


def _n(number: int) -> str:
    return f"{number:,}"


def _when(instant: datetime) -> str:
    return f"{instant.astimezone(DANISH_ZONE):%Y-%m-%d %H:%M}"
