"""Weights to start from, of a network that has learned other digits."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from digits_transfer.data import PRETRAINING, load_part
from digits_transfer.model import Network

EPOCHS = 5
BATCH_SIZE = 64
LEARNING_RATE = 2e-3
TURNS = 4


def pretrain(path: Path, seed: int = 0) -> None:
    """Train on the digits that have many labels, and save the weights but the head's.

    The head is one for this alone: it tells the digits and by how many quarters each is
    turned, so that the features have more to say than which of five digits it is.
    """
    torch.manual_seed(seed)
    model = Network()
    model.register_module("head", nn.LazyLinear(len(PRETRAINING) * TURNS))
    batches = DataLoader(load_part(PRETRAINING), BATCH_SIZE, shuffle=True)
    model(next(iter(batches))[0])
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        for images, labels in batches:
            turned, classes = turn(images, labels)
            optimizer.zero_grad()
            F.cross_entropy(model(turned), classes).backward()
            optimizer.step()
    state = model.state_dict()
    kept = [name for name in state if not name.startswith("head.")]
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: state[name] for name in kept}, path)


def turn(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Each image in all turns, and the classes of a digit in a turn."""
    turned = [images.rot90(quarters, dims=(2, 3)) for quarters in range(TURNS)]
    classes = [labels + quarters * len(PRETRAINING) for quarters in range(TURNS)]
    return torch.cat(turned), torch.cat(classes)
