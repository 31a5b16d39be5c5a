"""The JSON Schema of the spec file, for editors.

    python -m lightgen.spec.schema       # writes lightgen/lightgen.schema.json

The tables that take a class's arguments get the arguments of every class of the catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.families import FAMILIES
from lightgen.catalogue.groups import GROUP_SETTINGS
from lightgen.catalogue.optimizers import COMPOSITE, optimizers
from lightgen.catalogue.others import chosen_optimizers
from lightgen.catalogue.parts import AVERAGES, DATA, MODELS, TASKS
from lightgen.catalogue.path_schedulers import path_schedulers
from lightgen.catalogue.schedulers import LENGTHS, WIRING, schedulers
from lightgen.catalogue.skeletons import SKELETONS
from lightgen.catalogue.trainer import trainer_arguments
from lightgen.spec.model import Spec

SCHEMA_FILE = Path(__file__).parent.parent / "lightgen.schema.json"
_TYPES: dict[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "flag": {"type": "boolean"},
    "text": {"type": "string"},
    "number or text": {"type": ["number", "string"]},
    "numbers": {"type": "array", "items": {"type": ["number", "string"]}},
    "integers": {"type": "array", "items": {"type": "integer"}},
}


def build_schema() -> dict[str, Any]:
    """The schema of `Spec` with the catalogue's names and arguments."""
    schema: dict[str, Any] = _without_null(Spec.model_json_schema())
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    schema["title"] = "lightgen.toml"
    tables = schema["$defs"]
    _add_arguments(tables["Optimizer"], (o.arguments for o in optimizers().values()))
    own = (o.group_arguments for o in optimizers().values())
    _add_arguments(tables["NamedOptimizer"], (o.arguments for o in optimizers().values()))
    _add_arguments(tables["Group"], [GROUP_SETTINGS, *own])
    every = {**schedulers(), **path_schedulers()}
    _add_arguments(tables["Scheduler"], [WIRING, *(s.arguments for s in every.values())])
    for record in path_schedulers().values():
        _allow_lengths(tables["Scheduler"], record.computed)
    _add_arguments(tables["Trainer"], [trainer_arguments()])
    tables["Trainer"]["additionalProperties"] = False
    names = {
        "Optimizer": [*optimizers(), COMPOSITE.name, "custom", *chosen_optimizers()],
        "NamedOptimizer": [*optimizers(), "custom", *chosen_optimizers()],
        "Scheduler": list(every),
        "Model": [*MODELS, *FAMILIES],
        "Data": list(DATA),
        "Averaging": list(AVERAGES),
    }
    for table, known in names.items():
        _suggest(tables[table]["properties"]["name"], known)
    _suggest(tables["Group"]["properties"]["optimizer"], list(optimizers()))
    _suggest(tables["Optimizer"]["properties"]["skeleton"], list(SKELETONS))
    _suggest(schema["properties"]["task"], list(TASKS))
    return schema


def _without_null(schema: Any) -> Any:
    """TOML has no null: what may be left out is what the spec does not have."""
    if isinstance(schema, list):
        return [_without_null(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(each) for key, each in schema.items()}
    if isinstance(kept.get("default", ...), dict | None):
        del kept["default"]
    branches = [each for each in kept.get("anyOf", []) if each != {"type": "null"}]
    if len(branches) == 1:
        del kept["anyOf"]
        return {**branches[0], **kept}
    return {**kept, "anyOf": branches} if branches else kept


def _add_arguments(table: dict[str, Any], sources: Iterable[Mapping[str, Argument]]) -> None:
    """Add the arguments of all classes; one that two classes read differently may be either."""
    variants: dict[str, list[dict[str, Any]]] = {}
    for arguments in sources:
        for name, argument in arguments.items():
            if argument.kind != "none" and name not in table["properties"]:
                found = variants.setdefault(name, [])
                found += [each for each in _properties(argument) if each not in found]
    for name, found in variants.items():
        table["properties"][name] = found[0] if len(found) == 1 else {"anyOf": found}


def _allow_lengths(table: dict[str, Any], names: Iterable[str]) -> None:
    """A text stands for the run's length where one is computed."""
    for name in names:
        field, length = table["properties"][name], {"enum": list(LENGTHS)}
        variants = field.get("anyOf", [field])
        if length not in variants:
            table["properties"][name] = {"anyOf": [*variants, length]}


def _properties(argument: Argument) -> list[dict[str, Any]]:
    found = dict(_TYPES[argument.kind])
    if argument.doc:
        found["description"] = argument.doc
    if argument.choices:
        found["examples"] = list(argument.choices)
    nullable = argument.optional or argument.default is None
    return [found, {"const": "none"}] if nullable and found["type"] != "string" else [found]


def _suggest(field: dict[str, Any], known: list[str]) -> None:
    """Names are read in any case, so they are offered, not required."""
    field["examples"] = known


def as_text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(build_schema(), indent=1) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(as_text(), encoding="utf-8")
