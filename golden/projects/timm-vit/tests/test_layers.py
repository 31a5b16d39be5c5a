"""Rates fall from layer to layer towards the input, and each group has one curve."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from timm_vit_run.layers import number_layers
from timm_vit_run.module import Classifier
from timm_vit_run.optim import parameter_groups
from timm_vit_run.train import parse_arguments, train


def test_the_rates_of_layers_fall_towards_the_input() -> None:
    model = Classifier().model
    layers = number_layers(model)
    rates: dict[str, dict[int, float]] = {}
    for group in parameter_groups(model, {}):
        owner, *parts = group["name"].split("/")
        if "lr_scale" not in group:
            continue
        number = int(parts[0].removeprefix("layer_"))
        assert {layers[name] for name, _ in group["params"]} == {number}
        assert (
            rates.setdefault(owner, {}).setdefault(number, group["lr"]) == group["lr"]
        )
    assert any(len(falling) > 1 for falling in rates.values())
    for falling in rates.values():
        in_order = [falling[number] for number in sorted(falling)]
        assert in_order == sorted(set(in_order))


def test_a_layer_keeps_its_share_of_a_rate_from_the_command_line() -> None:
    model = Classifier().model
    groups = parameter_groups(model, {})
    owners = [group["name"].partition("/")[0] for group in groups]
    rates = dict.fromkeys(owners, 2.0)
    for before, after in zip(groups, parameter_groups(model, rates), strict=True):
        assert after["lr"] == pytest.approx(2 * before.get("lr_scale", 1.0))


def test_a_model_of_one_layer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Classifier().model
    one = dict.fromkeys(number_layers(model), 0)
    monkeypatch.setattr("timm_vit_run.optim.number_layers", lambda model: one)
    with pytest.raises(ValueError, match="a single layer"):
        parameter_groups(model, {})


class Matched(nn.Sequential):
    """Tells its layers itself, as timm's models do."""

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        return {"stem": "^0", "blocks": [(r"^(1)\.(\d)", None), ("^2", (99999,))]}


def test_a_group_matcher_says_what_a_layer_is() -> None:
    blocks = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    matched = Matched(nn.Linear(2, 2), blocks, nn.LayerNorm(2), nn.Linear(2, 2))
    model = nn.ModuleDict({"body": matched, "head": nn.Linear(2, 2)})
    layers = number_layers(model)
    weights = ["body.0", "body.1.0", "body.1.2", "body.2", "body.3", "head"]
    assert [layers[f"{name}.weight"] for name in weights] == [0, 1, 2, 2, 3, 4]


def test_each_group_has_one_curve_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = train(parse_arguments(["--max-epochs=1", "--max-steps=-1"]))
    groups = trainer.optimizers[0].param_groups
    owners = {group["name"].partition("/")[0] for group in groups}
    logged = {name for name in trainer.callback_metrics if name.startswith("lr/")}
    assert logged == {f"lr/{owner}" for owner in owners}
