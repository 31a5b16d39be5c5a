@when(param.ndim > 1)
def adafactor(
    param,
    grad,
    row_var=zeros_rows,
    col_var=zeros_cols,
    *,
    lr=1e-2,
    beta2_decay=-0.8,
    eps=(1e-8, 1e-3),
    d: 0 < d = 1.0,
    weight_decay=0.0,
):
    """Adafactor (arXiv:1804.04235), Algorithm 4, as torch.optim.Adafactor.

    Of the second moment of a matrix only the means of rows and columns are kept.
    """
    eps1, eps2 = eps
    decay = step**beta2_decay
    alpha = maximum(sqrt(mean(param * param)), eps2) * min(lr, 1 / sqrt(step))
    param *= 1 - lr * weight_decay
    row_var = lerp(row_var, mean_rows(grad * grad), decay)
    col_var = lerp(col_var, mean_cols(grad * grad), decay)
    var = row_var @ col_var / clamp(mean_cols(row_var), eps1, None)
    update = rsqrt(clamp(var, eps1 * eps1, None)) * grad
    param -= alpha / maximum(sqrt(mean(update * update)) / d, 1) * update


def adafactor_vector(
    param,
    grad,
    variance=zeros,
    *,
    lr=1e-2,
    beta2_decay=-0.8,
    eps=(1e-8, 1e-3),
    d: 0 < d = 1.0,
    weight_decay=0.0,
):
    """The same for vectors and numbers, whose second moment is kept whole."""
    eps1, eps2 = eps
    alpha = maximum(sqrt(mean(param * param)), eps2) * min(lr, 1 / sqrt(step))
    param *= 1 - lr * weight_decay
    variance = lerp(variance, grad * grad, step**beta2_decay)
    update = rsqrt(clamp(variance, eps1 * eps1, None)) * grad
    param -= alpha / maximum(sqrt(mean(update * update)) / d, 1) * update
