"""Normalisations, weighted losses, embeddings, activations, LSTM and GRU: values and gradients of PyTorch, and TorchRL's
modules over steps and sequences, in float32.

    python tests/golden/layers.py        writes tests/golden/layers.safetensors

Ops are named as in ops.py: CASE.a, .b, .c are the operands, CASE.out the value, CASE.g the gradient that reaches it, CASE.da,
... those that leave it. A module's case has its state under PyTorch's names, CASE.input and CASE.output.
"""
import torch
from tensordict import TensorDict
from torch import nn
from torch.nn import functional as F
from torchrl.modules import GRUModule, LSTMModule, set_recurrent_mode
from common import save, generator

g = generator(77)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


def differentiate(case, f, *operands):
    roots = [x.clone().requires_grad_() for x in operands]
    y = f(*roots)
    up = normal(*y.shape)
    grads = torch.autograd.grad(y, roots, up)
    out[f"{case}.out"], out[f"{case}.g"] = y, up
    for name, x, d in zip("abcd", operands, grads):
        out[f"{case}.{name}"], out[f"{case}.d{name}"] = x, d


# normalisations
differentiate("layer_norm", lambda x, w, b: F.layer_norm(x, (17,), w, b), 2 * normal(5, 17) + 1, normal(17), normal(17))
differentiate("layer_norm_plain", lambda x: F.layer_norm(x, (70,), eps=1e-3), normal(3, 70))
differentiate("layer_norm_two", lambda x, w, b: F.layer_norm(x, (3, 5), w, b), normal(2, 4, 3, 5), normal(3, 5), normal(3, 5))
differentiate("layer_norm_long", lambda x: F.layer_norm(x, (2100,)), normal(2, 2100) + 3)
differentiate("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), normal(9, 70) * 3 + 2, normal(70), normal(70))
differentiate("batch_norm_many", lambda x: F.batch_norm(x, None, None, None, None, True), normal(1500, 3))
differentiate("batch_norm_1d", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), normal(4, 3, 7), normal(3), normal(3))
differentiate("batch_norm_2d", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), normal(3, 2, 5, 6), normal(2), normal(2))
out["batch_norm_eval.mean"], out["batch_norm_eval.var"] = normal(3), normal(3).abs() + 0.2
differentiate("batch_norm_eval", lambda x, w, b: F.batch_norm(x, out["batch_norm_eval.mean"], out["batch_norm_eval.var"], w, b, False),
              normal(4, 3, 2, 2), normal(3), normal(3))

# losses
REDUCTIONS = ("none", "mean", "sum")
weight = normal(5).abs() + 0.1
out["class_weight"] = weight
target, spatial = torch.randint(0, 5, (9,), generator=g), torch.randint(0, 5, (4, 3), generator=g)
out["target"], out["spatial_target"] = target, spatial
soft = torch.softmax(normal(9, 5), 1)
yes = torch.rand(6, 4, generator=g)
share, positive = normal(4).abs() + 0.2, normal(4).abs() + 0.5
out["soft_target"], out["binary_target"], out["binary_weight"], out["pos_weight"] = soft, yes, share, positive
for r in REDUCTIONS:
    differentiate(f"cross_entropy.{r}", lambda x: F.cross_entropy(x, target, weight, reduction=r), 2 * normal(9, 5))
    differentiate(f"cross_entropy_plain.{r}", lambda x: F.cross_entropy(x, target, reduction=r), 2 * normal(9, 5))
    differentiate(f"cross_entropy_spatial.{r}", lambda x: F.cross_entropy(x, spatial, weight, reduction=r), normal(4, 5, 3))
    differentiate(f"cross_entropy_soft.{r}", lambda x: F.cross_entropy(x, soft, weight, reduction=r), normal(9, 5))
    differentiate(f"nll.{r}", lambda x: F.nll_loss(x, target, weight, reduction=r), normal(9, 5))
    differentiate(f"bce.{r}", lambda x: F.binary_cross_entropy(x, yes, share, reduction=r), torch.rand(6, 4, generator=g) * 0.9 + 0.05)
    differentiate(f"bce_plain.{r}", lambda x: F.binary_cross_entropy(x, yes, reduction=r), torch.rand(6, 4, generator=g) * 0.9 + 0.05)
    differentiate(f"bce_logits.{r}", lambda x: F.binary_cross_entropy_with_logits(x, yes, share, pos_weight=positive, reduction=r), 3 * normal(6, 4))
    differentiate(f"bce_logits_plain.{r}", lambda x: F.binary_cross_entropy_with_logits(x, yes, reduction=r), 3 * normal(6, 4))


def randomise(net):
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.5 * normal(*p.shape))


# batch norm as a module: three batches in training, then one outside of it
for name, net, shape in (("bn1d", nn.BatchNorm1d(4), (6, 4)), ("bn1d_length", nn.BatchNorm1d(4, eps=1e-3, momentum=0.3), (6, 4, 5)),
                         ("bn2d", nn.BatchNorm2d(4), (6, 4, 3, 2))):
    randomise(net)
    out[f"{name}.weight"], out[f"{name}.bias"] = net.weight, net.bias
    x = torch.stack([(i + 1) * normal(*shape) + i for i in range(4)])
    out[f"{name}.input"] = x
    y = [net(x[i]) for i in range(3)]
    for k, v in net.named_buffers():
        out[f"{name}.{k}"] = v
    net.eval()
    out[f"{name}.output"] = torch.stack(y + [net(x[3])])

# activations
x = 3 * normal(5, 4)
out["activations.input"] = x
for name, f in {"ReLU": nn.ReLU(), "LeakyReLU": nn.LeakyReLU(0.2), "ELU": nn.ELU(1.5), "GELU": nn.GELU(), "SiLU": nn.SiLU(),
                "Tanh": nn.Tanh(), "Sigmoid": nn.Sigmoid(), "Softplus": nn.Softplus(), "Softmax": nn.Softmax(-1),
                "LogSoftmax": nn.LogSoftmax(0), "Identity": nn.Identity()}.items():
    out[f"activations.{name}"] = f(x)

# embeddings
table = nn.Embedding(7, 3, padding_idx=2)
index = torch.tensor([[0, 2, 6], [5, 5, 2]])
y = table(index)
up = normal(*y.shape)
y.backward(up)
out.update({"embedding.weight": table.weight, "embedding.index": index, "embedding.output": y, "embedding.g": up,
            "embedding.dweight": table.weight.grad})

# cells
for name, cell in {"lstm_cell": nn.LSTMCell(4, 3), "gru_cell": nn.GRUCell(4, 3)}.items():
    randomise(cell)
    x, h, c = normal(5, 4), normal(5, 3), normal(5, 3)
    out.update({f"{name}.{k}": v for k, v in cell.state_dict().items()})
    out[f"{name}.input"], out[f"{name}.h"], out[f"{name}.c"] = x, h, c
    y = cell(x, (h, c)) if name == "lstm_cell" else (cell(x, h),)
    for k, v in zip(("next_h", "next_c"), y):
        out[f"{name}.{k}"] = v

# layers over steps, where episodes begin in between, and over the same inputs as one sequence
STATES = {"lstm": ["recurrent_state_h", "recurrent_state_c"], "gru": ["recurrent_state_h"]}
for kind, cls in {"lstm": LSTMModule, "gru": GRUModule}.items():
    for layers in (1, 2):
        name, states = f"{kind}{layers}", STATES[kind]
        net = cls(input_size=4, hidden_size=3, num_layers=layers, in_keys=["observation", *states],
                  out_keys=["features", *[("next", s) for s in states]])
        randomise(net)
        out.update({f"{name}.{k}": v for k, v in net.state_dict().items()})
        x = normal(5, 6, 4)
        is_init = torch.rand(5, 6, 1, generator=g) < 0.25
        first = {s: normal(5, layers, 3) for s in states}
        out[f"{name}.input"], out[f"{name}.is_init"] = x, is_init
        out.update({f"{name}.{s}": v for s, v in first.items()})
        carried, outputs, behind = dict(first), [], {s: [] for s in states}
        for t in range(6):
            td = net(TensorDict({"observation": x[:, t], "is_init": is_init[:, t], **carried}, [5]))
            outputs.append(td["features"])
            for s in states:
                carried[s] = td["next", s]
                behind[s].append(carried[s])
        out[f"{name}.output"] = torch.stack(outputs, 1)
        for s in states:
            out[f"{name}.next_{s}"] = torch.stack(behind[s], 1)
        whole = {s: normal(5, 6, layers, 3) for s in states}  # as a sequence: states count where an episode begins
        out.update({f"{name}.whole_{s}": v for s, v in whole.items()})
        with set_recurrent_mode(True):
            y = net(TensorDict({"observation": x, "is_init": is_init, **whole}, [5, 6]))["features"]
        out[f"{name}.sequence"] = y
        up = normal(*y.shape)
        y.backward(up)
        out[f"{name}.g"] = up
        out.update({f"{name}.d_{k}": p.grad for k, p in net.named_parameters()})
save("layers", out)
