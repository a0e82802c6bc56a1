"""The benchmark's deliveries: `python -m benchmarks.generate OUT --call-events N --cases N --tickets N --persons N`.

The sample's own generator with other numbers, and of its sources only those that the benchmark's rows are counted from. Cases are
CSV at every size, for a worksheet ends at 1,048,576 rows. Each source is made by a process of its own. A folder that the same
generator has made with the same numbers is left as it is. Call events alone, as many as one likes and fast, are calls.py's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

from maalopfyldelse import sample
from maalopfyldelse.errors import CallerError, MaalError
from maalopfyldelse.sample import calls, cases, panel, tickets
from maalopfyldelse.sample.common import Out, Sizes

MADE = ".made"  # hidden, so that no run takes it for a delivery


def generate(root: Path, sizes: Sizes, *, with_calls: bool = True, like: Path | None = None) -> None:
    """The deliveries under `root`; nothing is done when they are there. `with_calls`: call events too, and not only the telephone's
    lists. `like`: deliveries of the same numbers, whose other files are linked. Raises CallerError when something else lies
    there."""
    made = json.dumps(asdict(sizes) | {"calls": with_calls, "generator": _generator()})
    marker = root / MADE
    if marker.exists() and marker.read_text() == made:
        return
    if root.exists() and any(root.iterdir()):
        if not marker.exists():
            raise CallerError(f"{root} holds something that was not made here. Name a new folder.")
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    (root / "SYNTHETIC").touch()
    marker.write_text("unfinished")
    out = Out(root)
    if like:
        for path in like.glob("*/*/*"):
            if not path.name.startswith("call_events_"):
                os.link(path, out.path(*path.relative_to(like).parts))
    else:
        sources = [
            partial(calls.write, out, sizes) if with_calls else partial(calls.write_lists, out),
            partial(tickets.write, out, sizes),
            partial(cases.write, out, sizes, workbook_limit=-1),
            partial(panel.write, out, sizes),
        ]
        with ProcessPoolExecutor() as pool:
            for written in [pool.submit(source) for source in sources]:
                written.result()
    marker.write_text(made)


def _generator() -> str:
    """What the files follow from besides the numbers: the generator's text."""
    texts = [path.read_bytes() for path in sorted(Path(sample.__path__[0]).glob("*.py"))]
    return hashlib.sha256(b"".join([*texts, Path(__file__).read_bytes()])).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    parser.add_argument("out", type=Path, help="a new folder, or one made before")
    parser.add_argument("--call-events", type=int, default=1_000_000)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--tickets", type=int, default=200_000)
    parser.add_argument("--persons", type=int, default=100_000, help="rows of the panel (people times quarters), about")
    given = parser.parse_args(arguments)
    try:
        sizes = Sizes(call_events=given.call_events, cases=given.cases, tickets=given.tickets, persons=given.persons)
        generate(given.out, sizes)
    except MaalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
