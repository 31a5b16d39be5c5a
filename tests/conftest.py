"""What every test folder shares."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# One thread a process: the stand-in models are small, and tests run beside each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="take what is rendered as golden")
    parser.addoption("--matrix", choices=["sample", "all"], default="sample", help="how many specs")
    parser.addoption("--merges", choices=["sample", "all"], default="sample", help="how many")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked gpu run where there is one and they are asked for."""
    if config.option.markexpr and "gpu" in config.option.markexpr:
        return
    skip = pytest.mark.skip(reason="needs -m gpu and a CUDA device")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(skip)
