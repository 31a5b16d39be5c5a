"""What the generated project has in place of its own network or data: calls of other people's."""

from __future__ import annotations

from lightgen.catalogue.families import family_of
from lightgen.catalogue.parts import DATA
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.foreign import call_lines, reference
from lightgen.render.imports import Imports
from lightgen.source import Expr, Source, block, indent, literal


def network_type(plan: Plan) -> Source:
    """The type of the network in the signatures of optim.py."""
    return Source("Network" if plan.has_own_model else "nn.Module")


def network_call(plan: Plan, imports: Imports) -> Expr:
    """The expression that makes the network; what it needs is imported."""
    name = "Network" if plan.has_own_model else "build_model"
    imports.own("model", name)
    return Expr(f"{name}()")


def output_of(plan: Plan) -> Source:
    """How the outputs are taken from what the network returns."""
    return Source(f".{plan.model.output}" if plan.model.output else "")


def no_checkpointing(plan: Plan) -> Source:
    """The call that turns gradient checkpointing off; the network of lightgen has none."""
    family = family_of(plan.model.call.path) if plan.model.call else None
    return Source(family.no_checkpointing if family else "")


def render_other_model(plan: Plan) -> str:
    """The text of model.py where the network is other people's."""
    made = plan.model.call
    assert made is not None
    imports = Imports(plan.package).names("torch", "nn")
    lines = call_lines(made, imports)
    # A name that hides nothing of what the call names.
    name = "model" if made.root != "model" else "network"
    if plan.model.checkpoints:
        imports.names("typing", "Any")
        family = family_of(made.path)
        switch = family.checkpointing if family else ""
        body = [
            f"built: Any = {lines[0]}",
            *lines[1:],
            "# Activations are computed twice instead of kept.",
            f"built.{switch}",
            f"{name}: nn.Module = built",
        ]
    else:
        body = [f"{name}: nn.Module = {lines[0]}", *lines[1:]]
    body += [
        "# One with weights may come in eval mode: Lightning trains in the modes it finds.",
        f"return {name}.train()",
    ]
    holes = {"imports": imports.source(), "body": block(indent(body))}
    return fill("models/other.py", holes)


def render_other_data(plan: Plan) -> str:
    """The text of data.py where the data are other people's."""
    made = plan.data_call
    assert made is not None
    imports = Imports(plan.package)
    owner = reference(made, imports)
    lines = call_lines(made, imports)
    lines[0] = f"super().__init__{lines[0].removeprefix(made.path)}"
    holes = {"imports": imports.source(), "owner": owner, "call": block(indent(lines, 2))}
    return fill("data/other.py", holes)


def parts_lines(plan: Plan) -> tuple[Source, Source]:
    """Of match_parameters: the parts of the model, and what is raised for a wrong pattern."""
    error = """raise ValueError(f"group {group}: '{pattern}' matches no parameter")"""
    if plan.has_own_model:
        return ABSENT, block(indent([error], 4))
    parts = 'parts = ", ".join(sorted({name.partition(".")[0] for name in names}))'
    lines = [
        "raise ValueError(",
        """    f"group {group}: '{pattern}' matches no parameter; \"""",
        '    f"the model has {parts}"',
        ")",
    ]
    return block(indent([parts])), block(indent(lines, 4))


def resizing(plan: Plan, imports: Imports) -> dict[str, Source]:
    """Images as large, and with as many channels, as the network takes: nothing by default."""
    names = ("image_constants", "collate_line", "collate_argument", "collate")
    given = DATA[plan.data.name].image
    image = plan.data.image
    if image == given or image is None or given is None:
        return {**dict.fromkeys(names, ABSENT), "collate_argument": Source("")}
    imports.names("torch", "Tensor").names("torch.utils.data", "default_collate")
    constants, steps = ["# The images as the network takes them."], []
    if image[1:] != given[1:]:
        imports.module("torch.nn.functional as F")
        constants.append(f"IMAGE_SIZE = {literal(image[1])}")
        steps.append('images = F.interpolate(images, size=IMAGE_SIZE, mode="bilinear")')
    if image[0] != given[0]:
        constants.append(f"CHANNELS = {literal(image[0])}")
        steps.append("images = images.expand(-1, CHANNELS, -1, -1)")
    text = fill("data/collate.py", {"steps": block(indent(steps))})
    return {
        "image_constants": block(constants),
        "collate_line": Source("            collate_fn=collate,"),
        "collate_argument": Source(", collate_fn=collate"),
        "collate": Source("\n\n" + text.rstrip("\n")),
    }
