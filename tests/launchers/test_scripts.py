"""The scripts are what bash and sbatch read, whatever a spec says."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.projects import plan_of
from support.sbatch import sbatch_options

from lightgen.problems import InputError
from lightgen.render.launchers import launcher_files

SLURM, TORCHRUN, RAY = "launch/slurm.sbatch", "launch/torchrun.sh", "launch/ray_train.py"
FULL = {
    "nodes": 4,
    "gpus_per_node": 8,
    "cpus_per_task": 12,
    "time": "2-12:00:00",
    "partition": "gpu,long",
    "account": "my-group",
    "qos": "high",
    "constraint": "a100|h100",
    "mem": "480G",
}


def rendered(**launchers: Any) -> dict[str, str]:
    trainer = launchers.pop("trainer", {})
    return launcher_files(plan_of({"launchers": launchers, "trainer": trainer}))


def bash_reads(text: str, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(text)
    subprocess.run(["bash", "-n", tmp_path / "script"], check=True)


@pytest.mark.parametrize("table", [{}, FULL, {"gpus_per_node": 0}, {"time": 90, "mem": 4000}])
def test_sbatch_reads_the_options(table: dict[str, Any], tmp_path: Path) -> None:
    text = rendered(slurm=table)[SLURM]
    bash_reads(text, tmp_path)
    options = sbatch_options(text)
    assert options["nodes"] == str(table.get("nodes", 1))
    gpus = table.get("gpus_per_node", 1)
    # Lightning's SLURMEnvironment wants a task for each device.
    assert options["ntasks-per-node"] == str(gpus or 1)
    assert options.get("gpus-per-node") == (str(gpus) if gpus else None)
    assert options["signal"] == "B:USR1@90"
    assert "requeue" in options
    for key in ("partition", "account", "qos", "constraint", "mem", "time"):
        if key in table:
            assert options[key] == str(table[key])
        elif key != "time":
            assert key not in options


def test_the_devices_of_the_trainer_are_the_tasks() -> None:
    trainer = {"accelerator": "cpu", "devices": 2, "num_nodes": 3}
    files = rendered(slurm={}, torchrun={}, ray={}, trainer=trainer)
    options = sbatch_options(files[SLURM])
    assert (options["nodes"], options["ntasks-per-node"]) == ("3", "2")
    assert "gpus-per-node" not in options
    assert 'nodes="${NNODES:-3}"' in files[TORCHRUN]
    assert 'processes="${NPROC_PER_NODE:-2}"' in files[TORCHRUN]
    assert '"--workers", type=int, default=6' in files[RAY]


@pytest.mark.parametrize("package", ["bash", "interactive"])
def test_no_job_is_taken_for_a_shell(package: str) -> None:
    plan = plan_of({"project": {"package": package}, "launchers": {"slurm": {}}})
    assert sbatch_options(launcher_files(plan)[SLURM])["job-name"] == f"{package}-run"


@pytest.mark.parametrize("table", [{}, {"nodes": 2, "processes_per_node": 4}])
def test_bash_reads_torchrun(table: dict[str, Any], tmp_path: Path) -> None:
    bash_reads(rendered(torchrun=table)[TORCHRUN], tmp_path)


HOSTILE = ["a b", "a;b", "$(id)", "`id`", "a\n#SBATCH --uid=0", "'a'", '"', "a\0", "-x", "", "ä"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("key", ["partition", "account", "qos", "constraint", "mem", "time"])
def test_no_text_breaks_out_of_the_batch_script(key: str, value: str) -> None:
    if key == "constraint" and value == "-x":
        value = "-x y"
    with pytest.raises(InputError, match=f"launchers.slurm.{key}"):
        rendered(slurm={key: value})


@pytest.mark.parametrize("storage", ["/a b/$(id)", "'\"", "s3://runs/{x}", "\\"])
def test_a_place_for_ray_stays_a_text(storage: str) -> None:
    text = rendered(ray={"storage": storage})[RAY]
    namespace: dict[str, Any] = {}
    line = next(line for line in text.splitlines() if '"--storage"' in line)
    exec(
        f"def add(name, default, **_): found = default; globals()['found'] = found\n{line.strip()}",
        namespace,
    )
    assert namespace["found"] == storage
