"""QR-DQN's loss as the paper writes it (Dabney et al. 2018, algorithm 1), in float64 and element by element, with
PyTorch's gradients. TorchRL has no such loss.

    python tests/golden/quantile.py       writes tests/golden/quantile.safetensors

Case N: the network is MLP 4 -> 8 (tanh) -> [quantiles, actions]; settings are quantiles, actions, gamma, kappa, double.
"""
import torch
from torchrl.modules import MLP
from common import save, generator

BATCH = 10
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


def case(number, quantiles, actions, gamma, kappa, double, extras):
    online, target = network(quantiles, actions), network(quantiles, actions)
    observation, after = torch.randn(2, BATCH, 4, generator=g)
    action = torch.randint(0, actions, (BATCH,), generator=g)
    reward = torch.randn(BATCH, 1, generator=g)
    terminated = torch.rand(BATCH, 1, generator=g) < 0.4
    steps = torch.randint(1, 5, (BATCH, 1), generator=g) if extras else torch.ones(BATCH, 1, dtype=torch.int64)
    weight = torch.rand(BATCH, generator=g) if extras else torch.ones(BATCH)
    values = online(observation.double())
    with torch.no_grad():
        next_values = target(after.double())
        choice = (online(after.double()) if double else next_values).mean(-2).argmax(-1)
    rows = []
    for b in range(BATCH):
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
for number, settings in enumerate(CASES):
    case(number, *settings)
save("quantile", out)
