"""Tasks, data sets and models that lightgen can write: one record each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEXT = "text"


@dataclass(frozen=True)
class Task:
    """What is learned: its LightningModule, its metrics and what a good run is.

    A task with a loss for each of several networks names them in `optimizers`, with what an
    optimizer of theirs is by default, the models that they can be, and their width.
    """

    name: str
    summary: str
    data: str
    module: str
    metrics: tuple[str, ...]
    best_metric: str
    best_mode: str
    # The task whose module and data it shares, where it has none of its own.
    like: str = ""
    # Where the customary ones would not do.
    model: str = "mlp"
    batch_size: int = 64
    epochs: int = 20
    inputs: str = "vectors"
    optimizers: tuple[str, ...] = ()
    customary: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    width: int = 0

    @property
    def label(self) -> str:
        """The task at the beginning of a sentence."""
        return self.name.upper() if len(self.name) <= 3 else self.name.capitalize()


@dataclass(frozen=True)
class Data:
    """A data set that installs from a package: nothing is downloaded at run time."""

    name: str
    summary: str
    tasks: tuple[str, ...]
    train_samples: int
    inputs: int
    outputs: int
    image: tuple[int, int, int] | None
    tokens: tuple[int, int]
    packages: tuple[str, ...] = ("scikit-learn",)
    first_digit: int | None = None


@dataclass(frozen=True)
class Model:
    """A network that lightgen writes, a submodule for each plain group name.

    `depths` are the layers of the whole network where it is one submodule, else those of the first
    one, of one between, and of the head; None where that is not known.
    """

    name: str
    summary: str
    width: int | None = None
    images_only: bool = False
    matrices_only: bool = False
    sparse: bool = False
    depths: tuple[int, int, int, int] | None = None
    reads: tuple[str, ...] = ("vectors",)


TASKS = {
    task.name: task
    for task in [
        Task(
            "classification",
            "one class of several",
            data="digits",
            module="Classifier",
            metrics=("train/loss", "val/loss", "val/accuracy"),
            best_metric="val/accuracy",
            best_mode="max",
        ),
        Task(
            "regression",
            "a number",
            data="diabetes",
            module="Regressor",
            metrics=("train/loss", "val/loss", "val/r2"),
            best_metric="val/r2",
            best_mode="max",
        ),
        Task(
            "transfer",
            "classes of which few samples have a label, from weights for other classes",
            data="digits-5-9",
            module="Classifier",
            metrics=("train/loss", "val/loss", "val/accuracy"),
            best_metric="val/accuracy",
            best_mode="max",
            like="classification",
            model="transformer",
            batch_size=10,
            epochs=5,
        ),
        Task(
            "language-model",
            "the next character of a text",
            data="pydoc",
            module="LanguageModel",
            metrics=("train/loss", "val/loss", "val/perplexity"),
            best_metric="val/loss",
            best_mode="min",
            model="transformer",
            batch_size=32,
            inputs=TEXT,
        ),
        Task(
            "gan",
            "to draw samples like the data",
            data="digits",
            module="GAN",
            metrics=("train/generator_loss", "train/discriminator_loss", "val/distance"),
            best_metric="val/distance",
            best_mode="min",
            optimizers=("discriminator", "generator"),
            customary={"name": "Adam", "lr": 2e-3, "betas": [0.5, 0.999]},
            models=("mlp",),
            width=128,
            epochs=40,
        ),
    ]
}
DATA = {
    data.name: data
    for data in [
        Data(
            "digits",
            "1,797 handwritten digits, 8 x 8 grey values (scikit-learn)",
            tasks=("classification", "gan"),
            train_samples=1438,
            inputs=64,
            outputs=10,
            image=(1, 8, 8),
            tokens=(8, 8),
        ),
        *(
            Data(
                f"digits-{first}-{first + 4}",
                f"{samples} handwritten digits, {first} to {first + 4} (scikit-learn)",
                tasks=("classification",),
                train_samples=train_samples,
                inputs=64,
                outputs=5,
                image=(1, 8, 8),
                tokens=(8, 8),
                first_digit=first,
            )
            for first, samples, train_samples in ((0, 901, 721), (5, 896, 717))
        ),
        Data(
            "diabetes",
            "442 patients, ten measurements, progression after a year (scikit-learn)",
            tasks=("regression",),
            train_samples=354,
            inputs=10,
            outputs=1,
            image=None,
            tokens=(10, 1),
        ),
        Data(
            "pydoc",
            "465,000 characters of Python's own documentation (pydoc_data)",
            tasks=("language-model",),
            train_samples=960,
            inputs=64,
            outputs=128,
            image=None,
            tokens=(64, 1),
            packages=(),
        ),
    ]
}
# Averages of the weights, by name, and the keys that each takes.
AVERAGES = {"ema": ("decay", "start_epoch"), "swa": ("lr_factor", "start_epoch")}
MODELS = {
    model.name: model
    for model in [
        Model(
            "mlp",
            "fully connected layers",
            width=256,
            matrices_only=True,
            depths=(3, 2, 1, 1),
        ),
        Model(
            "cnn",
            "convolutions for images",
            width=32,
            images_only=True,
            depths=(3, 2, 1, 1),
        ),
        Model(
            "transformer",
            "a small encoder over rows or features; for text, a causal one",
            width=64,
            reads=("vectors", TEXT),
            depths=(5, 3, 1, 2),
        ),
        Model(
            "embedding-bag",
            "sums of embeddings of quantized inputs, with sparse gradients",
            sparse=True,
            depths=(0, 0, 0, 0),
        ),
    ]
}
