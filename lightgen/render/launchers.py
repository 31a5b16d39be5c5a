"""What starts the training on a cluster, and what train.py takes from it."""

from __future__ import annotations

from lightgen.plan.launchers import LaunchersPlan, SlurmPlan
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.strategies import whole_checkpoint
from lightgen.render.values import argument_value, lightning_root, resume_tolerance
from lightgen.source import Identifier, Source, block, indent, literal

SLURM, TORCHRUN, RAY = "launch/slurm.sbatch", "launch/torchrun.sh", "launch/ray_train.py"
TEST = "tests/test_launch.py"
EXECUTABLE = (TORCHRUN,)
_SHELL = {"slurm": SLURM, "torchrun": TORCHRUN}
# Ray Train that starts workers as this script takes for granted.
RAY_REQUIREMENT = "ray[train]>=2.51"
_NO_HOLES = ("launch_flags", "launch_named", "launch_go_on")


def launcher_files(plan: Plan) -> dict[str, str]:
    """The launchers that the spec names, and their tests."""
    launchers, package = plan.launchers, Identifier(plan.package)
    files = {}
    if launchers.slurm:
        holes = {"package": package, "options": _sbatch_options(launchers.slurm)}
        files[SLURM] = fill(f"project/{SLURM}", holes)
    if launchers.torchrun:
        processes = launchers.torchrun.processes_per_node
        files[TORCHRUN] = fill(
            f"project/{TORCHRUN}",
            {
                "package": package,
                "nodes": literal(launchers.torchrun.nodes),
                "processes": Source(processes or "gpu"),
            },
        )
    if launchers.ray:
        files[RAY] = _ray_script(plan)
    if files:
        files[TEST] = _test(plan)
    return files


def _sbatch_options(slurm: SlurmPlan) -> Source:
    """Plain words and numbers: the plan refuses what a shell or sbatch would take apart."""
    options = {
        "job-name": slurm.job_name,
        "nodes": slurm.nodes,
        "ntasks-per-node": slurm.tasks_per_node,
        "gpus-per-node": slurm.gpus_per_node or None,
        "cpus-per-task": slurm.cpus_per_task,
        **slurm.texts,
        "time": slurm.time,
        "output": "slurm-%j.out",
        "open-mode": "append",
    }
    return block(
        [
            *(f"#SBATCH --{key}={value}" for key, value in options.items() if value is not None),
            "# Back into the queue, too, when it is preempted or loses a machine.",
            "#SBATCH --requeue",
            "# To this script, 90 seconds before its time is up.",
            "#SBATCH --signal=B:USR1@90",
        ]
    )


def _ray_script(plan: Plan) -> str:
    ray = plan.launchers.ray
    assert ray is not None
    imports = Imports(plan.package)
    root = lightning_root(plan)
    imports.module("argparse", "os", "torch", f"{root} as pl", "ray.train")
    imports.names(f"{root}.plugins.environments", "TorchElasticEnvironment")
    imports.names(f"{root}.strategies", "DDPStrategy")
    imports.names("collections.abc", "Sequence").names("datetime", "datetime")
    imports.names("pathlib", "Path").names("typing", "Any")
    imports.names(
        "ray.train",
        "Checkpoint",
        "CheckpointConfig",
        "FailureConfig",
        "RunConfig",
        "ScalingConfig",
    )
    imports.names("ray.train.collective", "barrier")
    imports.names("ray.train.torch", "TorchTrainer", "get_device")
    imports.own("train", "parse_arguments", "report", "train")
    unused = "find_unused_parameters_true" in str(plan.trainer.get("strategy"))
    return fill(
        f"project/{RAY}",
        {
            "imports": imports.source(),
            "package": Identifier(plan.package),
            "strategy_arguments": Source("find_unused_parameters=True" if unused else ""),
            "workers": literal(ray.workers),
            "use_gpu": literal(ray.use_gpu),
            "storage": literal(ray.storage or None),
            "resources": literal({"CPU": ray.cpus_per_worker, **ray.resources}),
        },
    )


def launch_holes(plan: Plan) -> dict[str, Source]:
    """The holes of train.py; nothing without a launcher."""
    if not plan.launchers.names:
        return {
            **dict.fromkeys(_NO_HOLES, ABSENT),
            "train_parameters": block(
                indent(["arguments: argparse.Namespace, callbacks: Sequence[pl.Callback] = ()"])
            ),
            "run_name": literal(""),
            "run_folder": Source("logger.log_dir"),
        }
    resets = ["arguments.weights = WEIGHTS"] if plan.loads_weights else []
    return {
        "launch_flags": _lines(
            "flags",
            {
                "devices": argument_value(plan.trainer.get("devices", "auto")),
                "nodes": literal(plan.trainer.get("num_nodes", 1)),
            },
        ),
        "launch_named": _lines("named", {}),
        "launch_go_on": Source(
            fill(
                "launch/go_on.py",
                {
                    "own_weights": block(indent(resets, 2)) or ABSENT,
                    "is_whole": Source(whole_checkpoint(plan)),
                },
            )
        ),
        "train_parameters": _train_parameters(plan),
        "run_name": Source("arguments.run_name"),
        # Checkpoints of all starts in one folder, what is logged in one for each.
        "run_folder": Source("logger.root_dir if arguments.run_name else logger.log_dir"),
    }


def _lines(name: str, holes: dict[str, Source]) -> Source:
    return Source(fill(f"launch/{name}.py", holes).rstrip("\n"))


def _train_parameters(plan: Plan) -> Source:
    """Ray has a strategy of its own, which a spec cannot hold."""
    lines = ["arguments: argparse.Namespace, callbacks: Sequence[pl.Callback] = ()"]
    if plan.launchers.ray:
        lines = [
            "arguments: argparse.Namespace,",
            "callbacks: Sequence[pl.Callback] = (),",
            "*,",
            f"strategy: Any = {literal(plan.trainer.get('strategy', 'auto'))},",
            "plugins: list[Any] | None = None,",
        ]
    return block(indent(lines))


def launch_arguments(plan: Plan) -> dict[str, str]:
    """What the Trainer takes from the command line, and from who calls train()."""
    if not plan.launchers.names:
        return {}
    found = {"devices": "arguments.devices", "num_nodes": "arguments.num_nodes"}
    if plan.launchers.ray:
        found |= {"strategy": "strategy", "plugins": "plugins"}
    return found


_ROWS = {
    "slurm": f"- `sbatch {SLURM}`: a SLURM cluster; back into the queue when its time is up",
    "torchrun": f"- `{TORCHRUN}`: several processes, started again if one fails",
    "ray": f"- `python {RAY}`: Ray Train (`pip install -e .[ray]`), likewise",
}


def launchers_text(launchers: LaunchersPlan) -> Source:
    """The README's section on them."""
    if not launchers.names:
        return ABSENT
    return Source(
        fill("project/launch.md", {"rows": block(_ROWS[name] for name in launchers.names)})
    )


def run_flag_row(launchers: LaunchersPlan) -> Source:
    """The rows of the README for the flags."""
    if not launchers.names:
        return ABSENT
    return block(
        [
            "| `--run-name NAME` | its folder in `runs/`; one that was started before goes on |",
            "| `--devices N`, `--num-nodes N` | processes of a machine, and machines |",
        ]
    )


def ray_extra(launchers: LaunchersPlan) -> Source:
    """The extra of pyproject.toml."""
    return block([f'ray = ["{RAY_REQUIREMENT}"]']) if launchers.ray else ABSENT


def ignored_output(launchers: LaunchersPlan) -> Source:
    """What git ignores."""
    return block(["slurm-*.out"]) if launchers.slurm else ABSENT


def _test(plan: Plan) -> str:
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").names("typing", "Any")
    imports.module("shutil", "pytest", "torch", f"{lightning_root(plan)} as pl")
    imports.own("train", "parse_arguments", "train")
    scripts = ABSENT
    shells = [_SHELL[name] for name in plan.launchers.names if name in _SHELL]
    if shells:
        imports.module("subprocess")
        rows = block(indent([f"{literal(path)}," for path in shells], 2))
        scripts = Source(fill("launch/test_scripts.py", {"scripts": rows}).rstrip("\n"))
    return fill(
        TEST,
        {
            "imports": imports.source(),
            "epochs_to_checkpoint": literal(plan.trainer.get("check_val_every_n_epoch") or 1),
            "scripts": scripts,
            "tolerance": resume_tolerance(plan),
        },
    )
