"""Pairs of other people's packages: rates as the spec says, and a resumed run as the uncut one.

CI runs a fixed sample; `python -m pytest tests/matrix --matrix=all` runs every spec.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import others
import specs
from support.peers import VISION, see_vision
from support.projects import in_project, plan_of, project, run_pytest

from lightgen.render.values import lightning_root

MIDDLE = 1
# Every so many runs the tests of its own, too.
OWN_TESTS = 6
PACKAGES = ("geoopt", "heavyball", "pytorch_optimizer", "schedulefree", "timm", "transformers")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--matrix")
        numbers = range(len(others.matrix())) if wanted == "all" else others.sample()
        ids = [f"{number}-{others.title(others.matrix()[number])}" for number in numbers]
        metafunc.parametrize("number", numbers, ids=ids)


class Nursery:
    """A process that has imported the packages, which each project's is forked from.

    They stay out of this one: torchvision is not to be seen by other tests.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_nurse, args=(theirs,))
        self.process.start()
        theirs.close()

    def ask(self, *task: Any) -> Any:
        """What `act` tells, called in the project's folder; AssertionError if it fails."""
        self.pipe.send(task)
        ok, told = self.pipe.recv()
        assert ok, told
        return told

    def close(self) -> None:
        """End it."""
        self.pipe.send(())
        self.process.join()


def _nurse(pipe: Any) -> None:
    os.environ["TORCHDYNAMO_DISABLE"] = "1"
    see_vision()
    for name in (*PACKAGES, "torchvision", "transformers.models.vit", "sklearn.datasets"):
        importlib.import_module(name)
    while task := pipe.recv():
        folder, *rest = task
        try:
            told = in_project(folder, partial(act, *rest), seconds=500)
            pipe.send((True, told))
        except AssertionError as error:
            pipe.send((False, str(error)))
    os._exit(0)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None and not (VISION / name).is_dir():
            pytest.skip(f"{name} is not there")
    found = Nursery()
    yield found
    found.close()


def act(spec: dict[str, Any], own_tests: bool) -> dict[str, Any]:
    """Train, resume, and tell of both, and of what the spec says about this network."""
    own = run_pytest("-x") if own_tests else 0
    if plan_of(spec).optimizer.record.inexact:
        keep_whole_counts()
    uncut, resumed = run(), run("--ckpt-path=middle/last.ckpt")
    network = importlib.import_module("sample_run.model")
    built = network.build_model() if hasattr(network, "build_model") else network.Network()
    numbers = others.layer_numbers(spec, built)
    states = [each.pop("state") for each in (uncut, resumed)]
    expected = specs.expected_groups(spec, built, numbers)
    rates = [group["lr"] for group in expected.values()]
    return {
        **uncut,
        "resumed": resumed["steps"],
        "expected": expected,
        "rates": others.expected_rates(spec, list(expected), rates, uncut["losses"]),
        "differences": list(differing(*states)),
        "own": own,
    }


def keep_whole_counts() -> None:
    """Let RiemannianAdam go on exactly, so that all else can be compared exactly.

    torch's Adam, its base, turns counts of steps that it loads into tensors in single precision,
    and the corrections of the bias then round another way.
    """
    from geoopt.optim import RiemannianAdam

    load = RiemannianAdam.load_state_dict

    def load_whole(self: Any, saved: dict[str, Any]) -> None:
        load(self, saved)
        for state in self.state.values():
            state["step"] = int(state["step"])

    RiemannianAdam.load_state_dict = load_whole


def run(*argv: str) -> dict[str, Any]:
    """The rates at each step, what moved in each epoch, and the state at the end."""
    import torch

    module = importlib.import_module("sample_run.train")
    root = module.pl

    class Record(root.Callback):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.steps: list[list[float]] = []
            self.losses: list[float] = []
            self.moved: list[set[str]] = []
            self.groups: dict[str, dict[str, Any]] = {}
            self.before: dict[str, Any] = {}

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            names = {id(p): name for name, p in pl_module.model.named_parameters()}
            for group in trainer.optimizers[0].param_groups:
                self.groups[group["name"]] = {
                    "weight_decay": group.get("weight_decay", 0),
                    "names": [names[id(p)] for p in group["params"]],
                    "stored": group["param_names"],
                }
            trainer.optimizers[0].register_step_pre_hook(self.note)

        def note(self, optimizer: Any, *_: Any) -> None:
            self.steps.append([float(group["lr"]) for group in optimizer.param_groups])

        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == MIDDLE and not Path("middle").exists():
                (last,) = Path("runs").rglob("last.ckpt")
                Path("middle").mkdir()
                shutil.copy(last, "middle")
            named = pl_module.model.state_dict()
            self.before = {name: value.detach().clone() for name, value in named.items()}

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            now = pl_module.model.state_dict()
            moved = {name for name in now if not torch.equal(now[name], self.before[name])}
            self.moved.append(moved)

        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            if not trainer.sanity_checking:
                self.losses.append(float(trainer.callback_metrics["val/loss"]))

    record = Record()
    trainer = module.train(module.parse_arguments(list(argv)), [record])
    task = trainer.lightning_module
    return {
        "groups": record.groups,
        "steps": record.steps,
        "losses": record.losses,
        "moved": record.moved,
        "finite": all(bool(torch.isfinite(p).all()) for p in task.parameters()),
        "loss": float(trainer.callback_metrics["train/loss"]),
        "state": {
            "weights": task.state_dict(),
            "optimizer": trainer.optimizers[0].state_dict(),
            "step": trainer.global_step,
            "loss": record.losses[-1],
        },
    }


def differing(a: Any, b: Any, name: str = "") -> Iterator[str]:
    """Where two nested states differ."""
    import torch

    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from differing(a[key], b[key], f"{name}.{key}")
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for at, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differing(x, y, f"{name}.{at}")
    elif isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if not torch.equal(a, b):
            yield name
    elif a != b:
        yield f"{name}: {str(a)[:80]}, {str(b)[:80]}"


def made(spec: dict[str, Any], folder: Path) -> Path:
    """The project, with what its user has written."""
    root = project(spec, folder)
    parts = others.PARTS.replace("LIGHTNING", lightning_root(plan_of(spec)))
    (root / "src" / "sample_run" / "parts.py").write_text(parts.lstrip())
    return root


def test_it_trains_as_its_spec_says_and_resumes(
    number: int, tmp_path: Path, nursery: Nursery
) -> None:
    spec = others.matrix()[number]
    folder = made(spec, tmp_path)
    must_be_tidy(folder)
    got = nursery.ask(folder, spec, number % OWN_TESTS == 0)
    assert got["own"] == 0, (folder / "child.log").read_text()[-4000:]
    assert got["finite"] and got["loss"] == pytest.approx(got["loss"])
    specs.must_be_grouped(spec, got)
    wanted = got["rates"]
    assert len(got["steps"]) == len(wanted)
    for step, (seen, then) in enumerate(zip(got["steps"], wanted, strict=True)):
        assert seen == pytest.approx(then, abs=1e-12), step
    assert got["resumed"] == got["steps"][-len(got["resumed"]) :]
    assert len(got["resumed"]) == len(wanted) * (others.EPOCHS - MIDDLE) // others.EPOCHS
    assert not got["differences"]
    must_rest(spec, got)


def must_rest(spec: dict[str, Any], got: dict[str, Any]) -> None:
    """Weights and running statistics of what is frozen, as far as its pattern names modules."""
    body = spec["groups"].get("body")
    if body is None:
        return
    first = specs.first_epoch(spec, "body") if body["freeze"] is not True else others.EPOCHS
    at_rest = {name for names in got["moved"][:first] for name in names}
    assert not {name for name in at_rest if specs._fits(name, body["match"])}


def must_be_tidy(folder: Path) -> None:
    """What was generated passes its own linter."""
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--exclude=parts.py", "."]
    done = subprocess.run(ruff, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
