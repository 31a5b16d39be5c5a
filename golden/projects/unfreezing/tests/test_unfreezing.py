"""A group that is frozen until an epoch rests before it and trains from it on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from thaw_run.module import Classifier
from thaw_run.optim import UNFREEZE_EPOCHS, build_optimizer, frozen_modules
from thaw_run.train import parse_arguments, train

LAST = max(UNFREEZE_EPOCHS.values())
LENGTH = [f"--max-epochs={LAST + 2}", "--max-steps=-1"]


class Epochs(pl.Callback):
    """Keeps weights and a checkpoint of each epoch, and what rests at its batches."""

    def __init__(self) -> None:
        self.weights: list[dict[str, Tensor]] = []
        self.checkpoints: list[Path] = []
        self.resting: list[set[str]] = []
        self.trained: dict[str, Tensor] = {}

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        modes = {name: module.training for name, module in pl_module.named_modules()}
        self.resting.append({name for name, training in modes.items() if not training})

    def on_train_epoch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> None:
        state = pl_module.state_dict()
        self.weights.append(
            {name: value.cpu().clone() for name, value in state.items()}
        )
        assert trainer.log_dir is not None
        name = f"checkpoints/{trainer.current_epoch}.ckpt"
        self.checkpoints.append(Path(trainer.log_dir).absolute() / name)
        trainer.save_checkpoint(self.checkpoints[-1])


def names_by_group(task: Classifier) -> dict[str, list[str]]:
    """The parameters of each group that is frozen at first."""
    names = {id(parameter): name for name, parameter in task.named_parameters()}
    found: dict[str, list[str]] = {group: [] for group in UNFREEZE_EPOCHS}
    for group in build_optimizer(task.model, {}).param_groups:
        owner = group["name"].partition("/")[0]
        if owner in found:
            found[owner] += [names[id(parameter)] for parameter in group["params"]]
    return found


def run(*flags: str, callbacks: Sequence[pl.Callback] = ()) -> dict[str, Tensor]:
    """Train and return what was trained."""
    task = train(parse_arguments([*LENGTH, *flags]), callbacks).lightning_module
    return {name: value.cpu() for name, value in task.state_dict().items()}


@pytest.fixture(scope="module")
def epochs(tmp_path_factory: pytest.TempPathFactory) -> Epochs:
    """A run that goes on after the last group trains."""
    recorded = Epochs()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("unfreezing"))
        recorded.trained = run(callbacks=[recorded])
    return recorded


def test_a_group_rests_before_its_epoch_and_trains_from_it_on(epochs: Epochs) -> None:
    pl.seed_everything(parse_arguments([]).seed)
    task = Classifier()
    states = [task.state_dict(), *epochs.weights]
    for group, names in names_by_group(task).items():
        first_epoch = UNFREEZE_EPOCHS[group]
        for epoch, (before, after) in enumerate(zip(states, states[1:], strict=False)):
            moved = [name for name in names if not before[name].equal(after[name])]
            assert bool(moved) == (epoch >= first_epoch), (group, epoch)


def test_frozen_parts_rest_in_eval_mode(epochs: Epochs) -> None:
    task = Classifier()
    names = {module: name for name, module in task.named_modules()}
    batches = len(epochs.resting) // len(epochs.weights)
    for batch, resting in enumerate(epochs.resting):
        expected = {
            names[inner]
            for module in frozen_modules(task.model, batch // batches)
            for inner in module.modules()
        }
        assert resting == expected, batch


@pytest.mark.parametrize("epoch", [LAST - 1, LAST])
def test_a_run_resumed_around_the_epoch_equals_an_uninterrupted_one(
    epochs: Epochs, epoch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    resumed = run(f"--ckpt-path={epochs.checkpoints[epoch]}")
    torch.testing.assert_close(resumed, epochs.trained, rtol=0, atol=0)
