"""Schedules that train with other rates than were meant, without a word.

Each test holds a wiring as one meets it, which goes wrong, and the generated one beside it: the
same measurement tells them apart.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
from support.projects import in_project, plan_of, project
from support.wirings import Outcome, Rates, fit, seeded
from torch.optim import lr_scheduler

from lightgen.problems import InputError

GROUPS = {"backbone": {"lr": 0.05}, "head": {"lr": 0.1}}
ONECYCLE: dict[str, Any] = {
    "optimizer": {"name": "SGD"},
    "groups": GROUPS,
    "scheduler": {"name": "OneCycleLR"},
    "model": {"width": 16},
}


def rates_of(make: Any, **options: Any) -> Rates:
    rates = Rates()
    fit(seeded(make), rates, **options)
    return rates


def refused(spec: dict[str, Any]) -> list[str]:
    """Where a spec is refused."""
    with pytest.raises(InputError) as caught:
        plan_of(spec)
    return [problem.where for problem in caught.value.problems]


def test_one_cycle_in_the_form_that_steps_once_an_epoch(tmp_path: Path) -> None:
    """A list of optimizers and one of schedulers: Lightning steps them by epochs (#9630)."""

    def highest_rate(make: Any) -> float:
        return max(rates_of(make, batches=10).of_group(0))

    def act() -> Outcome:
        from sample_run.module import Classifier
        from sample_run.optim import build_optimizer

        class Naive(Classifier):
            def configure_optimizers(self) -> Any:
                optimizer = build_optimizer(self.model, self.rates)
                peaks = [group["lr"] for group in optimizer.param_groups]
                total = int(self.trainer.estimated_stepping_batches)
                return [optimizer], [lr_scheduler.OneCycleLR(optimizer, peaks, total_steps=total)]

        return highest_rate(Naive), highest_rate(Classifier)

    naive, ours = in_project(project(ONECYCLE, tmp_path), act)
    assert naive < 0.2 * GROUPS["backbone"]["lr"]
    assert ours == pytest.approx(GROUPS["backbone"]["lr"], rel=0.05)


def test_one_cycle_counted_in_batches_where_gradients_accumulate(tmp_path: Path) -> None:
    """`epochs * len(loader)` steps are twice what there are: the rate stays high (#11599)."""

    def last_share(make: Any) -> float:
        rates = rates_of(make, batches=12, accumulate_grad_batches=2).of_group(0)
        return rates[-1] / max(rates)

    def act() -> Outcome:
        from sample_run.module import Classifier
        from sample_run.optim import build_optimizer

        class Naive(Classifier):
            def configure_optimizers(self) -> Any:
                optimizer = build_optimizer(self.model, self.rates)
                peaks = [group["lr"] for group in optimizer.param_groups]
                schedule = lr_scheduler.OneCycleLR(optimizer, peaks, epochs=2, steps_per_epoch=12)
                return {
                    "optimizer": optimizer,
                    "lr_scheduler": {"scheduler": schedule, "interval": "step"},
                }

        return last_share(Naive), last_share(Classifier)

    spec = {**ONECYCLE, "trainer": {"accumulate_grad_batches": 2}}
    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive > 0.6
    assert ours < 0.1


def test_one_rate_for_all_groups_in_a_schedule(tmp_path: Path) -> None:
    """A single `max_lr` takes the groups' own rates away."""

    def ratio_of_the_groups(make: Any) -> list[float]:
        rows = rates_of(make).rows
        return [head / backbone for backbone, head in rows]

    def act() -> Outcome:
        from sample_run.module import Classifier
        from sample_run.optim import build_optimizer

        class Naive(Classifier):
            def configure_optimizers(self) -> Any:
                optimizer = build_optimizer(self.model, self.rates)
                schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=8)
                return {
                    "optimizer": optimizer,
                    "lr_scheduler": {"scheduler": schedule, "interval": "step"},
                }

        return ratio_of_the_groups(Naive), ratio_of_the_groups(Classifier)

    naive, ours = in_project(project(ONECYCLE, tmp_path), act)
    assert naive == pytest.approx([1] * len(naive))
    assert ours == pytest.approx([2] * len(ours))
    max_lr = {"name": "OneCycleLR", "max_lr": 0.1}
    assert refused({**ONECYCLE, "scheduler": max_lr}) == ["scheduler.max_lr"]


def test_a_floor_above_the_rate_of_a_group(tmp_path: Path) -> None:
    """`eta_min` is absolute: a group with a lower rate is lifted to it."""
    spec: dict[str, Any] = {
        "optimizer": {"name": "SGD"},
        "groups": {"backbone": {"lr": 1e-4}, "head": {"lr": 0.1}},
        "scheduler": {"name": "cosine", "min_factor": 0.1},
        "model": {"width": 16},
    }

    def last_shares(make: Any) -> list[float]:
        rows = rates_of(make, batches=8).rows
        return [last / first for first, last in zip(rows[0], rows[-1], strict=True)]

    def act() -> Outcome:
        from sample_run.module import Classifier
        from sample_run.optim import build_optimizer

        class Naive(Classifier):
            def configure_optimizers(self) -> Any:
                optimizer = build_optimizer(self.model, self.rates)
                schedule = lr_scheduler.CosineAnnealingLR(optimizer, 16, eta_min=0.01)
                return {
                    "optimizer": optimizer,
                    "lr_scheduler": {"scheduler": schedule, "interval": "step"},
                }

        return last_shares(Naive), last_shares(Classifier)

    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive[0] > 90
    assert naive[1] == pytest.approx(0.1, rel=0.2)
    assert ours == pytest.approx([0.1, 0.1], rel=0.2)
    floor = {"name": "CosineAnnealingLR", "eta_min": 0.01}
    assert refused({**spec, "scheduler": floor}) == ["scheduler.eta_min"]


def test_a_frequency_of_steps(tmp_path: Path) -> None:
    """By steps, Lightning counts the batches of an epoch, and starts anew in each (#17544)."""
    spec: dict[str, Any] = {
        "optimizer": {"name": "SGD"},
        "scheduler": {"name": "StepLR", "step_size": 4, "gamma": 0.5, "interval": "step"},
        "model": {"width": 16},
    }

    def moves(make: Any) -> list[int]:
        """The batches before which the rate moved; every fourth step was meant."""
        rates = rates_of(make, batches=6, max_epochs=3).of_group(0)
        return [at for at in range(1, len(rates)) if rates[at] != rates[at - 1]]

    def act() -> Outcome:
        from sample_run.module import Classifier
        from sample_run.optim import build_optimizer

        class Naive(Classifier):
            def configure_optimizers(self) -> Any:
                optimizer = build_optimizer(self.model, self.rates)
                schedule = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
                wiring = {"scheduler": schedule, "interval": "step", "frequency": 4}
                return {"optimizer": optimizer, "lr_scheduler": wiring}

        return moves(Naive), moves(Classifier)

    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive == [4, 10, 16]
    assert ours == [4, 8, 12, 16]
    by_frequency = {"name": "ExponentialLR", "interval": "step", "frequency": 4}
    assert refused({**spec, "scheduler": by_frequency}) == ["scheduler.frequency"]


def test_a_plateau_of_a_metric_that_should_rise(tmp_path: Path) -> None:
    """The default direction is down: the rate is cut whenever accuracy improves."""
    plateau = {"name": "ReduceLROnPlateau", "monitor": "val/accuracy", "patience": 0}
    spec: dict[str, Any] = {"scheduler": plateau, "optimizer": {"name": "Adam", "lr": 1e-3}}

    def cuts(make: Any) -> tuple[int, bool]:
        """How often the rate was cut, and whether the metric rose in each epoch before."""
        rates, seen = Rates(), Accuracies()
        fit(seeded(make), rates, seen, batches=8, max_epochs=4, limit_val_batches=1.0)
        column = rates.of_group(0)
        rising = all(a < b for a, b in pairwise(seen.values))
        return sum(a > b for a, b in pairwise(column)), rising

    def act() -> Outcome:
        from sample_run.module import Classifier
        from sample_run.optim import build_optimizer

        class Naive(Classifier):
            def configure_optimizers(self) -> Any:
                optimizer = build_optimizer(self.model, self.rates)
                schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
                wiring = {"scheduler": schedule, "monitor": "val/accuracy"}
                return {"optimizer": optimizer, "lr_scheduler": wiring}

        return cuts(Naive), cuts(Classifier)

    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive == (2, True)
    assert ours == (0, True)
    assert refused({**spec, "scheduler": {**plateau, "mode": "min"}}) == ["scheduler.mode"]


class Accuracies(Rates):
    """Records the metric at each validation."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.values.append(float(trainer.callback_metrics["val/accuracy"]))


def test_a_warmup_in_the_step_beside_a_schedule(tmp_path: Path) -> None:
    """Both write the rate: the schedule goes on from what the warmup left (#4902)."""
    steps, warmup = 20, 5
    spec: dict[str, Any] = {
        "optimizer": {"name": "SGD", "lr": 0.1},
        "scheduler": {"name": "cosine", "warmup_steps": warmup},
        "model": {"width": 16},
    }

    def rates_after_the_warmup(make: Any) -> list[float]:
        return rates_of(make, batches=steps // 2).of_group(0)[warmup + 1 :]

    def act() -> Outcome:
        from sample_run.module import Classifier
        from sample_run.optim import build_optimizer

        class Naive(Classifier):
            def configure_optimizers(self) -> Any:
                optimizer = build_optimizer(self.model, self.rates)
                schedule = lr_scheduler.CosineAnnealingLR(optimizer, steps - warmup)
                wiring = {"scheduler": schedule, "interval": "step"}
                return {"optimizer": optimizer, "lr_scheduler": wiring}

            def optimizer_step(
                self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None
            ) -> None:
                step = self.trainer.global_step
                if step < warmup:
                    for group in optimizer.param_groups:
                        group["lr"] = 0.1 * (step + 1) / warmup
                optimizer.step(closure=optimizer_closure)

        return rates_after_the_warmup(Naive), rates_after_the_warmup(Classifier)

    naive, ours = in_project(project(spec, tmp_path), act)
    assert max(naive) < 0.08
    assert max(ours) == pytest.approx(0.1, rel=0.02)
    assert ours == sorted(ours, reverse=True)
    assert naive != sorted(naive, reverse=True)


def test_the_rate_that_is_shown_of_a_cycle(tmp_path: Path) -> None:
    """A cycle writes a fraction of the peak into the groups: what is shown is the peak."""
    spec: dict[str, Any] = {
        "optimizer": {"name": "SGD", "lr": 0.1},
        "scheduler": {"name": "OneCycleLR"},
        "model": {"width": 16},
    }

    def act() -> Outcome:
        from sample_run.model import Network
        from sample_run.optim import build_optimizer, build_scheduler, describe_groups

        groups = build_optimizer(Network(), {})
        build_scheduler(groups, 10)
        return groups.param_groups[0]["initial_lr"], describe_groups(groups.param_groups)

    initial, shown = in_project(project(spec, tmp_path), act)
    assert initial == pytest.approx(0.1 / 25)
    assert " 0.1 " in shown
    assert "0.004" not in shown
