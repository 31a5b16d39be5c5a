"""Weights, gradients and optimizer states split over the processes (FSDP2).

A checkpoint is a folder: each process writes its part of the tensors, and no process
ever holds them all. In one file again, for one process:
python -m sharded_run.sharding FOLDER FILE
"""

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import is_zipfile

import torch
import torch.distributed.checkpoint as dcp
from pytorch_lightning.strategies import ModelParallelStrategy, Strategy
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Replicate, distribute_tensor
from torch.optim import Optimizer

# The file of a checkpoint for all but the tensors, which have an outline in it.
METADATA = "meta.pt"
# The key of an outline that says what the tensor is called in the other files.
SHARDS = "shards"
CONTAINERS = (nn.Sequential, nn.ModuleList)

Checkpoint: TypeAlias = dict[str, Any]
# A place of a tensor: where it is to stand, under which key, and its parameter.
Place: TypeAlias = tuple[Any, Any, Tensor | None]


def shard(model: nn.Module, mesh: DeviceMesh) -> None:
    """Split the parameters over the mesh, in place: block by block, then the rest.

    A block is whole on a device only while it computes.
    """
    if isinstance(model, FSDPModule):
        return
    for block in blocks(model):
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)


def blocks(model: nn.Module) -> Iterator[nn.Module]:
    """Yield what stands in a list or a sequence of modules, and has parameters."""
    for child in model.children():
        if isinstance(child, CONTAINERS) or not isinstance(model, CONTAINERS):
            yield from blocks(child)
        elif any(True for _ in child.parameters()):
            yield child


class FullySharded(ModelParallelStrategy):
    """Shards over all processes, and resumes as a run in one process does.

    Lightning's own way restores the optimizer before anything can be compared with the
    code, and gives the states of a file to parameters in the order of the model.
    """

    def __init__(self) -> None:
        super().__init__(tensor_parallel_size=1)

    @property
    def restore_checkpoint_after_setup(self) -> bool:
        return False

    @property
    def lightning_restore_optimizer(self) -> bool:
        return True

    def setup_environment(self) -> None:
        # "auto" would be the number of machines.
        self._data_parallel_size = self.num_nodes * self.num_processes
        super().setup_environment()

    def optimizer_state(self, optimizer: Optimizer) -> Checkpoint:
        return Strategy.optimizer_state(self, optimizer)

    def save_checkpoint(
        self, checkpoint: Checkpoint, filepath: str | Path, storage_options: Any = None
    ) -> None:
        folder = Path(self.broadcast(filepath))
        # Beside it: a job that is killed while it writes leaves the old one whole.
        new = folder.with_name(f"{folder.name}.new")
        shards: dict[str, Tensor] = {}
        outlines = outlined(checkpoint, shards)
        if self.is_global_zero:
            shutil.rmtree(new, ignore_errors=True)
        self.barrier()
        dcp.save(shards, checkpoint_id=new)
        if self.is_global_zero:
            torch.save(outlines, new / METADATA)
            remove(folder)
            new.rename(folder)
        self.barrier()

    def load_checkpoint(
        self, checkpoint_path: str | Path, weights_only: bool | None = None
    ) -> Checkpoint:
        task = self.lightning_module
        assert task is not None
        return read_weights(Path(self.broadcast(checkpoint_path)), task)

    def load_model_state_dict(
        self, checkpoint: Mapping[str, Any], strict: bool = True
    ) -> None:
        Strategy.load_model_state_dict(self, checkpoint, strict=strict)

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        states = checkpoint["optimizer_states"]
        for optimizer, state in zip(self.optimizers, states, strict=True):
            fill(Path(checkpoint[SHARDS]), state_places(state, optimizer))
            optimizer.load_state_dict(state)


def is_checkpoint(path: Path) -> bool:
    """Whether it is a folder that FullySharded wrote, or a file of one process."""
    return (path / METADATA).is_file() or is_zipfile(path)


def read_outlines(path: Path) -> Checkpoint:
    """A checkpoint without what the processes wrote each for themselves."""
    file = path / METADATA if path.is_dir() else path
    checkpoint: Checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    return {**checkpoint, SHARDS: str(path)}


def read_weights(path: Path, task: nn.Module) -> Checkpoint:
    """A checkpoint with weights that are split as those of the task are."""
    checkpoint = read_outlines(path)
    own, saved = dict(task.named_parameters()), checkpoint["state_dict"]
    fill(path, [(saved, name, own.get(name)) for name in saved])
    return checkpoint


def restore_weights(path: Path, task: nn.Module) -> None:
    """Give a task the weights of a checkpoint, as far as the names agree."""
    task.load_state_dict(read_weights(path, task)["state_dict"], strict=False)


def state_places(state: Checkpoint, optimizer: Optimizer) -> Iterator[Place]:
    """Yield the places of an optimizer's state, whose numbers are the optimizer's."""
    groups = zip(state["param_groups"], optimizer.param_groups, strict=True)
    for saved, group in groups:
        for number, parameter in zip(saved["params"], group["params"], strict=True):
            values = state["state"].get(number, {})
            for key in values:
                yield values, key, parameter


def fill(path: Path, places: Iterable[Place]) -> None:
    """Put tensors in the places of outlines, each split as its parameter is."""
    shards: dict[str, Tensor] = {}
    for values, key, parameter in places:
        value = values[key]
        if isinstance(value, dict) and SHARDS in value:
            values[key] = shards[value[SHARDS]] = empty(value, parameter)
        elif isinstance(value, Tensor) and value.ndim:
            values[key] = split_like(value, parameter)
    if shards:
        dcp.load(shards, checkpoint_id=path)


def empty(outline: dict[str, Any], parameter: Tensor | None) -> Tensor:
    """A tensor of an outline that is to be read."""
    shape, dtype = torch.Size(outline["shape"]), outline["dtype"]
    if parameter is not None and parameter.shape == shape:
        return torch.empty_like(parameter, dtype=dtype, requires_grad=False)
    return split_like(torch.empty(shape, dtype=dtype), parameter)


def split_like(tensor: Tensor, parameter: Tensor | None) -> Tensor:
    """Split a tensor as its parameter is; one of another shape is whole everywhere."""
    if not isinstance(parameter, DTensor):
        return tensor
    mesh = parameter.device_mesh
    tensor = tensor.to(mesh.device_type)
    if tensor.shape == parameter.shape:
        return distribute_tensor(tensor, mesh, parameter.placements)
    return distribute_tensor(tensor, mesh, [Replicate()])


def outlined(value: Any, shards: dict[str, Tensor], place: str = "") -> Any:
    """A copy with an outline of each tensor that is split; those go to `shards`."""
    if isinstance(value, DTensor):
        shards[place] = value
        return {SHARDS: place, "shape": list(value.shape), "dtype": value.dtype}
    if isinstance(value, dict):
        items = value.items()
        return {key: outlined(each, shards, f"{place}/{key}") for key, each in items}
    if isinstance(value, list):
        return [
            outlined(each, shards, f"{place}/{at}") for at, each in enumerate(value)
        ]
    return value


def places_in(value: Any) -> Iterator[Place]:
    """Yield the places of all outlines."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        each = value[key]
        if isinstance(each, dict) and SHARDS in each:
            yield value, key, None
        elif isinstance(each, dict | list):
            yield from places_in(each)


def merge(folder: Path, file: Path) -> None:
    """Write the checkpoint of a folder as one file, which any strategy can read."""
    checkpoint = read_outlines(folder)
    del checkpoint[SHARDS]
    fill(folder, places_in(checkpoint))
    torch.save(checkpoint, file)


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    merge(*map(Path, sys.argv[1:]))
