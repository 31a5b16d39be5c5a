"""A cache of its own for what is built, and AdamW to try."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fused import ADAMW, Package, load_package


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("torch_extensions")
    before = os.environ.get("TORCH_EXTENSIONS_DIR")
    os.environ["TORCH_EXTENSIONS_DIR"] = str(folder)
    yield folder
    del os.environ["TORCH_EXTENSIONS_DIR"]
    if before is not None:
        os.environ["TORCH_EXTENSIONS_DIR"] = before


@pytest.fixture
def adamw(tmp_path: Path) -> Package:
    """Imported anew, so that nothing is built or warned of yet."""
    return load_package(ADAMW, tmp_path)
