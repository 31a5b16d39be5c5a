"""Train: python -m cluster_run.train --help."""

import argparse
import math
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import pytorch_lightning as pl
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger

from cluster_run.data import DataModule
from cluster_run.module import Classifier
from cluster_run.optim import parameter_groups
from cluster_run.plot import CurvePlot
from cluster_run.recipe import CHOICES, AnotherRecipeError

# The data lives in memory, where worker processes would only cost time.
warnings.filterwarnings("ignore", message=".*does not have many workers.*")
# A resumed run goes on in the folder of its checkpoint.
warnings.filterwarnings("ignore", message="Checkpoint directory .* exists")
# Lightning's own use of a name that torch renames.
warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m cluster_run.train")
    add = parser.add_argument
    add("--max-epochs", type=int, default=6, metavar="N", help="-1: no limit")
    add("--max-steps", type=int, default=-1, metavar="N", help="batches")
    add("--fast-dev-run", action="store_true", help="one batch of everything")
    add("--seed", type=int, default=42, metavar="N", help="of everything random")
    add("--ckpt-path", type=Path, metavar="FILE", help="resume this checkpoint")
    add("--resume", choices=CHOICES, help="who wins where checkpoint and code differ")
    add(
        "--run-name",
        default="",
        metavar="NAME",
        help="its folder in runs/; one that was started before goes on",
    )
    add("--devices", default="auto", metavar="N", help="processes of a machine")
    add("--num-nodes", type=int, default=1, metavar="N", help="machines")
    add("--plot", action="store_true", help="write the curves to a picture")
    add(
        "--lr",
        type=parse_rate,
        action="append",
        default=[],
        metavar="[GROUP=]X",
        help="rate of a group, or all of them; stored with the run",
    )
    arguments = parser.parse_args(argv)
    if arguments.resume and not arguments.ckpt_path:
        parser.error("--resume: name the checkpoint with --ckpt-path")
    if arguments.lr and arguments.ckpt_path and arguments.resume in (None, "exact"):
        parser.error(
            "--lr: a resumed run keeps the rates that it was started with, "
            "but for --resume schedule or weights"
        )
    if arguments.ckpt_path and not arguments.ckpt_path.is_file():
        parser.error(f"--ckpt-path: there is no file {arguments.ckpt_path}")
    if arguments.ckpt_path and not is_zipfile(arguments.ckpt_path):
        parser.error(f"--ckpt-path: {arguments.ckpt_path} is not a checkpoint")
    if arguments.run_name:
        go_on(parser, arguments)
    if arguments.plot and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install -e .[plot]")
    try:
        parameter_groups(Classifier().model, dict(arguments.lr))
    except ValueError as error:
        parser.error(str(error))
    return arguments


def go_on(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Let a run that has a name go on where it was cut, whatever it had begun with."""
    folder = Path("runs", arguments.run_name, "checkpoints")
    given: Path | None = arguments.ckpt_path
    if given:
        is_own = given.parent.resolve() == folder.resolve()
        if is_own == (arguments.resume == "weights"):
            parser.error(
                "--run-name: a run goes on from its own checkpoints, "
                "and begins with those of another by --resume weights"
            )
    # A run may have been cut while it wrote one of them.
    saved = [folder / "last.ckpt", folder / "best.ckpt"]
    whole = [path for path in saved if path.is_file() and is_zipfile(path)]
    if whole:
        arguments.ckpt_path = whole[0]
        if arguments.resume == "weights":
            arguments.resume = None


def parse_rate(text: str) -> tuple[str, float]:
    """Read [GROUP=]X as the name of a group, or "*" without one, and its rate."""
    name, _, number = text.rpartition("=")
    rate = float(number)
    if not 0 <= rate < math.inf:
        raise argparse.ArgumentTypeError(f"{number} is not a learning rate")
    return name or "*", rate


def train(
    arguments: argparse.Namespace,
    callbacks: Sequence[pl.Callback] = (),
    *,
    strategy: Any = "ddp",
    plugins: list[Any] | None = None,
) -> pl.Trainer:
    """Run what the arguments describe and return the Trainer that ran it."""
    pl.seed_everything(arguments.seed, workers=True)
    ckpt_path = arguments.ckpt_path
    if ckpt_path:
        rates: dict[str, Any] = {"rates": dict(arguments.lr)} if arguments.lr else {}
        task = Classifier.load_from_checkpoint(ckpt_path, strict=False, **rates)
        task.strict_loading = False  # resume() compares the names
        task.resume_choice = arguments.resume
        if arguments.resume == "weights":
            ckpt_path = None
    else:
        task = Classifier(rates=dict(arguments.lr))
    data = DataModule()
    logger = CSVLogger("runs", name=arguments.run_name)
    run_folder = Path(logger.root_dir if arguments.run_name else logger.log_dir)
    # A resumed run goes on in its folder, so that the best checkpoint stays the best.
    resumed_folder = ckpt_path and ckpt_path.parent
    plots = [CurvePlot(run_folder / "curves.png")] if arguments.plot else []
    trainer = pl.Trainer(
        max_epochs=arguments.max_epochs,
        max_steps=arguments.max_steps,
        fast_dev_run=arguments.fast_dev_run,
        logger=logger,
        callbacks=[
            ModelCheckpoint(
                dirpath=resumed_folder or run_folder / "checkpoints",
                filename="best",
                monitor="val/accuracy",
                mode="max",
            ),
            # Not by save_last above: that writes only what is the best so far.
            ModelCheckpoint(
                dirpath=resumed_folder or run_folder / "checkpoints",
                filename="last",
            ),
            LearningRateMonitor(logging_interval="step"),
            *plots,
            *callbacks,
        ],
        devices=arguments.devices,
        num_nodes=arguments.num_nodes,
        strategy=strategy,
        plugins=plugins,
        log_every_n_steps=10,
    )
    # With max_steps, Lightning would count the last epoch of a checkpoint twice.
    loop: Any = trainer.fit_loop
    loop._iteration_based_training = lambda: False
    trainer.fit(task, data, ckpt_path=ckpt_path)
    return trainer


def main(argv: Sequence[str] | None = None) -> None:
    """Train and print the result."""
    try:
        trainer = train(parse_arguments(argv))
    except AnotherRecipeError as error:
        sys.exit(f"error: {error}")
    if not trainer.is_global_zero:
        return
    for line in report(trainer):
        print(line)


def report(trainer: pl.Trainer) -> Iterator[str]:
    """The result of a run in words, and where its checkpoints are."""
    metric = "val/accuracy"
    value = trainer.callback_metrics.get(metric)
    if value is None:
        yield f"{trainer.global_step} steps, no validation yet"
    else:
        yield f"{metric} {value:.3f} after {trainer.current_epoch} epochs"
    saved = trainer.checkpoint_callback
    if isinstance(saved, ModelCheckpoint) and saved.best_model_score is not None:
        best = os.path.relpath(saved.best_model_path)
        yield f"best {metric} {saved.best_model_score:.3f}: {best}"
        last = os.path.relpath(Path(saved.best_model_path).with_name("last.ckpt"))
        yield f"resume with --ckpt-path {last}"


if __name__ == "__main__":
    main()
