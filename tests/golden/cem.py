"""Golden values for the cross-entropy method: which steps belong to the best episodes, by plain loops, and the cross entropy
of their actions with its gradient, by torch.nn.functional.cross_entropy.

    python tests/golden/cem.py      writes tests/golden/cem.safetensors
"""
import math
import torch
from common import generator, save

g = generator(72)
out = {}


def elite_of(returns, done, share):
    rows, steps = done.shape
    ends = sorted((returns[r, t].item() for r in range(rows) for t in range(steps) if done[r, t]), reverse=True)
    elite = torch.zeros(rows, steps)
    for r in range(rows):
        for t in range(steps):
            end = next((e for e in range(t, steps) if done[r, e]), None)
            if end is not None:
                elite[r, t] = float(returns[r, end].item() >= ends[math.ceil(share * len(ends)) - 1])
    return elite


def case(number, rows, steps, share, rate, integers):
    done = torch.rand(rows, steps, generator=g) < rate
    returns = torch.randn(rows, steps, generator=g) * 3
    returns = returns.round() if integers else returns  # whole numbers tie
    elite = elite_of(returns, done, share)
    count = rows * steps
    observation, action = torch.randn(count, 4, generator=g), torch.randint(0, 3, (count,), generator=g)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.4)
    weight = elite.reshape(-1)
    each = torch.nn.functional.cross_entropy(net(observation), action, reduction="none")
    loss = (each * weight).sum() / max(weight.sum(), torch.tensor(1.0))
    loss.backward()
    out.update({f"{number}.returns": returns[..., None], f"{number}.done": done[..., None],
                f"{number}.share": torch.tensor([share], dtype=torch.float64), f"{number}.elite": elite[..., None],
                f"{number}.observation": observation, f"{number}.action": action, f"{number}.loss": loss})
    for name, p in net.named_parameters():
        out[f"{number}.actor.{name}"], out[f"{number}.grad.actor.{name}"] = p, p.grad


shapes = [(1, 1), (1, 7), (4, 1), (3, 5), (4, 8), (2, 16)]
for number in range(24):
    rows, steps = shapes[number % len(shapes)]
    case(number, rows, steps, (0.3, 0.1, 0.5, 1.0)[number // 6], (0.4, 0.2, 1.0, 0.0)[(number * 7 // 3) % 4], number % 2 == 1)
save("cem", out)
