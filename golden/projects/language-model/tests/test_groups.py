"""Each parameter that trains stands in exactly one group."""

import pytest
import torch
from torch import nn

from text_run.module import LanguageModel
from text_run.optim import (
    PATTERNS,
    build_optimizer,
    check_coverage,
    match_parameters,
    parameter_groups,
)


def test_each_trainable_parameter_is_in_exactly_one_group() -> None:
    model = LanguageModel().model
    groups = parameter_groups(model, {})
    grouped = [id(parameter) for group in groups for _, parameter in group["params"]]
    trained = [id(p) for p in model.parameters() if p.requires_grad]
    assert sorted(grouped) == sorted(trained)


def test_groups_have_names_of_their_own() -> None:
    groups = build_optimizer(LanguageModel().model, {}).param_groups
    names = [group["name"] for group in groups]
    assert len(set(names)) == len(names)


def test_a_parameter_in_no_group_is_named() -> None:
    model = LanguageModel().model
    model.register_parameter("forgotten", nn.Parameter(torch.zeros(2, 2)))
    with pytest.raises(ValueError, match="forgotten"):
        check_coverage(model, parameter_groups(LanguageModel().model, {}))


def test_a_tied_weight_in_two_groups_is_named() -> None:
    model = LanguageModel().model
    groups = parameter_groups(model, {})
    twin = {**groups[0], "name": "twin"}
    name, _ = twin["params"][0]
    with pytest.raises(ValueError, match=f"{name} is in several groups"):
        check_coverage(model, [twin, *groups])


def test_a_group_of_frozen_parameters_is_named() -> None:
    model = LanguageModel().model
    groups = parameter_groups(model, {})
    for _, parameter in groups[0]["params"]:
        parameter.requires_grad_(False)
    with pytest.raises(ValueError, match=f"group {groups[0]['name']} has no parameter"):
        check_coverage(model, groups)


def test_an_unknown_group_on_the_command_line_is_named() -> None:
    with pytest.raises(ValueError, match="no group nonesuch"):
        parameter_groups(LanguageModel().model, {"nonesuch": 1.0})


def test_a_rate_for_all_reaches_every_group_without_its_own() -> None:
    before = parameter_groups(LanguageModel().model, {})
    rate = 1 + 2 * max(group["lr"] for group in before)
    after = parameter_groups(LanguageModel().model, {"*": rate})
    assert any(new["lr"] != old["lr"] for new, old in zip(after, before, strict=True))


def test_no_group_without_decay_has_any_and_none_with_decay_has_vectors() -> None:
    for group in build_optimizer(LanguageModel().model, {}).param_groups:
        if group["name"].endswith("/no_decay"):
            assert group["weight_decay"] == 0
        elif group["weight_decay"]:
            assert all(parameter.ndim >= 2 for parameter in group["params"])


def test_a_pattern_without_parameter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PATTERNS, "nonesuch", ["no.such.module"])
    with pytest.raises(ValueError, match="'no.such.module' matches no parameter"):
        match_parameters(LanguageModel().model)


def test_a_parameter_without_pattern_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LanguageModel().model
    monkeypatch.setattr("text_run.optim.PATTERNS", {})
    name, _ = next(model.named_parameters())
    with pytest.raises(ValueError, match=f"{name} matches no group"):
        match_parameters(model)


def test_a_group_behind_others_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = [name for name, _ in LanguageModel().model.named_parameters()]
    patterns = {"first": everything, "second": everything}
    monkeypatch.setattr("text_run.optim.PATTERNS", patterns)
    with pytest.raises(ValueError, match="group second: earlier groups take all"):
        match_parameters(LanguageModel().model)
