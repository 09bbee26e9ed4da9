"""PrioritizedSampler of TorchRL, in float64: what its trees hold and which weights it gives as rows come and change.

    python tests/golden/prioritized.py    writes tests/golden/prioritized.safetensors

Case N.K is step K of a history: rows head .. head + count - 1 are new, or those under `index` get the
priorities `error`. `leaf` is what rows then count; `drawn` are rows that it drew and `weight` their importance weights.
"""
import numpy as np
import torch
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, PrioritizedSampler
from common import save, generator

g = generator(23)
np.random.seed(23)
out = {}
CASES = [(10, 0.7, 0.9), (16, 1.0, 1.0), (5, 0.5, 0.4), (7, 0.0, 0.5), (1, 0.6, 0.4), (9, 2.0, 0.0)]


def case(number, capacity, alpha, beta, steps=24, tied=None):
    sampler = PrioritizedSampler(capacity, alpha, beta, dtype=torch.double)
    storage = LazyTensorStorage(capacity)
    head, size = 0, 0
    for step in range(steps):
        name = f"{number}.{step}"
        if step % 3 != 1:
            count = int(torch.randint(1, min(capacity, 4) + 1, (1,), generator=g))
            index = (torch.arange(count) + head) % capacity
            storage.set(index, TensorDict({"x": torch.zeros(count)}, [count]))
            sampler.update_priority(index, torch.as_tensor(sampler.default_priority, dtype=torch.double))
            head, size = (head + count) % capacity, min(size + count, capacity)
            out[f"{name}.count"] = torch.tensor(count)
        else:
            index = torch.randperm(size, generator=g)[:3]
            error = torch.rand(index.numel(), generator=g) * 10 ** float(torch.randint(-3, 3, (1,), generator=g))
            error[0] = 0 if step == 4 else error[0]
            error = error if tied is None else torch.full_like(error, tied)
            sampler.update_priority(index, error.double())
            out[f"{name}.index"], out[f"{name}.error"] = index, error
        out[f"{name}.leaf"] = torch.as_tensor(sampler._sum_tree[torch.arange(size)]).reshape(-1).double()
        out[f"{name}.largest"] = torch.as_tensor(sampler.default_priority, dtype=torch.double)
        drawn, info = sampler.sample(storage, 8)
        out[f"{name}.drawn"], out[f"{name}.weight"] = drawn, info["priority_weight"].float()
    out[f"{number}.settings"] = torch.tensor([capacity, alpha, beta, steps], dtype=torch.double)


for i in range(16):  # short ones, half of them with rows that tie, without any error too
    CASES.append((int(torch.randint(1, 40, (1,), generator=g)), round(float(torch.rand((), generator=g)) * 1.5, 3),
                  round(float(torch.rand((), generator=g)), 3), 8, (None, 0.25, None, 0.0)[i % 4]))
for number, settings in enumerate(CASES):
    case(number, *settings)
save("prioritized", out)
