"""Parameter groups, optimizers and schedules, as functions that need no Lightning."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from gan_run.model import Network

ParameterGroup: TypeAlias = dict[str, Any]


def parameter_groups(
    model: Network, rates: Mapping[str, float]
) -> list[ParameterGroup]:
    """Return the parameter groups, each with its own settings.

    `rates` replaces learning rates: by group name, or under "*" all of them.
    """
    groups: list[ParameterGroup] = [
        {
            "name": "discriminator",
            "params": list(model.discriminator.named_parameters("discriminator")),
            "lr": 2e-3,
        },
        {
            "name": "generator",
            "params": list(model.generator.named_parameters("generator")),
            "lr": 2e-3,
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
        "discriminator": torch.optim.Adam(
            chosen(groups, "discriminator"),
            betas=(0.5, 0.999),
        ),
        "generator": torch.optim.Adam(
            chosen(groups, "generator"),
            betas=(0.5, 0.999),
        ),
    }


def chosen(groups: Sequence[ParameterGroup], *owners: str) -> list[ParameterGroup]:
    """The groups of these owners, and those that they are split into."""
    return [group for group in groups if group["name"].partition("/")[0] in owners]


def generator_cosine_factor(
    step: int,
    total_steps: int,
    warmup_steps: int = 50,
    min_factor: float = 0.0,
) -> float:
    """Factor on every group's rate at a step: a linear rise, then half a cosine.

    The first of the warmup_steps has 1 / warmup_steps, the end of the run min_factor, a
    fraction of the rate (Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983).
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return min_factor + (1 - min_factor) * (1 + math.cos(math.pi * progress)) / 2


def build_generator_scheduler(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    """Return a warmup and half a cosine, moved once an optimizer step."""
    return LambdaLR(
        optimizer, partial(generator_cosine_factor, total_steps=total_steps)
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
