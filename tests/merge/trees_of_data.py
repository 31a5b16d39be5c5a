"""Random data and edits of them that commute, for the formats that have keys."""

from __future__ import annotations

import copy
import random
from typing import Any

WORDS = "alpha beta gamma delta epsilon zeta".split()


def random_data(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    """A mapping of scalars, lists of texts, lists of named mappings and mappings."""
    return {word: _value(chance, depth) for word in chance.sample(WORDS, chance.randint(2, 5))}


def _value(chance: random.Random, depth: int) -> Any:
    kinds = [
        lambda: chance.randint(0, 99),
        lambda: chance.choice([True, False]),
        lambda: chance.choice([0.5, 1e-3, 2.0]),
        lambda: chance.choice(["text", "two words", "a#b", 'quo"te', "", "é"]),
        lambda: chance.sample(WORDS, chance.randint(1, 4)),
        lambda: [1, 2, chance.randint(3, 9)],
    ]
    if depth < 2:
        kinds.append(lambda: random_data(chance, depth + 1))
        kinds.append(
            lambda: [
                {"name": word, "size": chance.randint(0, 9)}
                for word in chance.sample(WORDS, chance.randint(1, 3))
            ]
        )
    return chance.choice(kinds)()


def edited(data: Any, chance: random.Random, parity: int, mark: str) -> Any:
    """A copy of the data with edits at every second key only, and fresh keys and entries."""
    result = copy.deepcopy(data)
    _edit(result, chance, parity, mark)
    return result


def _edit(data: dict[str, Any], chance: random.Random, parity: int, mark: str) -> None:
    for index, key in enumerate(list(data)):
        value = data[key]
        if isinstance(value, dict):
            _edit(value, chance, parity, mark)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                _edit(entry, chance, parity, mark)
            if chance.random() < 0.5:
                value.append({"name": f"{mark}-{key}", "size": 1})
        elif isinstance(value, list) and value and isinstance(value[0], str):
            if chance.random() < 0.5:
                value.insert(chance.randint(0, len(value)), f"{mark}-{chance.randint(0, 9)}")
            elif index % 2 == parity and len(value) > 1:
                value.remove(chance.choice(value))
        elif index % 2 == parity and key != "name":
            _change(data, key, chance, mark)
    if chance.random() < 0.4:
        data[f"{mark}-key"] = chance.choice([7, "fresh", ["one", "two"]])


def _change(data: dict[str, Any], key: str, chance: random.Random, mark: str) -> None:
    if chance.random() < 0.3 and len(data) > 2:
        del data[key]
    else:
        data[key] = chance.choice([f"changed by {mark}", 1234.5, ["now", "a", "list"]])
