"""The records behind `maal show`: where each table's rows come from. Printing them is render.py's."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from maalopfyldelse import manifest, shelf
from maalopfyldelse.dates import parse_date
from maalopfyldelse.errors import CallerError, nearest
from maalopfyldelse.home import Home
from maalopfyldelse.intake.ledger import Delivery, Ledger

DELIVERY_FIELDS = (
    "delivery_id",
    "extract",
    "name",
    "arrived_at",
    "period",
    "state",
    "rows_read",
    "rows_kept",
    "rows_set_aside",
    "withdrawn_at",
    "code",
    "message",
    "size",
    "sha256",
)


def records_of(home: Home, arguments: Namespace) -> list[dict[str, Any]]:
    """The rows of the table that was asked for. Raises CallerError when plan or edition is unknown."""
    if arguments.table in ("fulfilment", "results"):
        return _of_editions(home, arguments)
    if arguments.table == "editions":
        return _editions(home, arguments.plan)
    chosen = deliveries_of(home, arguments)
    if arguments.table == "deliveries":
        return [{name: getattr(d, name) for name in DELIVERY_FIELDS} for d in chosen]
    names = {d.delivery_id: d.name for d in chosen}
    rejects = Ledger(home.ledger).rejects(arguments.delivery)
    return [{"file": names[r.delivery_id], **asdict(r)} for r in rejects if r.delivery_id in names]


def deliveries_of(home: Home, arguments: Namespace) -> list[Delivery]:
    """The deliveries that --extract and --delivery choose, else all. Raises CallerError for one that the ledger does not know."""
    found = Ledger(home.ledger).deliveries()
    for option, name in (("extract", "extract"), ("delivery", "delivery_id")):
        if wanted := getattr(arguments, option):
            known = {getattr(d, name) for d in found}
            if wanted not in known:
                raise CallerError(
                    f"There is no delivery {'of' if option == 'extract' else 'called'} '{wanted}'{nearest(wanted, known)}"
                )
            found = [d for d in found if getattr(d, name) == wanted]
    return found


def write_workbook(home: Home, declared: Path | None, arguments: Namespace) -> None:
    """The rejects that were asked for as a workbook. Raises CallerError."""
    from maalopfyldelse.declared import load
    from maalopfyldelse.rejects_workbook import is_told, write_rejects

    ledger, declarations = Ledger(home.ledger), load(declared)
    chosen = [d for d in deliveries_of(home, arguments) if is_told(d) and d.extract in declarations.extracts]
    write_rejects(arguments.out, declarations, [(d, ledger.rejects(d.delivery_id)) for d in chosen])


def check_options(arguments: Namespace) -> None:
    """Raises CallerError where options do not go together."""
    if (arguments.extract or arguments.delivery) and arguments.table not in ("deliveries", "rejects"):
        raise CallerError(f"--extract and --delivery choose deliveries and rejects; {arguments.table} has --plan and --as-of.")
    if (arguments.format == "xlsx") != (arguments.out is not None):
        raise CallerError("A workbook needs both: --format xlsx and --out FILE.xlsx. Other formats are printed.")
    if arguments.format == "xlsx" and arguments.table != "rejects":
        raise CallerError("--format xlsx is for rejects.")


def _of_editions(home: Home, arguments: Namespace) -> list[dict[str, Any]]:
    plans = _plans(home, arguments.plan)
    as_of = parse_date(arguments.as_of) if arguments.as_of else None
    wanted = [arguments.plan] if arguments.plan else plans
    if as_of and not arguments.plan:
        wanted = [p for p in plans if (home.editions / p / as_of.isoformat()).is_dir()]
    if not wanted:
        raise CallerError(
            "There is no edition yet. Run 'maal run' first." if not plans else f"No plan has an edition at {as_of}."
        )
    found: list[dict[str, Any]] = []
    for plan in wanted:
        found += shelf.read_table(shelf.find(home, plan, as_of, arguments.edition), arguments.table)
    return found


def _plans(home: Home, wanted: str | None) -> list[str]:
    """The plans that have editions. Raises CallerError when the one that is wanted has none."""
    plans = sorted(p.name for p in home.editions.iterdir())
    if wanted and wanted not in plans:
        raise CallerError(f"No edition of a plan called '{wanted}'{nearest(wanted, plans)}")
    return plans


def _editions(home: Home, plan: str | None) -> list[dict[str, Any]]:
    _plans(home, plan)
    found = []
    for folder in shelf.editions(home, plan):
        said = manifest.read(folder)
        names = ("plan", "as_of", "edition", "known_at", "provisional", "synthetic", "made_at", "made_by", "reason")
        found.append({name: getattr(said, name) for name in names} | {"folder": str(folder)})
    return found
