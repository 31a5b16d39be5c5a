def prepare(
    param,
    grad,
    p0=param,
    s=zeros,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    d=shared(1e-6),
    numerator=shared(0.0),
    *,
    lr=1.0,
    betas=(0.9, 0.999),
    d_coef: 0 < d_coef = 1.0,
):
    """The distance to the solution, estimated from all parameters together."""
    beta1, beta2 = betas
    beta3 = sqrt(beta2)
    step_size = lr * d
    gain = total(dot(grad, p0 - param))
    exp_avg = beta1 * exp_avg + (1 - beta1) * d * grad
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * d * d * grad * grad
    s = beta3 * s + d / 1e-6 * step_size * grad
    length = total(sum(abs(s)))
    numerator = beta3 * numerator + d / 1e-6 * step_size * gain
    d = max(d, where(length > 0, d_coef * numerator / length, 0))


def prodigy(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    d=shared,
    *,
    lr=1.0,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
):
    """Prodigy (arXiv:2306.06101), Algorithm 4: Adam that finds its learning rate."""
    param *= 1 - step_size * weight_decay
    param -= step_size * exp_avg / (sqrt(exp_avg_sq) + d * eps)
