"""Before a command reads a project."""

from __future__ import annotations

from pathlib import Path

from lightgen.transaction import is_cut_off, locked


def settle(root: Path) -> tuple[str, ...]:
    """Bring an update to its end that was cut off; what there is to say of it."""
    if not is_cut_off(root):
        return ()
    with locked(root) as said:
        return said
