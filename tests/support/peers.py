"""timm and torchvision, which lie apart: beside a torch without CUDA, torchvision needs a hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

VISION = Path(sys.prefix) / "vision"
_HAND = Path(__file__).parent / "vision" / "sitecustomize.py"
# Golden projects whose network is of one of these.
OF_VISION = frozenset({"timm-vit"})


def see_vision() -> None:
    """Let this process import them, if they are there."""
    if not VISION.is_dir() or str(VISION) in sys.path:
        return
    spec = importlib.util.spec_from_file_location("declare_operators", _HAND)
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    sys.path.append(str(VISION))


def python_path() -> str:
    """PYTHONPATH of a process that can import them."""
    return f"{_HAND.parent}:{VISION}"


needs_vision = pytest.mark.skipif(
    not VISION.is_dir() and importlib.util.find_spec("timm") is None,
    reason="timm and torchvision are not there: make vision",
)


def golden_parameters(names: list[str]) -> list[object]:
    """Names of golden projects; those that need what is not there are skipped."""
    marks = {True: [needs_vision], False: []}
    return [pytest.param(name, marks=marks[name in OF_VISION], id=name) for name in names]
