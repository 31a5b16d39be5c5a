def prepare(param, grad, *, max_norm: 0 < max_norm = 1.0):
    """The factor that brings the norm of the whole gradient down to max_norm."""
    norm_sq = total(sum(grad * grad))
    clip = min(1, max_norm / (sqrt(norm_sq) + 1e-6))


def sgd_clip(param, grad, momentum_buffer=zeros, *, lr=1e-2, momentum=0.9):
    """SGD with momentum and clipping by the global norm (arXiv:1211.5063)."""
    momentum_buffer = momentum * momentum_buffer + clip * grad
    param -= lr * momentum_buffer
