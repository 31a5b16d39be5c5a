"""Several optimizers that cannot be: each is told why, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Lightgen
from support.projects import in_project, project

ALONE = "use it alone"
RENAME = "give the optimizer another name"
NAME_THEM = "name them discriminator and generator"
LOSSES = "optimizers: the task gan has a loss for each of discriminator and generator, and there "

# TOML beside two optimizers, body and head -> what is told.
REFUSED = {
    "optimizers.body.frequency = 2\noptimizers.body.accumulate_grad_batches = 2": (
        "optimizers.body.frequency: of one loss, batches between its turns would be added up too; "
        "leave out frequency or accumulate_grad_batches"
    ),
    "optimizers.body.frequency = 0": "optimizers.body.frequency: 0 is wrong: "
    "it must be at least 1; it steps every so many batches",
    "optimizers.body.accumulate_grad_batches = 0": "optimizers.body.accumulate_grad_batches: "
    "0 is wrong: it must be at least 1; of its batches, so many make one step",
    "optimizers.body.gradient_clip_val = 0": "optimizers.body.gradient_clip_val: 0 is wrong: "
    "it must be more than 0.0; bound of its gradient, over all its groups",
    "optimizers.body.groups.head = {}": "optimizers.head.groups.head: optimizer body has a group "
    "'head' already; a parameter has one optimizer: remove one, or name it otherwise",
    "optimizers.body.groups.rest = {}": [
        "optimizers.body.groups.rest: rest stands before other groups; put it last",
        "optimizers.head.groups.head: everything that it matches belongs to group 'rest' before "
        "it; put the narrower group first",
    ],
    "optimizers.body.groups.backbone.freeze = true": "optimizers.body.groups: every group is "
    "frozen: nothing is left to train; train one",
    "optimizers.body.groups.backbone.freeze = 'until_epoch:20'": "optimizers.body.groups.backbone"
    ".freeze: the run ends after 20 epochs: the group never trains; "
    "lower it below trainer.max_epochs, or write freeze = true",
    "optimizers.head.groups.head.layer_decay = 0.5": "optimizers.head.groups.head.layer_decay: "
    "'head' of the mlp is a single layer; remove it",
    "optimizers.body.groups.backbone.gradient_clip_val = 1.0": "optimizers.body.groups.backbone"
    ".gradient_clip_val: the gradients of an optimizer's groups are bounded together; "
    "set gradient_clip_val of the optimizer",
    "optimizers.body.name = 'lbfgs'": "optimizers.body.name: LBFGS evaluates the loss anew within "
    f"its step, which several optimizers share; {ALONE}",
    "optimizers.body = {name = 'custom', skeleton = 'two-closure'}": "optimizers.body.name: "
    "two-closure evaluates the loss anew within its step, which several optimizers share; "
    f"{ALONE}",
    "optimizers.body.name = 'SparseAdam'": "optimizers.body.name: SparseAdam needs a model of "
    f"sparse gradients alone; {ALONE}",
    "optimizers.body.name = 'composite'": "optimizers.body.name: a composite steps several classes "
    "as one optimizer; name a class of torch, or use the composite alone",
    "optimizers.body.rule = 'rules/lion.py'": "optimizers.body.rule: a rule makes the class of the "
    "only optimizer; write the class by hand, with name = 'custom', or have one optimizer",
    "optimizers.body = {name = 'custom', skeleton = 'every-k'}\noptimizers.head.name = 'custom'": (
        "optimizers: a project carries one custom class, and these differ; "
        "write one of them by hand, or use one rule"
    ),
    "optimizers.body.layer_decay = 0.5": "optimizers.body.layer_decay: layers are counted from the "
    "head of the whole model; set it on a group, from whose end it counts",
    "optimizers.body.lr_finder = true": "optimizers.body.lr_finder: one factor says nothing of "
    "several optimizers; use it while there is one",
    "optimizers.body.gradient_clip_algorithm = 'value'": "optimizers.body.gradient_clip_algorithm: "
    "it does nothing without gradient_clip_val; set optimizers.body.gradient_clip_val",
    "optimizers.body = {fused = true, gradient_clip_val = 1.0}\ntrainer.precision = 'bf16-mixed'": (
        "optimizers.body.fused: a fused step under bf16-mixed unscales the gradients itself, after "
        "the clipping; remove fused, or gradient_clip_val, or the mixed precision"
    ),
    "optimizers.head = {fused = true, gradient_clip_val = 1.0}\ntrainer.precision = 'bf16-mixed'": (
        "optimizers.head.fused: a fused step under bf16-mixed unscales the gradients itself, after "
        "the clipping; remove fused, or gradient_clip_val, or the mixed precision"
    ),
    "optimizers.head.name = 'Rprop'\naveraging.name = 'swa'": [
        "optimizers.head.name: Rprop adapts a step size for each weight; no rate holds it at a "
        "distance; name = 'ema', or choose another optimizer",
        "averaging: swa takes over the schedule of one optimizer, and there are several; "
        "name = 'ema', or remove [averaging]",
    ],
    "optimizers.body.scheduler = {name = 'ReduceLROnPlateau', monitor = 'train/loss'}": (
        "optimizers.body.scheduler.monitor: the mean of the training loss is not known when the "
        "rates move; monitor val/loss"
    ),
    "optimizers.body.scheduler = {}": "optimizers.body.scheduler.name: is missing; add it",
    "optimizers.body = 3": "optimizers.body: 3 is wrong: a table is needed; "
    "write a value of that kind",
    "optimizers.body.groups = []": "optimizers.body.groups: [] is wrong: a table is needed; "
    "write a value of that kind",
    "optimizer.lr = 1e-3": "optimizer: there are several optimizers; move it to optimizers.NAME",
    "groups.head.lr = 1e-3": "groups: there are several optimizers; "
    "move it to optimizers.NAME.groups",
    "scheduler.name = 'cosine'": "scheduler: there are several optimizers; "
    "move it to optimizers.NAME.scheduler",
    "averaging.name = 'swa'": "averaging: swa takes over the schedule of one optimizer, and there "
    "are several; name = 'ema', or remove [averaging]",
    "trainer.min_steps = 5": "trainer.min_steps: the Trainer counts the steps of all optimizers "
    "together; set max_steps, which counts batches, or epochs",
    "trainer.precision = '16-mixed'": "trainer.precision: under 16-mixed the step of one optimizer "
    "changes the scale of the gradients that the next one is to take off; "
    "use bf16-mixed or 32-true",
    "trainer.strategy = 'deepspeed_stage_2'": "trainer.strategy: deepspeed_stage_2 steps one "
    "optimizer; use ddp, or one optimizer",
    "trainer.accumulate_grad_batches = 'many'": "trainer.accumulate_grad_batches: 'many' is not "
    "a whole number; it takes [1, inf)",
    "trainer.gradient_clip_algorithm = 'value'": "trainer.gradient_clip_algorithm: it does nothing "
    "without gradient_clip_val; set trainer.gradient_clip_val",
}
GAN = {
    "optimizers.generator = {}": f"{LOSSES}are optimizers generator; {NAME_THEM}",
    "optimizers = {generator = {}, critic = {}}": f"{LOSSES}are optimizers generator, critic; "
    f"{NAME_THEM}",
    "optimizers = {discriminator = {}, generator.groups.decoder = {}}": (
        "optimizers.generator.groups.decoder: no network is called decoder: there are "
        "discriminator, generator; say what it covers: match = 'discriminator.0'"
    ),
    "groups.backbone = {}": "groups: the task gan has an optimizer for each of discriminator and "
    "generator; write [optimizers.NAME.groups.GROUP]",
    "optimizer.name = 'composite'": "optimizer.name: a composite steps several classes as one "
    "optimizer; name a class of torch, or use the composite alone",
    "trainer.strategy = 'ddp'": "trainer.strategy: each loss of gan leaves a network without "
    "gradients, which ddp waits for; use ddp_find_unused_parameters_true",
    "trainer = {precision = '16-mixed', accumulate_grad_batches = 2}": "trainer.precision: under "
    "16-mixed the step of one optimizer changes the scale of the gradients that wait for a step; "
    "use bf16-mixed or 32-true",
    "model.compile = true": "model.compile: its networks are called each by itself, not as the one "
    "that would be compiled; remove it",
    "model.weights = 'old.pt'": "model.weights: a gan learns both networks together from the "
    "start; remove it",
    "model.name = 'cnn'": "model.name: the networks of gan are no cnn; choose mlp",
}
NAMES = {
    "forward": "every nn.Module has a 'forward' already",
    "parameters": "every nn.Module has a 'parameters' already",
    "loss": "'loss' is another variable of training_step",
    "list": "'list' is another variable of training_step",
    "head_schedule": "'head_schedule' is another variable of training_step",
    "'a-b'": "'a-b' is no Python identifier",
    "''": "'' is no Python identifier",
    "class": "'class' is no Python identifier",
    "_own": "'_own' starts with an underscore, as private members do",
}


def refused(lightgen: Lightgen, text: str) -> list[str]:
    spec = lightgen.write("spec.toml", f"project.package = 'bad_run'\n{text}\n")
    return lightgen.refused("new", "run", "--spec", spec)


@pytest.mark.parametrize("text", REFUSED)
def test_each_is_told_once(lightgen: Lightgen, text: str) -> None:
    spec = text
    for name, group in (("body", "backbone"), ("head", "head")):
        if f"optimizers.{name}.groups" not in text and f"optimizers.{name} =" not in text:
            spec += f"\noptimizers.{name}.groups.{group} = {{}}"
    if "optimizers.head" not in spec:
        spec += "\noptimizers.head = {}"
    told = REFUSED[text]
    assert refused(lightgen, spec) == ([told] if isinstance(told, str) else told)


@pytest.mark.parametrize("text", GAN)
def test_what_a_gan_cannot_be(lightgen: Lightgen, text: str) -> None:
    assert refused(lightgen, f"task = 'gan'\n{text}") == [GAN[text]]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_optimizers(lightgen: Lightgen, name: str) -> None:
    text = f"optimizers = {{{name}.groups.backbone = {{}}, head = {{}}}}"
    where = f"optimizers.{name.strip(chr(39))}"
    assert refused(lightgen, text) == [f"{where}: {NAMES[name]}; {RENAME}"]


def test_a_single_one_of_several(lightgen: Lightgen) -> None:
    told = "optimizers: there is only one; use [optimizer], or name another"
    assert refused(lightgen, "optimizers.head.lr = 1e-3") == [told]


def test_names_that_differ_in_capitals(lightgen: Lightgen) -> None:
    text = "optimizers = {A.groups.backbone = {}, a.groups.head = {}}"
    told = f"optimizers.a: 'A' is the same in capitals, as constants are written; {RENAME}"
    assert refused(lightgen, text) == [told]


def test_a_parameter_of_no_optimizer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Only the project knows its parameters: it is told where its training begins."""
    first = {"groups": {"first": {"match": "backbone.0"}}}

    def act() -> str:
        from sample_run.train import parse_arguments

        try:
            parse_arguments([])
        except SystemExit as stop:
            return str(stop.code)
        return "it starts"

    spec = {"optimizers": {"body": first, "head": {}}}
    assert in_project(project(spec, tmp_path), act) == "2"
    assert "error: backbone.2.weight matches no group" in capfd.readouterr().err
