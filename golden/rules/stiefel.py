import torch
from torch import Tensor


def tangent(point: Tensor, vector: Tensor) -> Tensor:
    """The nearest direction along which columns stay orthonormal."""
    product = point.mT @ vector
    return vector - point @ (0.5 * (product + product.mT))


def retracted(point: Tensor) -> Tensor:
    """Orthonormal columns by QR, where the diagonal of R is positive."""
    q, r = torch.linalg.qr(point)
    return q * torch.where(r.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(q).unsqueeze(
        -2
    )


@when(param.ndim >= 2)
def stiefel(param, grad, momentum_buffer=grad, *, lr=1e-2, momentum=0.9):
    """Riemannian SGD (arXiv:1111.5280) on matrices with orthonormal columns.

    A parameter must have orthonormal columns when training starts.
    """
    momentum_buffer = momentum * momentum_buffer + tangent(param, grad)
    param = retracted(param - lr * momentum_buffer)
    momentum_buffer = tangent(param, momentum_buffer)


def stiefel_rest(param, grad, momentum_buffer=zeros, *, lr=1e-2, momentum=0.9):
    """SGD with momentum."""
    momentum_buffer = momentum * momentum_buffer + grad
    param -= lr * momentum_buffer
