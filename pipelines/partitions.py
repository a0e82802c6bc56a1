"""Partitions: the one dynamic set `as_of`, whose keys are reporting dates.

Here belongs making keys; the set itself is assets.step's, since the assets carry it. One set serves all plans: their years differ,
and a run has one key. https://docs.dagster.io/guides/build/partitions-and-backfills
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from assets.step import AS_OF


def add(instance: dg.DagsterInstance, as_of: date) -> str:
    """Makes the reporting date a key of the set; returns the key."""
    wanted = as_of.isoformat()
    if not instance.has_dynamic_partition(str(AS_OF.name), wanted):
        instance.add_dynamic_partitions(str(AS_OF.name), [wanted])
    return wanted
