"""How the kernel for the CPU is built and kept: once, whoever asks, and never torn."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.fused import ADAMW, Package, needs_compiler, some_params, write_package

pytestmark = needs_compiler
STEP = """
import sys, torch
sys.path.insert(0, sys.argv[1])
from {name}.custom_optimizer import Adamw
p = torch.nn.Parameter(torch.ones(5))
p.grad = torch.ones(5)
Adamw([p], fused=True).step()
"""


def built(folder: Path) -> list[Path]:
    return sorted(folder.glob("fused_update-*"))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(folder))
    return folder


def step(package: Package) -> None:
    package.optimizer(some_params((5,)), fused=True).step()


def forget(package: Package) -> None:
    """As in a new process."""
    package.kernels._library.cache_clear()
    package.kernels._say_once.cache_clear()


def no_compiling(monkeypatch: pytest.MonkeyPatch, package: Package) -> None:
    def refuse(command: list[str]) -> None:
        pytest.fail(f"compiled again: {command}")

    monkeypatch.setattr(package.kernels, "_call", refuse)


def test_importing_and_stepping_without_fused_builds_nothing(
    adamw: Package, own_cache: Path
) -> None:
    adamw.optimizer(some_params((5,))).step()
    assert not own_cache.exists()


def test_is_built_once(adamw: Package, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step(adamw)
    assert [path.suffix for path in built(own_cache)] == [".so"]
    no_compiling(monkeypatch, adamw)
    step(adamw)
    forget(adamw)
    step(adamw)
    assert len(built(own_cache)) == 1


def test_nothing_of_a_group_makes_it_build_again(
    adamw: Package, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimizer = adamw.optimizer(some_params((5,), (3, 4)), fused=True)
    optimizer.step()
    no_compiling(monkeypatch, adamw)
    forget(adamw)
    for name, value in {"lr": 0.5, "betas": (0.5, 0.6), "eps": 1.0, "weight_decay": 0.0}.items():
        optimizer.param_groups[0][name] = value
        optimizer.step()
    assert adamw.calls == ["update"] * 5


def test_another_source_flag_or_processor_is_another_build(
    adamw: Package, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step(adamw)
    source = adamw.folder / "fused_update.cpp"
    source.write_text(source.read_text() + "// edited\n")
    forget(adamw)
    step(adamw)
    assert len(built(own_cache)) == 2
    monkeypatch.setattr(adamw.kernels, "FLAGS", (*adamw.kernels.FLAGS, "-g0"))
    forget(adamw)
    step(adamw)
    assert len(built(own_cache)) == 3
    monkeypatch.setattr(adamw.kernels, "_processor", lambda: b"another")
    forget(adamw)
    step(adamw)
    assert len(built(own_cache)) == 4


@pytest.mark.parametrize("damage", ["cut", "emptied", "overwritten"])
def test_a_damaged_file_is_never_loaded(
    damage: str, adamw: Package, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading half a library can end the process, so that no error would be seen."""
    step(adamw)
    (path,) = built(own_cache)
    whole = path.read_bytes()
    torn = {"cut": whole[: len(whole) // 2], "emptied": b"", "overwritten": b"x" * len(whole)}
    # A file of its own: what this process has loaded is still mapped.
    path.unlink()
    path.write_bytes(torn[damage])
    forget(adamw)
    step(adamw)
    assert adamw.calls == ["update"] * 2
    assert path.read_bytes() == whole


def test_processes_may_build_at_once(tmp_path: Path, own_cache: Path) -> None:
    name, _ = write_package(ADAMW, tmp_path)
    command = [sys.executable, "-W", "error", "-c", STEP.format(name=name), str(tmp_path)]
    running = [
        subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ, text=True)
        for _ in range(3)
    ]
    for process in running:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    left = built(own_cache)
    assert left and all(path.suffix == ".so" for path in left)
    assert all(ctypes.CDLL(str(path)).update_float32 for path in left)


def test_without_openmp_it_runs_on_one_thread(
    adamw: Package, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adamw.kernels, "OPENMP", "-fno-such-flag")
    step(adamw)
    assert adamw.calls == ["update"] and len(built(own_cache)) == 1


def test_the_source_is_clean(adamw: Package, tmp_path: Path) -> None:
    """No warning of the compiler but those about pragmas that it does not know."""
    flags = ["-Wall", "-Wextra", "-Wconversion", "-Wno-unknown-pragmas", "-Werror", "-fopenmp"]
    command = [*adamw.kernels._compiler(), *adamw.kernels.FLAGS, *flags]
    source = str(adamw.folder / "fused_update.cpp")
    subprocess.run([*command, source, "-o", str(tmp_path / "x.so")], check=True)
