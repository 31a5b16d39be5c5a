"""Update rules that tests write down."""

from __future__ import annotations

LION = '''\
def lion(param, grad, exp_avg=zeros, *, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    """Lion (arXiv:2302.06675)."""
    param *= 1 - lr * weight_decay
    param -= lr * sign(lerp(exp_avg, grad, 1 - betas[0]))
    exp_avg = lerp(exp_avg, grad, 1 - betas[1])
'''
MOMENTUM = '''\
def heavy_ball(
    param, grad, velocity=grad, *, lr=0.1, momentum: 0 <= momentum < 1 = 0.9, nesterov=False
):
    """Momentum."""
    velocity = momentum * velocity + grad
    if nesterov:
        param -= lr * (grad + momentum * velocity)
    else:
        param -= lr * velocity
'''
LAMB = """\
def trust(param, update):
    return torch.where(update.norm() > 0, param.norm() / update.norm(), 1.0)


def lamb(param, grad, exp_avg=zeros, *, lr=1e-3, beta=0.9):
    exp_avg = lerp(exp_avg, grad, 1 - beta)
    param -= lr * trust(param, exp_avg) * exp_avg
"""
TWO = f"{LION}\n\n{MOMENTUM}"
