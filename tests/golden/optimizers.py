"""Golden values for whole optimisers: parameters after each of 20 steps, some of which give some parameters no gradient.

    python tests/golden/optimizers.py      writes tests/golden/optimizers.safetensors

Four parameters of two linear layers, 4 to 7 and 4 to 5. All cases start at the same values and get the same gradients.
"""
import torch
from common import save, generator

STEPS = 20
SHAPES = [(7, 4), (7,), (5, 4), (5,)]
CASES = {
    "adam": (torch.optim.Adam, dict(lr=1e-2)),
    "adam_decay": (torch.optim.Adam, dict(lr=1e-2, betas=(0.8, 0.95), weight_decay=0.1)),
    "adam_amsgrad": (torch.optim.Adam, dict(lr=1e-2, betas=(0.9, 0.6), amsgrad=True)),
    "adamw": (torch.optim.AdamW, dict(lr=1e-2)),
    "adamw_decay": (torch.optim.AdamW, dict(lr=3e-2, betas=(0.5, 0.9), eps=1e-4, weight_decay=0.5)),
    "adamw_amsgrad": (torch.optim.AdamW, dict(lr=1e-2, betas=(0.9, 0.6), weight_decay=0.3, amsgrad=True)),
    "sgd": (torch.optim.SGD, dict(lr=0.1)),
    "sgd_decay": (torch.optim.SGD, dict(lr=0.1, weight_decay=0.2)),
    "sgd_momentum": (torch.optim.SGD, dict(lr=0.05, momentum=0.9)),
    "sgd_momentum_decay": (torch.optim.SGD, dict(lr=0.05, momentum=0.8, weight_decay=0.1)),
    "sgd_dampening": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, dampening=0.4, weight_decay=0.05)),
    "sgd_nesterov": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
    "sgd_nesterov_decay": (torch.optim.SGD, dict(lr=0.05, momentum=0.7, nesterov=True, weight_decay=0.1)),
    "rmsprop": (torch.optim.RMSprop, dict(lr=1e-2)),
    "rmsprop_alpha": (torch.optim.RMSprop, dict(lr=1e-2, alpha=0.7, eps=1e-3)),
    "rmsprop_decay": (torch.optim.RMSprop, dict(lr=1e-2, alpha=0.9, weight_decay=0.2)),
    "rmsprop_centered": (torch.optim.RMSprop, dict(lr=1e-2, alpha=0.95, eps=1e-2, centered=True)),
    "rmsprop_momentum": (torch.optim.RMSprop, dict(lr=1e-2, alpha=0.9, momentum=0.8)),
    "rmsprop_all": (torch.optim.RMSprop, dict(lr=1e-2, alpha=0.9, eps=1e-2, weight_decay=0.1, momentum=0.5, centered=True)),
    "clip_value": (torch.optim.SGD, dict(lr=0.1)),
    "clip_both": (torch.optim.SGD, dict(lr=0.1, momentum=0.5)),
}
g = generator(11)
start = [torch.randn(shape, generator=g) for shape in SHAPES]
grads = [[torch.randn(shape, generator=g) for shape in SHAPES] for _ in range(STEPS)]
# Which parameters have a gradient: the second layer joins late, and both pause now and then.
given = torch.ones(STEPS, len(SHAPES), dtype=torch.int64)
given[:3, 2:] = 0
given[7, :] = 0
given[8:10, 1] = 0
given[14, 2] = 0


def flat(tensors):
    return torch.cat([t.detach().flatten() for t in tensors])


out = {"start": flat(start), "grads": torch.stack([flat(row) for row in grads]), "given": given}
for case, (Optim, settings) in CASES.items():
    params = [p.clone().requires_grad_() for p in start]
    optim = Optim(params, foreach=False, **settings)
    trace, norms = [], []
    for step in range(STEPS):
        for i, p in enumerate(params):
            p.grad = grads[step][i].clone() if given[step, i] else None
        if case in ("clip_value", "clip_both") and given[step].any():  # torch refuses to clip nothing by value
            torch.nn.utils.clip_grad_value_(params, 0.8)
        if case == "clip_both":
            norms.append(torch.nn.utils.clip_grad_norm_(params, 2.0))
        optim.step()
        trace.append(flat(params))
    out[f"{case}.trace"] = torch.stack(trace)
    if norms:
        out[f"{case}.norms"] = torch.stack(norms)
save("optimizers", out)
