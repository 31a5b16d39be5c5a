"""`lightgen resume-plan`: what is foretold is what the Trainer does, for wirings of all kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning  # noqa: F401  imported once, before the children are forked
import sklearn.datasets  # noqa: F401
import tensorboard  # noqa: F401
from support.checks import Edit, copy_golden
from support.projects import in_project, project
from support.resuming import checkpoint_of, must_agree, resumptions

LONGER = ["--max-epochs=5", "--max-steps=-1"]
SMALL: dict[str, Any] = {"model": {"width": 16}, "data": {"batch_size": 480}}
TWO = {"backbone": {"name": "SGD", "lr": 0.1}, "head": {"name": "AdamW", "lr": 1e-3}}


@pytest.mark.parametrize(
    "name, edits",
    [
        (
            "two-optimizers",
            [
                Edit("optim.py", '"lr": 0.05', '"lr": 0.02'),
                Edit("optim.py", "step_size=10", "step_size=1"),
            ],
        ),
        (
            "gan",
            [
                Edit("optim.py", "warmup_steps: int = 50", "warmup_steps: int = 5"),
                Edit("optim.py", '"lr": 2e-3', '"lr": 1e-3'),
            ],
        ),
    ],
)
def test_several_optimizers(name: str, edits: list[Edit], tmp_path: Path) -> None:
    checkpoint = checkpoint_of(copy_golden(name, tmp_path / "before"))
    changed = copy_golden(name, tmp_path / "after", *edits)
    found = resumptions(changed, checkpoint, *LONGER)
    for choice, (foretold, began) in found.items():
        must_agree(foretold, began, choice)
    assert not found[None][0].goes_on
    rates = [each.rates for each in found["schedule"][0].next_rates]
    # The schedule of one stands where its own steps are, and both ways lead elsewhere.
    assert rates[1]["schedule"] not in (rates[1]["exact"], rates[1]["weights"])


def test_another_number_of_optimizers(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(project({**SMALL, "optimizers": TWO}, tmp_path / "before"))
    one = project({**SMALL, "optimizer": {"name": "AdamW"}}, tmp_path / "after")
    found = resumptions(one, checkpoint, *LONGER)
    for choice, (foretold, began) in found.items():
        must_agree(foretold, began, choice)
    assert [choice for choice, (_, began) in found.items() if not began.stopped] == ["weights"]
    assert "2 optimizers, the code has 1" in found[None][1].stopped


def test_a_schedule_that_rests_for_epochs(tmp_path: Path) -> None:
    slow = {"name": "StepLR", "step_size": 1, "gamma": 0.5, "frequency": 2}
    before = project({**SMALL, "scheduler": slow}, tmp_path / "before")
    after = project({**SMALL, "scheduler": {**slow, "gamma": 0.1}}, tmp_path / "after")
    found = resumptions(after, checkpoint_of(before), *LONGER)
    for choice, (foretold, began) in found.items():
        must_agree(foretold, began, choice)
    rates = found["schedule"][0].next_rates[0].rates
    assert rates["schedule"] == pytest.approx(0.1 * rates["weights"])


@pytest.mark.parametrize(
    "before, after",
    [
        ({"name": "AdamW"}, {"amsgrad": True}),
        ({"name": "RMSprop"}, {"centered": True, "momentum": 0.9}),
        ({"name": "SGD", "lr": 0.1}, {"momentum": 0.9}),
    ],
)
def test_a_setting_with_a_state_of_its_own(
    before: dict[str, Any], after: dict[str, Any], tmp_path: Path
) -> None:
    """It is switched on: torch's step would look for a state that no checkpoint has."""
    first = project({**SMALL, "optimizer": before}, tmp_path / "before")
    second = project({**SMALL, "optimizer": {**before, **after}}, tmp_path / "after")
    checkpoint = checkpoint_of(first)
    foretold, began = resumptions(second, checkpoint, *LONGER, choices=["schedule"])["schedule"]
    must_agree(foretold, began, "schedule")

    def train() -> int:
        from sample_run.train import parse_arguments, train

        words = [f"--ckpt-path={checkpoint}", "--resume=schedule", "--max-epochs=3"]
        return int(train(parse_arguments(words)).current_epoch)

    assert in_project(second, train) == 3


def test_a_rate_that_a_schedule_changes_in_place(tmp_path: Path) -> None:
    tensor = Edit(
        "optim.py",
        "    override_rates(groups, rates)\n",
        "    override_rates(groups, rates)\n    for group in groups:\n"
        '        group["lr"] = torch.tensor(group["lr"])\n',
    )
    root = copy_golden("adamw-transformer-cosine", tmp_path, tensor)
    checkpoint = checkpoint_of(root, "--max-epochs=5")
    found = resumptions(root, checkpoint, "--max-epochs=5")
    for choice, (foretold, began) in found.items():
        must_agree(foretold, began, choice)
    assert found[None][0].goes_on
