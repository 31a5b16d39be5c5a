"""Parameter groups and optimizer, as functions that need no Lightning."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.optim import Optimizer

from sample_run.composite import CompositeOptimizer
from sample_run.model import Network

ParameterGroup: TypeAlias = dict[str, Any]


def parameter_groups(
    model: Network, rates: Mapping[str, float]
) -> list[ParameterGroup]:
    """Return the parameter groups, each with its own settings.

    `rates` replaces learning rates: by group name, or under "*" all of them.
    """
    members = match_parameters(model)
    groups: list[ParameterGroup] = [
        *split_decay(
            model,
            {
                "name": "hidden",
                "params": members["hidden"],
                "lr": 0.02,
            },
        ),
        *split_decay(
            model,
            {
                "name": "rest",
                "params": members["rest"],
                "lr": 1e-3,
            },
        ),
    ]
    override_rates(groups, rates)
    check_coverage(model, groups)
    return groups


# In order: the first group with a matching pattern takes a parameter.
# A pattern is a module's path or a glob.
PATTERNS = {
    "hidden": ["backbone"],
    "rest": ["*"],
}
# Of what its patterns match, such a group takes only what has so many dimensions.
DIMENSIONS = {
    "hidden": 2,
}


def match_parameters(model: nn.Module) -> dict[str, list[tuple[str, nn.Parameter]]]:
    """Sort the parameters into the groups of PATTERNS.

    Raises ValueError for a pattern or a group without a parameter, a parameter without
    a group, and a tied weight whose names belong to different groups.
    """
    names = dict(model.named_parameters(remove_duplicate=False))
    for group, patterns in PATTERNS.items():
        for pattern in patterns:
            if pattern != "*" and not any(matches(name, pattern) for name in names):
                raise ValueError(f"group {group}: '{pattern}' matches no parameter")
    members: dict[str, list[tuple[str, nn.Parameter]]] = {name: [] for name in PATTERNS}
    for name, parameter in model.named_parameters():
        aliases = [alias for alias, other in names.items() if other is parameter]
        owners = {group_of(alias, parameter.ndim) for alias in aliases}
        if len(owners) > 1:
            tied = " = ".join(aliases)
            raise ValueError(f"{tied} is one weight, but matches several groups")
        members[owners.pop()].append((name, parameter))
    for group, found in members.items():
        if not found:
            raise ValueError(f"group {group}: earlier groups take all that it matches")
    return members


def group_of(name: str, ndim: int) -> str:
    """The first group with a pattern for the parameter; ValueError without one."""
    for group, patterns in PATTERNS.items():
        fits = DIMENSIONS.get(group, ndim) == ndim
        if fits and any(matches(name, pattern) for pattern in patterns):
            return group
    raise ValueError(f"{name} matches no group")


def matches(name: str, pattern: str) -> bool:
    """Whether a parameter's name fits a pattern."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def split_decay(model: nn.Module, group: ParameterGroup) -> list[ParameterGroup]:
    """Split off what decay would harm: biases, norms and what the model lists."""
    exempt: set[str] = getattr(model, "no_weight_decay", set)()
    kept = {name for name, p in group["params"] if p.ndim < 2 or name in exempt}
    halves = [
        {**group, "params": [(n, p) for n, p in group["params"] if n not in kept]},
        {
            **group,
            "name": f"{group['name']}/no_decay",
            "params": [(n, p) for n, p in group["params"] if n in kept],
            "weight_decay": 0.0,
        },
    ]
    return [half for half in halves if half["params"]]


def override_rates(
    groups: Sequence[ParameterGroup], rates: Mapping[str, float]
) -> None:
    """Set the rates that are named; ValueError for a name that no group has."""
    owners = [group["name"].removesuffix("/no_decay") for group in groups]
    unknown = sorted(rates.keys() - {"*", *owners})
    if unknown:
        raise ValueError(
            f"no group {', '.join(unknown)}; there are {', '.join(owners)}"
        )
    for owner, group in zip(owners, groups, strict=True):
        group["lr"] = rates.get(owner, rates.get("*", group["lr"]))


def check_coverage(model: nn.Module, groups: Sequence[ParameterGroup]) -> None:
    """Raise ValueError unless each trainable parameter stands in exactly one group."""
    owners: dict[int, list[str]] = {}
    for group in groups:
        if not any(parameter.requires_grad for _, parameter in group["params"]):
            raise ValueError(f"group {group['name']} has no parameter that trains")
        for _, parameter in group["params"]:
            owners.setdefault(id(parameter), []).append(group["name"])
    for name, parameter in model.named_parameters(remove_duplicate=False):
        found = owners.get(id(parameter), [])
        if len(found) > 1:
            raise ValueError(
                f"{name} is in several groups, by tied weights: {', '.join(found)}"
            )
        if not found and parameter.requires_grad:
            raise ValueError(f"{name} trains but is in no group")


def build_optimizer(model: Network, rates: Mapping[str, float]) -> Optimizer:
    """Return the optimizers of the parameter groups, stepped as one."""
    groups = parameter_groups(model, rates)
    return CompositeOptimizer(
        [
            torch.optim.Muon(chosen(groups, "hidden")),
            torch.optim.AdamW(chosen(groups, "rest")),
        ]
    )


def chosen(groups: Sequence[ParameterGroup], *owners: str) -> list[ParameterGroup]:
    """The groups of these owners, and those that they are split into."""
    return [group for group in groups if group["name"].partition("/")[0] in owners]


def describe_groups(groups: Sequence[ParameterGroup]) -> str:
    """A table of the groups: tensors, parameters, learning rate and weight decay."""
    rows = [["group", "tensors", "parameters", "lr", "weight decay"]]
    for group in groups:
        count = sum(parameter.numel() for parameter in group["params"])
        rate = group.get("initial_lr", group["lr"])
        numbers = [f"{len(group['params'])}", f"{count:,}", f"{rate:g}"]
        rows.append([group["name"], *numbers, f"{group.get('weight_decay', 0):g}"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
