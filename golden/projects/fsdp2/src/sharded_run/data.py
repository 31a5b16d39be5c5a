"""Handwritten digits from scikit-learn: real data that needs no download."""

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
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
    """1,797 grey images of 8 x 8 pixels in [0, 1]; a fifth of them validates.

    A batch holds images of shape (batch, 1, 8, 8) and labels of shape (batch,).
    """

    def __init__(self, batch_size: int = 64) -> None:
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        digits = load_digits()
        images = torch.as_tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
        labels = torch.as_tensor(digits.target).long()
        self.train_set, self.val_set = random_split(
            TensorDataset(images, labels),
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
