"""The network: a stand-in to replace by your own."""

import torch
from torch import Tensor, nn


class Embedding(nn.Module):
    """Tokens (batch, tokens, features) to (batch, tokens, width), positions learned."""

    def __init__(self, tokens: int, features: int, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(features, width)
        self.position = nn.Parameter(torch.zeros(tokens, width))

    def forward(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.projection(tokens) + self.position
        return embedded


def attention_block(width: int) -> nn.Module:
    """Self-attention and a feed-forward layer, normalized before each."""
    return nn.TransformerEncoderLayer(
        width,
        nhead=4,
        dim_feedforward=2 * width,
        dropout=0.0,
        batch_first=True,
        norm_first=True,
    )


class Network(nn.Module):
    """A small encoder that takes the rows of an image as tokens.

    Maps inputs of shape (batch, 1, 8, 8) to outputs of shape (batch, 10).
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            Embedding(tokens=8, features=8, width=width),
            attention_block(width),
            attention_block(width),
        )
        self.head = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 10),
        )

    def no_weight_decay(self) -> set[str]:
        """Names of parameters that keep their values although they are matrices."""
        return {"backbone.0.position"}

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.backbone(inputs.reshape(-1, 8, 8))
        outputs: Tensor = self.head(features.mean(dim=1))
        return outputs
