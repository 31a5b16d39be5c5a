"""Projects with optimizers of other packages train, resume, and save what was validated."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torch
from support.peers import needs_vision
from support.projects import in_project, project, run_pytest

EPOCHS, MIDDLE = 5, 2
ACCURACY = 0.8
# A class of each package, and the rates of the two groups.
OPTIMIZERS = {
    "pytorch_optimizer.Lion": (1e-3, 3e-3),
    "timm.optim.Lamb": (1e-2, 2e-2),
    "schedulefree.AdamWScheduleFree": (5e-3, 1e-2),
    "geoopt.optim.RiemannianAdam": (3e-3, 6e-3),
    "heavyball.AdamW": (3e-3, 6e-3),
}
# torch makes a tensor of its count when it loads the state, which rounds another way.
ROUNDED = {"geoopt.optim.RiemannianAdam"}
SCHEDULE_FREE = "schedulefree.AdamWScheduleFree"


def parameters() -> list[Any]:
    """Those whose package is there; timm may lie apart."""
    found: list[Any] = []
    for path in OPTIMIZERS:
        root = path.partition(".")[0]
        missing = pytest.mark.skipif(find_spec(root) is None, reason=f"{root} is not there")
        found.append(pytest.param(path, marks=needs_vision if root == "timm" else missing, id=path))
    return found


def made(path: str, folder: Path) -> Path:
    backbone, head = OPTIMIZERS[path]
    spec = {
        "model": {"width": 32},
        "optimizer": {"name": path},
        "groups": {"backbone": {"lr": backbone}, "head": {"lr": head}},
        "trainer": {"accelerator": "cpu", "max_epochs": EPOCHS},
    }
    return project(spec, folder)


class Keep(pl.Callback):
    """Keeps the checkpoint of the middle of a run, and the losses that were logged, by step."""

    def __init__(self) -> None:
        self.losses: dict[int, float] = {}

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == MIDDLE and not Path("middle").exists():
            Path("middle").mkdir()
            (last,) = Path("runs").rglob("last.ckpt")
            shutil.copy(last, "middle")

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.losses[trainer.global_step] = float(trainer.callback_metrics["val/loss"])


def fit(*argv: str) -> tuple[pl.Trainer, Keep]:
    """Train in the project of the current folder."""
    train, keep = import_module("sample_run.train"), Keep()
    return train.train(train.parse_arguments([*argv]), [keep]), keep


def differing(a: Any, b: Any, name: str = "", atol: float = 0.0) -> list[str]:
    """Where two nested states differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return [f"{name}: {sorted(map(str, a.keys() ^ b.keys()))}"]
        return [each for key in a for each in differing(a[key], b[key], f"{name}.{key}", atol)]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        pairs = enumerate(zip(a, b, strict=True))
        return [each for at, (x, y) in pairs for each in differing(x, y, f"{name}.{at}", atol)]
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return [] if torch.allclose(a, b, rtol=0, atol=atol) else [name]
    return [] if a == b else [name]


@pytest.mark.parametrize("path", parameters())
def test_it_trains_and_a_resumed_run_equals_an_uninterrupted_one(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")

    def act() -> tuple[float, list[str], int]:
        whole, _ = fit()
        resumed, _ = fit("--ckpt-path=middle/last.ckpt")
        kept = [
            {
                "weights": each.lightning_module.state_dict(),
                "optimizer": each.optimizers[0].state_dict(),
                "step": each.global_step,
            }
            for each in (whole, resumed)
        ]
        differences = differing(*kept, atol=1e-4 if path in ROUNDED else 0.0)
        own_tests = {"pytorch_optimizer.Lion": ["-x"], "heavyball.AdamW": ["-k", "resumed"]}
        code = run_pytest(*own_tests[path]) if path in own_tests else 0
        return float(whole.callback_metrics["val/accuracy"]), differences, code

    folder = made(path, tmp_path)
    accuracy, differences, code = in_project(folder, act)
    assert code == 0, (folder / "child.log").read_text()[-5000:]
    assert not differences
    assert accuracy > ACCURACY


def logged_and_evaluated() -> tuple[float, float]:
    """The loss that was logged where the best checkpoint was saved, and the loss of what it has."""
    trainer, keep = fit()
    (best,) = Path("runs").rglob("best.ckpt")
    step = torch.load(best, weights_only=True)["global_step"]
    task = type(trainer.lightning_module).load_from_checkpoint(best).eval()
    data = import_module("sample_run.data").DataModule()
    data.setup("fit")
    with torch.no_grad():
        batches = [(task.model(images), targets) for images, targets in data.val_dataloader()]
    logits, targets = (torch.cat(each) for each in zip(*batches, strict=True))
    return keep.losses[step], float(torch.nn.functional.cross_entropy(logits, targets))


# As one writes it at first: turned for a validation, and back at its end. Lightning saves later.
NAIVE = """
def on_train_start(self):
    self.trainer.optimizers[0].train()

def on_validation_start(self):
    self.trainer.optimizers[0].eval()

def on_validation_end(self):
    self.trainer.optimizers[0].train()
"""
HOOKS = {
    "on_train_batch_start",
    "on_train_epoch_end",
    "on_validation_model_eval",
    "on_save_checkpoint",
}


def wire_naively(folder: Path) -> None:
    path = folder / "src" / "sample_run" / "module.py"
    tree = ast.parse(path.read_text())
    (task,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    names = {getattr(node, "name", "") for node in task.body}
    assert names >= HOOKS
    task.body = [node for node in task.body if getattr(node, "name", "") not in HOOKS]
    task.body += ast.parse(NAIVE).body
    path.write_text(ast.unparse(tree))


@pytest.mark.skipif(find_spec("schedulefree") is None, reason="schedulefree is not there")
@pytest.mark.parametrize("naive", [False, True])
def test_the_best_checkpoint_has_the_weights_that_were_validated(
    naive: bool, tmp_path: Path
) -> None:
    folder = made(SCHEDULE_FREE, tmp_path)
    if naive:
        wire_naively(folder)
    logged, evaluated = in_project(folder, logged_and_evaluated)
    assert (evaluated == pytest.approx(logged, rel=1e-4)) != naive


@pytest.mark.skipif(find_spec("schedulefree") is None, reason="schedulefree is not there")
def test_one_that_turns_weights_steps_beside_one_that_does_not(tmp_path: Path) -> None:
    """Both want the start of a batch; and only the groups of one say which weights there are."""
    spec = {
        "data": {"batch_size": 480},
        "model": {"width": 16},
        "optimizers": {
            "first": {"name": "AdamW", "groups": {"backbone": {}}},
            "second": {"name": SCHEDULE_FREE, "groups": {"head": {}}},
        },
    }
    folder = project(spec, tmp_path)
    own_tests = "saved or resumed_run or schedule_resumes"
    code = in_project(folder, lambda: run_pytest("tests/test_training.py", "-k", own_tests))
    assert code == 0, (folder / "child.log").read_text()[-5000:]


NET_ON_A_MANIFOLD = """
import geoopt
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        start = torch.linalg.qr(torch.randn(64, 32)).Q
        self.basis = geoopt.ManifoldParameter(start, manifold=geoopt.Stiefel())
        self.head = nn.Linear(32, 10)

    def forward(self, images):
        return self.head(torch.relu(images.flatten(1) @ self.basis))
"""


@pytest.mark.skipif(find_spec("geoopt") is None, reason="geoopt is not there")
@pytest.mark.skipif(find_spec("heavyball") is None, reason="heavyball is not there")
@pytest.mark.parametrize("precision", ["64-true", "bf16-true"])
def test_a_state_of_another_type_than_its_weights_is_restored(
    precision: str, tmp_path: Path
) -> None:
    spec = {
        "data": {"batch_size": 480},
        "model": {"width": 16},
        "optimizer": {"name": "heavyball.AdamW"},
        "trainer": {"accelerator": "cpu", "precision": precision},
    }
    folder = project(spec, tmp_path)

    def kept() -> int:
        code = run_pytest("tests/test_training.py")
        package = import_module(f"{next((folder / 'src').iterdir()).name}.train")
        words = ["--max-epochs=1"]
        package.train(package.parse_arguments(words))
        words = ["--max-epochs=2", f"--ckpt-path={next(folder.rglob('last.ckpt'))}"]
        (optimizer,) = package.train(package.parse_arguments(words)).optimizers
        assert moments(optimizer.state) == {torch.float32}
        return code

    assert in_project(folder, kept) == 0, (folder / "child.log").read_text()[-5000:]


def moments(state: Any) -> set[torch.dtype]:
    """The types of the tensors of a state, but for counts."""
    if isinstance(state, torch.Tensor):
        return {state.dtype} if state.is_floating_point() and state.ndim else set()
    inner = state.values() if isinstance(state, Mapping) else ()
    return {dtype for each in inner for dtype in moments(each)}


def test_a_manifold_is_not_left(tmp_path: Path) -> None:
    spec = {
        "model": {"name": "sample_run.nets.Net"},
        "optimizer": {"name": "geoopt.optim.RiemannianAdam", "lr": 1e-2, "stabilize": 10},
        "groups": {"basis": {"lr": 3e-3}, "head": {}},
        "trainer": {"accelerator": "cpu", "max_epochs": EPOCHS},
    }
    folder = project(spec, tmp_path)
    (folder / "src" / "sample_run" / "nets.py").write_text(NET_ON_A_MANIFOLD)

    def distances() -> tuple[float, float]:
        fit(f"--max-epochs={MIDDLE}")
        (last,) = Path("runs").rglob("last.ckpt")
        gone_on, _ = fit(f"--ckpt-path={last}")
        assert gone_on.current_epoch == EPOCHS and gone_on.callback_metrics["val/accuracy"] > 0.7
        saved = torch.load(last, weights_only=True)["state_dict"]["model.basis"]
        trained = dict(gone_on.lightning_module.named_parameters())["model.basis"].detach()
        return off(saved), off(trained)

    assert max(in_project(folder, distances)) < 1e-5


def off(basis: torch.Tensor) -> float:
    """How far the columns are from orthonormal ones."""
    return float((basis.T @ basis - torch.eye(basis.shape[1])).abs().max())
