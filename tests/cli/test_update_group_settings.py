"""What a group may have of its own is switched on and off in a project that the user has edited."""

from __future__ import annotations

import pytest
from support.command import Lightgen

# --set on -> --set off, and what is there only while it is on.
SWITCHES = {
    "groups.backbone.freeze=until_epoch:3": ("groups.backbone.freeze=", "UNFREEZE_EPOCHS"),
    "groups.backbone.layer_decay=0.5": ("groups.backbone.layer_decay=", "LAYER_DECAYS"),
    "optimizer.layer_decay=0.75": ("optimizer.layer_decay=", "LAYER_DECAY = "),
    "groups.backbone.warmup_steps=9": ("groups.backbone.warmup_steps=", "factors"),
    "groups.backbone.gradient_clip_val=2": ("groups.backbone.gradient_clip_val=", "CLIP_NORMS"),
}
EDITS = {
    "optim.py": [
        ('"""Return the parameter groups', '"""Say what is trained how: the parameter groups'),
        ("    return groups\n", "    print(len(groups))\n    return groups\n"),
        ("owners: dict", "found: int = 0\n    owners: dict"),
    ],
    "module.py": [
        (
            "    def forward(self",
            "    def mine(self) -> int:\n        return 3\n\n    def forward(self",
        ),
        ("        return loss\n", "        self.log('mine', loss)\n        return loss\n"),
    ],
    "train.py": [('logging_interval="step"', 'logging_interval="step", log_momentum=True')],
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_it_is_switched_on_and_off(lightgen: Lightgen, switch: str) -> None:
    lightgen.done("new", "run", "--groups", "backbone:1e-4,head:1e-3", "--scheduler", "cosine")
    source = lightgen.folder / "run/src/run"
    for name, edits in EDITS.items():
        if "layer_decay" in switch and name == "train.py":
            continue  # the line that is replaced: a conflict, and rightly so
        text = (source / name).read_text()
        for old, new in edits:
            assert text.count(old) == 1, (name, old)
            text = text.replace(old, new)
        (source / name).write_text(text)
    before = {path: path.read_text() for path in source.glob("*.py")}
    off, sign = SWITCHES[switch]
    lightgen.done("update", "run", "--set", switch)
    assert sign in (source / "optim.py").read_text()
    assert "def mine(self)" in (source / "module.py").read_text()
    assert "print(len(groups))" in (source / "optim.py").read_text()
    lightgen.done("update", "run", "--set", off)
    assert {path: path.read_text() for path in source.glob("*.py")} == before
