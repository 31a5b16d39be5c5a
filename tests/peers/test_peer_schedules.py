"""Each schedule of another package moves a real run as the package's own loop would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.run_schedules import EPOCHS, UPDATES

from lightgen.catalogue.path_schedulers import path_schedulers

TESTS = Path(__file__).parents[1]
# timm and torchvision lie beside the environment, which they would break.
VISION = Path(sys.prefix) / "vision"
STEPS = EPOCHS * UPDATES
ALL_ALIKE = {"backbone": {"lr": 0.1}, "head": {"lr": 0.1}}


def case(
    path: str, own: dict[str, Any], moved: str, /, *, groups: Any = None, **said: Any
) -> dict[str, Any]:
    """What the spec says, and the arguments that the package's own documentation would have."""
    found = {"scheduler": {"name": path, **said}, "own": own, "interval": moved}
    return {**found, "groups": groups} if groups else found


def transformers_case(name: str, own: dict[str, Any], **said: Any) -> dict[str, Any]:
    return case(f"transformers.{name}", own, "step", **said)


def timm_cases(
    name: str, by_epoch: dict[str, Any], by_step: dict[str, Any], **said: Any
) -> dict[str, Any]:
    path = f"timm.scheduler.{name}"
    return {
        f"{name}_epoch": case(path, by_epoch, "epoch", **said),
        f"{name}_step": case(
            path, {**by_step, "t_in_epochs": False}, "step", interval="step", **said
        ),
    }


LENGTH = {"num_training_steps": STEPS}
RISE = {"num_warmup_steps": 2}
CASES: dict[str, dict[str, dict[str, Any]]] = {
    "transformers": {
        "constant": transformers_case("get_constant_schedule", {}),
        "constant_warmup": transformers_case("get_constant_schedule_with_warmup", RISE, **RISE),
        "cosine": transformers_case("get_cosine_schedule_with_warmup", {**LENGTH, **RISE}, **RISE),
        "restarts": transformers_case(
            "get_cosine_with_hard_restarts_schedule_with_warmup",
            {**LENGTH, **RISE, "num_cycles": 3},
            num_cycles=3,
            **RISE,
        ),
        "min_lr": transformers_case(
            "get_cosine_with_min_lr_schedule_with_warmup",
            {**LENGTH, **RISE, "min_lr_rate": 0.1},
            **RISE,
        ),
        "min_lr_rate": transformers_case(
            "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
            {**LENGTH, **RISE, "min_lr_rate": 0.2, "warmup_lr_rate": 0.5},
            min_lr_rate=0.2,
            warmup_lr_rate=0.5,
            **RISE,
        ),
        "inverse_sqrt": transformers_case("get_inverse_sqrt_schedule", RISE, **RISE),
        "linear": transformers_case(
            "get_linear_schedule_with_warmup", {**LENGTH, "num_warmup_steps": STEPS // 20}
        ),
        "polynomial": transformers_case(
            "get_polynomial_decay_schedule_with_warmup",
            {**LENGTH, **RISE, "power": 2.0},
            power=2.0,
            **RISE,
        ),
        "wsd": transformers_case(
            "get_wsd_schedule",
            {**LENGTH, **RISE, "num_decay_steps": STEPS // 5, "decay_type": "1-sqrt"},
            decay_type="1-sqrt",
            **RISE,
        ),
        "a_length_in_words": case(
            "transformers.optimization.get_linear_schedule_with_warmup",
            {**LENGTH, **RISE},
            "step",
            num_training_steps="total_steps",
            **RISE,
        ),
    },
    "timm": {
        **timm_cases(
            "CosineLRScheduler",
            {"t_initial": EPOCHS, "warmup_t": 2, "warmup_lr_init": 1e-4},
            {"t_initial": STEPS, "warmup_t": 2, "warmup_lr_init": 1e-4},
            warmup_t=2,
            warmup_lr_init=1e-4,
        ),
        **timm_cases(
            "PolyLRScheduler",
            {"t_initial": EPOCHS // 2, "cycle_limit": 2, "cycle_decay": 0.5, "lr_min": 1e-3},
            {"t_initial": STEPS // 2, "cycle_limit": 2, "cycle_decay": 0.5, "lr_min": 1e-3},
            cycle_limit=2,
            cycle_decay=0.5,
            lr_min=1e-3,
        ),
        **timm_cases(
            "TanhLRScheduler",
            {"t_initial": EPOCHS - 1, "warmup_t": 1, "warmup_prefix": True, "warmup_lr_init": 1e-4},
            {"t_initial": STEPS - 1, "warmup_t": 1, "warmup_prefix": True},
            warmup_t=1,
            warmup_prefix=True,
        ),
        **timm_cases(
            "StepLRScheduler",
            {"decay_t": max(1, EPOCHS // 3), "decay_rate": 0.1, "noise_range_t": (1, 3)},
            {"decay_t": STEPS // 3, "decay_rate": 0.1, "noise_range_t": (1, 3)},
            noise_range_t=[1, 3],
        ),
        **timm_cases(
            "MultiStepLRScheduler",
            {"decay_t": [1, 3], "decay_rate": 0.5},
            {"decay_t": [1, 3], "decay_rate": 0.5},
            decay_t=[1, 3],
            decay_rate=0.5,
        ),
        **timm_cases(
            "WSDLRScheduler",
            {"t_initial": EPOCHS - 1, "decay_t": 1, "warmup_t": 1, "warmup_lr_init": 1e-4},
            {"t_initial": STEPS - 1, "decay_t": (STEPS - 1) // 5, "warmup_t": 1},
            warmup_t=1,
        ),
    },
    "pytorch_optimizer": {
        "wsd_of_pytorch_optimizer": case(
            "pytorch_optimizer.get_wsd_schedule",
            {
                "num_warmup_steps": STEPS // 20,
                "num_decay_steps": STEPS // 5,
                "num_stable_steps": STEPS - STEPS // 20 - STEPS // 5,
            },
            "step",
        ),
        "rex": case(
            "pytorch_optimizer.lr_scheduler.REXScheduler",
            {"total_steps": STEPS, "max_lr": 0.1},
            "step",
            groups=ALL_ALIKE,
        ),
        "restarts_of_pytorch_optimizer": case(
            "pytorch_optimizer.CosineAnnealingWarmupRestarts",
            {"first_cycle_steps": 6, "max_lr": 0.1, "warmup_steps": 2},
            "step",
            groups=ALL_ALIKE,
            first_cycle_steps=6,
            warmup_steps=2,
        ),
    },
}
NAMES = [(package, name) for package, cases in CASES.items() for name in cases]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the runs of a package's schedules told, made when the first is asked for."""
    found: dict[str, dict[str, Any]] = {}

    def of_package(package: str) -> dict[str, Any]:
        if package not in found:
            found[package] = {}  # once, if it fails
            folder = tmp_path_factory.mktemp(package)
            found[package] = run_all(CASES[package], folder, package)
        return found[package]

    return of_package


def run_all(cases: dict[str, Any], folder: Path, package: str) -> dict[str, Any]:
    paths = [str(TESTS.parent), str(TESTS)]
    if package == "timm":
        if not (VISION / "timm").is_dir():
            pytest.skip(f"timm is not in {VISION}")
        paths = [str(TESTS / "support" / "vision"), *paths, str(VISION)]
    elif find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    done = subprocess.run(
        [sys.executable, str(TESTS / "support" / "run_schedules.py"), str(folder)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.slow
@pytest.mark.parametrize(("package", "name"), NAMES, ids=[name for _, name in NAMES])
def test_a_run_has_the_rates_of_the_package_s_own_loop(package: str, name: str, runs: Any) -> None:
    told = runs(package)[name]
    assert len(told["run"]) == STEPS
    assert told["run"] == [pytest.approx(rates) for rates in told["own"]]
    assert len({tuple(rates) for rates in told["run"]}) > 1 or name == "constant"


@pytest.mark.slow
@pytest.mark.parametrize(("package", "name"), NAMES, ids=[name for _, name in NAMES])
def test_a_resumed_run_goes_on_with_the_same_rates(package: str, name: str, runs: Any) -> None:
    told = runs(package)[name]
    for rates in told["resumed"].values():
        assert rates
        assert rates == told["run"][STEPS - len(rates) :]


def test_every_schedule_of_the_catalogue_has_a_case() -> None:
    watching = {name for name, record in path_schedulers().items() if record.watches}
    named = {
        each["scheduler"]["name"].replace(".optimization", "").replace(".lr_scheduler", "")
        for cases in CASES.values()
        for each in cases.values()
    }
    assert named == set(path_schedulers()) - watching
