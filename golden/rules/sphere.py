from torch import Tensor


def tangent(point: Tensor, vector: Tensor) -> Tensor:
    """The part of a vector that is orthogonal to the point, row by row."""
    return vector - (point * vector).sum(-1, keepdim=True) * point


def normalized(point: Tensor) -> Tensor:
    """Rows of norm 1."""
    return point / point.norm(dim=-1, keepdim=True)


def sphere(param, grad, momentum_buffer=grad, *, lr=1e-2, momentum=0.9, nesterov=False):
    """Riemannian SGD (arXiv:1111.5280) on unit spheres, one for each row.

    A parameter must be on its spheres when training starts.
    """
    grad = tangent(param, grad)
    momentum_buffer = momentum * momentum_buffer + grad
    if nesterov:
        update = grad + momentum * momentum_buffer
    else:
        update = momentum_buffer
    param = normalized(param - lr * update)
    momentum_buffer = tangent(param, momentum_buffer)
