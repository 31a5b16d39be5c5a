"""Rules as packages with fused kernels: written to disk, built and imported."""

from __future__ import annotations

import importlib
import itertools
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lightgen.plan.names import class_name_from
from lightgen.render.custom.fused import fused_files
from lightgen.render.custom.rule_optimizer import render_rule_optimizer
from lightgen.rules.reading.parse import read_rule

ADAMW = '''def adamw(
    param, grad, exp_avg=zeros, exp_avg_sq=zeros,
    *, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2,
):
    """AdamW."""
    beta1, beta2 = betas
    param *= 1 - lr * weight_decay
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    denom = sqrt(exp_avg_sq) / sqrt(1 - beta2**step) + eps
    param -= lr / (1 - beta1**step) * exp_avg / denom
'''
needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="there is no C++ compiler"
)
_numbers = itertools.count()


@dataclass
class Package:
    """A class with the option fused, its module of kernels, and how often that was used."""

    folder: Path
    optimizer: Any
    kernels: Any
    calls: list[str] = field(default_factory=list)


def write_package(text: str, parent: Path) -> tuple[str, str]:
    """Write the files; the name of the package and of the class."""
    rule = read_rule(text, "rule.py")
    class_name, name = class_name_from(rule.name), f"fused_rule_{next(_numbers)}"
    module = f"{name}.fused_update"
    texts = {
        "__init__.py": "",
        "custom_optimizer.py": render_rule_optimizer(rule, class_name, module),
        **fused_files(rule, class_name, module),
    }
    (parent / name).mkdir()
    for path, content in texts.items():
        (parent / name / path).write_text(content, encoding="utf-8")
    return name, class_name


def load_package(text: str, parent: Path) -> Package:
    """The package of a rule, imported from a new folder; the kernels note their calls."""
    name, class_name = write_package(text, parent)
    sys.path.insert(0, str(parent))
    try:
        module = importlib.import_module(f"{name}.custom_optimizer")
        kernels = importlib.import_module(f"{name}.fused_update")
    finally:
        sys.path.remove(str(parent))
    package = Package(parent / name, getattr(module, class_name), kernels)
    run = kernels._run_on_cpu

    def noted(update: str, *rest: Any) -> None:
        package.calls.append(update)
        run(update, *rest)

    kernels._run_on_cpu = noted
    return package


def some_params(
    *shapes: tuple[int, ...], dtype: torch.dtype = torch.float32, seed: int = 0
) -> list[torch.nn.Parameter]:
    """Parameters with gradients."""
    torch.manual_seed(seed)
    made = [torch.nn.Parameter(torch.randn(shape).to(dtype)) for shape in shapes]
    for p in made:
        p.grad = torch.randn_like(p)
    return made


def copies(params: list[torch.nn.Parameter]) -> list[torch.nn.Parameter]:
    """The same parameters and gradients, layouts included, for another optimizer."""
    made = []
    for p in params:
        twin = torch.nn.Parameter(torch.empty_like(p).copy_(p.detach()))
        twin.grad = None if p.grad is None else p.grad.clone()
        made.append(twin)
    return made


def largest_difference(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """The largest difference between two lists of tensors."""
    pairs = [(a.detach(), b.detach()) for a, b in zip(ours, theirs, strict=True) if a.numel()]
    return max(float((a - b).abs().max()) for a, b in pairs)
