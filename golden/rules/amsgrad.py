def amsgrad(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    max_exp_avg_sq=zeros,
    *,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
):
    """AMSGrad: the second moment never falls (arXiv:1904.09237, Algorithm 2)."""
    beta1, beta2 = betas
    if weight_decay != 0:
        grad = grad + weight_decay * param
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    max_exp_avg_sq = maximum(max_exp_avg_sq, exp_avg_sq)
    step_size = lr / (1 - beta1**step)
    denom = sqrt(max_exp_avg_sq) / sqrt(1 - beta2**step) + eps
    param -= step_size * exp_avg / denom
