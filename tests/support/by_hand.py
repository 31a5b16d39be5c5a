"""Optimizers written out from their papers, where no package has the same variant.

Plain and slow; nothing is shared with the rules or with what reads them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

State = dict[str, Tensor]


class ByHand(torch.optim.Optimizer):
    """One update after the other: `update(param, grad, state, t, **options)` writes into param."""

    def __init__(
        self, params: Iterable[Tensor], update: Callable[..., None], lr: float, **options: Any
    ) -> None:
        super().__init__(params, {"lr": lr, **options})
        self.update = update

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            options = {k: v for k, v in group.items() if k != "params"}
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state[p]
                    state["t"] = state.get("t", 0) + 1
                    self.update(p, p.grad, state, state["t"], **options)


def average(state: State, name: str, new: Tensor, beta: float) -> Tensor:
    """An exponential moving average that starts at 0."""
    state[name] = beta * state.get(name, torch.zeros_like(new)) + (1 - beta) * new
    return state[name]


def lion(p: Tensor, g: Tensor, s: State, t: int, *, lr: float, betas: Any, decay: float) -> None:
    """arXiv:2302.06675, Program 1."""
    m = s.get("m", torch.zeros_like(g))
    direction = (betas[0] * m + (1 - betas[0]) * g).sign()
    p.sub_(lr * (direction + decay * p))
    average(s, "m", g, betas[1])


def lamb(
    p: Tensor, g: Tensor, s: State, t: int, *, lr: float, betas: Any, eps: float, decay: float
) -> None:
    """arXiv:1904.00962, Algorithm 2, where phi(z) = z."""
    m = average(s, "m", g, betas[0]) / (1 - betas[0] ** t)
    v = average(s, "v", g.square(), betas[1]) / (1 - betas[1] ** t)
    r = m / (v.sqrt() + eps) + decay * p
    sizes = float(p.norm()), float(r.norm())
    p.sub_(lr * (sizes[0] / sizes[1] if min(sizes) > 0 else 1.0) * r)


def ademamix(
    p: Tensor,
    g: Tensor,
    s: State,
    t: int,
    *,
    lr: float,
    betas: Any,
    alpha: float,
    warmup: int,
    eps: float,
    decay: float,
) -> None:
    """arXiv:2409.03137, Algorithm 1, with the schedules of its section 3 (equations 5 and 6)."""
    b1, b2, b3 = betas
    if t < warmup:
        part = t / warmup
        alpha = alpha * part
        slow = (1 - part) / math.log(b1) + part / math.log(b3)
        b3 = math.exp(1 / slow)
    m = average(s, "m", g, b1) / (1 - b1**t)
    slow_m = average(s, "slow", g, b3)
    v = average(s, "v", g.square(), b2) / (1 - b2**t)
    p.sub_(lr * ((m + alpha * slow_m) / (v.sqrt() + eps) + decay * p))


def adopt(
    p: Tensor, g: Tensor, s: State, t: int, *, lr: float, betas: Any, eps: float, decay: float
) -> None:
    """arXiv:2411.02853, Algorithm 2 with the clipping of its section 4, decay as its authors'."""
    if t == 1:
        s["v"] = g.square()
        return
    scaled = g / s["v"].sqrt().clamp(min=eps)
    m = average(s, "m", scaled.clamp(-((t - 1) ** 0.25), (t - 1) ** 0.25), betas[0])
    p.sub_(lr * (m + decay * p))
    average(s, "v", g.square(), betas[1])
