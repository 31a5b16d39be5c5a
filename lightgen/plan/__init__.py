"""From a spec to a plan: every default and every decision is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lightgen.catalogue.optimizers import COMPOSITE
from lightgen.plan.composite import plan_composite
from lightgen.plan.features import (
    feature_problems,
    plan_averaging,
    plan_weights,
    transfer_groups,
)
from lightgen.plan.group_schedule import floor_problems, with_group_schedules
from lightgen.plan.group_settings import (
    clipping_problems,
    depth_problems,
    length_problems,
    plan_layer_decay,
)
from lightgen.plan.groups import plan_groups
from lightgen.plan.names import package_problem
from lightgen.plan.optimizer import plan_optimizer
from lightgen.plan.parts import plan_batch_size, plan_model, plan_task
from lightgen.plan.rule import plan_rule
from lightgen.plan.schedule import plan_schedule
from lightgen.plan.trainer import plan_trainer
from lightgen.plan.types import OptimizerPlan, Plan, TemplatePlan, Wiring
from lightgen.problems import Problem, raise_if_any
from lightgen.spec.model import Spec
from lightgen.spec.rule import RuleFile

__all__ = ["Plan", "make_plan"]


def make_plan(spec: Spec, sources: Mapping[str, RuleFile] | None = None) -> Plan:
    """Decide everything. Raises InputError with every problem of the spec.

    `sources` has the file of the rule that the spec names, by its path in the project.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    package_fault = package_problem(spec.project.package)
    if package_fault:
        problems.append(package_fault)
    task, data = plan_task(spec, problems)
    optimizer = _plan_optimizer(spec, sources or {}, problems)
    if not spec.groups:
        optimizer, defaults = transfer_groups(spec, task, optimizer)
        spec = spec.model_copy(update={"groups": defaults})
    groups = plan_groups(spec, optimizer, problems)
    layer_decay = plan_layer_decay(spec, optimizer, groups, problems)
    optimizer = replace(optimizer, layer_decay=layer_decay)
    batch_size = plan_batch_size(spec, task, optimizer)
    model = plan_model(spec, task, data, optimizer, groups, problems)
    schedule = plan_schedule(spec, task, optimizer, groups, problems, notes)
    schedule = with_group_schedules(schedule, groups, problems)
    layered = layer_decay is not None or any(group.layer_decay for group in groups)
    problems += floor_problems(schedule, layered=layered)
    trainer = plan_trainer(spec, task, data, batch_size, optimizer, problems)
    problems += depth_problems(model, optimizer, groups)
    problems += length_problems(groups, trainer["max_epochs"])
    problems += clipping_problems(groups, optimizer, model, trainer)
    weights = plan_weights(spec, task, model, problems)
    averaging = plan_averaging(spec, optimizer, trainer["max_epochs"], problems)
    problems += feature_problems(spec, optimizer, model)
    raise_if_any(problems)
    return Plan(
        package=spec.project.package,
        lightning=spec.project.lightning,
        seed=spec.seed,
        task=task,
        data=data,
        batch_size=batch_size,
        model=model,
        wirings=(Wiring("", optimizer, groups, schedule),),
        max_epochs=trainer.pop("max_epochs"),
        max_steps=trainer.pop("max_steps"),
        logger=trainer.pop("logger"),
        trainer=trainer,
        template=_plan_template(spec),
        notes=tuple(notes),
        weights=weights,
        averaging=averaging,
        finds_lr=spec.optimizer.lr_finder,
    )


def _plan_optimizer(
    spec: Spec, sources: Mapping[str, RuleFile], problems: list[Problem]
) -> OptimizerPlan:
    if spec.optimizer.rule is not None and spec.optimizer.is_custom:
        return plan_rule(spec, sources, problems)
    if spec.optimizer.rule is not None:
        what = "belongs to a custom optimizer"
        problems.append(Problem("optimizer.rule", what, "name = 'custom'"))
    if spec.optimizer.name.lower() == COMPOSITE.name:
        return plan_composite(spec.optimizer, problems)
    return plan_optimizer(spec, problems)


def _plan_template(spec: Spec) -> TemplatePlan | None:
    wished = spec.template
    if wished is None:
        return None
    return TemplatePlan(wished.source, wished.ref, dict(wished.variables))
