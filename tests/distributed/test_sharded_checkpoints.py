"""A run of two processes goes on from the parts that they saved, and others can read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets  # imported once, before the children are forked
import torch
from support.projects import in_project, project
from support.ranks import on_ranks
from support.resuming import foretold

IMPORTED = (sklearn, torch)
LAST = "runs/version_0/checkpoints/last.ckpt"
SPEC: dict[str, Any] = {
    "data": {"batch_size": 240},
    "groups": {"backbone": {"freeze": "until_epoch:1"}, "head": {"lr": 1e-2}},
    "scheduler": {"name": "cosine", "warmup_steps": 2},
    "trainer": {
        "max_epochs": 2,
        "accelerator": "cpu",
        "devices": 2,
        "strategy": "fsdp2",
        "limit_val_batches": 1,
    },
}


def weights(module: Any) -> dict[str, Any]:
    """The weights, in one piece."""
    state = module.state_dict().items()
    return {name: getattr(each, "full_tensor", lambda e=each: e)().numpy() for name, each in state}


def run(*argv: str, callbacks: Sequence[Any] = ()) -> Any:
    """Train and return the Trainer."""
    from sample_run import train

    return train.train(train.parse_arguments(argv), callbacks)


def stop(at: str, argv: Sequence[str]) -> dict[str, Any]:
    """Train up to a hook; what the run has then."""
    from sample_run import train

    seen: dict[str, Any] = {}

    class Stopped(Exception):
        pass

    def halt(self: Any, trainer: Any, pl_module: Any, *_: Any) -> None:
        if at == "on_train_batch_start" or trainer.current_epoch == 1:
            seen["step"], seen["weights"] = trainer.global_step, weights(pl_module)
            groups = trainer.optimizers[0].param_groups
            seen["rates"] = {group["name"]: group["lr"] for group in groups}
            seen["states"] = len(trainer.optimizers[0].state)
            raise Stopped

    try:
        run(*argv, callbacks=[type("Stop", (train.pl.Callback,), {at: halt})()])
    except Stopped:
        return seen
    raise AssertionError("it was not stopped")


def go_on() -> dict[str, Any]:
    """Interrupt a run and resume it, in each way."""
    from sample_run import recipe

    stop("on_train_epoch_start", [])
    begin = "on_train_batch_start"
    found: dict[str, Any] = {"exact": stop(begin, [f"--ckpt-path={LAST}"])}
    try:
        run("--max-epochs=3", f"--ckpt-path={LAST}")
    except recipe.AnotherRecipeError as error:
        found["said"] = str(error)
    faster = ["--max-epochs=3", "--lr=head=0.5", f"--ckpt-path={LAST}"]
    found["schedule"] = stop(begin, [*faster, "--resume=schedule"])
    found["weights"] = stop(begin, [*faster, "--resume=weights"])
    found["resumed"] = weights(run(f"--ckpt-path={LAST}").lightning_module)
    found["whole"] = weights(run().lightning_module)
    return found


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_a_run_goes_on_from_its_parts(strategy: str, tmp_path: Path) -> None:
    made = project({**SPEC, "trainer": {**SPEC["trainer"], "strategy": strategy}}, tmp_path)
    one, other = on_ranks(made, go_on)
    for found in (one, other):
        assert same(found["resumed"], found["whole"])
        assert same(found["resumed"], one["resumed"])
        assert "schedule.total_steps was" in found["said"]
        # Only the head trained so far: the rest has no state, and gets none by resuming.
        assert found["exact"]["states"] == found["schedule"]["states"] == 2
        assert found["exact"]["step"] == found["schedule"]["step"] > 0
        assert found["schedule"]["rates"]["head"] > 10 * found["exact"]["rates"]["head"]
        assert found["weights"]["step"] == found["weights"]["states"] == 0
        assert same(found["weights"]["weights"], found["exact"]["weights"])
    if strategy == "ddp":
        return  # a checkpoint is one file, as that of one process
    three = on_ranks(made, in_three, ranks=3)
    for found in three:
        # The run has gone on meanwhile, to its end.
        assert found["step"] == 2 * one["exact"]["step"]
    saved = in_project(made, merged)
    assert same(saved, three[0]["weights"])


def in_three() -> dict[str, Any]:
    """Go on with another number of processes, whose epochs have another length."""
    from sample_run import train

    make, path = train.pl.Trainer.__init__, Path(LAST).parent / "best.ckpt"
    train.pl.Trainer.__init__ = lambda self, **options: make(self, **{**options, "devices": 3})
    return stop(
        "on_train_batch_start", ["--max-epochs=9", f"--ckpt-path={path}", "--resume=schedule"]
    )


def merged() -> dict[str, Any]:
    """The same checkpoint in one file, read in one process."""
    from sample_run import module, sharding

    sharding.merge(Path(LAST).parent / "best.ckpt", Path("merged.ckpt"))
    return weights(module.Classifier.load_from_checkpoint("merged.ckpt"))


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether weights are equal to the bit."""
    return all((one[name] == other[name]).all() for name in one | other)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_resume_plan_counts_the_steps_of_all_processes(strategy: str, tmp_path: Path) -> None:
    made = project({**SPEC, "trainer": {**SPEC["trainer"], "strategy": strategy}}, tmp_path)
    on_ranks(made, lambda: stop("on_train_epoch_start", []))
    path, longer = made / LAST, ["--max-epochs=3"]
    same, changed = in_project(
        made, lambda: (foretold(made, path, None, ()), foretold(made, path, "schedule", longer))
    )
    # In one process an epoch has twice the steps, and the length of the schedule would differ.
    assert (same.goes_on, same.processes, same.differences) == (True, 2, ())
    words = [*longer, f"--ckpt-path={path}", "--resume=schedule"]
    begun, _ = on_ranks(made, lambda: stop("on_train_batch_start", words))
    rates = {each.group: each.rates["schedule"] for each in changed.next_rates}
    assert rates == pytest.approx(begun["rates"])
    assert begun["step"] == changed.step
