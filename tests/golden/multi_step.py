"""Returns of several steps: TorchRL's MultiStep on random trajectories and its MultiStepTransform on batches of them;
and DQNLoss with steps_to_next_obs and priority_weight.

    python tests/golden/multi_step.py     writes tests/golden/multi_step.safetensors

TorchRL leaves the flags under `next` those of the first step; here they are replaced by those of the last one.
"""
import torch
from tensordict import TensorDict
from torchrl.data import OneHot
from torchrl.data.postprocs import MultiStep
from torchrl.envs.transforms import MultiStepTransform
from torchrl.modules import MLP, QValueActor
from torchrl.objectives import DQNLoss
from common import save, generator

g = generator(41)
out = {}


def trajectories(envs, time, rate):
    done = torch.rand(envs, time, 1, generator=g) < rate
    return TensorDict({
        "observation": torch.randn(envs, time, 3, generator=g),
        "action": torch.randint(0, 2, (envs, time), generator=g),
        "next": {"observation": torch.randn(envs, time, 3, generator=g),
                 "reward": torch.randn(envs, time, 1, generator=g), "done": done,
                 "terminated": done & (torch.rand(envs, time, 1, generator=g) < 0.5)},
    }, [envs, time])


def put(name, td, keys=("observation", "action")):
    for k in keys:
        out[f"{name}.{k}"] = td[k]
    for k in td["next"].keys():
        if k != "original_reward":
            out[f"{name}.next.{k}"] = td["next", k]


def results(name, original, td):
    steps = td["steps_to_next_obs"]
    place = torch.arange(steps.shape[1]) + steps - 1
    for k in ("done", "terminated"):
        td["next", k] = original["next", k].gather(1, place.unsqueeze(-1))
    put(name, td)
    out[f"{name}.steps_to_next_obs"] = steps.unsqueeze(-1)


SHAPES = [(1, 12, 3, 0.2), (4, 9, 3, 0.3), (3, 7, 1, 0.3), (2, 5, 10, 0.2), (2, 1, 3, 0.5), (5, 20, 5, 0.0),
          (3, 8, 4, 1.0), (2, 30, 6, 0.1)]
for number, (envs, time, n, rate) in enumerate(SHAPES):
    td = trajectories(envs, time, rate)
    gamma = float(torch.rand((), generator=g))
    put(f"whole.{number}", td)
    results(f"whole.{number}.out", td, MultiStep(gamma=gamma, n_steps=n)(td.clone()))
    out[f"whole.{number}.settings"] = torch.tensor([n, gamma], dtype=torch.double)

# batches of these lengths, one after the other; all steps that come out, in their order
LENGTHS = [(3, [1] * 12), (3, [4, 4, 4]), (5, [2, 1, 7, 1, 1, 3]), (1, [3, 1, 2]), (4, [10, 1])]
for number, (n, lengths) in enumerate(LENGTHS):
    td = trajectories(2, sum(lengths), 0.25)
    name = f"batches.{number}"
    put(name, td)
    transform, parts, at = MultiStepTransform(n_steps=n, gamma=0.9), [], 0
    for length in lengths:
        part = transform._inv_call(td[:, at:at + length].clone())
        parts += [part] if part is not None else []
        at += length
    whole = MultiStep(gamma=0.9, n_steps=n)(td.clone())
    come = torch.cat([p.exclude("nonterminal", "gamma") for p in parts], 1)
    count = come.shape[1]
    assert (come["next", "reward"] == whole["next", "reward"][:, :count]).all()
    assert (come["next", "observation"] == whole["next", "observation"][:, :count]).all()
    out[f"{name}.torchrl_count"] = torch.tensor(count)
    results(f"{name}.out", td, whole)
    out[f"{name}.settings"] = torch.tensor([n, 0.9], dtype=torch.double)
    out[f"{name}.lengths"] = torch.tensor(lengths)

for name, steps, weights in (("weights", False, True), ("steps", True, False), ("both", True, True)):
    for double in (False, True):
        net = MLP(in_features=4, out_features=3, num_cells=[8])
        with torch.no_grad():
            for p in net.parameters():
                p.copy_(torch.randn(p.shape, generator=g) * 0.5)
        actor = QValueActor(net, in_keys=["observation"], spec=OneHot(3))
        loss = DQNLoss(actor, loss_function="l2", delay_value=double, double_dqn=double)
        loss.make_value_estimator(gamma=0.9)
        done = torch.rand(16, 1, generator=g) < 0.3
        index = torch.randint(0, 3, (16,), generator=g)
        td = TensorDict({
            "observation": torch.randn(16, 4, generator=g), "action": torch.nn.functional.one_hot(index, 3),
            "next": {"observation": torch.randn(16, 4, generator=g), "reward": torch.randn(16, 1, generator=g),
                     "done": done, "terminated": done}}, [16])
        case = f"loss.{name}.{'double' if double else 'plain'}"
        put(case, td)
        if steps:
            td["steps_to_next_obs"] = torch.randint(1, 7, (16, 1), generator=g)
            out[f"{case}.steps_to_next_obs"] = td["steps_to_next_obs"]
        if weights:
            td["priority_weight"] = torch.rand(16, generator=g)
            out[f"{case}.priority_weight"] = td["priority_weight"]
        for k, p in net.state_dict().items():
            out[f"{case}.online.{k}"] = p
        out[f"{case}.loss"] = loss(td)["loss"]
        out[f"{case}.td_error"] = td["td_error"]
save("multi_step", out)
