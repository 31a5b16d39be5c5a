"""Wirings that lightgen does not write but users do."""

from __future__ import annotations

import pytest
from support.checks import Check, Edit, failed

STEP = """\
        loss, _ = cross_entropy(self.model, batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss
"""
MANUAL = """\
        for optimizer in self.optimizers():
            loss, _ = cross_entropy(self.model, batch)
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        return loss
"""
TWO_OPTIMIZERS = (
    Edit(
        "module.py",
        "        self.save_hyperparameters()\n",
        "        self.save_hyperparameters()\n        self.automatic_optimization = False\n",
    ),
    Edit("module.py", STEP, MANUAL),
    Edit(
        "module.py",
        "        return build_optimizer(self.model, self.rates)",
        "        first, second = build_optimizer(self.model, self.rates).param_groups\n"
        "        return [torch.optim.SGD([first]), torch.optim.Adam([second])]",
    ),
    Edit(
        "module.py", "import pytorch_lightning as pl\n", "import pytorch_lightning as pl, torch\n"
    ),
)


def test_several_optimizers_by_hand(check: Check) -> None:
    report = check("custom-two-groups", *TWO_OPTIMIZERS)
    assert failed(report) == {}
    assert [group.name for group in report.groups] == ["SGD/backbone", "Adam/head"]


def test_the_second_of_several_optimizers_is_proven_too(check: Check) -> None:
    idle = Edit(
        "module.py",
        "            optimizer.step()\n",
        "            if type(optimizer).__name__.endswith('SGD'):\n"
        "                optimizer.step()\n",
    )
    found = failed(check("custom-two-groups", *TWO_OPTIMIZERS, idle))
    assert list(found) == ["step"]
    assert found["step"].what == "no parameter of group head gets a gradient"


def test_loaders_in_place_of_a_data_module(check: Check) -> None:
    loaders = Edit(
        "train.py",
        "    trainer.fit(task, data, ckpt_path=ckpt_path)",
        '    data.setup("fit")\n'
        "    trainer.fit(task, data.train_dataloader(), data.val_dataloader())",
    )
    report = check("defaults", loaders)
    assert failed(report) == {}
    assert report.proofs[0].what.endswith("trains Classifier with DataLoader")


def test_a_run_without_an_end(check: Check) -> None:
    report = check("defaults", Edit("train.py", "type=int, default=20", "type=int, default=-1"))
    assert failed(report) == {}
    assert report.curve is not None
    assert report.curve.length == "the first 1,000 steps of a run whose length is not known"


def test_a_rate_that_is_a_tensor(check: Check) -> None:
    tensor = Edit(
        "optim.py",
        "    override_rates(groups, rates)\n",
        "    override_rates(groups, rates)\n    for group in groups:\n"
        '        group["lr"] = torch.tensor(group["lr"])\n',
    )
    # A recipe of plain values is not meant for tensors that a schedule changes in place.
    without_recipe = Edit("module.py", 'checkpoint["recipe"] = self.recipe', "pass")
    report = check("adamw-transformer-cosine", tensor, without_recipe)
    assert failed(report) == {}
    assert report.groups[0].lr == pytest.approx(5e-4)
    assert report.curve is not None
    assert report.curve.rates[0].peak == pytest.approx(5e-4)


def test_rates_by_hand_in_the_step_are_said_to_be_unseen(check: Check) -> None:
    hook = (
        "    def optimizer_step(self, *arguments: Any, **keywords: Any) -> None:\n"
        "        super().optimizer_step(*arguments, **keywords)\n\n    def training_step("
    )
    report = check("defaults", Edit("module.py", "    def training_step(", hook))
    assert failed(report) == {}
    assert report.proofs[2].detail == (
        "optimizer_step is overridden: what it does to the rates is not drawn",
    )


def test_a_trainer_for_many_devices_is_proven_on_one_cpu(check: Check) -> None:
    many = Edit(
        "train.py",
        "        logger=logger,\n",
        '        logger=logger,\n        accelerator="gpu",\n        devices=8,\n'
        '        strategy="ddp",\n        precision="16-mixed",\n        val_check_interval=10,\n',
    )
    assert failed(check("defaults", many)) == {}


def test_a_frozen_group_by_a_callback(check: Check) -> None:
    freeze = (
        "from typing import Any\n\n\nclass Freeze(pl.Callback):\n"
        "    def on_train_start(self, trainer: Any, pl_module: Any) -> None:\n"
        "        pl_module.model.backbone.requires_grad_(False)\n\n\ndef parse_arguments("
    )
    report = check(
        "custom-two-groups",
        Edit("train.py", "def parse_arguments(", freeze),
        Edit("train.py", "            *plots,\n", "            *plots,\n            Freeze(),\n"),
    )
    assert failed(report) == {}
    assert [group.trains for group in report.groups] == [False, True]
    assert "4 frozen ones rest" in report.proofs[3].what
