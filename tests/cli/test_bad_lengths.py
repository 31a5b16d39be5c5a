"""What would do nothing, or something else than was meant, without a word: refused, or said."""

from __future__ import annotations

import pytest
from support.command import Lightgen

TIMM = ("model.name=timm.create_model", "model.args.model_name=vit")
SEVERAL = ("optimizers.backbone.name=SGD", "optimizers.head.name=Adam")
FROZEN = ("groups.backbone.freeze=until_epoch:3", "groups.head.lr=1e-3")
PATH = "scheduler.name=mypkg.schedules.fading"
FROM_DATA = "remove it: it follows from the data"
CONFIG = "model.args.config={call = 'transformers.ViTConfig', args = {num_labels = 3}}"
AS_DEVICES = "write a number, -1 for all, or indices as '0,1'"
BAD = {
    ("trainer.devices=0",): f"trainer.devices: 0 is no number of devices; {AS_DEVICES}",
    ("trainer.devices=two",): f"trainer.devices: 'two' is no number of devices; {AS_DEVICES}",
    ("trainer.devices=[0,1]",): f"trainer.devices: '[0,1]' is no number of devices; {AS_DEVICES}",
    ("trainer.limit_train_batches=0",): "trainer.limit_train_batches: 0 trains nothing; remove it",
    ("trainer.check_val_every_n_epoch=30",): "trainer.check_val_every_n_epoch: the run ends after "
    "20 epochs: the best checkpoint and the result need validation; "
    "lower it, or raise trainer.max_epochs",
    ("trainer.max_time=2h",): "trainer.max_time: '2h' is no time; write DD:HH:MM:SS",
    ("trainer.limit_train_batches=2.5",): "trainer.limit_train_batches: 2.5 is more than all; "
    "write a share up to 1.0, or a whole number",
    ("trainer.min_epochs=30",): "trainer.min_epochs: the run ends after 20 epochs, before 30; "
    "lower it, or raise trainer.max_epochs",
    ("trainer.min_steps=50", "trainer.max_steps=10"): "trainer.min_steps: the run ends after 10 "
    "steps, before 50; lower it, or raise trainer.max_steps",
    (*FROZEN, "trainer.max_steps=20"): "groups.backbone.freeze: the run ends after 20 steps: the "
    "group never trains; raise trainer.max_steps, or write freeze = true",
    (*FROZEN, "trainer.max_epochs=3"): "groups.backbone.freeze: the run ends after 3 epochs: the "
    "group never trains; lower it below trainer.max_epochs, or write freeze = true",
    (*SEVERAL, "optimizers.head.frequency=500"): "optimizers.head.frequency: the run has 460 "
    "batches: it never steps; lower it, or train longer",
    (TIMM[0],): "model.args.model_name: timm.create_model cannot be called without 'model_name'; "
    "say which model it is",
    (*TIMM, "model.args.num_classes=2"): "model.args.num_classes: 2 classes, and digits has 10; "
    + FROM_DATA,
    (*TIMM, "model.args.num_classes=3", "task=regression"): "model.args.num_classes: 3 outputs, "
    f"and diabetes has 1; {FROM_DATA}",
    ("model.name=transformers.ViTForImageClassification", CONFIG): "model.args.config.args."
    "num_labels: 3 classes, and digits has 10; set it to that",
    ("model.name=mine.Net", "model.args.config={call = 'mine.Config', arg = {a = 1}}"): "model.args"
    ".config.arg: a table with 'call' is a call; move it to 'args'",
    ("groups.a.match=backbone.[]", "groups.rest.lr=0.1"): "groups.a.match: 'backbone.[]' has empty "
    "brackets; write a module path, glob or re:...",
    ("optimizer.name=pytorch_optimizer.Lion", "optimizer.betas=0.9"): "optimizer.betas: [0.9] has "
    "1 entries, not 2; it takes [0, 1]",
    ("optimizer.name=mine.Mine", "optimizer.params=3"): "optimizer.params: it is given the groups; "
    "remove it",
    (PATH, "scheduler.optimizer=3"): "scheduler.optimizer: it is given the optimizer; remove it",
    (PATH, "scheduler.steps=total_step"): "scheduler.steps: 'total_step' is no length of the run; "
    "did you mean 'total_steps'?",
    ("scheduler.name=torch.optim.lr_scheduler.StepLRR",): "scheduler.name: torch.optim.lr_scheduler"
    ".StepLRR: torch has no such schedule; did you mean 'torch.optim.lr_scheduler.StepLR'?",
    # One mistake, one message.
    ("model.name=embedding-bag", "optimizer.name=AdamW"): "model.name: AdamW does not support the "
    "sparse gradients of an embedding-bag; choose SparseAdam, SGD or Adagrad, or another model",
    (
        "scheduler.name=SequentialLR",
        "scheduler.schedulers=[{name = 'OneCycleLR'}, {name = 'ConstantLR'}]",
        "scheduler.milestones=[5]",
    ): "scheduler.schedulers.0.name: OneCycleLR inside SequentialLR: it sets the rates itself, "
    "over those of the other parts; use it alone, or choose another part",
}


@pytest.mark.parametrize("assignments", BAD, ids=" ".join)
def test_one_message_says_it(assignments: tuple[str, ...], lightgen: Lightgen) -> None:
    words = [word for text in assignments for word in ("--set", text)]
    assert lightgen.refused("new", "run", *words) == [BAD[assignments]]


GOOD: list[tuple[str, ...]] = [
    ("trainer.devices=auto",),
    ("trainer.devices=-1",),
    ("trainer.max_time=00:02:00:00", "trainer.min_epochs=20", "trainer.limit_train_batches=1.0"),
    ("trainer.devices=0,1",),
    (*FROZEN, "trainer.max_steps=80"),
    (*FROZEN, "trainer.max_steps=20", "trainer.max_epochs=9", "trainer.limit_train_batches=4"),
    (*SEVERAL, "optimizers.head.frequency=400"),
    (*TIMM, "model.args.num_classes=12"),
    (PATH, "scheduler.steps=total_steps"),
    (PATH, "scheduler.mode=step"),
]


@pytest.mark.parametrize("assignments", GOOD, ids=" ".join)
def test_what_is_meant_stays_possible(assignments: tuple[str, ...], lightgen: Lightgen) -> None:
    words = [word for text in assignments for word in ("--set", text)]
    lightgen.done("new", "run", "--dry-run", *words)


def test_a_warmup_that_the_run_does_not_outlast_is_said(lightgen: Lightgen) -> None:
    words = ["new", "run", "--dry-run", "--scheduler", "cosine", "--set"]
    said = "scheduler.warmup_steps: the run ends after 460 steps, within the 500 of the warmup"
    assert lightgen.done(*words, "scheduler.warmup_steps=500").notes == [said]
    assert not lightgen.done(*words, "scheduler.warmup_steps=400").notes


def test_a_misspelt_setting_with_a_colon_is_shown(lightgen: Lightgen) -> None:
    groups = "backbone:1e-4;freeze=unti_epoch:3,head:1e-3"
    assert lightgen.refused("new", "run", "--groups", groups) == [
        "--groups: group 'backbone': cannot read '1e-4;freeze=unti_epoch:3'; "
        "of all settings, freeze=until_epoch:N has a colon"
    ]
