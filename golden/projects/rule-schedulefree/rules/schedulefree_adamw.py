def schedulefree_adamw(
    param,
    grad,
    z=param,
    exp_avg_sq=zeros,
    weight_sum=scalar(0.0),
    lr_max=scalar(0.0),
    *,
    lr=2.5e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    warmup_steps: 0 <= warmup_steps = 0,
    r=0.0,
    weight_lr_power=2.0,
):
    """Schedule-Free AdamW (arXiv:2405.15682), Algorithm 1.

    In training param is y, the point of the gradients; in evaluation x, the average.
    """
    beta1, beta2 = betas
    lr_now = lr
    if warmup_steps > 0:
        lr_now = lr * min(1, step / warmup_steps)
    lr_max = max(lr_max, lr_now)
    weight = step**r * lr_max**weight_lr_power
    weight_sum += weight
    c = where(weight_sum > 0, weight / weight_sum, 0)
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    denom = sqrt(exp_avg_sq / (1 - beta2**step)) + eps
    update = grad / denom + weight_decay * param
    param = lerp(param, z, c) - lr_now * (1 - beta1 * (1 - c)) * update
    z -= lr_now * update


def to_eval(param, z=param, *, betas=(0.9, 0.999)):
    """From y to x."""
    param = lerp(param, z, 1 - 1 / betas[0])


def to_train(param, z=param, *, betas=(0.9, 0.999)):
    """From x to y."""
    param = lerp(param, z, 1 - betas[0])
