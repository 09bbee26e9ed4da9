"""Golden values for the distributions of stochastic policies and for NormalParamExtractor's mappings.

    python tests/golden/distributions.py   writes tests/golden/distributions.safetensors

A case is a family under some options, ROWS random rows at once. Values are computed in float64 from float32 operands,
but for the case "edge", where float32's resolution is what keeps TanhNormal off its bounds. Of log_prob, entropy and kl
the gradients are those of the sum weighted with g.
"""
import torch
import torch.distributions as D
from common import generator, save
from tensordict.nn import AddStateIndependentNormalScale, NormalParamExtractor
from torchrl.modules import (Delta, MaskedCategorical, MaskedOneHotCategorical, OneHotCategorical, TanhDelta, TanhNormal,
                             TruncatedNormal)

ROWS, EVENT = 24, 3
g = generator(21)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


def uniform(low, high, *shape):
    return low + (high - low) * torch.rand(shape, generator=g)


def wide(x, dtype=torch.float64):
    return x.to(dtype).requires_grad_() if x.is_floating_point() else x


def record(name, **tensors):
    for key, value in tensors.items():
        value = value.detach()
        out[f"{name}.{key}"] = value.float() if value.is_floating_point() else value


def gradients(name, what, value, parameters, weight):
    """The value and its gradient for each parameter."""
    record(name, **{what: value})
    of = [p for p in parameters.values() if p.requires_grad]
    grads = torch.autograd.grad((value * weight).sum(), of, allow_unused=True, retain_graph=True)
    for key, grad in zip([k for k, p in parameters.items() if p.requires_grad], grads):
        if grad is not None:
            record(name, **{f"{what}.d{key}": grad})


def case(name, make, parameters, value, others=None, entropy=False, dtype=torch.float64, **more):
    weight = normal(*(value.shape[:-1] if value.shape[-1:] != (ROWS,) else value.shape))
    p = {k: wide(v, dtype) for k, v in parameters.items()}
    record(name, **parameters, value=value, g=weight)
    d = make(**p)
    gradients(name, "log_prob", d.log_prob(value.to(dtype) if value.is_floating_point() else value), p, weight)
    if entropy:
        # TorchRL's gradient of a masked entropy is NaN; a logit that is merely very low has the same entropy
        d_entropy = D.Categorical(logits=p["logits"].masked_fill(~p["mask"], -1e30)) if "mask" in p else d
        gradients(name, "entropy", d_entropy.entropy(), p, weight)
    if others is not None:
        q = {k: wide(v, dtype) for k, v in others.items()}
        both = {**{k: p[k] for k in others}, **{f"{k}2": v for k, v in q.items()}}
        record(name, **{f"{k}2": v for k, v in others.items()})
        gradients(name, "kl", D.kl_divergence(d, make(**{**p, **q})), both, weight)
    record(name, **{k: f(d) for k, f in more.items()})


def independent(loc, scale):
    return D.Independent(D.Normal(loc, scale), 1)


def loc_scale(low, high, factor=1.0):
    return {"loc": normal(ROWS, EVENT) * factor, "scale": uniform(low, high, ROWS, EVENT)}


for name, low, high in (("usual", 0.3, 2.0), ("tiny", 1e-4, 1e-3), ("large", 1e3, 1e4)):
    p, q = loc_scale(low, high), loc_scale(low, high)
    value = p["loc"] + p["scale"] * normal(ROWS, EVENT)
    case(f"Normal.{name}", independent, p, value, q, True, mean=lambda d: d.mean, mode=lambda d: d.mode)


def tanh_normal(low, high, **options):
    return lambda loc, scale: TanhNormal(loc, scale, low=torch.tensor(low, dtype=loc.dtype),
                                         high=torch.tensor(high, dtype=loc.dtype), event_dims=1, **options)


for name, low, high, options in (("unit", -1.0, 1.0, {}), ("double", -2.0, 2.0, {}), ("odd", -0.5, 3.5, {}),
                                 ("held", -1.0, 1.0, {"tanh_loc": True})):
    p = loc_scale(0.3, 2.0, 3.0 if options else 1.0)
    value = (uniform(-0.95, 0.95, ROWS, EVENT) * (high - low) + high + low) / 2
    case(f"TanhNormal.{name}", tanh_normal(low, high, **options), p, value, deterministic=lambda d: d.deterministic_sample)
edges = torch.tensor([1.0, -1.0, 1 - 2.0 ** -20, 2.0 ** -20 - 1, 0.999, -0.999, 0.0, 1e-7])
value = edges[torch.randint(0, len(edges), (ROWS, EVENT), generator=g)]
case("TanhNormal.edge", tanh_normal(-1.0, 1.0), loc_scale(0.5, 2.0), value, dtype=torch.float32,
     deterministic=lambda d: d.deterministic_sample)
for name, low, high in (("tiny", 1e-3, 1e-2), ("large", 20.0, 200.0)):
    p = loc_scale(low, high)
    p["loc"] *= 0.3
    value = (p["loc"] + 1.0 * torch.minimum(p["scale"], torch.tensor(0.5)) * normal(ROWS, EVENT)).tanh()
    case(f"TanhNormal.{name}", tanh_normal(-1.0, 1.0), p, value, deterministic=lambda d: d.deterministic_sample)


def truncated(low, high):
    return lambda loc, scale: TruncatedNormal(loc, scale, low=torch.tensor(low, dtype=loc.dtype),
                                              high=torch.tensor(high, dtype=loc.dtype))


for name, low, high in (("unit", -1.0, 1.0), ("odd", -0.5, 3.5)):
    p = {"loc": uniform(low - 0.5, high + 0.5, ROWS, EVENT), "scale": uniform(0.4, 3.0, ROWS, EVENT)}
    value = uniform(low, high, ROWS, EVENT)
    value[0, 1], value[1, 2], value[2, 0] = high + 0.1, low - 2, low
    case(f"TruncatedNormal.{name}", truncated(low, high), p, value, entropy=True,
         mode=lambda d: d.mode, mean=lambda d: d.mean, deterministic=lambda d: d.deterministic_sample)

param = normal(ROWS, EVENT)
near = param.clone()
near[::2] += 0.1
for name, family, point in (("Delta", Delta, param), ("TanhDelta", lambda p: TanhDelta(p, low=-2.0, high=2.0, event_dims=1),
                                                      2 * param.tanh())):
    hit = point.clone()
    hit[::2] -= 0.1
    d = family(param)
    record(f"{name}.usual", param=param, value=hit, log_prob=d.log_prob(hit), mode=d.mode,
           deterministic=d.deterministic_sample)

DISCRETE = (("usual", 5, 1.0), ("two", 2, 3.0), ("one", 1, 1.0), ("sharp", 4, 30.0), ("many", 67, 2.0))


def index_of(mask):
    return torch.multinomial(mask.float(), 1, generator=g).squeeze(-1)



def first_of(one_hot):
    """TorchRL's mode has several ones where logits tie; rlc takes the first."""
    return torch.nn.functional.one_hot(one_hot.long().argmax(-1), one_hot.shape[-1])


def discrete(name, n, p, q):
    index = torch.randint(0, n, (ROWS,), generator=g)
    case(f"Categorical.{name}", lambda logits: D.Categorical(logits=logits), p, index, q, True, mode=lambda d: d.mode)
    one_hot = torch.nn.functional.one_hot(index, n)
    # TorchRL takes a last dimension of one class for something else
    family = OneHotCategorical if n > 1 else D.OneHotCategorical
    case(f"OneHotCategorical.{name}", lambda logits: family(logits=logits), p, one_hot, q, True,
         mode=lambda d: first_of(d.mode))
    mask = torch.rand(ROWS, n, generator=g) < 0.6
    mask[torch.arange(ROWS), torch.randint(0, n, (ROWS,), generator=g)] = True
    mask[:4] = torch.nn.functional.one_hot(torch.randint(0, n, (4,), generator=g), n).bool()  # one action left
    index = index_of(mask)
    p["mask"] = mask
    case(f"MaskedCategorical.{name}", lambda logits, mask: MaskedCategorical(logits=logits, mask=mask), p, index, None,
         True, mode=lambda d: d.mode)
    one_hot = torch.nn.functional.one_hot(index, n)
    masked = MaskedOneHotCategorical if n > 1 else lambda logits, mask: D.OneHotCategorical(logits=logits)
    case(f"MaskedOneHotCategorical.{name}", lambda logits, mask: masked(logits=logits, mask=mask), p, one_hot, None, True,
         mode=lambda d: first_of(d.mode))


for name, n, spread in DISCRETE:
    discrete(name, n, {"logits": normal(ROWS, n) * spread}, {"logits": normal(ROWS, n) * spread})

x = torch.cat([normal(ROWS, 2 * EVENT) * 2, torch.tensor([[-30.0, -2, 0, -2, 0, 2], [0, 0, 0, -30, 30, 8]])])
weight = normal(ROWS + 2, EVENT)
record("extract", x=x, g=weight)
for mapping in ("biased_softplus_1.0", "biased_softplus_0.3", "softplus", "exp", "relu", "expln"):
    for bound in (1e-4, 0.5):
        here = wide(x)
        loc, scale = NormalParamExtractor(scale_mapping=mapping, scale_lb=bound)(here)
        grad, = torch.autograd.grad((scale * weight).sum(), here)
        record(f"extract.{mapping}.{bound:g}", loc=loc, scale=scale, dx=grad)
module = AddStateIndependentNormalScale(EVENT)
with torch.no_grad():
    module.state_independent_scale.copy_(torch.tensor([-1.5, 0.25, 1.0]))
loc, scale = module(normal(ROWS, EVENT))
(scale * weight[:ROWS]).sum().backward()
record("independent", parameter=module.state_independent_scale, loc=loc, scale=scale,
       dparameter=module.state_independent_scale.grad)


def entropy_of(loc, scale):
    """Of TanhNormal on [-1, 1]: that of the Gaussian plus the mean of log |da/dx|, by quadrature."""
    z = torch.linspace(-12, 12, 48001, dtype=torch.float64)
    density = torch.exp(-z * z / 2) / (2 * torch.pi) ** 0.5
    v = loc + scale * z
    slope = 2 * (torch.log(torch.tensor(2.0, dtype=torch.float64)) - v - torch.nn.functional.softplus(-2 * v))
    return 0.5 + 0.5 * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64)) + torch.log(
        torch.tensor(scale, dtype=torch.float64)) + torch.trapezoid(density * slope, z)


record("TanhNormal.entropy", entropy=torch.stack([entropy_of(0.5, 1.0), entropy_of(-1.0, 0.3), entropy_of(0.0, 2.0)]))
for loc, scale in ((0.5, 0.7), (3.0, 1.0), (0.0, 10.0)):
    d = TruncatedNormal(torch.tensor([loc]).double(), torch.tensor([scale]).double(), low=-1.0, high=1.0)
    record(f"TruncatedNormal.moments.{loc:g}", mean=d.mean, variance=d.variance)
# what came later stands behind all that is drawn above
for name, low, high, options in (("held_odd", -0.5, 3.5, {"tanh_loc": True, "upscale": 2.0}),
                                 ("held_wide", -2.0, 2.0, {"tanh_loc": True, "upscale": 1.5})):
    value = (uniform(-0.95, 0.95, ROWS, EVENT) * (high - low) + high + low) / 2
    case(f"TanhNormal.{name}", tanh_normal(low, high, **options), loc_scale(0.3, 2.0, 3.0), value,
         deterministic=lambda d: d.deterministic_sample)
ties = [torch.randint(0, 2, (ROWS, 4), generator=g).float() for _ in range(2)]
ties[0][0] = ties[1][1] = 0.5
discrete("tied", 4, {"logits": ties[0]}, {"logits": ties[1]})
save("distributions", out)
