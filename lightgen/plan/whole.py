"""The plan: a spec with no undecided field left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lightgen.catalogue.packages import requirements
from lightgen.catalogue.parts import Data, Task
from lightgen.plan.foreign import Call, Reference, references
from lightgen.plan.launchers import LaunchersPlan
from lightgen.plan.types import GroupPlan, ModelPlan, OptimizerPlan, SchedulePlan, Wiring


@dataclass(frozen=True)
class AveragingPlan:
    """An average of the weights: ema with its decay, swa with the factor of the rates."""

    name: str
    decay: float
    lr_factor: float
    start_epoch: int


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
    data_call: Call | None = None
    dependencies: tuple[str, ...] = ()
    launchers: LaunchersPlan = field(default_factory=LaunchersPlan)

    @property
    def paths(self) -> tuple[Reference, ...]:
        """Everything of other packages that the project names, in the order of the spec."""
        optimizers = (each for wiring in self.wirings for each in wiring.optimizer.references)
        schedules = [schedule.call for schedule in self.schedules]
        return (*references([self.data_call, self.model.call, *schedules]), *optimizers)

    @property
    def foreign_packages(self) -> tuple[str, ...]:
        """The names that Python imports these from, but for torch and the project's own."""
        roots = {each.root for each in self.paths} - {"torch", self.package}
        return tuple(sorted(roots))

    @property
    def requirements(self) -> tuple[str, ...]:
        """What installs them, as far as it is known, and what the spec says beside."""
        return tuple(sorted({*requirements(self.foreign_packages), *self.dependencies}))

    @property
    def has_own_model(self) -> bool:
        """Whether the network is one that lightgen writes."""
        return self.model.call is None

    @property
    def has_own_data(self) -> bool:
        """Whether the data are lightgen's own."""
        return self.data_call is None

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
    def turning(self) -> tuple[OptimizerPlan, ...]:
        """The optimizers that train with other weights than those to evaluate and save."""
        every = {each.optimizer.class_name: each.optimizer for each in self.wirings}
        return tuple(each for each in every.values() if each.turns_weights)

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
