"""The custom optimizer and the tests that ship with it: rendered, linted, run."""

from __future__ import annotations

import importlib.util
import inspect
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import black
import pytest

from lightgen.plan.hyperparameter import STANDARD, Hyperparameter
from lightgen.render.custom.custom_optimizer import custom_optimizer_view
from lightgen.render.environment import fill
from lightgen.source import Source

LONG = "a_name_of_thirty_characters_xx"
HUGE = 1.7976931348623157e308
EXTRAS = (
    Hyperparameter("trust", 0.1, above=0, max=1),
    Hyperparameter("every", 10, min=1),
    Hyperparameter("cautious", False),
    Hyperparameter("shift", -0.5),
    Hyperparameter("power", 1, max=2.5),
    Hyperparameter("gammas", (0.1, 0.2, 0.3), above=-2, below=2),
    Hyperparameter(LONG, -1.2345678901234567e-300, above=-HUGE, max=HUGE),
    Hyperparameter(LONG[:-1], tuple(n / 3 for n in range(8)), below=HUGE),
)
PROJECTS = {
    "plain": ("Custom", STANDARD),
    "extras": ("Lookahead", (*STANDARD, *EXTRAS)),
}
TEMPLATES = {
    "src/{}/custom_optimizer.py": "src/__package__/custom_optimizer.py",
    "tests/test_{}.py": "tests/test_custom_optimizer.py",
}


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a rendered project for each entry of PROJECTS, of the same name."""
    root = tmp_path_factory.mktemp("projects")
    for package, (class_name, hyperparameters) in PROJECTS.items():
        view = custom_optimizer_view(class_name, hyperparameters)
        for path, template in TEMPLATES.items():
            file = root / package / path.format(package)
            file.parent.mkdir(parents=True)
            text = fill(
                f"project/{template}", {**view, "module": Source(f"{package}.custom_optimizer")}
            )
            file.write_text(text, encoding="utf-8")
        (root / package / "src" / package / "__init__.py").touch()
    return root


def run(*command: str, cwd: Path, **environ: str) -> None:
    """Run a module of this Python; fail with its output."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", PROJECTS)
@pytest.mark.parametrize("path", TEMPLATES)
def test_black_leaves_the_files_as_they_are(projects: Path, package: str, path: str) -> None:
    text = (projects / package / path.format(package)).read_text(encoding="utf-8")
    assert black.format_str(text, mode=black.Mode(line_length=88)) == text
    compile(text, path, "exec")


@pytest.mark.parametrize("package", PROJECTS)
def test_ruff_is_content(projects: Path, package: str) -> None:
    common = ["--isolated", "--no-cache", "--line-length=88"]
    rules = ["--select=E,F,W,I,UP,B", f"--config=lint.isort.known-first-party=['{package}']"]
    run("-m", "ruff", "check", *common, *rules, ".", cwd=projects / package)
    run("-m", "ruff", "format", "--check", *common, ".", cwd=projects / package)


@pytest.mark.slow
def test_mypy_is_content(projects: Path) -> None:
    paths = [str(projects / package / "src" / package) for package in PROJECTS]
    run("-m", "mypy", "--strict", "--cache-dir", os.devnull, *paths, cwd=projects)


def test_shipped_tests_pass(projects: Path) -> None:
    """Without a warning."""
    sources = os.pathsep.join(str(projects / package / "src") for package in PROJECTS)
    run(
        *("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "."),
        cwd=projects,
        PYTHONPATH=sources,
        PYTEST_ADDOPTS="",
    )


def load(projects: Path, package: str) -> Any:
    """The optimizer class of a rendered project."""
    path = projects / package / "src" / package / "custom_optimizer.py"
    spec = importlib.util.spec_from_file_location(f"{package}_custom_optimizer", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, PROJECTS[package][0])


@pytest.mark.parametrize("foreach", [False, True])
def test_update_is_adamw(projects: Path, foreach: bool) -> None:
    """A second implementation agrees: torch's own AdamW."""
    import torch

    results = []
    for optimizer_class in (load(projects, "plain"), torch.optim.AdamW):
        torch.manual_seed(0)
        params = [torch.randn(size, requires_grad=True) for size in (2, 3)]
        optimizer = optimizer_class(params, lr=0.1, weight_decay=0.1, foreach=foreach)
        for _ in range(20):
            for param in params:
                param.grad = torch.randn_like(param)
            optimizer.step()
        results.append(params)
    torch.testing.assert_close(*results)


def test_defaults_are_those_of_the_hyperparameters(projects: Path) -> None:
    for package, (_, hyperparameters) in PROJECTS.items():
        parameters = inspect.signature(load(projects, package)).parameters
        for hyper in hyperparameters:
            assert parameters[hyper.name].default == hyper.default


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "no-name", "default": 1.0}, "identifier"),
        ({"name": "x" * 31, "default": 1.0}, "30 characters"),
        ({"name": "foreach", "default": 1.0}, "reserved"),
        ({"name": "_trust", "default": 1.0}, "reserved"),
        ({"name": "trust", "default": 1.0, "min": 0, "above": 0}, "two bounds"),
        ({"name": "trust", "default": 1.0, "max": 1, "below": 1}, "two bounds"),
        ({"name": "trust", "default": ()}, "empty"),
        ({"name": "trust", "default": 0.0, "above": 0}, "out of range"),
        ({"name": "trust", "default": 1.0, "below": 1}, "out of range"),
        ({"name": "trust", "default": (0.5, 2.0), "max": 1}, "out of range"),
        ({"name": "trust", "default": float("nan")}, "out of range"),
    ],
)
def test_bad_hyperparameter_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hyperparameter(**fields)


def test_bad_list_of_hyperparameters_is_refused() -> None:
    with pytest.raises(ValueError, match="told twice: lr"):
        custom_optimizer_view("Custom", (*STANDARD, STANDARD[0]))
    with pytest.raises(ValueError, match="missing: lr, eps"):
        custom_optimizer_view("Custom", (STANDARD[1], STANDARD[3]))
    with pytest.raises(ValueError, match="identifier"):
        custom_optimizer_view("No Name", STANDARD)


@pytest.mark.slow
@pytest.mark.parametrize("package", PROJECTS)
def test_generic_checks_of_torch_pass(projects: Path, package: str) -> None:
    """A second opinion: torch's error inputs, and the options that it tests AdamW with."""
    pytest.importorskip("expecttest", reason="torch.testing._internal imports it")
    import torch
    from torch.testing._internal import common_optimizers as upstream

    optimizer_class = load(projects, package)

    for error in upstream.get_error_inputs_for_all_optims("cpu", torch.float32):
        params = error.optimizer_error_input.params or [torch.nn.Parameter(torch.ones(1))]
        if error.error_type is UserWarning:
            with pytest.warns(UserWarning), pytest.raises(ValueError, match="duplicate"):
                optimizer_class(params, **error.optimizer_error_input.kwargs)
            continue
        with pytest.raises(error.error_type, match=error.error_regex):
            optimizer_class(params, **error.optimizer_error_input.kwargs)

    def train(kwargs: dict[str, Any], steps: int) -> tuple[Any, float, float, list[Any]]:
        torch.manual_seed(0)
        weight = torch.nn.Parameter(torch.randn(10, 5, dtype=torch.float64))
        bias = torch.nn.Parameter(torch.randn(10, dtype=torch.float64))
        optimizer = optimizer_class([weight, bias], **kwargs)
        data = torch.randn(5, dtype=torch.float64)
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            loss = (weight.mv(data) + bias).pow(2).sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return optimizer, losses[0], losses[-1], [weight.detach(), bias.detach()]

    options = inspect.signature(optimizer_class).parameters.keys()
    of_adamw = upstream.optim_inputs_func_adamw("cpu", torch.float64)
    configurations = [each for each in of_adamw if each.kwargs.keys() <= options]
    assert len(configurations) >= 4
    for configuration in configurations:
        kwargs = configuration.kwargs
        optimizer, first, last, params = train({**kwargs, "foreach": False}, 20)
        assert last > first if kwargs.get("maximize") else last < first, configuration.desc
        _, _, _, foreach_params = train({**kwargs, "foreach": True}, 20)
        torch.testing.assert_close(foreach_params, params)

        file = io.BytesIO()
        torch.save(optimizer.state_dict(), file)
        file.seek(0)
        loaded, *_ = train(kwargs, 1)
        loaded.load_state_dict(torch.load(file, weights_only=True))
        torch.testing.assert_close(
            loaded.state_dict()["state"], optimizer.state_dict()["state"], rtol=0, atol=0
        )
