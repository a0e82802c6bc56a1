"""edition.json: everything an edition was made from and what came of it, as one model.

Here belong the model (its JSON schema is generated from it into docs/schema/), reading one back and the hashes that stand in it.
Who fills it in is edition.py; holding a home against it is verify.py's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from .errors import MaalError
from .intake.ledger import Delivery
from .yamlio import Strict

FILE = "edition.json"
FORMAT: Literal[2] = 2
Standing = Literal["current", "superseded", "withdrawn", "held back"]
Sha256 = str


class Input(Strict):
    """A text as it was used."""

    name: str = Field(description="What it declares: plan:…, measure:…, table:… or extract:…")
    file: str = Field(description="Its place in the edition's folder")
    sha256: Sha256


class SetAside(Strict):
    """How many rows of a delivery were set aside for one reason."""

    code: str
    column: str | None
    rows: int


class Used(Strict):
    """A delivery with rows in the tables that the plan reads, as it stood at the date of knowledge."""

    delivery: str
    extract: str
    table: str
    system: str | None
    file: str = Field(description="The delivered file's name")
    sha256: Sha256 = Field(description="Of the delivered file")
    size: int
    arrived_at: datetime
    arrival_source: str
    period: str | None
    superseding: str
    layout: str | None
    contract_hash: Sha256 = Field(description="What its rows follow from besides its bytes")
    rows_read: int | None
    rows_kept: int | None
    rows_set_aside: int | None
    set_aside: list[SetAside]
    store_path: str = Field(description="Its typed rows, a Parquet file in the home")
    store_sha256: Sha256 | None = Field(description="Of that file; null when it was stored before this was written down")
    synthetic: bool
    standing: Standing = Field(description="Whether its rows count; held back: refused or failed a critical rule")
    withdrawn_at: datetime | None = None
    withdrawn_because: str | None = None

    def as_delivery(self) -> Delivery:
        """As the ledger would give it at that date of knowledge."""
        return Delivery(
            delivery_id=self.delivery,
            name=self.file,
            state="refused" if self.standing == "held back" else "stored",
            **self.model_dump(exclude={"delivery", "file", "set_aside", "standing", "withdrawn_because"}),
        )


class Check(Strict):
    """What a rule found on a delivery (delivery '' = on the current rows)."""

    extract: str
    delivery: str
    code: str
    severity: str
    success: bool
    unexpected_count: int | None
    suite_hash: Sha256 = Field(description="Of the extract's rules")


class Output(Strict):
    """A file of the edition."""

    name: str = Field(description="Its place in the edition's folder")
    sha256: Sha256
    content: Sha256 | None = Field(description="Of the rows themselves: bytes change with library versions, this does not")


class Manifest(Strict):
    """An edition: what it was made from, by whom, when and why, and what came of it."""

    format: Literal[2]
    plan: str
    as_of: date = Field(description="The reporting date the figures speak of")
    edition: int = Field(ge=1)
    known_at: datetime = Field(description="The figures build on what had arrived by then")
    provisional: bool = Field(description="True until known_at is past the plan's closing days and every period due is in")
    synthetic: bool = Field(description="True when sample data is in it")
    made_at: datetime
    made_by: str
    reason: str | None
    code: str = Field(description="Version and hash of the code that counted and graded")
    counted_by: str = Field("duckdb", description="The engine that summed the observations: duckdb, or spark")
    libraries: dict[str, str]
    previous: Sha256 | None = Field(description="Of the edition.json of the edition before it, of this plan and date")
    figures: Sha256 = Field(description="Of all that a new edition must differ in from the one before it")
    inputs: list[Input]
    deliveries: list[Used]
    expectations: list[Check]
    outputs: list[Output]

    def output(self, name: str) -> Output | None:
        """The output of that name, or None."""
        return next((o for o in self.outputs if o.name == name), None)


def read(folder: Path) -> Manifest:
    """An edition's edition.json. Raises MaalError when it is gone or is not as a run wrote it."""
    path = folder / FILE
    try:
        data = json.loads(path.read_bytes())
        if isinstance(data, dict) and data.get("format", FORMAT) != FORMAT:
            raise MaalError(f"{path} has format {data['format']}; this program reads format {FORMAT}.")
        return Manifest.model_validate(data)
    except FileNotFoundError:
        fault = "is gone"
    except ValidationError as error:
        first = error.errors()[0]
        fault = f"has been altered: {'.'.join(map(str, first['loc'])) or 'the top'}: {first['msg']}"
    except ValueError as error:
        fault = f"has been altered: it is not JSON ({error})"
    raise MaalError(f"{path} {fault}. An edition is never edited; restore its folder from a copy.")


def write(manifest: Manifest, folder: Path) -> None:
    """Writes edition.json; the same manifest gives the same bytes."""
    said = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"
    (folder / FILE).write_text(said)


def used(delivery: Delivery, set_aside: Mapping[tuple[str, str | None], int], standing: Standing, because: str | None) -> Used:
    """A delivery as an edition writes it down."""
    assert delivery.store_path is not None
    named = {name: getattr(delivery, name) for name in Used.model_fields if hasattr(delivery, name)}
    named |= {"delivery": delivery.delivery_id, "file": delivery.name, "arrived_at": delivery.arrived_at.astimezone(UTC)}
    counts = [SetAside(code=code, column=column, rows=n) for (code, column), n in sorted(set_aside.items(), key=str)]
    return Used(**named, set_aside=counts, standing=standing, withdrawn_because=because)


def content_hash(records: Iterable[Mapping[str, Any]]) -> Sha256:
    """A hash of rows themselves, without the edition's number."""
    lines = [
        json.dumps({k: v for k, v in r.items() if k != "edition"}, sort_keys=True, default=str, ensure_ascii=False)
        for r in records
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
