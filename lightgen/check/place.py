"""Where in the user's code something went wrong, in a line."""

from __future__ import annotations

import traceback
from pathlib import Path


def where(error: BaseException, root: Path) -> str:
    """The innermost line of the project that the error passed: "src/x/optim.py:12", or nothing."""
    if isinstance(error, SyntaxError) and error.filename:
        place = _relative(error.filename, root)
        return f"{place}:{error.lineno}" if place else ""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        place = _relative(frame.filename, root)
        if place:
            return f"{place}:{frame.lineno}"
    return ""


def passed(error: BaseException, function: str) -> bool:
    """Whether the error came out of a function of that name."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.name == function for frame in frames)


def told(error: BaseException) -> str:
    """The error in the words of Python, on one line."""
    lines = traceback.format_exception_only(error)
    text = " ".join((str(error) if isinstance(error, SyntaxError) else lines[-1]).split())
    if isinstance(error, SyntaxError):
        text = f"{type(error).__name__}: {error.msg}"
    return text if len(text) <= 400 else f"{text[:400]}..."


def _relative(filename: str, root: Path) -> str:
    path = Path(filename)
    if "site-packages" in path.parts or not path.is_relative_to(root):
        return ""
    return path.relative_to(root).as_posix()
