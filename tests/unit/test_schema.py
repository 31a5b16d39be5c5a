"""The JSON Schema that ships is the one that the catalogue gives."""

from __future__ import annotations

import json

from lightgen.spec.model import Spec
from lightgen.spec.schema import SCHEMA_FILE, as_text


def test_the_file_is_up_to_date() -> None:
    """If this fails: python -m lightgen.spec.schema."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == as_text()


def test_every_key_of_a_spec_is_described() -> None:
    schema = json.loads(as_text())
    assert set(schema["properties"]) == set(Spec.model_fields)
    assert not schema["additionalProperties"]
    for table in schema["$defs"].values():
        assert table["description"]


def test_no_key_may_be_null() -> None:
    """TOML has none."""
    assert "null" not in as_text()
