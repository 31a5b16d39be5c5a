"""Weights that are split, and their checkpoints: here with a single part of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor

from sharded_run.module import Classifier
from sharded_run.recipe import AnotherRecipeError
from sharded_run.sharding import METADATA, blocks, merge, read_outlines
from sharded_run.train import parse_arguments, train

LENGTH = ["--max-epochs=2", "--max-steps=-1"]


class Interrupted(Exception):
    """Stands for the end of a job that ran out of time."""


class Interrupt(pl.Callback):
    """Stops a run when the checkpoint of its first epoch is written."""

    def on_train_epoch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> None:
        if trainer.current_epoch == 1:
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
        self.weights = whole(pl_module.state_dict())
        raise Interrupted


@pytest.fixture(autouse=True)
def sharded(
    one_process: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The strategy of the code, in an empty folder."""
    monkeypatch.delitem(one_process, "strategy")
    monkeypatch.chdir(tmp_path)
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """The checkpoint of a run that was stopped half way."""
    with pytest.raises(Interrupted):
        train(parse_arguments(LENGTH), [Interrupt()])
    return next(tmp_path.rglob("last.ckpt"))


def whole(value: Any) -> Any:
    """A copy of tensors in a dict of dicts, each in one piece."""
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    if isinstance(value, torch.Tensor):
        return (value.full_tensor() if isinstance(value, DTensor) else value).clone()
    return value


def begin(*argv: str) -> Begin:
    """Come to the first batch of a run."""
    begun = Begin()
    with pytest.raises(Interrupted):
        train(parse_arguments(argv), [begun])
    return begun


def test_each_block_and_the_whole_are_split() -> None:
    trainer = train(parse_arguments(LENGTH))
    task = trainer.lightning_module
    assert isinstance(task, Classifier)
    assert isinstance(task.model, FSDPModule)
    assert all(isinstance(block, FSDPModule) for block in blocks(task.model))
    assert all(isinstance(each, DTensor) for each in task.model.parameters())


def test_a_resumed_run_equals_an_uninterrupted_one(interrupted: Path) -> None:
    first = train(parse_arguments(LENGTH)).lightning_module
    resumed = train(
        parse_arguments([*LENGTH, f"--ckpt-path={interrupted}"])
    ).lightning_module
    before, after = whole(first.state_dict()), whole(resumed.state_dict())
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_resuming_with_another_recipe_stops(interrupted: Path) -> None:
    checkpoint = torch.load(interrupted / METADATA, weights_only=True)
    recipes = checkpoint["recipe"]
    recipe = recipes[0] if isinstance(recipes, list) else recipes
    for group in recipe["groups"].values():
        group["lr"] = 2 * group["lr"] + 1
    torch.save(checkpoint, interrupted / METADATA)
    with pytest.raises(AnotherRecipeError, match="lr was"):
        train(parse_arguments([*LENGTH, f"--ckpt-path={interrupted}"]))


def test_weights_start_a_new_run(interrupted: Path, tmp_path: Path) -> None:
    merge(interrupted, tmp_path / "merged.ckpt")
    saved = torch.load(tmp_path / "merged.ckpt", weights_only=True)["state_dict"]
    begun = begin(*LENGTH, f"--ckpt-path={interrupted}", "--resume=weights")
    assert begun.trainer.global_step == 0
    torch.testing.assert_close(begun.weights, saved, rtol=0, atol=0, check_device=False)


def test_a_file_of_all_parts_resumes_as_the_folder_does(
    interrupted: Path,
) -> None:
    file = interrupted.with_name("merged.ckpt")
    merge(interrupted, file)
    Classifier.load_from_checkpoint(file)
    by_folder = begin(*LENGTH, f"--ckpt-path={interrupted}")
    by_file = begin(*LENGTH, f"--ckpt-path={file}")
    torch.testing.assert_close(by_file.weights, by_folder.weights, rtol=0, atol=0)
    for one, other in zip(
        by_file.trainer.optimizers, by_folder.trainer.optimizers, strict=True
    ):
        state, same = one.state_dict(), other.state_dict()
        assert state["param_groups"] == same["param_groups"]
        states = whole(state["state"]), whole(same["state"])
        torch.testing.assert_close(*states, rtol=0, atol=0)


def test_the_outlines_load_without_executing_code(interrupted: Path) -> None:
    names = read_outlines(interrupted)["state_dict"].keys()
    assert names == Classifier().state_dict().keys()
