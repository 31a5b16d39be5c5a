"""Read the schedules of other packages and write `schedules.json`, their arguments.

    PYTHONPATH=tests/support/vision:.venv/vision python -m lightgen.catalogue.introspect_schedules

All of the packages have to be there. A test compares the file with those that are installed. What
no signature tells stands in `path_schedulers.py`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

SCHEDULES = Path(__file__).with_name("schedules.json")
# The module of each package where the schedules are, and the package's name on PyPI.
PLACES = {
    "pytorch_optimizer": "pytorch-optimizer",
    "timm.scheduler": "timm",
    "transformers": "transformers",
}
_OWNS = {
    "pytorch_optimizer": "pytorch_optimizer.lr_scheduler",
    "timm.scheduler": "timm.scheduler",
    "transformers": "transformers.optimization",
}
_BOUND = {"self", "optimizer", "last_epoch"}


def introspect(place: str) -> dict[str, Any]:
    """Return the facts of one package: every schedule that takes an optimizer, its arguments."""
    module = import_module(place)
    owner = _OWNS[place]
    return {
        "version": version(PLACES[place]),
        "schedules": {
            name: _arguments(made)
            for name, made in sorted(_schedules(import_module(owner), owner))
            if hasattr(module, name)
        },
    }


def _schedules(module: Any, owner: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, made in vars(module).items():
        if not callable(made) or not str(getattr(made, "__module__", "")).startswith(owner):
            continue
        named = name.endswith("Scheduler") or ("schedule" in name and name.startswith("get_"))
        restarts = name.endswith("Restarts")
        parameters = inspect.signature(made).parameters
        if (named or restarts) and next(iter(parameters), "") == "optimizer":
            yield name, made


def _arguments(made: Callable[..., Any]) -> dict[str, Any]:
    return {
        name: {"required": True} if p.default is p.empty else {"default": _plain(p.default)}
        for name, p in inspect.signature(made).parameters.items()
        if name not in _BOUND and p.kind is not p.VAR_KEYWORD
    }


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def as_text(facts: dict[str, Any]) -> str:
    """The facts as they stand in the file."""
    return json.dumps(facts, indent=1) + "\n"


if __name__ == "__main__":
    SCHEDULES.write_text(as_text({place: introspect(place) for place in PLACES}), encoding="utf-8")
