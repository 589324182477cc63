"""Looking at noise: maps and strengths of a layer, what it does to the picture, what it leaves to chance."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import stylegan_core as sg
from stylegan_core import edits
from stylegan_core.colours import coloured
from stylegan_core.errors import Cancelled, SceneError
from stylegan_core.latent import scene_ws
from stylegan_core.model import Model
from stylegan_core.models import ModelStore
from stylegan_core.noise import random_map
from stylegan_core.noise_look import effect, noise_look_pixels, noise_strength, noise_values, variation
from stylegan_core.picture import read_scene, write_png
from stylegan_core.render import Renderer
from stylegan_core.scene import Latent, LayerSeed, Look, ModelRef, Noise, Scene, Stroke
from tests.core.snapshots import GOLDEN
from tests.strategies import tiny_model

STROKE = Stroke(layer=3, points=((0.25, 0.25), (0.75, 0.5)), radius=0.2, value=4.0)


@cache
def model(family: str) -> Model:
    if family == "stylegan2":
        return tiny_model(32)
    return sg.load_model(GOLDEN / ("sg1_64.pkl" if family == "stylegan1" else "progan_32.pkl"))


def scene_of(model: Model, noise: Noise | None = None, **look: object) -> Scene:
    ref = ModelRef(digest=model.card.digest)
    return Scene(model=ref, latent=Latent(seed=3), noise=noise or Noise(), look=Look(**look))


def renderer_of(*models: Model) -> Renderer:
    store = ModelStore()
    for one in models:
        store.add(one)
    return Renderer(store)


FAMILIES = pytest.mark.parametrize("family", ["stylegan2", "stylegan1"])


# -- maps and strengths ------------------------------------------------------------------------------------------------


@FAMILIES
def test_a_layer_s_map_is_what_it_adds_before_its_strength(family: str) -> None:
    state = model(family).network.state_dict()
    for place, layer in enumerate(model(family).card.noise_layers):
        trained = state[f"synthesis.{layer.name}.noise_const"]
        assert trained.shape == (layer.resolution, layer.resolution)
        assert torch.equal(noise_values(model(family), Noise(), layer.name), trained)
        found = noise_values(model(family), Noise(mode="random", seed=7, strength=2.0), layer.name)
        assert torch.equal(found, 2 * random_map(7, place, layer.resolution)[0, 0])
        off = noise_values(model(family), Noise(mode="none"), layer.name)
        assert off.shape == trained.shape and not off.any()


@FAMILIES
def test_the_strength_is_what_was_learned(family: str) -> None:
    for layer in model(family).card.noise_layers:
        learned = model(family).network.state_dict()[f"synthesis.{layer.name}.noise_strength"].double().numpy()
        assert noise_strength(model(family), layer.name) == pytest.approx(np.sqrt((learned**2).mean()))
    assert noise_strength(model(family), layer.name) > 0


# -- effect ------------------------------------------------------------------------------------------------------------


def pictured(model: Model, scene: Scene, noise: Noise) -> Tensor:
    """The picture from the model itself, with nothing remembered."""
    return model.synthesize(scene_ws(scene, model), noise)[0]


@FAMILIES
def test_the_effect_is_the_picture_with_less_without(family: str) -> None:
    noise = Noise(mode="random", seed=2, strokes=(STROKE,))
    scene, count = scene_of(model(family), noise, at="effect"), len(model(family).card.noise_layers)
    renderer = renderer_of(model(family))
    full = pictured(model(family), scene, noise)
    for place in (0, 3, count - 1):
        off = noise.model_copy(update={"layers": tuple(float(i != place) for i in range(count))})
        found = effect(renderer, scene, model(family).card.noise_layers[place].name)
        torch.testing.assert_close(found, full - pictured(model(family), scene, off), atol=1e-4, rtol=0)
        assert found.abs().max() > 1e-3
    everything = effect(renderer, scene, "")
    torch.testing.assert_close(everything, full - pictured(model(family), scene, Noise(mode="none")), atol=1e-4, rtol=0)


def test_noise_that_is_off_has_no_effect() -> None:
    skip = model("stylegan2")
    name, renderer = skip.card.noise_layers[3].name, renderer_of(skip)
    for noise in (Noise(mode="none"), Noise(layers=(1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0)), Noise(strength=0.0)):
        assert not effect(renderer, scene_of(skip, noise), name).any()
        pixels = noise_look_pixels(renderer, scene_of(skip, noise, at="effect", layer=name))
        assert (pixels == 128).all()  # mid-grey, not a division by 0


# -- variation ---------------------------------------------------------------------------------------------------------


@FAMILIES
@pytest.mark.parametrize("mode", ["const", "none", "random"])
def test_variation_is_the_deviation_over_random_maps(family: str, mode: str) -> None:
    some, count = model(family), len(model(family).card.noise_layers)
    noise = Noise(mode=mode, seed=50, strength=1.5, strokes=(STROKE,), reseeded=(LayerSeed(layer=1, seed=8),))
    scene, place = scene_of(some, noise), 3
    layers = tuple(float(i == place) for i in range(count)) if mode == "none" else ()
    pictures = [
        pictured(
            some,
            scene,
            Noise(
                mode="const" if mode == "none" else mode,
                seed=50,
                strength=1.5,
                layers=layers,
                strokes=(STROKE,),
                reseeded=(LayerSeed(layer=1, seed=8), LayerSeed(layer=place, seed=seed)),
            ),
        )
        for seed in range(4)
    ]
    expected = torch.stack(pictures).double().std(dim=0, correction=0).square().mean(dim=0).sqrt()
    found = variation(renderer_of(some), scene, some.card.noise_layers[place].name, 4)
    assert found.shape == (some.card.resolution,) * 2 and found.max() > 1e-3
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=0)


def test_variation_of_all_layers() -> None:
    skip = model("stylegan2")
    scene = scene_of(skip, Noise(mode="none", strength=2.0, reseeded=(LayerSeed(layer=1, seed=8),)))
    pictures = [pictured(skip, scene, Noise(mode="random", seed=seed, strength=2.0)) for seed in range(5)]
    expected = torch.stack(pictures).double().std(dim=0, correction=0).square().mean(dim=0).sqrt()
    torch.testing.assert_close(variation(renderer_of(skip), scene, "", 5).double(), expected, atol=1e-4, rtol=0)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Scene]:
    """The pictures that are asked for from now on."""
    asked: list[Scene] = []
    image = Renderer.image

    def counting(self: Renderer, scene: Scene, *args: object) -> Tensor:
        asked.append(scene)
        return image(self, scene, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Renderer, "image", counting)
    return asked


def test_what_was_summed_up_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    skip = model("stylegan2")
    name, scene, renderer = skip.card.noise_layers[5].name, scene_of(skip), renderer_of(skip)
    asked = counted(monkeypatch)

    def until_third() -> None:
        if len(asked) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        variation(renderer, scene, name, 6, until_third)
    found = variation(renderer, scene, name, 6)
    assert len(asked) == 7  # the third picture was dropped
    assert torch.equal(found, variation(renderer, edits.set_gain_db(edits.look_at(scene, "noise"), 6), name, 6))
    assert len(asked) == 7
    more = variation(renderer, scene, name, 8)
    assert len(asked) == 9
    fewer = variation(renderer, scene, name, 6)
    assert len(asked) == 15 and torch.equal(fewer, found) and not torch.equal(more, found)
    variation(renderer, edits.set_noise_strength(scene, 2), name, 2)
    assert len(asked) == 17


# -- pixels ------------------------------------------------------------------------------------------------------------


def test_a_map_in_colours() -> None:
    skip = model("stylegan2")
    name, renderer = skip.card.noise_layers[6].name, renderer_of(skip)
    values = skip.network.state_dict()[f"synthesis.{name}.noise_const"]

    def looked(**look: object) -> Tensor:
        return noise_look_pixels(renderer, scene_of(skip, at="noise", layer=name, **look))

    plain = looked(normalise=False, colours="turbo")
    assert plain.shape == (32, 32, 3) and plain.dtype == torch.uint8
    assert torch.equal(plain, coloured(values / 6 + 0.5, "turbo"))  # -3 to 3
    louder = looked(normalise=False, colours="turbo", gain_db=20.0)
    assert torch.equal(louder, coloured(values / 0.6 + 0.5, "turbo"))
    whole = looked(colours="diverging")
    assert torch.equal(whole, coloured(values / values.abs().max() / 2 + 0.5, "diverging"))


def test_an_effect_on_mid_grey() -> None:
    skip = model("stylegan2")
    name, renderer = skip.card.noise_layers[4].name, renderer_of(skip)
    difference = effect(renderer, scene_of(skip), name).permute(1, 2, 0)

    def looked(**look: object) -> Tensor:
        return noise_look_pixels(renderer, scene_of(skip, at="effect", layer=name, **look)).float()

    plain = looked(normalise=False, gain_db=6.0)
    assert plain.shape == (32, 32, 3)
    torch.testing.assert_close(plain, (difference * 10**0.3 * 127.5 + 127.5).clamp(0, 255), atol=0.51, rtol=0)
    whole = looked()
    torch.testing.assert_close(whole, difference / difference.abs().max() * 127.5 + 127.5, atol=0.51, rtol=0)
    assert whole.min() == 0 or whole.max() == 255


def test_a_variation_in_colours() -> None:
    skip = model("stylegan2")
    renderer = renderer_of(skip)
    deviation = variation(renderer, scene_of(skip), "", 3)

    def looked(**look: object) -> Tensor:
        return noise_look_pixels(renderer, scene_of(skip, at="variation", seeds=3, colours="magma", **look))

    assert torch.equal(looked(normalise=False, gain_db=20.0), coloured(deviation * 10, "magma"))
    assert torch.equal(looked(), coloured(deviation / deviation.max(), "magma"))


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (4, 3)])
def test_effects_in_grey_and_transparent_pictures(channels: int, shown: int) -> None:
    other = tiny_model(16, img_channels=channels)
    scene = scene_of(other, at="effect", layer="b16.conv1")
    assert noise_look_pixels(renderer_of(other), scene).shape == (16, 16, shown)


@pytest.mark.parametrize("at", ["noise", "effect", "variation"])
def test_a_scene_that_looks_at_noise_is_rendered_so(at: str) -> None:
    skip = model("stylegan2")
    scene = scene_of(skip, at=at, layer="b8.conv1", seeds=2)
    frame = sg.render(scene, renderer_of(skip).models)
    assert frame.error is None and frame.pixels is not None
    assert torch.equal(frame.pixels, noise_look_pixels(renderer_of(skip), scene))


# -- what there is not -------------------------------------------------------------------------------------------------

LOOKS: list[Callable[[Model, str], object]] = [
    lambda some, layer: noise_values(some, Noise(), layer),
    noise_strength,
    lambda some, layer: effect(renderer_of(some), scene_of(some), layer),
    lambda some, layer: variation(renderer_of(some), scene_of(some), layer, 2),
]


@pytest.mark.parametrize("look", LOOKS)
def test_models_without_noise_say_so(look: Callable[[Model, str], object]) -> None:
    for silent in (tiny_model(16, use_noise=False), model("progan")):
        with pytest.raises(SceneError, match="has no layer that takes noise, so there is nothing to look at"):
            look(silent, silent.card.layers[0].name)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("layer", ["b16.torgb", "b64.conv1"])
def test_layers_without_noise_say_so(look: Callable[[Model, str], object], layer: str) -> None:
    with pytest.raises(
        SceneError, match=rf"has no layer that takes noise called '{layer}'; choose one of b4\.conv1 to"
    ):
        look(tiny_model(16), layer)


# -- painted noise in files and steps ----------------------------------------------------------------------------------


def painted_scene(model: Model) -> Scene:
    scene = edits.begin_stroke(scene_of(model), 3, (0.1, 0.2), 0.15, 6.0, "add")
    for x, y in np.random.RandomState(0).rand(30, 2):
        scene = edits.extend_stroke(scene, (x, y))
    return edits.keep_trained(edits.begin_stroke(scene, 0, (0.5, 0.5), 0.3, -2.0, "set"), 5)


@FAMILIES
def test_painted_noise_survives_saving_and_loading(family: str, tmp_path: Path) -> None:
    """The picture of a saved Scene is that of a drag, bit for bit, also where nothing is remembered."""
    scene = painted_scene(model(family))
    renderer = renderer_of(model(family))
    for count in range(1, len(scene.noise.strokes[0].points)):
        stroke = scene.noise.strokes[0].model_copy(update={"points": scene.noise.strokes[0].points[:count]})
        renderer.render(scene.model_copy(update={"noise": scene.noise.model_copy(update={"strokes": (stroke,)})}))
    pixels = renderer.render(scene).pixels
    assert pixels is not None
    write_png(tmp_path / "painted.png", pixels.numpy(), scene)
    read = read_scene(tmp_path / "painted.png")
    assert read == scene
    again = sg.render(read, renderer.models).pixels
    assert again is not None and torch.equal(again, pixels)
    plain = sg.render(edits.clear_strokes(read, None), renderer.models).pixels
    assert plain is not None and (plain.int() - pixels.int()).abs().max() > 5


def test_painting_costs_only_the_layers_from_there_on() -> None:
    renderer = renderer_of(model("stylegan2"))
    scene = scene_of(model("stylegan2"))
    assert set(renderer.render(scene).steps_ms) == {4, 8, 16, 32}
    for layer, resolutions in [(5, {32}), (3, {16, 32}), (6, {32}), (0, {4, 8, 16, 32})]:
        scene = edits.begin_stroke(scene, layer, (0.5, 0.5), 0.2, 3.0, "add")
        assert set(renderer.render(scene).steps_ms) == resolutions
        scene = edits.extend_stroke(scene, (0.7, 0.5))
        assert set(renderer.render(scene).steps_ms) == resolutions
