"""The optimizers of torch.optim: one record each, and nothing else to add one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from lightgen.catalogue.arguments import Argument, build, tabulate
from lightgen.catalogue.facts import facts
from lightgen.catalogue.optimizer import SWITCHES, Optimizer

KNOWN = tabulate(
    [
        Argument("lr", min=0, doc="learning rate"),
        Argument("betas", kind="numbers", length=2, min=0, below=1, doc="decay of the moments"),
        Argument("eps", min=0, doc="term that keeps the division finite"),
        Argument("weight_decay", min=0, doc="pull of the weights to zero"),
        Argument("momentum", min=0, below=1, doc="decay of the gradients' running sum"),
        Argument("dampening", min=0, max=1, doc="share of the gradient kept out of momentum"),
        Argument("nesterov", kind="flag", doc="look-ahead momentum"),
        Argument("amsgrad", kind="flag", doc="never let the second moment shrink"),
        Argument("centered", kind="flag", doc="divide by the variance, not the second moment"),
        Argument("maximize", kind="flag", doc="climb instead of descend"),
        Argument("decoupled_weight_decay", kind="flag", doc="decay the weights, not the gradient"),
        Argument("rho", min=0, max=1, doc="decay of the squared gradients"),
        Argument("lambd", min=0, doc="decay term"),
        Argument("t0", min=0, doc="step at which averaging begins"),
        Argument("lr_decay", min=0, doc="decay of the rate by steps"),
        Argument("initial_accumulator_value", min=0, doc="start of the squared sum"),
        Argument("beta2_decay", max=0, doc="exponent of the second moment's decay"),
        Argument("d", min=1, doc="clipping threshold of the update"),
        Argument("momentum_decay", min=0, doc="decay of the momentum schedule"),
        Argument("etas", kind="numbers", length=2, above=0, doc="shrink and growth of the steps"),
        Argument("step_sizes", kind="numbers", length=2, above=0, doc="least and largest step"),
        Argument("max_iter", kind="integer", min=1, doc="closure iterations in one step"),
        Argument("max_eval", kind="integer", min=1, optional=True, doc="closure calls in a step"),
        Argument("tolerance_grad", min=0, doc="gradient at which a step ends"),
        Argument("tolerance_change", min=0, doc="change at which a step ends"),
        Argument("history_size", kind="integer", min=1, doc="stored curvature pairs"),
        Argument(
            "line_search_fn",
            kind="text",
            choices=("strong_wolfe",),
            optional=True,
            doc="line search of a step",
        ),
        Argument("ns_coefficients", kind="numbers", length=3, doc="Newton-Schulz polynomial"),
        Argument("ns_steps", kind="integer", min=1, below=100, doc="Newton-Schulz iterations"),
        Argument(
            "adjust_lr_fn",
            kind="text",
            choices=("original", "match_rms_adamw"),
            optional=True,
            doc="scaling of the rate by the shape",
        ),
        *(Argument(name, kind="flag", optional=True, doc="implementation") for name in SWITCHES),
    ]
)
_ALPHA = {
    "ASGD": Argument("alpha", min=0, doc="power of the rate's decay"),
    "RMSprop": Argument("alpha", min=0, below=1, doc="decay of the squared gradients"),
}
_ADAFACTOR_EPS = Argument(
    "eps", kind="numbers", length=2, min=0, optional=True, doc="terms of the two divisions"
)


_IN_PLACE = "torch's step changes tensors in place in a way that no split tensor (DTensor) allows"

# What introspection cannot tell. Rates are the customary ones of the literature, tried on digits.
_RECORDS: dict[str, dict[str, Any]] = {
    "ASGD": {"customary": {"lr": 0.3}, "goes_with": "averaging of noisy iterates"},
    "Adadelta": {"customary": {"lr": 1.0}, "goes_with": "problems where no rate is known"},
    "Adafactor": {
        "customary": {"lr": 0.01},
        "elementwise": False,
        "sharded_fault": _IN_PLACE,
        "goes_with": "large matrices, little memory",
    },
    "Adagrad": {"customary": {"lr": 0.05}, "takes_sparse": True, "goes_with": "sparse features"},
    "Adam": {"customary": {"lr": 1e-3}, "goes_with": "warmup with cosine or linear"},
    "AdamW": {"customary": {"lr": 1e-3}, "goes_with": "warmup with cosine, linear or wsd"},
    "Adamax": {"customary": {"lr": 2e-3}, "goes_with": "gradients with rare large values"},
    "LBFGS": {
        "customary": {"lr": 1.0, "line_search_fn": "strong_wolfe"},
        "single_group": True,
        "full_batch": True,
        "needs_closure": True,
        "elementwise": False,
        "sharded_fault": "its line search needs the whole gradient in one vector",
        "goes_with": "small problems in full batches; no scheduler",
    },
    "Muon": {
        "customary": {"lr": 0.02},
        "matrices_only": True,
        "elementwise": False,
        "goes_with": "hidden matrices; wsd or linear",
    },
    "NAdam": {"customary": {"lr": 2e-3}, "goes_with": "warmup with cosine or linear"},
    "RAdam": {"customary": {"lr": 1e-3}, "goes_with": "no warmup: it has its own"},
    "RMSprop": {"customary": {"lr": 1e-3}, "goes_with": "recurrent networks, step schedules"},
    "Rprop": {
        "customary": {"lr": 0.01},
        "full_batch": True,
        "sharded_fault": _IN_PLACE,
        "goes_with": "full batches; no scheduler",
    },
    "SGD": {
        "customary": {"lr": 0.1, "momentum": 0.9},
        "takes_sparse": True,
        "goes_with": "OneCycleLR, cosine, MultiStepLR",
    },
    "SparseAdam": {
        "customary": {"lr": 0.01},
        "sparse_only": True,
        "takes_sparse": True,
        "zero_lr": False,
        "sharded_fault": "no split tensor has sparse gradients",
        "goes_with": "embeddings with sparse=True",
    },
}


COMPOSITE = Optimizer(
    "composite",
    "a class for each group, stepped as one: Muon for hidden matrices, AdamW for the rest",
    {},
    composite=True,
    goes_with="warmup with cosine, linear or wsd",
)


@cache
def optimizers() -> dict[str, Optimizer]:
    """All optimizers of torch.optim by class name."""
    return {name: _optimizer(name, fact) for name, fact in facts()["optimizers"].items()}


def _optimizer(name: str, fact: Mapping[str, Any]) -> Optimizer:
    known = dict(KNOWN)
    if name in _ALPHA:
        known["alpha"] = _ALPHA[name]
    if name == "Adafactor":
        known["eps"] = _ADAFACTOR_EPS
    record = _RECORDS[name]
    if not record.get("zero_lr", True):
        known["lr"] = Argument("lr", above=0, doc="learning rate")
    return Optimizer(name, fact["summary"], build(fact["arguments"], known), **record)
