def sgd(
    param,
    grad,
    momentum_buffer=zeros,
    *,
    lr=1e-3,
    momentum=0.9,
    weight_decay=0.0,
    nesterov=False,
):
    """SGD with momentum (Polyak, 1964; Nesterov's: Sutskever et al., 2013)."""
    if weight_decay != 0:
        grad = grad + weight_decay * param
    momentum_buffer = momentum * momentum_buffer + grad
    if nesterov:
        update = grad + momentum * momentum_buffer
    else:
        update = momentum_buffer
    param -= lr * update
