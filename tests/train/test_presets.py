"""The presets are what the papers and their official code trained."""

from typing import Any

import pytest

from stylegan_core.errors import StyleScopeError
from stylegan_core.family import empty_network
from train.config import DataConfig, RunConfig
from train.networks import check_batch
from train.presets import PRESETS, Pictures, make

DATA = DataConfig(path="pictures.zip")


def preset(name: str, pictures: int | Pictures, **more: Any) -> RunConfig:
    return make(name, DATA, pictures if isinstance(pictures, Pictures) else Pictures(pictures), **more)


def parameters(config: Any) -> int:
    return sum(parameter.numel() for parameter in empty_network(config).parameters())


@pytest.mark.parametrize(
    ("name", "px", "generator", "discriminator"),
    [
        # What the official code prints, or the papers say, at these sizes.
        ("progan", 1024, 23.1e6, 23.1e6),  # Progressive GAN, table 2: 23.1M each
        ("stylegan1", 1024, 26.2e6, 23.1e6),  # StyleGAN, section 2: 26.2M
        ("stylegan2", 1024, 30.37e6, 29.01e6),
        ("stylegan2-ada", 256, 23.19e6, 24.00e6),  # two layers of mapping: 6 x 262,656 fewer than with eight
        ("stylegan2-ada", 1024, 28.79e6, 29.01e6),
        ("stylegan3-t", 1024, 22.31e6, 29.01e6),
        ("stylegan3-r", 1024, 15.09e6, 29.01e6),
    ],
)
def test_networks_have_the_sizes_of_the_papers(name: str, px: int, generator: float, discriminator: float) -> None:
    config = preset(name, px)
    assert parameters(config.generator) == pytest.approx(generator, rel=0.003)
    assert parameters(config.discriminator) == pytest.approx(discriminator, rel=0.003)


def test_stylegan2_is_configuration_f() -> None:
    run = preset("stylegan2", 1024)
    assert (run.batch, run.kimg, run.loss, run.precision) == (32, 25000, "logistic", "32")
    for adam in (run.optimiser_g, run.optimiser_d):
        assert (adam.lr, adam.betas, adam.eps) == (0.002, (0.0, 0.99), 1e-8)
    asked = run.regularisers
    assert (asked.r1_gamma, asked.r1_interval, asked.mixing) == (10, 16, 0.9)
    assert (asked.path_length, asked.path_length_interval) == (2, 4)
    assert run.ema.half_life_kimg == 10 and run.ema.rampup is None
    assert run.augment is run.growth is run.blur is None
    assert (run.generator.mapping_layers, run.generator.channel_base, run.generator.num_fp16_res) == (8, 32768, 0)
    assert (run.generator.architecture, run.discriminator.architecture) == ("skip", "resnet")


@pytest.mark.parametrize(
    ("px", "batch", "lr", "gamma", "ema_kimg", "base"),
    [
        (128, 32, 0.0025, 0.1024, 10, 16384),
        (256, 16, 0.0025, 0.8192, 5, 16384),
        (512, 8, 0.0025, 6.5536, 2.5, 32768),
        (1024, 4, 0.002, 52.4288, 1.25, 32768),
    ],
)
def test_stylegan2_ada_is_what_auto_comes_to_on_one_gpu(
    px: int, batch: int, lr: float, gamma: float, ema_kimg: float, base: int
) -> None:
    run = preset("stylegan2-ada", px)
    assert (run.batch, run.optimiser_g.lr, run.optimiser_d.lr) == (batch, lr, lr)
    assert run.regularisers.r1_gamma == pytest.approx(gamma) and run.ema.half_life_kimg == ema_kimg
    assert run.ema.rampup == 0.05
    assert run.generator.channel_base == run.discriminator.channel_base == base
    assert (run.generator.mapping_layers, run.generator.num_fp16_res, run.generator.conv_clamp) == (2, 4, 256)
    assert run.regularisers.path_length == 2 and run.regularisers.mixing == 0.9
    assert run.augment is not None and run.strength.adaptive
    assert (run.strength.target, run.strength.kimg, run.strength.interval, run.strength.p) == (0.6, 500, 4, 0)


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_stylegan3_is_the_papers(name: str) -> None:
    for px, gamma in {128: 0.5, 256: 2, 512: 8.2, 1024: 32.8}.items():
        assert preset(name, px).regularisers.r1_gamma == pytest.approx(gamma, rel=0.03)
    run = preset(name, 256)
    assert (run.batch, run.optimiser_g.lr, run.optimiser_d.lr) == (32, 0.0025, 0.002)
    assert run.regularisers.path_length == run.regularisers.mixing == 0
    assert run.ema.half_life_kimg == 10 and run.ema.rampup == 0.05
    assert run.generator.magnitude_ema_beta == pytest.approx(0.5 ** (32 / 20000)) == pytest.approx(0.999, abs=2e-4)
    rotates = name == "stylegan3-r"
    assert (run.generator.conv_kernel, run.generator.use_radial_filters) == ((1, True) if rotates else (3, False))
    assert (run.generator.channel_base, run.generator.channel_max) == ((65536, 1024) if rotates else (32768, 512))
    assert (run.blur is not None) == rotates
    if run.blur is not None:
        assert (run.blur.start_px, run.blur.until_kimg) == (10, 200)
        half = preset(name, 256, batch=16)
        assert half.blur is not None and half.blur.until_kimg == 100  # as many steps


def test_growing_ones_begin_small() -> None:
    run = preset("stylegan1", 1024)
    assert run.growth is not None and run.growth.first_px == 8 and run.first_lod == 7
    assert (run.growth.train_kimg, run.growth.fade_kimg) == (600, 600)
    assert (run.regularisers.r1_gamma, run.regularisers.r1_interval, run.regularisers.mixing) == (10, 1, 0.9)
    assert run.optimiser_g.betas == (0.0, 0.99) and run.loss == "logistic" and run.optimiser_d == run.optimiser_g
    # The official code's for 8 GPUs, from 8 px on.
    assert list(run.batches.items()) == [
        (8, 256),
        (16, 128),
        (32, 64),
        (64, 32),
        (128, 32),
        (256, 32),
        (512, 32),
        (1024, 32),
    ]
    assert run.optimiser_g.lr == 0.001
    assert run.growth.rates == {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}
    run = preset("progan", 1024)
    assert run.growth is not None and run.growth.first_px == 4 and run.first_lod == 8
    assert (run.loss, run.optimiser_g.lr, run.optimiser_d.lr) == ("wgan", 0.001, 0.001)
    # The official code's for one GPU.
    assert run.batches == {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4, 1024: 4}
    assert run.growth.rates == {1024: 0.0015}
    assert run.optimiser_d.betas == (0.0, 0.99) and run.optimiser_d.eps == 1e-8
    assert run.regularisers.gradient_penalty == 10 and run.regularisers.r1_gamma == run.regularisers.mixing == 0
    for name in ("stylegan1", "progan"):
        run = preset(name, 1024)
        assert run.growth is not None
        phases = run.first_lod * (run.growth.train_kimg + run.growth.fade_kimg)
        assert phases < run.kimg  # the full size is reached, with time left for it
        assert run.ema.half_life_kimg == 10


def test_what_grows_to_less_names_no_more() -> None:
    run = preset("progan", Pictures(64, 96))
    assert run.growth is not None and (run.growth.batches, run.growth.rates) == ({4: 128, 8: 128, 16: 128, 32: 64}, {})
    assert run.batch == 32 and run.batches == run.growth.batches | {64: 32}  # `batch` is the full size's
    assert preset("stylegan1", 16).batches == {8: 256, 16: 128}
    assert preset("stylegan1", 4).growth is preset("progan", 4).growth is None  # there is nothing to grow


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("pictures", [Pictures(32, channels=4, classes=3), Pictures(64, 32), Pictures(128, channels=1)])
def test_every_preset_takes_every_kind_of_picture(name: str, pictures: Pictures) -> None:
    run = preset(name, pictures, kimg=7.0, seed=5)
    assert (run.preset, run.kimg, run.seed) == (name, 7, 5)
    for network in (run.generator, run.discriminator):
        assert (network.img_channels, network.c_dim) == (pictures.channels, pictures.classes)
    for batch in run.batches.values():
        check_batch(run.discriminator, batch)
    assert RunConfig.model_validate_json(run.model_dump_json()) == run
    assert run.total == 7000


@pytest.mark.parametrize("batch", [1, 2, 3, 12, 64])
def test_any_batch_may_be_asked_for(batch: int) -> None:
    for name in PRESETS:
        run = preset(name, 32, batch=batch)
        assert run.batch == batch and set(run.batches.values()) == {batch}
        if batch != 3 or run.discriminator.mbstd_group_size <= 4:
            check_batch(run.discriminator, batch)


def test_what_there_is_not_is_said() -> None:
    with pytest.raises(StyleScopeError, match="There is no preset 'stylegan4'; choose one of stylegan2-ada, "):
        preset("stylegan4", 64)
    with pytest.raises(StyleScopeError, match=r"Preset progan makes no pictures of 101 x 101 px: .*another size\.$"):
        preset("progan", 101)
