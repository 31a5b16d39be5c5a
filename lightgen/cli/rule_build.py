"""lightgen rule build."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from lightgen.changes import Update, changes_of
from lightgen.cli.changes import Report, print_update, summary
from lightgen.cli.report import report_error
from lightgen.inside import read_regular
from lightgen.merge import Labels, Yours, merge_trees
from lightgen.plan.names import class_name_from, class_name_problem
from lightgen.problems import LightgenError, Problem, ProjectError, raise_if_any
from lightgen.render.custom.fused import fused_files
from lightgen.render.custom.rule_optimizer import render_rule_optimizer
from lightgen.render.custom.rule_test import render_rule_test
from lightgen.render.format import formatted
from lightgen.rulefile import named_rule, refuse_markers
from lightgen.rules.rule import Rule
from lightgen.source import is_identifier
from lightgen.tree import File
from lightgen.write import write_file

_LABELS = Labels("yours", "new build")
NOTHING = "nothing to build: the files are what the rule says, but for your edits"


@dataclass(frozen=True)
class Request:
    """Everything that the command line says."""

    rule: str
    out: Path
    tests: Path | None
    fused: bool
    class_name: str | None
    module: str | None
    dry_run: bool
    json: bool


def run_build(request: Request) -> int:
    """Write an optimizer and its tests; return the exit code."""
    try:
        rule = named_rule(request.rule, "FILE")
        _check(request, rule)
        texts = _texts(request, rule)
        update = _merged({path: File.from_text(text) for path, text in texts.items()})
        if not request.dry_run:
            _write(update, texts)
    except LightgenError as error:
        return report_error(error, as_json=request.json)
    code = int(update.has_conflicts)
    report = Report(
        request.out, "the new build", code, not request.dry_run, request.dry_run, request.json
    )
    print_update(update, report, _last_line(update, request.dry_run))
    return code


def _check(request: Request, rule: Rule) -> None:
    problems = []
    named = [("--output", request.out), *([("--tests", request.tests)] if request.tests else [])]
    for flag, path in named:
        if path.suffix != ".py":
            problems.append(Problem(flag, f"'{path}' is no name of a Python file", "end it in .py"))
    taken = [Path(rule.where), *(path for _, path in named)]
    if len({os.path.realpath(path) for path in taken}) < len(taken):
        what = "the rule, the optimizer and its tests are to be different files"
        problems.append(Problem("--output", what, "choose another path"))
    if request.tests and not all(map(is_identifier, _module(request).split("."))):
        what = f"'{_module(request)}' can't be imported by the tests"
        problems.append(Problem("--module", what, "say which name does, as in package.lion"))
    fault = class_name_problem(_class_name(request, rule))
    if fault:
        problems.append(replace(fault, where="--class-name"))
    raise_if_any(problems)


def _module(request: Request) -> str:
    return request.out.stem if request.module is None else request.module


def _class_name(request: Request, rule: Rule) -> str:
    return class_name_from(rule.name) if request.class_name is None else request.class_name


def _texts(request: Request, rule: Rule) -> dict[str, str]:
    """What is built, by the path where it goes."""
    name, module = _class_name(request, rule), _module(request)
    out = str(request.out)
    texts = {}
    kernels = ".".join([*module.split(".")[:-1], "fused_update"]) if request.fused else ""
    if request.fused:
        files = fused_files(rule, name, kernels)
        texts = {str(request.out.with_name(file)): text for file, text in files.items()}
    texts[out] = formatted(out, render_rule_optimizer(rule, name, kernels))
    if request.tests is not None:
        tests = str(request.tests)
        text = render_rule_test(rule, name, module, is_fused=request.fused)
        texts[tests] = formatted(tests, text)
    return texts


def base_path(path: str) -> Path:
    """Where the base of a built file lies: what was written last, to know edits by."""
    return Path(path).with_name(f".{Path(path).name}.base")


def _merged(new: dict[str, File]) -> Update:
    """What becomes of the files, whose edits are told by their bases."""
    yours = {path: found for path in new if (found := _read(Path(path)))}
    bases = {path: found for path in new if (found := _read(base_path(path)))}
    problems = [
        Problem(path, f"is there, and its base {base_path(path)} is not", todo)
        for path, mine in yours.items()
        for todo in ["move it away, build it, and merge the two by hand"]
        if path not in bases and mine.content != new[path].content
    ]
    if problems:
        raise ProjectError(*problems)
    for path, mine in yours.items():
        refuse_markers(mine, path)
    base = {path: _like(bases[path], mine) for path, mine in yours.items() if path in bases}
    new = {path: _like(file, yours.get(path, file)) for path, file in new.items()}
    outcomes = merge_trees(base, Yours(yours), new, _LABELS)
    changes, beside = changes_of(outcomes, Yours(yours))
    return Update(outcomes, changes, {path: yours.get(path) for path in changes}, beside)


def _like(file: File, mine: File) -> File:
    """Whether a file may be executed is yours to say."""
    return replace(file, executable=mine.executable)


def _read(path: Path) -> File | None:
    try:
        found = read_regular(path.resolve())
    except FileNotFoundError:
        if not path.parent.is_dir():
            what = f"there is no folder '{path.parent}'"
            raise ProjectError(
                Problem(str(path), what, "make it, or choose another path")
            ) from None
        return None
    except (OSError, RuntimeError) as error:
        what = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise ProjectError(Problem(str(path), what, "choose another path")) from error
    return File(found.content, found.executable)


def _write(update: Update, texts: dict[str, str]) -> None:
    """Each file before its base: cut off between the two, the next build merges the same again."""
    for path, text in texts.items():
        file = update.changes.get(path)
        if file is not None:
            write_file(Path(path), file)
        write_file(base_path(path), File.from_text(text))


def _last_line(update: Update, would_only: bool) -> str:
    if not update.changes:
        return NOTHING
    counts = summary(update.outcomes)
    if would_only:
        return f"would be: {counts}"
    return f"{counts}; resolve what is in conflict" if update.has_conflicts else counts
