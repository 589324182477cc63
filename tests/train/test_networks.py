"""Networks in training: the pictures are those of inference, means are tracked, files hold what was trained."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import stylegan_core as sg
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig
from stylegan_core.errors import StyleScopeError
from stylegan_core.model import build_discriminator, build_generator, random_spec
from stylegan_core.spec import NetworkSpec
from tests.train.small import DISCRIMINATORS, GENERATORS, GROWING, MAPPING, SMALL, classes, normal, spec
from train.chance import Chance
from train.ema import Ema
from train.losses import logistic_d, logistic_g, wgan_d, wgan_g
from train.networks import (
    TrainableDiscriminator,
    TrainableGenerator,
    check_batch,
    model_spec,
    save,
    spec_of,
    transferred,
)
from train.regularisers import gradient_penalty, r1


def chance(seed: int = 7, rank: int = 0, processes: int = 1) -> Chance:
    return Chance(torch.Generator().manual_seed(seed), rank, processes)


def shown(g: TrainableGenerator, z: Tensor, c: Tensor | None, lod: float = 0.0) -> Tensor:
    """The pictures that the explorer would show of it."""
    model = build_generator(spec_of(g.network, {}, lod), "", "")
    return model.synthesize(model.map(z, c))


@pytest.mark.parametrize("name", GENERATORS)
def test_training_sees_the_pictures_that_the_explorer_shows(name: str) -> None:
    """Also after a step: nothing is remembered of the weights before it."""
    g = TrainableGenerator(spec(GENERATORS[name]))
    z, c, lod = normal(2, 4), classes(g.network.config, 2), 0.25 if name in GROWING else 0.0
    for _ in range(2):
        images, ws = g(z, c, lod=lod)
        assert images.requires_grad and ws.shape == (2, g.network.num_ws, g.network.config.w_dim)
        torch.testing.assert_close(images.detach(), shown(g, z, c, lod), rtol=1e-4, atol=1e-5)
        before = images.detach()
        images.square().sum().backward()
        torch.optim.Adam(g.parameters(), lr=0.05).step()
    assert (g(z, c, lod=lod)[0] - before).abs().max() > 0.01


@pytest.mark.parametrize("name", GENERATORS)
def test_pictures_are_the_same_whether_gradients_are_wanted_or_not(name: str) -> None:
    g = TrainableGenerator(spec(GENERATORS[name]))
    z, c = normal(3, 4), classes(g.network.config, 3)
    images, ws = g(z, c, chance(), mixing=0.9)
    with torch.no_grad():
        quick, quick_ws = g(z, c, chance(), mixing=0.9)
    torch.testing.assert_close(quick, images.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(quick_ws, ws.detach())


@pytest.mark.parametrize("name", ["stylegan2 skip", "stylegan1"])
def test_noise_is_each_picture_s_own_and_of_each_call(name: str) -> None:
    g = TrainableGenerator(spec(GENERATORS[name]))
    z, c, numbers = normal(1, 4).repeat(2, 1), torch.tensor([[1.0, 0.0]]).repeat(2, 1), chance()
    first, second = (g(z, c, numbers)[0] for _ in range(2))
    found = [*first, *second]
    assert all((a - b).abs().max() > 1e-3 for a, b in itertools.combinations(found, 2))
    kept = g(z, c)[0]
    torch.testing.assert_close(kept[0], kept[1])


@pytest.mark.parametrize("name", GENERATORS)
def test_a_batch_is_the_same_on_one_process_as_on_two(name: str) -> None:
    g = TrainableGenerator(spec(GENERATORS[name]))
    z, c = normal(4, 4), classes(g.network.config, 4)
    whole = g(z, c, chance(), mixing=0.9)[0]
    for rank in range(2):
        part = slice(rank, None, 2)
        own = g(z[part], None if c is None else c[part], chance(rank=rank, processes=2), mixing=0.9)[0]
        torch.testing.assert_close(own, whole[part], rtol=1e-4, atol=1e-5)


def test_means_are_those_over_all_processes() -> None:
    g = TrainableGenerator(spec(GENERATORS["stylegan3-t"]), mean=lambda x: x * 0 + 3.0)
    w_avg = g.network.w_avg.clone()
    g(normal(2, 4), classes(g.network.config, 2), track=True)
    torch.testing.assert_close(g.network.w_avg, 0.998 * w_avg + 0.002 * 3)
    beta = g.network.config.magnitude_ema_beta
    magnitudes = [v for n, v in g.network.named_buffers() if n.endswith("magnitude_ema")]
    assert len(magnitudes) == 4
    torch.testing.assert_close(torch.stack(magnitudes), torch.full((4,), beta + (1 - beta) * 3))


@pytest.mark.parametrize(("name", "decay"), [("stylegan2 skip", 0.995), ("stylegan1", 0.995), ("stylegan3-r", 0.998)])
def test_the_mean_w_is_tracked_when_asked_for(name: str, decay: float) -> None:
    g = TrainableGenerator(spec(GENERATORS[name]))
    z, c, before = normal(4, 4), classes(g.network.config, 4), g.network.w_avg.clone()
    g(z, c)
    assert torch.equal(g.network.w_avg, before)
    images, ws = g(z, c, chance(), mixing=1.0, track=True)  # what is mixed in does not count
    with torch.no_grad():
        w = g.network.map(z, c)
    torch.testing.assert_close(g.network.w_avg, decay * before + (1 - decay) * w.mean(dim=0))
    (images.sum() + ws.sum()).backward()  # the graph has not been written into


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_stylegan3_tracks_the_mean_square_of_what_each_layer_is_given(name: str) -> None:
    g = TrainableGenerator(spec(GENERATORS[name]))
    seen: dict[str, Tensor] = {}
    layers = {n: m for n, m in g.network.synthesis.named_children() if n != "input"}
    for layer, module in layers.items():
        module.register_forward_pre_hook(lambda _, args, layer=layer: seen.update({layer: args[0].detach()}))
    g(normal(2, 4), classes(g.network.config, 2), track=True)
    beta = g.network.config.magnitude_ema_beta
    for layer, module in layers.items():
        torch.testing.assert_close(module.magnitude_ema, beta + (1 - beta) * seen[layer].square().mean())


def test_progressive_gan_has_no_mean_to_track() -> None:
    g = TrainableGenerator(spec(GENERATORS["progan"]))
    images, ws = g(normal(2, 4), chance=chance(), mixing=0.9, track=True)
    assert images.shape == (2, 3, 8, 8) and torch.equal(ws[:, 0], normal(2, 4)) and not g.network.w_avg.any()


def test_mixing_leaves_out_the_layers_of_levels_that_have_not_grown_yet() -> None:
    config = GENERATORS["stylegan1"].model_copy(update={"img_resolution": 16, "channel_base": 64, "c_dim": 0})
    g = TrainableGenerator(spec(config))
    z = normal(64, 4)
    own = g(z)[1]
    mixed = g(z, None, chance(), mixing=1.0, lod=1.5)[1]
    changed = (mixed != own).any(dim=2)
    assert g.network.num_ws == 6 and changed[:, 3].all() and not changed[:, 0].any()
    assert {int(row.sum()) for row in changed} == {3, 4, 5}  # from one of the second to the fourth on


def test_levels_of_detail_are_the_trainer_s_to_say() -> None:
    """A model from the middle of growth goes on growing; its file says where it had got."""
    begun = spec(GENERATORS["progan"])
    half_grown = NetworkSpec(begun.config.model_copy(update={"lod": 1.0}), begun.tensors)
    g, z = TrainableGenerator(half_grown), normal(1, 4)
    assert (g(z)[0] - g(z, lod=1.0)[0]).abs().max() > 0.01
    assert spec_of(g.network, {}, 0.5).config.lod == 0.5
    torch.testing.assert_close(shown(g, z, None, lod=0.5), g(z, lod=0.5)[0].detach(), rtol=1e-4, atol=1e-5)


def test_training_leaves_the_model_it_started_from_alone() -> None:
    with torch.inference_mode():  # as a worker may have loaded it
        model = build_generator(spec(GENERATORS["stylegan2 skip"]), "", "", "cpu")
    g = TrainableGenerator(model_spec(model))
    kept = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    images, _ = g(normal(2, 4), classes(g.network.config, 2), track=True)
    images.sum().backward()
    torch.optim.Adam(g.parameters(), lr=0.1).step()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in model.network.state_dict().items())
    assert not any(parameter.requires_grad for parameter in model.network.parameters())


def test_g_its_average_and_d_are_read_from_one_file_as_they_were(tmp_path: Path) -> None:
    g, d = TrainableGenerator(spec(GENERATORS["stylegan2 skip"])), spec(DISCRIMINATORS["stylegan2 resnet"])
    judge, average = TrainableDiscriminator(d), Ema(g.network)
    with torch.no_grad():
        for parameter in g.parameters():
            parameter.add_(0.1)
    average.update(g.network, 0.5)
    path = tmp_path / "snapshot.safetensors"
    save(path, g, average.network, judge, {"kimg": "3"})
    z, c = normal(2, 4), classes(g.network.config, 2)
    pictures = []
    for which, network in (("G", g.network), ("G_ema", average.network)):
        model = sg.load_model(path, which=which)
        assert model.card.description == {"kimg": "3"}
        assert all(torch.equal(t, network.state_dict()[n]) for n, t in model.network.state_dict().items())
        pictures.append(model.synthesize(model.map(z, c)))
    torch.testing.assert_close(pictures[0], g(z, c)[0].detach(), rtol=1e-4, atol=1e-5)
    assert (pictures[0] - pictures[1]).abs().max() > 0.01
    images = normal(4, 3, 8, 8)
    loaded = sg.load_discriminator(path)(images, classes(g.network.config, 4))
    torch.testing.assert_close(loaded, judge(images, classes(g.network.config, 4)).detach())


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminators_judge_as_loaded_ones_do(name: str) -> None:
    d = TrainableDiscriminator(spec(DISCRIMINATORS[name]))
    images, c = normal(4, 3, 8, 8), classes(d.network.config, 4)
    kept = images.clone()
    logits = d(images, c)
    assert logits.shape == (4, 1) and logits.requires_grad
    torch.testing.assert_close(logits.detach(), build_discriminator(spec(DISCRIMINATORS[name]), "")(images, c))
    assert torch.equal(images, kept)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_batches_are_judged_the_same_on_one_process_as_on_two(name: str) -> None:
    """Each has the groups of the minibatch standard deviation that a single process would form."""
    d = TrainableDiscriminator(spec(DISCRIMINATORS[name]))
    images, c = normal(8, 3, 8, 8), classes(d.network.config, 8)
    whole = d(images, c)
    for rank in range(2):
        part = slice(rank, None, 2)
        torch.testing.assert_close(d(images[part], None if c is None else c[part]), whole[part], rtol=1e-4, atol=1e-5)


def layers_of(d: TrainableDiscriminator) -> set[str]:
    learning = {id(parameter) for parameter in d.learning()}
    return {name.rpartition(".")[0] for name, p in d.network.named_parameters() if id(p) not in learning}


def test_freeze_d_keeps_the_first_layers() -> None:
    d = TrainableDiscriminator(spec(DISCRIMINATORS["stylegan2 resnet"]), frozen=3)
    assert layers_of(d) == {"b8.fromrgb", "b8.conv0", "b8.conv1"}
    before = {name: tensor.clone() for name, tensor in d.network.state_dict().items()}
    for _ in range(2):
        d.let_learn(False)
        assert not any(parameter.requires_grad for parameter in d.parameters())
        d.let_learn(True)
        optimiser = torch.optim.Adam(d.learning(), lr=0.1)
        d(normal(4, 3, 8, 8), classes(d.network.config, 4)).sum().backward()
        optimiser.step()
    same = {name for name, tensor in d.network.state_dict().items() if torch.equal(tensor, before[name])}
    same = {name.rpartition(".")[0] for name in same if name.endswith(("weight", "bias"))}
    assert same == {"b8.fromrgb", "b8.conv0", "b8.conv1"}


@pytest.mark.parametrize("frozen", [-1, 100])
def test_freeze_d_leaves_something_to_learn(frozen: int) -> None:
    with pytest.raises(StyleScopeError, match=r"FreezeD wants -?\d+ layers; this discriminator has \d+"):
        TrainableDiscriminator(spec(DISCRIMINATORS["progan"]), frozen)


def test_batches_fit_the_groups_of_the_minibatch_standard_deviation() -> None:
    for name, config in DISCRIMINATORS.items():
        d = TrainableDiscriminator(spec(config))
        for batch in (1, 2, 3, 4, 8):
            check_batch(config, batch)
            assert d(normal(batch, 3, 8, 8), classes(config, batch)).shape == (batch, 1), name
        with pytest.raises(StyleScopeError, match=r"leaves a group of 2 .* use 4 or 8"):
            check_batch(config, 6)
        with pytest.raises(StyleScopeError, match="has to be 1 or more"):
            check_batch(config, 0)
    for group in (None, 3):
        check_batch(DISCRIMINATORS["progan"].model_copy(update={"mbstd_group_size": group}), 6)


def test_a_model_of_half_the_size_starts_another() -> None:
    small = spec(GeneratorConfig(**SMALL, **MAPPING))
    large = GeneratorConfig(**{**SMALL, "img_resolution": 16, "channel_base": 64}, **MAPPING, c_dim=3)
    start, fresh = transferred(large, small, seed=1)
    assert torch.equal(start.tensors["synthesis.b8.conv1.weight"], small.tensors["synthesis.b8.conv1.weight"])
    untrained = random_spec(large, 1).tensors
    assert all(torch.equal(start.tensors[name], untrained[name]) for name in fresh)
    # The class's embedding makes the first mapping layer wider.
    assert {name.split(".")[1] for name in fresh} == {"embed", "fc0", "b16"}
    assert TrainableGenerator(start)(normal(1, 4), torch.eye(3)[:1])[0].shape == (1, 3, 16, 16)


def test_a_model_of_another_kind_starts_nothing() -> None:
    with pytest.raises(StyleScopeError, match=r"No layer of the progan model .* stylegan3 network"):
        transferred(GENERATORS["stylegan3-t"], spec(GENERATORS["progan"]), seed=0)


PAIRS = [("stylegan2 skip", "stylegan2 resnet"), ("stylegan1", "stylegan1"), ("progan", "progan")]


@pytest.mark.parametrize(("name", "judge_name"), PAIRS)
@pytest.mark.parametrize("seed", [0, 1])
def test_two_steps_lower_the_losses_they_should(name: str, judge_name: str, seed: int) -> None:
    g, d = (
        TrainableGenerator(random_spec(GENERATORS[name], seed)),
        TrainableDiscriminator(random_spec(DISCRIMINATORS[judge_name], seed)),
    )
    z, real, c = normal(4, 4), normal(4, 3, 8, 8, seed=9) * 0.3 + 0.5, classes(g.network.config, 4)

    def d_loss() -> Tensor:
        fake, images = g(z, c, chance())[0].detach(), real.clone().requires_grad_()
        scores = d(images, c)
        if name == "progan":
            return wgan_d(scores, d(fake, c)) + gradient_penalty(lambda x: d(x, c), images, fake, chance())
        return logistic_d(scores, d(fake, c)) + r1(images, scores, 1.0)

    def g_loss() -> Tensor:
        scores = d(g(z, c, chance())[0], c)
        return wgan_g(scores) if name == "progan" else logistic_g(scores)

    def lowered(loss: Any, parameters: Any) -> list[float]:
        optimiser, found = torch.optim.Adam(parameters, lr=1e-4, betas=(0.0, 0.99)), []
        for _ in range(2):
            optimiser.zero_grad()
            value = loss()
            found.append(value.item())
            value.backward()
            optimiser.step()
        return [*found, loss().item()]

    for learner, other, loss in ((d, g, d_loss), (g, d, g_loss)):
        other.requires_grad_(False)
        values = lowered(loss, learner.parameters())
        other.requires_grad_(True)
        assert values[0] > values[1] > values[2]


def test_sixteen_bits_where_networks_are_made_for_them() -> None:
    settings = {**SMALL, "num_fp16_res": 1, "conv_clamp": 256.0}
    g = TrainableGenerator(spec(GeneratorConfig(**settings, **MAPPING)))
    d = TrainableDiscriminator(spec(DiscriminatorConfig(**settings)))
    z = normal(2, 4)
    images, _ = g(z, half=torch.bfloat16)
    scores = d(images, half=torch.bfloat16)
    assert images.dtype == scores.dtype == torch.float32
    scores.sum().backward()
    exact = d(g(z)[0])
    assert 0 < (scores - exact).abs().max() < 0.1
    assert all(parameter.grad is not None for parameter in (*g.parameters(), *d.parameters()))
