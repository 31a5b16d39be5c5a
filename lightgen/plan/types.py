"""The parts of a plan: model, optimizer, groups, schedule, and what belongs together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lightgen.catalogue.optimizer import Optimizer
from lightgen.catalogue.parts import Model
from lightgen.catalogue.path_schedulers import PathScheduler
from lightgen.catalogue.schedulers import CONSTANT, Scheduler
from lightgen.plan.foreign import Call, Reference, references
from lightgen.plan.hyperparameter import Hyperparameter
from lightgen.rules.rule import Rule
from lightgen.tree import File

WHOLE_MODEL = "all"


@dataclass(frozen=True)
class ModelPlan:
    """The network: its submodules in order, the last one the head.

    One of other people's is what `call` gives, its submodules not known; the outputs are what it
    returns, or an attribute of that.
    """

    record: Model
    width: int
    bias: bool
    submodules: tuple[str, ...]
    compiles: bool = False
    checkpoints: bool = False
    call: Call | None = None
    output: str = ""

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

    `class_name` of a class of another package is its dotted path.

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
    def is_foreign(self) -> bool:
        """Whether the class is one of another package than torch."""
        return bool(self.record.path)

    @property
    def path(self) -> str:
        """The class as the code of a project names it."""
        own = self.is_custom or self.is_composite or self.is_foreign
        return self.class_name if own else f"torch.optim.{self.class_name}"

    @property
    def turns_weights(self) -> bool:
        """Whether it trains with other weights than those to evaluate and save."""
        by_rule = self.rule is not None and self.rule.rule.to_eval is not None
        return by_rule or self.record.turns

    @property
    def references(self) -> tuple[Reference, ...]:
        """What of other packages it names: the class, and what its arguments are."""
        if not self.is_foreign:
            return ()
        return (Reference(self.record.path), *references(self.arguments))

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

    `arguments` are values; `computed` maps further arguments to expressions in `{length}`,
    in `{rate}`, the one rate of all groups, and in `{lowest}`, the lowest of them.
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
    def call(self) -> Call | None:
        """What makes a schedule of another package, without what is computed."""
        if isinstance(self.record, PathScheduler):
            return Call(self.record.path, self.arguments)
        return None

    @property
    def needs_length(self) -> bool:
        """Whether the run's length enters."""
        if self.by_group:
            return any(own.needs_length for own in self.by_group.values())
        return (
            (self.record.written_out and self.record is not CONSTANT)
            or any("{length}" in text for text in self.computed.values())
            or (self.record.rates_argument and "total_steps" in self.arguments)
            or any(part.needs_length for part in self.parts)
        )


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
