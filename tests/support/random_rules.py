"""Random rules, by number: all of the language of an update, in shapes that stay finite."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from random import Random
from textwrap import indent

HYPERS = {
    "lr": "lr=0.1",
    "betas": "betas=(0.8, 0.95)",
    "momentum": "momentum=0.7",
    "decay": "decay=0.3",
    "nesterov": "nesterov=True",
    "centered": "centered=False",
    "count": "count: 0 < int = 3",
}
# A state, what it is, and its initial value.
STATES = {
    "m": ("tensor", "zeros"),
    "v": ("tensor", "ones"),
    "u": ("tensor", "0.5"),
    "z": ("tensor", "param"),
    "g0": ("tensor", "grad"),
    "rows": ("rows", "zeros_rows"),
    "cols": ("cols", "zeros_cols"),
    "mu": ("number", "scalar(1.0)"),
    "nu": ("number", "scalar(0.5, float32)"),
}
HELPER = '''def twist(x, factor):
    """Entries in another order, so that a row no longer knows its own."""
    return factor * x.flip(-1)


'''
SMOOTH = "tanh sin cos atan sigmoid sign abs square neg".split()


class Writer:
    """Writes one rule; `names` maps what may be read to its kind."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        chosen = self.random.sample(sorted(STATES), self.random.randint(1, 4))
        self.states = {name: STATES[name] for name in sorted(chosen)}
        self.names = {"param": "tensor", "grad": "tensor"}
        self.names |= {name: kind for name, (kind, _) in self.states.items()}
        self.made = 0

    def one_of(self, kind: str) -> str:
        return self.random.choice([name for name, k in self.names.items() if k == kind])

    def has(self, kind: str) -> bool:
        return kind in self.names.values()

    def pick(self, *options: Callable[[], str]) -> str:
        return self.random.choice(options)()

    # Numbers -------------------------------------------------------------------------------

    def constant(self) -> str:
        return self.random.choice(["0.5", "2", "0.1", "1.5", "3", "0.9", "1", "0"])

    def group(self) -> str:
        """A number that is positive, from hyperparameters alone."""
        names = ["lr", "betas[0]", "betas[1]", "momentum", "decay", "count"]
        return self.pick(
            lambda: self.random.choice(names),
            lambda: self.random.choice(names),
            lambda: f"(1 - {self.random.choice(names[1:4])})",
            lambda: f"(1 - {self.random.choice(names[1:4])})",
            lambda: self.constant(),
            lambda: f"({self.random.choice(names)} if nesterov else {self.random.choice(names)})",
            lambda: f"{self.random.choice(names)} ** {self.random.choice(['2', '0.5', 'count'])}",
        )

    def number(self, depth: int = 2) -> str:
        """Any number."""
        if depth == 0:
            return self.pick(
                self.group,
                self.group,
                lambda: self.one_of("number") if self.has("number") else self.group(),
                lambda: self.random.choice(["step", "ndim", "param.shape[-1]", "param.ndim", "pi"]),
            )
        a, b = self.number(depth - 1), self.number(depth - 1)
        beta = self.random.choice(["betas[0]", "betas[1]", "momentum"])
        return self.pick(
            lambda: f"({a} + {b})",
            lambda: f"({a} - {b})",
            lambda: f"({a} - ({b} - {self.group()}))",
            lambda: f"{a} * {b}",
            lambda: f"{a} / (abs({b}) + 0.5)",
            lambda: f"({a} - {b}) / {self.random.choice(['2', 'count', '(lr + 1)'])}",
            lambda: f"-{a}",
            lambda: f"(-{a})",
            lambda: f"(1 - {beta}**step)",
            lambda: f"lr / (1 - {beta}**step)",
            lambda: f"sqrt(1 - {beta}**step)",
            lambda: f"sqrt(abs({a}))",
            lambda: f"exp(-abs({a}))",
            lambda: f"log(1 + abs({a}))",
            lambda: f"tanh({a})",
            lambda: f"cos({a})",
            lambda: f"floor({a} + 0.25)",
            lambda: f"min({a}, {b})",
            lambda: f"max({a}, {b}, {self.group()})",
            lambda: f"(step - 1) % {self.random.choice(['2', 'count'])}",
            lambda: f"step // {self.random.choice(['2', 'count'])}",
            lambda: f"where({self.condition()}, {a}, {b})",
            lambda: f"where(step > 1, {a} / max(step - 1, 0.5), {b})",
        )

    def condition(self) -> str:
        """On numbers."""
        a = self.random.choice(["step", "ndim", "param.shape[0]", "count", "param.ndim"])
        test = f"{a} {self.random.choice(['>', '<=', '==', '!='])} {self.random.choice('123')}"
        return self.pick(
            lambda: test, lambda: test, lambda: f"not {test}", lambda: f"{test} and step < 3"
        )

    def small(self) -> str:
        """A number that keeps things finite when they are multiplied by it."""
        return self.pick(
            self.group, self.group, lambda: f"tanh({self.number(1)})", lambda: self.number(0)
        )

    # Tensors -------------------------------------------------------------------------------

    def leaf(self) -> str:
        return self.one_of("tensor")

    def positive(self, depth: int) -> str:
        x = self.tensor(depth)
        return self.pick(lambda: f"(abs({x}) + 0.5)", lambda: f"({x} * {x} + 0.5)")

    def reduced(self) -> str:
        x, y = self.leaf(), self.tensor(1)
        return self.pick(
            lambda: f"norm({y})",
            lambda: f"mean({y})",
            lambda: f"tanh(sum({y}))",
            lambda: f"tanh(dot({x}, {y}))",
            lambda: f"where(norm({x}) > 0.5, norm({x}) / (norm({y}) + 1), 1)",
        )

    def narrow(self) -> str:
        """A number per row or per column."""
        x = self.tensor(1)
        if self.has("rows") and self.random.random() < 0.5:
            return self.one_of("rows")
        if self.has("cols") and self.random.random() < 0.5:
            return self.one_of("cols")
        return self.pick(lambda: f"mean_rows({x})", lambda: f"mean_cols({x})")

    def tensor(self, depth: int = 2) -> str:
        if depth == 0:
            return self.leaf()
        x, y = self.tensor(depth - 1), self.tensor(depth - 1)
        a, b, c = self.small(), self.small(), self.leaf()
        w = self.random.choice(["betas[0]", "(1 - betas[1])", "1 - momentum", "0.25", "1 - lr"])
        return self.pick(
            lambda: c,
            lambda: f"({x} + {y})",
            lambda: f"({x} - {y})",
            lambda: f"({x} - ({y} - {c}))",
            lambda: f"{x} * {y}",
            lambda: f"(-{x})",
            lambda: f"{a} * {c}",
            lambda: f"{c} * {a} * {b}",
            lambda: f"({w} * {c} + (1 - {w}) * {self.leaf()} * {self.leaf()})",
            lambda: f"({a} * {c} - {b} * {self.leaf()} * {self.leaf()} * {self.leaf()})",
            lambda: f"({a} * {c} * {self.leaf()} * {b} * {self.leaf()} + {x})",
            lambda: f"{a} * {x} / {self.positive(1)}",
            lambda: f"{x} / {self.positive(0)} / {self.positive(0)}",
            lambda: f"{a} / {self.positive(depth - 1)}",
            lambda: f"{x} / (abs({a}) + 0.5)",
            lambda: f"({x} + {a})",
            lambda: f"({a} - {x})",
            lambda: f"({x} - {a})",
            lambda: f"{x} ** 2",
            lambda: f"{self.positive(depth - 1)} ** {self.random.choice(['0.5', '1.5', '-0.5'])}",
            lambda: f"{self.positive(depth - 1)} ** tanh({self.number(1)})",
            lambda: f"{self.random.choice(SMOOTH)}({x})",
            lambda: f"{self.random.choice(SMOOTH)}({x})",
            lambda: f"{self.random.choice(['sqrt', 'rsqrt', 'reciprocal'])}({self.positive(1)})",
            lambda: f"{self.random.choice(['log', 'log1p'])}({self.positive(1)})",
            lambda: f"{self.random.choice(['exp', 'expm1'])}(-abs({x}))",
            lambda: f"tan(tanh({x}))",
            lambda: f"floor(3 * {c} + 0.1)",
            lambda: f"maximum({x}, {y})",
            lambda: f"minimum({x}, {y})",
            lambda: f"maximum({x}, {a})",
            lambda: f"atan2({x}, {self.positive(1)})",
            lambda: f"lerp({x}, {y}, {w})",
            lambda: f"lerp({x}, {y}, tanh({self.number(1)}))",
            lambda: f"clamp({x}, -{w}, {w})" if w[0] != "1" else f"clamp({x}, -1, 1)",
            lambda: f"clamp({x}, {self.random.choice(['None, 0.5', '-0.1, None', '0.01'])})",
            lambda: f"where({x} > {self.random.choice([y, '0', a])}, {c}, {y})",
            lambda: f"where(({c} > 0) & ({x} < 1), {x}, {self.random.choice([y, '0'])})",
            lambda: f"where({self.condition()}, {x}, {y})",
            lambda: f"where({x} > {y}, {a}, -0.5)",
            lambda: f"where({self.condition()}, {x} * {a}, {y} + {b})",
            lambda: f"({x} if centered else {y})",
            lambda: f"{self.reduced()} * {x}",
            lambda: f"({x} - {self.reduced()})",
            lambda: f"{x} / (abs({self.reduced()}) + 0.5)",
            lambda: f"{self.narrow()} * {x}",
            lambda: f"({x} + {self.narrow()})",
            lambda: f"(mean_rows({x}) * mean_cols({y}))",
            lambda: f"0.5 * twist({x}, {self.random.choice([a, '0.5'])})",
            lambda: f"(mean_rows({x}) @ mean_cols({y}) * {c})",
        )

    # Statements ----------------------------------------------------------------------------

    def local(self, kind: str, value: str) -> str:
        """A new name, or an old one of the kind."""
        own = [n for n, k in self.names.items() if k == kind and n.startswith(f"{kind[0]}_")]
        if own and self.random.random() < 0.4:
            return f"{self.random.choice(own)} = {value}"
        self.made += 1
        name = f"{kind[0]}_{self.made}"
        self.names[name] = kind
        return f"{name} = {value}"

    def kept(self) -> str:
        """param, grad or a state like it."""
        names = [n for n, (kind, _) in self.states.items() if kind == "tensor"]
        return self.random.choice([*names, *names, "param", "grad"])

    def statement(self, depth: int = 1) -> list[str]:
        choice = self.random.random()
        if choice < 0.08:
            return [self.local("number", self.number())]
        if choice < 0.16:
            return [self.local("tensor", self.leaf())]  # another name for it
        if choice < 0.30:
            return [self.local("tensor", self.tensor())]
        if choice < 0.38 and depth:
            return self.branch()
        if choice < 0.46:
            return self.swap()
        if choice < 0.54 and (self.has("number") or self.has("rows") or self.has("cols")):
            return [self.small_state()]
        x, d = self.tensor(1), self.kept()
        c, a, b = self.leaf(), self.small(), self.small()
        return [
            self.pick(
                lambda: f"{d} = {self.tensor()}",
                lambda: f"{d} = {self.tensor(3)}",
                lambda: f"{d} = {d} * {d}",
                lambda: f"{d} = -{d}",
                lambda: f"{d} = {a} - {d}",
                lambda: f"{d} = {c}",
                lambda: f"{d} += {a} * {x}",
                lambda: f"{d} -= {a} * {c} / {self.positive(1)}",
                lambda: f"{d} *= {a}",
                lambda: f"{d} *= {c}",
                lambda: f"{d} -= {c} - {d}",
                lambda: f"{d} /= {self.positive(1)}",
                lambda: f"{d} /= abs({a}) + 0.5",
                lambda: f"{d} = maximum({a} * {c} + {d}, {b} * {self.leaf()} + {d})",
                lambda: f"{d} = minimum({c}, {d})",
                lambda: f"{d} = lerp({c}, {d}, {self.group()})",
                lambda: f"{d} = lerp({d}, {x} * {d}, 1 - momentum)",
                lambda: f"{d} = where({c} > {d}, -{d}, {d} * {c})",
                lambda: f"{d} = atan2({d} * {c}, abs({d}) + 0.5)",
                lambda: f"{d} = betas[0] * {d} + (1 - betas[0]) * {c} * {c}",
                lambda: f"{d} = {c} / (sqrt(abs({d})) + 0.5) - {d}",
            )
        ]

    def swap(self) -> list[str]:
        d, e = self.kept(), self.kept()
        if self.random.random() < 0.5:
            return [f"{d}, {e} = {e}, {self.pick(lambda: d, lambda: self.tensor(1))}"][: d != e]
        self.made += 1
        name = f"t_{self.made}"
        self.names[name] = "tensor"
        return [f"{name} = {d}", f"{d} = {e}", f"{e} = {name}"]

    def small_state(self) -> str:
        """An update of a state that is no tensor like the parameter."""
        name = self.random.choice([n for n, k in self.names.items() if k in SMALL])
        if self.names[name] == "number":
            if name in self.states:
                return f"{name} = 0.5 * {name} + tanh({self.number(1)})"
            return self.local("number", f"{name} + {self.number(1)}")
        mean = f"mean_{self.names[name]}"
        return self.pick(
            lambda: f"{name} = lerp({name}, {mean}({self.tensor(2)}), 1 - betas[0])",
            lambda: f"{name} = {self.small()} * {name} - {mean}(grad * grad)",
            lambda: f"{name} = {name} * {name}",
        )

    def branch(self) -> list[str]:
        test = self.random.choice(
            ["nesterov", "centered", "not nesterov", "decay != 0", "count > 3"]
        )
        before = dict(self.names)
        then = self.block(2)
        self.names = dict(before)
        otherwise = self.block(2) if self.random.random() < 0.6 else []
        self.names = before
        lines = [f"if {test}:", *(f"    {line}" for line in then or ["pass"])]
        return lines + (["else:", *(f"    {line}" for line in otherwise)] if otherwise else [])

    def block(self, most: int) -> list[str]:
        return [
            line for _ in range(self.random.randint(1, most)) for line in self.statement(depth=0)
        ]

    def rule(self) -> str:
        body = [line for _ in range(self.random.randint(2, 6)) for line in self.statement()]
        seen = [n for n, kind in self.names.items() if kind == "tensor" and n != "param"]
        last = self.random.sample(seen, min(len(seen), 3))
        body.append(f"param -= lr * tanh({' - '.join(last)})")
        tree = ast.parse("\n".join(body))
        tree.body = alive(tree.body, {"param", *self.states})
        for name in sorted(set(self.states) - before(tree.body, {"param"})):  # overwritten unread
            tree.body[:0] = ast.parse(f"first_{name} = 0.1 * {name}").body
            tree.body += ast.parse(f"param *= 1 + lr * tanh(first_{name} * grad)").body
        tree.body += ast.parse("\n".join(self.last_updates(tree.body))).body
        text = ast.unparse(tree)
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        states = [f"{name}={init}" for name, (_, init) in self.states.items()]
        hypers = [text for name, text in HYPERS.items() if name in names]
        head = f"def rule({', '.join(['param', 'grad', *states, '*', *hypers])}):\n"
        return (HELPER if "twist" in names else "") + head + indent(text, "    ") + "\n"

    def last_updates(self, body: Sequence[ast.stmt]) -> list[str]:
        """Lines that change the states that the body leaves alone."""
        stored = {name for node in body for each in ast.walk(node) for name in targets(each)}
        value = {"tensor": "tanh(grad)", "number": "step"}
        return [
            f"{name} = 0.5 * {name} + {value.get(kind, f'mean_{kind}(grad)')}"
            for name, (kind, _) in self.states.items()
            if name not in stored
        ]


SMALL = ("number", "rows", "cols")


def targets(node: ast.AST) -> set[str]:
    """The names that a statement binds."""
    found = node.targets if isinstance(node, ast.Assign) else []
    found = [node.target] if isinstance(node, ast.AugAssign) else found
    return {n.id for each in found for n in ast.walk(each) if isinstance(n, ast.Name)}


def loads(node: ast.AST) -> set[str]:
    read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return read | (targets(node) if isinstance(node, ast.AugAssign) else set())


def before(body: Sequence[ast.stmt], live: set[str]) -> set[str]:
    """What is read in body, or of `live` passes through it."""
    for node in reversed(body):
        if isinstance(node, ast.If):
            live = before(node.body, live) | before(node.orelse, live) | loads(node.test)
        else:
            live = (live - targets(node)) | loads(node)
    return live


def alive(body: Sequence[ast.stmt], live: set[str]) -> list[ast.stmt]:
    """The body without assignments that nothing reads: the language refuses those."""
    kept: list[ast.stmt] = []
    for node in reversed(body):
        if isinstance(node, ast.If):
            node.body = alive(node.body, live) or [ast.Pass()]
            node.orelse = alive(node.orelse, live)
            if not node.orelse and isinstance(node.body[0], ast.Pass):
                continue
        elif isinstance(node, ast.Pass) or not targets(node) & live:
            continue
        kept.insert(0, node)
        live = before([node], live)
    return kept


def random_rule(seed: int) -> str:
    """The text of rule number `seed`."""
    return Writer(seed).rule()
