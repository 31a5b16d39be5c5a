"""A project with every launcher, and machines that are played."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from support.projects import PACKAGE, project

SPEC: dict[str, Any] = {
    "groups": {"backbone": {"lr": 1e-3}, "head": {"lr": 3e-3}},
    "scheduler": {"name": "cosine"},
    "data": {"batch_size": 240},
    "trainer": {
        "max_epochs": 4,
        "accelerator": "cpu",
        "devices": 2,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    },
    "launchers": {"slurm": {"cpus_per_task": 1}, "torchrun": {}, "ray": {}},
}
# A rate from the command line is one of the run, whatever start it is given to.
WORDS = ("--lr=head=2e-3",)
# What befalls the first process after a batch of an epoch, once: DRILL is EPOCH:ORDER.
DRILL = '''
"""What a cluster does to a process."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl


class Drill(pl.Callback):
    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        epoch, _, order = os.environ.get("DRILL", "").partition(":")
        done = Path(os.environ.get("DRILLS", ""), f"{epoch}-{order}")
        is_meant = trainer.is_global_zero and str(trainer.current_epoch) == epoch
        if not is_meant or done.exists():
            return
        done.touch()
        if order == "signal":
            os.kill(int(os.environ["BATCH_PID"]), signal.SIGUSR1)
            time.sleep(int(epoch) and 120)
        elif order == "kill":
            os.killpg(int(os.environ["BATCH_PID"]), signal.SIGKILL)
        else:
            os.kill(os.getpid(), signal.SIGKILL)
'''
# A step of a job on one machine: a process for each task, which is told its rank.
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
export BATCH_PID=$PPID
tasks=()
for ((rank = 0; rank < SLURM_NTASKS; rank++)); do
    SLURM_PROCID=$rank SLURM_LOCALID=$rank SLURM_NODEID=0 "$@" &
    tasks+=("$!")
done
for task in "${tasks[@]}"; do wait "$task" || exit 1; done
"""
# Back into the queue: all processes of the job end at once.
SCONTROL = """#!/bin/bash
echo "$@" >> "$DRILLS/said"
kill -KILL -- "-$(ps -o pgid= -p $$ | tr -d ' ')"
"""


@dataclass(frozen=True)
class Cluster:
    """The project's folder, and what is called as if there were a cluster."""

    folder: Path
    drills: Path

    def start(self, *command: str, drill: str = "", **variables: str) -> tuple[int, str]:
        """Call a command; return its exit status and what it printed."""
        known = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "RAY", "PL_"))}
        path = f"{self.drills}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        source = os.pathsep.join([str(self.folder / "src"), os.environ.get("PYTHONPATH", "")])
        known |= {"PATH": path, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
        known |= {"DRILL": drill, "DRILLS": str(self.drills), "CUDA_VISIBLE_DEVICES": ""}
        # A process that waits for one that is dead hears of no other signal.
        known |= {"PET_SHUTDOWN_TIMEOUT": "3"}
        done = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**known, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            printed, _ = done.communicate(timeout=240)
        finally:
            if done.poll() is None:
                os.killpg(done.pid, signal.SIGKILL)
        return done.returncode, printed

    def saved(self, run: str, name: str = "last.ckpt") -> Any:
        """A checkpoint of a run."""
        return torch.load(self.folder / "runs" / run / "checkpoints" / name, weights_only=True)

    def check_equal(self, run: str, whole: str) -> None:
        """The runs ended alike: weights, optimizer, schedule, steps, and the best so far."""
        for name in ("last.ckpt", "best.ckpt"):
            one, other = self.saved(run, name), self.saved(whole, name)
            for key in ("epoch", "global_step", "lr_schedulers", "hyper_parameters", "recipe"):
                assert one[key] == other[key], key
            for key in ("state_dict", "optimizer_states"):
                assert equal(one[key], other[key]), key
        files = {path.name for path in (self.folder / "runs" / run / "checkpoints").iterdir()}
        assert files == {"last.ckpt", "best.ckpt"}
        assert best_score(one) == best_score(other)


def equal(one: Any, other: Any) -> bool:
    """Whether two states are the same, tensors by their values."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def best_score(checkpoint: Any) -> float:
    """The best value that a run knows of."""
    states = [each for each in checkpoint["callbacks"].values() if each.get("monitor")]
    return float(states[0]["best_model_score"])


def lay_out_cluster(folder: Path, drills: Path) -> Cluster:
    """The project with its drill, and the commands of a cluster."""
    project(SPEC, folder)
    source = folder / "src" / PACKAGE
    (source / "drill.py").write_text(DRILL)
    text = (source / "train.py").read_text()
    text = text.replace("*callbacks,", "*callbacks,\n            Drill(),", 1)
    imported = f"from {PACKAGE}.drill import Drill\n"
    first = f"from {PACKAGE}.data import"
    (source / "train.py").write_text(text.replace(first, imported + first, 1))
    for name, script in (("srun", SRUN), ("scontrol", SCONTROL)):
        (drills / name).write_text(script)
        (drills / name).chmod(0o755)
    return Cluster(folder, drills)
