"""The names that a rule may use, and how they are written in torch."""

from __future__ import annotations

# One tensor in, one of the same shape out; all but atan have a torch._foreach_ twin of that name.
UNARY = frozenset(
    "abs atan cos exp expm1 floor log log1p neg reciprocal rsqrt sigmoid sign sin sqrt square tan"
    " tanh".split()
)
BINARY = frozenset({"maximum", "minimum", "atan2"})
REDUCTIONS = frozenset({"mean", "sum", "norm", "dot"})
ROWS, COLS = "mean_rows", "mean_cols"
SHAPED = frozenset({ROWS, COLS})
SCALAR_ONLY = frozenset({"min", "max"})

# How often a name may be called with how many arguments: least, most.
ARITY: dict[str, tuple[int, int]] = {
    **dict.fromkeys(UNARY | REDUCTIONS | SHAPED, (1, 1)),
    **dict.fromkeys(BINARY | {"dot"}, (2, 2)),
    **dict.fromkeys(SCALAR_ONLY, (2, 8)),
    "lerp": (3, 3),
    "where": (3, 3),
    "clamp": (2, 3),
}
FUNCTIONS = frozenset(ARITY)

INITIAL_NAMES = ("zeros", "ones", "param", "grad", "zeros_rows", "zeros_cols", "scalar(0.0)")

# Written for plain numbers; the rest have no meaning there.
SCALAR_TEXT = {
    "abs": "abs({0})",
    "atan": "math.atan({0})",
    "atan2": "math.atan2({0}, {1})",
    "cos": "math.cos({0})",
    "exp": "math.exp({0})",
    "expm1": "math.expm1({0})",
    "floor": "math.floor({0})",
    "log": "math.log({0})",
    "log1p": "math.log1p({0})",
    "sin": "math.sin({0})",
    "tan": "math.tan({0})",
    "tanh": "math.tanh({0})",
    "lerp": "{0} + ({1} - {0}) * {2}",
}

# Parameters of the generated class and functions, and what they call.
RESERVED = frozenset(
    "params grads steps param grad step ndim pi param_names name initial_lr max_lr min_lr swa_lr"
    " base_momentum max_momentum foreach maximize differentiable fused capturable grad_scale"
    " found_inf train_mode self torch math Tensor Optimizer ParamsT Any Callable Mapping chain"
    " options defaults group state closure loss float32 zeros ones zeros_rows zeros_cols scalar"
    " shared total prepare to_eval to_train when i p value index zip strict len enumerate"
    " isinstance super list tuple float int bool dict range ValueError RuntimeError"
    " None True False".split()
)


# As functions of torch, for one tensor at a time.
TORCH_TEXT = {
    **{name: f"torch.{name}({{0}})" for name in UNARY | {"mean", "sum"}},
    **{name: f"torch.{name}({{0}}, {{1}})" for name in BINARY},
    "norm": "torch.linalg.vector_norm({0})",
    "dot": "({0} * {1}).sum()",
    ROWS: "{0}.mean(dim=-1, keepdim=True)",
    COLS: "{0}.mean(dim=-2, keepdim=True)",
    "lerp": "torch.lerp({0}, {1}, {2})",
    "where": "torch.where({0}, {1}, {2})",
}
