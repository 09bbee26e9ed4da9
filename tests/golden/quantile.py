"""QR-DQN's loss as the paper writes it (Dabney et al. 2018, algorithm 1), in float64 and element by element, with
PyTorch's gradients. TorchRL has no such loss.

    python tests/golden/quantile.py       writes tests/golden/quantile.safetensors

Case N: the network is MLP 4 -> 8 (tanh) -> [quantiles, actions]; settings are quantiles, actions, gamma, kappa, double.
"""
import torch
from torchrl.modules import MLP
from common import save, generator

g = generator(53)
out = {}


def network(quantiles, actions):
    net = MLP(in_features=4, out_features=(quantiles, actions), num_cells=[8]).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.8)
    return net


def huber(u, kappa):
    return 0.5 * u * u if abs(u) <= kappa else kappa * (abs(u) - 0.5 * kappa)


def case(number, quantiles, actions, gamma, kappa, double, extras, batch=10, flags="mixed"):
    online, target = network(quantiles, actions), network(quantiles, actions)
    observation, after = torch.randn(2, batch, 4, generator=g)
    action = torch.randint(0, actions, (batch,), generator=g)
    reward = torch.randn(batch, 1, generator=g)
    terminated = torch.rand(batch, 1, generator=g) < {"mixed": 0.4, "all": 2.0}.get(flags, -1.0)
    terminated[-1] |= flags == "last"
    steps = torch.randint(1, 5, (batch, 1), generator=g) if extras else torch.ones(batch, 1, dtype=torch.int64)
    weight = torch.rand(batch, generator=g) if extras else torch.ones(batch)
    values = online(observation.double())
    with torch.no_grad():
        next_values = target(after.double())
        choice = (online(after.double()) if double else next_values).mean(-2).argmax(-1)
    rows = []
    for b in range(batch):
        loss = 0
        for i in range(quantiles):
            tau = (2 * i + 1) / (2 * quantiles)
            for j in range(quantiles):
                worth = 0 if terminated[b] else gamma ** int(steps[b]) * next_values[b, j, choice[b]]
                u = float(reward[b]) + worth - values[b, i, action[b]]
                loss = loss + abs(tau - float(u < 0)) * huber(u, kappa) / kappa / quantiles
        rows.append(loss)
    rows = torch.stack(rows)
    total = (rows * weight).sum() / weight.sum()
    total.backward()
    for name, net in (("online", online), ("target", target)):
        for k, p in net.named_parameters():
            out[f"{number}.{name}.{k}"] = p.float()
            if name == "online":
                out[f"{number}.grad.{k}"] = p.grad.float()
    entries = {"observation": observation, "action": action, "next.observation": after, "next.reward": reward,
               "next.terminated": terminated, "loss": total.float(), "td_error": rows.unsqueeze(1).float()}
    if extras:
        entries.update({"steps_to_next_obs": steps, "priority_weight": weight})
    for k, v in entries.items():
        out[f"{number}.{k}"] = v
    out[f"{number}.settings"] = torch.tensor([quantiles, actions, gamma, kappa, double], dtype=torch.double)


CASES = [(5, 3, 0.9, 1.0, False, False), (5, 3, 0.9, 1.0, True, False), (8, 2, 0.99, 0.25, False, True),
         (1, 2, 0.9, 1.0, False, False), (6, 1, 1.0, 10.0, False, False), (4, 4, 0.5, 1e-3, True, True)]
for i in range(14):
    CASES.append(((1, 2, 3, 5)[i % 4], 1 + i % 3, round(0.48 + 0.04 * i, 2), (1.0, 0.3, 2.0)[i % 3], i % 2 == 1, i % 3 == 0,
                  (1, 2, 4, 7, 10)[i % 5], ("mixed", "all", "none", "last")[i // 2 % 4]))
for number, settings in enumerate(CASES):
    case(number, *settings)
save("quantile", out)
