"""Golden values for the tensor ops: what PyTorch computes, forward and backward, in float32.

    python tests/golden/ops.py        writes tests/golden/ops.safetensors

Tensors are named CASE.OPERAND. A case of an element-wise row is ROW.PATTERN; `a` and `b` are the operands,
`out` the value, `g` the gradient that reaches it, `da` and `db` the gradients that leave it.
"""
import torch
from common import save, generator

g = generator(1)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


def away_from(values, points, gap=0.05):
    """Moves values off the points where a derivative jumps, so that both sides agree on which branch is taken."""
    for p in points:
        near = (values - p).abs() < gap
        values = torch.where(near, p + gap * torch.where(values < p, -1.0, 1.0), values)
    return values


# name -> (function, input transformation)
positive = lambda x: x.abs() + 0.1
UNARY = {
    "neg": (torch.neg, None),
    "abs": (torch.abs, lambda x: away_from(x, [0])),
    "sign": (torch.sign, lambda x: away_from(x, [0])),
    "floor": (torch.floor, lambda x: away_from(3 * x, range(-12, 13))),
    "exp": (torch.exp, lambda x: 8 * x),
    "log": (torch.log, positive),
    "log1p": (torch.log1p, positive),
    "sqrt": (torch.sqrt, positive),
    "rsqrt": (torch.rsqrt, positive),
    "square": (torch.square, None),
    "reciprocal": (torch.reciprocal, positive),
    "sin": (torch.sin, lambda x: 20 * x),
    "cos": (torch.cos, lambda x: 20 * x),
    "tanh": (torch.tanh, lambda x: 2 * x),
    "sigmoid": (torch.sigmoid, lambda x: 4 * x),
    "softplus": (torch.nn.functional.softplus, lambda x: 8 * x),
    "relu": (torch.relu, lambda x: away_from(x, [0])),
    "add_scalar": (lambda x: x + 0.7, None),
    "mul_scalar": (lambda x: x * -1.3, None),
    "clamp": (lambda x: torch.clamp(x, -0.5, 0.8), lambda x: away_from(x, [-0.5, 0.8])),
}
smooth_l1 = lambda a, b: torch.nn.functional.smooth_l1_loss(a, b, reduction="none", beta=0.5)
huber = lambda a, b: torch.nn.functional.huber_loss(a, b, reduction="none", delta=0.5)
BINARY = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "minimum": torch.minimum,
    "maximum": torch.maximum,
    "squared_error": lambda a, b: (a - b) ** 2,
    "absolute_error": lambda a, b: (a - b).abs(),
    "smooth_l1": smooth_l1,
    "huber": huber,
}
COMPARE = {"eq": torch.eq, "ne": torch.ne, "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge}
LOGICAL = {"logical_and": torch.logical_and, "logical_or": torch.logical_or, "logical_xor": torch.logical_xor}
PATTERNS = {
    "equal": ((3, 17), (3, 17)),
    "scalar": ((3, 17), ()),
    "row": ((3, 17), (17,)),
    "column": ((3, 17), (3, 1)),
    "outer": ((3, 1), (1, 17)),
    "inner_singleton": ((2, 3, 17), (2, 1, 17)),
    "leading": ((2, 3, 17), (3, 17)),
}


def differentiate(case, f, *leaves, names="ab", rows=1):
    """`rows`: the gradient is that of a mean over so many rows, so that sums over them stay near 1 and the tolerance
    is about the arithmetic and not about cancellation."""
    leaves = [x.clone().requires_grad_() for x in leaves]
    y = f(*leaves)
    grad = normal(*y.shape) / rows
    y.backward(grad)
    for name, x in zip(names, leaves):
        out[f"{case}.{name}"] = x.detach()
        out[f"{case}.d{name}"] = x.grad
    out[f"{case}.out"] = y.detach()
    out[f"{case}.g"] = grad


# a unary row has no broadcasting: its patterns are a vector, a matrix, a scalar and a transposed view
for name, (f, prepare) in UNARY.items():
    for pattern, shape in {"equal": (3, 17), "scalar": (), "row": (67,), "leading": (2, 3, 17)}.items():
        x = normal(*shape)
        differentiate(f"{name}.{pattern}", f, prepare(x) if prepare else x)

for name, f in BINARY.items():
    for pattern, (sa, sb) in PATTERNS.items():
        for suffix, shapes in (("", (sa, sb)), ("_swapped", (sb, sa))):
            a, b = normal(*shapes[0]), normal(*shapes[1])
            if name == "div":
                b = torch.where(b < 0, -1.0, 1.0) * (b.abs() + 0.2)
            a = a + 0.1 * ((a - b).abs() < 0.05)  # the two sides of a jump must not be a rounding error apart
            differentiate(f"{name}.{pattern}{suffix}", f, a, b)

for table, dtype in ((COMPARE, torch.float32), (LOGICAL, torch.bool)):
    for name, f in table.items():
        for pattern, (sa, sb) in PATTERNS.items():
            a = torch.randint(-1, 2, sa, generator=g).to(dtype)
            b = torch.randint(-1, 2, sb, generator=g).to(dtype)
            out[f"{name}.{pattern}.a"], out[f"{name}.{pattern}.b"] = a, b
            out[f"{name}.{pattern}.out"] = f(a, b)

# where: the condition broadcasts as well
for pattern, (sa, sb) in PATTERNS.items():
    cond = torch.rand(sa, generator=g) < 0.5
    out[f"where.{pattern}.cond"] = cond
    differentiate(f"where.{pattern}", lambda a, b: torch.where(cond, a, b), normal(*sa), normal(*sb))

# reductions over each dimension of a three-dimensional tensor, and over all of it
for name, f in {"sum": torch.sum, "mean": torch.mean, "max": lambda x, dim, keepdim: x.max(dim, keepdim=keepdim)[0],
                "min": lambda x, dim, keepdim: x.min(dim, keepdim=keepdim)[0]}.items():
    for dim in (0, 1, 2, -1):
        for keepdim in (False, True):
            differentiate(f"{name}.dim{dim}.keep{int(keepdim)}", lambda x: f(x, dim=dim, keepdim=keepdim), normal(5, 3, 17))
for name, f in {"sum": torch.sum, "mean": torch.mean}.items():
    differentiate(f"{name}.all", f, normal(5, 3, 17))
    differentiate(f"{name}.long", f, normal(20001))
    differentiate(f"{name}.tall", lambda x: f(x, dim=0), normal(3001, 5))
for dim in (0, 1, 2):
    x = torch.randint(-3, 4, (5, 3, 17), generator=g).float()  # many ties: the first wins
    out[f"argmax.dim{dim}.a"], out[f"argmax.dim{dim}.out"] = x, torch.argmax(x, dim)
    out[f"argmin.dim{dim}.a"], out[f"argmin.dim{dim}.out"] = x, torch.argmin(x, dim)

# matrix products: x [.., in], weight [out, in]
ACTIVATIONS = {"identity": lambda x: x, "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
for act, f in ACTIVATIONS.items():
    for rows, inner, columns in ((1, 4, 7), (1, 120, 84), (5, 3, 2), (33, 17, 1), (64, 84, 2), (128, 65, 48)):
        w = normal(columns, inner) / inner**0.5
        differentiate(f"linear.{act}.{rows}x{inner}x{columns}",
                      lambda x, w, b: f(torch.nn.functional.linear(x, w, b)), normal(rows, inner), w, normal(columns),
                      names="xwb", rows=rows)
differentiate("linear.batch", torch.nn.functional.linear, normal(2, 3, 5), normal(4, 5), normal(4), names="xwb")
for name, (sa, sb) in {"square": ((9, 9), (9, 9)), "tall": ((33, 5), (5, 2)), "batch": ((4, 3, 5), (4, 5, 6)),
                       "shared": ((4, 3, 5), (5, 6))}.items():
    differentiate(f"matmul.{name}", torch.matmul, normal(*sa), normal(*sb))

# indexing
index = torch.randint(0, 5, (7, 3), generator=g)
out["gather.index"] = index
differentiate("gather", lambda a: torch.gather(a, 1, index), normal(7, 5))
index0 = torch.randint(0, 7, (4, 5), generator=g)
out["gather0.index"] = index0
differentiate("gather0", lambda a: torch.gather(a, 0, index0), normal(7, 5))
rows = torch.tensor([6, 0, 0, 3, 6, 1])
out["index_select.index"] = rows
differentiate("index_select", lambda a: torch.index_select(a, 0, rows), normal(7, 5))

# views and copies
differentiate("transpose", lambda a: a.transpose(0, 2).contiguous(), normal(3, 4, 5))
differentiate("transposed_add", lambda a, b: a.t() + b, normal(17, 3), normal(3, 17))
differentiate("slice", lambda a: a[:, 1:4].exp(), normal(5, 6))
differentiate("select", lambda a: a[:, 2] * 3, normal(5, 6))
differentiate("expand", lambda a: a.expand(4, 3, 5).contiguous() * 2, normal(3, 1))
differentiate("reshape", lambda a: a.reshape(6, 10).tanh(), normal(3, 4, 5))
differentiate("cat", lambda a, b: torch.cat([a, b], 1), normal(3, 4), normal(3, 2))
differentiate("stack", lambda a, b: torch.stack([a, b], 1), normal(3, 4), normal(3, 4))
x = torch.tensor([-2.7, -1.0, 0.0, 0.4, 3.9])
out["cast.a"], out["cast.i64"], out["cast.bool"] = x, x.to(torch.int64), x.to(torch.bool)

# a longer chain: accumulation from several uses of one tensor
differentiate("chain", lambda a, b: ((a * b).tanh() + a.exp() * (b - a)).sum(-1).mean(), normal(4, 6), normal(4, 6))

save("ops", out)
