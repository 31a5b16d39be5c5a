"""Run the project's own training up to `Trainer.fit`, and from there as far as a proof needs.

The project runs as its user runs it, `python -m package.train`, with two changes: the Trainer that
it makes is a quiet one on one CPU that keeps nothing on disk, and `fit` hands over what it was
called with. Whatever the user renamed, moved or rewrote before that call runs as it is.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightgen.check.place import told
from lightgen.check.sources import Sources

SEED = 1
# What a spec without a length means.
_EPOCHS = 20
_SHORT = {
    "max_epochs": 2,
    "max_steps": -1,
    "min_epochs": None,
    "min_steps": None,
    "overfit_batches": 0.0,
    "val_check_interval": 1.0,
    "check_val_every_n_epoch": 1,
    "limit_val_batches": 1,
}


class NotStartedError(Exception):
    """The training does not come to a call of `Trainer.fit`."""


class Enough(BaseException):
    """Ends a run: the proof has seen what it needs. No `except Exception` of a user stops it."""


class _Reached(BaseException):
    """Leaves the user's code where it calls `fit`."""


@dataclass(frozen=True)
class Launch:
    """A training that stands right before its first step: what the project handed to `fit`.

    `asked` are the arguments of the project's Trainer, which is a quiet one here.
    """

    pl: Any
    trainer: Any
    module: Any
    arguments: Mapping[str, Any]
    asked: Mapping[str, Any] = field(default_factory=dict)

    def fit(self, callback: Any, *others: Any, ckpt_path: str | None = None) -> None:
        """Train until it ends or the callback raises `Enough`."""
        self.trainer.callbacks += [callback, *others]
        with contextlib.suppress(Enough):
            self.trainer.fit(**self.arguments, ckpt_path=ckpt_path)


@dataclass(frozen=True)
class Launcher:
    """Launches the project as often as proofs need it, each time with fresh objects.

    `arguments` are those of its command line.
    """

    sources: Sources
    pl: Any
    by_types: bool = False
    arguments: tuple[str, ...] = ()

    def planned(self) -> Launch:
        """The run as the project plans it."""
        return self._launch({})

    def short(self, batches: int) -> Launch:
        """Epochs of so many batches, of which the second is the last."""
        return self._launch({**_SHORT, "limit_train_batches": batches})

    def _launch(self, changes: dict[str, Any]) -> Launch:
        self.pl.seed_everything(SEED, verbose=False)
        found: list[Launch] = []
        with _caught(self.pl, changes, found):
            if self.by_types:
                _run_by_types(self.sources, self.pl)
            else:
                _run_entry(self.sources, self.arguments)
        if not found:
            raise NotStartedError("it ends without a call of Trainer.fit")
        return found[0]


def open_project(sources: Sources) -> Launcher:
    """Import the project; whatever its import raises comes through."""
    sys.path.insert(0, str(sources.folder))
    pl = importlib.import_module(sources.lightning)
    # The wiring is the same without the compiler, which takes longer than all proofs.
    set_stance: Any = getattr(importlib.import_module("torch.compiler"), "set_stance", None)
    if set_stance is not None:
        set_stance("force_eager")
    with _caught(pl, {}, []):
        importlib.import_module(sources.entry or sources.package)
    return Launcher(sources, pl)


def observer(pl: Any, **hooks: Callable[..., None]) -> Any:
    """A callback of the given hooks."""
    functions = {name: staticmethod(hook) for name, hook in hooks.items()}
    return type("Observer", (pl.Callback,), functions)()


@contextlib.contextmanager
def _caught(pl: Any, changes: dict[str, Any], found: list[Launch]) -> Iterator[None]:
    """Within, each Trainer is a quiet one, and the first call of its `fit` ends the block."""
    make, fit = pl.Trainer.__init__, pl.Trainer.fit
    wanted: dict[int, dict[str, Any]] = {}

    def make_quiet(trainer: Any, *args: Any, **asked: Any) -> None:
        wanted[id(trainer)] = dict(asked)
        callbacks = _kept(pl, asked.pop("callbacks", None))
        make(trainer, *args, **{**asked, **_quiet(pl), **changes, "callbacks": callbacks})

    def hand_over(*args: Any, **keywords: Any) -> None:
        arguments = dict(inspect.signature(fit).bind(*args, **keywords).arguments)
        trainer, module = arguments.pop("self"), arguments["model"]
        arguments.pop("ckpt_path", None)
        found.append(Launch(pl, trainer, module, arguments, wanted.get(id(trainer), {})))
        configure = module.configure_callbacks
        module.configure_callbacks = lambda: _kept(pl, configure())
        raise _Reached

    pl.Trainer.__init__, pl.Trainer.fit = make_quiet, hand_over
    try:
        yield
    except _Reached:
        return
    except BaseException:
        if not found:
            raise
    finally:
        pl.Trainer.__init__, pl.Trainer.fit = make, fit


def _quiet(pl: Any) -> dict[str, Any]:
    """On one CPU, and nothing that writes, shows or measures."""
    logger = importlib.import_module(f"{pl.__name__}.loggers.logger").DummyLogger()
    return {
        "accelerator": "cpu",
        "devices": 1,
        "num_nodes": 1,
        "strategy": "auto",
        "plugins": None,
        "sync_batchnorm": False,
        "logger": logger,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "fast_dev_run": False,
        "barebones": False,
        "profiler": None,
        "max_time": None,
        "default_root_dir": str(Path.cwd()),
    }


def _kept(pl: Any, callbacks: Any) -> list[Any]:
    """The callbacks that may shape the training; not those that save, show or end it."""
    names = ("Checkpoint", "ProgressBar", "ModelSummary", "EarlyStopping")
    dropped = tuple(getattr(pl.callbacks, name) for name in names)
    if not isinstance(callbacks, list | tuple):
        callbacks = [callbacks] if callbacks else []
    return [callback for callback in callbacks if not isinstance(callback, dropped)]


def _run_entry(sources: Sources, words: tuple[str, ...]) -> None:
    """Run the training as `python -m` does, with these arguments."""
    if sources.entry is None:
        raise NotStartedError(f"no module of {sources.package} calls Trainer.fit")
    arguments, sys.argv = sys.argv, [f"{sources.package}/train.py", *words]
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            runpy.run_module(sources.entry, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        said = complaint.getvalue().strip().splitlines()
        text = f"it exits with {stop.code}" + (f": {said[-1]}" if said else "")
        raise NotStartedError(text) from stop
    finally:
        sys.argv = arguments


def _run_by_types(sources: Sources, pl: Any) -> None:
    """Put together what the package defines, by type: a module, its data, a Trainer."""
    module = _only(sources, pl.LightningModule)
    data = _only(sources, pl.LightningDataModule)
    pl.Trainer(**{"max_epochs": _EPOCHS, **sources.trainer}).fit(module(), datamodule=data())


def _only(sources: Sources, kind: type) -> Any:
    for path in sorted((sources.folder / sources.package).rglob("*.py")):
        parts = path.relative_to(sources.folder).with_suffix("").parts
        with contextlib.suppress(Exception):  # what the training does not need may be broken
            importlib.import_module(".".join(part for part in parts if part != "__init__"))
    classes: set[type] = {
        each
        for each in _subclasses(kind)
        if each.__module__.partition(".")[0] == sources.package and not each.__subclasses__()
    }
    if len(classes) == 1:
        return classes.pop()
    names = ", ".join(sorted(each.__qualname__ for each in classes))
    found = f"several {kind.__name__}s ({names})" if classes else f"no {kind.__name__}"
    raise NotStartedError(f"{sources.package} defines {found}")


def _subclasses(kind: type) -> Iterator[type]:
    found: list[type] = kind.__subclasses__()
    for each in found:
        yield each
        yield from _subclasses(each)


def reason(error: BaseException) -> str:
    """Why a launch failed."""
    return str(error) if isinstance(error, NotStartedError) else told(error)
