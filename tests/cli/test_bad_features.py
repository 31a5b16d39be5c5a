"""Weights, transfer, averages, compiling and the range test on the command line."""

from __future__ import annotations

import pytest
from support.command import Lightgen
from support.editing import MODEL, TRAIN, Project

# KEY=VALUE of --set, several joined by a space, and the message.
REFUSED = {
    "model.weights=w.bin": "model.weights: 'w.bin' is no file of weights by its name; "
    "one of .pt, .pth, .ckpt, .safetensors",
    "task=transfer model.weights=w.pt": "model.weights: "
    "the transfer task makes the weights that it starts from; "
    "for weights of your own: task = 'classification', data.name = 'digits-5-9'",
    "task=transfer groups.net.lr=0.1": "task: a transfer needs a backbone to keep and a head to "
    "train anew; a network of one part has none; "
    "choose another task, or a model and groups with a backbone and a head",
    "task=transfer optimizer.name=SparseAdam": "task: a transfer needs a backbone to keep and a "
    "head to train anew; an embedding-bag has none; "
    "choose another task, or a model and groups with a backbone and a head",
    "task=transfer data.name=digits": "data.name: "
    "digits is data for classification or gan, the task is transfer; "
    "choose digits-0-4 or digits-5-9, or set task = 'classification'",
    "averaging.name=emma": "averaging.name: unknown average 'emma'; did you mean 'ema'?",
    "averaging.decay=0.9": "averaging.name: is missing; add it",
    "averaging.name=ema averaging.decay=1": "averaging.decay: 1 is wrong: "
    "it must be less than 1.0; ema: share of the average that a step keeps; 0.99",
    "averaging.name=ema averaging.lr_factor=1": "averaging.lr_factor: ema has no lr_factor; "
    "it has decay and start_epoch",
    "averaging.name=swa averaging.decay=0.9": "averaging.decay: swa has no decay; "
    "it has lr_factor and start_epoch",
    "averaging.name=swa averaging.start_epoch=0": "averaging.start_epoch: "
    "epoch 0 starts from weights that nothing has trained yet; start at 1 at least",
    "averaging.name=ema averaging.start_epoch=20": "averaging.start_epoch: "
    "the run ends after 20 epochs, before the average starts; "
    "start earlier, or raise trainer.max_epochs",
    "averaging.name=swa trainer.max_steps=100": "averaging.start_epoch: "
    "a run that max_steps ends has no last quarter of epochs to average; "
    "set it, or set trainer.max_epochs",
    "averaging.name=swa optimizer.name=Rprop": "averaging: "
    "Rprop adapts a step size for each weight; no rate holds it at a distance; "
    "name = 'ema', or choose another optimizer",
    "averaging.name=ema trainer.strategy=fsdp2": "averaging: "
    "fsdp2 splits the weights over the devices; an average needs them whole; "
    "use ddp, or remove [averaging]",
    "model.compile=true optimizer.name=SparseAdam": "model.compile: "
    "sparse gradients do not go through torch.compile; remove it, or choose another model",
    "model.gradient_checkpointing=true groups.net.lr=0.1": "model.gradient_checkpointing: "
    "it computes the activations of all submodules but the head again, and there are none; "
    "remove it, or choose a model and groups with more than a head",
    "model.compile=1": "model.compile: '1' is wrong: true or false is needed; "
    "compile the network with torch.compile",
    "trainer.precision=16-true": "trainer.precision: in 16 bits the eps of AdamW is 0: "
    "where a gradient is 0, the step divides by it, and the weights are no numbers from then on; "
    "use 16-mixed or bf16-mixed, or set optimizer.eps to 1e-4",
    "trainer.precision=16-true optimizer.name=LBFGS": "trainer.precision: "
    "the line search of LBFGS leaves the range of 16-bit numbers; use bf16-mixed or 32-true",
    "trainer.precision=16-mixed trainer.accelerator=cpu": "trainer.precision: "
    "a CPU has no 16-mixed: Lightning would train with bf16 instead; use bf16-mixed",
    "optimizer.lr_finder=true optimizer.name=LBFGS": "optimizer.lr_finder: "
    "LBFGS evaluates the loss several times a step: a step's loss is not that of its rate; "
    "remove it",
    "optimizer.lr_finder=true optimizer.name=Rprop": "optimizer.lr_finder: "
    "the rate of Rprop is only where its step sizes start; remove it",
}


def flags(assignments: str) -> list[str]:
    return [part for each in assignments.split(" ") for part in ("--set", each)]


@pytest.mark.parametrize("assignments", REFUSED)
def test_what_cannot_work_is_refused(lightgen: Lightgen, assignments: str) -> None:
    assert lightgen.refused("new", "run", *flags(assignments)) == [REFUSED[assignments]]


def test_an_optimizer_that_averages_takes_no_other_average(lightgen: Lightgen) -> None:
    rule = "def update(param, grad, *, lr=1e-3):\n    param -= lr * grad\n"
    lightgen.write("mine.py", rule + "\n\ndef to_eval(param, *, lr=1e-3):\n    param *= 1\n")
    outcome = lightgen("new", "run", "--rule", "mine.py", "--set", "averaging.name=ema")
    assert outcome.code == 2


# Switched on, with a file and a text of it that come with it.
SWITCHES = {
    "model.weights=start.pt": ("src/run/weights.py", "start.pt"),
    "model.weights=start.safetensors": ("pyproject.toml", "safetensors"),
    "averaging.name=ema": (TRAIN, "EMAWeightAveraging(decay=0.99),"),
    "averaging.name=ema averaging.start_epoch=3": ("src/run/ema.py", "START_EPOCH = 3"),
    "averaging.name=swa": ("src/run/swa.py", "START_EPOCH = 15"),
    "model.compile=true": ("src/run/module.py", "self.model.compile()"),
    "model.gradient_checkpointing=true": (MODEL, "checkpoint(self.backbone, "),
    "optimizer.lr_finder=true": ("src/run/find_lr.py", "class RangeTest"),
}


@pytest.fixture
def edited(lightgen: Lightgen) -> Project:
    """A project whose user has been at every file that the switches change."""
    project = Project(lightgen)
    project.edit(MODEL, "nn.ReLU(),\n        )", "nn.GELU(),\n        )")
    project.edit(TRAIN, 'prog="python -m run.train"', 'prog="train"')
    project.append(TRAIN, "\n# The end.\n")
    rates = "self.rates = rates or {}"
    project.edit("src/run/module.py", rates, f"{rates}  # mine")
    return project


@pytest.mark.parametrize("assignments", SWITCHES)
def test_each_is_switched_on_and_off_in_an_edited_project(
    lightgen: Lightgen, edited: Project, assignments: str
) -> None:
    before = edited.disk()
    path, text = SWITCHES[assignments]
    lightgen.done("update", "run", *flags(assignments))
    assert text in edited.text(path)
    assert 'prog="train"' in edited.text(TRAIN)
    assert "nn.GELU()" in edited.text(MODEL)
    off = f"{assignments.partition('=')[0]}="
    lightgen.done("update", "run", "--set", off)
    after = edited.disk()
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {name for name in changed if not name.startswith(".lightgen/")} <= {"lightgen.toml"}


def test_another_average_drops_what_it_has_not(lightgen: Lightgen, edited: Project) -> None:
    lightgen.done("update", "run", *flags("averaging.name=ema averaging.decay=0.9"))
    outcome = lightgen.done("update", "run", "--set", "averaging.name=swa")
    assert outcome.notes == ["swa has no decay: averaging.decay is dropped"]
    assert "decay" not in edited.text("lightgen.toml")


def test_an_edited_project_learns_to_transfer_and_back(lightgen: Lightgen, edited: Project) -> None:
    before = edited.disk()
    lightgen.done("update", "run", "--set", "task=transfer", "--set", "model.name=mlp")
    assert "class Report" in edited.text("src/run/weights.py")
    assert "nn.GELU()" in edited.text(MODEL)
    lightgen.done("update", "run", "--set", "task=", "--set", "model.name=")
    after = edited.disk()
    assert {name for name in before if before[name] != after.get(name)} <= {
        "lightgen.toml",
        ".lightgen/state.toml",
    }
