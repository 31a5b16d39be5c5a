r"""Bytes to text and back, without losing a byte.

Bytes that are no UTF-8 become private-use characters, one each, so that a structured merge still
sees a text that it can parse. Such characters that stand in a file themselves are taken apart in
the same way, so that each one in a text means one byte.

Line ends are \n and \r\n; a lone \r is one only in a file that has no other, else it is a character
inside of a line.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from dataclasses import dataclass

from lightgen.merge.lines import matches

_BYTE = 0x10F700  # byte 0x80 is the character U+10F780
_BYTES = re.compile(f"[{chr(_BYTE + 0x80)}-{chr(_BYTE + 0xFF)}]+")
_ESCAPED = re.compile("[\udc80-\udcff]")
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_NO_CODE = re.compile(rb"^[ \t\f]*(?:#.*)?$")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Text:
    """The text of a file with plain line ends, and how to write such a text its way."""

    text: str
    codec: str = "utf-8"
    mark: bytes = b""
    ends: tuple[str, ...] = ()

    def encode(self, text: str) -> bytes:
        """Write a text in this one's encoding, line ends and byte-order mark.

        Raises UnicodeEncodeError for what the encoding lacks.
        """
        kinds = Counter(self.ends).most_common()
        usual = kinds[0][0] if kinds else "\n"
        if len(kinds) > 1:
            text = self._mixed(text, usual)
        elif usual != "\n":
            text = text.replace("\n", usual)
        escaped = _BYTES.sub(_together, text)
        errors = "surrogateescape" if self.codec == "utf-8" else "strict"
        return self.mark + escaped.encode(self.codec, errors)

    def _mixed(self, text: str, usual: str) -> str:
        """Lines that are still there keep their line ends."""
        before, now = self.text.split("\n"), text.split("\n")
        kept = {j: self.ends[i] for i, j in matches(before, now) if i < len(self.ends)}
        lines = [f"{line}{kept.get(index, usual)}" for index, line in enumerate(now[:-1])]
        return "".join([*lines, now[-1]])


def decode(content: bytes, path: str) -> Text | None:
    """The text of a file, None where it is binary."""
    mark, codec = next((found for found in _MARKS if content.startswith(found[0])), (b"", ""))
    raw = content[len(mark) :]
    if codec.startswith("utf-16"):
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            return None
    elif b"\0" in raw:
        return None
    elif not codec and (declared := _declared(raw, path)):
        codec, text = declared
    else:
        codec, text = "utf-8", raw.decode("utf-8", "surrogateescape")
    if "\0" in text:
        return None
    text = _ESCAPED.sub(lambda found: chr(ord(found[0]) - 0xDC00 + _BYTE), _BYTES.sub(_apart, text))
    pattern = "\r\n|\n" if "\n" in text else "\r"
    ends = tuple(re.findall(pattern, text))
    return Text(re.sub(pattern, "\n", text), codec, mark, ends)


def _apart(found: re.Match[str]) -> str:
    """Private-use characters that a file has itself, by the bytes of their UTF-8."""
    return found[0].encode("utf-8").decode("ascii", "surrogateescape")


def _together(found: re.Match[str]) -> str:
    raw = bytes(ord(character) - _BYTE for character in found[0])
    return raw.decode("utf-8", "surrogateescape")


def _declared(content: bytes, path: str) -> tuple[str, str] | None:
    """The encoding that a Python file names (PEP 263) and its text, if it is not UTF-8."""
    if not path.endswith((".py", ".pyi")):
        return None
    for line in re.split(rb"\r\n|\n|\r", content, maxsplit=2)[:2]:
        if found := _COOKIE.match(line):
            codec = found[1].decode("ascii", "replace")
            try:
                if codecs.lookup(codec).name == "utf-8":
                    return None
                text = content.decode(codec)
                return (codec, text) if text.encode(codec) == content else None
            except (LookupError, ValueError):
                return None
        if not _NO_CODE.match(line):
            return None
    return None
