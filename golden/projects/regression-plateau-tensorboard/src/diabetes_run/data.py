"""Diabetes progression from scikit-learn: real data that needs no download."""

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from sklearn.datasets import load_diabetes
from torch import Tensor
from torch.utils.data import DataLoader, Sampler, TensorDataset, random_split

SPLIT_SEED = 0


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
    """442 patients, ten measurements each; a fifth of them validates.

    A batch holds measurements of shape (batch, 10) and the disease's progression after
    a year of shape (batch,), both with mean 0 and deviation 1 over all patients.
    """

    def __init__(self, batch_size: int = 64) -> None:
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        diabetes = load_diabetes()
        inputs = torch.as_tensor(diabetes.data, dtype=torch.float32)
        targets = torch.as_tensor(diabetes.target, dtype=torch.float32)
        self.train_set, self.val_set = random_split(
            TensorDataset(standardize(inputs), standardize(targets)),
            [0.8, 0.2],
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


def standardize(values: Tensor) -> Tensor:
    """Shift and scale each column to mean 0 and deviation 1."""
    return (values - values.mean(0)) / values.std(0)
