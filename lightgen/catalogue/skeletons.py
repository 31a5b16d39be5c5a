"""Skeletons of custom optimizers that are more than an update rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lightgen.catalogue.arguments import Argument, tabulate

_WEIGHT_DECAY = Argument("weight_decay", 0.0, min=0, doc="decay of the parameters")


@dataclass(frozen=True)
class Skeleton:
    """A skeleton: its class, and the hyperparameters that it starts from."""

    name: str
    summary: str
    class_name: str
    arguments: Mapping[str, Argument]
    needs_closure: bool = False
    goes_with: str = ""


SKELETONS: dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (
        Skeleton(
            "two-closure",
            "the gradient is taken twice a step: SAM around SGD with momentum",
            "SAM",
            tabulate(
                [
                    Argument("lr", 0.1, min=0, doc="learning rate"),
                    Argument("rho", 0.05, above=0, doc="length of the step up"),
                    Argument("momentum", 0.9, min=0, below=1, doc="decay of past gradients"),
                    _WEIGHT_DECAY,
                ]
            ),
            needs_closure=True,
            goes_with="cosine, OneCycleLR, MultiStepLR",
        ),
        Skeleton(
            "every-k",
            "the costly part is redone every k steps: Shampoo with the step lengths of Adam",
            "Shampoo",
            tabulate(
                [
                    Argument("lr", 1e-3, min=0, doc="learning rate"),
                    Argument(
                        "betas",
                        [0.9, 0.999],
                        kind="numbers",
                        length=2,
                        min=0,
                        below=1,
                        doc="decay of the averages",
                    ),
                    Argument("eps", 1e-8, min=0, doc="added to Adam's denominator"),
                    Argument("damping", 1e-6, above=0, doc="least eigenvalue, beside the largest"),
                    _WEIGHT_DECAY,
                    Argument(
                        "precondition_every_steps",
                        10,
                        kind="integer",
                        min=1,
                        doc="steps from one inverse root to the next",
                    ),
                    Argument(
                        "max_side",
                        1024,
                        kind="integer",
                        min=1,
                        doc="longer sides of a matrix are left as they are",
                    ),
                ]
            ),
            goes_with="warmup with cosine, linear or wsd",
        ),
    )
}


def find_skeleton(name: object) -> Skeleton | None:
    """Find a skeleton by its name in any case; None where there is no such one."""
    return SKELETONS.get(name.lower()) if isinstance(name, str) else None
