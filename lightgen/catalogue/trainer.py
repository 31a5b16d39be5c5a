"""The arguments of Lightning's Trainer that a spec can hold."""

from __future__ import annotations

from functools import cache

from lightgen.catalogue.arguments import Argument, build, tabulate
from lightgen.catalogue.facts import facts

LOGGERS = ("csv", "tensorboard")
PRECISIONS = (
    "32-true",
    "16-mixed",
    "bf16-mixed",
    "16-true",
    "bf16-true",
    "64-true",
    "32",
    "16",
    "bf16",
    "64",
)
# Precisions whose gradients a scaler makes larger, and those that compute in less than they store.
SCALED = ("16", "16-mixed")
MIXED = (*SCALED, "bf16", "bf16-mixed")
# Precisions of the weights themselves that are not torch's own.
DOUBLE = ("64-true", "64", 64)
HALF = ("16-true", "bf16-true")
_KNOWN = tabulate(
    [
        Argument(
            "accelerator",
            kind="text",
            choices=("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
            doc="kind of device",
        ),
        Argument("strategy", kind="text", doc="how several devices work together"),
        Argument("devices", kind="number or text", min=-1, doc="how many devices"),
        Argument("num_nodes", kind="integer", min=1, doc="machines"),
        Argument("precision", kind="text", choices=PRECISIONS, doc="number format"),
        Argument("logger", kind="text", choices=LOGGERS, doc="where metrics go"),
        Argument("max_epochs", kind="integer", min=-1, optional=True, doc="length, in epochs"),
        Argument("min_epochs", kind="integer", min=1, optional=True, doc="least length, in epochs"),
        Argument("max_steps", kind="integer", min=-1, doc="length, in optimizer steps"),
        Argument("min_steps", kind="integer", min=1, optional=True, doc="least length, in steps"),
        Argument("max_time", kind="text", optional=True, doc="DD:HH:MM:SS"),
        *(
            Argument(f"limit_{name}_batches", min=0, optional=True, doc="batches, or a share")
            for name in ("train", "val", "test", "predict")
        ),
        Argument("overfit_batches", min=0, doc="train on these batches only"),
        Argument("val_check_interval", above=0, optional=True, doc="batches, or a share"),
        Argument("check_val_every_n_epoch", kind="integer", min=1, doc="epochs between checks"),
        Argument("num_sanity_val_steps", kind="integer", min=-1, optional=True, doc="batches"),
        Argument("log_every_n_steps", kind="integer", min=1, optional=True, doc="steps"),
        Argument("accumulate_grad_batches", kind="integer", min=1, doc="batches of one step"),
        Argument("gradient_clip_val", above=0, optional=True, doc="bound of the gradient"),
        Argument(
            "gradient_clip_algorithm",
            kind="text",
            choices=("norm", "value"),
            optional=True,
            doc="what is bounded",
        ),
        *(
            Argument(name, kind="flag", optional=True)
            for name in (
                "enable_checkpointing",
                "enable_progress_bar",
                "enable_model_summary",
                "deterministic",
                "benchmark",
            )
        ),
        Argument(
            "profiler",
            kind="text",
            choices=("simple", "advanced", "pytorch"),
            optional=True,
            doc="where time goes",
        ),
        Argument("default_root_dir", kind="text", optional=True, doc="folder of the run"),
        Argument("model_registry", kind="text", optional=True),
        Argument("reload_dataloaders_every_n_epochs", kind="integer", min=0, doc="epochs"),
        Argument("fast_dev_run", kind="flag", doc="one batch of everything"),
        *(Argument(name, kind="none") for name in ("callbacks", "plugins")),
    ]
)


@cache
def trainer_arguments() -> dict[str, Argument]:
    """The Trainer's arguments by name."""
    return build(facts()["trainer"]["arguments"], _KNOWN)
