def rmsprop(
    param,
    grad,
    square_avg=zeros,
    grad_avg=zeros,
    momentum_buffer=zeros,
    *,
    lr=1e-2,
    alpha=0.99,
    eps=1e-8,
    weight_decay=0.0,
    momentum=0.0,
    centered=True,
):
    """RMSprop (Hinton, 2012), centered as in arXiv:1308.0850, equations 38 to 45."""
    if weight_decay != 0:
        grad = grad + weight_decay * param
    square_avg = alpha * square_avg + (1 - alpha) * grad * grad
    if centered:
        grad_avg = lerp(grad_avg, grad, 1 - alpha)
        denom = sqrt(square_avg - grad_avg * grad_avg) + eps
    else:
        denom = sqrt(square_avg) + eps
    momentum_buffer = momentum * momentum_buffer + grad / denom
    param -= lr * momentum_buffer
