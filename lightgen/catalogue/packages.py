"""Packages of other people that a spec may name by a path: what installs each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A package by the name that Python imports, and the requirement that installs it."""

    root: str
    requirement: str


PACKAGES = {
    package.root: package
    for package in [
        Package("bitsandbytes", "bitsandbytes>=0.45"),
        Package("geoopt", "geoopt>=0.5"),
        Package("heavyball", "heavyball>=3"),
        Package("pytorch_optimizer", "pytorch-optimizer>=4.1"),
        Package("schedulefree", "schedulefree>=1.4"),
        Package("timm", "timm>=1.0.20"),
        Package("torchao", "torchao>=0.15"),
        Package("torchvision", "torchvision>=0.28"),
        Package("transformers", "transformers>=5"),
    ]
}


def requirements(roots: Iterable[str]) -> list[str]:
    """What installs the packages of these names, as far as they are known."""
    return sorted({PACKAGES[root].requirement for root in roots if root in PACKAGES})
