"""Decide what starts the training on a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lightgen.catalogue.parts import Task
from lightgen.problems import Problem
from lightgen.spec.launchers import LAUNCHERS
from lightgen.spec.launchers import Ray as RayTable
from lightgen.spec.launchers import Slurm as SlurmTable
from lightgen.spec.launchers import Torchrun as TorchrunTable
from lightgen.spec.model import Spec

# By these names of a job Lightning takes a batch job for a shell.
_SHELLS = ("bash", "interactive")
_OWN_PROCESSES = ("spawn", "fork", "notebook")
# What sbatch reads, none of which a shell or sbatch itself would take apart.
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.,+-]*"
_TEXTS = {
    "partition": (_NAME, "a name, as gpu"),
    "account": (_NAME, "a name, as my-group"),
    "qos": (_NAME, "a name, as long"),
    "constraint": (r"[A-Za-z0-9_.,&|*()\[\]:-]+", "features, as a100 or a100|h100"),
    "mem": (r"[0-9]+[KMGT]?", "a number of megabytes, or one with a unit, as 64G"),
    "time": (
        r"[0-9]+(:[0-9]{1,2}){0,2}|[0-9]+-[0-9]{1,2}(:[0-9]{1,2}){0,2}",
        "minutes, hours:minutes:seconds or days-hours",
    ),
}


@dataclass(frozen=True)
class SlurmPlan:
    """What the batch script asks for; an empty text leaves it to the cluster."""

    job_name: str
    nodes: int
    gpus_per_node: int
    tasks_per_node: int
    cpus_per_task: int
    time: str
    texts: Mapping[str, str]


@dataclass(frozen=True)
class TorchrunPlan:
    """How many processes torchrun starts; 0 is one for each GPU."""

    nodes: int
    processes_per_node: int


@dataclass(frozen=True)
class RayPlan:
    """What Ray's workers are; an empty storage is Ray's own."""

    workers: int
    use_gpu: bool
    cpus_per_worker: int
    resources: Mapping[str, float]
    storage: str


@dataclass(frozen=True)
class LaunchersPlan:
    """What starts the training beside the command itself."""

    slurm: SlurmPlan | None = None
    torchrun: TorchrunPlan | None = None
    ray: RayPlan | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The kinds that there are."""
        return tuple(name for name in LAUNCHERS if getattr(self, name) is not None)

    @property
    def processes(self) -> dict[str, int]:
        """How many processes each starts, where it is one for each GPU two."""
        found = {}
        if self.slurm:
            found["slurm"] = self.slurm.nodes * self.slurm.tasks_per_node
        if self.torchrun:
            found["torchrun"] = self.torchrun.nodes * (self.torchrun.processes_per_node or 2)
        if self.ray:
            found["ray"] = self.ray.workers
        return found

    @property
    def are_several(self) -> bool:
        """Whether any of them starts several processes."""
        return any(number > 1 for number in self.processes.values())


@dataclass(frozen=True)
class _Trainer:
    """What the Trainer's arguments say of processes; 0 devices where they name no number."""

    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def devices(self) -> int:
        said = str(self.arguments.get("devices", ""))
        return int(said) if said.isdigit() else 0

    @property
    def nodes(self) -> int:
        return int(self.arguments.get("num_nodes") or 1)

    @property
    def on_cpu(self) -> bool:
        return self.arguments.get("accelerator") == "cpu"

    @property
    def strategy(self) -> str:
        return str(self.arguments.get("strategy", "auto"))


def plan_launchers(
    spec: Spec, task: Task, arguments: Mapping[str, Any], problems: list[Problem]
) -> LaunchersPlan:
    """Decide the launchers; what is wrong is added to problems."""
    wished, trainer = spec.launchers, _Trainer(arguments)
    plan = LaunchersPlan(
        _plan_slurm(wished.slurm, spec.project.package, trainer) if wished.slurm else None,
        _plan_torchrun(wished.torchrun, trainer) if wished.torchrun else None,
        _plan_ray(wished.ray, trainer) if wished.ray else None,
    )
    if wished.slurm:
        problems += _slurm_problems(wished.slurm, trainer)
    if wished.torchrun:
        problems += _other_number(
            "launchers.torchrun.processes_per_node",
            wished.torchrun.processes_per_node,
            ("trainer.devices", trainer.devices),
        )
        problems += _other_nodes("torchrun", wished.torchrun.nodes, trainer)
    if wished.ray:
        problems += _ray_problems(wished.ray, trainer)
    for name, number in plan.processes.items():
        problems += _process_problems(f"launchers.{name}", number, task, trainer)
    return plan


def _plan_slurm(table: SlurmTable, package: str, trainer: _Trainer) -> SlurmPlan:
    name = package.replace("_", "-")
    gpus = table.gpus_per_node
    if gpus is None:
        gpus = 0 if trainer.on_cpu else trainer.devices or 1
    written = {key: getattr(table, key) for key in _TEXTS if key != "time"}
    return SlurmPlan(
        job_name=f"{name}-run" if name in _SHELLS else name,
        nodes=table.nodes or trainer.nodes,
        gpus_per_node=gpus,
        tasks_per_node=gpus or trainer.devices or 1,
        cpus_per_task=table.cpus_per_task or 8,
        time="24:00:00" if table.time is None else str(table.time),
        texts={key: str(value) for key, value in written.items() if value is not None},
    )


def _plan_torchrun(table: TorchrunTable, trainer: _Trainer) -> TorchrunPlan:
    processes = table.processes_per_node or trainer.devices
    if trainer.on_cpu and not processes:
        processes = 2
    return TorchrunPlan(table.nodes or trainer.nodes, processes)


def _plan_ray(table: RayTable, trainer: _Trainer) -> RayPlan:
    return RayPlan(
        workers=table.workers or trainer.devices * trainer.nodes or 2,
        use_gpu=not trainer.on_cpu if table.use_gpu is None else table.use_gpu,
        cpus_per_worker=table.cpus_per_worker or 1,
        resources=dict(table.resources),
        storage=table.storage or "",
    )


def _slurm_problems(table: SlurmTable, trainer: _Trainer) -> Iterator[Problem]:
    for key, (pattern, wish) in _TEXTS.items():
        value = getattr(table, key)
        if value is not None and not re.fullmatch(pattern, str(value)):
            what = f"{value!r} is nothing that sbatch reads"
            yield Problem(f"launchers.slurm.{key}", what, f"write {wish}")
    yield from _other_nodes("slurm", table.nodes, trainer)
    where, gpus = "launchers.slurm.gpus_per_node", table.gpus_per_node
    if gpus:
        yield from _other_number(where, gpus, ("trainer.devices", trainer.devices))
    if gpus and trainer.on_cpu:
        yield Problem(where, f"{gpus}, and trainer.accelerator is cpu", "leave out one of the two")
    accelerator = trainer.arguments.get("accelerator")
    if gpus == 0 and accelerator in ("gpu", "cuda"):
        yield Problem(where, f"0, and trainer.accelerator is {accelerator}", "ask for one")


def _ray_problems(table: RayTable, trainer: _Trainer) -> Iterator[Problem]:
    strategy = trainer.strategy
    if strategy != "auto" and not strategy.startswith("ddp"):
        yield Problem(
            "launchers.ray",
            f"ray_train.py trains with ddp, and trainer.strategy is {strategy}",
            "use slurm or torchrun, or ddp",
        )
    if table.use_gpu and trainer.on_cpu:
        what = "true, and trainer.accelerator is cpu"
        yield Problem("launchers.ray.use_gpu", what, "leave out one of the two")
    for name, number in table.resources.items():
        if name in ("CPU", "GPU") or number <= 0 or not name.isprintable():
            what = f"{number} of {name!r} is no resource of the cluster's own"
            todo = "use cpus_per_worker and use_gpu, and numbers above 0"
            yield Problem("launchers.ray.resources", what, todo)
    if table.storage is not None and not (table.storage.isprintable() and table.storage):
        what = f"{table.storage!r} is no folder and no URI"
        yield Problem("launchers.ray.storage", what, "write one line, as /shared/runs or s3://runs")


def _other_nodes(name: str, nodes: int | None, trainer: _Trainer) -> Iterator[Problem]:
    said = trainer.nodes if "num_nodes" in trainer.arguments else 0
    yield from _other_number(f"launchers.{name}.nodes", nodes, ("trainer.num_nodes", said))


def _other_number(where: str, number: int | None, other: tuple[str, int]) -> Iterator[Problem]:
    """A number that the Trainer's arguments give otherwise."""
    place, said = other
    if number and said and number != said:
        yield Problem(where, f"{number}, and {place} is {said}", "leave out one of the two")


def _process_problems(where: str, number: int, task: Task, trainer: _Trainer) -> Iterator[Problem]:
    strategy = trainer.strategy
    own = next((each for each in _OWN_PROCESSES if each in strategy), None)
    if own:
        what = f"{strategy} starts processes of its own, and so does the launcher"
        yield Problem(where, what, f"trainer.strategy = '{strategy.split('_')[0]}'")
    if number == 1:
        return
    if task.optimizers and strategy == "auto":
        what = f"each loss of {task.name} leaves a network without gradients, which ddp waits for"
        yield Problem(where, what, "trainer.strategy = 'ddp_find_unused_parameters_true'")
    if task.name == "transfer":
        what = "transfer makes the weights that it starts from, and each process would write them"
        todo = "start it by its own command, or task = 'classification' with model.weights"
        yield Problem(where, what, todo)
