"""Read torch and Lightning and write `torch.json`, the facts that generation uses without them.

    python -m lightgen.catalogue.introspect           # writes lightgen/catalogue/torch.json

A test compares the file with the torch that is installed. What no signature tells (ranges,
customary values, constraints) stands in `optimizers.py` and `schedulers.py`.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

FACTS = Path(__file__).with_name("torch.json")
_BOUND = {"self", "params", "optimizer", "last_epoch"}


def introspect() -> dict[str, Any]:
    """Return the facts: every optimizer, scheduler and Trainer argument with its default."""
    from importlib.metadata import version

    import pytorch_lightning
    import torch
    from torch import nn
    from torch.optim import lr_scheduler

    return {
        "torch": torch.__version__.split("+")[0],
        "pytorch_lightning": version("pytorch-lightning"),
        "optimizers": {
            name: _optimizer(cls) for name, cls in _classes(torch.optim, torch.optim.Optimizer)
        },
        "schedulers": {
            name: {"arguments": _arguments(cls)}
            for name, cls in _classes(lr_scheduler, lr_scheduler.LRScheduler)
        },
        "trainer": {"arguments": _arguments(pytorch_lightning.Trainer)},
        "module_names": sorted(
            name for name in {*dir(nn.Module()), *dir(nn.Module)} if not name.startswith("__")
        ),
    }


def _classes(module: Any, base: type) -> list[tuple[str, type]]:
    found = [
        (name, value)
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, base) and value is not base
        if not name.startswith("_") and name not in ("LRScheduler",)
    ]
    return sorted(found)


def _optimizer(cls: Any) -> dict[str, Any]:
    doc = inspect.getdoc(cls) or ""
    summary = next((line for line in doc.splitlines() if line.strip()), "")
    return {"summary": summary.strip(), "arguments": _arguments(cls)}


def _arguments(cls: Any) -> dict[str, Any]:
    signature = inspect.signature(cls.__init__)
    return {
        name: {"required": True} if p.default is p.empty else {"default": _plain(p.default)}
        for name, p in signature.parameters.items()
        if name not in _BOUND and p.kind is not p.VAR_KEYWORD
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def as_text(facts: dict[str, Any]) -> str:
    """The facts as they stand in the file."""
    return json.dumps(facts, indent=1) + "\n"


if __name__ == "__main__":
    FACTS.write_text(as_text(introspect()), encoding="utf-8")
