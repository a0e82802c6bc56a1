"""A little world of its own, without the repository's declarations: two plans on two tables, and a list that a rule looks up.

For tests of what happens around the counting (Dagster, runs, refusals); it is small so that a run costs little.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from maalopfyldelse import declared as gathering
from maalopfyldelse.declared import Declared
from maalopfyldelse.home import Home
from maalopfyldelse.intake.ledger import Ledger

_TABLE = """
table: {table}
comment: "One a row"
key: [{one}_id]
columns:
  {one}_id: {{type: varchar, comment: "Number"}}
  received_date: {{type: date, comment: "Day of receipt"}}
  kind: {{type: varchar, comment: "Kind"}}
  is_answered: {{type: boolean, comment: "Whether it was answered"}}
"""
_EXTRACT = """
extract: {table}_csv
summary: "{table} of the little world"
system: little
supplier: "The office"
table: {table}
files: ["{table}*.csv"]
superseding: key
layouts:
  - id: csv
    format: {{type: csv, delimiter: ";"}}
    columns:
      {one}_id: {{from: id}}
      received_date: {{from: received, format: "%Y-%m-%d"}}
      kind: {{from: kind}}
      is_answered: {{from: answered, codes: {{y: "true", n: "false"}}}}
rules:
  - code: {upper}-KIND
    type: UnexpectedRowsExpectation
    kwargs: {{unexpected_rows_query: "select 1 from {{batch}} b where b.kind not in (select kind from kinds)"}}
    message: "A kind that the list does not know. Have the list completed."
  - code: {upper}-FEW
    type: ExpectTableRowCountToBeBetween
    kwargs: {{min_value: 2}}
    severity: warning
    message: "Fewer than two rows. Check the export."
"""
_KINDS_TABLE = """
table: kinds
comment: "The kinds there are"
key: [kind]
columns:
  kind: {type: varchar, comment: "Kind"}
"""
_KINDS = """
extract: kinds_csv
summary: "The kinds there are"
system: little
supplier: "The office"
table: kinds
files: ["kinds*.csv"]
superseding: whole
layouts:
  - {id: csv, format: {type: csv, delimiter: ";"}, columns: {kind: {from: kind}}}
rules:
  - {code: KIND-TWICE, type: ExpectColumnValuesToBeUnique, kwargs: {column: kind}, message: "A kind stands twice."}
"""
_MEASURE = """/*---
measure: {table}_answered
summary: One of the {table} a row, and whether it was answered.
kind: share
numerator: besvarede
denominator: modtagne
grain: [{one}_id]
leading:
  - {{table: {table}, window: "received_date > $from_date and received_date <= $as_of"}}
columns:
  {one}_id: {{type: varchar, comment: "Number"}}
---*/
select
    t.{one}_id,
    r.reading_id,
    t.received_date as observed_date,
    cast(1 as bigint) as source_rows,
    cast(null as varchar) as reason,
    cast(case when t.is_answered then 1 else 0 end as bigint) as numerator,
    cast(1 as bigint) as denominator,
    true as is_known
from {table} as t
cross join readings as r
where t.received_date > $from_date and t.received_date <= $as_of
"""
_PLAN = """
plan: {plan}
title: "Little plan {plan}"
agency: "The agency"
contract: {{from: 2021-01-01, to: 2021-12-31, document: "A page", parties: ["A", "B"]}}
reporting: {{dates: [2021-06-30, 2021-12-31], due_days: 14, closing_days: 10}}
weights: 100
rows:
  - id: "1"
    text: "Mindst 80 pct. skal besvares."
    clause: {{lines: [1]}}
    weight: 100
    measure: {table}_answered
    window: year_to_date
    result: pooled
    target: {{at_least: 80, unit: pct}}
    grade: threshold
"""
NOW = datetime(2022, 2, 1, 12, tzinfo=UTC)
Letter = tuple[str, str, str, str]
GOOD: list[Letter] = [("1", "2021-02-01", "a", "y"), ("2", "2021-03-01", "a", "y"), ("3", "2021-04-01", "b", "n")]


class Little:
    """The world in a folder: declarations, deliveries, home."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.deliveries = folder / "declared", folder / "deliveries"
        for table, one, plan in (("letters", "letter", "alpha"), ("visits", "visit", "beta")):
            words = {"table": table, "one": one, "plan": plan, "upper": one.upper()}
            self.write(f"expectations/tables/{table}.yaml", _TABLE.format(**words))
            self.write(f"expectations/{table}_csv.yaml", _EXTRACT.format(**words))
            self.write(f"sql/{table}_answered.sql", _MEASURE.format(**words))
            self.write(f"plans/{plan}.yaml", _PLAN.format(**words))
        self.write("expectations/tables/kinds.yaml", _KINDS_TABLE)
        self.write("expectations/kinds_csv.yaml", _KINDS)
        monkeypatch.setattr(gathering, "REPOSITORY", self.root)
        self.home = Home(folder / "home")

    @property
    def declared(self) -> Declared:
        """As it is written now."""
        return gathering.load(None)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.home.ledger)

    def write(self, name: str, text: str) -> None:
        """Puts a declaration in its place."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))

    def deliver(self, received_at: str, name: str, text: str) -> None:
        """Puts a file among the deliveries."""
        path = self.deliveries / received_at / "little" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def deliver_rows(self, received_at: str, name: str, rows: list[Letter]) -> None:
        """Delivers letters or visits."""
        self.deliver(received_at, name, "id;received;kind;answered\n" + "".join(";".join(row) + "\n" for row in rows))

    def deliver_all(self) -> None:
        """What both plans need."""
        self.deliver("2021-01-01T0800", "kinds.csv", "kind\na\nb\n")
        self.deliver_rows("2022-01-05T0800", "letters_2021.csv", GOOD)
        self.deliver_rows("2022-01-05T0800", "visits_2021.csv", GOOD)
