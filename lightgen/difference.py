"""The difference of two versions of a file, as text."""

from __future__ import annotations

import difflib

from lightgen.tree import File

_NO_NEWLINE = "\\ No newline at end of file\n"


def unified(path: str, before: File | None, after: File | None, *, came_from: str = "") -> str:
    """The unified diff from one version to the other, None for no file; empty for no difference.

    `came_from` is the path of the version before, where it is another.
    """
    if before == after and not came_from:
        return ""
    old, new = f"a/{came_from or path}", f"b/{path}"
    mode = _mode(path, before, after)
    if before and after and before.content == after.content:
        return mode or f"moved from {came_from} to {path}\n"
    texts = [_text(file) for file in (before, after)]
    if texts[0] is None or texts[1] is None:
        return f"{mode}Binary files {old} and {new} differ\n"
    lines = difflib.unified_diff(
        _lines(texts[0]),
        _lines(texts[1]),
        old if before else "/dev/null",
        new if after else "/dev/null",
    )
    shown = "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in lines)
    # A file without a line has nothing that a unified diff could show.
    return mode + (shown or f"{'removed' if after is None else 'new'} empty file {path}\n")


def _mode(path: str, before: File | None, after: File | None) -> str:
    if not before or not after or before.executable == after.executable:
        return ""
    return f"{path} is {'now' if after.executable else 'no longer'} executable\n"


def _text(file: File | None) -> str | None:
    """The text of a file, bytes that are no UTF-8 shown escaped; None for what is no text."""
    if file is None:
        return ""
    return None if b"\0" in file.content else file.content.decode("utf-8", "backslashreplace")


def _lines(text: str) -> list[str]:
    """Lines end at a newline and nowhere else."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
