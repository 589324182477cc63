"""Augmentation as a whole: chance, gradients, and what reaches which picture."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from train.augment import PRESETS, AugmentConfig, Draws, apply, augment, draw, pipeline
from train.augment.config import GROUPS
from train.augment.constants import constant
from train.augment.matrices import is_changed
from train.chance import Chance

ALL = AugmentConfig.preset("bgcfnc")
SHARES = [field for fields in GROUPS.values() for field in fields]


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=generator(0), dtype=dtype)


def only(**shares: float) -> AugmentConfig:
    return AugmentConfig.model_validate(dict.fromkeys(SHARES, 0.0) | shares)


def drawn(config: AugmentConfig, p: float, count: int = 4000, size: tuple[int, int] = (8, 8)) -> Draws:
    return draw((count, 3, *size), p, Chance(generator()), config, torch.empty(0))


def values(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor


def share_of(condition: Tensor) -> float:
    return condition.double().mean().item()


def near(expected: float, count: int = 4000) -> object:
    """Within four and a half standard deviations of a share of `count`."""
    return pytest.approx(expected, abs=4.5 * math.sqrt(max(expected * (1 - expected), 1e-9) / count) + 1e-9)


@pytest.mark.parametrize("preset", PRESETS)
def test_p_of_zero_is_the_identity(preset: str) -> None:
    x = random(4, 3, 8, 8)
    assert torch.equal(augment(x, 0.0, generator(), AugmentConfig.preset(preset)), x)


def test_nothing_switched_on_is_the_identity() -> None:
    x = random(4, 3, 8, 8)
    assert torch.equal(augment(x, 1.0, generator(), AugmentConfig.preset("none")), x)


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "none"])
def test_pictures_nothing_is_drawn_for_stay_to_the_bit(preset: str) -> None:
    x = random(200, 3, 4, 4, dtype=torch.float32)
    same = (augment(x, 0.05, generator(), AugmentConfig.preset(preset)) == x).flatten(1).all(1)
    assert 0 < same.sum() < 200


@pytest.mark.parametrize("preset", PRESETS)
def test_gradients_of_first_and_second_order(preset: str) -> None:
    x, config = random(2, 3, 3, 4).requires_grad_(True), AugmentConfig.preset(preset)

    def augmented(images: Tensor) -> Tensor:
        return augment(images, 0.9, generator(), config)

    assert torch.autograd.gradcheck(augmented, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(augmented, x, fast_mode=True)


def test_every_derivative_of_the_default_set() -> None:
    x = random(2, 1, 3, 3).requires_grad_(True)
    config = AugmentConfig()
    assert torch.autograd.gradcheck(lambda images: augment(images, 0.9, generator(), config), x)
    assert torch.autograd.gradgradcheck(lambda images: augment(images, 0.9, generator(), config), x)


def test_the_gradient_of_a_gradient_penalty() -> None:
    """R1 of a critic that sees augmented pictures: its gradient reaches the critic and the pictures."""
    x, weight = random(2, 3, 4, 4).requires_grad_(True), random(3, 4, 4).requires_grad_(True)

    def penalty(images: Tensor, weights: Tensor) -> Tensor:
        score = (augment(images, 0.9, generator(), ALL) * weights).tanh().sum()
        (gradient,) = torch.autograd.grad(score, images, create_graph=True)
        return gradient.square().sum()

    assert torch.autograd.gradcheck(penalty, (x, weight), fast_mode=True)


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "none"])
def test_the_generator_decides_and_nothing_else(preset: str) -> None:
    x, config = random(6, 3, 8, 8), AugmentConfig.preset(preset)
    once = augment(x, 0.8, generator(), config)
    torch.manual_seed(99)
    assert torch.equal(once, augment(x, 0.8, generator(), config))
    assert not torch.equal(once, augment(x, 0.8, generator(2), config))


def test_p_decides_which_pictures_are_changed_but_not_what_comes_next() -> None:
    after = []
    for p in (0.1, 0.9):
        numbers = generator()
        draw((5, 3, 4, 4), p, Chance(numbers), ALL, torch.empty(0))
        after.append(torch.rand(3, generator=numbers))
    assert torch.equal(*after)


def test_pictures_do_not_depend_on_each_other() -> None:
    x = random(5, 3, 8, 8)
    draws = draw((5, 3, 8, 8), 0.9, Chance(generator()), ALL, x)
    alone = [apply(x[i : i + 1], Draws(*(values(drawn)[i : i + 1] for drawn in draws))) for i in range(5)]
    torch.testing.assert_close(apply(x, draws), torch.cat(alone), rtol=0, atol=1e-12)


def test_draws_do_not_depend_on_each_other() -> None:
    draws = drawn(only(hue=1, fractional_translation=1, noise=1, cutout=1), 1.0)
    columns = [
        values(draws.geometry)[:, 0, 2],
        values(draws.geometry)[:, 1, 2],
        values(draws.colour)[:, 0, 1],
        values(draws.noise)[:, 0, 0, 0],
        values(draws.holes)[:, 0],
        values(draws.holes)[:, 1],
    ]
    table = torch.stack([column[i::2] for column in columns for i in range(2)])  # neighbours apart
    others = torch.corrcoef(table) - torch.eye(len(table))
    assert others.abs().max() < 4.5 / math.sqrt(2000)


def test_processes_share_the_draws_of_one() -> None:
    x = random(6, 3, 8, 8)
    parts = [augment(x[rank::2], 0.8, Chance(generator(), rank, 2), ALL) for rank in range(2)]
    whole = augment(x, 0.8, generator(), ALL)
    torch.testing.assert_close(torch.stack(parts, dim=1).flatten(0, 1), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("p", [0.3, 0.8, 1.0])
@pytest.mark.parametrize(
    ("field", "changing"),  # of a transformation that is applied: how often it is not the identity
    [
        ("x_flip", 1 / 2),
        ("quarter_turn", 3 / 4),
        ("isotropic_scaling", 1),
        ("anisotropic_scaling", 1),
        ("rotation", 1),
        ("fractional_translation", 1),
        ("brightness", 1),
        ("contrast", 1),
        ("luma_flip", 1 / 2),
        ("hue", 1),
        ("saturation", 1),
    ],
)
def test_each_matrix_is_applied_with_probability_p(field: str, changing: float, p: float) -> None:
    matrix = next(each for each in drawn(only(**{field: 1.0}), p) if each is not None)
    assert share_of(is_changed(matrix)) == near(p * changing)


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_what_is_no_matrix_is_applied_with_probability_p(p: float) -> None:
    draws = drawn(only(amplification=1, noise=1, cutout=1), p)
    assert share_of(values(draws.noise).flatten(1).any(1)) == near(p)
    assert share_of(values(draws.holes)[:, 2] > 0) == near(p)
    assert share_of((values(draws.gains) != 1).any(1)) == near(1 - (1 - p) ** 4)


def test_a_share_multiplies_p() -> None:
    assert share_of(is_changed(values(drawn(only(hue=0.5), 0.6).colour))) == near(0.3)


@pytest.mark.parametrize("p", [0.2, 0.6, 0.9])
def test_upright_pictures_remain_the_most_frequent_so_that_nothing_leaks(p: float) -> None:
    """Appendix C: a turn by 0, 90, 180 and 270 degrees is told apart by how often it comes as long as p is below 1."""
    flips = values(drawn(only(x_flip=1), p).blit)
    assert share_of(flips[:, 0, 0] < 0) == near(p / 2)
    turns = values(drawn(only(quarter_turn=1), p).blit)
    assert share_of(~is_changed(turns)) == near(1 - 3 / 4 * p)
    for cosine, sine in ((0, 1), (-1, 0), (0, -1)):
        assert share_of((turns[:, 0, 0] == cosine) & (turns[:, 1, 0] == sine)) == near(p / 4)


def test_whole_translations_are_uniform_up_to_an_eighth() -> None:
    shifts = values(drawn(only(integer_translation=1), 1.0, size=(16, 32)).blit)[:, :2, 2]
    x, y = shifts.unbind(1)
    assert sorted(set(x.tolist())) == list(range(-4, 5)) and sorted(set(y.tolist())) == list(range(-2, 3))
    assert share_of(x == 3) == near(1 / 8) and share_of(x == 4) == near(1 / 16)
    assert share_of(y == 0) == near(1 / 4) and share_of(y == 2) == near(1 / 8)
    assert abs(torch.corrcoef(torch.stack([x, y]))[0, 1]) < 4.5 / math.sqrt(4000)


def test_translation_comes_after_scaling() -> None:
    """So its distance is in pixels of the result, whatever the scale."""
    config = only(isotropic_scaling=1, isotropic_scaling_log2=2, fractional_translation=1)
    lookup = values(drawn(config, 1.0, size=(8, 8)).geometry)
    assert spread(lookup[:, 0, 2] / lookup[:, 0, 0] / 8) == pytest.approx(0.125, rel=0.05)


def spread(sample: Tensor) -> float:
    return sample.double().square().mean().sqrt().item()


def test_strengths_are_the_papers() -> None:
    """Standard deviations of what is drawn at p = 1, to within 5 % (4.5 deviations of an estimate from 4000)."""

    def matrix_of(field: str, **size: tuple[int, int]) -> Tensor:
        return next(each for each in drawn(only(**{field: 1.0}), 1.0, **size) if each is not None)

    def about(value: float) -> object:
        return pytest.approx(value, rel=0.05)

    scaling, stretching = matrix_of("isotropic_scaling"), matrix_of("anisotropic_scaling")
    assert spread(scaling[:, 0, 0].log2()) == about(0.2) and torch.equal(scaling[:, 0, 0], scaling[:, 1, 1])
    assert spread(stretching[:, 0, 0].log2()) == about(0.2)
    torch.testing.assert_close(stretching[:, 0, 0] * stretching[:, 1, 1], torch.ones(4000))
    moved = matrix_of("fractional_translation", size=(16, 32))
    assert spread(moved[:, 0, 2] / 32) == about(0.125) and spread(moved[:, 1, 2] / 16) == about(0.125)
    assert spread(matrix_of("brightness")[:, 0, 3]) == about(0.2)
    assert spread(matrix_of("contrast")[:, 0, 0].log2()) == about(0.5)
    saturated = matrix_of("saturation")
    assert spread((saturated[:, 0, 0] - saturated[:, 0, 1]).log2()) == about(1.0)
    assert spread(values(drawn(only(noise=1), 1.0).noise)) == about(0.1)
    turned, hued = matrix_of("rotation"), matrix_of("hue")
    assert spread(torch.atan2(turned[:, 1, 0], turned[:, 0, 0])) == about(math.pi / math.sqrt(3))
    sines = (hued[:, 1, 0] - hued[:, 0, 1]) * math.sqrt(3) / 2
    assert spread(sines) == about(math.sqrt(1 / 2)) and abs(sines.mean()) < 0.05


def test_rotation_below_p_of_one_comes_before_or_after_stretching_or_both() -> None:
    p = 0.6
    lookup = values(drawn(only(rotation=1, anisotropic_scaling=1), p).geometry)
    both_sides = lookup.transpose(1, 2) @ lookup  # free of a rotation that is applied last in the lookup
    either = 1 - math.sqrt(1 - p)
    off_axis = both_sides[:, 0, 1].abs() > 1e-4  # a stretch, and a rotation after it
    assert share_of(off_axis) == near(p * either)


def test_one_amplified_band_keeps_the_expected_power() -> None:
    gains = values(drawn(only(amplification=1), 0.3).gains).double()
    power = torch.tensor([10.0, 1, 1, 1], dtype=torch.float64) / 13
    one = torch.tensor([len(set(row)) == 2 for row in gains.tolist()])
    assert 1000 < one.sum() < 2500
    torch.testing.assert_close(
        gains[one].square() @ power, torch.ones(int(one.sum()), dtype=torch.float64), rtol=1e-5, atol=0
    )
    factor = gains[one].sort(1).values
    middle = factor[:, 1]
    odd_one = torch.where((factor[:, 0] - middle).abs() > (factor[:, 3] - middle).abs(), factor[:, 0], factor[:, 3])
    assert spread((odd_one / factor[:, 1:3].mean(1)).log2()) == pytest.approx(1.0, rel=0.15)


def test_order_of_colours_is_the_papers() -> None:
    """Brightness comes before contrast, so the offset is multiplied with it."""
    config = only(brightness=1, contrast=1)
    both = values(drawn(config, 1.0).colour)
    factor, offset = both[:, 0, 0], both[:, 0, 3]
    assert spread(offset / factor) == pytest.approx(0.2, rel=0.05)


def test_a_blit_comes_before_a_movement() -> None:
    places = torch.arange(32, dtype=torch.float64)
    x = (torch.sin(0.3 * places)[:, None] + torch.cos(0.2 * places))[None, None]
    four_right = torch.tensor([[[1.0, 0, -4], [0, 1, 0], [0, 0, 1]]])
    turn = torch.tensor([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    moved = apply(x, Draws(blit=turn, geometry=four_right))
    expected = torch.rot90(x, 1, dims=(2, 3)).roll(4, dims=3)
    assert (moved - expected)[:, :, 10:-10, 12:-10].abs().max() < 0.01
    assert (expected - torch.rot90(x.roll(4, dims=3), 1, dims=(2, 3)))[:, :, 10:-10, 12:-10].abs().max() > 0.5


def test_cutout_is_a_grey_rectangle_of_half_the_size() -> None:
    x = torch.ones(2, 3, 8, 4)
    holes = torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.0, 1.0, 0.5, 0.5]])
    result = apply(x, Draws(holes=holes))
    expected = x.clone()
    expected[0, :, 2:6, 1:3] = 0
    expected[1, :, 6:, :1] = 0
    assert torch.equal(result, expected)


def test_noise_is_added() -> None:
    x, noise = random(2, 3, 4, 4), random(2, 3, 4, 4) * 0.1
    assert torch.equal(apply(x, Draws(noise=noise)), x + noise)


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 8, 8), (3, 12, 7), (4, 5, 16), (5, 4, 4), (3, 2, 2), (3, 1, 1)])
def test_any_number_of_channels_and_any_size(shape: tuple[int, int, int]) -> None:
    x = random(6, *shape, dtype=torch.float32)
    result = augment(x, 0.9, generator(), ALL)
    assert result.shape == x.shape and result.dtype == x.dtype and result.isfinite().all()
    assert not torch.equal(result, x)


def test_alpha_moves_with_the_colours_but_is_not_recoloured() -> None:
    alpha = random(8, 1, 9, 9)
    x = torch.cat([random(8, 3, 9, 9), alpha], dim=1)
    everything = augment(x, 0.9, generator(), AugmentConfig())
    draws = draw((8, 4, 9, 9), 0.9, Chance(generator()), AugmentConfig(), x)
    moved = apply(alpha, draws._replace(colour=None))
    torch.testing.assert_close(everything[:, 3:], moved, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(5, 8), (8, 5), (6, 4)])
def test_blits_of_oblong_pictures_only_copy_pixels(height: int, width: int) -> None:
    x = torch.arange(height * width, dtype=torch.float64).reshape(1, 1, height, width).repeat(50, 1, 1, 1)
    blitted = augment(x, 1.0, generator(), AugmentConfig.preset("blit"))
    assert torch.equal(blitted, blitted.round())
    middle = blitted[:, 0, 1:-1, 1:-1]
    steps = {int(step) for step in (middle[:, :, 1:] - middle[:, :, :-1]).flatten()}
    assert {1, -1, width, -width} <= steps, "neighbours remain neighbours, in rows or in columns"


def test_precisions_agree() -> None:
    x = random(8, 3, 24, 20)
    double, single = (augment(image, 0.8, generator(), ALL) for image in (x, x.float()))
    torch.testing.assert_close(single.double(), double, rtol=0, atol=2e-3)


def test_mixed_precision_outside_makes_no_difference() -> None:
    x = random(4, 3, 16, 16, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = augment(x, 0.9, generator(), ALL)
    assert torch.equal(mixed, augment(x, 0.9, generator(), ALL))


def test_numbers_first_needed_in_inference_serve_training_too() -> None:
    constant.cache_clear()
    with torch.inference_mode():
        numbers = constant((1.0, 2.0), torch.device("cpu"), torch.float32)
    assert not numbers.is_inference()
    assert constant((1.0, 2.0), torch.device("cpu"), torch.float32) is numbers


def test_a_gpu_changes_all_and_keeps_some_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    x = random(8, 3, 6, 7).requires_grad_(True)
    some = augment(x, 0.3, generator(), ALL)
    monkeypatch.setattr(pipeline, "change_some", pipeline.change_all)
    everything = augment(x, 0.3, generator(), ALL)
    torch.testing.assert_close(everything, some, rtol=0, atol=1e-12)
    gradients = [torch.autograd.grad(result.square().sum(), x)[0] for result in (some, everything)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


def test_nothing_is_asked_of_a_device() -> None:
    """Tensors of the meta device have no values, so whoever asks for one fails."""
    x = random(4, 3, 8, 8, dtype=torch.float32).to("meta").requires_grad_(True)
    result = augment(x, 0.7, generator(), ALL)
    result.sum().backward()
    assert result.shape == x.shape and x.grad is not None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_not_waited_for_and_gives_the_same() -> None:
    x = random(4, 3, 16, 16, dtype=torch.float32)
    draws = draw((4, 3, 16, 16), 0.9, Chance(generator()), ALL, x)
    there, drawn_there = x.cuda(), Draws(*(values(each).cuda() for each in draws))
    numbers = torch.Generator("cuda").manual_seed(1)
    augment(there, 0.9, numbers, ALL)  # brings the constants there
    torch.cuda.set_sync_debug_mode("error")
    try:
        augment(there, 0.9, numbers, ALL)
        result = apply(there, drawn_there)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(result.cpu(), apply(x, draws), rtol=0, atol=2e-3)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="probability p"):
        augment(random(1, 3, 4, 4), p, generator(), ALL)


@pytest.mark.parametrize("images", [torch.zeros(3, 4, 4), torch.zeros(1, 3, 4, 4, dtype=torch.bfloat16)])
def test_what_are_no_pictures_is_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match="float32 or float64"):
        augment(images, 0.5, generator(), ALL)


def test_presets_switch_groups() -> None:
    assert AugmentConfig.preset("bgc") == AugmentConfig()
    geometry = AugmentConfig.preset("geom")
    assert [name for name in SHARES if getattr(geometry, name)] == list(GROUPS["geom"])
    with pytest.raises(ValueError, match=r"no augmentation 'bgx'.*bgcfnc"):
        AugmentConfig.preset("bgx")


def test_a_config_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError, match="colour"):
        AugmentConfig.model_validate({"colour": 1.0})
    with pytest.raises(ValidationError, match="x_flip"):
        AugmentConfig(x_flip=1.5)
