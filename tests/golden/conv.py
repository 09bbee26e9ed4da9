"""Convolutions, pools and padding as PyTorch computes them, forward and backward, in float32.

    python tests/golden/conv.py       writes tests/golden/conv.safetensors

Tensors are named CASE.OPERAND as in ops.py; tests/test_conv.c has the options of each case again.
"""
import torch
import torch.nn.functional as F
from common import save, generator

g = generator(41)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


def differentiate(case, f, names, *leaves, scale=1):
    leaves = [x.clone().requires_grad_() for x in leaves]
    y = f(*leaves)
    grad = normal(*y.shape) * scale
    y.backward(grad)
    for name, x in zip(names, leaves):
        out[f"{case}.{name}"], out[f"{case}.d{name}"] = x.detach(), x.grad
    out[f"{case}.out"], out[f"{case}.g"] = y.detach(), grad


# name: x, channels that come out, kernel, and what conv2d is told
CONVS = {
    "plain": ((2, 3, 7, 9), 5, (3, 3), {}),
    "stride": ((3, 2, 11, 12), 4, (4, 3), dict(stride=(3, 2))),
    "padding": ((2, 3, 5, 6), 4, (3, 3), dict(padding=(1, 2))),
    "dilation": ((2, 3, 9, 10), 4, (3, 2), dict(dilation=(2, 3))),
    "groups": ((2, 6, 6, 7), 9, (3, 2), dict(groups=3)),
    "depthwise": ((2, 5, 6, 6), 10, (3, 3), dict(groups=5, padding=1, stride=2)),
    "all": ((3, 4, 13, 11), 6, (3, 2), dict(stride=(2, 3), padding=(2, 1), dilation=(2, 1), groups=2)),
    "one": ((1, 1, 1, 1), 1, (1, 1), {}),
    "pointwise": ((2, 17, 5, 5), 33, (1, 1), {}),
    "wide": ((2, 5, 6, 7), 50, (3, 3), {}),
    "deep": ((2, 70, 6, 5), 20, (2, 2), {}),
    "whole": ((5, 3, 4, 6), 7, (4, 6), {}),
    "left_over": ((2, 3, 8, 8), 4, (2, 2), dict(stride=(3, 5))),
    "screen": ((3, 3, 20, 45), 16, (5, 5), dict(stride=(2, 2))),
    "empty": ((0, 3, 5, 6), 4, (3, 3), {}),
    "single": ((3, 5, 6), 4, (3, 3), {}),
}
for name, (shape, channels, kernel, how) in CONVS.items():
    inner = shape[-3] // how.get("groups", 1) * kernel[0] * kernel[1]
    w, x = normal(channels, shape[-3] // how.get("groups", 1), *kernel) / inner**0.5, normal(*shape)
    # a weight's gradient is a sum over images and places: near 1, so that the tolerance is about the arithmetic
    y = F.conv2d(x, w, None, **how)
    places = max(1, y.numel() // y.shape[-3])
    differentiate(name, lambda x, w, b: F.conv2d(x, w, b, **how), "xwb", x, w, normal(channels), scale=places**-0.5)

TRANSPOSED = {
    "t_plain": ((2, 3, 4, 5), 4, (3, 3), {}),
    "t_stride": ((2, 3, 4, 3), 4, (4, 3), dict(stride=(2, 3), padding=(1, 0))),
    "t_output": ((2, 4, 3, 4), 6, (3, 3), dict(stride=2, padding=1, output_padding=1, groups=2)),
    "t_dilation": ((1, 3, 3, 4), 2, (2, 3), dict(dilation=(3, 2))),
    "t_seed": ((2, 9, 1, 1), 12, (4, 4), {}),
}
for name, (shape, channels, kernel, how) in TRANSPOSED.items():
    groups = how.get("groups", 1)
    w = normal(shape[1], channels // groups, *kernel) / (shape[1] * kernel[0] * kernel[1] / groups) ** 0.5
    differentiate(name, lambda x, w, b: F.conv_transpose2d(x, w, b, **how), "xwb", normal(*shape), w, normal(channels),
                  scale=0.2)

for name, how in {
    "max_plain": dict(kernel_size=2),
    "max_overlap": dict(kernel_size=3, stride=2),
    "max_padding": dict(kernel_size=(3, 2), stride=(2, 1), padding=(1, 1)),
    "max_dilation": dict(kernel_size=(2, 3), stride=1, padding=1, dilation=(3, 2)),
    "max_ceil": dict(kernel_size=3, stride=(2, 4), padding=1, ceil_mode=True),
}.items():
    differentiate(name, lambda a: F.max_pool2d(a, **how), "a", normal(2, 3, 8, 9))
differentiate("max_ties", lambda a: F.max_pool2d(a, 3, 2), "a", torch.randint(0, 3, (2, 3, 8, 9), generator=g).float())
for name, how in {
    "avg_plain": dict(kernel_size=2),
    "avg_overlap": dict(kernel_size=3, stride=2),
    "avg_padding": dict(kernel_size=(3, 2), stride=(2, 1), padding=(1, 1)),
    "avg_exclude": dict(kernel_size=(3, 2), stride=(2, 1), padding=(1, 1), count_include_pad=False),
    "avg_ceil": dict(kernel_size=3, stride=(2, 4), padding=1, ceil_mode=True),
    "avg_ceil_exclude": dict(kernel_size=3, stride=(2, 4), padding=1, ceil_mode=True, count_include_pad=False),
}.items():
    differentiate(name, lambda a: F.avg_pool2d(a, **how), "a", normal(2, 3, 8, 9))
for size in ((1, 1), (3, 4), (8, 9), (10, 13)):
    differentiate(f"adaptive_{size[0]}x{size[1]}", lambda a: F.adaptive_avg_pool2d(a, size), "a", normal(2, 3, 8, 9))
differentiate("pad", lambda a: F.pad(a, (1, 2, 3, 0), value=0.5), "a", normal(2, 3, 4, 5))

# a third of the numbers are none, several of them in one window
for name, how in {
    "max_nan": dict(kernel_size=2),
    "max_nan_overlap": dict(kernel_size=3, stride=(1, 2), padding=1),
    "max_nan_dilation": dict(kernel_size=(2, 3), stride=1, padding=1, dilation=(3, 2)),
}.items():
    x = normal(2, 3, 8, 9)
    x[torch.rand(x.shape, generator=g) < 1 / 3] = float("nan")
    differentiate(name, lambda a: F.max_pool2d(a, **how), "a", x)

save("conv", out)
