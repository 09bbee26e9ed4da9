"""Golden values for operators with a policy and a value: TorchRL's ActorValueOperator, ActorCriticOperator and
ActorCriticWrapper, what their parts compute, and the gradients of an A2CLoss that trains the parts.

    python tests/golden/actor_critic.py      writes tests/golden/actor_critic.safetensors
"""
import warnings
import torch
from common import generator, save
from tensordict import TensorDict
from tensordict.nn import (InteractionType, NormalParamExtractor, TensorDictModule, TensorDictSequential,
                           set_composite_lp_aggregate, set_interaction_type)
from torchrl.modules import (ActorCriticOperator, ActorCriticWrapper, ActorValueOperator, IndependentNormal,
                             ProbabilisticActor, ValueOperator)
from torchrl.objectives import A2CLoss

warnings.filterwarnings("ignore")
set_composite_lp_aggregate(False).set()
OBSERVATION, HIDDEN, ACTIONS = 4, 5, 2
g = generator(73)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


class Joined(torch.nn.Linear):
    def forward(self, *inputs):
        return super().forward(torch.cat(inputs, -1))


def linear(inputs, outputs):
    net = Joined(inputs, outputs)
    with torch.no_grad():
        net.weight.copy_(normal(outputs, inputs) * 0.4)
        net.bias.copy_(normal(outputs) * 0.4)
    return net


def parts_of(kind):
    """The networks by name, and the operator."""
    inputs = OBSERVATION if kind == "wrapper" else HIDDEN
    key = "observation" if kind == "wrapper" else "hidden"
    nets = {"common": linear(OBSERVATION, HIDDEN), "policy": linear(inputs, 2 * ACTIONS),
            "value": linear(inputs + (ACTIONS if kind == "critic" else 0), 1)}
    common = TensorDictModule(torch.nn.Sequential(nets["common"], torch.nn.Tanh()), ["observation"], ["hidden"])
    module = TensorDictModule(torch.nn.Sequential(nets["policy"], NormalParamExtractor()), [key], ["loc", "scale"])
    actor = ProbabilisticActor(module, in_keys=["loc", "scale"], distribution_class=IndependentNormal,
                               return_log_prob=True)
    value = ValueOperator(nets["value"], in_keys=[key, "action"] if kind == "critic" else [key])
    if kind == "wrapper":
        del nets["common"]
        return nets, ActorCriticWrapper(actor, value)
    return nets, (ActorCriticOperator if kind == "critic" else ActorValueOperator)(common, actor, value)


def show_keys(kind, operator):
    parts = {"": operator, ".policy": operator.get_policy_operator()}
    if kind != "critic":
        parts[".value"] = operator.get_value_operator()
    for name, part in parts.items():
        print(f"{kind}{name}: {part.in_keys} -> {part.out_keys}")


for kind in ("value", "critic", "wrapper"):
    for i, size in enumerate((1, 2, 3, 5, 8, 13, 20)):
        name = f"{kind}.{i}"
        nets, operator = parts_of(kind)
        if i == 0:
            show_keys(kind, operator)
        td = TensorDict({"observation": normal(size, OBSERVATION), "action": normal(size, ACTIONS),
                         "advantage": normal(size, 1), "value_target": normal(size, 1)}, [size])
        out |= {f"{name}.{k}": v for k, v in td.items()}
        worth = "state_action_value" if kind == "critic" else "state_value"
        policy = operator.get_policy_operator()
        value = (TensorDictSequential(operator.module[0], operator.get_value_head()) if kind == "critic"
                 else operator.get_value_operator())
        with torch.no_grad(), set_interaction_type(InteractionType.DETERMINISTIC):
            whole = operator(td.clone())
            out |= {f"{name}.whole.{k}": whole[k] for k in ("action", worth)}
            out[f"{name}.value"] = value(td.clone())[worth]
        if kind != "critic":
            loss = A2CLoss(policy, value, loss_critic_type="l2", entropy_coeff=0.1)
            result = loss(td.clone())
            total = result["loss_objective"] + result["loss_entropy"] + result["loss_critic"]
        else:
            d, v = policy.get_dist(td.clone()), value(td.clone())[worth]
            total = -d.log_prob(td["action"]).mean() + ((v - td["value_target"]) ** 2).mean()
        total.backward()
        out[f"{name}.loss"] = total.reshape(())
        grads = {k: net for k, net in nets.items()}
        if kind != "critic":  # the loss has taken the parameters over
            found = {v.data_ptr(): v.grad for p in (loss.actor_network_params, loss.critic_network_params)
                     for v in p.flatten_keys(".").values() if v.grad is not None}
        for k, net in grads.items():
            for part, p in net.named_parameters():
                out[f"{name}.{k}.{part}"] = p
                out[f"{name}.grad.{k}.{part}"] = p.grad if p.grad is not None else found[p.data_ptr()]
save("actor_critic", out)
