"""The shape of `lightgen.toml`.

A `Spec` holds what the user wrote and nothing decided: defaults that depend on other choices are
made in the plan. Keys of an optimizer, a group, a scheduler and the Trainer beside those named here
are arguments of the class; the plan checks them against the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lightgen.problems import InputError, Problem, guess

SCHEMA_PATH = ".lightgen/schema.json"


class Table(BaseModel):
    """A table with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OpenTable(BaseModel):
    """A table that takes a class's own arguments too."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keys that belong to the class."""
        return dict(self.model_extra or {})


class Project(Table):
    """Names of the generated project."""

    package: str = Field("", description="Import name of the generated package.")
    lightning: Literal["pytorch_lightning", "lightning"] = Field(
        "pytorch_lightning", description="Import root of Lightning."
    )


class Data(Table):
    """The data set and how it is served."""

    name: str = Field("", description="Data set; left out: the task's own.")
    batch_size: int | None = Field(
        None, ge=1, description="Samples of a batch; left out: 64, or all for full-batch methods."
    )


class Model(Table):
    """The network."""

    name: str = Field("", description="Model; left out: one that the optimizer can train.")
    width: int | None = Field(
        None, ge=1, le=65536, description="Units of a hidden layer; left out: the model's own."
    )
    bias: bool | None = Field(None, description="Bias vectors; left out: unless Muon trains it.")


class Range(Table):
    """A hyperparameter of a custom optimizer: its default and the values that it takes."""

    default: float | bool | list[float]
    min: float | None = Field(None, description="Least value.")
    max: float | None = Field(None, description="Largest value.")
    above: float | None = Field(None, description="Every value is more than this.")
    below: float | None = Field(None, description="Every value is less than this.")


class Optimizer(OpenTable):
    """The optimizer; other keys are arguments of its class."""

    name: str = Field("AdamW", description="Class of torch.optim in any case, or custom.")
    class_name: str | None = Field(None, description="Name of the custom class.")
    hyperparameters: dict[str, Range | float | bool | list[float]] = Field(
        default_factory=dict, description="Further hyperparameters of the custom class."
    )


class Group(OpenTable):
    """A parameter group; other keys are arguments of the optimizer's class."""

    match: str | list[str] | None = Field(
        None, description="Module paths, globs or re:...; left out: the submodule of that name."
    )
    lr: float | str | None = Field(
        None, description="Rate, or x0.1: a factor of the optimizer's own."
    )
    freeze: bool = Field(False, description="Leave these parameters as they are.")


class Scheduler(OpenTable):
    """The schedule; other keys are arguments of its class."""

    name: str = Field(description="Class of torch.optim.lr_scheduler, cosine, linear or wsd.")
    schedulers: list[dict[str, Any]] | None = Field(
        None, description="Parts of SequentialLR and ChainedScheduler, in order."
    )


class Trainer(OpenTable):
    """Arguments of Lightning's Trainer."""


class Template(Table):
    """A pack: a team's own files around lightgen's."""

    source: str = Field(description="Folder, zip file, git URL or abbreviation such as gh:a/b.")
    ref: str = Field("", description="Branch, tag or commit.")
    variables: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Values of the pack's variables."
    )


class Spec(Table):
    """The whole specification of a project."""

    task: str = Field("classification", description="What is learned.")
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Seed of everything random.")
    project: Project = Project()
    data: Data = Data()
    model: Model = Model()
    optimizer: Optimizer = Optimizer()
    groups: dict[str, Group] = Field(default_factory=dict)
    scheduler: Scheduler | None = None
    trainer: Trainer = Trainer()
    template: Template | None = None


def parse_spec(content: Mapping[str, Any]) -> Spec:
    """Check the shape of a spec. Raises InputError with every problem."""
    try:
        return Spec.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=True)
        raise InputError(*dict.fromkeys(_problem(each, content) for each in found)) from None


def _problem(error: Any, content: Mapping[str, Any]) -> Problem:
    path = [part for part in error["loc"] if part not in _UNION_NOISE]
    where = ".".join(map(str, path))
    kind = error["type"]
    if kind == "extra_forbidden":
        table = _table_at(path[:-1])
        return Problem(where, f"unknown key '{path[-1]}'", guess(str(path[-1]), table.model_fields))
    if kind == "missing":
        return Problem(where, "is missing", "add it")
    wished = _WISHED.get(kind, error["msg"][:1].lower() + error["msg"][1:])
    wished = wished.format(**error.get("ctx", {}))
    return Problem(where, f"{error['input']!r} is wrong: {wished}", _advice(path))


# Names that pydantic puts into a location for the branch of a union that it tried.
_UNION_NOISE = {"str", "float", "bool", "int", "Range", "list[str]", "list[float]"}
_WISHED = {
    "int_type": "a whole number is needed",
    "float_type": "a number is needed",
    "string_type": "a text is needed",
    "bool_type": "true or false is needed",
    "list_type": "a list is needed",
    "dict_type": "a table is needed",
    "model_type": "a table is needed",
    "model_attributes_type": "a table is needed",
    "greater_than_equal": "it must be at least {ge}",
    "less_than_equal": "it must be at most {le}",
    "literal_error": "it must be {expected}",
}


def _advice(path: list[Any]) -> str:
    if path and isinstance(path[-1], str):
        table = _table_at(path[:-1])
        field = table.model_fields.get(path[-1])
        if field is not None and field.description:
            return field.description[:1].lower() + field.description[1:].rstrip(".")
    return "write a value of that kind"


_TABLES: dict[str, type[BaseModel]] = {
    "project": Project,
    "data": Data,
    "model": Model,
    "optimizer": Optimizer,
    "groups": Group,
    "scheduler": Scheduler,
    "trainer": Trainer,
    "template": Template,
}


def _table_at(path: list[Any]) -> type[BaseModel]:
    if len(path) >= 2 and path[:2] == ["optimizer", "hyperparameters"]:
        return Range
    return _TABLES.get(str(path[0]), Spec) if path else Spec
