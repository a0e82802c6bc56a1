"""Takes one file after the other, each in no more memory than it is given; hostile.py starts it and asks.

A question is a line of JSON (file, name, format, limits, megabytes); the answer `ANSWER state code rows`, or the kind of error.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import python_calamine
from intake_house import extract, house, table

from maalopfyldelse.errors import MaalError

LOADED = (python_calamine, pyarrow.parquet)  # before memory is counted


def answer(asked: dict[str, Any]) -> str:
    limits = {"max_set_aside_share": 1, "min_rows": 0, **asked["limits"]}
    bad = extract({"id": "id"}, format=asked["format"], files=["bad*"], limits=limits)
    with house(table({"id": "varchar"}), [bad, extract({"id": "id"}, name="ready", files=["ready.csv"])]) as h:
        h.put("ready.csv", "id\n1\n")
        h.take("ready")
        h.put(asked["name"], b"").unlink()
        (h.folder / "2021-04-12T0800" / "system" / asked["name"]).hardlink_to(asked["file"])
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + asked["megabytes"] * 2**20, resource.RLIM_INFINITY))
        try:
            report = h.take()
        except MaalError as error:
            return f"{type(error).__name__} {error}"
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        (delivery,) = report.new + report.refused
        assert len(delivery.message or "") < 2_000
        return f"{delivery.state} {delivery.code} {delivery.rows_kept}"


if __name__ == "__main__":
    for line in sys.stdin:
        print("ANSWER", answer(json.loads(line)), flush=True)
