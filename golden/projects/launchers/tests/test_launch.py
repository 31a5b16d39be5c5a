"""A run that is started again under its name goes on where it was cut."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from cluster_run.train import parse_arguments, train

# Epochs until the first checkpoint, and a run of twice the length.
HALF = 1
WORDS = ["--run-name=first", f"--max-epochs={2 * HALF}", "--max-steps=-1"]


class Cut(pl.Callback):
    """Ends a run in the midst of an epoch, as a cluster does."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.current_epoch == HALF:
            raise SystemExit


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cut() -> Path:
    """The folder of the checkpoints of a run that was cut."""
    with pytest.raises(SystemExit):
        train(parse_arguments(WORDS), [Cut()])
    return Path("runs/first/checkpoints")


def saved(path: Path) -> Any:
    return torch.load(path, weights_only=True)


def test_a_run_that_is_started_again_ends_as_if_it_had_not_been_cut(cut: Path) -> None:
    train(parse_arguments(WORDS))
    train(parse_arguments([*WORDS, "--run-name=whole"]))
    for name in ("last.ckpt", "best.ckpt"):
        again, whole = saved(cut / name), saved(Path("runs/whole/checkpoints", name))
        assert again["epoch"] == whole["epoch"]
        torch.testing.assert_close(
            again["state_dict"], whole["state_dict"], rtol=0, atol=0
        )


def test_a_checkpoint_that_was_cut_itself_is_passed_over(cut: Path) -> None:
    last = cut / "last.ckpt"
    last.write_bytes(last.read_bytes()[:-100])
    assert parse_arguments(WORDS).ckpt_path == cut / "best.ckpt"


def test_weights_of_another_run_serve_the_first_start_alone(cut: Path) -> None:
    words = [f"--ckpt-path={cut / 'last.ckpt'}", "--resume=weights", "--run-name=new"]
    assert parse_arguments(words).resume == "weights"
    shutil.copytree(cut, "runs/new/checkpoints")
    arguments = parse_arguments(words)
    assert arguments.resume is None
    assert arguments.ckpt_path == Path("runs/new/checkpoints/last.ckpt")


@pytest.mark.parametrize(
    "script",
    [
        "launch/slurm.sbatch",
        "launch/torchrun.sh",
    ],
)
def test_a_shell_can_read_it(script: str) -> None:
    path = Path(__file__).parents[1] / script
    subprocess.run(["bash", "-n", path], check=True)
