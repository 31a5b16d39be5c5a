def adamw(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    *,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=1e-2,
):
    """AdamW, decoupled weight decay (arXiv:1711.05101), Algorithm 2."""
    beta1, beta2 = betas
    param *= 1 - lr * weight_decay
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    step_size = lr / (1 - beta1**step)
    denom = sqrt(exp_avg_sq) / sqrt(1 - beta2**step) + eps
    param -= step_size * exp_avg / denom
