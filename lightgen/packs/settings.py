"""cookiecutter.json -> what it says: the variables, and the private settings that we know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from lightgen.packs.pack import Pack
from lightgen.problems import InputError, Problem
from lightgen.tree import Tree

CONTEXT_FILE = "cookiecutter.json"
WHERE = "template.source"
_HOOKS = frozenset({"pre_prompt", "pre_gen_project", "post_gen_project"})
_NEWLINES = ("\n", "\r\n", "\r")


@dataclass(frozen=True)
class Settings:
    """What the cookiecutter.json of a pack says, unrendered.

    `newline` is empty where each file keeps its own.
    """

    variables: Mapping[str, object]
    extensions: tuple[str, ...]
    copied_globs: tuple[str, ...]
    jinja_options: Mapping[str, object]
    newline: str


def code_in(pack: Pack) -> tuple[str, ...]:
    """Return the name of each thing in the pack that would execute code: hooks and extensions.

    Raises InputError where cookiecutter.json is wrong.
    """
    return executables(pack.files, read_settings(pack.files))


def executables(files: Tree, settings: Settings) -> tuple[str, ...]:
    """Return the hooks that cookiecutter would run, then the extensions that it would load."""
    hooks = [path for path in sorted(files) if _is_hook(PurePosixPath(path))]
    return (*hooks, *(f"the extension {name}" for name in settings.extensions))


def read_settings(files: Tree) -> Settings:
    """Read cookiecutter.json; raises InputError where it is missing or not what it should be."""
    said = _read_object(files)
    options = said.get("_jinja2_env_vars", {})
    if not isinstance(options, dict):
        raise _wrong("_jinja2_env_vars is not an object")
    newline = said.get("_new_lines") or ""
    if newline and newline not in _NEWLINES:
        raise _wrong("_new_lines is not a line end")
    return Settings(
        variables={name: value for name, value in said.items() if name != "__prompts__"},
        extensions=_strings(said, "_extensions"),
        copied_globs=_strings(said, "_copy_without_render"),
        jinja_options=options,
        newline=str(newline),
    )


def is_private(name: str) -> bool:
    """Whether cookiecutter never asks for the variable of this name."""
    return name.startswith("_")


def _is_hook(path: PurePosixPath) -> bool:
    is_script = len(path.parts) == 2 and path.parts[0] == "hooks" and not path.name.endswith("~")
    return is_script and path.stem in _HOOKS


def _read_object(files: Tree) -> dict[str, object]:
    if CONTEXT_FILE not in files:
        raise InputError(
            Problem(WHERE, f"the pack has no {CONTEXT_FILE}", "name the folder that holds it")
        )
    try:
        said = json.loads(files[CONTEXT_FILE].content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _wrong(f"it is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise _wrong("it is not an object")
    return said


def _strings(said: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = said.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(f"{name} is not a list of strings")
    return tuple(value)


def _wrong(what: str) -> InputError:
    return InputError(
        Problem(WHERE, f"the pack's {CONTEXT_FILE} is wrong: {what}", "mend it in the pack")
    )
