"""The tests that ship with a project catch the silent mistakes of optimizer wiring.

Each mutant is a golden project with one such mistake written into it, as one meets it in the wild:
it still trains and raises nothing. Its own tests must fail.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import sklearn.datasets
import tensorboard
import torch
import torchmetrics
from support.projects import in_project, run_pytest

IMPORTED = (sklearn, tensorboard, torch, torchmetrics)
GOLDEN = Path(__file__).parents[2] / "golden" / "projects"


class Mutant(NamedTuple):
    """A mistake: the project, the file of the package, what stands there and what instead."""

    mistake: str
    project: str
    file: str
    right: str
    wrong: str
    test: str


MUTANTS = [
    Mutant(
        "OneCycleLR moved once an epoch",
        "sgd-onecycle-accumulate",
        "module.py",
        '"interval": "step"',
        '"interval": "epoch"',
        "test_schedule.py",
    ),
    Mutant(
        "one max_lr erases the groups' rates",
        "sgd-onecycle-accumulate",
        "optim.py",
        "max_lr=rates",
        "max_lr=0.1",
        "test_schedule.py",
    ),
    Mutant(
        "a warmup that lasts epochs instead of steps",
        "adamw-transformer-cosine",
        "module.py",
        '"interval": "step"',
        '"interval": "epoch"',
        "test_schedule.py",
    ),
    Mutant(
        "a scheduler beside the dictionary that Lightning reads",
        "muon-wsd",
        "module.py",
        '"lr_scheduler": {',
        '"scheduler": {',
        "test_schedule.py",
    ),
    Mutant(
        "a milestone in epochs, moved every step",
        "sparseadam",
        "module.py",
        '"interval": "epoch"',
        '"interval": "step"',
        "test_schedule.py",
    ),
    Mutant(
        "a parameter group that is forgotten",
        "custom-two-groups",
        "optim.py",
        "    check_coverage(model, groups)\n    return groups",
        "    return groups[:1]",
        "test_groups.py",
    ),
    Mutant(
        "decay on biases and norms",
        "defaults",
        "optim.py",
        "if p.ndim < 2",
        "if p.ndim < 1",
        "test_groups.py",
    ),
    Mutant(
        "a frozen part that trains",
        "frozen-cnn-warmup",
        "optim.py",
        "model.stem.requires_grad_(False)",
        "model.stem.requires_grad_(True)",
        "test_training.py",
    ),
    Mutant(
        "a changed rate that a resumed run ignores",
        "custom-two-groups",
        "module.py",
        "if self.trainer.ckpt_path and self.resumed is not None:",
        "if False:",
        "test_training.py",
    ),
    Mutant(
        "an order of batches that a resumed run does not repeat",
        "custom-two-groups",
        "data.py",
        "manual_seed(self.epoch)",
        "manual_seed(torch.seed() % 1000)",
        "test_training.py",
    ),
    Mutant(
        "a checkpoint that holds more than plain values",
        "custom-two-groups",
        "module.py",
        'checkpoint["recipe"] = self.recipe',
        'checkpoint["recipe"] = self.recipe | {"where": __import__("pathlib").Path()}',
        "test_training.py",
    ),
    Mutant(
        "a rate from the command line that is not stored",
        "custom-two-groups",
        "module.py",
        "self.save_hyperparameters()",
        "self.save_hyperparameters(ignore=['rates'])",
        "test_training.py",
    ),
    Mutant(
        "betas exchanged",
        "custom-two-groups",
        "custom_optimizer.py",
        "beta1, beta2 = betas",
        "beta2, beta1 = betas",
        "test_custom_optimizer.py",
    ),
    Mutant(
        "decay that the rate does not scale",
        "custom-two-groups",
        "custom_optimizer.py",
        "1 - lr * weight_decay",
        "1 - weight_decay",
        "test_custom_optimizer.py",
    ),
    Mutant(
        "a loss that is logged where the second gradient is taken, too",
        "custom-two-closure",
        "module.py",
        "        if self.perturbed:\n            # Not logged",
        "        if False:\n            # Not logged",
        "test_two_passes.py",
    ),
    Mutant(
        "another dropout mask for the second gradient",
        "custom-two-closure",
        "custom_optimizer.py",
        "with torch.enable_grad(), self._generators_rewound():",
        "with torch.enable_grad():",
        "test_custom_optimizer.py",
    ),
    Mutant(
        "parameters that stay where the second gradient was taken",
        "custom-two-closure",
        "custom_optimizer.py",
        "p.copy_(value)",
        "p.add_(0)",
        "test_custom_optimizer.py",
    ),
    Mutant(
        "a preconditioner that is renewed once",
        "custom-every-k",
        "custom_optimizer.py",
        '(step - 1) % group["precondition_every_steps"] == 0',
        "step == 1",
        "test_custom_optimizer.py",
    ),
    Mutant(
        "a group that trains before its epoch",
        "unfreezing",
        "optim.py",
        "parameter.grad = None",
        "parameter.requires_grad_(True)",
        "test_unfreezing.py",
    ),
    Mutant(
        "momentum and decay that move a frozen group",
        "unfreezing",
        "optim.py",
        "parameter.grad = None",
        "parameter.grad = torch.zeros_like(parameter)",
        "test_unfreezing.py",
    ),
    Mutant(
        "a frozen part in training mode",
        "unfreezing",
        "module.py",
        "            module.eval()",
        "            module.train()",
        "test_unfreezing.py",
    ),
    Mutant(
        "a share of the rate that no scheduler of torch reads",
        "unfreezing",
        "optim.py",
        ' * group.get("lr_scale", 1.0)\n',
        "\n",
        "test_layers.py",
    ),
    Mutant(
        "one schedule for all groups",
        "unfreezing",
        "optim.py",
        "[factors[owner] for owner in owners]",
        "[factors[owners[0]] for owner in owners]",
        "test_schedule.py",
    ),
    Mutant(
        "a norm over half of a group",
        "unfreezing",
        "optim.py",
        '        if group["name"].partition("/")[0] == owner\n',
        '        if group["name"] == owner\n',
        "test_clipping.py",
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.mistake for mutant in MUTANTS])
def test_a_mistake_fails_the_projects_own_tests(mutant: Mutant, tmp_path: Path) -> None:
    folder = tmp_path / mutant.project
    shutil.copytree(GOLDEN / mutant.project, folder)
    path = next((folder / "src").iterdir()) / mutant.file
    text = path.read_text()
    assert mutant.right in text
    path.write_text(text.replace(mutant.right, mutant.wrong))
    compile(path.read_text(), str(path), "exec")
    assert (
        in_project(folder, lambda: run_pytest("-x", f"tests/{mutant.test}"))
        == pytest.ExitCode.TESTS_FAILED
    )
