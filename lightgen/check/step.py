"""Proof: one optimizer step on one real batch moves what trains and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from lightgen.check.launch import Enough, Launcher, observer
from lightgen.check.planned import Planned, keeping_length
from lightgen.check.proof import Finding, Proof

# What is known of a gradient, from the least to the most.
NONE, ZERO, SOME, BAD = range(4)
# Beside the largest, a gradient of this size is rounding: that of a bias before a norm.
_FAINT = 1e-6
# So many batches are waited for a step of each optimizer.
_MOST_TURNS = 32


@dataclass
class _Seen:
    """A step: parameters before it, gradients in it, the loss."""

    before: dict[str, Any] = field(default_factory=dict)
    trained: set[str] = field(default_factory=set)
    gradients: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    moved: dict[str, bool] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


def prove_step(launcher: Launcher, planned: Planned) -> Finding:
    """Take one step. The rates are the groups' own where a warmup would begin below them.

    Where the code steps several optimizers, it goes on until each had a turn.
    """
    seen = _Seen()
    names: dict[str, Any] = {}
    waiting: set[int] = set()

    def begin(trainer: Any, module: Any, batch: Any, batch_idx: int, *_: Any) -> None:
        if batch_idx:
            return
        if not module.automatic_optimization:
            waiting.update(map(id, trainer.optimizers))
        names.update(module.named_parameters())
        for name, parameter in names.items():
            if not is_lazy(parameter):
                seen.before[name] = parameter.detach().clone()
            if parameter.requires_grad:
                seen.trained.add(name)
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                _raise_rate(group)
            if isinstance(optimizer, torch.optim.Optimizer):
                optimizer.register_step_post_hook(used)
        seen.groups.update(_groups(trainer, module))

    def gradients(trainer: Any, module: Any, optimizer: Any) -> None:
        waiting.discard(id(optimizer))
        held = {id(each) for group in optimizer.param_groups for each in group["params"]}
        for name, parameter in module.named_parameters():
            if id(parameter) in held:
                kind = _gradient(parameter.grad)
                seen.gradients[name] = max(kind, seen.gradients.get(name, NONE))
                if kind == SOME:
                    seen.sizes[name] = max(_size(parameter.grad), seen.sizes.get(name, 0.0))

    def used(optimizer: Any, args: Any, kwargs: Any) -> None:
        """What the step saw: a hook of the module may have dropped a gradient before it."""
        for name, parameter in names.items():
            if name in seen.gradients:
                seen.used[name] = _gradient(parameter.grad)

    def end(trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any) -> None:
        if waiting and batch_idx + 1 < min(most, trainer.num_training_batches):
            return
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, torch.Tensor):
            seen.losses.append(float(loss))
        for name, parameter in module.named_parameters():
            if name in seen.before:
                seen.moved[name] = not torch.equal(parameter.detach(), seen.before[name])
                if not bool(torch.isfinite(parameter.detach()).all()):
                    seen.broken.append(name)
        raise Enough

    most = 1 if planned.module.automatic_optimization else _MOST_TURNS
    hooks: dict[str, Any] = {
        "on_train_batch_start": begin,
        "on_before_optimizer_step": gradients,
        "on_train_batch_end": end,
    }
    with keeping_length(launcher.pl, planned):
        launcher.short(most).fit(observer(launcher.pl, **hooks))
    return Finding(_judged(seen))


def _raise_rate(group: dict[str, Any]) -> None:
    """A first step of a warmup may be too small to see, or nothing."""
    rate, base = group.get("lr", 0.0), group.get("initial_lr", 0.0)
    if isinstance(rate, torch.Tensor):
        rate.clamp_(min=float(base))
    elif rate < base:
        group["lr"] = float(base)


def _groups(trainer: Any, module: Any) -> dict[str, list[str]]:
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
    return {
        str(group.get("name", f"group {at}")): [
            names[id(each)] for each in group["params"] if id(each) in names and each.requires_grad
        ]
        for at, group in enumerate(groups)
    }


def _gradient(gradient: Any) -> int:
    if gradient is None:
        return NONE
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    if not bool(torch.isfinite(values).all()):
        return BAD
    return SOME if bool((values != 0).any()) else ZERO


def _size(gradient: Any) -> float:
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    return float(values.abs().max())


def _judged(seen: _Seen) -> Proof:
    faults = list(_faults(seen))
    notes = tuple(_notes(seen))
    if faults:
        return Proof("step", False, faults[0], (*faults[1:], *notes))
    moved = sum(seen.moved.values())
    still = len(seen.moved) - len(seen.trained & seen.moved.keys())
    loss = f", from a loss of {seen.losses[0]:.4g}" if seen.losses else ""
    frozen = f"; the {still} frozen ones rest" if still else ""
    return Proof("step", True, f"one step moves {moved} tensors{loss}{frozen}", notes)


def _faults(seen: _Seen) -> Iterator[str]:
    if not seen.moved:
        yield "no batch was trained on"
    for loss in seen.losses:
        if not torch.isfinite(torch.tensor(loss)):
            yield f"the loss of the first batch is {loss}"
    if seen.moved and not seen.gradients:
        yield "the optimizer made no step"
    for name in sorted(name for name, kind in seen.gradients.items() if kind == BAD):
        yield f"the gradient of {name} is not finite"
    for name in seen.broken:
        yield f"{name} is not finite after the step"
    still = _still(seen)
    for name, moved in seen.moved.items():
        if moved and name not in seen.trained:
            yield f"{name} is frozen, and moves"
        if name in still and not _faint(seen, name):
            yield f"{name} has a gradient, and does not move"
    for group, names in seen.groups.items():
        if names and all(seen.gradients.get(name, NONE) == NONE for name in names):
            yield f"no parameter of group {group} gets a gradient"


def _dropped(seen: _Seen, name: str) -> bool:
    """Whether a gradient was taken away between the backward pass and the step."""
    return seen.gradients.get(name) == SOME and seen.used.get(name) == NONE


def _still(seen: _Seen) -> list[str]:
    """What had a gradient in the step, and stands where it was."""
    return [
        name
        for name, moved in seen.moved.items()
        if not moved and seen.gradients.get(name) == SOME and not _dropped(seen, name)
    ]


def _faint(seen: _Seen, name: str) -> bool:
    """Whether a gradient is but rounding: its step is lost in that of the weight."""
    return seen.sizes[name] <= _FAINT * max(seen.sizes.values())


def _notes(seen: _Seen) -> Iterator[str]:
    faint = sorted(name for name in _still(seen) if _faint(seen, name))
    if faint:
        shown = ", ".join(faint[:6]) + (", ..." if len(faint) > 6 else "")
        yield f"a gradient that is rounding only, of a bias before a norm, say: {shown}"
    dropped = [name for name in seen.gradients if _dropped(seen, name)]
    if dropped:
        shown = ", ".join(dropped[:6]) + (", ..." if len(dropped) > 6 else "")
        yield f"frozen for now, its gradient is dropped before the step: {shown}"
    for kind, what in ((NONE, "no gradient from this batch"), (ZERO, "a gradient of zeros")):
        names = sorted(name for name, found in seen.gradients.items() if found == kind)
        names = [name for name in names if name in seen.trained]
        if names:
            yield f"{what}: {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
