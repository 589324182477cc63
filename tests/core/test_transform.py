"""Matrices mean what they say, finished pictures move by them, and every family moves by the same amount."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import stylegan_core as sg
from stylegan_core.scene import Transform
from stylegan_core.transform import input_matrix, motion, picture_matrix, resample, warp
from tests.strategies import tiny_model, transforms

GOLDEN = Path(__file__).parents[1] / "golden"
EYE = torch.eye(3, dtype=torch.float64)
SIZE = 64


def places(size: int = SIZE) -> tuple[Tensor, Tensor]:
    """x [1, size] and y [size, 1] of pixels in the picture's coordinates."""
    at = (torch.arange(size, dtype=torch.float64) + 0.5) / size - 0.5
    return at[None, :], at[:, None]


def drawn(x: Tensor, y: Tensor) -> Tensor:
    """A smooth picture at any places: nothing in it is finer than 8 px of 64."""
    return torch.sin(30 * x + 17 * y) * 0.5 + torch.cos(40 * y - 8 * x + 1) * 0.4


def seen_at(matrix: Tensor, size: int = SIZE) -> Tensor:
    """`drawn` under a matrix from places shown to places in the picture."""
    x, y = places(size)
    m = matrix.tolist()
    return drawn(m[0][0] * x + m[0][1] * y + m[0][2], m[1][0] * x + m[1][1] * y + m[1][2])


def sources_inside(matrix: Tensor, margin_px: float) -> Tensor:
    x, y = places()
    m = matrix.tolist()
    sx, sy = m[0][0] * x + m[0][1] * y + m[0][2], m[1][0] * x + m[1][1] * y + m[1][2]
    return (sx.abs() < 0.5 - margin_px / SIZE) & (sy.abs() < 0.5 - margin_px / SIZE)


# -- matrices ----------------------------------------------------------------------------------------------------------


def test_the_input_matrix_is_the_one_of_the_official_tools() -> None:
    """What gen_images.py makes of --translate 0.1,-0.07 --rotate 30, which counts angles the other way."""
    arrays = np.load(GOLDEN / "sg3t_64.npz")
    transform = Transform(x=0.1, y=-0.07, rotation=-30.0)
    np.testing.assert_allclose(picture_matrix(transform), arrays["transform_m"], atol=1e-7)
    np.testing.assert_allclose(input_matrix(transform), arrays["transform_inv"], atol=1e-7)


@pytest.mark.parametrize("name", ["sg3t_64", "sg3r_64"])
def test_pictures_are_moved_as_the_official_code_moves_them(name: str) -> None:
    arrays = np.load(GOLDEN / f"{name}.npz")
    model = sg.load_model(GOLDEN / f"{name}.pkl")
    matrix = input_matrix(Transform(x=0.1, y=-0.07, rotation=-30.0))
    img = model.synthesize(torch.from_numpy(arrays["ws_psi1"]), transform=matrix)
    np.testing.assert_allclose(img, arrays["img_psi1_transform"], atol=1e-4)


@pytest.mark.parametrize(
    ("transform", "point", "expected"),
    [
        (Transform(), (0.25, 0.125), (0.25, 0.125)),
        (Transform(x=0.5, y=-0.25), (0.0, 0.0), (0.5, -0.25)),
        (Transform(rotation=90.0), (0.25, 0.0), (0.0, 0.25)),  # from the right to the bottom: clockwise
        (Transform(scale=2.0), (0.25, 0.125), (0.5, 0.25)),
        (Transform(shear=1.0), (0.0, 0.25), (0.25, 0.25)),
        (Transform(mirror=True), (0.25, 0.125), (-0.25, 0.125)),
        (Transform(mirror=True, shear=1.0), (0.25, 0.25), (0.0, 0.25)),  # mirrored first
        (Transform(shear=1.0, scale=2.0, rotation=90.0), (0.0, 0.25), (-0.5, 0.5)),  # then sheared, scaled, turned
        (Transform(scale=2.0, rotation=180.0, x=0.5), (0.25, 0.0), (0.0, 0.0)),  # and moved last
    ],
)
def test_where_a_point_goes(transform: Transform, point: tuple[float, float], expected: tuple[float, float]) -> None:
    moved = picture_matrix(transform) @ torch.tensor([*point, 1.0], dtype=torch.float64)
    np.testing.assert_allclose(moved, [*expected, 1.0], atol=1e-12)


@given(transforms)
def test_the_input_matrix_undoes_the_picture_s(transform: Transform) -> None:
    assert picture_matrix(transform).dtype == torch.float64
    torch.testing.assert_close(input_matrix(transform) @ picture_matrix(transform), EYE, atol=1e-9, rtol=0)


def test_untransform_is_no_motion() -> None:
    assert motion(Transform()) is None and motion(Transform(untransform=True)) is None
    assert motion(Transform(x=1.0, untransform=True)) == motion(Transform(x=1.0)) == Transform(x=1.0)


# -- finished pictures -------------------------------------------------------------------------------------------------


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(0, 99))
def test_whole_pixels_move_exactly(right: int, down: int, seed: int) -> None:
    img = torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(seed))
    moved = warp(img, picture_matrix(Transform(x=right / 16, y=down / 16)))
    expected = torch.zeros_like(img)
    for y in range(16):
        for x in range(16):
            if 0 <= y - down < 16 and 0 <= x - right < 16:
                expected[:, :, y, x] = img[:, :, y - down, x - right]
    assert torch.equal(moved, expected)


@pytest.mark.parametrize(
    "transform",
    [
        Transform(x=0.1234, y=-0.0567),
        Transform(rotation=33.0, x=0.05),
        Transform(rotation=-120.0, mirror=True, shear=0.3),
        Transform(scale=1.7, y=0.1),
    ],
)
def test_pictures_move_as_what_they_show_does(transform: Transform) -> None:
    img = drawn(*places())[None, None].float()
    moved = warp(img, picture_matrix(transform))[0, 0]
    source = input_matrix(transform)
    valid = sources_inside(source, margin_px=3)
    assert valid.sum() > 500
    assert (moved - seen_at(source))[valid].abs().max() < 0.03  # bicubic's error at 8 px a wave
    assert torch.all(moved[~sources_inside(source, margin_px=-3)] == 0)


def test_what_comes_from_outside_is_mid_grey() -> None:
    moved = warp(torch.ones(1, 3, 8, 8), picture_matrix(Transform(x=0.6, rotation=45.0)))
    assert torch.equal(moved[:, :, :, :1], torch.zeros(1, 3, 8, 1)) and moved.max() > 0.99


def test_moving_back_restores_the_middle() -> None:
    transform = Transform(x=0.07, rotation=25.0, scale=1.2)
    img = drawn(*places())[None, None].float()
    back = warp(warp(img, picture_matrix(transform)), input_matrix(transform))
    assert (back - img)[0, 0, 24:40, 24:40].abs().max() < 0.05


def test_shrinking_averages_what_is_too_fine() -> None:
    checkers = (torch.arange(SIZE)[:, None] + torch.arange(SIZE)).remainder(2)[None, None] * 2.0 - 1
    shrunk = warp(checkers, picture_matrix(Transform(scale=0.3)))
    assert shrunk.abs().max() < 0.1


def test_resampling_is_done_in_the_precision_given_and_by_any_device_s_matrix() -> None:
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)).half()
    y = resample(x, input_matrix(Transform(rotation=10.0)).float(), "reflection")
    assert y.dtype == torch.float16 and y.shape == x.shape


def test_reflection_continues_the_picture_beyond_its_border() -> None:
    x = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    moved = resample(x, input_matrix(Transform(x=0.25)), "reflection")
    torch.testing.assert_close(moved, torch.cat([x[..., :2].flip(3), x[..., :6]], dim=3))


# -- every family ------------------------------------------------------------------------------------------------------


def psnr(one: Tensor, other: Tensor) -> float:
    return 10 * math.log10(4 / float((one - other).square().mean()))


@pytest.mark.parametrize(
    ("name", "margin", "db"),  # what the border, which is another one after moving, reaches into; how alike the rest
    [
        ("sg2_skip64", 16, 80),
        ("sg2_resnet32", 8, 80),
        ("sg2_orig32", 8, 80),
        ("sg2tf_configf64", 16, 80),
        ("sg3t_64", 0, 40),
        ("sg3r_64", 0, 40),
        ("sg1_64", 16, 25),  # its instance norm looks at all of the picture
        ("progan_32", 8, 80),
    ],
)
def test_every_family_is_moved_by_as_much(name: str, margin: int, db: float) -> None:
    """By a whole pixel of the features that are moved, a quarter to the right and an eighth up."""
    model = sg.load_model(GOLDEN / f"{name}.pkl")
    size = model.card.resolution
    right, up = size // 4, size // 8
    ws = model.map(torch.randn(1, model.card.z_dim, generator=torch.Generator().manual_seed(1)))
    still = model.synthesize(ws, noise="none")
    moved = model.synthesize(ws, noise="none", transform=input_matrix(Transform(x=0.25, y=-0.125)))
    rows, columns = slice(margin, size - up - margin), slice(right + margin, size - margin)
    expected = still[:, :, margin + up : size - margin, margin : size - right - margin]
    assert min(expected.shape[2:]) >= size // 4 - up
    assert psnr(moved[:, :, rows, columns], expected) > db
    assert psnr(moved[:, :, rows, columns], still[:, :, rows, columns]) < 25


def test_moved_features_are_those_that_the_card_names() -> None:
    model = tiny_model(32)
    assert model.card.moved_px == 16 and not model.card.has_transform and model.card.can_move
    ws = model.map(torch.randn(1, model.card.z_dim, generator=torch.Generator().manual_seed(1)))
    matrix = input_matrix(Transform(rotation=20.0))
    with torch.inference_mode():
        still, moved = list(model.steps(ws)), list(model.steps(ws, transform=matrix))
    same = [a.resolution for a, b in zip(still, moved, strict=True) if torch.equal(a.x, b.x)]
    assert same == [4, 4, 8, 8, 16]  # and 16 is moved when its picture is there
    assert torch.equal(moved[5].x, resample(still[5].x, matrix, "reflection"))
    assert torch.equal(moved[5].img, resample(still[5].img, matrix, "reflection"))
    assert [tiny_model(size).card.moved_px for size in (4, 8, 16, 64)] == [4, 4, 8, 16]
