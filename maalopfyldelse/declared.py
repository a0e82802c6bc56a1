"""Finding and loading what is declared: tables, extracts and measures of the repository and of a `--declared` folder.

Here belongs only the gathering; the models are contract.py's, query.py's and plan.py's. One name declared twice is an error,
whichever folders it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from .contract import Extract, Table
from .errors import CallerError, nearest
from .query import Measure, read_measure
from .yamlio import Strict, parse_yaml, read_text, validated

REPOSITORY = Path(__file__).resolve().parent.parent

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=Strict)


@dataclass(frozen=True)
class Declared:
    """Everything declared, by name. `plan_paths` are parsed when a plan is asked for: most commands need only one. `texts` are what
    the files said when they were loaded; an edition keeps them, whatever is written into the files meanwhile."""

    folders: tuple[Path, ...]
    tables: dict[str, Table]
    extracts: dict[str, Extract]
    measures: dict[str, Measure]
    plan_paths: dict[str, Path]
    paths: dict[str, Path] = field(default_factory=dict)  # "table:cases", "extract:…", "measure:…", "plan:…" → file
    texts: dict[str, str] = field(default_factory=dict)  # the same names → text; a plan's when it is loaded

    def extracts_of(self, table: str) -> list[Extract]:
        """The extracts that fill a table."""
        return [extract for extract in self.extracts.values() if extract.table == table]


def load(declared: Path | None = None) -> Declared:
    """The built-in declarations and those of `declared`. Raises CallerError naming file and field."""
    if declared is not None and not declared.is_dir():
        raise CallerError(f"{declared}: no such folder. --declared names a folder with plans/, expectations/ or sql/.")
    return load_folders(
        (REPOSITORY,) if declared is None or declared.resolve() == REPOSITORY else (REPOSITORY, declared.resolve())
    )


def load_folders(folders: tuple[Path, ...]) -> Declared:
    """What the folders declare and nothing else: an edition's `inputs/` is one. Raises CallerError as `load` does."""
    tables: dict[str, Table] = {}
    extracts: dict[str, Extract] = {}
    measures: dict[str, Measure] = {}
    plans: dict[str, Path] = {}
    paths: dict[str, Path] = {}
    texts: dict[str, str] = {}
    for path in _files(folders, "expectations/tables", "*.yaml"):
        text = read_text(path)
        table = _named(Table, "table", path, text)
        _add(tables, table.table, table, path, paths, "table")
        texts[f"table:{table.table}"] = text
    for path in _files(folders, "expectations", "*.yaml"):
        text = read_text(path)
        extract = _named(Extract, "extract", path, text)
        _add(extracts, extract.extract, extract, path, paths, "extract")
        texts[f"extract:{extract.extract}"] = text
    for path in _files(folders, "sql", "*.sql"):
        measure = read_measure(path)
        _add(measures, measure.name, measure, path, paths, "measure")
        texts[f"measure:{measure.name}"] = measure.text
    for path in _files(folders, "plans", "*.yaml"):
        _add(plans, path.stem, path, path, paths, "plan")
    for name, extract in extracts.items():
        _agree(name, extract, tables, paths[f"extract:{name}"])
    return Declared(folders, tables, extracts, measures, plans, paths, texts)


def _files(folders: tuple[Path, ...], under: str, pattern: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((folder / under).glob(pattern))


def _named(model: type[ModelT], key: str, path: Path, text: str) -> ModelT:
    found = validated(model, parse_yaml(text, str(path)), str(path))
    name = getattr(found, key)
    if name != path.stem:
        raise CallerError(f"{path}: the file says {key} '{name}'; file and {key} have one name.")
    return found


def _add(into: dict[str, T], name: str, thing: T, path: Path, paths: dict[str, Path], kind: str) -> None:
    if name in into:
        raise CallerError(f"{path}: {kind} '{name}' is declared already, in {paths[f'{kind}:{name}']}. Give it another name.")
    into[name] = thing
    paths[f"{kind}:{name}"] = path


def _agree(name: str, extract: Extract, tables: dict[str, Table], path: Path) -> None:
    table = tables.get(extract.table)
    if table is None:
        raise CallerError(f"{path}: table: no table is called '{extract.table}'{nearest(extract.table, tables)}")
    for layout in extract.layouts:
        for column in layout.columns:
            if column not in table.columns:
                raise CallerError(
                    f"{path}: layouts.{layout.id}.columns: table '{table.table}' has no column '{column}'"
                    f"{nearest(column, table.columns)}"
                )
        missing = [c for c, spec in table.columns.items() if spec.required and c not in layout.columns]
        if missing:
            raise CallerError(f"{path}: layouts.{layout.id}: required column '{missing[0]}' of '{table.table}' has no source.")
