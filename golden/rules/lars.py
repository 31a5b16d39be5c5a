def lars(
    param,
    grad,
    momentum_buffer=zeros,
    *,
    lr=1e-3,
    momentum=0.9,
    weight_decay=1e-4,
    trust_coefficient=1e-3,
    nesterov=False,
):
    """LARS (arXiv:1708.03888); biases and norms are neither scaled nor decayed."""
    decay = where(ndim > 1, weight_decay, 0)
    weight_norm = norm(param)
    grad_norm = norm(grad) + decay * weight_norm
    ratio = trust_coefficient * weight_norm / grad_norm
    trust = where(weight_norm > 0, where(grad_norm > 0, ratio, 1), 1)
    grad = where(ndim > 1, trust * (grad + decay * param), grad)
    momentum_buffer = momentum * momentum_buffer + grad
    if nesterov:
        param -= lr * (grad + momentum * momentum_buffer)
    else:
        param -= lr * momentum_buffer
