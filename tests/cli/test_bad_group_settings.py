"""Freezing, layer decay, schedules and clipping by group that cannot be: each is told why."""

from __future__ import annotations

import pytest
from support.command import Lightgen

EPOCH = "write true, or until_epoch:N for a group that trains from epoch N on"
LATER = "lower it below trainer.max_epochs, or write freeze = true"
SINGLE = "remove it, or set optimizer.layer_decay, which counts the layers of the whole model"
NO_MIXTURE = "choose cosine, linear or wsd in [scheduler], or remove [scheduler]"

# Words of the command line -> what is told.
REFUSED = {
    "--groups a:freeze=until_epoch:0,b:1": "groups.a.freeze: epochs count from 0: nothing is "
    f"frozen before epoch 0; {EPOCH}",
    "--groups a:freeze=until_epoch:-1,b:1": "groups.a.freeze: 'until_epoch:-1' is neither true "
    f"nor until_epoch:N; {EPOCH}",
    "--groups a:freeze=until_epoch:,b:1": "groups.a.freeze: 'until_epoch:' is neither true "
    f"nor until_epoch:N; {EPOCH}",
    "--groups a:freeze=soon,b:1": "groups.a.freeze: 'soon' is neither true nor until_epoch:N; "
    f"{EPOCH}",
    "--groups a:freeze=until_epoch:20,b:1": "groups.a.freeze: the run ends after 20 epochs: "
    f"the group never trains; {LATER}",
    "--groups a:freeze=until_epoch:2,b:freeze=until_epoch:1": "groups: every group is frozen "
    "before epoch 1: nothing is left to train; let one group train from the start",
    "--groups a:freeze=until_epoch:2,b:freeze": "groups: every group is frozen "
    "before epoch 2: nothing is left to train; let one group train from the start",
    "--groups a:freeze;freeze=until_epoch:2,b:1": "--groups: group 'a': freeze is set twice; "
    "write a rate (1e-4), a factor (x0.1), freeze or key=value",
    "--groups a:freeze;layer_decay=0.5,b:1": "groups.a: a frozen group takes no other setting; "
    "remove freeze or the rest",
    "--groups a:layer_decay=0,b:1": "groups.a.layer_decay: 0 is not more than 0; it takes (0, 1]",
    "--groups a:layer_decay=1.5,b:1": "groups.a.layer_decay: 1.5 is more than 1; it takes (0, 1]",
    "--groups a:layer_decay=much,b:1": "groups.a.layer_decay: 'much' is not a number; "
    "it takes (0, 1]",
    "--groups a:1,b:layer_decay=0.5": "groups.b.layer_decay: 'b' of the mlp is a single layer; "
    f"{SINGLE}",
    "--set optimizer.layer_decay=0": "optimizer.layer_decay: 0.0 is not more than 0; "
    "it takes (0, 1]",
    "--set optimizer.layer_decay=2": "optimizer.layer_decay: 2.0 is more than 1; it takes (0, 1]",
    "--optimizer sparseadam --set optimizer.layer_decay=0.5": "optimizer.layer_decay: "
    "an embedding-bag has no layers one behind the other; remove it, or choose another model",
    "--optimizer lbfgs --set optimizer.layer_decay=0.5": "optimizer.layer_decay: "
    "LBFGS takes one parameter group, and each layer would be one; remove it",
    "--groups a:layer_decay=0.5,b:1 --set optimizer.layer_decay=0.5": "optimizer.layer_decay: "
    "stands for all groups and for one: from where are the layers counted?; "
    "remove optimizer.layer_decay, or groups.a.layer_decay",
    "--set optimizer.layer_decay=0.5 --scheduler CosineAnnealingLR --set scheduler.eta_min=1e-6": (
        "scheduler.eta_min: the floor 1e-06 would lift the rates of the lower layers; "
        "remove it, or use cosine with min_factor, a fraction"
    ),
    "--groups a:schedule=steps,b:1": "groups.a.schedule: 'steps' is not one of 'cosine', "
    "'linear', 'wsd', 'constant'; it takes cosine, linear, wsd, constant",
    "--groups a:warmup_steps=-1,b:1": "groups.a.warmup_steps: -1 is less than 0; "
    "it takes [0, inf)",
    "--groups a:schedule=cosine,b:1 --scheduler steplr": "groups.a.schedule: a StepLR of torch "
    f"moves all groups alike; {NO_MIXTURE}",
    "--groups a:warmup_steps=5,b:1 --scheduler onecyclelr": "groups.a.warmup_steps: a OneCycleLR "
    f"of torch moves all groups alike; {NO_MIXTURE}",
    "--groups a:gradient_clip_val=0,b:1": "groups.a.gradient_clip_val: 0 is not more than 0; "
    "it takes (0, inf)",
    "--groups a:gradient_clip_val=1;gradient_clip_algorithm=max,b:1": (
        "groups.a.gradient_clip_algorithm: 'max' is not one of 'norm', 'value'; "
        "it takes norm, value"
    ),
    "--groups a:gradient_clip_algorithm=value,b:1": "groups.a.gradient_clip_algorithm: "
    "it does nothing without gradient_clip_val; set groups.a.gradient_clip_val",
    "--groups a:gradient_clip_val=1,b:1 --set trainer.gradient_clip_val=1": (
        "groups.a.gradient_clip_val: the Trainer clips all gradients together already; "
        "remove trainer.gradient_clip_val, or the groups' own"
    ),
    "--optimizer sparseadam --groups a:gradient_clip_val=1,b:1": "groups.a.gradient_clip_val: "
    "sparse gradients cannot be clipped; remove it, or choose another model",
    "--groups a:gradient_clip_val=1,b:1 --set trainer.strategy=fsdp2": (
        "groups.a.gradient_clip_val: fsdp2 splits the gradients over the devices: no device knows "
        "a group's norm; remove it, or use ddp"
    ),
    "--groups a:gradient_clip_val=1,b:1 --set optimizer.fused=true "
    "--set trainer.precision=16-mixed": (
        "optimizer.fused: a fused step under 16-mixed unscales the gradients itself, after the "
        "clipping; remove fused, or the groups' gradient_clip_val, or the mixed precision"
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_setting_that_cannot_be_is_told(lightgen: Lightgen, words: str) -> None:
    assert lightgen.refused("new", "run", *words.split()) == [REFUSED[words]]


def test_a_rule_keeps_its_own_warmup(lightgen: Lightgen) -> None:
    """What the class has an argument for is that argument."""
    rule = lightgen.folder / "warm.py"
    rule.write_text(
        "def warm(param, grad, *, lr: 0 <= lr = 0.1, warmup_steps: 0 <= warmup_steps = 0):\n"
        "    param -= lr * min(1, step / max(1, warmup_steps)) * grad\n"
    )
    groups = "backbone:warmup_steps=7,head:1"
    lightgen.done("new", "run", "--rule", str(rule), "--groups", groups)
    written = (lightgen.folder / "run/src/run/optim.py").read_text()
    assert '"warmup_steps": 7,' in written
    assert "constant_factor" not in written
