"""Which paths a pack may write, wherever the project will be checked out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FORBIDDEN = frozenset('<>:"|?*')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])", re.I)
_GIT = frozenset({".git", "git~1"})
_LONGEST_BYTES = 255


def is_unprintable(text: str) -> bool:
    """Whether text holds a control, formatting or surrogate character or a line separator."""
    return any(unicodedata.category(character) in _UNPRINTABLE for character in text)


def path_fault(path: str) -> str:
    """Return why the project may not have a file at this relative POSIX path, or nothing."""
    if is_unprintable(path):
        return "has a character that cannot be shown"
    if "\\" in path:
        return "has a backslash"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "is absolute"
    if path.casefold() == "lightgen.toml":
        return "is the spec file, which is the user's"
    return next(filter(None, map(_component_fault, path.split("/"))), "")


def clashes(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of paths that one file system or another takes for the same place."""
    seen: dict[str, str] = {}
    found = []
    for path in sorted(paths):
        key = _folded(path)
        if key in seen:
            found.append((seen[key], path))
        seen.setdefault(key, path)
    for key, path in seen.items():
        parts = key.split("/")
        parents = ("/".join(parts[:count]) for count in range(1, len(parts)))
        found += [(seen[parent], path) for parent in parents if parent in seen]
    return found


def _component_fault(name: str) -> str:
    if not name:
        return "has an empty component"
    if name in (".", ".."):
        return "leaves the project" if name == ".." else "has a component '.'"
    if name.casefold() in _GIT:
        return "is in git's own folder"
    if name.casefold() == ".lightgen":
        return "is in lightgen's own folder"
    if len(name.encode("utf-8")) > _LONGEST_BYTES:
        return f"has a name of more than {_LONGEST_BYTES} bytes"
    if _FORBIDDEN & set(name) or name[-1] in ". " or _DEVICE.fullmatch(name.split(".")[0].rstrip()):
        return f"has a name that Windows does not allow ('{name}')"
    return ""


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
