"""The plan: a spec with no undecided field left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lightgen.catalogue.optimizers import Optimizer
from lightgen.catalogue.parts import Data, Model, Task
from lightgen.catalogue.schedulers import CONSTANT, Scheduler
from lightgen.plan.hyperparameter import Hyperparameter
from lightgen.rules.rule import Rule
from lightgen.tree import File

WHOLE_MODEL = "all"


@dataclass(frozen=True)
class ModelPlan:
    """The network: its submodules in order, the last one the head."""

    record: Model
    width: int
    bias: bool
    submodules: tuple[str, ...]
    compiles: bool = False
    checkpoints: bool = False

    @property
    def depths(self) -> dict[str, int]:
        """The layers of each submodule; empty where they are not known."""
        if self.record.depths is None:
            return {}
        whole, first, middle, head = self.record.depths
        if len(self.submodules) == 1:
            return {self.submodules[0]: whole}
        names, last = self.submodules[:-1], self.submodules[-1]
        return {name: middle if at else first for at, name in enumerate(names)} | {last: head}


@dataclass(frozen=True)
class RulePlan:
    """An update rule, and the file at `path` of the project that it was read from."""

    path: str
    file: File
    rule: Rule


@dataclass(frozen=True)
class OptimizerPlan:
    """The optimizer: its class, the arguments of the call, and the base rate.

    `layer_decay` is that of all groups, counted from the head of the model.

    `arguments` holds what the call states, without lr; `custom` the hyperparameters of a custom
    class that no rule makes, empty for one of torch; `skeleton` what such a class starts as, if not
    as a plain one.
    """

    record: Optimizer
    class_name: str
    base_lr: float
    arguments: Mapping[str, Any]
    custom: tuple[Hyperparameter, ...] = ()
    skeleton: str = ""
    rule: RulePlan | None = None
    layer_decay: float | None = None

    @property
    def is_custom(self) -> bool:
        """Whether the project carries the class itself."""
        return bool(self.custom) or self.rule is not None

    @property
    def is_composite(self) -> bool:
        """Whether each group has a class of its own."""
        return self.record.composite

    @property
    def turns_weights(self) -> bool:
        """Whether it trains with other weights than those to evaluate and save."""
        return self.rule is not None and self.rule.rule.to_eval is not None

    def effective(self, name: str) -> Any:
        """The value of an argument as the call leaves it, None where the class has no such one."""
        if name in self.arguments:
            return self.arguments[name]
        argument = self.record.arguments.get(name)
        return None if argument is None else argument.default


@dataclass(frozen=True)
class GroupPlan:
    """A parameter group: what it covers and what it sets.

    Patterns are empty where the group is the submodule of its name, or the whole model. `lr` is an
    absolute rate, `factor` one relative to the base rate; with neither the base rate holds. Before
    `until_epoch` nothing moves the group. `layer_decay` is its own, counted from its last layer;
    `form` and `warmup_steps` are its own schedule, where it has one. `ndim` leaves out parameters
    with other dimensions; `optimizer` is the group's own in a composite.
    """

    name: str
    patterns: tuple[str, ...] = ()
    lr: float | None = None
    factor: float | None = None
    frozen: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    splits_decay: bool = False
    whole: bool = False
    until_epoch: int = 0
    layer_decay: float | None = None
    form: str | None = None
    warmup_steps: int | None = None
    clip_norm: float | None = None
    clip_value: float | None = None
    ndim: int | None = None
    optimizer: OptimizerPlan | None = None

    @property
    def schedules(self) -> bool:
        """Whether the group has a schedule of its own."""
        return self.form is not None or self.warmup_steps is not None

    @property
    def clips(self) -> bool:
        """Whether the group's gradient has a bound of its own."""
        return self.clip_norm is not None or self.clip_value is not None

    @property
    def absolute(self) -> bool:
        """Whether the group has a rate of its own."""
        return self.lr is not None

    def rate(self, base_lr: float) -> float:
        """The learning rate that the group starts from."""
        if self.lr is not None:
            return self.lr
        return base_lr if self.factor is None else base_lr * self.factor


@dataclass(frozen=True)
class SchedulePlan:
    """A scheduler and its wiring.

    `arguments` are values; `computed` maps further arguments to expressions in `{length}`.
    `interval` is step or epoch; `parts` are those of a composite; `by_group` has the schedule of
    each group that trains, where any has one of its own.
    """

    record: Scheduler
    arguments: Mapping[str, Any] = field(default_factory=dict)
    computed: Mapping[str, str] = field(default_factory=dict)
    interval: str = "epoch"
    frequency: int = 1
    monitor: str | None = None
    warmup_steps: int = 0
    parts: tuple[SchedulePlan, ...] = ()
    by_group: Mapping[str, SchedulePlan] = field(default_factory=dict)

    @property
    def needs_length(self) -> bool:
        """Whether the run's length enters."""
        if self.by_group:
            return any(own.needs_length for own in self.by_group.values())
        return (
            (self.record.written_out and self.record is not CONSTANT)
            or bool(self.computed)
            or "total_steps" in self.arguments
            or any(part.needs_length for part in self.parts)
        )


@dataclass(frozen=True)
class AveragingPlan:
    """An average of the weights: ema with its decay, swa with the factor of the rates."""

    name: str
    decay: float
    lr_factor: float
    start_epoch: int


@dataclass(frozen=True)
class Wiring:
    """An optimizer with its groups and its schedule.

    `name` is that of [optimizers.NAME], empty for the only one. The rest is what the code does for
    one of several, where Lightning leaves it to the code: it steps every `frequency` batches, on
    the gradients of `accumulate` of these, bounded by `clip_val`.
    """

    name: str
    optimizer: OptimizerPlan
    groups: tuple[GroupPlan, ...]
    schedule: SchedulePlan | None
    frequency: int = 1
    accumulate: int = 1
    clip_val: float | None = None
    clip_algorithm: str = "norm"


@dataclass(frozen=True)
class TemplatePlan:
    """The pack that was wished."""

    source: str
    ref: str
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """Everything that the templates need, decided."""

    package: str
    lightning: str
    seed: int
    task: Task
    data: Data
    batch_size: int | None
    model: ModelPlan
    wirings: tuple[Wiring, ...]
    max_epochs: int
    max_steps: int
    logger: str
    trainer: Mapping[str, Any]
    template: TemplatePlan | None
    notes: tuple[str, ...] = ()
    weights: str = ""
    averaging: AveragingPlan | None = None
    finds_lr: bool = False

    @property
    def is_manual(self) -> bool:
        """Whether the code steps the optimizers itself, as there are several."""
        return len(self.wirings) > 1

    @property
    def optimizer(self) -> OptimizerPlan:
        """The only optimizer; of several one whose class the project carries, else the first."""
        every = [wiring.optimizer for wiring in self.wirings]
        return next((each for each in every if each.is_custom), every[0])

    @property
    def schedule(self) -> SchedulePlan | None:
        """The schedule of the only optimizer; of several that of the first."""
        return self.wirings[0].schedule

    @property
    def schedules(self) -> tuple[SchedulePlan, ...]:
        """The schedules that there are."""
        return tuple(each.schedule for each in self.wirings if each.schedule is not None)

    @property
    def groups(self) -> tuple[GroupPlan, ...]:
        """The groups of all optimizers."""
        return tuple(group for wiring in self.wirings for group in wiring.groups)

    @property
    def matches(self) -> bool:
        """Whether any group needs patterns; else each is a submodule, or the whole model."""
        return any(group.patterns or group.ndim is not None for group in self.groups)

    @property
    def trained(self) -> tuple[GroupPlan, ...]:
        """The groups that an optimizer gets."""
        return tuple(group for group in self.groups if not group.frozen)

    @property
    def frozen(self) -> tuple[GroupPlan, ...]:
        """The groups that stay as they are."""
        return tuple(group for group in self.groups if group.frozen)

    @property
    def until_epoch(self) -> dict[str, int]:
        """The groups that are frozen at first, and the epoch from which on each trains."""
        return {group.name: group.until_epoch for group in self.trained if group.until_epoch}

    @property
    def layered(self) -> bool:
        """Whether rates fall from layer to layer."""
        return self.optimizer.layer_decay is not None or any(
            group.layer_decay is not None for group in self.groups
        )

    @property
    def clips_groups(self) -> bool:
        """Whether groups have bounds of their own for their gradients."""
        return any(group.clips for group in self.groups)

    @property
    def whole_model(self) -> bool:
        """Whether one group covers everything because the spec has none."""
        return any(group.whole for group in self.groups)

    @property
    def has_base_lr(self) -> bool:
        """Whether a group's rate comes from the optimizer's base rate."""
        return any(not group.absolute for group in self.trained)

    @property
    def transfers(self) -> bool:
        """Whether the project makes the weights that it starts from."""
        return self.task.name == "transfer"

    @property
    def loads_weights(self) -> bool:
        """Whether a new run starts from weights of a file."""
        return bool(self.weights) or self.transfers

    @property
    def accumulate(self) -> int:
        """Batches of one optimizer step."""
        return int(self.trainer.get("accumulate_grad_batches", 1))
