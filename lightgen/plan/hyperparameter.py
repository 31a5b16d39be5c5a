"""The hyperparameters of a custom optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lightgen.catalogue.groups import RESERVED_SETTINGS
from lightgen.rules.rule import Hyper
from lightgen.source import is_identifier

NAME_LENGTH = 30

# Names that mean something else where a hyperparameter stands: in a parameter group, or in the
# functions and methods of the generated file.
RESERVED = frozenset(
    {
        *("params", "param_names", "name", "initial_lr", "max_lr", "min_lr", "swa_lr"),
        *("base_momentum", "max_momentum", "foreach", "maximize", "differentiable"),
        *("lr_scale", *RESERVED_SETTINGS),
        *("fused", "capturable", "self", "torch", "options", "defaults", "index", "value"),
        *("param", "grad", "grads", "exp_avg", "exp_avgs", "exp_avg_sq", "exp_avg_sqs"),
        *("step", "steps", "step_size", "beta1", "beta2", "denom", "denoms"),
        *("Tensor", "ValueError", "RuntimeError", "zip", "len", "enumerate", "isinstance", "super"),
    }
)


@dataclass(frozen=True)
class Hyperparameter(Hyper):
    """An option of the optimizer that may differ from group to group.

    min and max belong to the range, above and below do not; for a tuple the range holds for each
    entry. Raises ValueError for what can not be written: a name that is reserved, no identifier or
    longer than 30 characters, two bounds at one end, a default out of range.
    """

    def __post_init__(self) -> None:
        if not is_identifier(self.name) or len(self.name) > NAME_LENGTH:
            raise ValueError(f"{self.name!r} is not an identifier of {NAME_LENGTH} characters")
        if self.name in RESERVED or self.name.startswith("_"):
            raise ValueError(f"{self.name!r} is reserved")
        if None not in (self.min, self.above) or None not in (self.max, self.below):
            raise ValueError(f"{self.name}: two bounds at one end")
        if self.default == ():
            raise ValueError(f"{self.name}: an empty tuple")
        entries = self.default if isinstance(self.default, tuple) else (self.default,)
        if not all(self.allows(entry) for entry in entries):
            raise ValueError(f"{self.name}: {self.default} is out of range")

    def allows(self, entry: float) -> bool:
        """Whether entry, one number, lies in the range; NaN and the infinities never do."""
        return allows(self, entry)


def allows(hyper: Hyper, entry: float) -> bool:
    """Whether entry, one number, lies in the range; NaN and the infinities never do."""
    return (
        math.isfinite(entry)
        and (hyper.min is None or hyper.min <= entry)
        and (hyper.max is None or entry <= hyper.max)
        and (hyper.above is None or hyper.above < entry)
        and (hyper.below is None or entry < hyper.below)
    )


STANDARD: tuple[Hyperparameter, ...] = (
    Hyperparameter("lr", 1e-3, min=0),
    Hyperparameter("betas", (0.9, 0.999), min=0, below=1),
    Hyperparameter("eps", 1e-8, min=0),
    Hyperparameter("weight_decay", 0.0, min=0),
)
