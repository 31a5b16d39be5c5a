"""Bytes to text and back: encodings, byte-order marks, line ends."""

from __future__ import annotations

import codecs
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightgen.merge.text import Text, decode


def text_of(content: bytes, path: str = "notes.txt") -> Text:
    text = decode(content, path)
    assert text is not None
    return text


WHOLE = {
    "empty": b"",
    "ascii": b"a\nb\n",
    "no final newline": b"a\nb",
    "mark only": codecs.BOM_UTF8,
    "mark": codecs.BOM_UTF8 + "naïve\r\n".encode(),
    "utf-16 little": codecs.BOM_UTF16_LE + "naïve\n\U0010f7e9\r\n".encode("utf-16-le"),
    "utf-16 big": codecs.BOM_UTF16_BE + "naïve\n".encode("utf-16-be"),
    "one latin-1 byte": b"caf\xe9\n",
    "private-use characters": "\U0010f7e9\U0010f780".encode(),
    "private-use characters beside a byte": "\U0010f7e9".encode() + b"\xe9\xff",
    "half a character": "é".encode()[:1],
    "old Mac": b"a\rb\r",
    "mixed": b"a\r\nb\nc\r\r\n",
    "a return inside": b"10%\r20%\r100%\ndone\n",
    "form feed and the like": "a\x0cb\x0b\x1c\x85\u2028c\n".encode(),
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("path", ["a.txt", "a.py"])
def test_every_byte_comes_back(content: bytes, path: str) -> None:
    text = text_of(content, path)
    assert text.encode(text.text) == content


@given(st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_every_byte_of_any_content_comes_back(content: bytes) -> None:
    for path in ("a.txt", "a.py"):
        text = decode(content, path)
        assert text is None or text.encode(text.text) == content
        if b"\0" not in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
            assert text is not None


@given(st.text(alphabet=st.sampled_from("ab\r\n\x0c\u2028"), max_size=12))
def test_line_ends_come_back(written: str) -> None:
    content = written.encode()
    text = text_of(content)
    assert text.encode(text.text) == content
    if "\n" in written:
        assert text.text == written.replace("\r\n", "\n")


def test_binary_is_no_text() -> None:
    assert decode(b"a\0b", "a.txt") is None
    assert decode(codecs.BOM_UTF16_LE + b"a", "a.txt") is None
    assert decode(codecs.BOM_UTF16_LE + b"\0\xd8", "a.txt") is None
    assert decode(codecs.BOM_UTF16_LE + b"\0\0", "a.txt") is None


def test_a_byte_that_is_no_text_is_one_character_that_parsers_take() -> None:
    text = text_of(b"x = 'caf\xe9'\n")
    assert re.fullmatch("x = 'caf.'\n", text.text)
    compile(text.text, "x", "exec")
    assert text.encode(text.text.replace("x", "yy")) == b"yy = 'caf\xe9'\n"


def test_such_a_byte_can_go_to_another_file_of_its_kind_only() -> None:
    text = text_of(b"caf\xe9\n").text
    assert text_of(b"tea\n").encode(text) == b"caf\xe9\n"
    wide = text_of(codecs.BOM_UTF16_LE + "tea\n".encode("utf-16-le"))
    with pytest.raises(UnicodeEncodeError):
        wide.encode(text)


def test_a_python_file_says_its_encoding() -> None:
    content = b"#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nx = 'caf\xe9'\n"
    text = text_of(content, "a.py")
    assert "café" in text.text
    assert text.encode(text.text.replace("café", "thé")) == content.replace(b"caf\xe9", b"th\xe9")
    with pytest.raises(UnicodeEncodeError):
        text.encode("# coding: latin-1\n'日本'\n")
    assert "café" not in text_of(content, "a.txt").text


@pytest.mark.parametrize("name", ["nonsense", "rot13", "utf-16", "hex", "idna"])
def test_an_encoding_that_does_not_fit_is_not_used(name: str) -> None:
    content = f"# coding: {name}\nx = '".encode() + b"\xe9'\n"
    text = text_of(content, "a.py")
    assert text.encode(text.text) == content


def test_a_cookie_below_code_is_none() -> None:
    assert text_of(b"x = 1\n# coding: latin-1\n'\xe9'\n", "a.py").codec == "utf-8"


def test_a_text_gets_the_line_ends_of_the_file() -> None:
    assert text_of(b"a\r\nb\r\n").encode("x\ny\nz\n") == b"x\r\ny\r\nz\r\n"
    assert text_of(b"a\rb\r").encode("x\ny\n") == b"x\ry\r"
    assert text_of(b"a").encode("x\ny\n") == b"x\ny\n"
    assert text_of(b"a\r\nb\r\n").encode("1%\r2%\n") == b"1%\r2%\r\n"


def test_mixed_line_ends_stay_with_their_lines() -> None:
    text = text_of(b"a\r\nb\nc\r\nd")
    assert text.encode("a\nX\nb\nc\nd\ne\n") == b"a\r\nX\r\nb\nc\r\nd\r\ne\r\n"
    assert text.encode("b\nd") == b"b\nd"
    assert text.encode("d") == b"d"
