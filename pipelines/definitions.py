"""Definitions: everything Dagster knows of, put together by a function that takes overrides.

Here belongs the assembly only; loading it reads declarations and nothing of a home. `dg check defs` and `make dagster` use
`definitions` below, tests and the command line their own `build(...)`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from assets.analyst import analyst_asset
from assets.editions import edition_assets
from assets.extracts import extract_assets
from assets.fulfilment import fulfilment_assets
from assets.measures import measure_assets
from maalopfyldelse.declared import Declared, load
from maalopfyldelse.plan import Plan
from maalopfyldelse.scanning import load_plans, measures_of

from . import jobs, schedules
from .resources import work_resource

QUIET = "quiet"


def _says_nothing(_: dg.InitLoggerContext) -> logging.Logger:
    # The command line shows its own progress, and Dagster's console prints stack traces.
    logger = logging.Logger(QUIET, level=logging.CRITICAL)
    logger.addHandler(logging.NullHandler())
    return logger


def build(
    *,
    home: Path | None = None,
    deliveries: Path | None = None,
    declared: Declared | Path | None = None,
    plans: Sequence[Plan] | None = None,
    work: object | None = None,
    executor: dg.ExecutorDefinition = dg.in_process_executor,
) -> dg.Definitions:
    """The definitions for a home, a deliveries folder and declarations (default: the environment's, see resources.py).

    `plans` narrows to some plans; `work` replaces the resource by the caller's own, who then holds the home. Raises CallerError
    when a declaration does not hold.
    """
    the_declared = declared if isinstance(declared, Declared) else load(declared or _from_environment())
    the_plans = list(plans) if plans is not None else load_plans(the_declared)
    return dg.Definitions(
        assets=[
            *extract_assets(the_declared),
            *measure_assets(the_declared, {plan.plan: measures_of(plan) for plan in the_plans}),
            *fulfilment_assets(the_plans),
            *edition_assets(the_plans),
            analyst_asset(the_plans),
        ],
        jobs=[jobs.intake_job(), jobs.edition_job()],
        schedules=schedules.reporting(the_plans),
        resources={"work": work if work is not None else work_resource(home, deliveries, the_declared)},
        loggers={QUIET: dg.LoggerDefinition(_says_nothing), "console": dg.colored_console_logger},
        executor=executor,
    )


def _from_environment() -> Path | None:
    folder = os.environ.get("MAAL_DECLARED")
    return Path(folder) if folder else None


@dg.definitions
def definitions() -> dg.Definitions:
    """What Dagster's own commands load."""
    return build()
