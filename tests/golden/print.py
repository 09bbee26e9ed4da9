"""Golden texts: what PyTorch prints for tensors of all kinds. CASE.a is the tensor, CASE.text its text as bytes."""
import torch
from common import save, generator

g = generator(11)
inf, nan = torch.inf, torch.nan
CASES = {
    "scalar": torch.tensor(3.14159), "scalar_int": torch.tensor(7), "scalar_bool": torch.tensor(True),
    "whole": torch.tensor([1.0, 2.0, -3.0]), "fractions": torch.tensor([0.5, -1.25, 10.0]),
    "zeros": torch.zeros(2, 3), "ints": torch.tensor([[1, -20], [300, 4]]), "bools": torch.tensor([True, False]),
    "i32": torch.tensor([1, 2], dtype=torch.int32), "u8": torch.tensor([[200, 1]], dtype=torch.uint8),
    "f64": torch.tensor([0.1, 0.2], dtype=torch.float64), "large_ints": torch.tensor([2**62, -(2**62) - 1]),
    "scientific_ratio": torch.tensor([0.001, 10.0]), "scientific_large": torch.tensor([123456789.0, 1.0]),
    "scientific_small": torch.tensor([0.00001, 0.00002]), "whole_large": torch.tensor([2.0e8, 1.0e8]),
    "nan": torch.tensor([nan, 1.0, -2.5]), "infinite": torch.tensor([inf, -inf, 1.0]),
    "only_infinite": torch.tensor([inf, nan]), "scientific_nan": torch.tensor([nan, 1e-6, -inf, 0.0]),
    "empty": torch.zeros(0), "empty_matrix": torch.zeros(2, 0, 3), "empty_int": torch.zeros(0, dtype=torch.int64),
    "long_line": torch.randn(30, generator=g), "matrix": torch.randn(4, 5, generator=g),
    "cube": torch.randn(2, 3, 4, generator=g), "four": torch.randint(0, 9, (2, 2, 2, 2), generator=g),
    "wide": torch.randn(3, 25, generator=g), "wide_ints": torch.randint(-1000, 1000, (2, 40), generator=g),
    "summary": torch.arange(1001.0), "summary_ints": torch.arange(5000), "summary_matrix": torch.randn(50, 30, generator=g),
    "summary_cube": torch.randn(9, 12, 10, generator=g), "summary_thin": torch.randn(2, 600, generator=g),
    "summary_tall": torch.randn(600, 2, generator=g), "exactly_1000": torch.arange(1000.0).reshape(100, 10) / 8,
    "ones_of_many": torch.ones(1, 1, 1, 3), "negative_zero": torch.tensor([-0.0, 0.5]),
}
out = {}
for name, x in CASES.items():
    text = str(x).replace("dtype=torch.", "dtype=")
    out[f"{name}.a"], out[f"{name}.text"] = x, torch.tensor(list(text.encode()), dtype=torch.uint8)
wanted = str(torch.tensor([1.5, 2.0], requires_grad=True))
out["leaf.a"], out["leaf.text"] = torch.tensor([1.5, 2.0]), torch.tensor(list(wanted.encode()), dtype=torch.uint8)
save("print", out)
