"""A project that the user has edited goes from one optimizer to several, and back."""

from __future__ import annotations

from pathlib import Path

from support.command import Lightgen

ONE = """\
[project]
package = "run"
[optimizer]
name = "SGD"
lr = 0.1
[groups.backbone]
lr = 0.05
[groups.head]
lr = 0.1
"""
SEVERAL = """\
[project]
package = "run"
[optimizers.body]
name = "SGD"
lr = 0.1
accumulate_grad_batches = 2
gradient_clip_val = 1.0
groups.backbone.lr = 0.05
scheduler.name = "cosine"
[optimizers.last]
name = "Adam"
lr = 0.1
frequency = 3
groups.head.lr = 0.1
"""
EDITS = {
    "optim.py": [
        ('"lr": 0.05', '"lr": 0.07'),
        (
            "    override_rates(groups, rates)\n",
            "    # Ours: late layers learn faster.\n" "    override_rates(groups, rates)\n",
        ),
    ],
    "module.py": [
        (
            "    def forward(self",
            "    def mine(self) -> int:\n        return 3\n\n    def forward(self",
        ),
        (
            "return F.cross_entropy(logits, labels), logits",
            "return F.cross_entropy(logits, labels, label_smoothing=0.1), logits",
        ),
    ],
}
OURS = ("0.07", "# Ours", "def mine(self)", "label_smoothing=0.1")


def test_several_optimizers_are_switched_on_and_off(lightgen: Lightgen) -> None:
    one, several = lightgen.write("one.toml", ONE), lightgen.write("several.toml", SEVERAL)
    lightgen.done("new", "run", "--spec", one)
    source = lightgen.folder / "run/src/run"
    for name, edits in EDITS.items():
        text = (source / name).read_text()
        for old, new in edits:
            assert text.count(old) == 1, (name, old)
            text = text.replace(old, new)
        (source / name).write_text(text)
    before = read(lightgen)
    lightgen.done("update", "run", "--spec", several)
    text = (source / "optim.py").read_text() + (source / "module.py").read_text()
    for each in (*OURS, "BODY_ACCUMULATE = 2", "LAST_FREQUENCY = 3", "build_optimizers("):
        assert text.count(each) >= 1, each
    assert (lightgen.folder / "run/tests/test_steps.py").exists()
    lightgen.done("update", "run", "--spec", one)
    assert read(lightgen) == before


def read(lightgen: Lightgen) -> dict[Path, str]:
    """What stands in the project but for what lightgen keeps."""
    root = lightgen.folder / "run"
    return {path: path.read_text() for kind in ("*.py", "*.md") for path in root.rglob(kind)}
