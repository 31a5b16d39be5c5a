def adagrad(
    param, grad, state_sum=zeros, *, lr=1e-2, lr_decay=0.0, eps=1e-10, weight_decay=0.0
):
    """Adagrad (Duchi, Hazan and Singer, 2011), with diagonal matrices."""
    if weight_decay != 0:
        grad = grad + weight_decay * param
    state_sum += grad * grad
    step_size = lr / (1 + (step - 1) * lr_decay)
    param -= step_size * grad / (sqrt(state_sum) + eps)
