"""What is wrong with the shape of a spec, in words, and what of the spec is sound beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel

from lightgen.problems import Problem, guess

Path: TypeAlias = tuple[str | int, ...]
TableAt: TypeAlias = Callable[[Path], type[BaseModel]]

# Names that pydantic puts into a location for the branch of a union that it tried.
_UNION_NOISE = {"str", "float", "bool", "int", "Range", "list[str]", "list[float]"}
_NEEDED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_WISHED = {
    "greater_than_equal": "it must be at least {ge}",
    "greater_than": "it must be more than {gt}",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be at most {le}",
    "literal_error": "it must be {expected}",
}
# The key that a value was meant for where it stands in place of a table.
_FIRST_KEYS = {
    "averaging": "name",
    "data": "name",
    "model": "name",
    "optimizer": "name",
    "project": "package",
    "scheduler": "name",
    "template": "source",
}


def shape_problems(
    errors: Sequence[Any], content: Mapping[str, Any], table_at: TableAt
) -> list[Problem]:
    """One problem for each place that pydantic's errors name, the innermost of a union's."""
    places: dict[Path, list[Any]] = {}
    for error in errors:
        places.setdefault(_path(error["loc"], content), []).append(error)
    inner = [path for path in places if not any(_is_inside(other, path) for other in places)]
    return [_problem(path, places[path], table_at) for path in inner]


def unwritable(content: Any, path: Path = ()) -> Iterator[tuple[Path, Problem]]:
    """Values that TOML cannot hold, though Python does: paths and problems."""
    where = _where(path)
    if isinstance(content, str) and not _is_unicode(content):
        yield path, Problem(where, "the text is not UTF-8", "write it in UTF-8")
    elif isinstance(content, int) and not -(2**63) <= content < 2**63:
        yield path, Problem(where, "the number has more than 64 bits", "write a smaller one")
    elif isinstance(content, Mapping):
        for key, value in content.items():
            if not _is_unicode(key):
                yield (*path, key), Problem(where, f"the key {key!r} is not UTF-8", "rename it")
            else:
                yield from unwritable(value, (*path, key))
    elif isinstance(content, list):
        for at, value in enumerate(content):
            yield from unwritable(value, (*path, at))


def without(content: Mapping[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """The content without what stands at the paths; a list goes as a whole."""
    drop = {path[0] for path in paths if len(path) == 1}
    kept: dict[str, Any] = {}
    for key, value in content.items():
        inner = [path[1:] for path in paths if path[0] == key and len(path) > 1]
        if key in drop or (inner and not isinstance(value, Mapping)):
            continue
        kept[key] = without(value, inner) if inner else value
    return kept


def error_paths(errors: Sequence[Any], content: Mapping[str, Any]) -> list[Path]:
    """Where the errors stand in the content; for a missing key, the table that misses it."""
    paths = [
        path[:-1] if error["type"] == "missing" else path
        for error in errors
        for path in [_path(error["loc"], content)]
    ]
    return list(dict.fromkeys(paths))


def _path(location: Sequence[str | int], content: Any) -> Path:
    path: list[str | int] = []
    for part in location:
        stands = isinstance(content, Mapping) and part in content
        if part in _UNION_NOISE and not stands:
            continue
        path.append(part)
        if isinstance(content, list) and isinstance(part, int) and part < len(content):
            content = content[part]
        else:
            content = content[part] if stands else None
    return tuple(path)


def _is_inside(path: Path, outer: Path) -> bool:
    return len(path) > len(outer) and path[: len(outer)] == outer


def _where(path: Path) -> str:
    return ".".join(map(str, path))


def _problem(path: Path, errors: Sequence[Any], table_at: TableAt) -> Problem:
    where, error = _where(path), errors[0]
    table = table_at(path[:-1])
    if error["type"] == "extra_forbidden":
        return Problem(where, f"unknown key '{path[-1]}'", guess(str(path[-1]), table.model_fields))
    if error["type"] == "missing":
        return Problem(where, "is missing", "add it")
    return Problem(where, f"{error['input']!r} is wrong: {_wish(errors)}", _advice(path, table))


def _wish(errors: Sequence[Any]) -> str:
    kinds = [error["type"] for error in errors]
    if all(kind in _NEEDED for kind in kinds):
        *others, last = dict.fromkeys(_NEEDED[kind] for kind in kinds)
        return f"{', '.join(others)} or {last} is needed" if others else f"{last} is needed"
    error = errors[0]
    text = _WISHED.get(error["type"], error["msg"][:1].lower() + error["msg"][1:])
    return str(text).format(**error.get("ctx", {}))


def _advice(path: Path, table: type[BaseModel]) -> str:
    key = _FIRST_KEYS.get(str(path[0])) if len(path) == 1 else None
    if len(path) == 2 and path[0] == "groups":
        key = "lr"
    if key:
        return f"such a value belongs to {_where(path)}.{key}"
    field = table.model_fields.get(str(path[-1]))
    if field is not None and field.description:
        return field.description[:1].lower() + field.description[1:].rstrip(".")
    return "write a value of that kind"


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
