"""Schedules of other packages on the command line: what is refused, dropped and not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Lightgen

TIMM = "scheduler.name=timm.scheduler.CosineLRScheduler"
COSINE = "scheduler.name=transformers.get_cosine_schedule_with_warmup"
# KEY=VALUE of --set, several joined by a space, and the message.
REFUSED = {
    "scheduler.name=transformers.": "scheduler.name: 'transformers.' has an empty part; "
    "write it as it is imported",
    "scheduler.name=transformers.get_scheduler": "scheduler.name: transformers.get_scheduler: "
    "it takes no optimizer alone; name the schedule itself by its path",
    "scheduler.name=timm.scheduler.PlateauLRScheduler": "scheduler.name: "
    "timm.scheduler.PlateauLRScheduler: timm removes it, and keeps neither patience nor cooldown "
    "in a checkpoint; use ReduceLROnPlateau with factor, patience and cooldown",
    f"{COSINE} scheduler.num_warmup_step=3": "scheduler.num_warmup_step: "
    "transformers.get_cosine_schedule_with_warmup has no argument 'num_warmup_step'; "
    "did you mean 'num_warmup_steps'?",
    f"{COSINE} scheduler.num_warmup_steps=-3": "scheduler.num_warmup_steps: -3 is less than 0; "
    "it takes [0, inf)",
    f"{COSINE} scheduler.warmup_steps=3": "scheduler.warmup_steps: "
    "transformers.get_cosine_schedule_with_warmup has a rise of its own; "
    "set scheduler.num_warmup_steps",
    f"{COSINE} scheduler.monitor=val/loss": "scheduler.monitor: "
    "transformers.get_cosine_schedule_with_warmup reads no metric; remove monitor",
    f"{COSINE} scheduler.num_training_steps=total_steps scheduler.interval=epoch": "scheduler."
    "interval: num_training_steps = 'total_steps' does not go with the interval 'epoch'; "
    "a schedule that moves once a step has its lengths in steps",
    f"{TIMM} scheduler.t_in_epochs=false scheduler.interval=epoch": "scheduler.interval: "
    "t_in_epochs = false does not go with the interval 'epoch'; "
    "a schedule that moves once a step has its lengths in steps",
    f"{COSINE} scheduler.interval=epoch": "scheduler.interval: "
    "transformers.get_cosine_schedule_with_warmup counts steps: "
    "an epoch at a rate of zero would train nothing; remove it",
    f"{TIMM} scheduler.warmup_t=2 scheduler.warmup_lr_init=0": "scheduler.warmup_lr_init: "
    "an epoch at a rate of zero would train nothing; remove it, or set interval = 'step'",
    f"{TIMM} scheduler.lr_min=0.1": "scheduler.lr_min: the floor 0.1 is not below the rate of "
    "group 'all' (0.001) and would lift it; lower it, or use cosine with min_factor, a fraction",
    f"{TIMM} scheduler.warmup_lr_init=0.1": "scheduler.warmup_lr_init: the start 0.1 is not below "
    "the rate of group 'all' (0.001) and would lift it; "
    "lower it, or use cosine with min_factor, a fraction",
    "scheduler.name=transformers.get_cosine_with_min_lr_schedule_with_warmup "
    "scheduler.min_lr=1e-5": "scheduler.min_lr: "
    "it becomes a share of the class's default rate, not of a group's; "
    "set min_lr_rate, a fraction",
    "scheduler.name=pytorch_optimizer.REXScheduler groups.backbone.lr=0.1 groups.head.lr=0.2": ""
    "scheduler.name: pytorch_optimizer.REXScheduler gives one rate to every group, and would erase "
    "the groups' own; use another schedule, or one rate",
    "scheduler.name=mine.Schedule scheduler.a=total_steps scheduler.b=total_epochs": "scheduler."
    "interval: a = 'total_steps', b = 'total_epochs' does not go with the interval "
    "'epoch and step'; a schedule that moves once a step has its lengths in steps",
    "scheduler.name=SequentialLR "
    'scheduler.schedulers=[{name="LinearLR"},{name="mine.Schedule"}] '
    "scheduler.milestones=[5]": "scheduler.schedulers.1.name: mine.Schedule inside SequentialLR: "
    "a schedule by its path stands alone; use it alone, or choose another part",
}


def flags(assignments: str) -> list[str]:
    return [word for each in assignments.split() for word in ("--set", each)]


@pytest.mark.parametrize("assignments", REFUSED)
def test_a_schedule_that_cannot_work_is_refused(lightgen: Lightgen, assignments: str) -> None:
    outcome = lightgen("new", "run", *flags(assignments))
    assert outcome.code == 2
    assert REFUSED[assignments] in " ".join(outcome.err.replace("\n  ", "; ").split())
    assert lightgen.files() == set()


def test_an_unknown_path_moves_once_an_epoch_unless_its_lengths_are_steps(
    lightgen: Lightgen, tmp_path: Path
) -> None:
    outcome = lightgen.done("new", "run", "--scheduler", "mine.Schedule")
    assert "mine.Schedule is moved once an epoch; set scheduler.interval" in outcome.err
    outcome = lightgen.done("update", "run", "--scheduler", "timm.scheduler.CosineLRSchedule")
    assert "did you mean 'timm.scheduler.CosineLRScheduler'? timm.scheduler." in outcome.err
    outcome = lightgen.done("update", "run", "--scheduler", "mine.Schedule")
    outcome = lightgen.done("update", "run", "--set", "scheduler.length=total_steps")
    assert "moved once an epoch" not in outcome.err
    outcome = lightgen.done("update", "run", "--scheduler", "other.Schedule")
    assert outcome.notes[0] == "other.Schedule is another one: scheduler.length is dropped"
    outcome = lightgen.done("update", "run", "--scheduler", "timm.scheduler.TanhLRScheduler")
    outcome = lightgen.done("update", "run", *flags("scheduler.warmup_t=2 scheduler.lb=-6"))
    outcome = lightgen.done("update", "run", "--scheduler", "timm.scheduler.CosineLRScheduler")
    assert outcome.notes == [
        "timm.scheduler.CosineLRScheduler has no argument lb: scheduler.lb is dropped"
    ]


def test_nothing_that_a_spec_names_is_imported(tmp_path: Path) -> None:
    package = tmp_path / "trap"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    words = ["new", "run", "--scheduler", "trap.Schedule", "--set", "model.name=trap.Network"]
    words = [*words, "--set", "data.name=trap.Data"]
    again = ["update", "run", "--scheduler", "timm.scheduler.CosineLRScheduler"]
    code = (
        "import sys; from lightgen.cli.entry import run\n"
        f"for words in {[words, again]}:\n"
        "    sys.argv = ['lightgen', *words]\n"
        "    try: run()\n    except SystemExit as stop: assert not stop.code, stop.code\n"
        "slow = 'torch trap timm transformers pytorch_optimizer geoopt heavyball schedulefree'\n"
        "print('loaded:', *(name for name in slow.split() if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["loaded:"], done.stderr
