"""The networks: stand-ins to replace by your own."""

import torch
from torch import Tensor, nn

LATENT = 32


class Network(nn.Module):
    """A generator of images and a discriminator that tells them from real ones.

    Maps noise of shape (batch, LATENT) to images of shape (batch, 1, 8, 8) in [0, 1].
    """

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(LATENT, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 64),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, 8, 8)),
        )
        self.discriminator = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, noise: Tensor) -> Tensor:
        images: Tensor = self.generator(noise)
        return images


def sample_noise(count: int, like: Tensor, seed: int) -> Tensor:
    """Noise of a seed for so many images, on the device and in the type of a tensor."""
    generator = torch.Generator(like.device).manual_seed(seed)
    return torch.randn(
        count, LATENT, generator=generator, device=like.device, dtype=like.dtype
    )
