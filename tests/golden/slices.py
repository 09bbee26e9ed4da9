"""Golden values for slices of a replay buffer: which slices TorchRL's SliceSampler draws from rings with random episode
ends, found by drawing many.

    python tests/golden/slices.py      writes tests/golden/slices.safetensors

`length` has, for each row of the ring, the steps of the slice that ends there, 0 where none does.
"""
import warnings
import torch
from common import generator, save
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, SliceSampler, TensorDictReplayBuffer

warnings.filterwarnings("ignore")
g = generator(74)
out = {}
torch.manual_seed(74)

# rows of the ring, steps of a slice, steps written, how likely one ends an episode
CASES = [(8, 1, 5, 0.3), (8, 1, 20, 0.3), (12, 3, 7, 0.2), (12, 3, 12, 0.2), (12, 3, 13, 0.2), (12, 3, 30, 0.0),
         (12, 3, 31, 0.15), (12, 12, 12, 0.0), (12, 12, 29, 0.0), (10, 4, 25, 0.1), (10, 2, 25, 1.0), (10, 5, 4, 0.0),
         (16, 4, 50, 0.25), (16, 2, 37, 0.5), (16, 6, 60, 0.05)]


def draw(case, strict):
    capacity, length, steps, chance = case
    done = torch.rand(steps, 1, generator=g) < chance
    sampler = SliceSampler(slice_len=length, strict_length=strict, end_key=("next", "done"))
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(capacity), sampler=sampler, batch_size=length * 20)
    at = 0
    while at < steps:
        size = min(int(torch.randint(1, 6, (), generator=g)), steps - at, capacity)
        buffer.extend(TensorDict({"t": torch.arange(at, at + size), "next": {"done": done[at:at + size]}}, [size]))
        at += size
    found = torch.zeros(capacity, dtype=torch.int64)
    for _ in range(400):
        try:
            sample = buffer.sample()
        except RuntimeError as error:
            assert "sufficient length" in str(error), error
            break
        t, ends = sample["t"], sample["next", "truncated"].squeeze(-1).nonzero().squeeze(-1).tolist()
        begin = 0
        for end in ends:
            part = t[begin:end + 1]
            assert (part.diff() == 1).all() and sample["next", "done"][end].item()
            row = int(part[-1]) % capacity
            assert found[row] in (0, len(part))
            found[row] = len(part)
            begin = end + 1
        assert begin == len(t)
    return done, found


for strict in (True, False):
    for i, case in enumerate(CASES):
        done, found = draw(case, strict)
        name = f"{'strict' if strict else 'loose'}.{i}"
        out |= {f"{name}.case": torch.tensor(case[:3]), f"{name}.done": done, f"{name}.length": found}
        print(name, case, found.tolist())
save("slices", out)
