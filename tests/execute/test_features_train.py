"""Transfer, averages and compiling in real runs, beside the wiring that goes wrong."""

from __future__ import annotations

from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torch
import torch._dynamo
import torchmetrics  # noqa: F401
from support.projects import in_project, project

SMALL: dict[str, Any] = {"data": {"batch_size": 480}, "model": {"width": 16}}
GROUPS = {"backbone": {"lr": 1e-3}, "head": {"lr": 1e-2}}


def test_transfer_beats_training_from_scratch(tmp_path: Path) -> None:
    """By far, whatever the seed: of four looked at, the least was ahead by 0.18."""

    def act() -> tuple[float, float]:
        from sample_run.transfer import compare

        (found,) = compare(seeds=1)
        return found

    transferred, from_scratch = in_project(project({"task": "transfer"}, tmp_path), act)
    assert transferred > from_scratch + 0.05


def test_naive_loading_takes_the_head_of_other_classes(tmp_path: Path) -> None:
    """All weights of a network for digits 0 to 4 fit one for 5 to 9: no error, wrong classes."""

    def act() -> tuple[int, list[str]]:
        from sample_run import pretraining
        from sample_run.model import Network
        from sample_run.weights import load_weights

        naive = Network().load_state_dict(Network().state_dict(), strict=False)
        pretraining.EPOCHS = 1
        pretraining.pretrain(Path("pretrained.pt"))
        report = load_weights(Network(), Path("pretrained.pt"))
        return len(naive.missing_keys), report.missing

    naive_missing, missing = in_project(project({"task": "transfer"}, tmp_path), act)
    assert naive_missing == 0
    assert missing
    assert all(name.startswith("head.") for name in missing)


def final(checkpoint: dict[str, Any], left: dict[str, Any]) -> bool:
    """Whether the weights in a checkpoint are those that the run left."""
    weights = checkpoint["state_dict"]
    return all(torch.equal(weights[name], left[name]) for name in left)


def averaged_run(callback: Any) -> tuple[list[float], bool]:
    """The last rates of a run, and whether what it left was saved."""
    from sample_run.data import DataModule
    from sample_run.module import Classifier

    pl.seed_everything(0)
    task = Classifier()
    saver = pl.callbacks.ModelCheckpoint("saved", save_last=True)
    trainer = pl.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        callbacks=[callback, saver],
    )
    trainer.fit(task, DataModule())
    checkpoint = torch.load("saved/last.ckpt", weights_only=True)
    rates = [float(group["lr"]) for group in trainer.optimizers[0].param_groups]
    return rates, final(checkpoint, task.state_dict())


def test_swa_saves_the_mean_and_keeps_the_ratio_where_lightnings_does_neither(
    tmp_path: Path,
) -> None:
    spec = {**SMALL, "groups": GROUPS, "averaging": {"name": "swa", "start_epoch": 1}}

    def ours() -> tuple[list[float], bool]:
        from sample_run.swa import SWA

        return averaged_run(SWA())

    def naive() -> tuple[list[float], bool]:
        swa = pl.callbacks.StochasticWeightAveraging(1e-3, swa_epoch_start=1, annealing_epochs=1)
        return averaged_run(swa)

    folder = project(spec, tmp_path)
    rates, is_saved = in_project(folder, ours)
    assert rates[0] == pytest.approx(rates[-1] / 10)
    assert is_saved
    rates, is_saved = in_project(folder, naive)
    assert rates[0] == pytest.approx(rates[-1])
    assert not is_saved


def test_ema_starts_late_where_lightnings_validates_untrained_weights(tmp_path: Path) -> None:
    spec = {**SMALL, "averaging": {"name": "ema", "start_epoch": 2}}

    class Validated(pl.Callback):
        def __init__(self) -> None:
            self.weights: dict[int, Any] = {}

        def on_validation_batch_start(
            self, trainer: Any, pl_module: Any, *_: Any, **__: Any
        ) -> None:
            first = next(iter(pl_module.parameters()))
            self.weights[trainer.global_step] = first.detach().clone()

    def first_validation(callback: Any) -> bool:
        """Whether what the first epoch validates has been trained."""
        from sample_run.data import DataModule
        from sample_run.module import Classifier

        pl.seed_everything(0)
        task, watch = Classifier(), Validated()
        before = next(iter(task.parameters())).detach().clone()
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = pl.Trainer(
            max_epochs=1,
            accelerator="cpu",
            num_sanity_val_steps=0,
            callbacks=[callback, watch],
            **quiet,
        )
        trainer.fit(task, DataModule())
        (validated,) = watch.weights.values()
        return not torch.equal(validated, before)

    def ours() -> bool:
        from sample_run.ema import EMA

        return first_validation(EMA(decay=0.9))

    def naive() -> bool:
        late = pl.callbacks.EMAWeightAveraging(decay=0.9, update_starting_at_step=10**6)
        return first_validation(late)

    folder = project(spec, tmp_path)
    assert in_project(folder, ours)
    assert not in_project(folder, naive)


@pytest.mark.parametrize("name", ["ema", "swa"])
def test_running_statistics_are_averaged_too(tmp_path: Path, name: str) -> None:
    """Whoever puts BatchNorm into the network."""
    spec = {**SMALL, "groups": GROUPS, "averaging": {"name": name, "start_epoch": 1}}
    folder = project(spec, tmp_path)
    path = folder / "src/sample_run/model.py"
    text = path.read_text()
    path.write_text(text.replace("nn.ReLU(),", "nn.BatchNorm1d(width), nn.ReLU(),"))

    def act() -> tuple[list[float], bool]:
        import sample_run.ema_or_swa as module  # type: ignore[import-not-found]

        return averaged_run(module.callback)

    (folder / "src/sample_run/ema_or_swa.py").write_text(
        "from sample_run.swa import SWA\ncallback = SWA()\n"
        if name == "swa"
        else "from sample_run.ema import EMA\ncallback = EMA(decay=0.9)\n"
    )
    _, is_saved = in_project(folder, act)
    assert is_saved


COMPILED = {**SMALL, "averaging": {"name": "ema"}}
COMPILED["model"] = {"width": 16, "compile": True, "gradient_checkpointing": True}


def compiled_run(backend: str) -> tuple[int, list[str]]:
    """Frames that were compiled, and names in the checkpoint."""
    torch.nn.Module.compile = partialmethod(torch.nn.Module.compile, backend=backend)  # type: ignore
    from sample_run.train import parse_arguments, train

    torch._dynamo.utils.counters.clear()
    train(parse_arguments(["--max-epochs=1", "--max-steps=-1"]))
    compiled = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    path = next(Path("runs").rglob("last.ckpt"))
    return compiled, list(torch.load(path, weights_only=True)["state_dict"])


def test_a_compiled_network_trains_under_its_own_names(tmp_path: Path) -> None:
    folder = project(COMPILED, tmp_path)
    compiled, names = in_project(folder, lambda: compiled_run("aot_eager"))
    assert compiled
    assert all(name.startswith("model.") and "_orig_mod" not in name for name in names)


@pytest.mark.gpu
def test_a_network_compiles_for_a_gpu(tmp_path: Path) -> None:
    folder = project({**COMPILED, "trainer": {"accelerator": "gpu"}}, tmp_path)
    compiled, _ = in_project(folder, lambda: compiled_run("inductor"), seconds=500)
    assert compiled


GPU = {
    "scaled and clipped": ({}, {"precision": "16-mixed", "gradient_clip_val": 0.5}),
    "scaled and fused": ({"fused": True}, {"precision": "16-mixed"}),
    "bf16 and clipped": ({}, {"precision": "bf16-mixed", "gradient_clip_val": 0.5}),
    "fused and clipped": ({"fused": True}, {"gradient_clip_val": 0.5}),
    "capturable": ({"capturable": True}, {}),
    "16 bits": ({"eps": 1e-4}, {"precision": "16-true"}),
}


@pytest.mark.gpu
@pytest.mark.parametrize("name", GPU)
def test_a_precision_trains_on_a_gpu(tmp_path: Path, name: str) -> None:
    optimizer, trainer = GPU[name]
    spec = {"optimizer": optimizer, "trainer": {"accelerator": "gpu", **trainer}}

    def act() -> float:
        from sample_run.train import parse_arguments, train

        run = train(parse_arguments(["--max-epochs=5", "--max-steps=-1"]))
        return float(run.callback_metrics["val/accuracy"])

    assert in_project(project(spec, tmp_path), act) > 0.5
