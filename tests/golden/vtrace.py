"""Golden values for V-trace as a module: TorchRL's VTrace with a linear critic and linear policies.

    python tests/golden/vtrace.py      writes tests/golden/vtrace.safetensors

TorchRL's module asks its policy how likely a *new* draw is, not what was done. So in the cases "as it is" the actions of
the batch are what the policy does without chance, which TorchRL then draws too; in the others its function that asks is
replaced by one that asks for the actions of the batch.
"""
import torch
import torch.distributions as D
import torchrl.objectives.value.advantages as advantages
from common import generator, save
from tensordict import TensorDict
from tensordict.nn import (InteractionType, NormalParamExtractor, TensorDictModule, set_composite_lp_aggregate,
                           set_interaction_type)
from torchrl.modules import IndependentNormal, ProbabilisticActor
from torchrl.objectives.value import VTrace

set_composite_lp_aggregate(False).set()
OBSERVATION, ACTIONS = 4, 2
g = generator(72)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


def linear(outputs, size=0.5):
    net = torch.nn.Linear(OBSERVATION, outputs)
    with torch.no_grad():
        net.weight.copy_(normal(outputs, OBSERVATION) * size)
        net.bias.copy_(normal(outputs) * size)
    return net


def of_the_batch(actor_net, data, params, log_prob_key):
    return actor_net.get_dist(data.select(*actor_net.in_keys)).log_prob(data["action"])


def flags(kind, shape):
    done = torch.rand(shape, generator=g) < {"random": 0.3, "all": 2.0}.get(kind.split()[0], 0.0)
    terminated = done & (torch.rand(shape, generator=g) < 0.5)
    if "last" in kind:
        done[..., -1, :] = True
    if "truncated" in kind:
        terminated = torch.zeros_like(done)
    if "terminated" in kind:
        terminated = done.clone()
    return done, terminated


# batch, steps, flags, rho, c, average, which policy, TorchRL as it is
CASES = [((3,), 9, "random", 1.0, 1.0, False, "discrete", False), ((3,), 9, "random", 1.0, 1.0, False, "normal", False),
         ((), 12, "random", 1.0, 1.0, False, "discrete", False), ((1,), 1, "none", 1.0, 1.0, False, "normal", False),
         ((2,), 1, "all truncated", 1.0, 1.0, False, "discrete", False),
         ((2,), 1, "all terminated", 1.0, 1.0, False, "normal", False),
         ((4,), 6, "none", 1.0, 1.0, False, "normal", False), ((4,), 6, "all truncated", 1.0, 1.0, False, "normal", False),
         ((4,), 6, "all terminated", 1.0, 1.0, False, "discrete", False),
         ((4,), 6, "last truncated", 1.5, 0.7, False, "discrete", False),
         ((4,), 6, "last terminated", 0.5, 2.0, False, "normal", False),
         ((2, 3), 7, "random", 1.5, 0.5, False, "discrete", False), ((5,), 20, "random", 100.0, 100.0, False, "normal", False),
         ((5,), 8, "random", 1.0, 1.0, True, "discrete", False), ((5,), 8, "none", 2.0, 1.0, True, "normal", False)]
CASES += [((n,), 4 + n, "random", 1.0, 1.0, False, kind, True) for n in (2, 4, 6) for kind in ("discrete", "normal")]
usual = advantages._call_actor_net

for i, (batch, steps, kind, rho, c, average, family, as_it_is) in enumerate(CASES):
    name, shape = f"{family}.{i}", (*batch, steps)
    critic_net, actor_net = linear(1), linear(3 if family == "discrete" else 2 * ACTIONS, 0.2)
    critic = TensorDictModule(critic_net, ["observation"], ["state_value"])
    if family == "discrete":
        actor = ProbabilisticActor(TensorDictModule(actor_net, ["observation"], ["logits"]), in_keys=["logits"],
                                   distribution_class=D.Categorical, return_log_prob=True)
    else:
        module = TensorDictModule(torch.nn.Sequential(actor_net, NormalParamExtractor()), ["observation"], ["loc", "scale"])
        actor = ProbabilisticActor(module, in_keys=["loc", "scale"], distribution_class=IndependentNormal,
                                   return_log_prob=True)
    done, terminated = flags(kind, (*shape, 1))
    states = normal(*batch, steps + 1, OBSERVATION)
    td = TensorDict({"observation": states[..., :-1, :], "next": {
        "observation": torch.where(done, normal(*shape, OBSERVATION), states[..., 1:, :]),
        "reward": normal(*shape, 1), "done": done, "terminated": terminated}}, shape)
    with torch.no_grad():
        d = actor.get_dist(td.clone())
        td["action"] = ((d.mode if family == "discrete" else d.mean) if as_it_is else
                        torch.randint(0, 3, shape, generator=g) if family == "discrete" else normal(*shape, ACTIONS) * 0.7)
        td["action_log_prob"] = d.log_prob(td["action"]) + 0.7 * normal(*shape)
        advantages._call_actor_net = usual if as_it_is else of_the_batch
        vtrace = VTrace(gamma=0.9, actor_network=actor, value_network=critic, rho_thresh=rho, c_thresh=c,
                        average_adv=average)
        vtrace.set_keys(sample_log_prob="action_log_prob")
        with set_interaction_type(InteractionType.DETERMINISTIC):
            result = vtrace(td.clone())
    out |= {f"{name}.{k}": v for k, v in td.flatten_keys(".").items()}
    out |= {f"{name}.{k}.{part}": v for k, net in (("critic", critic_net), ("actor", actor_net))
            for part, v in net.named_parameters()}
    out |= {f"{name}.out.{k}": result[k] for k in ("advantage", "value_target", "state_value")}
    out[f"{name}.settings"] = torch.tensor([rho, c, float(average)])
save("vtrace", out)
