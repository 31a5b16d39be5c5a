import torch
from torch import Tensor


def newton_schulz(update: Tensor) -> Tensor:
    """The nearest matrix of orthogonal rows or columns, roughly."""
    a, b, c = 3.4445, -4.775, 2.0315
    tall = update.size(0) > update.size(1)
    x = update.T.bfloat16() if tall else update.bfloat16()
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if tall else x).to(update.dtype)


@when(param.ndim == 2)
def muon(
    param,
    grad,
    momentum_buffer=zeros,
    *,
    lr=1e-3,
    weight_decay=0.1,
    momentum=0.95,
    match_rms_adamw=True,
):
    """Muon (Jordan et al., 2024) for matrices, AdamW for the rest.

    match_rms_adamw scales the updates to the size of AdamW's, so that one learning rate
    serves both (arXiv:2502.16982).
    """
    momentum_buffer = lerp(momentum_buffer, grad, 1 - momentum)
    update = newton_schulz(lerp(grad, momentum_buffer, momentum))
    if match_rms_adamw:
        scale = 0.2 * sqrt(max(param.shape[0], param.shape[1]))
    else:
        scale = sqrt(max(1, param.shape[0] / param.shape[1]))
    param *= 1 - lr * weight_decay
    param -= lr * scale * update


def muon_rest(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    *,
    lr=1e-3,
    weight_decay=0.1,
    betas=(0.9, 0.95),
    eps=1e-8,
):
    """AdamW (arXiv:1711.05101)."""
    beta1, beta2 = betas
    param *= 1 - lr * weight_decay
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    step_size = lr / (1 - beta1**step)
    denom = sqrt(exp_avg_sq) / sqrt(1 - beta2**step) + eps
    param -= step_size * exp_avg / denom
