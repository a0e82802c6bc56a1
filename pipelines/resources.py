"""Resources: `work`, the home and everything a run does on it.

Here belongs where a run finds its home, deliveries and declarations, and that it holds the home's lock for as long as it lasts.
https://docs.dagster.io/guides/build/external-resources
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from maalopfyldelse import engines
from maalopfyldelse.declared import REPOSITORY, Declared
from maalopfyldelse.home import Home
from maalopfyldelse.work import Work


def home_path(given: Path | None = None) -> Path:
    """The home: as given, else `$MAAL_HOME`, else `.maal/` in the repository."""
    return given or Path(os.environ.get("MAAL_HOME") or REPOSITORY / ".maal")


def deliveries_path(given: Path | None = None) -> Path:
    """The deliveries folder: as given, else `$MAAL_DELIVERIES`, else the sample."""
    return given or Path(os.environ.get("MAAL_DELIVERIES") or REPOSITORY / "data" / "sample")


def work_resource(home: Path | None, deliveries: Path | None, declared: Declared) -> dg.ResourceDefinition:
    """A run's work on the home, which it holds alone until it ends."""

    def work(context: dg.InitResourceContext) -> Iterator[Work]:
        the_home = Home(home_path(home))

        def say(text: str) -> None:
            if context.log:
                context.log.info(text)

        with the_home.locked(f"Dagster run {context.run_id}"), closing(engines.chosen(None, the_home.tmp, None, say)) as engine:
            yield Work(the_home, declared, deliveries_path(deliveries), datetime.now(UTC), say, engine=engine)

    return dg.ResourceDefinition(
        dg.resource(work).resource_fn, description="The home, held by one run at a time; its ledger, deliveries, declarations."
    )
