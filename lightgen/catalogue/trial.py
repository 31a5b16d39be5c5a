"""A small network and an optimizer that trains it, as a generated project would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lightgen.catalogue.digits import training_batch

STEPS = 3


class Network(nn.Module):
    """A small classifier: with a convolution, without, or of matrices alone."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        bias = kind != "matrices"
        layers: list[nn.Module] = [nn.Flatten(), nn.Linear(64, 16, bias=bias), nn.ReLU()]
        if kind == "convolution":
            layers = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 16)]
        if bias:
            layers.append(nn.LayerNorm(16))
        self.body, self.head = nn.Sequential(*layers), nn.Linear(16, 10, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """The logits of the images."""
        logits: Tensor = self.head(self.body(images))
        return logits


@dataclass(frozen=True)
class Way:
    """How a class is used: on which network, how its groups are given, how it steps."""

    network: str = "convolution"
    names: bool = True
    within: bool = True
    single: bool = False


@dataclass
class Trial:
    """A network and its optimizer, made the same way each time."""

    cls: Any
    way: Way
    arguments: Mapping[str, Any]
    lr: float
    rates: tuple[float, float] = (1.0, 1.0)
    calls: int = 0
    steps: int = 0
    network: Network = field(init=False)
    optimizer: Any = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self.network = Network(self.way.network)
        self.optimizer = self.cls(self._groups(), **self.arguments)
        self.turn("train")

    def _groups(self) -> list[dict[str, Any]]:
        parts = {"body": self.network.body, "head": self.network.head}
        rates = dict(zip(parts, self.rates, strict=True))
        wanted: dict[str, nn.Module] = {"all": self.network} if self.way.single else {**parts}
        groups = []
        for name, module in wanted.items():
            named = [(f"{name}.{inner}", each) for inner, each in module.named_parameters()]
            params = named if self.way.names else [each for _, each in named]
            groups.append({"name": name, "params": params, "lr": self.lr * rates.get(name, 1.0)})
        return groups

    @staticmethod
    def tried(cls: Any, way: Way, arguments: Mapping[str, Any], lr: float) -> Callable[[], None]:
        """Some steps of a new one, not made yet."""
        return lambda: Trial(cls, way, arguments, lr).step()

    def turn(self, mode: str) -> None:
        """Between the weights to train and those to evaluate, where there are two."""
        if turns(self.cls):
            getattr(self.optimizer, mode)()

    def step(self, count: int = STEPS, *, without_body: bool = False) -> None:
        """Some steps; without the body, whose gradients are not there."""
        for _ in range(count):
            images, labels = training_batch(self.steps)

            def closure(images: Tensor = images, labels: Tensor = labels) -> Tensor:
                self.calls += 1
                with torch.enable_grad():
                    loss = nn.functional.cross_entropy(self.network(images), labels)
                    self.optimizer.zero_grad()
                    torch.autograd.backward(loss)
                for parameter in self.network.body.parameters() if without_body else ():
                    parameter.grad = None
                return loss

            if self.way.within:
                self.optimizer.step(closure=closure)
            else:
                closure()
                self.optimizer.step()
            self.steps += 1
        if not all(bool(each.isfinite().all()) for each in self.network.parameters()):
            raise ValueError("weights that are no numbers")

    def weights(self, part: str = "") -> Tensor:
        """All weights as one vector."""
        named = self.network.named_parameters()
        return torch.cat([p.detach().clone().ravel() for n, p in named if n.startswith(part)])

    def settings(self) -> list[dict[str, Any]]:
        """A copy of what the groups say."""
        groups = self.optimizer.param_groups
        return [{k: deepcopy(v) for k, v in each.items() if k != "params"} for each in groups]


def turns(cls: Any) -> bool:
    """Whether the class has other weights to train than to evaluate."""
    return callable(getattr(cls, "train", None)) and callable(getattr(cls, "eval", None))
