"""A new run starts from the weights of the file, and what does not fit is told."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from digits_transfer.module import Classifier
from digits_transfer.train import parse_arguments, train
from digits_transfer.weights import WEIGHTS, load_weights, read_weights


class Start(pl.Callback):
    """Keeps the network's weights as the run starts."""

    weights: dict[str, Tensor]

    def on_train_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> None:
        state = pl_module.state_dict()
        self.weights = {name: tensor.cpu().clone() for name, tensor in state.items()}


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def saved(weights: dict[str, Tensor]) -> Path:
    """A file of these weights in the current folder."""
    path = Path(WEIGHTS.name)
    torch.save(weights, path)
    return path


def test_a_new_run_starts_from_the_weights(some_weights: Path) -> None:
    start = Start()
    train(parse_arguments(["--fast-dev-run"]), [start])
    for name, tensor in read_weights(some_weights).items():
        started = start.weights[f"model.{name}"]
        torch.testing.assert_close(started, tensor.to(started), rtol=0, atol=0)


def test_a_file_without_a_tensor_leaves_that_one_as_it_is() -> None:
    model, state = Classifier().model, Classifier().model.state_dict()
    *others, last = state
    before = model.state_dict()[last].clone()
    report = load_weights(model, saved({name: state[name] for name in others}))
    assert (report.loaded, report.missing) == (others, [last])
    assert torch.equal(model.state_dict()[last], before)
    assert f"1 missing: {last}" in str(report)


def test_a_tensor_without_a_place_is_named() -> None:
    state = Classifier().model.state_dict()
    state["elsewhere.weight"] = torch.zeros(3)
    report = load_weights(Classifier().model, saved(state))
    assert report.unexpected == ["elsewhere.weight"]
    assert "1 unexpected: elsewhere.weight" in str(report)


def test_a_tensor_of_another_shape_is_named_and_left_out() -> None:
    state = Classifier().model.state_dict()
    name = next(iter(state))
    state[name] = torch.zeros(*state[name].shape, 2)
    report = load_weights(Classifier().model, saved(state))
    assert report.of_another_shape == [name]
    assert f"1 of another shape: {name}" in str(report)


def test_a_file_of_which_nothing_fits_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing in the file fits"):
        load_weights(Classifier().model, saved({"elsewhere.weight": torch.zeros(3)}))


def test_a_checkpoint_of_lightning_has_the_network_as_a_part() -> None:
    state = Classifier().model.state_dict()
    wrapped = {f"model.{name}": tensor for name, tensor in state.items()}
    torch.save({"state_dict": wrapped, "epoch": 3}, "last.ckpt")
    report = load_weights(Classifier().model, Path("last.ckpt"))
    assert report.loaded == list(state)


def test_a_file_that_would_execute_code_is_refused() -> None:
    torch.save(Classifier().model, "whole.pt")
    with pytest.raises(ValueError, match="save the state_dict"):
        load_weights(Classifier().model, Path("whole.pt"))


def test_a_missing_file_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--weights=no-such-file.pt"])
    assert "there is no file no-such-file.pt" in capsys.readouterr().err
