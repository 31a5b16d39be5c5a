"""Proof: a run that goes on from a checkpoint in fresh objects equals one that was not stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from lightgen.check.launch import SEED, Launch, Launcher, observer
from lightgen.check.planned import Planned, keeping_length
from lightgen.check.proof import Finding, Proof

# Optimizer steps before the checkpoint, and after it: enough that every state matters.
_STEPS = 3
# Share of the way after the checkpoint that the ends may lie apart.
_TOLERANCE = 1e-3


def prove_resume(launcher: Launcher, planned: Planned) -> Finding:
    """Train an epoch, save, train another; load in fresh objects and train the other there.

    Both runs see the same batches with the same random numbers, so that they differ by nothing
    but what a checkpoint may lose.
    """
    batches: dict[tuple[int, int], Any] = {}
    with keeping_length(launcher.pl, planned):
        straight = launcher.short(_STEPS * planned.accumulate)
        saver = launcher.pl.callbacks.ModelCheckpoint(
            dirpath=Path.cwd() / "check", filename="{epoch}", save_top_k=-1
        )
        with _feeding(straight, batches, record=True):
            straight.fit(observer(straight.pl), saver)
        saved = sorted((Path.cwd() / "check").glob("epoch=0*.ckpt"))
        if not saved:
            return Finding(Proof("resume", False, "no checkpoint was written after an epoch"))
        resumed = launcher.short(_STEPS * planned.accumulate)
        with _feeding(resumed, batches, record=False) as repeated:
            resumed.fit(observer(resumed.pl), ckpt_path=str(saved[0]))
    return Finding(_judged(straight, resumed, _weights(saved[0]), in_order=all(repeated)))


@contextlib.contextmanager
def _feeding(
    launch: Launch, batches: dict[tuple[int, int], Any], *, record: bool
) -> Iterator[list[bool]]:
    """Let the run see recorded batches, each with random numbers of its own.

    Yields whether each batch was the recorded one without that.
    """
    module, trainer = launch.module, launch.trainer
    original = module.on_before_batch_transfer
    repeated: list[bool] = []
    counts: dict[int, int] = {}

    def feed(batch: Any, dataloader_idx: int) -> Any:
        if trainer.training:
            epoch = trainer.current_epoch
            at = counts[epoch] = counts.get(epoch, -1) + 1
            if record:
                batches[epoch, at] = batch
            repeated.append(_same(batch, batches.get((epoch, at))))
            batch = batches.get((epoch, at), batch)
            launch.pl.seed_everything(SEED + 1000 * epoch + at, verbose=False)
        return original(batch, dataloader_idx)

    module.on_before_batch_transfer = feed
    try:
        yield repeated
    finally:
        module.on_before_batch_transfer = original


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other)


def _weights(checkpoint: Path) -> dict[str, Any]:
    weights: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=False)
    return dict(weights["state_dict"])


def _judged(straight: Launch, resumed: Launch, saved: dict[str, Any], *, in_order: bool) -> Proof:
    faults = [*_rate_faults(straight, resumed), *_weight_faults(straight, resumed, saved)]
    order = "the training data come in another order after a resume than without a stop"
    notes = () if in_order else (order,)
    if faults:
        return Proof("resume", False, faults[0], (*faults[1:6], *notes))
    exactly = all(
        _equal(mine, other)
        for mine, other in _tensors(straight.module.state_dict(), resumed.module.state_dict())
    )
    how = "exactly" if exactly else "within rounding"
    what = f"a resumed run equals an uninterrupted one {how}, in weights and rates"
    return Proof("resume", True, what, notes)


def _rate_faults(straight: Launch, resumed: Launch) -> Iterator[str]:
    for whole, again in zip(_groups(straight), _groups(resumed), strict=True):
        one, other = float(whole.get("lr", 0.0)), float(again.get("lr", 0.0))
        if abs(one - other) > 1e-6 * abs(one):
            name = whole.get("name", "a group")
            yield f"the rate of {name} is {other:g} after a resume, and {one:g} without a stop"


def _weight_faults(straight: Launch, resumed: Launch, saved: dict[str, Any]) -> Iterator[str]:
    """Names of what differs by more than rounding, measured by how far it went since."""
    whole, again = straight.module.state_dict(), resumed.module.state_dict()
    for name in whole.keys() ^ again.keys():
        yield f"{name} is in one of the two states only"
    for name in [name for name in whole if name in again]:
        one, other, start = whole[name], again[name], saved.get(name)
        if not isinstance(one, torch.Tensor) or _equal(one, other):
            continue
        apart = _distance(one, other)
        way = _distance(one, start) if start is not None else 0.0
        if not apart <= _TOLERANCE * way:
            share = f", by {apart / way:.0%} of its way since the checkpoint" if way else ""
            yield f"{name} differs after a resume{share}"


def _equal(one: Any, other: Any) -> bool:
    """Not a number equals itself here: that a step breaks the weights is another proof's."""
    return torch.equal(one, other) or (
        one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
    )


def _distance(one: Any, other: Any) -> float:
    return float(torch.linalg.vector_norm(one.double() - other.double()))


def _tensors(one: dict[str, Any], other: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            yield value, other[name]


def _groups(launch: Launch) -> list[dict[str, Any]]:
    return [group for each in launch.trainer.optimizers for group in each.param_groups]
