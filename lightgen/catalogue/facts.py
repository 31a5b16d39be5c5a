"""The introspected facts of torch and Lightning, read once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def facts() -> dict[str, Any]:
    """The content of `torch.json`, which `introspect.py` makes."""
    text = Path(__file__).with_name("torch.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def module_names() -> frozenset[str]:
    """Attributes that every nn.Module has, so that no submodule can have the name."""
    return frozenset(facts()["module_names"])
