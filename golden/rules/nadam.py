def nadam(
    param,
    grad,
    exp_avg=zeros,
    exp_avg_sq=zeros,
    mu_product=scalar(1.0, float32),
    *,
    lr=2e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
):
    """NAdam: Adam with Nesterov momentum (Dozat, 2016), as torch.optim.NAdam."""
    beta1, beta2 = betas
    if decoupled_weight_decay:
        param *= 1 - lr * weight_decay
    elif weight_decay != 0:
        grad = grad + weight_decay * param
    mu = beta1 * (1 - 0.5 * 0.96 ** (step * momentum_decay))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentum_decay))
    mu_product *= mu
    exp_avg = lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    denom = sqrt(exp_avg_sq / (1 - beta2**step)) + eps
    param -= lr * (1 - mu) / (1 - mu_product) * grad / denom
    param -= lr * mu_next / (1 - mu_product * mu_next) * exp_avg / denom
