"""The network: a stand-in to replace by your own."""

from torch import Tensor, nn


class Network(nn.Module):
    """Convolutions, pooled to a quarter of the image's side.

    Maps images of shape (batch, 1, 8, 8) to outputs of shape (batch, 10).
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.body = nn.Sequential(
            nn.Conv2d(2 * width, 2 * width, kernel_size=3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Linear(2 * width * 2 * 2, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.stem(inputs)
        features = self.body(features)
        outputs: Tensor = self.head(features.flatten(1))
        return outputs
