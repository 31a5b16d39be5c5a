def ademamix(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_slow=zeros,
    exp_avg_sq=zeros,
    *,
    lr=1e-3,
    betas=(0.9, 0.999, 0.9999),
    alpha: 0 <= alpha = 5.0,
    warmup_steps: 0 <= warmup_steps = 0,
    eps=1e-8,
    weight_decay=0.0,
):
    """AdEMAMix (arXiv:2409.03137), Algorithm 1.

    Over the warm-up alpha grows from 0, and beta3 from beta1.
    """
    beta1, beta2, beta3 = betas
    if warmup_steps > 0:
        done = step / warmup_steps
        alpha_now = min(done * alpha, alpha)
        log1 = log(beta1)
        log3 = log(beta3)
        beta3_now = min(exp(log1 * log3 / ((1 - done) * log3 + done * log1)), beta3)
    else:
        alpha_now = alpha
        beta3_now = beta3
    param *= 1 - lr * weight_decay
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_slow = lerp(exp_avg_slow, grad, 1 - beta3_now)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    denom = sqrt(exp_avg_sq) / sqrt(1 - beta2**step) + eps
    param -= lr * (exp_avg / (1 - beta1**step) + alpha_now * exp_avg_slow) / denom
