def adam(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    *,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
):
    """Adam (arXiv:1412.6980), Algorithm 1; weight decay is added to the gradient."""
    beta1, beta2 = betas
    if weight_decay != 0:
        grad = grad + weight_decay * param
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    step_size = lr / (1 - beta1**step)
    denom = sqrt(exp_avg_sq) / sqrt(1 - beta2**step) + eps
    param -= step_size * exp_avg / denom
