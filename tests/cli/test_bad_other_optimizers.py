"""Optimizers of other packages that cannot be, as far as generation knows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import NOTHING_WRITTEN, Lightgen

SET = "--set"
REFUSED = {
    ("pytorch_optimizer.Lino",): "optimizer.name: unknown optimizer 'pytorch_optimizer.Lino'; "
    "did you mean 'pytorch_optimizer.Lion'?",
    ("Lion",): "optimizer.name: unknown optimizer 'Lion'; did you mean "
    "'bitsandbytes.optim.Lion' or 'pytorch_optimizer.Lion' or 'timm.optim.Lion'?",
    ("pytorch_optimizer.",): "optimizer.name: 'pytorch_optimizer.' has an empty part; "
    "write it as it is imported",
    ("mypkg.my-class",): "optimizer.name: 'my-class' in 'mypkg.my-class' is no Python name; "
    "write it as it is imported",
    ("pytorch_optimizer.AdaHessian",): "optimizer.name: pytorch_optimizer.AdaHessian needs "
    "gradients of gradients, which Lightning's backward does not keep; choose another class",
    ("timm.optim.Lookahead",): "optimizer.name: timm.optim.Lookahead wraps an optimizer that is "
    "made before it; choose another class",
    ("pytorch_optimizer.Lion", SET, "optimizer.weight_decy=0.1"): "optimizer.weight_decy: "
    "pytorch_optimizer.Lion has no argument 'weight_decy'; did you mean 'weight_decay'?",
    ("pytorch_optimizer.Lion", SET, "optimizer.lr=-1"): "optimizer.lr: -1 is less than 0; "
    "it takes [0, inf)",
    ("pytorch_optimizer.AliG", "--scheduler", "cosine"): "scheduler: pytorch_optimizer.AliG goes "
    "by a rate of its own: a schedule does nothing; remove it, or choose another class",
    ("schedulefree.AdamWScheduleFree", SET, "averaging.name=ema"): "averaging: "
    "schedulefree.AdamWScheduleFree averages the weights itself, and saves its own average; "
    "remove [averaging], or choose another optimizer",
    ("bitsandbytes.optim.AdamW8bit",): "optimizer.name: bitsandbytes.optim.AdamW8bit runs on a "
    "GPU only; set trainer.accelerator = 'gpu', or choose another class",
}


@pytest.mark.parametrize("flags", REFUSED, ids=" ".join)
def test_it_is_refused_with_the_reason(
    lightgen: Lightgen, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    said = lightgen("new", str(tmp_path / "it"), "--optimizer", *flags)
    assert said.code == 2
    assert said.messages == [REFUSED[flags]]
    assert NOTHING_WRITTEN in said.err


def test_a_change_of_class_drops_what_the_new_one_does_not_have(
    lightgen: Lightgen, tmp_path: Path
) -> None:
    place = str(tmp_path / "it")
    decay = ("--set", "optimizer.weight_decay=0.1", "--set", "optimizer.amsgrad=true")
    lightgen.done("new", place, "--optimizer", "AdamW", *decay)
    there = lightgen.done("update", place, "--optimizer", "pytorch_optimizer.Lion")
    assert "amsgrad is dropped" in there.out + there.err
    optim = tmp_path / "it" / "src" / "it" / "optim.py"
    assert "pytorch_optimizer.Lion(" in optim.read_text()
    lightgen.done("update", place, "--optimizer", "torch.optim.AdamW")
    assert "return torch.optim.AdamW(" in optim.read_text()
    assert "pytorch_optimizer" not in (tmp_path / "it" / "pyproject.toml").read_text()


def test_a_class_that_nobody_knows_is_given_what_the_spec_says(
    lightgen: Lightgen, tmp_path: Path
) -> None:
    inner = "optimizer.base={path = 'torch.optim.SGD'}"
    flags = ("--optimizer", "mypkg.optim.Mine", SET, inner, SET, "optimizer.depth=2")
    lightgen.done("new", str(tmp_path / "it"), *flags)
    text = (tmp_path / "it" / "src" / "it" / "optim.py").read_text()
    # A class that nobody knows may have no rate of its own.
    assert "mypkg.optim.Mine(\n        without_names(groups),\n        lr=groups[0]" in text
    assert "base=torch.optim.SGD," in text and "depth=2," in text


def test_modes_are_asked_for_where_nobody_knows(lightgen: Lightgen) -> None:
    ask = ["--set", "optimizer.train_eval=true"]
    known = ["new", "run", "--optimizer", "schedulefree.AdamWScheduleFree", *ask]
    what = "optimizer.train_eval: what schedulefree.AdamWScheduleFree needs is known; remove it"
    assert lightgen.refused(*known) == [what]
    custom = lightgen.refused("new", "run", "--optimizer", "custom", *ask)
    assert custom == [
        "optimizer.train_eval: a rule with to_train and to_eval has them; "
        "another custom class has none; remove it"
    ]
    lightgen.done("new", "run", "--optimizer", "mine.Free", *ask)
    lightgen.done("update", "run", "--set", "optimizer.train_eval=false")
    assert "nothing calls them" in (lightgen.folder / "run/src/run/optim.py").read_text()
    lightgen.done("update", "run", *ask)
    notes = lightgen.done("update", "run", "--optimizer", "AdamW").notes
    assert "AdamW has no argument train_eval: optimizer.train_eval is dropped" in notes
