"""Parameter groups, optimizers and schedules, as functions that need no Lightning."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau, StepLR

from two_run.custom_optimizer import CustomOptimizer
from two_run.model import Network

ParameterGroup: TypeAlias = dict[str, Any]


def parameter_groups(
    model: Network, rates: Mapping[str, float]
) -> list[ParameterGroup]:
    """Return the parameter groups, each with its own settings.

    `rates` replaces learning rates: by group name, or under "*" all of them.
    """
    groups: list[ParameterGroup] = [
        {
            "name": "backbone",
            "params": list(model.backbone.named_parameters("backbone")),
            "lr": 0.05,
        },
        {
            "name": "head",
            "params": list(model.head.named_parameters("head")),
            "lr": 1e-3,
        },
    ]
    override_rates(groups, rates)
    check_coverage(model, groups)
    return groups


def override_rates(
    groups: Sequence[ParameterGroup], rates: Mapping[str, float]
) -> None:
    """Set the rates that are named; ValueError for a name that no group has."""
    owners = [group["name"] for group in groups]
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


def build_optimizers(
    model: Network, rates: Mapping[str, float]
) -> dict[str, Optimizer]:
    """Return each optimizer over its parameter groups."""
    groups = parameter_groups(model, rates)
    return {
        "backbone": torch.optim.SGD(
            chosen(groups, "backbone"),
            momentum=0.9,
        ),
        "head": CustomOptimizer(chosen(groups, "head")),
    }


def chosen(groups: Sequence[ParameterGroup], *owners: str) -> list[ParameterGroup]:
    """The groups of these owners, and those that they are split into."""
    return [group for group in groups if group["name"].partition("/")[0] in owners]


def build_backbone_scheduler(optimizer: Optimizer) -> LRScheduler:
    """Return a decay when a metric stalls, moved once an epoch."""
    return ReduceLROnPlateau(optimizer)


def build_head_scheduler(optimizer: Optimizer) -> LRScheduler:
    """Return a decay every step_size, moved once an epoch."""
    return StepLR(
        optimizer,
        step_size=10,
    )


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
