def adan(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_diff=zeros,
    exp_avg_sq=zeros,
    previous_grad=grad,
    *,
    lr=1e-3,
    betas=(0.98, 0.92, 0.99),
    eps=1e-8,
    weight_decay=0.0,
):
    """Adan (arXiv:2208.06677), Algorithm 1; betas are 1 minus the paper's."""
    beta1, beta2, beta3 = betas
    diff = grad - previous_grad
    look_ahead = grad + beta2 * diff
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_diff = lerp(exp_avg_diff, diff, 1 - beta2)
    exp_avg_sq = beta3 * exp_avg_sq + (1 - beta3) * look_ahead * look_ahead
    denom = sqrt(exp_avg_sq) / sqrt(1 - beta3**step) + eps
    param -= lr / (1 - beta1**step) * exp_avg / denom
    param -= lr * beta2 / (1 - beta2**step) * exp_avg_diff / denom
    param /= 1 + lr * weight_decay
    previous_grad = grad
