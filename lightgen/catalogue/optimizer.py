"""What generation knows of an optimizer's class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lightgen.catalogue.arguments import Argument

# Implementation switches of torch: per optimizer, never per group.
SWITCHES = ("foreach", "fused", "capturable", "differentiable")


@dataclass(frozen=True)
class Optimizer:
    """A class of optimizers: arguments, customary values and what it cannot do.

    `path` is the dotted one of a class of another package, empty for one of torch.optim; an `open`
    class is none of the catalogue's and takes whatever it is given. The facts below `path` are
    those that `probe.py` finds by training with a class. `elementwise` says that each entry of a
    tensor moves by itself; `sharded_fault` why the step fails where tensors are split by rows
    (DTensor), as a run of two processes shows.
    """

    name: str
    summary: str
    arguments: Mapping[str, Argument]
    customary: Mapping[str, Any] = field(default_factory=dict)
    single_group: bool = False
    full_batch: bool = False
    needs_closure: bool = False
    matrices_only: bool = False
    sparse_only: bool = False
    takes_sparse: bool = False
    zero_lr: bool = True
    composite: bool = False
    elementwise: bool = True
    sharded_fault: str = ""
    goes_with: str = ""
    path: str = ""
    open: bool = False
    refused: str = ""
    calls_once: bool = False
    no_convolution: bool = False
    plain: bool = False
    turns: bool = False
    counts: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    own_rate: bool = False
    one_rate: bool = False
    eager: bool = False
    inexact: bool = False
    swallows: bool = False
    gpu: bool = False

    @property
    def constraints(self) -> list[str]:
        """What the class cannot do, in words."""
        rows = {
            f"cannot be chosen: it {self.refused}": bool(self.refused),
            "needs a closure: no accumulation, no fp16 gradient scaler": (
                self.needs_closure and not self.calls_once
            ),
            "needs a closure: no fp16 gradient scaler": self.calls_once,
            "one parameter group": self.single_group,
            "full batch by default": self.full_batch,
            "parameters with two dimensions only: no biases, norms or convolutions": (
                self.matrices_only
            ),
            "no weights of convolutions": self.no_convolution,
            "sparse gradients only (nn.Embedding, nn.EmbeddingBag with sparse=True)": (
                self.sparse_only
            ),
            "trains other weights than those to evaluate and save: the module turns them": (
                self.turns
            ),
            "goes by a rate of its own: no schedule, no rates of groups": self.own_rate,
            "one rate for all groups": self.one_rate,
            "no group that is frozen until an epoch": self.eager,
            "a resumed run is not exactly the one that never stopped": self.inexact,
            "takes an argument that it doesn't have without a word": self.swallows,
            "needs a GPU": self.gpu,
            "not sharded (fsdp2)": bool(self.sharded_fault),
            "not laid out flat (fsdp, deepspeed)": not self.elementwise,
        }
        return [text for text, holds in rows.items() if holds]

    @property
    def group_arguments(self) -> dict[str, Argument]:
        """The arguments that a parameter group can set for itself."""
        if self.single_group:
            return {}
        whole = (*SWITCHES, *self.once)
        return {name: arg for name, arg in self.arguments.items() if name not in whole}
