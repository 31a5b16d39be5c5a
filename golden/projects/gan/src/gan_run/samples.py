"""A picture of what the generator draws, after each epoch."""

from pathlib import Path

import pytorch_lightning as pl
import torch
from matplotlib.image import imsave
from pytorch_lightning.utilities import rank_zero_only

from gan_run.model import sample_noise


class SampleGrid(pl.Callback):
    """Writes images drawn from the same noise to `folder`, one grid an epoch."""

    def __init__(self, folder: Path, side: int = 8) -> None:
        self.folder = folder
        self.side = side

    @rank_zero_only
    def on_train_epoch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> None:
        like = next(pl_module.parameters())
        with torch.no_grad():
            was_training = pl_module.training
            pl_module.eval()
            images = pl_module(sample_noise(self.side**2, like, seed=0))
            pl_module.train(was_training)
        # (side * side, 1, height, width) to (side * height, side * width).
        rows = images.float().cpu().squeeze(1).unflatten(0, (self.side, self.side))
        grid = rows.permute(0, 2, 1, 3).flatten(2).flatten(0, 1)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"epoch_{trainer.current_epoch:03}.png"
        imsave(
            path,
            grid.repeat_interleave(4, 0).repeat_interleave(4, 1).numpy(),
            cmap="gray",
            vmin=0,
            vmax=1,
        )
