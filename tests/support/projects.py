"""Render specs, and run code in a generated project: one import of torch, a child per project."""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightgen.plan import Plan, make_plan
from lightgen.render.project import render_project
from lightgen.spec.model import parse_spec
from lightgen.spec.rule import RuleFile, split_reference
from lightgen.tree import File, Tree
from support.peers import see_vision

PACKAGE = "sample_run"


def plan_of(spec: Mapping[str, Any], folder: Path | None = None) -> Plan:
    """The plan of a spec; the package has a name unless the spec gives one.

    The file of a rule that the spec names is read from the folder.
    """
    named = spec.get("optimizer", {}).get("rule")
    sources = {}
    if named is not None and folder is not None:
        path, _ = split_reference(named)
        sources[path] = RuleFile(File((folder / path).read_bytes()), path)
    return make_plan(parse_spec({"project": {"package": PACKAGE}, **spec}), sources)


def lay_out(tree: Tree, folder: Path) -> Path:
    """Write a tree as it is."""
    for path, file in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
    return folder


def project(spec: Mapping[str, Any], folder: Path, rules: Path | None = None) -> Path:
    """Render a spec into a folder; the rule that it names lies in another one."""
    return lay_out(render_project(plan_of(spec, rules)), folder)


def in_project(folder: Path, act: Callable[[], Any], seconds: float = 240) -> Any:
    """Call `act` in a forked child whose current folder and import path are the project's.

    Raises AssertionError with the child's traceback and output if it fails.
    """
    # Here, so that each child has them: they take seconds to import.
    import pytorch_lightning  # noqa: F401
    import torch._dynamo  # noqa: F401
    import torchmetrics  # noqa: F401

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    log = folder / "child.log"
    child = context.Process(target=_child, args=(folder, act, sender, log))
    child.start()
    sender.close()
    try:
        arrived = receiver.poll(seconds)
        ok, result = receiver.recv() if arrived else (False, "took too long")
    except EOFError:
        ok, result = False, "died"
    finally:
        if child.is_alive() and not receiver.poll(0):
            child.join(5)
        if child.is_alive():
            child.kill()
        child.join()
    assert ok, f"{result}\n{log.read_text(errors='replace')[-4000:]}"
    return result


def run_pytest(*arguments: str) -> int:
    """Run pytest in a child of `in_project`; its test modules may be called like ours."""
    import pytest

    for name in [each for each in sys.modules if each.startswith("test_") or each == "conftest"]:
        del sys.modules[name]
    options = ["-q", "--rootdir=.", "-c", "pyproject.toml", "-p", "no:cacheprovider"]
    return int(pytest.main([*options, *arguments]))


def _child(folder: Path, act: Callable[[], Any], sender: Any, log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(folder)
    see_vision()
    sys.path.insert(0, str(folder / "src"))
    try:
        sender.send((True, act()))
    except BaseException:
        sender.send((False, traceback.format_exc()))
    sender.close()
    sys.stdout.flush()
    os._exit(0)
