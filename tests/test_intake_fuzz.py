"""Whatever the file, intake stores what a slow reference reader reads in it, or says why it does not.

Hypothesis makes contracts, files for them in every format, and mangles most of the files. A few hundred are read here, always the
same; `make fuzz` reads ten thousand others (MAAL_FUZZ says how many) and prints what became of them. What a run finds is written
as a file beside its contract (MAAL_FUZZ_FOUND, else the temporary folder) and belongs into test_intake_fuzz_found.py.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from fuzz_contracts import Contract, contracts
from fuzz_files import File, files
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from intake_house import House
from reference_reader import Answer, read

NIGHTLY = int(os.environ.get("MAAL_FUZZ", "0"))
PER_CONTRACT = 8
FORMATS = {"csv": 3, "ndjson": 2, "json": 2, "xlsx": 2, "parquet": 1}  # and how many of ten files
COUNTS: Counter[str] = Counter()
HELD: Counter[str] = Counter()
CODES: Counter[str] = Counter()

SETTINGS: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "derandomize": not NIGHTLY,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],  # a found file is small as it is; shrinking takes minutes
    "print_blob": True,
}


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    yield
    if NIGHTLY:
        print("\n" + "\n".join(f"{times:7} {what}" for what, times in sorted(COUNTS.items())))
        print("refused: " + ", ".join(f"{code} {times}" for code, times in CODES.most_common()))


def wanted(form: str) -> int:
    """Files of a format."""
    return NIGHTLY * FORMATS[form] // 10 if NIGHTLY else 30 * FORMATS[form]


def examples(form: str) -> int:
    """An eighth more of them by night, for a file that is made twice is held once."""
    return max((wanted(form) * 9 // 8 if NIGHTLY else wanted(form)) // PER_CONTRACT, 1)


@pytest.mark.parametrize("form", list(FORMATS))
def test_intake_reads_as_the_reference_does(form: str) -> None:
    @given(data=st.data())
    @settings(max_examples=examples(form), **SETTINGS)
    def hold(data: st.DataObject) -> None:
        contract = data.draw(contracts(form))
        compare(contract, [data.draw(files(contract)) for _ in range(PER_CONTRACT)])

    hold()
    assert not NIGHTLY or HELD[form] >= wanted(form)


def compare(contract: Contract, made: list[File]) -> None:
    """Takes the files in one go and holds each against the reference. Files that differ are kept for a look."""
    with tempfile.TemporaryDirectory() as folder:
        h = House(Path(folder), [contract.table], [contract.extract])
        distinct = {file.data: file for file in made}
        for number, data in enumerate(distinct):
            ending = ".gz" if data.startswith(b"\x1f\x8b") else ".zip" if data.startswith(b"PK") and b"udtr" in data[:50] else ""
            h.put(f"x{number}.{contract.layout.format.type}{ending}", data)
        try:
            h.take()
        except Exception:
            if len(distinct) == 1:
                fail(contract, made[0], traceback.format_exc())
            for file in distinct.values():
                compare(contract, [file])
            raise
        rejects: dict[str, list[Any]] = {}
        for reject in h.ledger.rejects():
            rejects.setdefault(reject.delivery_id, []).append(reject)
        deliveries = {int(d.name[1:].partition(".")[0]): d for d in h.ledger.deliveries()}
        assert sorted(deliveries) == list(range(len(distinct)))
        for number, file in enumerate(distinct.values()):
            delivery = deliveries[number]
            answer = read(file.data, contract.extract, contract.layout, contract.table)
            wrong = difference(h, delivery, rejects.get(delivery.delivery_id, []), answer, file)
            if wrong:
                fail(contract, file, wrong)
            HELD[contract.layout.format.type] += 1
            fate = "refused" if delivery.state == "refused" else "set aside some" if delivery.rows_set_aside else "stored whole"
            COUNTS[f"{contract.layout.format.type} {'mangled' if file.mangled else 'sound'}: {fate}"] += 1
            if delivery.state == "refused":
                CODES[f"{delivery.code}{' (the reference reads it)' if answer.refused is None else ''}"] += 1


def difference(h: House, delivery: Any, rejects: list[Any], answer: Answer, file: File) -> str | None:
    """What is wrong with what became of a file, or None."""
    if delivery.state == "refused":
        if not delivery.code or not delivery.message or delivery.store_path:
            return "refused without saying why"
        return None if answer.refused or file.mangled else f"refused: {delivery.message}"
    if answer.refused == "BROKEN_PARQUET" and file.mangled:
        # the reference's library wants all columns' descriptions sound, the engine those that are read: nobody can tell here
        COUNTS["parquet mangled: stored, not compared"] += 1
        return None
    if answer.refused:
        return f"stored, though the reference refuses it: {answer.refused}"
    stored = pyarrow.parquet.read_table(h.home.path / delivery.store_path).to_pylist()
    stored = [{name: value for name, value in row.items() if name != "delivery_id"} for row in stored]
    expected = [row for _, row in answer.kept]
    aside: dict[int, set[str]] = {}
    for reject in rejects:
        aside.setdefault(reject.line, set()).add(reject.code)
    if stored != expected:
        first = next(
            (n for n, pair in enumerate(zip(stored, expected, strict=False)) if pair[0] != pair[1]),
            min(len(stored), len(expected)),
        )
        pair = f"stored {stored[first : first + 1]}, the reference reads {answer.kept[first : first + 1]}"
        return f"row {first}: {pair}; set aside {aside}, the reference {answer.aside}"
    if set(aside) != set(answer.aside):
        return f"set aside are lines {aside}, the reference sets aside {answer.aside}"
    for line, codes in aside.items():
        if not codes & answer.aside[line]:
            return f"line {line} is set aside for {codes}, the reference says {answer.aside[line]}"
    counts = (delivery.rows_read, delivery.rows_kept, delivery.rows_set_aside)
    if counts != (len(expected) + len(aside), len(expected), len(aside)):
        return f"the ledger counts {counts}, the file has {len(expected)} rows kept and {len(aside)} set aside"
    return None


def fail(contract: Contract, file: File, wrong: str) -> None:
    """Fails with the file and its contract, kept where they can be looked at."""
    folder = Path(os.environ.get("MAAL_FUZZ_FOUND") or tempfile.gettempdir()) / "maal-fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(file.data).hexdigest()[:8]}.{contract.layout.format.type}"
    path.write_bytes(file.data)
    path.with_suffix(".txt").write_text(f"{wrong}\n{contract!r}\n")
    pytest.fail(f"{wrong}\nmangled: {file.mangled}\nkept as: {path}\n{file.data[:2000]!r}\n{contract!r}")
