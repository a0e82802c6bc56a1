"""The little world with what a run does in one call: for tests of editions, of what changed between them, and of verifying them."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from little import NOW, Letter, Little

from maalopfyldelse import department
from maalopfyldelse.dates import parse_instant
from maalopfyldelse.department.table import table
from maalopfyldelse.edition import Published, compute, publish
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.scanning import load_plan

AS_OF = date(2021, 12, 31)


def _undrawn(view: department.View, into: Path) -> None:
    (into / "report.html").write_text(repr(view))
    (into / "fulfilment.csv").write_bytes(table(view))


class House:
    """The little world, with what a run does in one call. Unless asked for, the page is the view as it is: drawing takes longer
    than all the rest."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, draws: bool = False) -> None:
        if not draws:
            monkeypatch.setattr(department, "write", _undrawn)
        self.little = Little(folder, monkeypatch)
        self.home = self.little.home
        self.little.deliver_all()

    @classmethod
    def copied(cls, base: House, folder: Path, monkeypatch: pytest.MonkeyPatch) -> House:
        """The same in another folder, with all that has been done in it."""
        for part in (base.home.path, base.little.deliveries):
            shutil.copytree(part, folder / part.name)
        return cls(folder, monkeypatch)

    def change(self, name: str, old: str, new: str) -> None:
        """Edits a declaration."""
        path = self.little.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def withdraw(self, name: str, at: str, reason: str = "forkert udtræk") -> None:
        """Withdraws the delivery of that file name."""
        (delivery,) = (d for d in self.little.ledger.deliveries() if d.name == name)
        self.little.ledger.withdraw(delivery.delivery_id, reason, parse_instant(at))

    def letters(self, received_at: str, name: str, rows: list[Letter]) -> None:
        """Delivers letters."""
        self.little.deliver_rows(received_at, name, rows)

    def take(self) -> None:
        """Intake, without Great Expectations."""
        declared, ledger = self.little.declared, self.little.ledger
        found = scan(self.little.deliveries, declared.extracts, ledger, NOW)
        for extract in declared.extracts:
            refused = take_extract(self.home, declared, extract, found, ledger).refused
            assert not refused, refused

    def run(self, *, as_of: date = AS_OF, known_at: str | None = None, reason: str | None = None) -> Published:
        """Intake and an edition of plan alpha."""
        self.take()
        declared, ledger = self.little.declared, self.little.ledger
        known = parse_instant(known_at) if known_at else ledger.latest_arrival()
        assert known is not None
        computed = compute(self.home, declared, ledger, load_plan(declared, "alpha"), as_of, known)
        return publish(computed, ledger, reason=reason, now=NOW)
