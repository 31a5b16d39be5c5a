"""Lets torchvision be imported beside a torch without CUDA.

Its compiled operators do not load there, and its import describes two of them. They are declared
here, right before; no model of the tests calls one. Python imports this module of that name from
PYTHONPATH by itself.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_kept: list[Any] = []


class _Declare(MetaPathFinder):
    """Finds nothing: it only acts before torchvision is imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "torchvision" and not _kept:
            import torch
            from torch.library import Library

            if torch.version.cuda is None:
                library = Library("torchvision", "DEF")
                _kept.append(library)  # what it declares is gone with it
                for operator in ("nms", "qnms"):
                    library.define(f"{operator}(Tensor dets, Tensor scores, float limit) -> Tensor")
        return None


sys.meta_path.insert(0, _Declare())
