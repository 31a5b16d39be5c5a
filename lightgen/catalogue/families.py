"""Models of other people by the package that has them: what lightgen knows of their calls."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Callables of a package that make models, told by their paths.

    `classes` and `channels` are the arguments for the number of outputs and of an image's
    channels; `output` is the attribute of what the model returns that has the outputs; the last
    two call what turns gradient checkpointing on and off.
    """

    name: str
    summary: str
    pattern: str
    classes: str = ""
    channels: str = ""
    output: str = ""
    checkpointing: str = ""
    no_checkpointing: str = ""
    # So many channels an image has to have where no argument of the call says it.
    images: int = 0
    # Weights under this argument have a last layer for the classes that they were trained on.
    fixed: str = ""
    # What the callable of the family's name cannot be called without.
    needs: str = ""
    # What says the number of outputs where no argument of the call does.
    classes_within: str = ""


FAMILIES = {
    family.name: family
    for family in [
        Family(
            "timm.create_model",
            "a model of timm by args.model_name; classes and channels come from the data",
            r"timm\.(create_model|models\..+)",
            needs="model_name",
            classes="num_classes",
            channels="in_chans",
            checkpointing="set_grad_checkpointing()",
            no_checkpointing="set_grad_checkpointing(False)",
        ),
        Family(
            "torchvision.models.resnet18",
            "one of torchvision.models; classes come from the data, images have three channels",
            r"torchvision\.models\.(?!detection\.|segmentation\.).+",
            classes="num_classes",
            images=3,
            fixed="weights",
        ),
        Family(
            "transformers.AutoModelForImageClassification.from_config",
            "a model of transformers from args.config, which has num_labels and the rest",
            r"transformers\.(\w+\.)*\w+(For[A-Z]\w*|LMHeadModel)(\.\w+)?",
            output="logits",
            checkpointing='gradient_checkpointing_enable({"use_reentrant": False})',
            no_checkpointing="gradient_checkpointing_disable()",
            classes_within="num_labels",
        ),
    ]
}


def family_of(path: str) -> Family | None:
    """The family that a path belongs to, if it is known."""
    return next((each for each in FAMILIES.values() if re.fullmatch(each.pattern, path)), None)
