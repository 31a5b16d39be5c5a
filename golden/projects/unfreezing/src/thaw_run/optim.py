"""Parameter groups, optimizer and schedule, as functions that need no Lightning."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from thaw_run.layers import number_layers
from thaw_run.model import Network

ParameterGroup: TypeAlias = dict[str, Any]


# Frozen at first: the epoch from which on each of these groups trains.
UNFREEZE_EPOCHS = {
    "stem": 2,
    "body": 1,
}


def drop_frozen_gradients(groups: Sequence[ParameterGroup], epoch: int) -> None:
    """Take the gradients from groups that are still frozen: nothing moves them then."""
    for group in groups:
        if epoch < UNFREEZE_EPOCHS.get(group["name"].partition("/")[0], 0):
            for parameter in group["params"]:
                parameter.grad = None


def frozen_modules(model: Network, epoch: int) -> Iterator[nn.Module]:
    """The submodules that are still frozen in an epoch."""
    for group, first_epoch in UNFREEZE_EPOCHS.items():
        if epoch < first_epoch:
            yield model.get_submodule(group)


def parameter_groups(
    model: Network, rates: Mapping[str, float]
) -> list[ParameterGroup]:
    """Return the parameter groups, each with its own settings.

    `rates` replaces learning rates: by group name, or under "*" the base rate.
    """
    base_lr = rates.get("*", 3e-3)
    groups: list[ParameterGroup] = [
        *split_decay(
            model,
            {
                "name": "stem",
                "params": list(model.stem.named_parameters("stem")),
                "lr": 0.3 * base_lr,
            },
        ),
        *split_decay(
            model,
            {
                "name": "body",
                "params": list(model.body.named_parameters("body")),
                "lr": base_lr,
            },
        ),
        *split_decay(
            model,
            {
                "name": "head",
                "params": list(model.head.named_parameters("head")),
                "lr": base_lr,
            },
        ),
    ]
    groups = split_layers(model, groups)
    override_rates(groups, rates)
    check_coverage(model, groups)
    return groups


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


# Factor of the rates per layer away from the last one of the group.
LAYER_DECAYS = {
    "stem": 0.5,
}


def split_layers(
    model: nn.Module, groups: Sequence[ParameterGroup]
) -> list[ParameterGroup]:
    """Split groups by layers: rates fall from the last to the input.

    "lr_scale" multiplies the group's rate, wherever that comes from.
    """
    layers = number_layers(model)
    split: list[ParameterGroup] = []
    for group in groups:
        owner, slash, half = group["name"].partition("/")
        if owner not in LAYER_DECAYS:
            split.append(group)
            continue
        same = [each for each in groups if owner == each["name"].partition("/")[0]]
        depths = [layers[name] for each in same for name, _ in each["params"]]
        if min(depths) == max(depths):
            raise ValueError(f"layer decay: group {owner} is a single layer")
        for layer in sorted({layers[name] for name, _ in group["params"]}):
            members = [(n, p) for n, p in group["params"] if layers[n] == layer]
            split.append(
                {
                    **group,
                    "name": f"{owner}/layer_{layer}{slash}{half}",
                    "params": members,
                    "lr_scale": LAYER_DECAYS[owner] ** (max(depths) - layer),
                }
            )
    return split


def named_rates(groups: Sequence[ParameterGroup]) -> dict[str, float]:
    """The rate of each group by its name: that of its layers before their scale."""
    return {
        group["name"].partition("/")[0]: float(group["lr"]) / group.get("lr_scale", 1.0)
        for group in groups
    }


def override_rates(
    groups: Sequence[ParameterGroup], rates: Mapping[str, float]
) -> None:
    """Set the rates that are named; ValueError for a name that no group has."""
    owners = [group["name"].partition("/")[0] for group in groups]
    unknown = sorted(rates.keys() - {"*", *owners})
    if unknown:
        raise ValueError(
            f"no group {', '.join(unknown)}; there are {', '.join(sorted({*owners}))}"
        )
    for owner, group in zip(owners, groups, strict=True):
        group["lr"] = rates.get(owner, group["lr"]) * group.get("lr_scale", 1.0)


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


# Bound of the norm of a group's gradient, over all of its parameters together.
CLIP_NORMS = {
    "head": 1.0,
}


def clip_groups(groups: Sequence[ParameterGroup]) -> None:
    """Bound the gradients of each group by themselves."""
    for owner, bound in CLIP_NORMS.items():
        clip_grad_norm_(parameters_of(groups, owner), bound)


def parameters_of(groups: Sequence[ParameterGroup], owner: str) -> list[nn.Parameter]:
    """All parameters of a group, whatever it is split into."""
    return [
        parameter
        for group in groups
        if group["name"].partition("/")[0] == owner
        for parameter in group["params"]
    ]


def build_optimizer(model: Network, rates: Mapping[str, float]) -> Optimizer:
    """Return the optimizer over the parameter groups."""
    return torch.optim.AdamW(parameter_groups(model, rates))


def cosine_factor(
    step: int,
    total_steps: int,
    warmup_steps: int = 0,
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


def build_scheduler(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    """Return a schedule for each group, moved once an optimizer step."""
    factors: dict[str, Callable[[int], float]] = {
        "stem": partial(
            cosine_factor,
            total_steps=total_steps,
        ),
        "body": partial(
            cosine_factor,
            total_steps=total_steps,
        ),
        "head": partial(
            cosine_factor,
            total_steps=total_steps,
            warmup_steps=20,
        ),
    }
    owners = [group["name"].partition("/")[0] for group in optimizer.param_groups]
    return LambdaLR(optimizer, [factors[owner] for owner in owners])


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
