"""Formatting: templates are written as black leaves them, so black is called only in doubt.

Values are exploded one a line with a trailing comma, which black keeps whatever their length. What
remains in doubt is a line that names of the user made too long. The golden and matrix tests run
black over every project and so hold the claim.
"""

from __future__ import annotations

LINE_LENGTH = 88


def formatted(path: str, text: str) -> str:
    """The text as black leaves it."""
    if not path.endswith(".py") or not _in_doubt(text):
        return text
    return black_formatted(text)


def black_formatted(text: str, line_length: int = LINE_LENGTH) -> str:
    """The Python text as black writes it."""
    import black

    return black.format_str(text, mode=black.Mode(line_length=line_length))


def _in_doubt(text: str) -> bool:
    return any(len(line) > LINE_LENGTH for line in text.splitlines())
