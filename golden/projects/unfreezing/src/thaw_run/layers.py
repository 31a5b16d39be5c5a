"""Which layer a parameter belongs to, counted from the input."""

import math
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from torch import nn


def number_layers(model: nn.Module) -> dict[str, int]:
    """The number of each parameter's layer, by the parameter's name."""
    layers = find_layers(model)
    numbers = {name: number for number, names in enumerate(layers) for name in names}
    # A weight that two layers share, as embedding and head may, is in the first.
    first: dict[int, int] = {}
    named = model.named_parameters(remove_duplicate=False)
    return {name: first.setdefault(id(each), numbers[name]) for name, each in named}


def find_layers(
    module: nn.Module, path: str = "", *, entry: bool = False
) -> list[list[str]]:
    """Names of the parameters of each layer, from the input to the head.

    A module with a group_matcher(), as timm's models have, says itself what a layer is.
    Else each child of the model is one, and of a sequence of modules each entry. A
    child with a list of modules inside is opened, down to that list's entries: what
    stands beside them belongs to the layer before it, as a last norm does.
    """
    if hasattr(module, "group_matcher"):
        return match_layers(module, path)
    names = [name for name, _ in module.named_parameters(path, remove_duplicate=False)]
    sequence = isinstance(module, nn.Sequential | nn.ModuleList)
    if path and not sequence and (entry or not has_list(module)):
        return [names] if names else []
    layers: list[list[str]] = []
    for name, child in module.named_children():
        inner = f"{path}.{name}" if path else name
        below = find_layers(child, inner, entry=sequence)
        if path and not sequence and layers and not has_list(child):
            layers[-1] += [name for layer in below for name in layer]
        else:
            layers += below
    # What is the module's own, such as embeddings of positions, goes with the input.
    found = {name for layer in layers for name in layer}
    own = [name for name in names if name not in found]
    if own:
        layers[:1] = [own + layers[0]] if layers else [own]
    return layers


def has_list(module: nn.Module) -> bool:
    """Whether there is a list of modules in it, as the blocks of a transformer are."""
    return any(isinstance(each, nn.ModuleList) for each in module.modules())


def match_layers(module: Any, path: str) -> list[list[str]]:
    """The layers that the group_matcher() of a module tells.

    It returns a function from a name to a layer's place, or patterns: of each layer, or
    of many by the numbers in their groups. What none matches is the head.
    """
    matcher = module.group_matcher(coarse=False)
    place = matcher if callable(matcher) else partial(match_place, matcher)
    places: dict[tuple[float, ...], list[str]] = {}
    for name, _ in module.named_parameters(remove_duplicate=False):
        found = place(name)
        key = tuple(found) if isinstance(found, Iterable) else (found,)
        places.setdefault(key, []).append(f"{path}.{name}" if path else name)
    layers: list[list[str]] = []
    for key in sorted(places):
        # So timm marks what goes with the layer before it.
        if layers and key[-1] == 99999:
            layers[-1] += places[key]
        else:
            layers.append(places[key])
    return layers


def match_place(patterns: dict[str, Any], name: str) -> tuple[float, ...]:
    """The place of a name by the first pattern that it begins with."""
    for number, entry in enumerate(patterns.values()):
        for pattern, suffix in (
            [(entry, None)] if isinstance(entry, str) else entry or []
        ):
            if match := re.match(pattern, name):
                inner = [float(part) for part in match.groups() if part is not None]
                return (number, *inner, *(suffix or ()))
    return (math.inf,)
