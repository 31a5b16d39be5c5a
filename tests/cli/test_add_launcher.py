"""lightgen add launcher: an update with another name, and what it refuses."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.command import NOTHING_WRITTEN, Lightgen

SCRIPTS = {
    "slurm": "launch/slurm.sbatch",
    "torchrun": "launch/torchrun.sh",
    "ray": "launch/ray_train.py",
}


@pytest.fixture
def run(lightgen: Lightgen) -> Path:
    lightgen.done("new", "run", "--groups", "backbone:1e-4,head:1e-3")
    return lightgen.folder / "run"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "backup" not in path.parts
    }


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_launcher_comes_and_goes(lightgen: Lightgen, run: Path, kind: str) -> None:
    before = files_of(run)
    done = lightgen.done("add", "launcher", kind.upper(), "run")
    assert f"added          {SCRIPTS[kind]}" in done.out
    assert f"[launchers.{kind}]" in (run / "lightgen.toml").read_text()
    assert os.access(run / SCRIPTS[kind], os.X_OK) == (kind == "torchrun")
    assert lightgen.done("add", "launcher", kind, "run").out.startswith("nothing to update")
    again = lightgen.done("update", "run", "--set", f"launchers.{kind}=")
    assert f"deleted        {SCRIPTS[kind]}" in again.out
    now = files_of(run)
    assert {path: now[path] for path in before if not path.startswith(".lightgen/")} == {
        path: text for path, text in before.items() if not path.startswith(".lightgen/")
    }


def test_undo_takes_it_back(lightgen: Lightgen, run: Path) -> None:
    before = files_of(run)
    lightgen.done("add", "launcher", "slurm", "run", "--set", "nodes=2")
    lightgen.done("undo", "run")
    assert files_of(run) == before


def test_keys_are_those_of_the_table(lightgen: Lightgen, run: Path) -> None:
    words = ["--set", "nodes=2", "--set", "time=2-00:00:00", "--set", "mem=64G"]
    lightgen.done("add", "launcher", "slurm", "run", *words)
    text = (run / "launch/slurm.sbatch").read_text()
    assert "--nodes=2\n" in text
    assert "--time=2-00:00:00\n" in text
    words = ["--set", "use_gpu=false", "--set", "resources={tpu = 1}"]
    lightgen.done("add", "launcher", "ray", "run", *words)
    text = (run / "launch/ray_train.py").read_text()
    assert "default=False" in text
    assert '"tpu": 1' in text


def test_new_takes_a_launcher(lightgen: Lightgen) -> None:
    lightgen.done("new", "p", "--set", "launchers.slurm.nodes=2", "--set", "launchers.torchrun={}")
    assert (lightgen.folder / "p/launch/slurm.sbatch").is_file()
    assert (lightgen.folder / "p/launch/torchrun.sh").is_file()


def test_an_edited_script_merges_and_stays(lightgen: Lightgen, run: Path) -> None:
    lightgen.done("add", "launcher", "slurm", "run")
    script = run / "launch/slurm.sbatch"
    text = script.read_text().replace("set -euo", "module load cuda\nset -euo")
    script.write_text(text.replace("--time=24:00:00", "--time=08:00:00"))
    lightgen.done("update", "run", "--set", "launchers.slurm.nodes=4")
    merged = script.read_text()
    assert all(each in merged for each in ("--nodes=4", "--time=08:00:00", "module load cuda"))
    gone = lightgen.done("update", "run", "--set", "launchers.slurm=")
    assert "orphan kept    launch/slurm.sbatch" in gone.out
    assert script.read_text() == merged


def test_a_dry_run_writes_nothing(lightgen: Lightgen, run: Path) -> None:
    before = files_of(run)
    out = lightgen.done("add", "launcher", "ray", "run", "--dry-run", "--json").json
    assert not out["written"]
    assert {"path": "launch/ray_train.py", "kind": "added"}.items() <= next(
        each for each in out["files"] if each["path"] == "launch/ray_train.py"
    ).items()
    assert files_of(run) == before


def test_nothing_of_a_cluster_is_imported(lightgen: Lightgen, run: Path) -> None:
    known = set(sys.modules)
    lightgen.done("add", "launcher", "ray", "run")
    assert not {"ray", "torch.distributed.run"} & (set(sys.modules) - known)


REFUSED = [
    (["slrum"], "launcher: unknown launcher 'slrum'; did you mean 'slurm'?"),
    (["slurm", "--set", "node=2"], "launchers.slurm.node: unknown key 'node'"),
    (["slurm", "--set", "nodes=0"], "launchers.slurm.nodes: 0 is wrong"),
    (["slurm", "--set", "nodes=two"], "launchers.slurm.nodes: 'two' is wrong"),
    (["slurm", "--set", "nodes"], "--set: cannot read"),
    (["slurm", "--set", "time=soon"], "launchers.slurm.time: 'soon' is nothing that sbatch reads"),
    (["slurm", "--set", "mem=64 GB"], "launchers.slurm.mem: '64 GB' is nothing"),
    (["slurm", "--set", "partition=a;b"], "launchers.slurm.partition: 'a;b' is nothing"),
    (["torchrun", "--set", "gpus=2"], "launchers.torchrun.gpus: unknown key 'gpus'"),
    (["ray", "--set", "wokers=2"], "launchers.ray.wokers: unknown key 'wokers'; did you mean"),
    (["ray", "--set", "use_gpu=maybe"], "launchers.ray.use_gpu: 'maybe' is wrong"),
    (["ray", "--set", "resources={GPU = 2}"], "launchers.ray.resources: 2.0 of 'GPU' is no"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_bad_input_is_told(lightgen: Lightgen, run: Path, words: list[str], message: str) -> None:
    before = files_of(run)
    kind, *rest = words
    refused = lightgen("add", "launcher", kind, "run", *rest)
    assert refused.code == 2
    assert any(each.startswith(message) for each in refused.messages), refused.err
    assert NOTHING_WRITTEN in refused.err
    assert files_of(run) == before


COMBINED = [
    (["trainer.devices=2", "launchers.slurm.gpus_per_node=4"], "launchers.slurm.gpus_per_node"),
    (["trainer.num_nodes=2", "launchers.slurm.nodes=4"], "launchers.slurm.nodes"),
    (["trainer.accelerator=cpu", "launchers.slurm.gpus_per_node=1"], "launchers.slurm.gpus_per"),
    (["trainer.accelerator=gpu", "launchers.slurm.gpus_per_node=0"], "launchers.slurm.gpus_per"),
    (["trainer.devices=2", "launchers.torchrun.processes_per_node=4"], "launchers.torchrun.proc"),
    (["trainer.num_nodes=2", "launchers.torchrun.nodes=4"], "launchers.torchrun.nodes"),
    (["trainer.accelerator=cpu", "launchers.ray.use_gpu=true"], "launchers.ray.use_gpu"),
    (["trainer.strategy=fsdp", "launchers.ray={}"], "launchers.ray: ray_train.py trains with ddp"),
    (["trainer.strategy=ddp_spawn", "launchers.torchrun={}"], "launchers.torchrun: ddp_spawn"),
    (["task=gan", "launchers.torchrun={}"], "launchers.torchrun: each loss of gan"),
    (["task=transfer", "launchers.ray={}"], "launchers.ray: transfer makes the weights"),
]


@pytest.mark.parametrize(("assignments", "message"), COMBINED)
def test_what_cannot_go_together(lightgen: Lightgen, assignments: list[str], message: str) -> None:
    words = [word for each in assignments for word in ("--set", each)]
    refused = lightgen("new", "p", *words)
    assert refused.code == 2
    assert any(each.startswith(message) for each in refused.messages), refused.err


def test_no_project_is_told(lightgen: Lightgen) -> None:
    assert lightgen("add", "launcher", "slurm").code == 3
