"""The network: its call, with the arguments that this project gives it."""

import timm
from torch import nn


def build_model() -> nn.Module:
    """Return the network; its parameters have the names that it gives them."""
    model: nn.Module = timm.create_model(
        model_name="vit_tiny_patch16_224",
        img_size=8,
        patch_size=4,
        embed_dim=48,
        depth=2,
        num_heads=3,
        proj_drop_rate=0.05,
        num_classes=10,
        in_chans=1,
    )
    # One with weights may come in eval mode: Lightning trains in the modes it finds.
    return model.train()
