"""PyTorch's side of bench/cuda.sh: updates of DQN a second, as rows of its table.

    bench/cuda_peer.py --device cuda 128 1024 16384

The update is that of recipes/dqn.yaml: a minibatch drawn from a replay buffer on the device, a network [120, 84] and its
target, the mean of squares, Adam, a copy to the target after every 50th update. Three ways of running it: eager, with Adam
fused; torch.compile; and torch.compile(mode="reduce-overhead"), which replays CUDA graphs as rlc does.
"""

import argparse
import time

import torch
from torch import nn

CAPACITY, OBSERVATION, ACTIONS, GAMMA, TARGET_EVERY = 20_000, 4, 2, 0.99, 50


def network(device):
    sizes = [OBSERVATION, 120, 84, ACTIONS]
    layers = []
    for i in range(3):
        layers += [nn.Linear(sizes[i], sizes[i + 1])] + ([nn.ReLU()] if i < 2 else [])
    return nn.Sequential(*layers).to(device)


def replay(device):
    return {
        "observation": torch.randn(CAPACITY, OBSERVATION, device=device),
        "next": torch.randn(CAPACITY, OBSERVATION, device=device),
        "action": torch.randint(ACTIONS, (CAPACITY, 1), device=device),
        "reward": torch.ones(CAPACITY, 1, device=device),
        "terminated": torch.rand(CAPACITY, 1, device=device) < 0.05,
    }


def make_update(device, batch, way):
    online, target, data = network(device), network(device), replay(device)
    target.load_state_dict(online.state_dict())
    is_cuda = torch.device(device).type == "cuda"
    optimizer = torch.optim.Adam(online.parameters(), lr=2.5e-4, fused=is_cuda or None)
    count = 0

    def loss_of(index):
        row = {name: x[index] for name, x in data.items()}
        with torch.no_grad():
            best = target(row["next"]).max(dim=1, keepdim=True).values
            wanted = row["reward"] + GAMMA * best * ~row["terminated"]
        return nn.functional.mse_loss(online(row["observation"]).gather(1, row["action"]), wanted)

    loss_of = way(loss_of)

    def update():
        nonlocal count
        optimizer.zero_grad(set_to_none=True)
        loss_of(torch.randint(CAPACITY, (batch,), device=device)).backward()
        optimizer.step()
        count += 1
        if count % TARGET_EVERY == 0:
            target.load_state_dict(online.state_dict())

    return update


def synchronize(device):
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()


def rate(update, device, seconds):
    for _ in range(2 * TARGET_EVERY):  # compiles, captures, warms up
        update()
    synchronize(device)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(TARGET_EVERY):
            update()
        synchronize(device)
        count += TARGET_EVERY
    return count / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("batches", type=int, nargs="+")
    arguments = parser.parse_args()
    torch.manual_seed(1)
    ways = {
        "eager": lambda f: f,
        "torch.compile": torch.compile,
        "torch.compile, reduce-overhead": lambda f: torch.compile(f, mode="reduce-overhead"),
    }
    for name, way in ways.items():
        cells = []
        for batch in arguments.batches:
            torch._dynamo.reset()
            update = make_update(arguments.device, batch, way)
            cells.append(f"{rate(update, arguments.device, arguments.seconds):.0f}")
        print(f"| PyTorch {torch.__version__}, {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
