"""The few things asked of git, without prompts and without running what a repository configures."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from lightgen.problems import InputError, Problem, ProjectError
from lightgen.tree import File, Tree

WHERE = "template.source"
_NETWORK = (
    "could not resolve",
    "failed to connect",
    "couldn't connect",
    "connection refused",
    "connection reset",
    "timed out",
    "network is unreachable",
    "no route to host",
)
# Set by git for the hooks that it runs: they would turn our commands to another repository.
_LOCAL = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
_CONFIG = {
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
}


def environment() -> dict[str, str]:
    """Return the process's environment with git's prompts, hooks and translations turned off."""
    found = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    given = found.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    for number, (key, value) in enumerate(_CONFIG.items(), start=first):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found | {
        "GIT_CONFIG_COUNT": str(first + len(_CONFIG)),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GCM_INTERACTIVE": "never",
        "SSH_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "force",
        "LC_ALL": "C",
    }


def run(*arguments: str, folder: Path) -> bytes:
    """Return what git prints; raises CalledProcessError where it fails, ProjectError without it."""
    if not shutil.which("git"):
        raise not_installed("git")
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, "git", done.stderr)
    return done.stdout


def clone_folder(origin: Path, target: Path) -> None:
    """Clone a local repository, nothing checked out yet."""
    try:
        run("clone", "--quiet", "--no-checkout", "--", str(origin), str(target), folder=origin)
    except subprocess.CalledProcessError as error:
        raise clone_failed(str(origin), error.output) from error


def check_out(clone: Path, ref: str, source: str) -> None:
    """Check out a branch, tag or commit of a fresh clone; raises InputError where there is none."""
    for name in (f"refs/remotes/origin/{ref}", ref):
        try:
            found = run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", folder=clone)
        except subprocess.CalledProcessError:
            continue
        try:
            run("checkout", "--quiet", "--detach", found.decode("ascii").strip(), folder=clone)
        except subprocess.CalledProcessError as error:
            raise clone_failed(source, error.output) from error
        return
    raise InputError(
        Problem(WHERE, f"'{source}' has no branch, tag or commit '{ref}'", "choose one that it has")
    )


def head(folder: Path) -> str:
    """Return the hash of the commit that is checked out."""
    return run("rev-parse", "--verify", "HEAD", folder=folder).decode("ascii").strip()


def kept_paths(folder: Path) -> list[str] | None:
    """Return the paths that git does not ignore, or None where git cannot say."""
    if not (folder / ".git").exists() or not shutil.which("git"):
        return None
    try:
        listed = run("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=folder)
    except subprocess.CalledProcessError:
        return None
    return [os.fsdecode(path) for path in listed.split(b"\0") if path]


def commit_with(folder: Path, files: Tree) -> str:
    """Return the hash of the commit checked out if it holds exactly these files, else nothing.

    Compares blobs and never runs `git status`, which would run the filters that the folder's own
    configuration names.
    """
    try:
        listed = run("ls-tree", "-r", "-z", "HEAD", folder=folder)
        commit = head(folder)
    except subprocess.CalledProcessError:
        return ""
    held = dict(_entry(line) for line in listed.split(b"\0") if line)
    return commit if held == {path: _blob(file, commit) for path, file in files.items()} else ""


def clone_failed(address: str, output: bytes | str) -> InputError | ProjectError:
    """Return the error for a clone that failed, told by what git or hg printed."""
    text = output if isinstance(output, str) else output.decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    reason = next((line for line in lines if line.startswith("fatal:")), lines[-1])
    what = f"cannot clone '{address}': {reason.removeprefix('fatal:').strip()}"
    if any(sign in text.casefold() for sign in _NETWORK):
        return ProjectError(Problem(WHERE, what, "check the network, or give a local folder"))
    return InputError(Problem(WHERE, what, "check the address and that you may read it"))


def not_installed(program: str) -> ProjectError:
    """Return the error for a program that the pack needs and that is not there."""
    return ProjectError(
        Problem(WHERE, f"{program} is not installed", "install it, or give a folder without a ref")
    )


def _entry(line: bytes) -> tuple[str, tuple[str, str]]:
    about, _, path = line.partition(b"\t")
    mode, _, blob = about.decode("ascii").split(" ")
    return os.fsdecode(path), (mode, blob)


def _blob(file: File, commit: str) -> tuple[str, str]:
    algorithm = hashlib.sha1 if len(commit) == 40 else hashlib.sha256
    blob = algorithm(b"blob %d\0" % len(file.content) + file.content)
    return "100755" if file.executable else "100644", blob.hexdigest()
