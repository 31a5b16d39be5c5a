"""The network: a stand-in to replace by your own."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Codes that a character may have.
SYMBOLS = 128
# So many characters before the next one are seen at most.
CONTEXT = 64


class Embedding(nn.Module):
    """Codes (batch, length) to features (batch, length, width), positions learned."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.symbol = nn.Embedding(SYMBOLS, width)
        self.position = nn.Parameter(torch.zeros(CONTEXT, width))
        nn.init.normal_(self.symbol.weight, std=0.02)

    def forward(self, symbols: Tensor) -> Tensor:
        embedded: Tensor = self.symbol(symbols) + self.position[: symbols.shape[1]]
        return embedded


class Attention(nn.Module):
    """Each character attends to itself and to those before it."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        query, key, value = (
            layer(features).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        output: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return output


class Block(nn.Module):
    """Causal self-attention and a feed-forward layer, normalized before each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, features: Tensor) -> Tensor:
        features = features + self.attention(self.attention_norm(features))
        return features + self.feed_forward(self.feed_forward_norm(features))


class Network(nn.Module):
    """A small causal transformer over characters.

    Maps codes of shape (batch, length) to logits of shape (batch, length, SYMBOLS).
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.embedding = Embedding(width)
        self.blocks = nn.Sequential(
            Block(width),
            Block(width),
        )
        self.head = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, SYMBOLS),
        )

    def no_weight_decay(self) -> set[str]:
        """Names of parameters that keep their values although they are matrices."""
        return {
            "embedding.position",
            "embedding.symbol.weight",
        }

    def forward(self, symbols: Tensor) -> Tensor:
        features = self.embedding(symbols)
        features = self.blocks(features)
        logits: Tensor = self.head(features)
        return logits
