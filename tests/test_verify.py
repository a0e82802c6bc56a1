"""`maal verify`: an edition that stands, and every way in which it may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from edition_house import AS_OF, House

from maalopfyldelse import manifest
from maalopfyldelse.errors import CallerError
from maalopfyldelse.verify import Found, verify
from pipelines.cli import main


def two_editions(house: House) -> House:
    house.run()
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("4", "2021-05-01", "a", "y"), ("1", "2021-02-01", "a", "n")])
    house.run()
    return house


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        yield two_editions(House(tmp_path_factory.mktemp("base"), patch))


@pytest.fixture
def house(base: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House.copied(base, tmp_path, monkeypatch)


def verified(house: House, number: int = 2) -> list[Found]:
    return list(verify(house.home, "alpha", AS_OF, number))


def edit(path: Path, old: bytes = b"", new: bytes = b"") -> None:
    """Changes a text, or flips a byte in the middle."""
    path.chmod(0o644)
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    assert old in content
    path.write_bytes(content.replace(old, new, 1) if old else flipped)


def folder(house: House, number: int = 2) -> Path:
    return house.home.editions / "alpha" / AS_OF.isoformat() / str(number)


def stored(house: House, number: int = 2) -> Path:
    return house.home.path / manifest.read(folder(house, number)).deliveries[0].store_path


def test_an_edition_that_stands_is_computed_again_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house = two_editions(House(tmp_path, monkeypatch, draws=True))
    cells = house.home.store / "cells"
    for cell in cells.iterdir():
        edit(cell, b'"leading_rows": ', b'"leading_rows": 9')  # what was counted before is not asked
    before = {p: p.read_bytes() for p in house.home.path.rglob("*") if p.is_file()}
    for number in ("1", "2"):
        assert main(["verify", "alpha", "2021-12-31", number, "--home", str(house.home.path)]) == 0
        said = capsys.readouterr().out
        assert said.endswith("OK   computed again: identical bytes\n") and "FAIL" not in said
        assert said.startswith("OK   the chain of alpha at 2021-12-31: 2 editions\n")
    assert {p: p.read_bytes() for p in house.home.path.rglob("*") if p.is_file()} == before


def test_what_the_repository_and_the_ledger_say_today_does_not_matter(house: House) -> None:
    house.withdraw("letters_2021.csv", "2022-01-07T0800")
    house.change("sql/letters_answered.sql", "then 1 else 0", "then 0 else 1")
    house.change("plans/alpha.yaml", "at_least: 80", "at_least: 20")
    house.run()
    assert [f.what for f in verified(house, 1) + verified(house, 3) if f.what.startswith("computed")] == [
        "computed again: identical bytes"
    ] * 2


# what is done to edition 2 → which line fails, and what is said
DAMAGE: dict[str, tuple[Callable[[House], object], str, str]] = {
    "altered table": (
        lambda h: edit(folder(h) / "fulfilment.parquet"), "files, as they were published",
        "fulfilment.parquet has been altered. Restore it from a copy of the edition (sha256 ",
    ),
    "removed csv": (
        lambda h: (folder(h) / "department" / "fulfilment.csv").unlink(), "files, as they were published",
        "department/fulfilment.csv is gone. Restore it from a copy",
    ),
    "a file that came to": (
        lambda h: (folder(h) / "notes.txt").write_text("x"), "files, as they were published",
        "notes.txt was not published with the edition. Move it away.",
    ),
    "edited plan": (
        lambda h: edit(folder(h) / "inputs" / "plans" / "alpha.yaml", b"80", b"60"), "as they were used",
        "inputs/plans/alpha.yaml has been altered. Restore it from a copy of the edition",
    ),
    "removed query": (
        lambda h: (folder(h) / "inputs" / "sql" / "letters_answered.sql").unlink(), "as they were used",
        "inputs/sql/letters_answered.sql is gone. Restore it",
    ),
    "flipped byte in the store": (
        lambda h: edit(stored(h)), "as they were used",
        "the rows of letters_2021.csv, has been altered. Restore it from a copy of the home; or have letters_2021.csv",
    ),
    "removed rows": (
        lambda h: stored(h).unlink(), "as they were used", "the rows of letters_2021.csv, is gone. Restore it from a copy of the home",
    ),
    "edited edition.json": (
        lambda h: edit(folder(h) / "edition.json", b'"made_by": "', b'"made_by": "x'), "the chain of alpha",
        "edition 2: edition.json is altered or gone. Restore ",
    ),
    "edited edition before": (
        lambda h: edit(folder(h, 1) / "edition.json", b'"made_by": "', b'"made_by": "x'), "the chain of alpha",
        "edition 1: edition.json is altered or gone. Restore ",
    ),
    "removed edition": (
        lambda h: folder(h).rename(h.home.path / "away"), "the chain of alpha", "edition 2 was published and is gone. Restore ",
    ),
    "removed edition before": (
        lambda h: folder(h, 1).rename(h.home.path / "away"), "the chain of alpha", "edition 1 was published and is gone. Restore ",
    ),
    "edited chain": (
        lambda h: edit(h.home.chain, b'"edition": 1', b'"edition": 7'), "the chain of alpha", "chain.jsonl line 2 or the one before it",
    ),
    "removed chain": (
        lambda h: h.home.chain.unlink(), "the chain of alpha", "edition 2 is not in chain.jsonl.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_gone_or_altered_is_named_and_what_to_do(house: House, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    damage, line, fault = DAMAGE[what]
    damage(house)
    assert main(["verify", "alpha", "2021-12-31", "2", "--home", str(house.home.path)]) == 1
    out = capsys.readouterr()
    failing = next(f for f in out.out.split("FAIL ")[1:] if line in f.splitlines()[0])
    assert fault in failing
    assert "Traceback" not in out.out + out.err
    if line == "as they were used":
        assert "not computed again" in out.out
    elif what != "removed edition":
        assert "OK   computed again: identical bytes" in out.out


def test_rows_that_a_later_edition_alone_was_made_from_do_not_touch_the_earlier(house: House) -> None:
    edit(house.home.path / manifest.read(folder(house)).deliveries[1].store_path)
    assert [all(f.holds for f in verified(house, number)) for number in (1, 2)] == [True, False]


def test_another_library_may_write_other_bytes_of_the_same_rows(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    from maalopfyldelse import tabular
    from maalopfyldelse import verify as verifying

    def other(records: object, fields: object, path: Path) -> None:
        pq.write_table(tabular.arrow_table(records, fields), path, compression="gzip")  # type: ignore[arg-type]

    monkeypatch.setattr(tabular, "write_parquet", other)
    monkeypatch.setattr(verifying, "libraries", lambda: manifest.read(folder(house)).libraries | {"pyarrow": "99.0"})
    *_, last = verified(house)
    assert last.holds and last.what.startswith(
        "computed again: identical content; the bytes of fulfilment.parquet, results.parquet"
    )
    assert "(now 99.0)" in last.what


def test_code_that_counts_otherwise_is_told_with_the_figures_that_differ(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from maalopfyldelse import results
    from maalopfyldelse import verify as verifying

    monkeypatch.setitem(results.UNITS, "pct", 1000)
    monkeypatch.setattr(verifying, "code_version", lambda: "2.0.0+abc")
    *_, last = verified(house)
    assert not last.holds and last.what == "computed again: other content of fulfilment.parquet, results.parquet"
    assert last.faults[1].startswith("1: verdict ikke opfyldt → opfyldt, value 50 → 500, low 0 → 100, high 0 → 100")
    assert "It was made by code " in last.faults[-1] and "(now 2.0.0+abc)" in last.faults[-1]


def test_an_edition_that_never_was_is_the_callers_mistake(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CallerError, match="has no edition 3; the newest is 2"):
        verified(house, 3)
    for arguments in (["beta", "2021-12-31", "1"], ["alpha", "2021-06-30", "1"], ["alpha", "juni", "1"]):
        assert main(["verify", *arguments, "--home", str(house.home.path)]) == 2
