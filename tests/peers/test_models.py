"""Networks of timm, torchvision, transformers and of the user train, resume and are regenerated."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import Lightgen
from support.peers import needs_vision
from support.projects import in_project, project, run_pytest

DIGITS = {"accelerator": "cpu", "max_epochs": 1}
RESNET = {
    "data": {"image_size": 32, "channels": 3},
    "model": {"name": "torchvision.models.resnet18"},
    "groups": {
        "stem": {"match": ["conv1", "bn1", "layer[12]"], "freeze": True},
        "blocks": {"match": ["re:^layer[34]\\."], "lr": "x0.1"},
        "fc": {},
    },
    "trainer": {**DIGITS, "limit_train_batches": 3, "limit_val_batches": 1},
}
VIT_CONFIG = {
    "image_size": 8,
    "patch_size": 4,
    "num_channels": 1,
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 96,
    "hidden_dropout_prob": 0.05,
    "num_labels": 10,
}
VIT = {
    "model": {
        "name": "transformers.AutoModelForImageClassification.from_config",
        "args": {"config": {"call": "transformers.ViTConfig", "args": VIT_CONFIG}},
        "gradient_checkpointing": True,
    },
    "optimizer": {"name": "AdamW", "lr": 5e-3},
    "groups": {"vit.embeddings": {"freeze": "until_epoch:1"}, "vit": {"lr": "x0.5"}, "rest": {}},
    "scheduler": {"name": "cosine", "warmup_steps": 20},
    "trainer": {"accelerator": "cpu", "max_epochs": 4},
}


def trained(package: str, *argv: str) -> tuple[Any, Any]:
    """The Trainer of a run of the project that the current process is in, and its module."""
    train = importlib.import_module(f"{package}.train")
    trainer = train.train(train.parse_arguments(list(argv)))
    return trainer, trainer.lightning_module


@needs_vision
def test_rates_of_layers_are_those_of_timm(tmp_path: Path) -> None:
    arguments = {"model_name": "convnext_atto", "depths": [1, 1, 2, 1], "dims": [8, 8, 16, 16]}
    spec = {
        "model": {"name": "timm.create_model", "args": arguments},
        "optimizer": {"name": "AdamW", "lr": 1e-3, "layer_decay": 0.7, "weight_decay": 0.05},
    }

    def scales() -> tuple[dict[str, float], dict[str, float]]:
        from timm.optim import param_groups_layer_decay

        model = importlib.import_module("sample_run.model").build_model()
        groups = importlib.import_module("sample_run.optim").parameter_groups(model, {})
        ours = {name: group["lr"] / 1e-3 for group in groups for name, _ in group["params"]}
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        theirs = {
            names[id(parameter)]: group["lr_scale"]
            for group in param_groups_layer_decay(model, 0.05, layer_decay=0.7)
            for parameter in group["params"]
        }
        return ours, theirs

    ours, theirs = in_project(project(spec, tmp_path), scales)
    assert ours == pytest.approx(theirs)
    assert len(set(ours.values())) > 4


@needs_vision
def test_what_is_frozen_of_a_resnet_rests_and_the_rest_trains(tmp_path: Path) -> None:
    def act() -> tuple[dict[str, bool], dict[str, float], tuple[int, ...]]:
        trainer, module = trained("sample_run")
        training = {name: each.training for name, each in module.model.named_modules()}
        images, _ = next(iter(trainer.datamodule.train_dataloader()))
        means = {
            name: float(buffer.abs().sum())
            for name, buffer in module.model.named_buffers()
            if name.endswith("running_mean")
        }
        module.train()
        training = {name: each.training for name, each in module.model.named_modules()}
        return training, means, tuple(images.shape)

    training, means, shape = in_project(project(RESNET, tmp_path), act)
    assert shape == (64, 3, 32, 32)
    assert not training["bn1"] and not training["layer2.1.bn2"] and training["layer3.0.bn1"]
    assert means["bn1.running_mean"] == 0 and means["layer2.0.bn1.running_mean"] == 0
    assert means["layer4.0.bn1.running_mean"] > 0


def test_a_vit_of_transformers_learns_and_its_own_tests_pass(tmp_path: Path) -> None:
    def act() -> tuple[float, int]:
        trainer, _ = trained("sample_run")
        return float(trainer.callback_metrics["val/accuracy"]), run_pytest("-x")

    folder = project(VIT, tmp_path)
    accuracy, code = in_project(folder, act, seconds=400)
    assert code == 0, (folder / "child.log").read_text()[-5000:]
    assert accuracy > 0.4


THEIRS = '''
    """A network and data that lightgen knows nothing of."""

    import pytorch_lightning as pl
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset


    class Net(nn.Module):
        def __init__(self, inputs, depth, activation):
            super().__init__()
            self.stem = nn.Sequential(nn.Linear(inputs, 32), nn.BatchNorm1d(32), nn.Dropout(0.1))
            self.blocks = nn.ModuleList(nn.Linear(32, 32) for _ in range(depth))
            self.activation = activation()
            self.out = nn.Linear(32, 3)

        def forward(self, inputs):
            features = self.stem(inputs)
            for block in self.blocks:
                features = self.activation(block(features))
            return {"scores": self.out(features)}


    class Scores(Net):
        def forward(self, inputs):
            return super().forward(inputs)["scores"]


    class Blobs(pl.LightningDataModule):
        """Shuffled anew each time, and scaled by what setup() has counted."""

        def __init__(self, samples, batch_size=16):
            super().__init__()
            self.save_hyperparameters()
            self.scale = None

        def prepare_data(self):
            self.prepared = True

        def setup(self, stage):
            labels = torch.arange(self.hparams.samples) % 3
            inputs = torch.randn(len(labels), 4) + 3 * nn.functional.one_hot(labels, 4)
            self.scale = inputs.std()
            self.samples = TensorDataset(inputs, labels)

        def on_after_batch_transfer(self, batch, dataloader_idx):
            inputs, labels = batch
            return inputs / self.scale, labels

        def train_dataloader(self):
            return DataLoader(self.samples, self.hparams.batch_size, shuffle=True, drop_last=True)

        def val_dataloader(self):
            return DataLoader(self.samples, self.hparams.batch_size)
'''
LOCAL = """
    [model]
    name = "theirs.parts.Scores"
    args = { inputs = 4, depth = 2, activation = { path = "torch.nn.GELU" } }
    [data]
    name = "theirs.parts.Blobs"
    args = { samples = 320 }
    batch_size = 20
    [optimizer]
    name = "SGD"
    lr = 0.1
    weight_decay = 1e-3
    layer_decay = 0.9
    [groups.stem]
    lr = "x0.5"
    [groups.rest]
    [trainer]
    max_epochs = 3
    accelerator = "cpu"
    [averaging]
    name = "ema"
"""


@pytest.fixture
def lightgen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Lightgen:
    folder = tmp_path / "work"
    folder.mkdir()
    return Lightgen(folder, monkeypatch, capsys)


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the user, on the path of Python."""
    folder = tmp_path / "elsewhere"
    (folder / "theirs").mkdir(parents=True)
    (folder / "theirs" / "__init__.py").touch()
    (folder / "theirs" / "parts.py").write_text(textwrap.dedent(THEIRS))
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    return folder


@pytest.fixture
def mine(lightgen: Lightgen, theirs: Path) -> Path:
    """A project of that package's parts."""
    lightgen.write("local.toml", textwrap.dedent(LOCAL))
    outcome = lightgen.done("new", "blobs-run", "--spec", "local.toml")
    assert any("theirs is no package that lightgen knows" in note for note in outcome.notes)
    return lightgen.folder / "blobs-run"


def both(package: str) -> Callable[[], tuple[float, int]]:
    def act() -> tuple[float, int]:
        trainer, _ = trained(package)
        return float(trainer.callback_metrics["val/accuracy"]), run_pytest("-x")

    return act


def test_a_package_of_the_user_trains_and_the_own_tests_pass(mine: Path) -> None:
    accuracy, code = in_project(mine, both("blobs_run"))
    assert code == 0, (mine / "child.log").read_text()[-5000:]
    assert accuracy > 0.8


def test_updates_keep_what_the_user_changed(lightgen: Lightgen, mine: Path) -> None:
    module = mine / "src/blobs_run/module.py"
    module.write_text(module.read_text().replace("F.cross_entropy(", "F.multi_margin_loss("))
    model = mine / "src/blobs_run/model.py"
    train = mine / "src/blobs_run/train.py"
    train.write_text(train.read_text() + "\n\nNOTE = 'the one of last summer'\n")
    lightgen.done("update", "blobs-run", "--set", "model.args.depth=3")
    assert "depth=3" in model.read_text() and "last summer" in train.read_text()

    def act() -> int:
        _, task = trained("blobs_run", "--fast-dev-run")
        return len(task.model.blocks)

    assert in_project(mine, act) == 3
    words = ["--set", "model.name=mlp", "--set", "data.name=digits"]
    outcome = lightgen.done("update", "blobs-run", *words)
    dropped = [note for note in outcome.notes if "dropped" in note]
    assert [note.split()[0] for note in dropped] == ["model.args", "data.args"]
    assert (
        "multi_margin_loss" in module.read_text() and "self.model = Network()" in module.read_text()
    )
    lightgen.done("undo", "blobs-run")
    assert "build_model()" in module.read_text() and "multi_margin_loss" in module.read_text()


def test_a_pattern_that_matches_nothing_names_what_there_is(mine: Path) -> None:
    def act() -> str:
        optim = importlib.import_module("blobs_run.optim")
        model = importlib.import_module("blobs_run.model").build_model()
        optim.PATTERNS["stem"] = ["backbone"]
        with pytest.raises(ValueError, match="backbone") as error:
            optim.match_parameters(model)
        return str(error.value)

    what = "group stem: 'backbone' matches no parameter; the model has blocks, out, stem"
    assert in_project(mine, act) == what


def test_a_network_in_the_project_itself(lightgen: Lightgen, tmp_path: Path) -> None:
    outcome = lightgen.done("new", "own-run", "--set", "model.name=own_run.nets.Flat")
    assert outcome.notes == ["src/own_run/nets.py is yours to write: it has Flat"]
    code = """
    from torch import nn


    class Flat(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Flatten(), nn.Linear(64, 10))
    """
    lightgen.write("own-run/src/own_run/nets.py", textwrap.dedent(code))

    def act() -> int:
        _, task = trained("own_run", "--fast-dev-run")
        return sum(parameter.numel() for parameter in task.model.parameters())

    assert in_project(lightgen.folder / "own-run", act) == 650


def gpt2(layers: int) -> dict[str, Any]:
    """The tables of a small language model of transformers."""
    config = {"vocab_size": 128, "n_positions": 64, "n_embd": 32, "n_layer": layers, "n_head": 2}
    arguments = {"config": {"call": "transformers.GPT2Config", "args": config}}
    return {
        "task": "language-model",
        "model": {"name": "transformers.GPT2LMHeadModel", "args": arguments},
    }


def test_a_language_model_of_transformers_has_tied_weights(tmp_path: Path) -> None:
    groups = {"blocks": {"match": "transformer.h"}, "rest": {"lr": 1e-4}}
    spec = {**gpt2(layers=1), "groups": groups}

    def act() -> float:
        trainer, task = trained("sample_run", "--max-steps=2", "--max-epochs=-1")
        module = importlib.import_module("sample_run.module")
        assert len(module.sample(task, "The ", length=3)) == 7
        assert run_pytest("tests/test_groups.py") == 0
        return float(trainer.callback_metrics["train/loss"])

    assert in_project(project(spec, tmp_path), act) < 6


def test_blocks_of_a_transformer_are_layers_where_nothing_says_so(tmp_path: Path) -> None:
    optimizer = {"name": "AdamW", "lr": 1e-3, "layer_decay": 0.5}
    spec = {**gpt2(layers=3), "optimizer": optimizer}

    def act() -> tuple[dict[str, int], set[float]]:
        _, task = trained("sample_run", "--max-steps=1", "--max-epochs=-1")
        layers = importlib.import_module("sample_run.layers")
        assert run_pytest("tests/test_layers.py") == 0
        groups = task.trainer.optimizers[0].param_groups
        return layers.number_layers(task.model), {group["lr"] for group in groups}

    numbers, rates = in_project(project(spec, tmp_path), act)
    start = "transformer"
    ends = {"wte.weight": 0, "wpe.weight": 0, "h.0.ln_1.bias": 1, "h.1.attn.c_attn.weight": 2}
    ends |= {"h.2.mlp.c_proj.weight": 3, "ln_f.weight": 3}
    assert {name: numbers[f"{start}.{name}"] for name in ends} == ends
    assert rates == {1e-3 * 0.5**power for power in range(4)}


def test_several_optimizers_share_a_network_of_the_user(theirs: Path, tmp_path: Path) -> None:
    arguments = {"inputs": 4, "depth": 1, "activation": {"path": "torch.nn.ReLU"}}
    spec = {
        "model": {"name": "theirs.parts.Net", "args": arguments, "output": "scores"},
        "data": {"name": "theirs.parts.Blobs", "args": {"samples": 64}},
        "optimizers": {
            "slow": {"name": "SGD", "lr": 0.01, "groups": {"stem": {}}},
            "fast": {"name": "AdamW", "groups": {"rest": {}}},
        },
    }
    parts = theirs / "theirs/parts.py"
    returned = "types.SimpleNamespace(scores=self.out(features))"
    parts.write_text(
        "import types\n" + parts.read_text().replace('{"scores": self.out(features)}', returned)
    )

    def act() -> list[list[str]]:
        trainer, _ = trained("sample_run", "--fast-dev-run")
        return [[group["name"] for group in each.param_groups] for each in trainer.optimizers]

    named = in_project(project(spec, tmp_path / "made"), act)
    assert named == [["stem"], ["rest", "rest/no_decay"]]
