"""Reading the YAML that people write: bounded, without aliases, with messages that name file, line and field.

Here belongs how a text becomes a checked pydantic model. What the models mean stands in contract.py, query.py and plan.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import CallerError, nearest

MAX_BYTES = 2_000_000


class Strict(BaseModel):
    """Base of every declared thing: an unknown key is an error, never a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


ModelT = TypeVar("ModelT", bound=BaseModel)


class _Loader(yaml.CSafeLoader):
    """Safe loading that refuses two things YAML allows and people regret: one key twice, and aliases (they can explode)."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' stands here twice", key_node.start_mark)
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
# `on`, `off`, `yes`, `no` stay words: an option may well be called so. true and false are the booleans.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", __import__("re").compile(r"^(?:true|false)$"), list("tf"))


def parse_yaml(text: str, where: str) -> Any:
    """The text as plain Python values. Raises CallerError naming `where` and the line."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
            raise CallerError(f"{where}: anchors and aliases (&, *) are not allowed here; write the value out.")
        return yaml.load(text, Loader=_Loader)  # a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise CallerError(f"{where}:{line} not valid YAML: {problem}.") from None


def read_text(path: Path) -> str:
    """A declared file as text. Raises CallerError when it is too large or not UTF-8."""
    if path.stat().st_size > MAX_BYTES:
        raise CallerError(f"{path}: larger than {MAX_BYTES // 1_000_000} MB. A declaration is text that people write.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CallerError(f"{path}: not UTF-8 (byte {error.start}). Save it as UTF-8.") from None


def validated(model: type[ModelT], data: Any, where: str) -> ModelT:
    """`data` as `model`. Raises CallerError with every fault, one a line: file, field, what is wrong, the nearest valid word."""
    if not isinstance(data, dict):
        raise CallerError(f"{where}: expected keys and values at the top.")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise CallerError("\n".join(_explain(fault, model, data, where) for fault in error.errors())) from None


def _explain(fault: Any, model: type[BaseModel], data: Any, where: str) -> str:
    place = _place(fault["loc"], data) or "(top)"
    if fault["type"] == "extra_forbidden":
        names = _field_names(model, fault["loc"][:-1])
        return f"{where}: {place}: no such key{nearest(str(fault['loc'][-1]), names) if names else ''}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] in ("literal_error", "enum"):
        message = f"'{fault['input']}' is not one of {fault['ctx']['expected']}"
    return f"{where}: {place}: {message}"


def _place(path: tuple[Any, ...], data: Any) -> str:
    """The path as a person finds it: an entry of a list by its id (`rows.M2.A.target`), by its number where it has none."""
    said: list[str] = []
    for part in path:
        if "function-" in str(part):
            continue
        entry = data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
        named = isinstance(entry, dict) and isinstance(entry.get("id"), str)
        said.append(entry["id"] if named and entry is not None else str(part))
        data = entry if entry is not None else data.get(part) if isinstance(data, dict) else None
    return ".".join(said)


def _field_names(model: Any, path: tuple[Any, ...]) -> list[str]:
    """Field names of the model that `path` leads to, as far as types can be followed; empty when they cannot."""
    from typing import get_args

    current: list[Any] = [model]
    for part in path:
        following: list[Any] = []
        for candidate in current:
            fields = getattr(candidate, "model_fields", {})
            by_alias = {f.alias or n: f for n, f in fields.items()}
            target = by_alias.get(part) or fields.get(part)
            stack = [target.annotation] if target else [candidate] if isinstance(part, int) or not fields else []
            while stack:
                item = stack.pop()
                if hasattr(item, "model_fields"):
                    following.append(item)
                else:
                    stack.extend(get_args(item))
        current = following or current
    return [f.alias or n for c in current for n, f in getattr(c, "model_fields", {}).items()]
