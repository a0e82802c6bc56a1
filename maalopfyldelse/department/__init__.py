"""What may leave the house: one view of an edition, and its outputs in Danish for the department.

`build` makes the view, `write` the files from it; the same view gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from .build import Facts, build
from .report import page
from .table import table
from .view import View
from .workbook import workbook

__all__ = ["Facts", "View", "build", "write"]


def write(view: View, folder: Path) -> None:
    """Writes `report.html`, `fulfilment.xlsx` and `fulfilment.csv` into an existing folder."""
    (folder / "report.html").write_bytes(page(view).encode())
    (folder / "fulfilment.xlsx").write_bytes(workbook(view))
    (folder / "fulfilment.csv").write_bytes(table(view))
