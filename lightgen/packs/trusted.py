"""A trusted pack: cookiecutter's own generation, hooks and extensions included.

It runs in a process of its own, since it changes the working directory, imports the pack's modules
and leaves copies of hooks in the temporary folder. The two processes talk through two JSON files.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from lightgen.packs.environment import explainer, renderer, top_folder
from lightgen.packs.folder import load, read_folder, write_folder
from lightgen.packs.names import path_fault
from lightgen.packs.pack import Pack
from lightgen.packs.placement import place_files, target_problems
from lightgen.packs.settings import WHERE, read_settings
from lightgen.packs.variables import settle
from lightgen.problems import InputError, LightgenError, Problem, raise_if_any
from lightgen.tree import Tree

_START = """
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    request = json.load(file)
sys.path[:] = request["import_path"]
from lightgen.packs.trusted import answer
answer(request)
"""
_LINES_SHOWN = 5


def generate(pack: Pack, wished: Mapping[str, str], context: object) -> Tree:
    """Let cookiecutter generate a pack in a temporary folder, and read back what came of it.

    What hooks print is shown only where they fail; a `.git` that they make is left behind.

    Raises InputError where the pack, its variables or a hook fails, or where a path that came of it
    is none for the project.
    """
    with tempfile.TemporaryDirectory(prefix="lightgen-pack-") as scratch:
        folder = Path(scratch).resolve()
        write_folder(pack.files, folder / "pack")
        for name in ("project", "tmp", "work"):
            (folder / name).mkdir()
        printed = _run(folder, pack, wished, context)
        project = _project(folder, printed)
        files, faults = read_folder(project, follow_inner_links=True)
    problems = [
        Problem(WHERE, f"what the pack generated: {fault}", "mend the pack") for fault in faults
    ]
    raise_if_any(problems + target_problems((path, path) for path in files))
    return files


def answer(request: Mapping[str, Any]) -> None:
    """Do what `generate` asked for, in the process that it started."""
    logging.disable(logging.CRITICAL)
    folder = Path(request["folder"])
    outcome: dict[str, object]
    try:
        outcome = {"project": _generate(folder, request)}
    except LightgenError as error:
        outcome = {"problems": [astuple(problem) for problem in error.problems]}
    except Exception as error:  # a pack's code can raise anything
        outcome = {"problems": [astuple(_explain(error))]}
    (folder / "answer.json").write_text(json.dumps(outcome), encoding="utf-8")


def _run(folder: Path, pack: Pack, wished: Mapping[str, str], context: object) -> str:
    """Start the other process and return what the hooks printed."""
    request = folder / "request.json"
    said = {
        "folder": str(folder),
        "import_path": [os.path.abspath(path) for path in sys.path],
        "source": pack.source,
        "ref": pack.ref,
        "wished": dict(wished),
        "context": context,
    }
    request.write_text(json.dumps(said), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _START, str(request)],
        cwd=folder / "work",
        env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "tmp")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace")


def _project(folder: Path, printed: str) -> Path:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    said = f"it printed: {' | '.join(lines[-_LINES_SHOWN:])}" if lines else ""
    try:
        outcome = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problem = Problem(
            WHERE, "the pack ended the process that generated it", said or "mend the pack"
        )
        raise InputError(problem) from error
    if "problems" in outcome:
        problems = [Problem(*fields) for fields in outcome["problems"]]
        raise InputError(*(_with_output(problem, said) for problem in problems))
    return Path(outcome["project"])


def _with_output(problem: Problem, said: str) -> Problem:
    is_silent = problem.todo or "hook" not in problem.what.lower()
    return problem if is_silent else Problem(problem.where, problem.what, said)


def _generate(folder: Path, request: Mapping[str, Any]) -> str:
    from cookiecutter.exceptions import (  # type: ignore[import-untyped]
        UndefinedVariableInTemplate,
    )
    from cookiecutter.generate import generate_files  # type: ignore[import-untyped]
    from cookiecutter.hooks import run_pre_prompt_hook  # type: ignore[import-untyped]
    from cookiecutter.utils import create_env_with_context  # type: ignore[import-untyped]
    from jinja2 import TemplateError

    repository = Path(run_pre_prompt_hook(folder / "pack"))
    sys.path.append(str(repository))  # for local extensions, as cookiecutter does
    files = load(repository)
    settings = read_settings(files)
    environment = create_env_with_context({"cookiecutter": dict(settings.variables)})
    pack = Pack(request["source"], request["ref"], "", files)
    places = {"_output_dir": str(folder / "project"), "_repo_dir": str(repository)}
    variables = settle(pack, settings, request["wished"], environment, request["context"])
    context = {"cookiecutter": variables | places, "lightgen": request["context"]}
    top = top_folder(files, environment)
    _check_top(renderer(environment, context, _explain)(top), top)
    place_files(files, top, settings, environment, context)
    try:
        made = generate_files(repository, context, folder / "project", overwrite_if_exists=True)
    except (TemplateError, UndefinedVariableInTemplate) as error:
        inner = error if isinstance(error, TemplateError) else error.error
        raise InputError(explainer(WHERE, files, context)(inner)) from error
    return str(made)


def _check_top(rendered: str, top: str) -> None:
    """Refuse a name by which cookiecutter would generate outside of its folder."""
    fault = path_fault(rendered)
    if fault:
        raise InputError(Problem(top, f"its path, {rendered!r}, {fault}", "rename it in the pack"))


def _explain(error: Exception) -> Problem:
    from cookiecutter.exceptions import CookiecutterException
    from jinja2 import TemplateError

    if isinstance(error, TemplateError):
        return explainer(WHERE, {}, {})(error)
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, CookiecutterException):
        reason = str(error)
    return Problem(WHERE, f"cookiecutter cannot generate the pack: {reason}")
