"""Ray Train with two workers on this machine: one is lost, and the run ends as if it had not."""

from __future__ import annotations

import sys

import pytest
from support.dry_cluster import WORDS, Cluster

pytest.importorskip("ray", reason="Ray is not installed")

# What a cluster has: enough for two workers, and nothing that listens.
START = """
import runpy
import sys

import ray

ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20)
sys.argv = ["ray_train.py", *sys.argv[1:]]
runpy.run_path("launch/ray_train.py", run_name="__main__")
"""


def test_a_lost_worker_is_started_again_from_the_checkpoint(cluster: Cluster, whole: str) -> None:
    store = cluster.folder / "store"
    words = [*WORDS, "--run-name=ray", "--workers=2", f"--storage={store}", "--no-gpu"]
    status, printed = cluster.start(
        sys.executable,
        "-c",
        START,
        *words,
        drill="2:ray",
        RAY_AUTH_MODE="disabled",
        RAY_USAGE_STATS_ENABLED="0",
        HOME=str(cluster.drills),
    )
    assert status == 0, printed[-6000:]
    assert (cluster.drills / "2-ray").exists()
    cluster.check_equal("ray", whole)
    assert "val/accuracy " in printed
    # What Ray has stored last is the run's folder as it ended.
    stored = max((store / "ray").glob("checkpoint_*/"), key=lambda path: path.name)
    last = stored / "checkpoints/last.ckpt"
    assert last.read_bytes() == (cluster.folder / "runs/ray/checkpoints/last.ckpt").read_bytes()


def test_what_is_wrong_is_told_before_a_worker_starts(cluster: Cluster) -> None:
    status, printed = cluster.start(sys.executable, "launch/ray_train.py", "--max-epocs=2")
    assert status == 2
    assert "unrecognized arguments: --max-epocs=2" in printed
