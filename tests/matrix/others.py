"""Specs of other people's packages that cover every pair of options, and what they lead to.

What a spec leads to is worked out from its words: by the packages' own loops and layers.
"""

from __future__ import annotations

import importlib
import math
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import specs
from allpairspy import AllPairs
from support.projects import plan_of

from lightgen.problems import InputError

SAMPLE = 12
EPOCHS, BATCHES, BATCH_SIZE, LR = 3, 5, 48, 2e-3
SYMBOLS, WINDOW, CLASSES, INPUTS = 128, 64, 10, 10
_GPT = {"vocab_size": SYMBOLS, "n_positions": WINDOW, "n_embd": 32, "n_layer": 2, "n_head": 2}
_GPT |= dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
_VIT = {"patch_size": 4, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3}
_VIT |= {"intermediate_size": 96, "num_labels": CLASSES}
# Name -> the task, the side and channels of its images, a pattern of its body and of its head.
MODELS: dict[str, tuple[str, int, int, str, str]] = {
    "mlp": ("classification", 8, 1, "backbone", "head"),
    "cnn": ("classification", 8, 1, "backbone", "head"),
    "timm.create_model": ("classification", 16, 3, "blocks", "head"),
    "torchvision.models.shufflenet_v2_x0_5": ("classification", 32, 3, "stage[234]", "fc"),
    "transformers.ViTForImageClassification": ("classification", 16, 3, "vit", "classifier"),
    "sample_run.parts.Net": ("classification", 16, 3, "blocks", "out"),
    "sample_run.parts.Line": ("regression", 0, 0, "blocks", "out"),
    "transformers.GPT2LMHeadModel": ("language-model", 0, 0, "transformer.h", "transformer.ln_f"),
}
# Layers of networks that don't tell them, by how the names of their parameters begin.
_LAYERS = {
    "transformers.ViTForImageClassification": {
        "vit.embeddings.": 1,
        "vit.layers.0.": 2,
        "vit.layers.1.": 3,
        "vit.layernorm.": 3,
        "classifier.": 4,
    },
    "transformers.GPT2LMHeadModel": {
        "transformer.wte.": 1,
        "transformer.wpe.": 1,
        "transformer.h.0.": 2,
        "transformer.h.1.": 3,
        "transformer.ln_f.": 3,
    },
}
_GROUPS = ("none", "rates", "layers", "frozen", "unfreezing", "clipping", "own layers", "schedules")
_TRAINER: dict[str, dict[str, Any]] = {
    "plain": {},
    "bf16": {"precision": "bf16-mixed"},
    "accumulate": {"accumulate_grad_batches": 2},
    "clip": {"gradient_clip_val": 0.5},
    "double": {"precision": "64-true"},
    "ema": {},
    "swa": {},
}
_AVERAGING = {
    "ema": {"name": "ema", "start_epoch": 1},
    "swa": {"name": "swa", "start_epoch": 2},
}
_SCHEDULES: dict[str, dict[str, Any]] = {
    "none": {},
    "cosine": {"warmup_steps": 3},
    "OneCycleLR": {},
    "ReduceLROnPlateau": {"patience": 0, "factor": 0.5, "threshold": 0.05},
    "transformers.get_cosine_schedule_with_warmup": {"num_warmup_steps": 2},
    "timm.scheduler.CosineLRScheduler": {"warmup_t": 1},
    "timm.scheduler.StepLRScheduler": {"interval": "step"},
    "pytorch_optimizer.get_wsd_schedule": {},
    "sample_run.parts.Fall": {"length": "total_steps"},
}
OPTIONS: dict[str, Sequence[Any]] = {
    "optimizer": [
        "AdamW",
        "custom",
        "composite",
        "pytorch_optimizer.Lion",
        "pytorch_optimizer.ScheduleFreeAdamW",
        "schedulefree.AdamWScheduleFree",
        "timm.optim.Lamb",
        "geoopt.optim.RiemannianAdam",
        "heavyball.AdamW",
        "transformers.Adafactor",
        "sample_run.parts.Plain",
    ],
    "model": list(MODELS),
    "scheduler": list(_SCHEDULES),
    "groups": list(_GROUPS),
    "trainer": list(_TRAINER),
    "data": ["own", "resized", "theirs"],
    "decay": [None, 0.05, 0.0],
    "lightning": ["pytorch_lightning", "lightning"],
}
# What the user writes: src/sample_run/parts.py.
PARTS = '''
"""Parts that lightgen knows nothing of."""

import LIGHTNING as pl
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, inputs, outputs=10, width=24):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(inputs))
        self.stem = nn.Sequential(nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width))
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, outputs)

    def forward(self, inputs):
        features = self.stem(inputs.flatten(1) * self.scale)
        for block in self.blocks:
            features = features + torch.relu(block(features))
        return self.out(self.norm(features))


class Line(Net):
    def __init__(self, inputs):
        super().__init__(inputs, outputs=1)


class Samples(pl.LightningDataModule):
    """As many batches as a run of the tests takes, in one order."""

    def __init__(self, kind, batch_size, size=0, channels=0, inputs=0):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage):
        asked, draw = self.hparams, torch.Generator().manual_seed(1)
        targets = torch.arange(8 * asked.batch_size) % 10
        if asked.kind == "classification":
            shape = (len(targets), asked.channels, asked.size, asked.size)
            inputs = torch.randn(shape, generator=draw) + targets[:, None, None, None] / 5
        elif asked.kind == "regression":
            inputs = torch.randn(len(targets), asked.inputs, generator=draw)
            targets = inputs.sum(dim=1)
        else:
            codes = torch.arange(65) + torch.arange(len(targets))[:, None]
            inputs, targets = codes[:, :-1] % 128, codes[:, 1:] % 128
        self.samples = TensorDataset(inputs, targets)

    def train_dataloader(self):
        return DataLoader(self.samples, self.hparams.batch_size)

    def val_dataloader(self):
        return DataLoader(self.samples, self.hparams.batch_size)


class Plain(torch.optim.Optimizer):
    """Momentum, of tensors only."""

    def __init__(self, params, lr, weight_decay=0.0):
        groups = list(params)
        assert all(isinstance(each, torch.Tensor) for group in groups for each in group["params"])
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for each in group["params"]:
                if each.grad is not None:
                    momentum = self.state[each].setdefault("momentum", torch.zeros_like(each))
                    momentum.mul_(0.9).add_(each.grad)
                    each.mul_(1 - group["lr"] * group["weight_decay"])
                    each.sub_(momentum, alpha=group["lr"])
        return loss


def Fall(optimizer, length):
    return LambdaLR(optimizer, lambda step: 1 - step / (2 * length))
'''


def spec_of(row: Sequence[Any]) -> dict[str, Any]:
    """The spec of a row of options, which may be the beginning of one."""
    chosen = dict(zip(OPTIONS, row, strict=False))
    name, model = chosen["optimizer"], chosen.get("model", "mlp")
    task, _, _, body, head = MODELS[model]
    optimizer: dict[str, Any] = {"name": name} if name == "composite" else {"name": name, "lr": LR}
    if chosen.get("decay") is not None:
        optimizer["weight_decay"] = chosen["decay"]
    if chosen.get("groups") == "layers":
        optimizer["layer_decay"] = 0.7
    feature = chosen.get("trainer", "plain")
    spec: dict[str, Any] = {
        "task": task,
        "project": {
            "package": "sample_run",
            "lightning": chosen.get("lightning", "pytorch_lightning"),
        },
        "data": _data(chosen.get("data", "own"), model),
        "model": _model(model, chosen.get("data", "own")),
        "optimizer": optimizer,
        "groups": _groups(chosen.get("groups", "none"), body, head, name == "composite"),
        "trainer": {
            "max_epochs": EPOCHS,
            "accelerator": "cpu",
            "limit_train_batches": BATCHES,
            "limit_val_batches": 2,
            **_TRAINER[feature],
        },
    }
    scheduler = chosen.get("scheduler", "none")
    if scheduler != "none":
        spec["scheduler"] = {"name": scheduler, **_SCHEDULES[scheduler]}
    if feature in _AVERAGING:
        spec["averaging"] = _AVERAGING[feature]
    return spec


def _data(option: str, model: str) -> dict[str, Any]:
    task, size, channels, _, _ = MODELS[model]
    if option == "own":
        return {"batch_size": BATCH_SIZE}
    if option == "resized":
        return {"batch_size": BATCH_SIZE, "image_size": size, "channels": channels}
    arguments: dict[str, Any] = {"kind": task}
    if task == "classification":
        arguments |= {"size": size, "channels": channels}
    if task == "regression":
        arguments["inputs"] = INPUTS
    return {"name": "sample_run.parts.Samples", "batch_size": BATCH_SIZE, "args": arguments}


def _model(name: str, data: str) -> dict[str, Any]:
    _, size, channels, _, _ = MODELS[name]
    if data == "own" and name != "torchvision.models.shufflenet_v2_x0_5":
        size, channels = 8, 1
    given: dict[str, Any] = {}
    if name.startswith("timm."):
        given = {"model_name": "vit_tiny_patch16_224", "img_size": size, "patch_size": 4}
        given |= {"embed_dim": 48, "depth": 2, "num_heads": 3}
        given |= {"num_classes": CLASSES, "in_chans": channels} if data == "theirs" else {}
    elif name.startswith("torchvision."):
        given = {"num_classes": CLASSES} if data == "theirs" else {}
    elif name.endswith(".Net"):
        given = {"inputs": channels * size * size}
    elif name.endswith(".Line"):
        given = {"inputs": INPUTS}
    elif name.startswith("transformers."):
        vit = {**_VIT, "image_size": size, "num_channels": channels}
        call, own = ("ViTConfig", vit) if "ViT" in name else ("GPT2Config", _GPT)
        given = {"config": {"call": f"transformers.{call}", "args": own}}
    return {"name": name, "args": given} if given else {"name": name}


def _groups(option: str, body: str, head: str, composite: bool) -> dict[str, Any]:
    groups: dict[str, dict[str, Any]] = {
        "rates": {
            "last": {"match": head, "lr": "x2"},
            "biases": {"match": ["*.bias"], "lr": 1e-3, "weight_decay": 0.01},
            "rest": {"lr": "x0.5"},
        },
        "frozen": {"body": {"match": body, "freeze": True}, "rest": {}},
        "unfreezing": {
            "body": {"match": body, "lr": "x0.3", "freeze": "until_epoch:1"},
            "rest": {},
        },
        "clipping": {
            "last": {"match": head, "gradient_clip_val": 0.5},
            "rest": {
                "lr": 1e-3,
                "gradient_clip_val": 0.1,
                "gradient_clip_algorithm": "value",
            },
        },
        "own layers": {"last": {"match": head}, "rest": {"layer_decay": 0.5}},
        "schedules": {
            "last": {"match": head, "schedule": "constant"},
            "rest": {"warmup_steps": 2, "schedule": "linear"},
        },
    }.get(option, {})
    if composite and groups:
        matrices = {"match": body, "ndim": 2, "optimizer": "Muon"}
        groups = {"matrices": matrices, **groups}
    return groups


def _works(row: Sequence[Any]) -> bool:
    chosen = dict(zip(OPTIONS, row, strict=False))
    model, data = chosen.get("model", "mlp"), chosen.get("data", "own")
    composite = chosen["optimizer"] == "composite"
    # What is only told when the project starts: small images, nothing left for a group.
    if model.startswith("torchvision.") and data == "own":
        return False
    if composite and chosen.get("groups") in ("frozen", "unfreezing", "rates"):
        return False
    try:
        plan = plan_of(spec_of(row))
    except InputError:
        return False
    # A group's warmup_steps are an argument of a class that has them.
    own_rise = "warmup_steps" in plan.optimizer.record.arguments
    return not (own_rise and chosen.get("groups") == "schedules")


@cache
def matrix() -> tuple[dict[str, Any], ...]:
    """Specs that cover every pair of options that go together."""
    rows = [tuple(row) for row in AllPairs(list(OPTIONS.values()), filter_func=_works)]
    # The data go with a model only.
    for data, model in (("own", "sample_run.parts.Net"), ("theirs", "sample_run.parts.Net")):
        rows += specs.missing(rows, OPTIONS, {"data": data, "model": model}, _works)
    return tuple(spec_of(row) for row in rows)


def sample() -> tuple[int, ...]:
    """The numbers of the specs that CI runs."""
    return tuple(sorted(random.Random(0).sample(range(len(matrix())), SAMPLE)))


def title(spec: dict[str, Any]) -> str:
    """A short name of a spec."""
    names = [spec[table]["name"] for table in ("optimizer", "model")]
    names.append(spec.get("scheduler", {}).get("name", "constant"))
    words = [name.rpartition(".")[2] for name in names]
    words += ["+".join(spec["groups"]) or "whole"]
    return "-".join(words)


# What a spec must lead to.


def layer_numbers(spec: dict[str, Any], model: Any) -> Mapping[str, int] | None:
    """The number of each parameter's layer, from 1: timm's own, or that of an entry of a list.

    Of networks of transformers it is written down above.
    """
    if "args" not in spec["model"] and "." not in spec["model"]["name"]:
        return None
    names = [name for name, _ in model.named_parameters()]
    if hasattr(model, "group_matcher"):
        from timm.models import group_parameters

        theirs = group_parameters(model, model.group_matcher(coarse=False), reverse=True)
        return {name: 1 + theirs[name] for name in names}
    if begins := _LAYERS.get(spec["model"]["name"]):
        return {
            name: number
            for name in names
            for start, number in begins.items()
            if name.startswith(start)
        }
    places = {name: _place(model, name) for name in names}
    order = list(dict.fromkeys(place for place in places.values() if place))
    # What is the network's own goes with the input.
    return {name: 1 + order.index(place) if place else 1 for name, place in places.items()}


def _place(model: Any, name: str) -> tuple[str, ...]:
    from torch import nn

    at, place = model, []
    for part in name.split(".")[:-1]:
        at = getattr(at, part)
        place.append(part)
        if not isinstance(at, nn.Sequential | nn.ModuleList):
            break
    return tuple(place)


def expected_rates(
    spec: dict[str, Any], names: Sequence[str], rates: Sequence[float], losses: Sequence[float]
) -> list[list[float]]:
    """The rates of the groups at each step of the optimizer; losses are those validated."""
    each = math.ceil(BATCHES / spec["trainer"].get("accumulate_grad_batches", 1))
    found = _scheduled(spec, names, rates, losses, each)
    if spec.get("averaging", {}).get("name") != "swa":
        return found
    start = spec["averaging"]["start_epoch"] * each
    return [*found[:start], *[[rate / 2 for rate in rates]] * (len(found) - start)]


def _scheduled(
    spec: dict[str, Any],
    names: Sequence[str],
    rates: Sequence[float],
    losses: Sequence[float],
    each: int,
) -> list[list[float]]:
    """Moved by the loop that the package's documentation shows."""
    import torch

    steps = EPOCHS * each
    said = spec.get("scheduler", {"name": "none"})
    name = said["name"]
    if any("schedule" in group for group in spec["groups"].values()):
        return specs._curve_by_group(spec, dict(zip(names, rates, strict=True)), steps)[:-1]
    if name == "cosine":
        factors = [specs._factor(name, step, steps, said["warmup_steps"]) for step in range(steps)]
        return [[rate * factor for rate in rates] for factor in factors]
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    optimizer = torch.optim.SGD(groups, lr=1e-3)
    schedule = _made(name, optimizer, steps, min(rates), list(rates))
    found, done = [], 0
    for epoch in range(EPOCHS):
        for _ in range(each):
            found.append([float(group["lr"]) for group in optimizer.param_groups])
            optimizer.step()
            done += 1
            if name.startswith("timm."):
                schedule.step_update(num_updates=done)
            elif schedule is not None and name != "ReduceLROnPlateau" and done < steps:
                schedule.step()
        if name.startswith("timm."):
            schedule.step(epoch + 1, None)
        elif name == "ReduceLROnPlateau":
            schedule.step(losses[epoch])
    return found


def _made(name: str, optimizer: Any, steps: int, lowest: float, rates: list[float]) -> Any:
    from torch.optim import lr_scheduler as s

    if name == "none":
        return None
    if name == "OneCycleLR":
        return s.OneCycleLR(optimizer, rates, steps, cycle_momentum=False)
    if name == "ReduceLROnPlateau":
        return s.ReduceLROnPlateau(optimizer, **_SCHEDULES[name])
    if name.endswith(".Fall"):
        return s.LambdaLR(optimizer, lambda step: 1 - step / (2 * steps))
    own = {
        "get_cosine_schedule_with_warmup": {"num_warmup_steps": 2, "num_training_steps": steps},
        "CosineLRScheduler": {"t_initial": EPOCHS, "warmup_t": 1, "warmup_lr_init": lowest / 100},
        "StepLRScheduler": {"decay_t": steps // 3, "decay_rate": 0.1, "t_in_epochs": False},
        "get_wsd_schedule": {
            "num_warmup_steps": steps // 20,
            "num_decay_steps": steps // 5,
            "num_stable_steps": steps - steps // 20 - steps // 5,
        },
    }
    module, _, made = name.rpartition(".")
    return getattr(importlib.import_module(module), made)(optimizer, **own[made])
