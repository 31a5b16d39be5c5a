"""Training does what it should: parameters move, runs resume, checkpoints load."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from gan_run.data import DataModule
from gan_run.module import GAN
from gan_run.optim import build_optimizers
from gan_run.train import main, parse_arguments, train


class Interrupted(Exception):
    """Stands for the end of a job that ran out of time."""


class Interrupt(pl.Callback):
    """Stops a run half way, when the checkpoint of its first half is written."""

    def on_train_epoch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> None:
        if trainer.current_epoch == HALF:
            raise Interrupted


class Begin(pl.Callback):
    """Stops a run at its first batch, when everything is restored."""

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self.trainer = trainer
        self.steps = trainer.global_step
        raise Interrupted


# Epochs until the first checkpoint, and a run of twice the length.
HALF = 1
LENGTH = [f"--max-epochs={2 * HALF}", "--max-steps=-1"]


def run(*argv: str, callbacks: Sequence[pl.Callback] = ()) -> GAN:
    """Train in the current folder and return what was trained."""
    task = train(parse_arguments(argv), callbacks).lightning_module
    assert isinstance(task, GAN)
    return task


def begin(*argv: str) -> Begin:
    """Come to the first batch of a run."""
    begun = Begin()
    with pytest.raises(Interrupted):
        run(*argv, callbacks=[begun])
    return begun


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def first_half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was interrupted half way."""
    folder = tmp_path_factory.mktemp("first_half")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with pytest.raises(Interrupted):
            run(*LENGTH, callbacks=[Interrupt()])
    shutil.copytree(folder, folder.with_name("untouched"))
    return folder


@pytest.fixture
def interrupted(first_half: Path) -> Path:
    """Its checkpoint, in the folder as it was left: a resumed run goes on there."""
    shutil.rmtree(first_half)
    shutil.copytree(first_half.with_name("untouched"), first_half)
    return next(first_half.rglob("last.ckpt"))


@pytest.fixture
def slower(interrupted: Path) -> Path:
    """The same, as if it had been trained with half of the rates."""
    checkpoint = torch.load(interrupted, weights_only=True)
    for group in checkpoint["optimizer_states"][0]["param_groups"]:
        group["lr"] /= 2
        checkpoint["recipe"][0]["groups"][group["name"]]["lr"] /= 2
    torch.save(checkpoint, interrupted.with_name("slower.ckpt"))
    return interrupted.with_name("slower.ckpt")


def saved_rates(path: Path) -> list[float]:
    """The learning rates in a checkpoint."""
    checkpoint = torch.load(path, weights_only=True)
    groups = checkpoint["optimizer_states"][0]["param_groups"]
    return [float(group["lr"]) for group in groups]


def rates(begun: Begin) -> list[float]:
    """The learning rates that a run begins with."""
    groups = begun.trainer.optimizers[0].param_groups
    return [float(group["lr"]) for group in groups]


def test_trainable_parameters_move_and_frozen_ones_do_not() -> None:
    pl.seed_everything(parse_arguments([]).seed)
    before = GAN().model
    after = run("--max-epochs=2", "--max-steps=-1").model
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
    loaded = GAN.load_from_checkpoint(interrupted)
    torch.testing.assert_close(
        {name: tensor.cpu() for name, tensor in loaded.state_dict().items()},
        {name: tensor.cpu() for name, tensor in checkpoint["state_dict"].items()},
    )


def test_resuming_with_another_recipe_stops(slower: Path) -> None:
    message = r"(?s)another recipe.*lr was.*exact: .*schedule: .*weights: "
    with pytest.raises(ValueError, match=message):
        run(*LENGTH, f"--ckpt-path={slower}")


def test_exact_resumes_with_the_rates_of_the_checkpoint(slower: Path) -> None:
    begun = begin(*LENGTH, f"--ckpt-path={slower}", "--resume=exact")
    assert rates(begun) == saved_rates(slower)


def test_schedule_resumes_with_the_rates_of_the_code(slower: Path) -> None:
    begun = begin(*LENGTH, f"--ckpt-path={slower}", "--resume=schedule")
    assert rates(begun) == saved_rates(slower.with_name("last.ckpt"))
    assert begun.steps == torch.load(slower, weights_only=True)["global_step"]


def test_weights_start_a_new_run(slower: Path) -> None:
    begun = begin(*LENGTH, f"--ckpt-path={slower}", "--resume=weights")
    assert begun.steps == 0
    assert not begun.trainer.optimizers[0].state
    state = begun.trainer.lightning_module.state_dict()
    saved = torch.load(slower, weights_only=True)["state_dict"]
    torch.testing.assert_close(state, saved, check_device=False, rtol=0, atol=0)


def test_resumed_state_follows_the_names(interrupted: Path) -> None:
    # As if layers had stood in another order: torch alone goes by position.
    checkpoint = torch.load(interrupted, weights_only=True)
    saved = checkpoint["optimizer_states"][0]
    states = {}
    for group in saved["param_groups"]:
        group["params"].reverse()
        group["param_names"].reverse()
        for number, name in zip(group["params"], group["param_names"], strict=True):
            states[name] = saved["state"].get(number, {})
    torch.save(checkpoint, interrupted)
    optimizer = begin(*LENGTH, f"--ckpt-path={interrupted}").trainer.optimizers[0]
    for group in optimizer.param_groups:
        for name, parameter in zip(group["param_names"], group["params"], strict=True):
            state = optimizer.state.get(parameter, {})
            assert state.keys() == states[name].keys(), name
            for key, value in state.items():
                if torch.is_tensor(value):
                    assert torch.equal(value.cpu(), states[name][key].cpu()), name


def test_weights_of_another_recipe_start_a_new_run(interrupted: Path) -> None:
    checkpoint = torch.load(interrupted, weights_only=True)
    checkpoint["recipe"][0]["optimizer"] = "Another"
    torch.save(checkpoint, interrupted)
    task = GAN.load_from_checkpoint(interrupted)
    pl.Trainer(fast_dev_run=True).fit(task, DataModule())


def test_a_rate_from_the_command_line_is_used_and_stored(tmp_path: Path) -> None:
    group = [
        group
        for each in build_optimizers(GAN().model, {}).values()
        for group in each.param_groups
    ][0]
    owner = group["name"].removesuffix("/no_decay")
    rate = group["lr"] / 2
    task = run(*LENGTH, f"--lr={owner}={rate}")
    stored = GAN.load_from_checkpoint(next(tmp_path.rglob("last.ckpt")))
    for trained in (task, stored):
        groups = [
            group
            for each in build_optimizers(trained.model, trained.rates).values()
            for group in each.param_groups
        ]
        assert groups[0]["lr"] == pytest.approx(rate)


def test_the_command_trains_one_batch(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--fast-dev-run"])
    assert "val/distance" in capsys.readouterr().out
