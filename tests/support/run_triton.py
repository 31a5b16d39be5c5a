"""Runs the Triton kernel of a package beside the one for the CPU; prints what differs, as JSON.

A process of its own: Triton is told to interpret before it is imported.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import torch

SHAPES = (30, 7), (3000,), (), (0,), (1024,)


def main() -> None:
    parent, name, class_name, device, *dtypes = sys.argv[1:]
    sys.path.insert(0, parent)
    kernels = importlib.import_module(f"{name}.fused_update")
    triton = importlib.import_module(f"{name}.fused_update_triton")
    make = getattr(importlib.import_module(f"{name}.custom_optimizer"), class_name)
    # The class decides by the device; here both kernels get tensors of the CPU.
    on_cpu = kernels._run_on_cpu
    launched = []

    def launch(update: str, dtype: torch.dtype, tensors: Any, numbers: Any) -> None:
        launched.append(update)
        triton.launch(update, dtype, kernels.STATE_DTYPES[dtype], tensors, numbers)

    found = {}
    for dtype in (getattr(torch, each) for each in dtypes):
        ours, theirs = parameters(dtype, device), parameters(dtype, "cpu")
        first, second = make(ours, fused=True), make(theirs, fused=True)
        for t in range(5):
            for params in (ours, theirs):
                torch.manual_seed(t)
                for p in params:
                    p.grad = torch.randn(p.shape).to(device=p.device, dtype=dtype)
            kernels._run_on_cpu = launch
            first.step()
            kernels._run_on_cpu = on_cpu
            second.step()
        pairs = [(a.detach().cpu(), b.detach()) for a, b in zip(ours, theirs, strict=True)]
        found[str(dtype)] = max(float((a - b).abs().max()) for a, b in pairs if a.numel())
    print(json.dumps({"launched": len(launched), "differences": found}))


def parameters(dtype: torch.dtype, device: str) -> list[torch.nn.Parameter]:
    torch.manual_seed(0)
    drawn = [torch.randn(shape).to(device=device, dtype=dtype) for shape in SHAPES]
    return [torch.nn.Parameter(value) for value in drawn]


if __name__ == "__main__":
    main()
