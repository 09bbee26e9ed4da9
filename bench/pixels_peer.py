"""PyTorch's side of bench/pixels.sh: an update of DQN from pictures, as recipes/dqn_pixels.yaml has it.

    bench/pixels_peer.py                one thread

A minibatch of 64 drawn from frames of bytes, the difference of two frames, the tutorial's network in its train mode and its
target in eval mode, Huber's loss of a twenty-step return, gradient values clipped to 1, RMSprop, a copy to the target after every
100th update. The returns are summed up beforehand, which rlc does with each sample.
"""

import time

import torch
from torch import nn

FRAMES, BATCH, STEPS, GAMMA, TARGET_EVERY = 4_000, 64, 20, 0.99, 100

torch.set_num_threads(1)


def network():
    layers, channels = [], 3
    for out in (16, 32, 32):
        layers += [nn.Conv2d(channels, out, kernel_size=5, stride=2), nn.BatchNorm2d(out), nn.ReLU()]
        channels = out
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 2 * 8, 2))


def screens(frames, index):
    return frames[index].float() / 255 - frames[index - 1].float() / 255


frames = torch.randint(0, 256, (FRAMES, 3, 40, 90), dtype=torch.uint8)
action = torch.randint(2, (FRAMES, 1))
reward = torch.full((FRAMES, 1), sum(GAMMA**k for k in range(STEPS)))
terminated = torch.rand(FRAMES, 1) < 0.05
online, target = network(), network().eval()
target.load_state_dict(online.state_dict())
optimizer = torch.optim.RMSprop(online.parameters(), lr=1e-3)


def update(count):
    index = torch.randint(1, FRAMES - STEPS, (BATCH,))
    with torch.no_grad():
        best = target(screens(frames, index + STEPS)).max(dim=1, keepdim=True).values
        wanted = reward[index] + GAMMA**STEPS * best * ~terminated[index]
    values = online(screens(frames, index)).gather(1, action[index])
    optimizer.zero_grad(set_to_none=True)
    nn.functional.smooth_l1_loss(values, wanted).backward()
    nn.utils.clip_grad_value_(online.parameters(), 1)
    optimizer.step()
    if count % TARGET_EVERY == 0:
        target.load_state_dict(online.state_dict())


best = float("inf")
for count in range(60):
    start = time.perf_counter()
    update(count)
    best = min(best, time.perf_counter() - start)
print(f"PyTorch {torch.__version__}: an update takes {best * 1e3:.1f} ms")
