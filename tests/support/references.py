"""Each rule beside the optimizer that it is to be, and how both are run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from torch import Tensor

from support import by_hand
from support.by_hand import ByHand
from support.interpret_rule import Interpreted
from support.peers import see_vision

RULES = Path(__file__).parents[2] / "golden" / "rules"
STEPS = 100
Params = list[Tensor]


class Optimizer(Protocol):
    """What is asked of both sides."""

    param_groups: list[dict[str, Any]]

    def step(self) -> Any: ...


Make = Callable[[Params], Optimizer]
SHAPES = (4, 6), (6,), (), (2, 3, 4)
# A 2-dim parameter that is wide, one that is tall.
MATRICES = (4, 6), (6, 4)


def free(shape: tuple[int, ...]) -> Tensor:
    return 0.3 * torch.randn(shape, dtype=torch.float64)


def unit_rows(shape: tuple[int, ...]) -> Tensor:
    return torch.nn.functional.normalize(free(shape), dim=-1)


def orthonormal_columns(shape: tuple[int, ...]) -> Tensor:
    return torch.linalg.qr(free(shape))[0]


@dataclass(frozen=True)
class Case:
    """A rule with options, and what it must agree with.

    `exact`: bit by bit in float32. `absent`: a parameter has no gradient in some steps, which
    packages that count steps per group do not survive. `default`: torch's default dtype, where
    the reference keeps numbers in it.
    """

    rule: str
    options: dict[str, Any]
    reference: Make
    exact: bool = False
    float32: float = 1e-6
    float64: float = 1e-12
    shapes: tuple[tuple[int, ...], ...] = SHAPES
    start: Callable[[tuple[int, ...]], Tensor] = free
    absent: bool = False
    default: torch.dtype = torch.float32
    replace: tuple[str, str] = ("", "")
    dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float64)

    @property
    def text(self) -> str:
        return (RULES / f"{self.rule}.py").read_text(encoding="utf-8").replace(*self.replace)

    def params(self, dtype: torch.dtype) -> Params:
        """The same start for both sides."""
        torch.manual_seed(0)
        made = [self.start(shape).to(dtype) for shape in self.shapes]
        return [p.requires_grad_() for p in made]

    def grads(self, dtype: torch.dtype) -> Iterator[list[Tensor | None]]:
        """Gradients of a size that rises and falls; the second parameter is absent at times."""
        random = torch.Generator().manual_seed(1)
        for t in range(STEPS):
            size = 0.1 + 0.9 * abs(torch.sin(torch.tensor(t / 7)).item())
            drawn = [
                size * torch.randn(shape, generator=random, dtype=torch.float64)
                for shape in self.shapes
            ]
            missing = 1 if self.absent and t % 5 == 2 else -1
            yield [None if i == missing else g.to(dtype) for i, g in enumerate(drawn)]


class Oracle:
    """A rule, interpreted, with the surface of an optimizer."""

    def __init__(self, text: str, params: Params, **options: Any) -> None:
        self.params = params
        self.run = Interpreted(text).start(params, **options)
        self.param_groups = self.run.groups

    @torch.no_grad()
    def step(self) -> None:
        self.run.step([p.grad for p in self.params])
        self._show()

    @torch.no_grad()
    def eval(self) -> None:
        self.run.mode("to_eval")
        self._show()

    @torch.no_grad()
    def train(self) -> None:
        self.run.mode("to_train")
        self._show()

    def _show(self) -> None:
        for param, value in zip(self.params, self.run.params, strict=True):
            param.copy_(value)


def trajectory(case: Case, dtype: torch.dtype, make: Make) -> list[Tensor]:
    """The parameters after every ten steps, the learning rate halved on the way."""
    params = case.params(dtype)
    optimizer = make(params)
    modes = "def to_eval(" in case.text
    if modes and not isinstance(optimizer, Oracle):
        optimizer.train()  # type: ignore[attr-defined]
    seen = []
    for t, grads in enumerate(case.grads(dtype), 1):
        for param, grad in zip(params, grads, strict=True):
            param.grad = None if grad is None else grad.clone()
        optimizer.step()
        if t == STEPS // 2:
            for group in optimizer.param_groups:
                group["lr"] *= 0.5
        if t % 10 == 0:
            seen += [p.detach().clone() for p in params]
            if modes:
                optimizer.eval()  # type: ignore[attr-defined]
                seen += [p.detach().clone() for p in params]
                optimizer.train()  # type: ignore[attr-defined]
    return seen


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def disagreement(case: Case, dtype: torch.dtype, make: Make) -> float:
    """The largest difference anywhere on the way."""
    with default_dtype(case.default):
        expected = trajectory(case, dtype, case.reference)
        got = trajectory(case, dtype, make)
    differences = [(a - b).abs().max() for a, b in zip(expected, got, strict=True)]
    assert all(torch.isfinite(value).all() for value in expected)
    return max(float(d) if d == d else float("inf") for d in differences)


def package(name: str) -> Any:
    """A package of references, or a skipped test."""
    see_vision()
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:  # torchvision beside another build of torch
        pytest.skip(f"{name} is not there: {error}")


def of(name: str, attribute: str, **options: Any) -> Make:
    """An optimizer of another package."""
    return lambda params: getattr(package(name), attribute)(params, **options)


def hand(update: Callable[..., None], lr: float, **options: Any) -> Make:
    return lambda params: ByHand(params, update, lr, **options)


class MuonAndAdamW:
    """torch's Muon for matrices and its AdamW for the rest."""

    def __init__(self, params: Params, lr: float, weight_decay: float, adjust: str) -> None:
        matrices = [p for p in params if p.ndim == 2]
        rest = [p for p in params if p.ndim != 2]
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, lr=lr, weight_decay=weight_decay, adjust_lr_fn=adjust),
            torch.optim.AdamW(rest, lr=lr, weight_decay=weight_decay, betas=(0.9, 0.95)),
        ]
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self) -> None:
        for part in self.parts:
            part.step()


class OnManifold:
    """geoopt's Riemannian SGD, for parameters that it must hold itself."""

    def __init__(self, params: Params, manifold: str, lr: float, **options: Any) -> None:
        geoopt = package("geoopt")
        self.params = params
        space = getattr(geoopt, manifold)()
        self.own = [geoopt.ManifoldParameter(p.detach().clone(), manifold=space) for p in params]
        self.inner = geoopt.optim.RiemannianSGD(self.own, lr=lr, **options)
        self.param_groups = self.inner.param_groups

    def step(self) -> None:
        for own, param in zip(self.own, self.params, strict=True):
            own.grad = param.grad
        self.inner.step()
        with torch.no_grad():
            for own, param in zip(self.own, self.params, strict=True):
                param.copy_(own)


class Clipped:
    """torch's SGD after torch's clipping."""

    def __init__(self, params: Params, max_norm: float, **options: Any) -> None:
        self.params, self.max_norm = params, max_norm
        self.inner = torch.optim.SGD(params, **options)
        self.param_groups = self.inner.param_groups

    def step(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.params, self.max_norm)
        self.inner.step()


def torch_case(
    rule: str,
    theirs: str,
    ours: dict[str, Any],
    only_theirs: dict[str, Any] | None = None,
    **k: Any,
) -> Case:
    """A rule against the optimizer of torch with the same options."""
    options = {**ours, **(only_theirs or {})}

    def reference(params: Params) -> Optimizer:
        made: Optimizer = getattr(torch.optim, theirs)(params, foreach=False, **options)
        return made

    return Case(rule, ours, reference, absent=True, **k)


SPHERE = {"shapes": MATRICES, "start": unit_rows}
STIEFEL = {"shapes": ((6, 4), (3, 3), (2, 5, 2)), "start": orthonormal_columns}
DOUBLE = (torch.float64,)
SINGLE = (torch.float32,)

CASES: dict[str, Case] = {
    "sgd": torch_case("sgd", "SGD", {"lr": 0.01, "momentum": 0.9}),
    "sgd, Nesterov, decay": torch_case(
        "sgd", "SGD", {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.1, "nesterov": True}
    ),
    "sgd, plain, maximize": torch_case(
        "sgd", "SGD", {"lr": 0.01, "momentum": 0.0, "maximize": True}
    ),
    "adam": torch_case("adam", "Adam", {"lr": 1e-3}, exact=True),
    "adam, decay": torch_case(
        "adam", "Adam", {"lr": 1e-3, "betas": (0.8, 0.99), "weight_decay": 0.1}, exact=True
    ),
    "adamw": torch_case("adamw", "AdamW", {"lr": 1e-2}, exact=True),
    "adamw, much decay, maximize": torch_case(
        "adamw",
        "AdamW",
        {"lr": 1e-3, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.5, "maximize": True},
        exact=True,
    ),
    "amsgrad": torch_case("amsgrad", "Adam", {"lr": 1e-2}, {"amsgrad": True}, exact=True),
    "amsgrad, decay": torch_case(
        "amsgrad",
        "Adam",
        {"lr": 1e-3, "betas": (0.8, 0.9), "weight_decay": 0.1},
        {"amsgrad": True},
        exact=True,
    ),
    "nadam": torch_case("nadam", "NAdam", {"lr": 2e-3}, exact=True, dtypes=SINGLE),
    "nadam, coupled decay": torch_case(
        "nadam",
        "NAdam",
        {"lr": 1e-2, "betas": (0.8, 0.99), "weight_decay": 0.1, "momentum_decay": 0.01},
        exact=True,
        dtypes=SINGLE,
    ),
    "nadam, decoupled decay": torch_case(
        "nadam",
        "NAdam",
        {"lr": 1e-2, "weight_decay": 0.1, "decoupled_weight_decay": True},
        exact=True,
        dtypes=SINGLE,
    ),
    "nadam, all in float64": torch_case(
        "nadam",
        "NAdam",
        {"lr": 1e-2, "weight_decay": 0.1, "decoupled_weight_decay": True},
        dtypes=DOUBLE,
        default=torch.float64,
        replace=("scalar(1.0, float32)", "scalar(1.0)"),
    ),
    "radam": torch_case("radam", "RAdam", {"lr": 1e-2}),
    "radam, decay": torch_case(
        "radam", "RAdam", {"lr": 1e-2, "betas": (0.8, 0.9), "weight_decay": 0.1}
    ),
    "rmsprop, centered": torch_case("rmsprop", "RMSprop", {"lr": 1e-3, "centered": True}),
    "rmsprop, momentum, decay": torch_case(
        "rmsprop",
        "RMSprop",
        {"lr": 1e-3, "alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1, "centered": False},
    ),
    "adagrad": torch_case("adagrad", "Adagrad", {"lr": 1e-2}, exact=True),
    "adagrad, decays": torch_case(
        "adagrad", "Adagrad", {"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.1}, exact=True
    ),
    "adadelta": torch_case("adadelta", "Adadelta", {"lr": 1.0}),
    "adadelta, decay": torch_case(
        "adadelta", "Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}
    ),
    "lion": Case(
        "lion",
        {"lr": 1e-3},
        of("pytorch_optimizer", "Lion", lr=1e-3),
    ),
    "lion, decay": Case(
        "lion",
        {"lr": 1e-3, "betas": (0.95, 0.98), "weight_decay": 0.1},
        of("pytorch_optimizer", "Lion", lr=1e-3, betas=(0.95, 0.98), weight_decay=0.1),
    ),
    "lion, by hand": Case(
        "lion",
        {"lr": 1e-3, "betas": (0.95, 0.98), "weight_decay": 0.1},
        hand(by_hand.lion, lr=1e-3, betas=(0.95, 0.98), decay=0.1),
        absent=True,
        dtypes=DOUBLE,
    ),
    "adan": Case(
        "adan",
        {"lr": 1e-3, "weight_decay": 0.02},
        of("pytorch_optimizer", "Adan", lr=1e-3, weight_decay=0.02, foreach=False),
    ),
    "adan, much decay": Case(
        "adan",
        {"lr": 1e-2, "betas": (0.9, 0.9, 0.9), "weight_decay": 0.5},
        of(
            "pytorch_optimizer",
            "Adan",
            lr=1e-2,
            betas=(0.9, 0.9, 0.9),
            weight_decay=0.5,
            foreach=False,
        ),
    ),
    # pytorch_optimizer's clamps the norm of the weights to 10 and has eps in the ratio.
    "lamb": Case(
        "lamb",
        {"lr": 1e-3},
        hand(by_hand.lamb, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, decay=0.01),
        absent=True,
    ),
    "lamb, timm": Case(
        "lamb",
        {"lr": 1e-3, "betas": (0.8, 0.99), "weight_decay": 0.1},
        of(
            "timm.optim",
            "Lamb",
            lr=1e-3,
            betas=(0.8, 0.99),
            weight_decay=0.1,
            max_grad_norm=None,
            foreach=False,
        ),
    ),
    "lars": Case(
        "lars",
        {"lr": 0.01},
        of("pytorch_optimizer", "LARS", lr=0.01, weight_decay=1e-4, foreach=False),
    ),
    "lars, Nesterov": Case(
        "lars",
        {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.1, "nesterov": True},
        of(
            "pytorch_optimizer",
            "LARS",
            lr=0.01,
            momentum=0.8,
            weight_decay=0.1,
            nesterov=True,
            foreach=False,
        ),
    ),
    "ademamix": Case(
        "ademamix",
        {"lr": 1e-3, "weight_decay": 0.1},
        of(
            "pytorch_optimizer",
            "AdEMAMix",
            lr=1e-3,
            weight_decay=0.1,
            weight_decouple=True,
            foreach=False,
        ),
    ),
    "ademamix, warm-up": Case(
        "ademamix",
        {"lr": 1e-3, "betas": (0.8, 0.99, 0.999), "alpha": 3.0, "warmup_steps": 60},
        of(
            "pytorch_optimizer",
            "AdEMAMix",
            lr=1e-3,
            betas=(0.8, 0.99, 0.999),
            alpha=3.0,
            t_alpha_beta3=60,
            foreach=False,
        ),
    ),
    "ademamix, warm-up, by hand": Case(
        "ademamix",
        {"lr": 1e-3, "warmup_steps": 60, "weight_decay": 0.1},
        hand(
            by_hand.ademamix,
            lr=1e-3,
            betas=(0.9, 0.999, 0.9999),
            alpha=5.0,
            warmup=60,
            eps=1e-8,
            decay=0.1,
        ),
        absent=True,
        dtypes=DOUBLE,
    ),
    "adopt": Case(
        "adopt",
        {"lr": 1e-3},
        of(
            "pytorch_optimizer",
            "ADOPT",
            lr=1e-3,
            clip_lambda=lambda step: (step - 1) ** 0.25,
            foreach=False,
        ),
    ),
    # pytorch_optimizer's decays in the first step too, which its authors' does not.
    "adopt, decay": Case(
        "adopt",
        {"lr": 1e-3, "betas": (0.8, 0.99), "weight_decay": 0.1},
        hand(by_hand.adopt, lr=1e-3, betas=(0.8, 0.99), eps=1e-6, decay=0.1),
        absent=True,
        dtypes=DOUBLE,
    ),
    "adafactor": torch_case("adafactor", "Adafactor", {"lr": 1e-2, "eps": (1e-8, 1e-3)}),
    "adafactor, decay": torch_case(
        "adafactor",
        "Adafactor",
        {"lr": 0.1, "eps": (1e-3, 1e-2), "beta2_decay": -0.5, "d": 1.5, "weight_decay": 0.1},
    ),
    "muon": Case(
        "muon",
        {"lr": 1e-3},
        lambda params: MuonAndAdamW(params, 1e-3, 0.1, "match_rms_adamw"),
        shapes=(*SHAPES, *MATRICES),
    ),
    "muon, original": Case(
        "muon",
        {"lr": 1e-2, "weight_decay": 0.01, "match_rms_adamw": False},
        lambda params: MuonAndAdamW(params, 1e-2, 0.01, "original"),
        shapes=(*SHAPES, *MATRICES),
        absent=True,
    ),
    "schedulefree_adamw": Case(
        "schedulefree_adamw",
        {"lr": 2.5e-3},
        of("schedulefree", "AdamWScheduleFree", lr=2.5e-3, foreach=False),
    ),
    "schedulefree_adamw, warm-up": Case(
        "schedulefree_adamw",
        {"lr": 0.01, "betas": (0.8, 0.99), "weight_decay": 0.1, "warmup_steps": 30, "r": 0.5},
        of(
            "schedulefree",
            "AdamWScheduleFree",
            lr=0.01,
            betas=(0.8, 0.99),
            weight_decay=0.1,
            warmup_steps=30,
            r=0.5,
            foreach=False,
        ),
    ),
    "sphere": Case(
        "sphere",
        {"lr": 1e-2},
        lambda params: OnManifold(params, "Sphere", 1e-2, momentum=0.9),
        **SPHERE,
    ),
    "sphere, Nesterov": Case(
        "sphere",
        {"lr": 1e-2, "momentum": 0.5, "nesterov": True},
        lambda params: OnManifold(params, "Sphere", 1e-2, momentum=0.5, nesterov=True),
        **SPHERE,
    ),
    "stiefel": Case(
        "stiefel",
        {"lr": 1e-2},
        lambda params: OnManifold(params, "EuclideanStiefel", 1e-2, momentum=0.9),
        **STIEFEL,
    ),
    "stiefel, little momentum": Case(
        "stiefel",
        {"lr": 0.1, "momentum": 0.1},
        lambda params: OnManifold(params, "EuclideanStiefel", 0.1, momentum=0.1),
        **STIEFEL,
    ),
    # Its sums are in the default dtype.
    "prodigy": Case(
        "prodigy",
        {"lr": 1.0},
        of("pytorch_optimizer", "Prodigy", lr=1.0, foreach=False),
        default=torch.float64,
    ),
    "prodigy, decay": Case(
        "prodigy",
        {"lr": 0.5, "betas": (0.8, 0.99), "d_coef": 2.0, "weight_decay": 0.1},
        of(
            "pytorch_optimizer",
            "Prodigy",
            lr=0.5,
            betas=(0.8, 0.99),
            d_coef=2.0,
            weight_decay=0.1,
            foreach=False,
        ),
        default=torch.float64,
    ),
    "sgd_clip": Case(
        "sgd_clip",
        {"lr": 0.01},
        lambda params: Clipped(params, 1.0, lr=0.01, momentum=0.9),
    ),
    "sgd_clip, at times": Case(
        "sgd_clip",
        {"lr": 0.01, "momentum": 0.5, "max_norm": 4.0},
        lambda params: Clipped(params, 4.0, lr=0.01, momentum=0.5),
        absent=True,
    ),
    "given: adagrad": torch_case(
        "given/adagrad",
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.01},
        {"initial_accumulator_value": 0.1},
        exact=True,
    ),
    "given: adamw": torch_case("given/adamw", "AdamW", {"lr": 1e-2}, exact=True),
    "given: lamb": Case(
        "given/lamb",
        {"lr": 1e-3},
        hand(by_hand.lamb, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, decay=0.01),
        absent=True,
    ),
    "given: lion": Case(
        "given/lion",
        {"lr": 1e-3, "weight_decay": 0.1},
        of("pytorch_optimizer", "Lion", lr=1e-3, weight_decay=0.1),
    ),
    "given: muon": Case(
        "given/muon",
        {"lr": 1e-2},
        lambda params: torch.optim.Muon(params, lr=1e-2),
        shapes=MATRICES,
        absent=True,
    ),
    "given: rmsprop": torch_case(
        "given/rmsprop", "RMSprop", {"lr": 1e-3, "weight_decay": 0.1}, {"centered": True}
    ),
    "given: sgd": torch_case(
        "given/sgd",
        "SGD",
        {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    "given: sphere": Case(
        "given/sphere",
        {"lr": 1e-2},
        lambda params: OnManifold(params, "Sphere", 1e-2, momentum=0.9),
        **SPHERE,
    ),
}
