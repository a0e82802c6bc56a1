"""What each command of `maal` does, one function a command: it gathers, calls the domain, and hands the outcome to render.py.

Every function takes the home folder, the declared folder and the parsed arguments, and returns the exit code. Imports stand in
the functions: `maal show` must not pay for what `maal run` needs.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maalopfyldelse.dates import parse_date, parse_instant
from maalopfyldelse.errors import CallerError
from maalopfyldelse.home import Home


def run(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Intake, then an edition a plan; prints the fulfilment and where things are."""
    from .progress import Progress

    with Progress() as progress:
        progress.say("starting")
        as_of = parse_date(arguments.as_of) if arguments.as_of else None
        now = datetime.now(UTC)
        known_at = parse_instant(arguments.known_at) if arguments.known_at else None
        if known_at is not None and known_at > now:
            raise CallerError(f"--known-at {arguments.known_at} has not come yet: what will arrive until then is not known.")
        from maalopfyldelse import engines
        from maalopfyldelse.declared import load
        from maalopfyldelse.intake.shown import hold_reason
        from maalopfyldelse.scanning import load_plans

        if arguments.reason:
            hold_reason(arguments.reason)  # before Dagster keeps it as a tag
        declarations = load(declared)
        plans = load_plans(declarations, arguments.plan)
        if as_of is not None:
            for plan in plans:
                plan.require_date(as_of)
        the_home = Home(home)
        with the_home.locked("maal run"):
            from . import run as runs

            with closing(engines.chosen(arguments.engine, the_home.tmp, arguments.spark_master, progress.say)) as engine:
                outcome = runs.run(
                    the_home,
                    declarations,
                    arguments.deliveries,
                    plans,
                    as_of=as_of,
                    known_at=known_at,
                    reason=arguments.reason,
                    say=progress.say,
                    now=now,
                    engine=engine,
                )
    from .render import print_outcome

    return print_outcome(outcome, the_home)


def show(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Prints a table of an edition or of the ledger, or writes the workbook of what was set aside."""
    from .render import print_records
    from .tables import check_options, records_of, write_workbook

    check_options(arguments)
    the_home = Home(home, create=False)
    if arguments.format == "xlsx":
        write_workbook(the_home, declared, arguments)
        print(f"{arguments.out}: for the sender")
    else:
        print_records(records_of(the_home, arguments), arguments.table, arguments.format)
    return 0


def explain(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Prints the way back from a figure, or writes it as a page."""
    from maalopfyldelse import explain as explaining
    from maalopfyldelse.declared import load

    from .render import print_explanation, print_records

    as_of = parse_date(arguments.as_of) if arguments.as_of else None
    chosen = [c.strip() for c in arguments.with_.split(",")] if arguments.with_ else []
    the_home = Home(home, create=False)
    question = explaining.Question(
        the_home, load(declared), arguments.plan, arguments.row, as_of, arguments.edition, tuple(chosen)
    )
    if arguments.page:
        _write_page(explaining.explain(question), arguments)
    elif arguments.rows:
        print_records(explaining.observations(question), "observations", arguments.format)
    else:
        print_explanation(explaining.explain(question), arguments.format)
    return 0


def _write_page(said: dict[str, Any], arguments: Namespace) -> None:
    from maalopfyldelse.errors import CallerError
    from maalopfyldelse.explain_page import page

    target: Path = arguments.page
    if target.suffix != ".html" or arguments.rows or arguments.format != "table":
        raise CallerError("--page names a new file ending in .html, and goes with neither --rows nor --format.")
    try:
        with target.open("x") as file:
            file.write(page(said))
    except OSError as error:
        raise CallerError(f"{target} cannot be written: {error.strerror}.") from None
    print(f"{target}: for use in the house")


def export(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Writes a copy of the analysts' file that does not need the home."""
    from maalopfyldelse.analyst_export import export as exporting

    wanted = [name.strip() for name in arguments.tables.split(",")] if arguments.tables else []
    tables = exporting(Home(home, create=False), arguments.file, wanted)
    print(f"{arguments.file}: editions, published observations and the current rows of {', '.join(tables)}")
    return 0


def status(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Prints what a plan still lacks and where its figures stand."""
    from maalopfyldelse.declared import load
    from maalopfyldelse.status import status_of

    from .render import print_status

    print_status(status_of(Home(home, create=False), load(declared), arguments.plan), arguments.format)
    return 0


def diff(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Prints what changed between two editions; exit code 1 when a figure did."""
    from maalopfyldelse.restatement import of_editions

    from .render_restatement import print_restatement

    as_of = parse_date(arguments.as_of)
    found = of_editions(Home(home, create=False), arguments.plan, as_of, arguments.old, arguments.new)
    print_restatement(found, arguments.format)
    return 1 if found.changes else 0


def verify(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Holds an edition against what was published and computes it again; exit code 1 when a line says FAIL."""
    from maalopfyldelse.verify import verify as verifying

    failed = 0
    for found in verifying(Home(home, create=False), arguments.plan, parse_date(arguments.as_of), arguments.edition):
        failed += not found.holds
        _say_line(found.holds, found.what, found.faults)
    return 1 if failed else 0


def _say_line(holds: bool, what: str, faults: Iterable[str]) -> None:
    print(f"{'OK  ' if holds else 'FAIL'} {what}", flush=True)
    for fault in faults:
        print(f"     {fault}")


def check(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Proves what needs no data; exit code 1 when a line says FAIL."""
    from maalopfyldelse.check import check_all

    failed = 0
    for line in check_all(declared):
        failed += not line.holds
        _say_line(line.holds, line.what, line.problems)
    return 1 if failed else 0


def diff_extract(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Holds a file against its contract and the store, and writes nothing; exit code 1 when something differs."""
    from maalopfyldelse.declared import load
    from maalopfyldelse.extract_diff import diff_extract as diff_of

    from .diff_table import print_diff

    diff = diff_of(load(declared), arguments.extract, arguments.file, home, datetime.now(UTC))
    print_diff(diff, arguments.format)
    return 0 if diff.fits else 1


def template(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Writes an empty workbook for an extract."""
    from maalopfyldelse.declared import load
    from maalopfyldelse.errors import nearest
    from maalopfyldelse.template import write_template

    declarations, wanted = load(declared), arguments.extract
    if wanted not in declarations.extracts:
        raise CallerError(f"No extract is called '{wanted}'{nearest(wanted, declarations.extracts)}")
    extract = declarations.extracts[wanted]
    layout = write_template(extract, declarations.tables[extract.table], arguments.file)
    names = " or ".join(layout.files or extract.files)
    print(f"{arguments.file}: fill it in and put it among the deliveries, in RECEIVED-AT/{extract.system}/, named as {names}.")
    return 0


def withdraw(home: Path, declared: Path | None, arguments: Namespace) -> int:
    """Takes a delivery out of the current rows, in this home and, where the folder is named, in its register."""
    from maalopfyldelse.errors import MaalError
    from maalopfyldelse.intake.ledger import Ledger
    from maalopfyldelse.intake.shown import hold_reason
    from maalopfyldelse.intake.withdrawals import WITHDRAWALS, append_withdrawal, line_of, read_withdrawals

    hold_reason(arguments.reason)
    folder: Path | None = arguments.deliveries
    if folder is not None:
        read_withdrawals(folder)  # a register that cannot be read is told before anything is withdrawn
    the_home, now = Home(home, create=False), datetime.now(UTC).replace(microsecond=0)
    with the_home.locked("maal withdraw"):
        gone = Ledger(the_home.ledger).withdraw(arguments.delivery, arguments.reason, now)
        line = line_of(gone.delivery_id, arguments.reason, now)
        if folder is not None:
            try:
                append_withdrawal(folder, gone.delivery_id, arguments.reason, now)
            except OSError as error:
                raise MaalError(
                    f"{gone.name} is withdrawn in this home, but {folder / WITHDRAWALS} cannot be written ({error.strerror}). "
                    f"Add the line yourself, or a home built anew will count the delivery again:\n  {line}"
                ) from None
    print(f"withdrawn: {gone.name} ({gone.delivery_id}). Run 'maal run' to see what it changes.")
    if folder is None:
        print(f"A home built anew does not know it; add to {WITHDRAWALS} in the folder of deliveries:\n  {line}")
    return 0
