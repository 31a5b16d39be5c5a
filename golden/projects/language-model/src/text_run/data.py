"""Text that comes with Python, its own documentation: no package and no download."""

from collections.abc import Iterator
from pydoc_data.topics import topics
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler, TensorDataset, random_split

# Characters of an example; the network's context is as long.
WINDOW = 64
# Windows that an epoch trains on, drawn from all of them.
EPOCH_WINDOWS = 960
SPLIT_SEED = 0


def encode(text: str) -> Tensor:
    """The ASCII codes of a text; what is not ASCII becomes a question mark."""
    return torch.tensor(list(text.encode("ascii", errors="replace")))


def decode(codes: Tensor) -> str:
    """The text of ASCII codes."""
    return bytes(codes.tolist()).decode("ascii")


class EpochSample(Sampler[int]):
    """Draws by the epoch: a resumed run sees the windows it would have seen."""

    def __init__(self, size: int, drawn: int) -> None:
        self.size = size
        self.drawn = drawn
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the epoch; Lightning calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = torch.Generator().manual_seed(self.epoch)
        yield from torch.randperm(self.size, generator=order)[: self.drawn].tolist()

    def __len__(self) -> int:
        return self.drawn


class DataModule(pl.LightningDataModule):
    """The text in windows that do not overlap; every twentieth, by chance, validates.

    A batch holds the codes of windows of shape (batch, 64) and of the characters that
    follow each, of the same shape.
    """

    def __init__(self, batch_size: int = 32) -> None:
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        codes = encode("\n".join(topics.values()))
        windows = codes.unfold(0, WINDOW + 1, WINDOW)
        self.train_set, self.val_set = random_split(
            TensorDataset(windows[:, :-1], windows[:, 1:]),
            [0.95, 0.05],
            generator=torch.Generator().manual_seed(SPLIT_SEED),
        )

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(
            self.train_set,
            batch_size=self.batch_size,
            sampler=EpochSample(len(self.train_set), EPOCH_WINDOWS),
        )

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.val_set, batch_size=self.batch_size)
