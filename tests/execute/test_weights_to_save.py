"""An optimizer that trains with other weights than those to save: none is saved by mistake.

`proof` says what must hold; without the hooks, or without one of them, it does not.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torch
import torch._dynamo
import torchmetrics  # noqa: F401
from support.projects import in_project, project

RULES = Path(__file__).parents[2] / "golden" / "rules"
SPEC: dict[str, Any] = {
    "optimizer": {"name": "custom", "rule": "schedulefree_adamw.py"},
    "data": {"batch_size": 240},
    "model": {"width": 16},
}
BATCHES = 6
BETA = 0.9
Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(SPEC, tmp_path_factory.mktemp("made"), RULES)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def without(folder: Path, *methods: str) -> None:
    """Take methods out of the task, as somebody would have it who does not know of them."""
    path = next(folder.glob("src/*/module.py"))
    tree = ast.parse(path.read_text())
    (task,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    names = [getattr(node, "name", "") for node in task.body]
    assert set(methods) <= set(names)
    task.body = [node for node in task.body if getattr(node, "name", "") not in methods]
    path.write_text(ast.unparse(tree))


class Watch(pl.Callback):
    """Keeps by step: the averages as the paper has them, and the weights that were validated."""

    def __init__(self) -> None:
        self.averages: dict[int, Weights] = {}
        self.validated: dict[int, Weights] = {}

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        state = trainer.optimizers[0].state
        if not state:
            return
        self.averages[trainer.global_step] = {
            # x of y = (1 - beta) z + beta x
            name: ((y - (1 - BETA) * state[y]["z"]) / BETA).detach().clone()
            for name, y in pl_module.named_parameters()
        }

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.validated[trainer.global_step] = {
            name: value.clone() for name, value in pl_module.state_dict().items()
        }


def fit(
    *callbacks: pl.Callback, epochs: int = 2, resumed: Path | None = None, **options: Any
) -> tuple[Weights, pl.Trainer]:
    """Train in the project of the current folder; the weights that are left."""
    from sample_run.data import DataModule
    from sample_run.module import Classifier

    pl.seed_everything(0)
    options = {"num_sanity_val_steps": 0, **options}
    task = Classifier()
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=bool(options.pop("enable_checkpointing", True)),
        callbacks=list(callbacks),
        **options,
    )
    trainer.fit(task, DataModule(), ckpt_path=resumed)
    return task.state_dict(), trainer


def saver(name: str, **options: Any) -> pl.callbacks.ModelCheckpoint:
    return pl.callbacks.ModelCheckpoint(name, filename="{step}", save_top_k=-1, **options)


def proof(**options: Any) -> tuple[list[int], list[str]]:
    """The steps at which the task was saved, and what is wrong with that."""
    saving = options.pop("saving")
    watch = Watch()
    left, trainer = fit(watch, saver("saved", **saving), **options)
    wrong, steps = [], []
    for path in Path("saved").iterdir():
        checkpoint = torch.load(path, weights_only=True)
        step, weights = checkpoint["global_step"], checkpoint["state_dict"]
        steps.append(step)
        if not close(weights, watch.averages[step]):
            wrong.append(f"{path.name}: not the average")
        if step in watch.validated and not equal(weights, watch.validated[step]):
            wrong.append(f"{path.name}: not what was validated")
    for step, weights in watch.validated.items():
        if step and not close(weights, watch.averages[step]):
            wrong.append(f"validation at {step}: not the average")
    if not close(left, watch.averages[trainer.global_step]):
        wrong.append("what is left: not the average")
    return sorted(steps), sorted(wrong)


def close(a: Weights, b: Weights) -> bool:
    return all(torch.allclose(a[name], b[name], rtol=0, atol=1e-6) for name in a)


def equal(a: Weights, b: Weights) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


EPOCH_ENDS = [BATCHES, 2 * BATCHES]
WAYS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "a validation each epoch": ({"saving": {"monitor": "val/loss"}}, EPOCH_ENDS),
    "no metric": ({"saving": {}}, EPOCH_ENDS),
    "at the end of training epochs": ({"saving": {"save_on_train_epoch_end": True}}, EPOCH_ENDS),
    "validations within an epoch": (
        {"saving": {"monitor": "val/loss"}, "val_check_interval": 2},
        [2, 4, 6, 8, 10, 12],
    ),
    "saved within an epoch": ({"saving": {"every_n_train_steps": 4}}, [4, 8, 12]),
    "weights only": ({"saving": {"every_n_train_steps": 4, "save_weights_only": True}}, [4, 8, 12]),
    "ended within an epoch": ({"saving": {"every_n_train_steps": 3}, "max_steps": 9}, [3, 6, 9]),
    "sanity checks": ({"saving": {}, "num_sanity_val_steps": 2}, EPOCH_ENDS),
    "accumulated gradients": (
        {"saving": {"every_n_train_steps": 1}, "accumulate_grad_batches": 4},
        [1, 2, 3, 4],
    ),
    "no validation": ({"saving": {}, "limit_val_batches": 0}, EPOCH_ENDS),
    "not saved at the end": (
        {"saving": {"every_n_train_steps": 5}, "limit_val_batches": 0},
        [5, 10],
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_averages_are_saved_and_validated(folder: Path, way: str) -> None:
    options, steps = WAYS[way]
    assert in_project(folder, lambda: proof(**dict(options))) == (steps, [])


HOOKS = (
    "on_train_batch_start",
    "on_train_epoch_end",
    "on_validation_model_eval",
    "on_save_checkpoint",
)
# Each with a way to save that shows it, and how many faults that has at least.
FEWER: dict[str, tuple[tuple[str, ...], str, int]] = {
    "no hook": (HOOKS, "a validation each epoch", 5),
    "no hook of the validation": (("on_validation_model_eval",), "validations within an epoch", 6),
    "no hook of the epoch": (("on_train_epoch_end",), "not saved at the end", 1),
    "no hook of saving": (("on_save_checkpoint",), "saved within an epoch", 2),
}


@pytest.mark.parametrize("name", FEWER)
def test_with_fewer_hooks_others_are(folder: Path, name: str) -> None:
    methods, way, least = FEWER[name]
    without(folder, *methods)
    _, wrong = in_project(folder, lambda: proof(**dict(WAYS[way][0])))
    assert len(wrong) >= least


class Stop(pl.Callback):
    """An exception after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise RuntimeError("stopped")


RESUMED: dict[str, dict[str, Any]] = {
    "an epoch": {},
    "some batches": {"every_n_train_steps": 4},
    "a validation": {"monitor": "val/loss", "options": {"val_check_interval": 2}},
}


@pytest.mark.parametrize("way", RESUMED)
def test_a_resumed_run_equals_an_uninterrupted_one(folder: Path, way: str) -> None:
    """Also from the middle of an epoch, where Lightning starts no epoch.

    The batches are the same ones in the same order, so that what Lightning does with a loader that
    it can't wind forward takes no part.
    """
    saving = dict(RESUMED[way])
    options = {"limit_train_batches": BATCHES, **saving.pop("options", {})}

    def act() -> tuple[bool, list[int]]:
        from sample_run.data import DataModule

        same = [first_batch(DataModule())] * BATCHES
        DataModule.train_dataloader = lambda _: torch.utils.data.DataLoader(same, batch_size=None)
        whole, _ = fit(saver("whole", **saving), **options)
        paths = sorted(Path("whole").iterdir(), key=lambda path: int(path.stem.split("=")[1]))
        found = []
        for path in paths[:-1]:
            resumed, trainer = fit(saver("again", **saving), resumed=path, **options)
            found.append(trainer.global_step)
            if not equal(resumed, whole):
                return False, found
        return True, found

    is_equal, steps = in_project(folder, act)
    assert steps
    assert set(steps) == {2 * BATCHES}
    assert is_equal


def first_batch(data: Any) -> Any:
    data.setup("fit")
    return next(iter(data.train_dataloader()))


def test_what_an_exception_leaves_behind_is_the_average(folder: Path) -> None:
    def act() -> bool:
        watch = Watch()
        with pytest.raises(RuntimeError, match="stopped"):
            fit(watch, Stop(4), saver("saved", save_on_exception=True))
        (path,) = Path("saved").iterdir()
        return close(torch.load(path, weights_only=True)["state_dict"], watch.averages[4])

    assert in_project(folder, act)


def test_a_validation_after_the_run_is_of_what_is_left(folder: Path) -> None:
    def act() -> bool:
        from sample_run.data import DataModule

        watch = Watch()
        left, trainer = fit(watch, enable_checkpointing=False)
        before = {name: value.clone() for name, value in left.items()}
        watch.validated.clear()
        trainer.validate(trainer.lightning_module, DataModule(), verbose=False)
        (validated,) = watch.validated.values()
        return equal(validated, before) and equal(trainer.lightning_module.state_dict(), before)

    assert in_project(folder, act)
