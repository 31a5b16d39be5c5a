"""A run that a cluster cuts ends as one that nothing cuts: SLURM and torchrun, played dry.

What is played: `srun` and `scontrol`. What is real: the scripts, the signal, two processes that
train together, their checkpoints.
"""

from __future__ import annotations

import os

from support.dry_cluster import WORDS, Cluster

# Lightning makes a port of the last digits.
JOB = str(1_000_000 + os.getpid() % 10_000)


def job(tasks: int, name: str = JOB, restarts: int = 0) -> dict[str, str]:
    """What SLURM tells a job."""
    return {
        "SLURM_JOB_ID": name,
        "SLURM_JOB_NAME": "sample-run",
        "SLURM_NTASKS": str(tasks),
        "SLURM_NTASKS_PER_NODE": str(tasks),
        "SLURM_NNODES": "1",
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_CPUS_PER_TASK": "1",
        "SLURM_NODELIST": "127.0.0.1",
        "SLURM_RESTART_COUNT": str(restarts),
    }


def test_two_processes_of_torchrun_are_one_run(cluster: Cluster, whole: str) -> None:
    folder = cluster.folder / "runs" / whole
    assert {path.name for path in folder.iterdir()} == {"checkpoints", "version_0"}
    assert cluster.saved(whole)["global_step"] == 4 * 3  # 719 samples for each process


def test_torchrun_starts_again_from_the_checkpoint(cluster: Cluster, whole: str) -> None:
    status, printed = cluster.start(
        "bash", "launch/torchrun.sh", *WORDS, RUN_NAME="torn", drill="2:die"
    )
    assert status == 0, printed[-4000:]
    assert (cluster.drills / "2-die").exists()
    cluster.check_equal("torn", whole)
    assert (cluster.folder / "runs/torn/version_1/metrics.csv").is_file()


def test_a_job_that_is_requeued_and_killed_ends_as_if_not(cluster: Cluster, whole: str) -> None:
    script = ("bash", "launch/slurm.sbatch", *WORDS)
    status, printed = cluster.start(*script, drill="1:signal", **job(2))
    assert status == -9, printed[-4000:]
    assert (cluster.drills / "said").read_text() == f"requeue {JOB}\n"
    # A preemption without a word.
    status, printed = cluster.start(*script, drill="3:kill", **job(2, restarts=1))
    assert status == -9, printed[-4000:]
    assert cluster.saved(f"slurm-{JOB}")["epoch"] == 2
    status, printed = cluster.start(*script, **job(2, restarts=2))
    assert status == 0, printed[-4000:]
    cluster.check_equal(f"slurm-{JOB}", whole)
    folder = cluster.folder / "runs" / f"slurm-{JOB}"
    logs = {path.name for path in folder.glob("version_*")}
    assert logs == {"version_0", "version_1", "version_2"}
    # Lightning's own way of requeueing did not come into it.
    assert not list(cluster.folder.glob("hpc_ckpt*"))


def test_a_job_that_comes_no_farther_is_not_requeued(cluster: Cluster) -> None:
    name = JOB[:-1]
    words = ("--max-epochs=1", "--devices=1")
    status, printed = cluster.start(
        "bash", "launch/slurm.sbatch", *words, drill="0:signal", **job(1, name)
    )
    assert status == 0, printed[-4000:]
    assert "error: not requeued: --time is up before the first checkpoint" in printed
    said = cluster.drills / "said"
    assert not said.exists() or name not in said.read_text().split()
    assert cluster.saved(f"slurm-{name}")["epoch"] == 0


def test_without_sbatch_it_says_so(cluster: Cluster) -> None:
    variables = {key: value for key, value in job(1).items() if key != "SLURM_JOB_ID"}
    status, printed = cluster.start("bash", "launch/slurm.sbatch", **variables)
    assert status == 1
    assert "submit it with sbatch" in printed


def test_several_machines_need_a_name_and_a_meeting_place(cluster: Cluster) -> None:
    start = ("bash", "launch/torchrun.sh")
    status, printed = cluster.start(*start, NNODES="2")
    assert status == 1
    assert "RUN_NAME: name the run" in printed
    status, printed = cluster.start(*start, NNODES="2", RUN_NAME="a")
    assert status == 1
    assert "RDZV_ENDPOINT: name one of the machines" in printed
