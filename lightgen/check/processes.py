"""How many processes a training starts, and epochs as long as theirs in a run of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

# How the names of the strategies of one process begin.
_ALONE = ("auto", "single", "None")


def asked_for(trainer: Mapping[str, Any]) -> tuple[int, str]:
    """The processes that a Trainer of these arguments starts; what is open, if the machine says."""
    devices, nodes = trainer.get("devices"), int(trainer.get("num_nodes") or 1)
    each = _devices(devices)
    if each is not None:
        return each * nodes, ""
    if str(trainer.get("accelerator")) == "cpu":
        return nodes, ""  # there "auto" is one
    several = not str(trainer.get("strategy")).startswith(_ALONE)
    if several or nodes > 1 or devices is not None:
        return nodes, "devices is auto" if devices in (None, "auto") else f"devices is {devices}"
    return 1, ""


def _devices(devices: Any) -> int | None:
    """How many they are; None if all that there are."""
    if isinstance(devices, str) and "," in devices:
        devices = [each for each in devices.split(",") if each.strip()]
    if isinstance(devices, list | tuple):
        return len(devices)
    with contextlib.suppress(TypeError, ValueError):
        return int(devices) if int(devices) > 0 else None
    return None


@contextlib.contextmanager
def as_one_of(pl: Any, trainer: Any, processes: int) -> Iterator[None]:
    """Within, the Trainer takes the share of the training data that one of so many has."""
    if processes == 1:
        yield
        return
    name, strategy = "distributed_sampler_kwargs", trainer.strategy
    original = getattr(pl.Trainer, name)
    share = {"num_replicas": processes, "rank": 0}
    setattr(pl.Trainer, name, property(lambda trainer: share))
    strategy.is_distributed, strategy.world_size = True, processes
    try:
        yield
    finally:
        setattr(pl.Trainer, name, original)
        del strategy.is_distributed, strategy.world_size
