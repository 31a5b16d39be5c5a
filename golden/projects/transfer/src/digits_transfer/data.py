"""Handwritten digits from scikit-learn: real data that needs no download."""

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Sampler, TensorDataset, random_split

SPLIT_SEED = 0
# The digits to tell apart, of which few samples have a label, and those that have many.
DIGITS = range(5, 10)
PRETRAINING = range(0, 5)
LABELLED = 50


class EpochShuffle(Sampler[int]):
    """Shuffles by the epoch: a resumed run sees the order it would have seen."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the epoch; Lightning calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = torch.Generator().manual_seed(self.epoch)
        yield from torch.randperm(self.size, generator=order).tolist()

    def __len__(self) -> int:
        return self.size


class DataModule(pl.LightningDataModule):
    """Grey images of 8 x 8 pixels in [0, 1]: few to train on, and all others validate.

    A batch holds images of shape (batch, 1, 8, 8) and labels of shape (batch,), which
    count from the first of the digits.
    """

    def __init__(self, batch_size: int = 10) -> None:
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        samples = load_part(DIGITS)
        self.train_set, self.val_set = random_split(
            samples,
            [LABELLED, len(samples) - LABELLED],
            generator=torch.Generator().manual_seed(SPLIT_SEED),
        )

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(
            self.train_set,
            batch_size=self.batch_size,
            sampler=EpochShuffle(len(self.train_set)),
        )

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.val_set, batch_size=self.batch_size)


def load_part(digits: range) -> TensorDataset:
    """The images and labels of some digits, the first of them as class 0."""
    everything = load_digits()
    labels = torch.as_tensor(everything.target).long()
    images = torch.as_tensor(everything.images, dtype=torch.float32).unsqueeze(1) / 16
    chosen = (labels >= digits.start) & (labels < digits.stop)
    return TensorDataset(images[chosen], labels[chosen] - digits.start)
