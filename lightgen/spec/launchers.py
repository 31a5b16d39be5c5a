"""The tables of what starts a training on a cluster."""

from __future__ import annotations

from pydantic import Field

from lightgen.spec.tables import Table


class Slurm(Table):
    """A batch script: launch/slurm.sbatch."""

    nodes: int | None = Field(None, ge=1, description="Machines; left out: 1.")
    gpus_per_node: int | None = Field(
        None, ge=0, description="GPUs of a machine, with a process for each; left out: 1."
    )
    cpus_per_task: int | None = Field(None, ge=1, description="Cores of a process; left out: 8.")
    time: str | int | None = Field(
        None, description="Limit of one start, as sbatch reads it; left out: 24:00:00."
    )
    partition: str | None = Field(None, description="Where it queues; left out: the cluster's own.")
    account: str | None = Field(None, description="Who pays; left out: the user's own.")
    qos: str | None = Field(None, description="Quality of service; left out: the cluster's own.")
    constraint: str | None = Field(None, description="Features that a machine needs, as a100.")
    mem: str | int | None = Field(None, description="Memory of a machine, as 64G.")


class Torchrun(Table):
    """A script around torchrun: launch/torchrun.sh."""

    nodes: int | None = Field(None, ge=1, description="Machines; left out: 1.")
    processes_per_node: int | None = Field(
        None, ge=1, description="Processes of a machine; left out: one for each GPU."
    )


class Ray(Table):
    """A script for Ray Train: launch/ray_train.py."""

    workers: int | None = Field(None, ge=1, description="Processes that train; left out: 2.")
    use_gpu: bool | None = Field(
        None, description="A GPU for each; left out: unless trainer.accelerator is cpu."
    )
    cpus_per_worker: int | None = Field(None, ge=1, description="Cores of each; left out: 1.")
    resources: dict[str, float] = Field(
        default_factory=dict, description="What else each needs, by the names of the cluster."
    )
    storage: str | None = Field(
        None, description="Folder or URI that all machines reach; left out: ~/ray_results."
    )


class Launchers(Table):
    """What starts the training on a cluster; an empty table takes the defaults."""

    slurm: Slurm | None = None
    torchrun: Torchrun | None = None
    ray: Ray | None = None


LAUNCHERS: dict[str, type[Table]] = {"slurm": Slurm, "torchrun": Torchrun, "ray": Ray}
