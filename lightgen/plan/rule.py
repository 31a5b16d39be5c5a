"""Decide the optimizer that an update rule makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.groups import RESERVED_SETTINGS
from lightgen.catalogue.optimizer import Optimizer
from lightgen.plan.names import class_name_from, class_name_problem
from lightgen.plan.optimizer import CUSTOM, CUSTOM_FLAGS, check_arguments, cross_checks
from lightgen.plan.types import OptimizerPlan, RulePlan
from lightgen.problems import InputError, Problem
from lightgen.rules.rule import Rule
from lightgen.spec.model import Spec
from lightgen.spec.rule import RuleFile, parse_rule, path_fault, rule_arguments, split_reference

# Names that mean something else in [optimizer] or in a group of the spec.
_FUSED = Argument("fused", None, kind="flag", optional=True, doc="one kernel for the whole update")
_TAKEN = frozenset(
    {
        *("name", "rule", "class_name", "hyperparameters", "skeleton", "match", "freeze"),
        *RESERVED_SETTINGS,
    }
)


def plan_rule(
    spec: Spec, sources: Mapping[str, RuleFile], problems: list[Problem]
) -> OptimizerPlan:
    """Decide the optimizer of the spec's rule; what is wrong is added to problems.

    Raises InputError with all of them for an unsound rule: nothing else can be decided then.
    """
    table, reference = spec.optimizer, spec.optimizer.rule or ""
    for key in ("hyperparameters", "skeleton"):
        if key in table.model_fields_set:
            what = "does not go with a rule, which says it itself"
            problems.append(Problem(f"optimizer.{key}", what, "remove one of the two"))
    plan = _read(reference, sources, problems)
    if plan is None:
        raise InputError(*problems)
    record = rule_record(plan.rule)
    name = class_name_from(plan.rule.name) if table.class_name is None else table.class_name
    fault = class_name_problem(name)
    if fault:
        problems.append(fault)
    given = check_arguments(table.arguments, record.arguments, "optimizer", "the rule", problems)
    arguments = {**record.customary, **given}
    problems += cross_checks(record, arguments)
    if not arguments.get("fused"):
        arguments.pop("fused", None)  # the class has the option only where it is wished
    else:
        from lightgen.rules.fused.split import kernel_faults

        problems += kernel_faults(replace(plan.rule, where=sources[plan.path].where))
    return OptimizerPlan(record, name, arguments.pop("lr"), arguments, rule=plan)


def _read(
    reference: str, sources: Mapping[str, RuleFile], problems: list[Problem]
) -> RulePlan | None:
    path, function = split_reference(reference)
    fault = path_fault(path)
    if fault:
        todo = "name one in the project, as in rules/lion.py"
        problems.append(Problem("optimizer.rule", f"'{path}' {fault}", todo))
        return None
    found = sources.get(path)
    if found is None:
        what = f"there is no file '{path}' in the project"
        problems.append(Problem("optimizer.rule", what, "give the rule with --rule FILE"))
        return None
    try:
        rule = replace(parse_rule(found, function), where=path)
    except InputError as error:
        problems += error.problems
        return None
    taken = sorted(hyper.name for hyper in rule.hypers if hyper.name in _TAKEN)
    for name in taken:
        what = f"the hyperparameter '{name}' would be a key of lightgen.toml with another meaning"
        problems.append(Problem(found.where, what, "rename it"))
    return None if taken else RulePlan(path, found.file, rule)


def rule_record(rule: Rule) -> Optimizer:
    """The catalogue's entry of the class that a rule makes."""
    arguments = rule_arguments(rule)
    return Optimizer(
        CUSTOM,
        rule.doc.partition("\n")[0] or f"the rule {rule.name}",
        {**arguments, **{switch.name: switch for switch in (*CUSTOM_FLAGS, _FUSED)}},
        customary={"lr": arguments["lr"].default},
    )
