"""Parts that are frozen until an epoch: ranks that part, resumed runs that freeze again.

Each test holds a wiring as one meets it, which goes wrong, and the generated one beside it: the
same measurement tells them apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torch
from support.projects import in_project, project
from support.wirings import Outcome, fit, seeded
from torch import Tensor

SPEC: dict[str, Any] = {
    "model": {"width": 16},
    "optimizer": {"name": "SGD", "lr": 0.1, "momentum": 0.9},
    "groups": {"backbone": {"freeze": "until_epoch:1"}, "head": {}},
}
BACKBONE = ("backbone.0.weight", "backbone.0.bias", "backbone.2.weight", "backbone.2.bias")


class Unfreeze(pl.callbacks.BaseFinetuning):
    """Lightning's own recipe: another group when the time has come."""

    def freeze_before_training(self, pl_module: Any) -> None:
        self.freeze(pl_module.model.backbone)

    def finetune_function(self, pl_module: Any, epoch: int, optimizer: Any) -> None:
        if epoch == 1:
            for layer in pl_module.model.backbone:
                if list(layer.parameters()):
                    self.unfreeze_and_add_param_group(layer, optimizer, lr=0.1)


def by_callback(task: Any) -> Any:
    """The task as one writes it for that callback."""

    class Naive(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = task().model

        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            inputs, labels = batch
            return torch.nn.functional.cross_entropy(self.model(inputs), labels)

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            pass

        def configure_optimizers(self) -> Any:
            trained = [p for p in self.parameters() if p.requires_grad]
            return torch.optim.SGD(trained, lr=0.1, momentum=0.9)

        def configure_callbacks(self) -> Any:
            return [Unfreeze()]

    return Naive


def both(measure: Any) -> Outcome:
    from sample_run.module import Classifier

    return measure(by_callback(Classifier)), measure(Classifier)


class Keep(pl.Callback):
    """Writes the weights of each epoch's start and of the end, of each rank."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.save(f"epoch{trainer.current_epoch}", trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.save("end", trainer, pl_module)

    def save(self, when: str, trainer: pl.Trainer, pl_module: Any) -> None:
        torch.save(pl_module.model.state_dict(), f"{when}-{trainer.global_rank}.pt")


def resting(before: str, after: str) -> list[str]:
    """What of the backbone is the same in two files."""
    first, second = torch.load(before), torch.load(after)
    return [name for name in BACKBONE if torch.equal(first[name], second[name])]


def test_two_processes_stay_together(tmp_path: Path) -> None:
    """What is frozen when DDP wraps the module is never averaged (#20340)."""

    def distance(make: Any) -> float:
        ddp = pl.strategies.DDPStrategy(start_method="fork", process_group_backend="gloo")
        fit(seeded(make), Keep(), strategy=ddp, devices=2, quiet=".*sync_dist=True.*")
        first, second = (torch.load(f"end-{rank}.pt") for rank in range(2))
        assert resting("epoch0-0.pt", "end-0.pt") == []
        return max(float((first[name] - second[name]).abs().max()) for name in BACKBONE)

    naive, ours = in_project(project(SPEC, tmp_path), lambda: both(distance))
    assert naive > 1e-3
    assert ours == 0


def test_a_resumed_run_goes_on_training(tmp_path: Path) -> None:
    """The callback freezes again when a run resumes after the epoch (#21901)."""

    def rests(make: Any) -> list[str]:
        def save() -> Any:
            return pl.callbacks.ModelCheckpoint("saved", save_last=True)

        saves = save()
        fit(seeded(make), saves, enable_checkpointing=True)
        fit(
            make(),
            Keep(),
            save(),
            enable_checkpointing=True,
            max_epochs=3,
            ckpt_path=saves.last_model_path,
        )
        return resting("epoch2-0.pt", "end-0.pt")

    naive, ours = in_project(project(SPEC, tmp_path), lambda: both(rests))
    assert naive == list(BACKBONE)
    assert ours == []


def test_parameters_of_the_same_value(tmp_path: Path) -> None:
    """The callback takes two biases of zeros for the same parameter and leaves one out."""

    def rests(make: Any) -> tuple[list[str], list[str]]:
        def zeroed() -> Any:
            task = make()
            with torch.no_grad():
                for layer in (task.model.backbone[0], task.model.backbone[2]):
                    layer.bias.zero_()
            return task

        # The one word that Lightning says.
        fit(seeded(zeroed), Keep(), quiet=".*already exist within another group.*")
        return resting("epoch0-0.pt", "epoch1-0.pt"), resting("epoch1-0.pt", "end-0.pt")

    naive, ours = in_project(project(SPEC, tmp_path), lambda: both(rests))
    assert naive == (list(BACKBONE), ["backbone.2.bias"])
    assert ours == (list(BACKBONE), [])
