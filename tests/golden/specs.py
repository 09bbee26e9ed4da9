"""What TorchRL's specs say of values: whether they are in, what they project to, how choices are encoded.

    python tests/golden/specs.py        writes tests/golden/specs.safetensors

A case NAME has NAME.value, and of NAME.is_in (row by row), NAME.project, NAME.index and NAME.encode those that are
the same in rlc: a one-hot row with several positive entries projects to a random one of them, so rows here have one.
"""
import torch
from torchrl.data import Binary, Bounded, Categorical, MultiOneHot, OneHot, Unbounded
from common import save, generator

g = generator(17)
out = {}


def is_in(spec, value):
    return torch.tensor([bool(spec.is_in(row)) for row in value])


def case(name, spec, value, project=True):
    out[f"{name}.value"] = value
    if value.dtype == spec.dtype or spec.dtype == torch.int8:
        out[f"{name}.is_in"] = is_in(spec, value.to(spec.dtype))
    if project:
        rows = [spec.project(row.clone()) for row in value]
        out[f"{name}.project"] = torch.stack(rows)


wide = torch.randn(12, 3, generator=g) * 2
wide[0], wide[1] = torch.tensor([-1.0, 1.0, 0.5]), torch.tensor([float("inf"), float("-inf"), 0.0])
case("bounded", Bounded(-1, 1, (3,)), wide)
case("bounded_by", Bounded(torch.tensor([-2.0, -0.5, 0.0]), torch.tensor([-1.0, 0.5, 3.0]), (3,)), wide)
case("half_open", Bounded(torch.tensor([float("-inf")] * 3), torch.tensor([0.0, 1.0, float("inf")]), (3,)), wide)
case("bounded_int", Bounded(-2, 5, (2,), dtype=torch.int64), torch.randint(-9, 10, (20, 2), generator=g))
case("categorical", Categorical(4), torch.arange(-3, 8))
case("categorical_of", Categorical(4, shape=(2,)), torch.randint(-1, 5, (20, 2), generator=g))
halves = torch.tensor([-7.0, -0.5, -0.4, 0.5, 0.51, 1.5, 2.5, 2.49, 3.5, 99.0])
case("categorical_float", Categorical(4), halves)
case("binary", Binary(3), torch.tensor([[0, 1, 1], [0, 0, 0], [1, 0, 1]]), project=False)
case("unbounded", Unbounded((3,)), wide)

rows = torch.eye(4, dtype=torch.long)[torch.randint(0, 4, (6,), generator=g)]
case("one_hot", OneHot(4, dtype=torch.long), torch.cat([rows, 3 * rows]))
case("one_hot_sum", OneHot(4, dtype=torch.long), torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1]]), project=False)
nvec = (2, 3, 4)
index = torch.stack([torch.randint(0, n, (8,), generator=g) for n in nvec], -1)
pieces = [torch.eye(n, dtype=torch.long)[index[:, i]] for i, n in enumerate(nvec)]
scaled = torch.cat([(1 + i) * p for i, p in enumerate(pieces)], -1)
case("multi_one_hot", MultiOneHot(nvec, dtype=torch.long), torch.cat([torch.cat(pieces, -1), scaled]))

out["one_hot.index"] = torch.tensor([2, 0, 3, 3, 1])
out["one_hot.encode"] = torch.stack([OneHot(4, dtype=torch.long).encode(i.numpy()) for i in out["one_hot.index"]])
out["multi_one_hot.index"] = index
out["multi_one_hot.encode"] = torch.stack([MultiOneHot(nvec, dtype=torch.long).encode(i.numpy()) for i in index])
save("specs", out)
