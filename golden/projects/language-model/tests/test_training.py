"""Training does what it should: parameters move, runs resume, checkpoints load."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from text_run.data import DataModule
from text_run.module import LanguageModel
from text_run.optim import build_optimizer
from text_run.train import main, parse_arguments, train


class Interrupted(Exception):
    """Stands for the end of a job that ran out of time."""


class Interrupt(pl.Callback):
    """Stops a run half way, when the checkpoint of its first half is written."""

    def on_train_epoch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> None:
        if trainer.current_epoch == HALF:
            raise Interrupted


# Epochs until the first checkpoint, and a run of twice the length.
HALF = 1
LENGTH = [f"--max-epochs={2 * HALF}", "--max-steps=-1"]


def run(*argv: str, callbacks: Sequence[pl.Callback] = ()) -> LanguageModel:
    """Train in the current folder and return what was trained."""
    task = train(parse_arguments(argv), callbacks).lightning_module
    assert isinstance(task, LanguageModel)
    return task


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """The checkpoint of a run that was interrupted half way."""
    with pytest.raises(Interrupted):
        run(*LENGTH, callbacks=[Interrupt()])
    return next(tmp_path.rglob("last.ckpt"))


def test_trainable_parameters_move_and_frozen_ones_do_not() -> None:
    pl.seed_everything(parse_arguments([]).seed)
    before = LanguageModel().model
    after = run("--max-epochs=1", "--max-steps=-1").model
    initial = dict(before.named_parameters())
    for name, parameter in after.named_parameters():
        moved = not torch.equal(initial[name], parameter.cpu())
        assert moved == parameter.requires_grad, name


def test_a_resumed_run_equals_an_uninterrupted_one(interrupted: Path) -> None:
    whole = run(*LENGTH)
    resumed = run(*LENGTH, f"--ckpt-path={interrupted}")
    torch.testing.assert_close(resumed.state_dict(), whole.state_dict(), rtol=0, atol=0)


def test_a_checkpoint_loads_without_executing_code(interrupted: Path) -> None:
    checkpoint = torch.load(interrupted, weights_only=True)
    loaded = LanguageModel.load_from_checkpoint(interrupted)
    torch.testing.assert_close(
        {name: tensor.cpu() for name, tensor in loaded.state_dict().items()},
        {name: tensor.cpu() for name, tensor in checkpoint["state_dict"].items()},
    )


def test_resuming_with_another_recipe_stops(interrupted: Path) -> None:
    checkpoint = torch.load(interrupted, weights_only=True)
    group = next(iter(checkpoint["recipe"]["groups"].values()))
    group["lr"] = 2 * group["lr"] + 1
    torch.save(checkpoint, interrupted)
    with pytest.raises(ValueError, match="another recipe.*lr was"):
        run(*LENGTH, f"--ckpt-path={interrupted}")


def test_weights_of_another_recipe_start_a_new_run(interrupted: Path) -> None:
    checkpoint = torch.load(interrupted, weights_only=True)
    checkpoint["recipe"]["optimizer"] = "Another"
    torch.save(checkpoint, interrupted)
    task = LanguageModel.load_from_checkpoint(interrupted)
    pl.Trainer(fast_dev_run=True).fit(task, DataModule())


def test_a_rate_from_the_command_line_is_used_and_stored(tmp_path: Path) -> None:
    group = build_optimizer(LanguageModel().model, {}).param_groups[0]
    owner = group["name"].removesuffix("/no_decay")
    rate = group["lr"] / 2
    task = run(*LENGTH, f"--lr={owner}={rate}")
    stored = LanguageModel.load_from_checkpoint(next(tmp_path.rglob("last.ckpt")))
    for trained in (task, stored):
        groups = build_optimizer(trained.model, trained.rates).param_groups
        assert groups[0]["lr"] == pytest.approx(rate)


def test_the_command_trains_one_batch(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--fast-dev-run"])
    assert "val/loss" in capsys.readouterr().out
