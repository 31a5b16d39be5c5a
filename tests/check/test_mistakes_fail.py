"""Each silent mistake of a user's edit fails the proof that is about it, and is named."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from support.checks import Check, Edit, failed


class Mistake(NamedTuple):
    """A mistake that raises nothing by itself, the proofs that fail, and what the first says."""

    name: str
    project: str
    edits: tuple[Edit, ...]
    proofs: str
    says: str


UNCHECKED = "    check_coverage(model, groups)\n    return groups"
BY_EPOCH = Edit("module.py", '"interval": "step"', '"interval": "epoch"')
WITHOUT_ITS_CHECK = Edit(
    "train.py", "        parameter_groups(Classifier().model, dict(arguments.lr))", "        pass"
)

MISTAKES = [
    Mistake(
        "one of several optimizers that nobody steps",
        "gan",
        (Edit("module.py", "                generator.step()\n", ""),),
        "step",
        "no parameter of group generator gets a gradient",
    ),
    Mistake(
        "two optimizers over the same parameters",
        "gan",
        (Edit("optim.py", 'chosen(groups, "discriminator")', 'chosen(groups, "generator")'),),
        "coverage resume",
        "model.generator.0.weight stands 2 times in groups: Adam/generat",
    ),
    Mistake(
        "a group that is forgotten",
        "custom-two-groups",
        (Edit("optim.py", UNCHECKED, "    return groups[:1]"),),
        "coverage",
        "model.head.weight trains but is in no group, and 1 more",
    ),
    Mistake(
        "a part of the model that no group has, found by the project itself",
        "custom-two-groups",
        (
            Edit(
                "model.py",
                "        self.head =",
                "        self.extra = nn.Linear(2, 2)\n        self.head =",
            ),
        ),
        "start coverage curve step resume",
        "ValueError: extra.weight trains but is in no group",
    ),
    Mistake(
        "the same, found while the optimizer is made",
        "custom-two-groups",
        (
            Edit(
                "model.py",
                "        self.head =",
                "        self.extra = nn.Linear(2, 2)\n        self.head =",
            ),
            WITHOUT_ITS_CHECK,
        ),
        "coverage curve step resume",
        "ValueError: extra.weight trains but is in no group",
    ),
    Mistake(
        "a parameter in two groups",
        "defaults",
        (Edit("optim.py", UNCHECKED, '    return [*groups, {**groups[0], "name": "twin"}]'),),
        "coverage curve step resume",
        "ValueError: some parameters appear in more than one parameter group",
    ),
    Mistake(
        "an optimizer of another model",
        "defaults",
        (Edit("module.py", "build_optimizer(self.model", "build_optimizer(type(self.model)()"),),
        "coverage step",
        "model.backbone.0.weight trains but is in no group, and 7 more",
    ),
    Mistake(
        "a cosine over the run that moves once an epoch",
        "adamw-transformer-cosine",
        (BY_EPOCH,),
        "curve",
        "LambdaLR moves once an epoch, 10 times in the run, but it is made for 230 optimizer steps",
    ),
    Mistake(
        "OneCycleLR in the bare form, which moves once an epoch",
        "sgd-onecycle-accumulate",
        (Edit("module.py", '                "interval": "step",\n', ""),),
        "curve",
        "OneCycleLR moves once an epoch, 20 times in the run, but it is made for 460 optimizer",
    ),
    Mistake(
        "a warmup that outlasts the epochs",
        "sparseadam",
        (
            Edit(
                "optim.py",
                "    return MultiStepLR(",
                "    return torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=300)\n"
                "    return MultiStepLR(",
            ),
        ),
        "curve",
        "LinearLR moves once an epoch, 20 times in the run, and never comes to its peak",
    ),
    Mistake(
        "a rate of zero",
        "custom-two-groups",
        (Edit("optim.py", '"lr": 1e-3', '"lr": 0.0'),),
        "curve step",
        "the rate of head is zero in the whole run, and nothing in it is frozen",
    ),
    Mistake(
        "a schedule that is zero",
        "adamw-transformer-cosine",
        (Edit("optim.py", "LambdaLR(optimizer, ", "LambdaLR(optimizer, lambda step: 0.0) or ("),),
        "curve",
        "is zero in the whole run",
    ),
    Mistake(
        "a rate below zero",
        "muon-wsd",
        (Edit("optim.py", "1 - (1 - min_factor) * progress", "1 - 3 * progress"),),
        "curve",
        "the rate of hidden is -",
    ),
    Mistake(
        "a schedule that is too short for the run",
        "sgd-onecycle-accumulate",
        (Edit("optim.py", "total_steps=total_steps", "total_steps=total_steps // 2"),),
        "curve",
        "OneCycleLR fails when it is moved after step 231",
    ),
    Mistake(
        "a frozen part that moves",
        "frozen-cnn-warmup",
        (
            Edit(
                "module.py",
                "        return loss\n",
                "        self.model.stem[0].weight.data.mul_(0.99)\n        return loss\n",
            ),
        ),
        "step",
        "model.stem.0.weight is frozen, and moves",
    ),
    Mistake(
        "an optimizer that does nothing",
        "custom-two-groups",
        (Edit("custom_optimizer.py", "            self._step_group(group)", "            pass"),),
        "step",
        "model.backbone.0.weight has a gradient, and does not move",
    ),
    Mistake(
        "a part that is cut off from the loss",
        "custom-two-groups",
        (Edit("model.py", "self.head(features)", "self.head(features.detach())"),),
        "step",
        "no parameter of group backbone gets a gradient",
    ),
    Mistake(
        "a loss that is no number",
        "custom-two-groups",
        (Edit("module.py", "        return loss\n", '        return loss * float("nan")\n'),),
        "step",
        "the loss of the first batch is nan",
    ),
    Mistake(
        "an optimizer that keeps its state where no checkpoint sees it",
        "custom-two-groups",
        (
            Edit(
                "custom_optimizer.py",
                "            state = self.state[p]",
                '            state = self.__dict__.setdefault("own", {}).setdefault(p, {})',
            ),
        ),
        "resume",
        "differs after a resume, by",
    ),
    Mistake(
        "a schedule that forgets where it was",
        "muon-wsd",
        (
            Edit(
                "optim.py",
                "    return LambdaLR(",
                '    keep = {"load_state_dict": lambda self, state: None}\n'
                '    return type("Forgetful", (LambdaLR,), keep)(',
            ),
        ),
        "resume",
        "the rate of hidden is ",
    ),
    Mistake(
        "weights that no checkpoint holds",
        "custom-two-groups",
        (
            Edit(
                "module.py",
                "    def training_step(",
                "    drift = 0.0\n\n    def on_train_batch_start(self, batch: Any, batch_idx: int)"
                " -> None:\n        self.drift += 0.1\n        self.model.head.bias.data += "
                "self.drift\n\n    def training_step(",
            ),
        ),
        "resume",
        "model.head.bias differs after a resume, by",
    ),
    Mistake(
        "a checkpoint that holds more than plain values",
        "custom-two-groups",
        (
            Edit(
                "module.py",
                'checkpoint["recipe"] = self.recipe',
                'checkpoint["recipe"] = {"where": __import__("pathlib").Path()}',
            ),
        ),
        "resume",
        "UnpicklingError: Weights only load failed",
    ),
    Mistake(
        "an exit in the middle of the wiring",
        "custom-two-groups",
        (
            Edit(
                "module.py",
                "        return build_optimizer(",
                "        raise SystemExit(3)\n        return build_optimizer(",
            ),
        ),
        "coverage curve step resume",
        "SystemExit: 3",
    ),
    Mistake(
        "data that are not there",
        "custom-two-groups",
        (Edit("data.py", "        digits = load_digits()", '        digits = open("no.csv")'),),
        "start coverage curve step resume",
        "python -m digits_run.train does not start: FileNotFoundError",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.name for mistake in MISTAKES])
def test_a_mistake_fails_its_proof(mistake: Mistake, check: Check) -> None:
    found = failed(check(mistake.project, *mistake.edits))
    assert " ".join(found) == mistake.proofs, found
    assert any(mistake.says in proof.what for proof in found.values()), found
