"""Real images for the probe of optimizers."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

_TRAINED, _BATCH = 1500, 64


@cache
def _digits() -> tuple[Tensor, Tensor]:
    datasets: Any = import_module("sklearn.datasets")
    found = datasets.load_digits()
    images = torch.tensor(found.images, dtype=torch.float32).unsqueeze(1) / 16
    return images, torch.tensor(found.target)


def training_batch(step: int) -> tuple[Tensor, Tensor]:
    """The batch of a step, in the order of the data."""
    images, labels = _digits()
    start = step * _BATCH % (_TRAINED - _BATCH)
    return images[start : start + _BATCH], labels[start : start + _BATCH]


def held_out() -> tuple[Tensor, Tensor]:
    """Images that no step has seen."""
    images, labels = _digits()
    return images[_TRAINED:], labels[_TRAINED:]
