"""What a spec names as its template -> the files of that pack."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightgen.packs import git
from lightgen.packs.folder import read_folder
from lightgen.packs.names import is_unprintable
from lightgen.packs.pack import Pack, digest
from lightgen.packs.settings import CONTEXT_FILE, WHERE
from lightgen.problems import InputError, Problem, ProjectError
from lightgen.tree import Tree

# Without .git, cookiecutter takes a Bitbucket address for Mercurial, which it no longer has.
_ABBREVIATIONS = {"bb": "https://bitbucket.org/{0}.git"}
_ZIP_FAULTS = (OSError, ValueError, LookupError, RuntimeError, EOFError, zlib.error)
_PROCESS = threading.RLock()


def fetch(source: str, ref: str = "", *, relative_to: Path | None = None) -> Pack:
    """Fetch a pack from what cookiecutter takes: a folder, a zip, a repository, `gh:` and so on.

    A relative folder or zip is looked for in relative_to, by default the working directory. A
    folder without a ref is taken as it stands, but for what git ignores there. Links to files
    inside of the pack are replaced by these files. Nothing is left behind and nobody is asked.

    Raises InputError where there is no such pack or it is not sound, ProjectError where git is not
    installed or the network does not answer.
    """
    _check_words(source, ref)
    address = _expand(source)
    with tempfile.TemporaryDirectory(prefix="lightgen-pack-") as scratch:
        files, resolved = _obtain(address, ref, Path(scratch), relative_to or Path.cwd())
    return Pack(source, ref, resolved, files)


def _check_words(source: str, ref: str) -> None:
    if not source:
        raise _refused("the source of the pack is empty")
    for name, word in (("source", source), ("ref", ref)):
        if word.startswith("-"):
            raise _refused(f"the {name} '{word}' starts with '-', like an option of git")
        if is_unprintable(word):
            raise _refused(f"the {name} {word!r} has a character that cannot be shown")


def _expand(source: str) -> str:
    """Spell out `gh:`, `gl:` and `bb:`, whatever the user's cookiecutter configuration says."""
    from cookiecutter.config import get_user_config  # type: ignore[import-untyped]
    from cookiecutter.repository import expand_abbreviations  # type: ignore[import-untyped]

    if ":" not in source:
        return source
    config = get_user_config(default_config={"abbreviations": _ABBREVIATIONS})
    return str(expand_abbreviations(source, config["abbreviations"]))


def _obtain(address: str, ref: str, scratch: Path, base: Path) -> tuple[Tree, str]:
    """Return the files of the pack and what the wish resolved to."""
    from cookiecutter.repository import is_repo_url, is_zip_file

    # By name: the project that a path starts from may not be there yet.
    local = Path(os.path.normpath(base / os.path.expanduser(address)))
    if os.path.isdir(local):
        return _take_folder(local, ref, scratch, address)
    if is_zip_file(address):
        if ref:
            raise _refused(f"'{address}' is a zip archive, which has no ref '{ref}'")
        files = _read(_unzip(address, local, is_repo_url(address), scratch), address)
        return files, digest(files)
    if is_repo_url(address):
        return _clone(address, ref, scratch)
    raise _refused(
        f"there is no folder '{local}'",
        "give a folder, a zip, the URL of a repository or gh:OWNER/NAME",
    )


def _take_folder(folder: Path, ref: str, scratch: Path, address: str) -> tuple[Tree, str]:
    if ref:
        if not (folder / ".git").exists() and not (folder / "HEAD").is_file():
            raise _refused(f"'{address}' is not a git repository, so it has no ref '{ref}'")
        clone = scratch / "clone"
        git.clone_folder(folder.resolve(), clone)
        git.check_out(clone, ref, address)
        return _read(clone, address), git.head(clone)
    kept = git.kept_paths(folder)
    files = _read(folder, address, kept)
    commit = "" if kept is None else git.commit_with(folder, files)
    return files, commit or digest(files)


def _clone(address: str, ref: str, scratch: Path) -> tuple[Tree, str]:
    from cookiecutter import exceptions  # type: ignore[import-untyped]
    from cookiecutter.vcs import clone, identify_repo  # type: ignore[import-untyped]

    try:
        kind, _ = identify_repo(address)
        # git's refs are checked out here: cookiecutter would not tell a wrong ref from an option.
        checkout = ref or None if kind == "hg" else None
        with _contained(scratch):
            named = Path(clone(address, checkout, clone_to_dir=scratch / "clone", no_input=True))
    except exceptions.UnknownRepoType as error:
        raise _refused(
            f"cannot tell whether '{address}' is git or Mercurial", "write git+URL or hg+URL"
        ) from error
    except exceptions.VCSNotInstalled as error:
        raise git.not_installed(kind) from error
    except (exceptions.CookiecutterException, subprocess.CalledProcessError) as error:
        cause = error if isinstance(error, subprocess.CalledProcessError) else error.__cause__
        raise git.clone_failed(address, getattr(cause, "output", None) or str(error)) from error
    except (OSError, ValueError) as error:
        raise git.clone_failed(address, str(error)) from error
    folder = named if named.is_dir() else _only_folder(scratch / "clone", address)
    if ref and kind == "git":
        git.check_out(folder, ref, address)
    files = _read(folder, address)
    return files, git.head(folder) if kind == "git" else _mercurial_head(folder)


def _only_folder(place: Path, address: str) -> Path:
    """Find the clone where cookiecutter mistook its name (as of 2.7.1: `.git` amid the name)."""
    found = [path for path in place.iterdir() if path.is_dir()] if place.is_dir() else []
    if len(found) != 1:
        raise git.clone_failed(address, "nothing came")
    return found[0]


def _mercurial_head(folder: Path) -> str:
    command = ["hg", "log", "--rev", ".", "--template", "{node}"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        raise git.clone_failed(str(folder), done.stderr)
    return done.stdout.decode("ascii").strip()


def _unzip(address: str, local: Path, is_url: bool, scratch: Path) -> Path:
    from cookiecutter.exceptions import InvalidZipRepository  # type: ignore[import-untyped]
    from cookiecutter.zipfile import unzip  # type: ignore[import-untyped]
    from requests import exceptions

    if not is_url and not os.path.isfile(local):
        raise _refused(f"there is no file '{local}'")
    archive = scratch / address.rsplit("/", 1)[-1] if is_url else local
    try:
        with _contained(scratch) as temporary:
            folder = Path(unzip(address if is_url else str(local), is_url, scratch, no_input=True))
        for place in temporary.iterdir():
            _restore_modes(archive, place.resolve())
    except (exceptions.ConnectionError, exceptions.Timeout) as error:
        problem = Problem(WHERE, f"cannot download '{address}'", "check the network")
        raise ProjectError(problem) from error
    except (InvalidZipRepository, zipfile.BadZipFile, *_ZIP_FAULTS) as error:
        reason = str(error).rstrip(":")
        raise _refused(f"cannot unpack '{address}': {reason}") from error
    if not folder.resolve().is_relative_to(scratch.resolve()):
        raise _refused(f"cannot unpack '{address}': its top folder leads out of it")
    return folder


def _restore_modes(archive: Path, place: Path) -> None:
    """Give back the executable bits and links of an archive: Python's zipfile drops them."""
    with zipfile.ZipFile(archive) as opened:
        entries = [(entry.filename, entry.external_attr >> 16) for entry in opened.infolist()]
    for name, mode in entries:
        path = place / name
        if not path.is_file() or not path.resolve().is_relative_to(place):
            continue
        if stat.S_ISLNK(mode):
            target = path.read_text("utf-8")
            path.unlink()
            path.symlink_to(target)
        elif mode & stat.S_IXUSR:
            path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _read(folder: Path, address: str, only: list[str] | None = None) -> Tree:
    try:
        files, faults = read_folder(folder, follow_inner_links=True, only=only)
    except OSError as error:
        raise _refused(f"cannot read '{address}': {error.strerror or error}") from error
    if CONTEXT_FILE not in files and not any(fault.startswith(CONTEXT_FILE) for fault in faults):
        raise _refused(f"'{address}' has no {CONTEXT_FILE}", "a pack is a cookiecutter template")
    if faults:
        raise InputError(
            *(Problem(WHERE, f"'{address}': {fault}", "mend the pack") for fault in faults)
        )
    return files


@contextmanager
def _contained(scratch: Path) -> Iterator[Path]:
    """Let cookiecutter work without prompts, logged tracebacks or leftovers.

    It asks the process for its environment and its temporary folder, so both are changed for as
    long as it runs; yields that temporary folder.
    """
    logger = logging.getLogger("cookiecutter")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    with _PROCESS:
        environment, tempdir = dict(os.environ), tempfile.tempdir
        try:
            _replace_environment(git.environment())
            tempfile.tempdir = tempfile.mkdtemp(dir=scratch)
            yield Path(tempfile.tempdir)
        finally:
            tempfile.tempdir = tempdir
            _replace_environment(environment)


def _replace_environment(wished: dict[str, str]) -> None:
    for name in os.environ.keys() - wished.keys():
        del os.environ[name]
    os.environ.update(wished)


def _refused(what: str, todo: str = "") -> InputError:
    return InputError(Problem(WHERE, what, todo))
