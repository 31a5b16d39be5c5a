"""The shape of `lightgen.toml`.

A `Spec` holds what the user wrote and nothing decided: defaults that depend on other choices are
made in the plan. Keys of an optimizer, a group, a scheduler and the Trainer beside those named here
are arguments of the class; the plan checks them against the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from lightgen.problems import InputError, Problem
from lightgen.spec.faults import Path, error_paths, shape_problems, unwritable, without
from lightgen.spec.launchers import LAUNCHERS, Launchers
from lightgen.spec.tables import OpenTable, Table

SCHEMA_PATH = ".lightgen/schema.json"


class Project(Table):
    """Names of the generated project."""

    package: str = Field("", description="Import name of the generated package.")
    lightning: Literal["pytorch_lightning", "lightning"] = Field(
        "pytorch_lightning", description="Import root of Lightning."
    )
    dependencies: list[str] = Field(
        default_factory=list, description="Further requirements of the project, as pip reads them."
    )


class Data(Table):
    """The data set and how it is served."""

    name: str = Field(
        "", description="Data set, or the path of a LightningDataModule; left out: the task's own."
    )
    args: dict[str, Any] = Field(
        default_factory=dict, description="Arguments of a class that is named by its path."
    )
    batch_size: int | None = Field(
        None, ge=1, description="Samples of a batch; left out: 64, or all for full-batch methods."
    )
    image_size: int | None = Field(
        None, ge=1, le=4096, description="Side of the images that another's model takes, in pixels."
    )
    channels: int | None = Field(
        None, ge=1, le=64, description="Channels of these images: grey values are repeated."
    )


class Model(Table):
    """The network."""

    name: str = Field(
        "", description="Model, or the path of a callable; left out: one for the optimizer."
    )
    args: dict[str, Any] = Field(
        default_factory=dict, description="Arguments of a callable that is named by its path."
    )
    output: str | None = Field(
        None, description="Attribute of what the model returns that has the outputs, as logits."
    )
    width: int | None = Field(
        None, ge=1, le=65536, description="Units of a hidden layer; left out: the model's own."
    )
    bias: bool | None = Field(None, description="Bias vectors; left out: unless Muon trains it.")
    weights: str | None = Field(
        None, description="File of weights to start from: .pt, .pth, .ckpt or .safetensors."
    )
    compile: bool = Field(False, description="Compile the network with torch.compile.")
    gradient_checkpointing: bool = Field(
        False, description="Compute activations twice instead of keeping them."
    )


class Range(Table):
    """A hyperparameter of a custom optimizer: its default and the values that it takes."""

    default: float | bool | list[float]
    min: float | None = Field(None, description="Least value.")
    max: float | None = Field(None, description="Largest value.")
    above: float | None = Field(None, description="Every value is more than this.")
    below: float | None = Field(None, description="Every value is less than this.")


class Optimizer(OpenTable):
    """The optimizer; other keys are arguments of its class."""

    name: str = Field("AdamW", description="Class of torch.optim in any case, composite or custom.")
    rule: str | None = Field(
        None, description="The custom optimizer's update rule: rules/FILE.py or rules/FILE.py:NAME."
    )
    class_name: str | None = Field(None, description="Name of the custom class.")
    hyperparameters: dict[str, Range | float | bool | list[float]] = Field(
        default_factory=dict, description="Further hyperparameters of the custom class."
    )

    skeleton: str | None = Field(
        None, description="What a custom class starts as: two-closure or every-k."
    )
    layer_decay: float | None = Field(
        None, description="Factor of the rates per layer away from the head: above 0, at most 1."
    )
    lr_finder: bool = Field(False, description="Write find_lr.py, a test over a range of rates.")
    train_eval: bool = Field(
        False, description="A class by its path has train() and eval(): the module calls them."
    )

    @property
    def is_custom(self) -> bool:
        """Whether the class is the project's own; a rule says it, too."""
        implied = self.rule is not None and "name" not in self.model_fields_set
        return implied or self.name.lower() == "custom"


# The plan says what is wrong with another text; an editor underlines it.
UntilEpoch = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": r"^until_epoch:\s*[0-9]+$"})
]


class Group(OpenTable):
    """A parameter group; other keys are arguments of the optimizer's class."""

    match: str | list[str] | None = Field(
        None, description="Module paths, globs or re:...; left out: the submodule of that name."
    )
    lr: float | str | None = Field(
        None, description="Rate, or x0.1: a factor of the optimizer's own."
    )
    freeze: bool | UntilEpoch = Field(
        False,
        description="true leaves these parameters as they are, until_epoch:N before epoch N.",
        examples=[True, "until_epoch:3"],
    )
    ndim: int | None = Field(
        None, ge=0, description="Take only parameters with so many dimensions: 2 for matrices."
    )
    optimizer: str | None = Field(
        None, description="Class that trains this group of a composite; left out: AdamW."
    )


class Scheduler(OpenTable):
    """The schedule; other keys are arguments of its class."""

    name: str = Field(
        description="Class of torch.optim.lr_scheduler, cosine, linear, wsd, or the path of one."
    )
    schedulers: list[dict[str, Any]] | None = Field(
        None, description="Parts of SequentialLR and ChainedScheduler, in order."
    )


class Averaging(Table):
    """An average of the weights that is validated and saved in place of the last ones."""

    name: str = Field(
        description="ema: the last steps weigh most; swa: the epochs from a start on, alike."
    )
    decay: float | None = Field(
        None, gt=0, lt=1, description="ema: share of the average that a step keeps; 0.99."
    )
    lr_factor: float | None = Field(
        None, gt=0, description="swa: factor of each group's rate while it averages; 0.5."
    )
    start_epoch: int | None = Field(
        None, ge=0, description="First epoch that is averaged; ema: 0, swa: after three quarters."
    )


class NamedOptimizer(Optimizer):
    """One of several optimizers, with its own groups and schedule."""

    frequency: int = Field(1, ge=1, description="It steps every so many batches.")
    accumulate_grad_batches: int | None = Field(
        None, ge=1, description="Of its batches, so many make one step."
    )
    gradient_clip_val: float | None = Field(
        None, gt=0, description="Bound of its gradient, over all its groups."
    )
    gradient_clip_algorithm: Literal["norm", "value"] | None = Field(
        None, description="What is bounded."
    )
    groups: dict[str, Group] = Field(default_factory=dict)
    scheduler: Scheduler | None = None


# What a named optimizer has beside an optimizer's own keys.
NAMED_KEYS = tuple(NamedOptimizer.model_fields.keys() - Optimizer.model_fields.keys())


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
    optimizers: dict[str, NamedOptimizer] = Field(default_factory=dict)
    trainer: Trainer = Trainer()
    averaging: Averaging | None = None
    launchers: Launchers = Launchers()
    template: Template | None = None


def parse_spec(content: Mapping[str, Any]) -> Spec:
    """Check the shape of a spec. Raises InputError with every problem."""
    spec, problems = examine_spec(content)
    if spec is None or problems:
        raise InputError(*problems)
    return spec


def examine_spec(content: Mapping[str, Any]) -> tuple[Spec | None, list[Problem]]:
    """Check the shape of a spec; return its sound part too, so that the rest can be checked.

    No part is sound where a choice is wrong that the meaning of others depends on.
    """
    found = list(unwritable(content))
    problems, wrong = [problem for _, problem in found], [path for path, _ in found]
    sound = without(content, wrong)
    spec, errors = _validate(sound)
    problems += shape_problems(errors, sound, _table_at)
    wrong += error_paths(errors, sound)
    if any(_decides(path) for path in wrong):
        return None, problems
    if spec is None:
        spec, _ = _validate(without(sound, wrong))
    return spec, problems


def _decides(path: Path) -> bool:
    whole = len(path) == 1 or (len(path) == 2 and path[0] == "optimizers")
    return (whole and path != ("seed",)) or not _DECIDING.isdisjoint(path)


_DECIDING = frozenset({"name", "package", "rule", "schedulers"})


def _validate(content: Mapping[str, Any]) -> tuple[Spec | None, list[Any]]:
    try:
        return Spec.model_validate(content), []
    except ValidationError as error:
        return None, list(error.errors(include_url=False, include_context=True))


_TABLES: dict[str, type[BaseModel]] = {
    "project": Project,
    "data": Data,
    "model": Model,
    "optimizer": Optimizer,
    "groups": Group,
    "scheduler": Scheduler,
    "trainer": Trainer,
    "averaging": Averaging,
    "launchers": Launchers,
    "template": Template,
}


def _table_at(path: Path) -> type[BaseModel]:
    if path[:1] == ("optimizers",) and len(path) > 2 and path[2] in ("groups", "scheduler"):
        path = path[2:]
    elif path[:1] == ("optimizers",) and len(path) > 1:
        return NamedOptimizer
    if path[:1] == ("launchers",) and len(path) > 1:
        return LAUNCHERS.get(str(path[1]), Launchers)
    if len(path) >= 2 and path[:2] == ("optimizer", "hyperparameters"):
        return Range
    return _TABLES.get(str(path[0]), Spec) if path else Spec
