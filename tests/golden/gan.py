"""Golden values for GANLoss: both terms by torch.nn.functional.binary_cross_entropy_with_logits, the gradient of each for its own
network, and the running statistics of the generator's batch norm.

    python tests/golden/gan.py      writes tests/golden/gan.safetensors
"""
import torch
from torch.nn import BatchNorm1d, Identity, LeakyReLU, Linear, Sequential, Sigmoid
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from common import generator as seeded, save

LATENT, FRAME = 3, 4
g = seeded(91)
out = {}


def case(name, size, scale):
    # the test's first layer puts the given noise in the place of its own
    generator = Sequential(Identity(), Linear(LATENT, 6), BatchNorm1d(6), LeakyReLU(0.2), Linear(6, FRAME), Sigmoid())
    discriminator = Sequential(Linear(FRAME, 5), LeakyReLU(0.2), Linear(5, 1))
    networks = {"generator": generator, "discriminator": discriminator}
    with torch.no_grad():
        for network in networks.values():
            for p in network.parameters():
                p.copy_(torch.randn(p.shape, generator=g) * scale)
    for which, network in networks.items():
        out.update({f"{name}.{which}.{key}": p for key, p in network.named_parameters()})
    out[f"{name}.latent"] = z = torch.randn(size, LATENT, generator=g)
    out[f"{name}.observation"] = x = torch.rand(size, FRAME, generator=g)
    real, made = discriminator(x), generator(z)
    held = discriminator(made.detach())
    of_discriminator = bce(real, torch.ones_like(real)) + bce(held, torch.zeros_like(held))
    judged = discriminator(made)
    of_generator = bce(judged, torch.ones_like(judged))
    for which, loss in (("discriminator", of_discriminator), ("generator", of_generator)):
        parameters = dict(networks[which].named_parameters())
        for key, grad in zip(parameters, torch.autograd.grad(loss, parameters.values())):
            out[f"{name}.grad.{which}.{key}"] = grad
    out.update({f"{name}.out.loss_discriminator": of_discriminator, f"{name}.out.loss_generator": of_generator,
                f"{name}.out.loss": of_discriminator + of_generator,
                f"{name}.out.score_data": torch.sigmoid(real).mean(),
                f"{name}.out.score_generated": torch.sigmoid(held).mean(),
                f"{name}.generator.2.running_mean": generator[2].running_mean,
                f"{name}.generator.2.running_var": generator[2].running_var})


for i, (size, scale) in enumerate([(5, 0.5), (24, 0.5), (2, 1.0), (64, 2.0), (8, 20.0)]):
    case(str(i), size, scale)
save("gan", out)
