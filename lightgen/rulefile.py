"""Rule files on disk: those of a project, and those that the command line names."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lightgen.inside import place_fault, read_regular
from lightgen.merge.outcome import marker_line
from lightgen.problems import InputError, Problem, ProjectError
from lightgen.spec.document import content_of, set_value
from lightgen.spec.flags import Flags
from lightgen.spec.rule import (
    FOLDER,
    RuleFile,
    parse_rule,
    path_fault,
    place_for,
    rule_reference,
    split_reference,
)
from lightgen.tree import File

if TYPE_CHECKING:
    import tomlkit

    from lightgen.rules.rule import Rule


@dataclass(frozen=True)
class Given:
    """The flags with a rule by its path in the project, and the files to copy to such paths."""

    flags: Flags
    files: dict[str, RuleFile] = field(default_factory=dict)


def given_rule(
    document: tomlkit.TOMLDocument | None,
    flags: Flags,
    folder: Path,
    root: Path | None,
) -> Given:
    """Read the rule that a flag names, as seen from here, or else a document in `folder`.

    A file that lies in the project at `root`, None for a new one, stays where it is; another one is
    to be copied. The document is changed in place. Raises InputError for a file that can't be read.
    """
    if flags.rule is not None:
        path, function = _split(flags.rule, Path())
        named, files = _placed(Path(path), "--rule", place_for(Path(path).name), root)
        return Given(replace(flags, rule=_joined(named, function)), files)
    said = "" if document is None else rule_reference(content_of(document))
    path, function = _split(said, folder)
    if not path or not (folder / path).exists():
        return Given(flags)
    is_plain = path.startswith(f"{FOLDER}/") and not path_fault(path)
    place = path if is_plain else place_for(Path(path).name)
    named, files = _placed(folder / path, "optimizer.rule", place, root)
    assert document is not None
    set_value(document, ("optimizer", "rule"), _joined(named, function))
    return Given(flags, files)


def _split(reference: str, folder: Path) -> tuple[str, str]:
    """FILE:FUNCTION as its parts; a file may have a colon in its name."""
    return (reference, "") if (folder / reference).is_file() else split_reference(reference)


def _joined(path: str, function: str) -> str:
    return f"{path}:{function}" if function else path


def _placed(
    file: Path, where: str, place: str, root: Path | None
) -> tuple[str, dict[str, RuleFile]]:
    """The path in the project, and what is to be copied there."""
    found = read_given(file, where)
    if root is not None:
        inner = os.path.relpath(os.path.realpath(file), os.path.realpath(root))
        if not path_fault(Path(inner).as_posix()):
            return Path(inner).as_posix(), {}
    return place, {place: found}


def named_rule(text: str, where: str) -> Rule:
    """The rule that FILE or FILE:FUNCTION names. Raises InputError with every problem."""
    path, function = _split(text, Path())
    return parse_rule(read_given(Path(path), where), function)


def read_given(file: Path, where: str) -> RuleFile:
    """A rule file that somebody named. Raises InputError where it can't be read."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        problem = Problem(where, f"there is no file '{file}'", "give the path of a rule file")
    except IsADirectoryError:
        problem = Problem(where, f"'{file}' is a folder", "give the path of a rule file")
    except (OSError, ValueError) as error:
        what = f"'{file}' cannot be read ({getattr(error, 'strerror', None) or error})"
        problem = Problem(where, what, "give the path of a rule file")
    else:
        return RuleFile(File(content), str(file))
    raise InputError(problem)


def read_rule_file(root: Path, path: str) -> RuleFile | None:
    """The rule file at a path of a project, None where there is none.

    Raises ProjectError for what is no plain file, or has conflict markers.
    """
    try:
        fault = place_fault(root, path)
        found = None if fault else read_regular(f"{root}/{path}")
    except FileNotFoundError:
        return None
    except OSError as error:
        fault = f"cannot be read ({error.strerror or error})"
    if fault or found is None:
        raise ProjectError(Problem(path, fault, "make it a plain file that can be read"))
    file = File(found.content, found.executable)
    refuse_markers(file, path)
    return RuleFile(file, path)


def refuse_markers(file: File, path: str) -> None:
    """Raise ProjectError for a rule with conflict markers."""
    line = marker_line(file.content.decode("latin-1"))
    if line:
        what = "an unresolved conflict starts here"
        raise ProjectError(Problem(f"{path}:{line}", what, "resolve it first"))
