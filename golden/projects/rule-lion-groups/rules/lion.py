def lion(param, grad, exp_avg=zeros, *, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    """Lion (arXiv:2302.06675)."""
    param *= 1 - lr * weight_decay
    param -= lr * sign(lerp(exp_avg, grad, 1 - betas[0]))
    exp_avg = lerp(exp_avg, grad, 1 - betas[1])
