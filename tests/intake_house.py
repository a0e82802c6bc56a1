"""Small contracts and deliveries for the intake tests: a home, a folder of deliveries, and one call to take what lies there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maalopfyldelse.contract import Extract, Table
from maalopfyldelse.declared import Declared
from maalopfyldelse.engine import connect
from maalopfyldelse.home import Home
from maalopfyldelse.intake.current import CurrentTable, create_current
from maalopfyldelse.intake.deliveries import Scan, scan
from maalopfyldelse.intake.ledger import Delivery, Ledger
from maalopfyldelse.intake.take import TakeReport, take_extract

SIGHTED = datetime(2022, 1, 1, 12, tzinfo=UTC)


def table(columns: dict[str, Any], *, name: str = "things", key: list[str] | None = None, **more: Any) -> Table:
    """A table; `columns` maps a name to its type, with `?` for one that may be null, or to a dict."""
    specs: dict[str, Any] = {}
    for column, spec in columns.items():
        if isinstance(spec, str):
            spec = {"type": spec.rstrip("?"), "required": not spec.endswith("?")}
        specs[column] = {"comment": column, **spec}
    return Table.model_validate({"table": name, "comment": name, "key": key or [next(iter(columns))], "columns": specs, **more})


def extract(columns: dict[str, Any], *, name: str = "things_csv", into: str = "things", **more: Any) -> Extract:
    """An extract with one layout (`layout:` and `format:` add to it). `columns` maps a table column to a file column or a source."""
    layout = {
        "id": "csv",
        "format": {"type": "csv", **more.pop("format", {})},
        "columns": {c: {"from": s} if isinstance(s, str) else s for c, s in columns.items()},
        **more.pop("layout", {}),
    }
    return Extract.model_validate(
        {
            "extract": name,
            "summary": "s",
            "system": "system",
            "supplier": "s",
            "table": into,
            "files": ["*"],
            "superseding": "whole",
            "layouts": [layout],
            "limits": {"max_set_aside_share": 1, "min_rows": 0},
            **more,
        }
    )


@dataclass
class House:
    """A home and a deliveries folder with their contracts."""

    root: Path
    tables: list[Table]
    extracts: list[Extract]
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.root / "deliveries"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "SYNTHETIC").touch()
        self.home = Home(self.root / "home")
        self.ledger = Ledger(self.home.ledger)

    @property
    def declared(self) -> Declared:
        return Declared((), {t.table: t for t in self.tables}, {e.extract: e for e in self.extracts}, {}, {})

    def put(self, name: str, content: str | bytes, *, arrival: str | None = "2021-04-12T0800", system: str = "system") -> Path:
        """Puts a file into the folder."""
        path = self.folder / arrival / system / name if arrival else self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def scan(self) -> Scan:
        return scan(self.folder, self.declared.extracts, self.ledger, SIGHTED)

    def take(self, name: str | None = None) -> TakeReport:
        """Takes what lies there for the (first) extract."""
        chosen = name or self.extracts[0].extract
        return take_extract(self.home, self.declared, chosen, self.scan(), self.ledger, self.said.append)

    def take_one(self, content: str | bytes, name: str = "things.csv") -> Delivery:
        """Puts one file and takes it; what became of it."""
        self.put(name, content)
        report = self.take()
        (delivery,) = report.new + report.refused
        return delivery

    def rows(self, what: str = "*", known_at: datetime | None = None, table: str | None = None) -> list[tuple[Any, ...]]:
        """The current rows, as of `known_at`."""
        with connect(self.home) as con:
            name = table or self.tables[0].table
            create_current(con, self.home, self.declared, self.ledger, [name], known_at)
            return [tuple(row) for row in con.execute(f"select {what} from {name} order by all").fetchall()]

    def current(self, known_at: datetime | None = None, table: str | None = None) -> CurrentTable:
        with connect(self.home) as con:
            name = table or self.tables[0].table
            return create_current(con, self.home, self.declared, self.ledger, [name], known_at)[name]

    def faults(self) -> list[tuple[int | None, str, str | None]]:
        """Line, code and column of everything set aside or refused."""
        return [(r.line, r.code, r.column) for r in self.ledger.rejects()]


@contextmanager
def house(tables: Table | list[Table], extracts: Extract | list[Extract]) -> Iterator[House]:
    """A house of its own, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield House(
            Path(folder),
            tables if isinstance(tables, list) else [tables],
            extracts if isinstance(extracts, list) else [extracts],
        )
