"""Strategies that can't serve a spec: one message each, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Lightgen

PREFIX = "trainer.strategy: "
REFUSED = {
    "trainer.strategy=fsdp3": f"{PREFIX}unknown strategy 'fsdp3'",
    "trainer.strategy=fsdp trainer.accelerator=cpu optimizer.name=adam": (
        f"{PREFIX}fsdp needs GPUs, and trainer.accelerator is cpu; use fsdp2 or ddp"
    ),
    "trainer.strategy=deepspeed_stage_2 trainer.accelerator=cpu": (
        f"{PREFIX}deepspeed_stage_2 needs GPUs"
    ),
    "trainer.strategy=fsdp": f"{PREFIX}fsdp lays parameters out flat before the groups are made",
    "trainer.strategy=fsdp optimizer.name=adam trainer.gradient_clip_val=1": (
        "trainer.gradient_clip_val: Lightning clips no norm under fsdp"
    ),
    "trainer.strategy=fsdp2 trainer.precision=16-mixed": (
        "trainer.precision: Lightning has no 16-mixed for fsdp2"
    ),
    "trainer.strategy=fsdp2 optimizer.name=adafactor": (
        f"{PREFIX}fsdp2 can't serve Adafactor: torch's step changes tensors in place"
    ),
    "trainer.strategy=fsdp2 optimizer.name=rprop": f"{PREFIX}fsdp2 can't serve Rprop: ",
    "trainer.strategy=fsdp2 optimizer.name=lbfgs": f"{PREFIX}fsdp2 can't serve LBFGS: its line",
    "trainer.strategy=fsdp2 optimizer.name=sparseadam": f"{PREFIX}fsdp2 ",
    "trainer.strategy=fsdp2 optimizer.name=sgd optimizer.fused=true": (
        "optimizer.fused: its fused step knows no parameters that are split"
    ),
    "trainer.strategy=deepspeed_stage_2 optimizer.name=muon": (
        f"{PREFIX}deepspeed_stage_2 can't serve Muon: it sees whole tensors"
    ),
    "trainer.strategy=deepspeed_stage_2 scheduler.name=reducelronplateau": (
        f"{PREFIX}deepspeed_stage_2 keeps the rates apart in its checkpoints"
    ),
    "trainer.strategy=fsdp2 model.compile=true": "model.compile: a network that is compiled whole",
    "trainer.strategy=fsdp2 task=gan": f"{PREFIX}fsdp2 brings weights together when the model is",
    "trainer.strategy=fsdp2 averaging.name=ema": "averaging: fsdp2 splits the weights",
}


@pytest.mark.parametrize("settings", REFUSED)
def test_is_refused(settings: str, lightgen: Lightgen, tmp_path: Path) -> None:
    words = [word for each in settings.split() for word in ("--set", each)]
    assert any(
        line.startswith(REFUSED[settings]) for line in lightgen.refused("new", "run", *words)
    )


SERVED = ("adamw", "sgd", "muon", "custom", "composite")


@pytest.mark.parametrize("name", SERVED)
def test_is_served(name: str, lightgen: Lightgen) -> None:
    lightgen.done(
        "new", "run", "--set", "trainer.strategy=fsdp2", "--set", f"optimizer.name={name}"
    )
