"""Steps written by hand for several optimizers: what Lightning no longer does goes wrong quietly.

Each test holds a wiring as one meets it, which goes wrong, and the generated one beside it: the
same measurement tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torch
from pytorch_lightning.plugins import MixedPrecision
from support.projects import in_project, plan_of, project
from support.wirings import Outcome, Rates, fit, seeded
from torch import Tensor, nn
from torch.optim import lr_scheduler

from lightgen.problems import InputError

LIMIT = 0.01


def spec_of(body: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
    """Two optimizers on one loss."""
    return {
        "model": {"width": 16},
        "optimizers": {
            "body": {"name": "SGD", "lr": 0.1, "groups": {"backbone": {}}, **body},
            "head": {"name": "SGD", "lr": 0.1, "groups": {"head": {}}, **head},
        },
    }


def by_hand(task: Any) -> Any:
    """The task as tutorials have it: `step` is what they do with the loss."""

    class ByHand(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.model = task().model

        def training_step(self, batch: Any, batch_idx: int) -> None:
            inputs, labels = batch
            self.step(nn.functional.cross_entropy(self.model(inputs), labels), batch_idx)

        def step(self, loss: Tensor, batch_idx: int) -> None:
            body, head = self.optimizers()
            body.zero_grad()
            head.zero_grad()
            self.manual_backward(loss)
            body.step()
            head.step()

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            pass

        def configure_optimizers(self) -> Any:
            return [
                torch.optim.SGD(self.model.backbone.parameters(), lr=0.1),
                torch.optim.SGD(self.model.head.parameters(), lr=0.1),
            ]

    return ByHand


class Gradients(pl.Callback):
    """Keeps the norm of what each step of an optimizer gets."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.norms: list[float] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        def keep(optimizer: Any, *_: Any) -> None:
            grads = [p.grad for group in optimizer.param_groups for p in group["params"]]
            self.norms.append(float(nn.utils.get_total_norm(grads)))

        trainer.optimizers[self.at].register_step_pre_hook(keep)


def half(**options: Any) -> MixedPrecision:
    """Half precision with a scaler, as on a GPU."""
    return MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", **options))


def test_clipping_of_scaled_gradients(tmp_path: Path) -> None:
    """In `training_step` gradients are still scaled: next to nothing is left of them (#18089)."""

    def first_norm(make: Any) -> float:
        gradients = Gradients()
        fit(seeded(make), gradients, plugins=[half(init_scale=2.0**12)], max_epochs=1)
        return gradients.norms[0]

    def act() -> Outcome:
        from sample_run.module import Classifier

        class Naive(by_hand(Classifier)):  # type: ignore[misc]
            def step(self, loss: Tensor, batch_idx: int) -> None:
                body, head = self.optimizers()
                body.zero_grad()
                head.zero_grad()
                self.manual_backward(loss)
                self.clip_gradients(body, LIMIT, "norm")
                body.step()
                head.step()

        return first_norm(Naive), first_norm(Classifier)

    spec = spec_of({"gradient_clip_val": LIMIT}, {})
    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive < LIMIT / 1000
    assert ours == pytest.approx(LIMIT, rel=1e-2)


def test_steps_that_count_every_optimizer(tmp_path: Path) -> None:
    """`max_steps` of the Trainer counts the steps of all optimizers (#17958)."""

    def batches(run: Callable[[pl.Callback], Any]) -> int:
        seen = Rates()
        run(seen)
        return len(seen.rows)

    def act() -> Outcome:
        from sample_run.module import Classifier
        from sample_run.train import parse_arguments, train

        naive = by_hand(Classifier)
        return (
            batches(lambda seen: fit(naive(), seen, batches=30, max_epochs=-1, max_steps=12)),
            batches(lambda seen: train(parse_arguments(["--max-steps=12"]), [seen])),
        )

    naive, ours = in_project(project(spec_of({}, {}), tmp_path), act)
    assert naive == 6
    assert ours == 12


def test_a_least_length_that_holds_back_the_end(tmp_path: Path) -> None:
    """`should_stop` waits for `min_epochs`, where `max_steps` of the Trainer does not."""

    def batches() -> int:
        from sample_run.train import parse_arguments, train

        seen = Rates()
        train(parse_arguments(["--max-steps=5"]), [seen])
        return len(seen.rows)

    def act() -> Outcome:
        from sample_run import module, train

        ours = batches()

        class Naive(module.Classifier):  # type: ignore[name-defined, misc]
            def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
                if self.trainer.fit_loop.total_batch_idx + 1 == self.max_batches:
                    self.trainer.should_stop = True

        train.Classifier = Naive
        return batches(), ours

    spec = {**spec_of({}, {}), "data": {"batch_size": 480}, "trainer": {"min_epochs": 3}}
    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive == 9
    assert ours == 5


def test_a_stop_that_waits_ends_nothing_yet(tmp_path: Path) -> None:
    """Early stopping that `min_epochs` holds back would make each batch a step of its own."""

    def steps(make: Any) -> int:
        """The steps of the first optimizer in an epoch of eight batches, told to stop at once."""
        gradients = Gradients()

        class Stop(pl.Callback):
            def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
                trainer.should_stop = True

        quiet = "Trainer was signaled to stop"
        stopped = (gradients, Stop())
        fit(seeded(make), *stopped, batches=8, quiet=quiet, min_epochs=1, max_epochs=1)
        return len(gradients.norms)

    def act() -> Outcome:
        from sample_run.module import Classifier

        class Naive(by_hand(Classifier)):  # type: ignore[misc]
            def step(self, loss: Tensor, batch_idx: int) -> None:
                body, head = self.optimizers()
                self.manual_backward(loss / 4)
                if (batch_idx + 1) % 4 == 0 or self.trainer.should_stop:
                    for each in (body, head):
                        each.step()
                        each.zero_grad()

        return steps(Naive), steps(Classifier)

    accumulate = {"accumulate_grad_batches": 4}
    naive, ours = in_project(project(spec_of(accumulate, accumulate), tmp_path), act)
    assert naive == 8
    assert ours == 2


def test_what_an_epoch_ends_in_the_middle_of(tmp_path: Path) -> None:
    """Gradients of the last, uneven batches wait, and are added to those of the next epoch."""

    def left_over(make: Any) -> list[bool]:
        """Whether gradients wait at the start of each epoch."""
        found: list[bool] = []

        class Look(pl.Callback):
            def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
                parameters = pl_module.model.backbone.parameters()
                found.append(any(p.grad is not None for p in parameters))

        fit(seeded(make), Look(), batches=5, limit_val_batches=0)
        return found

    def act() -> Outcome:
        from sample_run.module import Classifier

        class Naive(by_hand(Classifier)):  # type: ignore[misc]
            def step(self, loss: Tensor, batch_idx: int) -> None:
                body, head = self.optimizers()
                self.manual_backward(loss / 4)
                if (batch_idx + 1) % 4 == 0:
                    for each in (body, head):
                        each.step()
                        each.zero_grad()

        return left_over(Naive), left_over(Classifier)

    accumulate = {"accumulate_grad_batches": 4}
    naive, ours = in_project(project(spec_of(accumulate, accumulate), tmp_path), act)
    assert naive == [False, True]
    assert ours == [False, False]


def test_a_schedule_that_nobody_moves(tmp_path: Path) -> None:
    """Written by hand, `interval` is no more than a word: nothing moves the schedule (#8104)."""

    def last_share(make: Any) -> float:
        rates = Rates()
        fit(seeded(make), rates, batches=10)
        return rates.rows[-1][0] / rates.rows[0][0]

    def act() -> Outcome:
        from sample_run.module import Classifier

        class Naive(by_hand(Classifier)):  # type: ignore[misc]
            def configure_optimizers(self) -> Any:
                body, head = super().configure_optimizers()
                schedule = lr_scheduler.CosineAnnealingLR(body, 20)
                wiring = {"scheduler": schedule, "interval": "step"}
                return [{"optimizer": body, "lr_scheduler": wiring}, {"optimizer": head}]

        return last_share(Naive), last_share(Classifier)

    spec = spec_of({"scheduler": {"name": "CosineAnnealingLR", "interval": "step"}}, {})
    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive == 1
    assert ours < 0.05


def test_steps_that_the_trainer_does_not_see(tmp_path: Path) -> None:
    """Around Lightning's optimizers the count stays 0, and no checkpoint is written (#17281)."""

    def saved(make: Any) -> tuple[int, bool]:
        saver = pl.callbacks.ModelCheckpoint(make.__name__)
        trainer = fit(seeded(make), saver, enable_checkpointing=True, max_epochs=1)
        return trainer.global_step, Path(make.__name__).is_dir()

    def act() -> Outcome:
        from sample_run.module import Classifier

        class Naive(by_hand(Classifier)):  # type: ignore[misc]
            def optimizers(self, use_pl_optimizer: bool = True) -> Any:
                return super().optimizers(use_pl_optimizer=False)

        return saved(Naive), saved(Classifier)

    naive, ours = in_project(project(spec_of({}, {}), tmp_path), act)
    assert naive == (0, False)
    assert ours == (8, True)


def test_a_validation_between_the_batches_of_a_step(tmp_path: Path) -> None:
    """Written by hand, what was added up is lost: a validation clears all gradients."""

    def share(make: Any) -> float:
        """The norm of the first step's gradients, of what it is without a validation."""
        norms = []
        for every in (2, 4):
            gradients = Gradients()
            fit(seeded(make), gradients, val_check_interval=every, max_epochs=1)
            norms += gradients.norms
        return norms[0] / norms[1]

    def act() -> Outcome:
        from sample_run.module import Classifier

        class Naive(by_hand(Classifier)):  # type: ignore[misc]
            def step(self, loss: Tensor, batch_idx: int) -> None:
                body, head = self.optimizers()
                self.manual_backward(loss / 4)
                if (batch_idx + 1) % 4 == 0:
                    for each in (body, head):
                        each.step()
                        each.zero_grad()

        return share(Naive), share(Classifier)

    accumulate = {"accumulate_grad_batches": 4}
    naive, ours = in_project(project(spec_of(accumulate, accumulate), tmp_path), act)
    assert naive < 0.7
    assert ours == 1


def test_a_scale_that_changes_between_two_steps(tmp_path: Path) -> None:
    """Each optimizer's step updates the scale: the next one divides the same loss by another."""

    def share(make: Any) -> float:
        """The norm of the second optimizer's gradients, of what it is without a scale."""
        norms = []
        for plugins in ([half(growth_interval=1)], []):
            gradients = Gradients(at=1)
            fit(seeded(make), gradients, plugins=plugins, max_epochs=1, batches=1)
            norms += gradients.norms
        return norms[0] / norms[1]

    def act() -> float:
        from sample_run.module import Classifier

        return share(by_hand(Classifier))

    spec = spec_of({}, {})
    assert in_project(project(spec, tmp_path), act) == pytest.approx(0.5, rel=0.01)
    with pytest.raises(InputError) as caught:
        plan_of({**spec, "trainer": {"precision": "16-mixed"}})
    assert [each.where for each in caught.value.problems] == ["trainer.precision"]
