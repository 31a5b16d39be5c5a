"""Weights of a file: what fits is loaded, and what does not is told."""

from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

# Where a new run starts from; a run that finds none makes them.
WEIGHTS = Path("runs/pretrained.pt")
# Names that a line of the report shows.
SHOWN = 4


@dataclass(frozen=True)
class Report:
    """Names of a file's tensors and a model's: which are loaded, and which are not."""

    file: str
    loaded: list[str]
    missing: list[str]
    unexpected: list[str]
    of_another_shape: list[str]

    def __str__(self) -> str:
        lines = [f"{self.file}: {len(self.loaded)} tensors loaded"]
        for kind in ("missing", "unexpected", "of_another_shape"):
            names = getattr(self, kind)
            if names:
                more = ", ..." if len(names) > SHOWN else ""
                shown = ", ".join(names[:SHOWN]) + more
                lines.append(f"{len(names)} {kind.replace('_', ' ')}: {shown}")
        return "; ".join(lines)


def load_weights(model: nn.Module, path: Path) -> Report:
    """Copy the tensors that fit by name and shape; ValueError if none does.

    The others of the model stay as they are: a new head, say. Lightning's and torch's
    loading without `strict` would not say a word about them.
    """
    weights = read_weights(path)
    state = model.state_dict()
    shared = [name for name in state if name in weights]
    fitting = [name for name in shared if weights[name].shape == state[name].shape]
    report = Report(
        path.name,
        loaded=fitting,
        missing=[name for name in state if name not in weights],
        unexpected=[name for name in weights if name not in state],
        of_another_shape=[name for name in shared if name not in fitting],
    )
    if not fitting:
        raise ValueError(f"nothing in the file fits the model: {report}")
    model.load_state_dict({name: weights[name] for name in fitting}, strict=False)
    return report


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict or a checkpoint, by the network's names."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        what = f"{path} holds other objects than tensors: save the state_dict() of them"
        raise ValueError(what) from error
    if "state_dict" in content:
        # A checkpoint of Lightning's: the network is the task's `model`.
        content = {
            name.removeprefix("model."): tensor
            for name, tensor in content["state_dict"].items()
        }
    return {name: each for name, each in content.items() if isinstance(each, Tensor)}
