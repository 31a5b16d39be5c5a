def lamb(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    *,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-6,
    weight_decay=0.01,
):
    """LAMB: Adam, rescaled to the norm of each parameter (arXiv:1904.00962)."""
    beta1, beta2 = betas
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    denom = sqrt(exp_avg_sq) / sqrt(1 - beta2**step) + eps
    update = exp_avg / (1 - beta1**step) / denom + weight_decay * param
    weight_norm = norm(param)
    update_norm = norm(update)
    ratio = where(update_norm > 0, weight_norm / update_norm, 1)
    trust = where(weight_norm > 0, ratio, 1)
    param -= lr * trust * update
