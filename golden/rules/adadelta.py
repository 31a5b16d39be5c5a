def adadelta(
    param,
    grad,
    square_avg=zeros,
    acc_delta=zeros,
    *,
    lr=1.0,
    rho: 0 <= rho < 1 = 0.9,
    eps=1e-6,
    weight_decay=0.0,
):
    """Adadelta (arXiv:1212.5701), Algorithm 1."""
    if weight_decay != 0:
        grad = grad + weight_decay * param
    square_avg = rho * square_avg + (1 - rho) * grad * grad
    delta = sqrt(acc_delta + eps) / sqrt(square_avg + eps) * grad
    acc_delta = rho * acc_delta + (1 - rho) * delta * delta
    param -= lr * delta
