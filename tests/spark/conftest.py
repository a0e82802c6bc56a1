"""Spark started once for all comparisons, and the sample taken in once; collected only by `make test-spark`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the helpers of tests/

from maalopfyldelse.spark_engine import Spark


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    engine = Spark(tmp_path_factory.mktemp("spark"))
    yield engine
    engine.close()
