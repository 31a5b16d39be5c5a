"""`optim.py` of the generated project: groups, optimizer, schedule as plain functions."""

from __future__ import annotations

from collections.abc import Iterable

from lightgen.plan.groups import REGEX, is_module_path
from lightgen.plan.types import GroupPlan, OptimizerPlan, Wiring
from lightgen.plan.whole import Plan
from lightgen.render.clipping import clip_fragment
from lightgen.render.composite import composite_view
from lightgen.render.environment import ABSENT, fill
from lightgen.render.foreign_optimizer import foreign_builder, foreign_call, names_apart
from lightgen.render.freezing import unfreeze_fragment
from lightgen.render.imports import Imports
from lightgen.render.layers import layers_fragment, split_line
from lightgen.render.others import network_type, parts_lines
from lightgen.render.schedule import schedule_fragments
from lightgen.render.values import argument_value, frozen_modules
from lightgen.source import Expr, Source, block, call, indent, literal

ALIAS = "ParameterGroup: TypeAlias = dict[str, Any]"


def render_optim(plan: Plan) -> str:
    """The text of optim.py."""
    imports = Imports(plan.package)
    imports.names("collections.abc", "Mapping", "Sequence")
    imports.names("typing", "Any", "TypeAlias")
    imports.names("torch", "nn")
    if plan.has_own_model:
        imports.own("model", "Network")
    fragments = [
        *_group_fragments(plan, imports),
        *_optimizer_fragments(plan, imports),
        *schedule_fragments(plan, imports),
        fill("optim/describe.py", {"rate": _rate_to_show(plan)}),
    ]
    head = f'"""Parameter {contents(plan)}, as functions that need no Lightning."""'
    return "\n\n".join([head, imports.source(), ALIAS]) + "\n\n\n" + "\n\n".join(fragments)


def contents(plan: Plan) -> str:
    """What optim.py has functions for, after the word parameter."""
    several = "s" if plan.is_manual else ""
    if plan.schedules:
        return f"groups, optimizer{several} and schedule{several}"
    return f"groups and optimizer{several}"


def _rate_to_show(plan: Plan) -> Source:
    """A cycle starts at a fraction of the group's rate, its peak."""
    rate = 'group.get("initial_lr", group["lr"])'
    if any(schedule.record.name == "OneCycleLR" for schedule in plan.schedules):
        rate = f'group.get("max_lr", {rate})'
    return Source(rate)


def _group_fragments(plan: Plan, imports: Imports) -> Iterable[str]:
    splits = any(group.splits_decay for group in plan.trained)
    if plan.frozen:
        yield fill("optim/freeze.py", _freeze_view(plan))
    if plan.until_epoch:
        yield unfreeze_fragment(plan, imports)
    yield fill("optim/groups.py", _groups_view(plan))
    if plan.matches:
        yield fill("optim/patterns.py", _pattern_view(plan, imports))
    if splits:
        yield fill("optim/split_decay.py", {})
    if plan.layered:
        yield layers_fragment(plan, imports)
    yield fill("optim/override_rates.py", _rates_view(plan, splits=splits))
    yield fill("optim/coverage.py", {})
    if plan.clips_groups:
        yield clip_fragment(plan, imports)


def _rates_view(plan: Plan, *, splits: bool) -> dict[str, Source]:
    """A rate belongs to all that a group is split into; a layer has its share of it."""
    owner = 'group["name"]'
    if plan.layered:
        owner += '.partition("/")[0]'
    elif splits:
        owner += '.removesuffix("/no_decay")'
    rate = 'group["lr"]' if plan.has_base_lr else 'rates.get("*", group["lr"])'
    rate = f"rates.get(owner, {rate})"
    if plan.layered:
        rate = f'{rate} * group.get("lr_scale", 1.0)'
    return {
        "owners": Expr(f"[{owner} for group in groups]"),
        "listed": Expr("sorted({*owners})" if plan.layered else "owners"),
        "rate": Expr(rate),
    }


def _groups_view(plan: Plan) -> dict[str, Source]:
    preamble = []
    if plan.has_base_lr:
        preamble.append(f'base_lr = rates.get("*", {literal(plan.optimizer.base_lr)})')
    if plan.matches:
        preamble.append("members = match_parameters(model)")
    entries: list[str] = []
    for group in plan.trained:
        entries += _group_lines(group, plan)
    what = " of the whole model" if plan.whole_model else ", each with its own settings"
    return {
        "network": network_type(plan),
        "of_what": Source(what),
        "star_meaning": star_meaning(plan),
        "preamble": block(indent(preamble)) if preamble else ABSENT,
        "groups": block(indent(entries, 2)),
        "split_layers": split_line(plan),
    }


def star_meaning(plan: Plan) -> Source:
    """What a rate without a group's name stands for."""
    return Source("the base rate" if plan.has_base_lr else "all of them")


def _group_lines(group: GroupPlan, plan: Plan) -> list[str]:
    items = {
        "name": literal(group.name),
        "params": _members(group, plan),
        "lr": _rate(group),
        **{key: argument_value(value) for key, value in group.arguments.items()},
    }
    lines = ["{", *indent(f"{literal(key)}: {value}," for key, value in items.items()), "}"]
    if not group.splits_decay:
        return [*lines[:-1], "},"]
    return ["*split_decay(", "    model,", *indent([*lines[:-1], "},"]), "),"]


def _members(group: GroupPlan, plan: Plan) -> str:
    if group.whole:
        return "list(model.named_parameters())"
    if plan.matches:
        return f"members[{literal(group.name)}]"
    return f"list(model.{group.name}.named_parameters({literal(group.name)}))"


def _rate(group: GroupPlan) -> str:
    if group.lr is not None:
        return literal(float(group.lr))
    if group.factor is None or group.factor == 1:
        return "base_lr"
    return f"{literal(group.factor)} * base_lr"


def _pattern_view(plan: Plan, imports: Imports) -> dict[str, Source]:
    lines: list[str] = []
    patterns: list[str] = []
    for group in plan.groups:
        own = group.patterns or (group.name,)
        patterns += own
        lines.append(f"{literal(group.name)}: {literal(list(own))},")
    regex = any(pattern.startswith(REGEX) for pattern in patterns)
    paths = any(is_module_path(pattern) for pattern in patterns)
    globs = any(not is_module_path(p) and not p.startswith(REGEX) for p in patterns)
    body = []
    if regex:
        imports.module("re")
        body += [
            'if pattern.startswith("re:"):',
            '    return re.search(pattern.removeprefix("re:"), name) is not None',
        ]
    if globs:
        imports.names("fnmatch", "fnmatchcase")
        body.append('return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")')
    elif paths:
        body.append('return name == pattern or name.startswith(f"{pattern}.")')
    else:
        body = ['return re.search(pattern.removeprefix("re:"), name) is not None']
    kinds = []
    if paths:
        kinds.append("a module's path")
    if globs:
        kinds.append("a glob")
    if regex:
        kinds.append("a regular expression after re:")
    parts, unmatched = parts_lines(plan)
    return {
        **_ndim_view(plan),
        "parts": parts,
        "unmatched": unmatched,
        "pattern_kinds": Source(", ".join(kinds[:-1]) + " or " * (len(kinds) > 1) + kinds[-1]),
        "patterns": block(indent(lines)),
        "match_lines": block(indent(body)),
    }


def _ndim_view(plan: Plan) -> dict[str, Source]:
    """What the number of dimensions adds to the patterns."""
    counts = {group.name: group.ndim for group in plan.groups if group.ndim is not None}
    fits = "any(matches(name, pattern) for pattern in patterns)"
    if not counts:
        takes = block(indent([f"if {fits}:"], 2))
        return {
            **dict.fromkeys(["parameter_ndim", "ndim_parameter"], Source("")),
            "dimensions": ABSENT,
            "takes": takes,
        }
    lines = [
        "# Of what its patterns match, such a group takes only what has so many dimensions.",
        "DIMENSIONS = {",
        *indent(f"{literal(name)}: {count}," for name, count in counts.items()),
        "}",
    ]
    return {
        "parameter_ndim": Source(", parameter.ndim"),
        "ndim_parameter": Source(", ndim: int"),
        "dimensions": block(lines),
        "takes": block(
            indent(["fits = DIMENSIONS.get(group, ndim) == ndim", f"if fits and {fits}:"], 2)
        ),
    }


_ROOM = 19  # what the docstring's one line leaves for names


def _freeze_view(plan: Plan) -> dict[str, Source]:
    if plan.matches:
        names = literal(tuple(group.name for group in plan.frozen))
        lines = [
            "members = match_parameters(model)",
            f"for group in {names}:",
            "    for _, parameter in members[group]:",
            "        parameter.requires_grad_(False)",
        ]
    else:
        lines = [f"model.{name}.requires_grad_(False)" for name in frozen_modules(plan)]
    frozen = " and ".join(group.name for group in plan.frozen)
    return {
        "network": network_type(plan),
        "frozen_names": Source(frozen if len(frozen) <= _ROOM else "the frozen groups"),
        "freeze_lines": block(indent(lines)),
    }


def _optimizer_fragments(plan: Plan, imports: Imports) -> Iterable[str]:
    imports.names("torch.optim", "Optimizer")
    network = {"network": network_type(plan)}
    if plan.optimizer.is_composite:
        imports.module("torch").own("composite", plan.optimizer.class_name)
        yield fill("optim/build_composite.py", {**composite_view(plan), **network})
        yield fill("optim/chosen.py", {})
        return
    if plan.is_manual:
        entries: list[str] = []
        for wiring in plan.wirings:
            owners = ", ".join(literal(group.name) for group in wiring.groups if not group.frozen)
            lines = _construct_one(wiring, f"chosen(groups, {owners})", imports)
            entries += [f"{literal(wiring.name)}: {lines[0]}", *lines[1:-1], f"{lines[-1]},"]
            if len(lines) == 1:
                entries[-2:] = [f"{literal(wiring.name)}: {lines[0]},"]
        yield fill("optim/build_optimizers.py", {"entries": block(indent(entries, 2)), **network})
        yield fill("optim/chosen.py", {})
        if any(wiring.optimizer.record.plain for wiring in plan.wirings):
            yield from names_apart(
                wiring.optimizer for wiring in plan.wirings if wiring.optimizer.record.plain
            )
        return
    if plan.optimizer.is_foreign:
        yield from foreign_builder(plan.optimizer, network, imports)
        return
    first = "parameter_groups(model, rates)"
    lines = _construct(plan.optimizer, first, imports)
    yield fill("optim/build_optimizer.py", {"call": Source("\n    ".join(lines)), **network})


def _construct_one(wiring: Wiring, groups: str, imports: Imports) -> list[str]:
    """Lines of the expression that makes one of several optimizers."""
    if not wiring.optimizer.is_foreign:
        return _construct(wiring.optimizer, groups, imports)
    lines = foreign_call(wiring.optimizer, groups, imports)
    if not wiring.optimizer.record.plain:
        return lines
    return call("with_names", "\n".join(lines), groups)


def _construct(optimizer: OptimizerPlan, groups: str, imports: Imports) -> list[str]:
    """Lines of the call that makes an optimizer over some groups."""
    if optimizer.is_custom:
        imports.own("custom_optimizer", optimizer.class_name)
        function = optimizer.class_name
    else:
        imports.module("torch")
        function = f"torch.optim.{optimizer.class_name}"
    arguments = {key: argument_value(value) for key, value in optimizer.arguments.items()}
    if not arguments and len(f"    return {function}({groups})") <= 88:
        return [f"{function}({groups})"]
    return call(function, groups, **arguments)
