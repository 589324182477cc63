"""Pictures that are not square or have alpha: sizes from a base, networks, files, and what a Scene does on them."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors import safe_open

from stylegan_core import progan, stylegan1
from stylegan_core.checkpoint import read_generator
from stylegan_core.config import SQUARE, DiscriminatorConfig, GeneratorConfig, sizes_for
from stylegan_core.develop import develop, laid_over
from stylegan_core.equivariance import equivariance
from stylegan_core.labels import BACKGROUND, LIMIT_PX, plan_sheet
from stylegan_core.ladder import ladder_picture, ladder_scenes
from stylegan_core.model import Model, build_discriminator, build_generator, random_spec
from stylegan_core.models import ModelStore
from stylegan_core.network import DiscriminatorNetwork
from stylegan_core.noise import noise_maps
from stylegan_core.picture import write_png
from stylegan_core.render import Renderer, render
from stylegan_core.safetensors_file import write
from stylegan_core.scene import Ladder, ModelRef, Noise, Scene, Stroke, Transform, View
from stylegan_core.strokes import coverage
from stylegan_core.stylegan3 import StyleGAN3Config
from stylegan_core.transform import picture_matrix, warp

SHAPE: dict[str, Any] = {"img_resolution": 32, "base_size": (6, 4), "img_channels": 4}
SMALL: dict[str, Any] = {"channel_base": 64, "channel_max": 4}
LATENT: dict[str, Any] = {"z_dim": 4, "w_dim": 4, "mapping_layers": 2}
GENERATORS = {
    "skip": GeneratorConfig(**SHAPE, **SMALL, **LATENT),
    "resnet": GeneratorConfig(**SHAPE, **SMALL, **LATENT, architecture="resnet"),
    "progressive": GeneratorConfig(**SHAPE, **SMALL, **LATENT, architecture="progressive"),
    "stylegan3": StyleGAN3Config(**SHAPE, **SMALL, **LATENT, num_layers=4, margin_size=3),
    "stylegan1": stylegan1.GeneratorConfig(**SHAPE, **SMALL, **LATENT, mapping_layer_features=4),
    "stylegan1 of w": stylegan1.GeneratorConfig(**SHAPE, **SMALL, **LATENT, const_input_layer=False),
    "progan": progan.GeneratorConfig(**SHAPE, **SMALL, z_dim=4),
}
DISCRIMINATORS = {
    "resnet": DiscriminatorConfig(**SHAPE, **SMALL),
    "skip": DiscriminatorConfig(**SHAPE, **SMALL, architecture="skip"),
    "stylegan1": stylegan1.DiscriminatorConfig(**SHAPE, **SMALL),
    "progan": progan.DiscriminatorConfig(**SHAPE, **SMALL),
}
OBLONG = ModelRef(digest="oblong")


def model_of(config: Any) -> Model:
    spec = random_spec(config, 3)
    for name, tensor in spec.tensors.items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.3)
    return build_generator(spec, OBLONG.digest, "oblong")


def pixels(model: Model, **scene: Any) -> np.ndarray:
    models = ModelStore()
    models.add(model)
    frame = render(Scene(model=OBLONG, **scene), models)
    assert frame.error is None and frame.pixels is not None
    return frame.pixels.numpy()


# -- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "resolution", "base"),
    [
        ((96, 64), 64, (6, 4)),
        ((32, 48), 32, (4, 6)),
        ((288, 512), 128, (9, 16)),
        ((64, 64), 64, SQUARE),
        ((48, 48), 32, (6, 6)),
        ((1080, 1920), 0, ()),
        ((33, 47), 0, ()),
    ],
)
def test_the_base_of_a_size_is_found(size: tuple[int, int], resolution: int, base: tuple[int, ...]) -> None:
    if not resolution:
        with pytest.raises(ValueError, match=rf"^pictures of {size[1]} x {size[0]} px do not come from"):
            sizes_for(*size)
        return
    assert sizes_for(*size) == (resolution, base)
    assert GeneratorConfig(img_resolution=resolution, base_size=base).img_size == size


@pytest.mark.parametrize("base", [(1, 4), (4, 33), (4, 4, 4), (4.5, 4)])
def test_a_base_out_of_range_is_refused(base: Any) -> None:
    with pytest.raises(ValidationError, match="base_size"):
        GeneratorConfig(img_resolution=64, base_size=base)


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValidationError, match="more than 4096 px"):
        DiscriminatorConfig(img_resolution=4096, base_size=(4, 5))
    with pytest.raises(ValidationError, match="no whole number of px"):
        StyleGAN3Config(img_resolution=17, base_size=(5, 4))
    with pytest.raises(ValidationError, match="is too low for pictures of this base_size"):
        StyleGAN3Config(img_resolution=16, base_size=(5, 4), first_stopband=0.5, first_cutoff=0.4)


# -- networks and files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_makes_pictures_of_its_size(name: str, tmp_path: Path) -> None:
    model = model_of(GENERATORS[name])
    card = model.card
    assert (card.height, card.width, card.size_words(), card.size_words(4)) == (48, 32, "32×48", "4×6")
    img = model.synthesize(model.map(torch.ones(2, 4)))
    assert img.shape == (2, 4, 48, 32) and img.isfinite().all()
    assert img.std(dim=(2, 3)).min() > 0
    for layer in card.layers:
        if layer.has_noise:
            assert model.network.noise_of(layer.name)[0].shape == card.size_at(layer.resolution)
    spec = random_spec(GENERATORS[name], 1)
    write(spec, tmp_path / "oblong.safetensors")
    assert read_generator(tmp_path / "oblong.safetensors").config == GENERATORS[name]


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_every_discriminator_judges_them(name: str) -> None:
    judge = build_discriminator(random_spec(DISCRIMINATORS[name], 2), "oblong")
    assert isinstance(judge.network, DiscriminatorNetwork)
    img = torch.randn(2, 4, 48, 32, generator=torch.Generator().manual_seed(0))
    assert judge(img).shape == (2, 1)
    moved = img.clone()
    moved[:, 3] += 1  # alpha counts
    assert not torch.equal(judge(img), judge(moved))


def test_a_square_file_says_nothing_of_a_base(tmp_path: Path) -> None:
    """So that it is what it was before there were others, to the bit."""
    write(random_spec(GeneratorConfig(img_resolution=8, **SMALL, **LATENT), 0), tmp_path / "square.safetensors")
    with safe_open(tmp_path / "square.safetensors", framework="pt") as file:
        assert "base_size" not in json.loads(file.metadata()["config"])


# -- Scenes ------------------------------------------------------------------------------------------------------------


def test_a_rendered_picture_has_the_size_and_alpha() -> None:
    assert pixels(model_of(GENERATORS["skip"])).shape == (48, 32, 4)


def test_random_noise_has_each_layer_s_shape() -> None:
    model = model_of(GENERATORS["skip"])
    still, other = (pixels(model, noise=Noise(mode="random", seed=seed)) for seed in (1, 2))
    assert still.shape == other.shape and not np.array_equal(still, other)


def test_a_brush_is_round() -> None:
    """Wherever it is on an oblong map it covers what it covers on a square one."""
    square = coverage(((0.5, 0.5),), 0.25, 16)
    oblong = coverage(((0.5, 24.0 / 32),), 0.25, 32, 16)
    assert torch.equal(oblong[16:], square) and not oblong[:16].any()
    line = coverage(((0.25, 0.5), (0.25, 1.0)), 0.1, 16, 32)  # y from 8 to 16, x at 8 of 32
    torch.testing.assert_close(line[:, :16], coverage(((0.5, 0.5), (0.5, 1.0)), 0.1, 16))


def test_strokes_change_their_part_of_the_picture() -> None:
    stroke = Stroke(layer=6, points=((0.5, 0.25),), radius=0.2, value=4.0)
    const = torch.zeros(48, 32)
    values = noise_maps(Noise(strokes=(stroke,)))(6, const)
    assert values is not None and values.shape == (1, 1, 48, 32)
    rows, columns = values[0, 0].nonzero().unbind(dim=1)
    assert rows.min() >= 5 and rows.max() < 19  # 12 ± 6.4 px
    assert columns.min() >= 9 and columns.max() < 23  # 16 ± 6.4 px


def test_a_quarter_turn_keeps_shapes() -> None:
    """What turns about the middle of an oblong picture is not squeezed by its sides."""
    square = torch.zeros(1, 1, 8, 8)
    square[0, 0, 1:4, 2:4] = 1.0
    oblong = torch.nn.functional.pad(square, (0, 0, 4, 4))
    matrix = picture_matrix(Transform(rotation=90.0))
    turned = warp(oblong, matrix)
    torch.testing.assert_close(turned[:, :, 4:12], warp(square, matrix), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned[:, :, 4:12], square.rot90(-1, (2, 3)), atol=1e-5, rtol=0)


def test_moves_count_in_shorter_sides() -> None:
    img = torch.randn(1, 1, 16, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(warp(img, picture_matrix(Transform(x=0.25, y=-0.5)))[:, :, :-4, 2:], img[:, :, 4:, :-2])


@pytest.mark.parametrize("base", [(6, 4), (8, 12)])
def test_stylegan3_moves_as_far_as_its_pictures(base: tuple[int, int]) -> None:
    config = StyleGAN3Config(**{**SHAPE, "base_size": base}, **SMALL, **LATENT, num_layers=6, first_cutoff=1.0)
    found = equivariance(model_of(config), pictures=1)
    assert found.eq_t_db > 30 and found.eq_t_frac_db > 25


def test_an_untransformed_oblong_picture_stands_still() -> None:
    model = model_of(GENERATORS["stylegan3"])
    back = pixels(model, transform=Transform(x=2 / 32, y=-4 / 32, untransform=True)).astype(int)
    assert math.isclose(np.abs(back - pixels(model).astype(int))[8:-8, 6:-6].mean(), 0, abs_tol=3)


# -- alpha -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_gain_leaves_alpha_alone(channels: int, bits: int) -> None:
    img = torch.randn(channels, 3, 2, generator=torch.Generator().manual_seed(1)) * 0.3
    plain, stronger = develop(img, bits=bits).int(), develop(img, View(gain_db=6.0), bits).int()
    assert torch.equal(plain[..., -1], stronger[..., -1]) and not torch.equal(plain[..., :-1], stronger[..., :-1])
    for channel in range(channels):
        assert torch.equal(develop(img, View(channel=channel), bits)[..., 0].int(), plain[..., channel])
    ends = develop(torch.tensor([-1.0, 1.0]).expand(channels, 1, 2), bits=bits).int()
    assert ends[0, :, -1].tolist() == [0, 2**bits - 1]


def test_a_capture_has_straight_alpha(tmp_path: Path) -> None:
    for channels, mode in ((2, "LA"), (4, "RGBA")):
        values = np.random.default_rng(0).integers(0, 256, (6, 4, channels), np.uint8)
        write_png(tmp_path / "picture.png", values, Scene())
        with Image.open(tmp_path / "picture.png") as image:
            assert image.mode == mode and np.array_equal(np.asarray(image), values)


def test_what_is_transparent_shows_what_it_is_laid_over() -> None:
    rgba = torch.tensor([[[200, 100, 0, 0], [200, 100, 0, 255], [200, 100, 0, 51]]], dtype=torch.uint8)
    assert laid_over(rgba, (0, 50, 250)).tolist() == [[[0, 50, 250], [200, 100, 0], [40, 60, 200]]]


# -- sheets ------------------------------------------------------------------------------------------------------------


def test_a_sheet_s_cells_have_the_pictures_shape() -> None:
    sheet = plan_sheet(32, ["a", "b"], ["c", "d", "e"], "", 48)
    assert (sheet.cell_px, sheet.cell_height) == (96, 144)
    (left, top), (right, bottom) = sheet.place(0, 0), sheet.place(1, 1)
    assert (right - left, bottom - top) == (96 + sheet.gap_px, 144 + sheet.gap_px)
    large = plan_sheet(2048, ["a"] * 8, ["b"] * 3, "", 1024)
    assert max(large.size) <= LIMIT_PX and large.cell_px == pytest.approx(2 * large.cell_height, abs=2)


def test_a_ladder_of_oblong_pictures_shows_them_over_the_background() -> None:
    models = ModelStore()
    models.add(model_of(GENERATORS["skip"]))
    scene, renderer = Scene(model=OBLONG, ladder=Ladder(first=0.0, last=1.0, rungs=2)), Renderer(models)
    picture = ladder_picture(renderer, scene)
    sheet = plan_sheet(32, (), ["0", "1"], "psi", 48)
    for index, rung in enumerate(ladder_scenes(scene)):
        (x, y), rgba = sheet.place(None, index), renderer.pixels(rung)
        wanted = laid_over(torch.from_numpy(rgba), BACKGROUND).numpy().repeat(3, axis=0).repeat(3, axis=1)
        found = picture[y : y + 144, x : x + 96]
        assert np.abs(found.astype(int) - wanted).max() <= 1
