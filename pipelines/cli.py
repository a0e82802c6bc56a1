"""The command line `maal`: arguments, dispatch and exit codes.

Nothing heavy is imported at the top, so that every command pays only for itself. What the commands print is render.py's; what
they do is the domain's and run.py's. Exit codes: 0 done; 1 stopped or found something; 2 the caller's mistake.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from maalopfyldelse import engines, trouble
from maalopfyldelse.errors import MaalError

TABLES = ("fulfilment", "results", "deliveries", "rejects", "editions")
SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home", metavar="DIR", type=_path, help="where ledger, store and editions are kept ($MAAL_HOME, else .maal)"
    )
    common.add_argument(
        "--declared", metavar="DIR", type=_path, help="a folder with plans/, expectations/, sql/ of your own ($MAAL_DECLARED)"
    )
    root = argparse.ArgumentParser(
        prog="maal", description="Computes the fulfilment of performance contracts from operational extracts."
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=summary, parents=[common])

    run = command("run", "take in deliveries, then make an edition for each plan")
    run.add_argument(
        "--plan", action="append", default=[], type=_text, metavar="ID", help="only this plan (may be repeated; default: all)"
    )
    run.add_argument("--as-of", type=_text, metavar="DATE", help="reporting date, YYYY-MM-DD (default: each plan's last)")
    run.add_argument("--known-at", type=_text, metavar="TIME", help="what was known then (default: the latest arrival)")
    run.add_argument("--deliveries", type=_path, default=SAMPLE, metavar="DIR", help="folder of deliveries (default: the sample)")
    run.add_argument("--engine", choices=engines.NAMES, help="what counts: duckdb, or spark ($MAAL_ENGINE, else duckdb)")
    run.add_argument("--spark-master", type=_text, metavar="URL", help="where Spark runs ($MAAL_SPARK_MASTER, else this machine)")
    run.add_argument("--reason", type=_text, metavar="TEXT", help="why this edition is made; kept in it")

    show = command("show", "print a table: " + ", ".join(TABLES))
    show.add_argument("table", choices=TABLES)
    show.add_argument("--plan", type=_text, metavar="ID")
    show.add_argument("--as-of", type=_text, metavar="DATE")
    show.add_argument("--edition", type=int, metavar="N", help="default: the newest")
    show.add_argument("--extract", type=_text, metavar="ID", help="deliveries, rejects: only of this extract")
    show.add_argument("--delivery", type=_text, metavar="ID", help="deliveries, rejects: only this one")
    show.add_argument(
        "--format", choices=("table", "json", "csv", "xlsx"), default="table", help="xlsx: a workbook of rejects for their sender"
    )
    show.add_argument("--out", type=_path, metavar="FILE", help="where the workbook goes, a new file ending in .xlsx")

    explain = command("explain", "from a figure back to clause, reading, query, deliveries and cases")
    explain.add_argument("plan")
    explain.add_argument("row")
    explain.add_argument("--as-of", type=_text, metavar="DATE")
    explain.add_argument("--edition", type=int, metavar="N")
    explain.add_argument(
        "--with", dest="with_", type=_text, metavar="IDS", help="compute a combination of readings, such as S4.c,S5.b"
    )
    explain.add_argument("--page", type=Path, metavar="FILE", help="write it as a page in Danish, a new file ending in .html")
    explain.add_argument("--rows", action="store_true", help="list the observations")
    explain.add_argument("--format", choices=("table", "json", "csv"), default="table")

    export = command("export", "a copy of analyst.duckdb that opens elsewhere")
    export.add_argument("file", type=Path, help="a new file ending in .duckdb, or a new folder for Parquet")
    export.add_argument("--tables", metavar="NAMES", help="of the current rows only these tables, such as cases,call_events")

    status = command("status", "before the date: what is missing, who supplies it, on or off track")
    status.add_argument("plan")
    status.add_argument("--format", choices=("table", "json"), default="table")

    diff = command("diff", "what changed between two editions, figure by figure, and why")
    diff.add_argument("plan")
    diff.add_argument("as_of", metavar="AS_OF", help="reporting date, YYYY-MM-DD")
    diff.add_argument("old", type=int, metavar="N", help="the older edition's number")
    diff.add_argument("new", type=int, metavar="M", help="the newer edition's number")
    diff.add_argument("--format", choices=("table", "json"), default="table")

    verify = command("verify", "whether an edition stands as it was published and can be made again from what it was made from")
    verify.add_argument("plan")
    verify.add_argument("as_of", metavar="AS_OF", help="reporting date, YYYY-MM-DD")
    verify.add_argument("edition", type=int, metavar="N")

    command("check", "prove what can be proved without data: plans, contracts, queries and their agreement")
    diff = command("diff-extract", "how a new file differs from its contract and from what is stored; writes nothing")
    diff.add_argument("extract")
    diff.add_argument("file", type=_path, help="the file, named as it would be delivered")
    diff.add_argument("--format", choices=("table", "json"), default="table")
    template = command("template", "an empty workbook with headings and validations, for a register that people type")
    template.add_argument("extract")
    template.add_argument("file", type=_path, help="a new file, ending in .xlsx")
    withdraw = command("withdraw", "take a delivery out of the current rows from now on")
    withdraw.add_argument("delivery")
    withdraw.add_argument("--reason", required=True, metavar="TEXT")
    withdraw.add_argument("--deliveries", type=Path, metavar="DIR", help="folder whose withdrawals.csv is to say so too")
    return root


def _text(given: str) -> str:
    """A value that is empty (an unset variable of a script) is no value, and must not mean the default."""
    if not given.strip():
        raise argparse.ArgumentTypeError("the value is empty; leave the option out for its default")
    return given


def _path(given: str) -> Path:
    return Path(_text(given))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code."""
    arguments = parser().parse_args(argv)
    try:
        return _dispatch(arguments)
    except MaalError as error:
        print(f"maal: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("maal: interrupted; what was published stands, the next run completes the rest.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # the machine's trouble comes from any library; anything else is a defect of ours
        if text := trouble.told(error):
            print(f"maal: {text}", file=sys.stderr)
            return 1
        raise


def _dispatch(arguments: argparse.Namespace) -> int:
    from . import commands

    home = arguments.home or Path(os.environ.get("MAAL_HOME") or ".maal")
    declared = arguments.declared or (Path(os.environ["MAAL_DECLARED"]) if os.environ.get("MAAL_DECLARED") else None)
    code: int = getattr(commands, arguments.command.replace("-", "_"))(home, declared, arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
