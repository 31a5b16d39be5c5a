def adopt(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    *,
    lr=1e-3,
    betas=(0.9, 0.9999),
    eps=1e-6,
    weight_decay=0.0,
):
    """ADOPT (arXiv:2411.02853), Algorithm 2, with clipping.

    The first step only begins exp_avg_sq. The gradient is divided by the second moment
    of the steps before it.
    """
    beta1, beta2 = betas
    clip = (step - 1) ** 0.25  # 0 at the first step: nothing moves
    normed = clamp(grad / clamp(sqrt(exp_avg_sq), eps, None), -clip, clip)
    exp_avg = lerp(exp_avg, normed, 1 - beta1)
    param *= where(step == 1, 1, 1 - lr * weight_decay)
    param -= lr * exp_avg
    keep = where(step == 1, 0, beta2)
    exp_avg_sq = keep * exp_avg_sq + (1 - keep) * grad * grad
