"""Golden values for the optimisers: parameters after each of 20 steps, and clipping by the global norm.

    python tests/golden/optim.py      writes tests/golden/optim.safetensors
"""
import torch
from common import save, generator

STEPS = 20
g = generator(5)
out = {}
for name, settings in {
    "default": dict(lr=1e-2),
    "dqn": dict(lr=2.5e-4),
    "betas": dict(lr=3e-3, betas=(0.5, 0.99), eps=1e-5),
    "decay": dict(lr=1e-2, weight_decay=0.1),
}.items():
    for clip in (None, 0.5):
        case = name + ("" if clip is None else "_clipped")
        start = [torch.randn(5, 7, generator=g), torch.randn(5, generator=g)]
        params = [p.clone().requires_grad_() for p in start]
        grads = torch.randn(STEPS, 40, generator=g)
        optim = torch.optim.Adam(params, **settings)
        trace, norms = [], []
        for step in range(STEPS):
            params[0].grad = grads[step, :35].reshape(5, 7).clone()
            params[1].grad = grads[step, 35:].clone()
            if clip is not None:
                norms.append(torch.nn.utils.clip_grad_norm_(params, clip))
            optim.step()
            trace.append(torch.cat([p.detach().flatten() for p in params]))
        out[f"{case}.start"] = torch.cat([p.flatten() for p in start])
        out[f"{case}.grads"], out[f"{case}.trace"] = grads, torch.stack(trace)
        if norms:
            out[f"{case}.norms"] = torch.stack(norms)
save("optim", out)
