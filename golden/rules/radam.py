def radam(
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
    """RAdam: Adam whose adaptive rate is rectified, and left out in the first steps.

    arXiv:1908.03265, Algorithm 2.
    """
    beta1, beta2 = betas
    if weight_decay != 0:
        grad = grad + weight_decay * param
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    m_hat = exp_avg / (1 - beta1**step)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * step * beta2**step / (1 - beta2**step)
    rectified = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    scale = where(rho > 5, sqrt(rectified * (1 - beta2**step)), 1)
    param -= lr * where(rho > 5, scale * m_hat / (sqrt(exp_avg_sq) + eps), m_hat)
