"""What all stages share: keys, the run's tags, and how an asset works on the run's `work` resource.

Here belong no assets. Keys: https://docs.dagster.io/concepts/assets; run tags carry what is no partition (plan, known_at,
reason), since one partition is one reporting date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import dagster as dg

from maalopfyldelse.contract import BUILT_IN_COLUMNS, Table
from maalopfyldelse.dates import parse_date, parse_instant
from maalopfyldelse.errors import MaalError
from maalopfyldelse.work import Work

EXTRACTS, MEASURES, FULFILMENT, EDITIONS, ANALYST = "extracts", "measures", "fulfilment", "editions", "analyst"
PLAN_TAG, KNOWN_AT_TAG, REASON_TAG = "maal/plan", "maal/known_at", "maal/reason"

# One set for all plans, key = as_of: their years differ, and a run has one key.
AS_OF = dg.DynamicPartitionsDefinition(name="as_of")


def key(stage: str, name: str) -> dg.AssetKey:
    """The key of a stage's asset: `extracts/puzzel_call_events`, `editions/star-2021`."""
    return dg.AssetKey([stage, name])


@contextmanager
def work_of(context: dg.AssetExecutionContext) -> Iterator[Work]:
    """The run's work. What a step raises is kept on it as it was; Dagster's page gets the message without our stack."""
    work: Work = context.resources.work
    try:
        yield work
    except MaalError as error:
        work.error = work.error or error
        raise dg.Failure(description=str(error), allow_retries=False) from None
    except BaseException as error:
        work.error = work.error or error
        raise


def moment(context: dg.AssetExecutionContext, work: Work) -> tuple[date, datetime]:
    """The reporting date (the partition) and the date of knowledge (the tag, else the latest arrival, which then becomes the
    run's tag). Raises CallerError for a key that is no date, MaalError when nothing has arrived."""
    as_of = parse_date(context.partition_key)
    if given := context.run.tags.get(KNOWN_AT_TAG):
        return as_of, parse_instant(given)
    known_at = work.known_at()
    context.instance.add_run_tags(context.run_id, {KNOWN_AT_TAG: known_at.isoformat()})
    return as_of, known_at


def table_schema(columns: Iterable[tuple[str, str, str, bool]]) -> dg.TableSchema:
    """Columns as Dagster shows them: name, type, comment, required."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type=kind, description=comment, constraints=dg.TableColumnConstraints(nullable=not required))
            for name, kind, comment, required in columns
        ]
    )


def schema_of(table: Table) -> dg.TableSchema:
    """A table's columns with those that intake adds."""
    return table_schema(
        [(name, c.type, _with_unit(c.comment, c.unit), c.required) for name, c in table.columns.items()]
        + [(name, kind, comment, True) for name, (kind, comment) in BUILT_IN_COLUMNS.items()]
    )


def _with_unit(comment: str, unit: str | None) -> str:
    return f"{comment} ({unit})" if unit else comment


def shown(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata without what is not there, instants and dates as text: nothing personal, nothing long."""
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in metadata.items() if v is not None}
