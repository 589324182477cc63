"""Probes: what layers give, what a Scene changes inside them, and what is remembered of either."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.straightforward import straightforward
from stylegan_core import edits, kernels, progan, stylegan1
from stylegan_core.card import LayerInfo
from stylegan_core.config import GeneratorConfig
from stylegan_core.course import course
from stylegan_core.errors import Cancelled, SceneError, StyleScopeError
from stylegan_core.latent import scene_ws
from stylegan_core.look import look_pixels
from stylegan_core.model import Model, build_generator, random_spec
from stylegan_core.models import ModelStore
from stylegan_core.network import Inputs, Probe, Step
from stylegan_core.ops import no_poll
from stylegan_core.probe import SceneProbe
from stylegan_core.render import NO_MEMORY, Renderer
from stylegan_core.scene import ChannelGain, ModelRef, Scene, StyleEdit
from stylegan_core.stylegan3 import StyleGAN3Config

TINY: dict[str, Any] = {"img_resolution": 32, "z_dim": 8, "channel_base": 128, "channel_max": 8}
SG2: dict[str, Any] = {**TINY, "w_dim": 8, "conv_clamp": 0.7}
SG3: dict[str, Any] = {**TINY, "w_dim": 8, "num_layers": 5, "margin_size": 2, "conv_clamp": 0.7}
CONFIGS = {
    "stylegan2 skip": GeneratorConfig(**SG2),
    "stylegan2 orig": GeneratorConfig(**SG2, architecture="orig"),
    "stylegan2 resnet": GeneratorConfig(**SG2, architecture="resnet"),
    "stylegan2 progressive": GeneratorConfig(**SG2, architecture="progressive"),
    "stylegan3-t": StyleGAN3Config(**SG3),
    "stylegan3-r": StyleGAN3Config(**SG3, conv_kernel=1, use_radial_filters=True),
    "stylegan1": stylegan1.GeneratorConfig(**TINY, w_dim=8),
    "stylegan1 bare": stylegan1.GeneratorConfig(**TINY, w_dim=8, use_instance_norm=False, use_pixel_norm=True),
    "stylegan1 without styles": stylegan1.GeneratorConfig(**TINY, w_dim=8, use_styles=False, const_input_layer=False),
    "progan": progan.GeneratorConfig(**TINY),
    "stylegan3 with previews": StyleGAN3Config(**{**SG3, "img_resolution": 128, "channel_base": 256}),
}
FAMILIES = list(CONFIGS)[:-1]
STYLED = [name for name in FAMILIES if name not in ("stylegan1 without styles", "progan")]
PREVIEWED = ["stylegan2 skip", "stylegan2 progressive", "stylegan1", "progan", "stylegan3 with previews"]


def build(name: str) -> Model:
    """A model in which nothing is 0 that training would have changed."""
    spec = random_spec(CONFIGS[name], seed=1)
    generator = torch.Generator().manual_seed(2)
    for tensor in spec.tensors.values():
        if not tensor.any():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
    return build_generator(spec, name, name)


MODELS = {name: build(name) for name in CONFIGS}
SKIP = MODELS["stylegan2 skip"]


def store() -> ModelStore:
    models = ModelStore()
    for model in MODELS.values():
        models.add(model)
    return models


STORE = store()


def scene_of(model: Model) -> Scene:
    return edits.set_seed(Scene(model=ModelRef(digest=model.card.digest)), 3)


SCENE = scene_of(SKIP)


def module_of(model: Model, layer: str) -> nn.Module:
    modules = dict(model.network.named_modules())
    return modules.get(f"synthesis.{layer}") or modules[layer]


Hook = Callable[[nn.Module, Any, Tensor], Tensor | None]


@contextmanager
def hooked(model: Model, hooks: dict[str, Hook], below: str = "") -> Iterator[None]:
    """Forward hooks on layers, or on a module of theirs."""
    with ExitStack() as stack:
        for layer, hook in hooks.items():
            module = module_of(model, layer).get_submodule(below)
            stack.callback(module.register_forward_hook(hook).remove)
        yield


@torch.inference_mode()
def picture(model: Model, scene: Scene, max_rate: int | None = None) -> Tensor:
    *_, last = model.steps(scene_ws(scene, model), scene.noise, max_rate=max_rate)
    assert last.img is not None
    return last.img[0]


def counts(model: Model, layer: LayerInfo) -> bool:
    """Whether a layer has a part in the full picture: the coarser pictures of growing networks have none."""
    return layer.kind != "torgb" or model.card.max_lod == 0 or layer is model.card.layers[-1]


def largest_difference(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape and a.dtype == b.dtype
    return float((a - b).abs().max() / b.abs().max())


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The layers that run, in order."""
    names: list[str] = []
    probed = Inputs.probed

    def noted(inputs: Inputs, layer: str, x: Tensor) -> Tensor:
        names.append(layer)
        return probed(inputs, layer, x)

    monkeypatch.setattr(Inputs, "probed", noted)
    return names


# -- what a layer gives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_taps_are_what_hooks_see_in_the_straightforward_form(name: str) -> None:
    model, seen = MODELS[name], {}

    def keep(layer: str) -> Hook:
        return lambda module, given, x: seen.update({layer: x[0].clone()})

    scene = scene_of(model)
    with hooked(model, {layer.name: keep(layer.name) for layer in model.card.layers}), straightforward():
        picture(model, scene)
    assert list(seen) == [layer.name for layer in model.card.layers]
    shared = Renderer(STORE)
    for layer in model.card.layers:
        for renderer in (Renderer(STORE, cache_bytes=0), shared, shared):
            x = renderer.tap(scene, layer.name)
            assert x.dtype == torch.float32 and len(x) == layer.channels
            assert largest_difference(x, seen[layer.name]) <= 1e-5


@pytest.mark.parametrize("name", ["stylegan2 skip", "stylegan2 resnet", "stylegan3-t"])
def test_layers_that_run_as_kernels_are_seen_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, scene = MODELS[name], edits.set_channel_gain(scene_of(MODELS[name]), MODELS[name].card.layers[2].name, 1, 0)
    expected = [Renderer(STORE).tap(scene, layer.name) for layer in model.card.layers]
    taken = []
    monkeypatch.setattr(kernels, "supports", lambda x: True)
    monkeypatch.setattr(kernels, "attempt", lambda quick, plain: (taken.append(quick), plain())[1])
    for layer, x in zip(model.card.layers, expected, strict=True):
        assert largest_difference(Renderer(STORE).tap(scene, layer.name), x) <= 1e-5
    assert taken


@pytest.mark.parametrize("name", STYLED)
def test_a_style_is_what_the_affine_gives(name: str, ran: list[str]) -> None:
    model, seen, renderer = MODELS[name], {}, Renderer(STORE)

    def keep(layer: str) -> Hook:
        return lambda module, given, s: seen.update({layer: s[0].clone()})

    scene = scene_of(model)
    with hooked(model, {layer.name: keep(layer.name) for layer in model.card.layers}, below="affine"):
        picture(model, scene)
    del ran[:]
    for layer in model.card.layers:
        edited = edits.set_style(scene, layer.name, 0, 5)
        assert torch.equal(renderer.style(edited, layer.name), seen[layer.name])
        assert seen[layer.name].shape == (layer.style_channels,)
    assert not ran, "nothing of synthesis is needed"


def test_the_image_is_the_picture_before_it_is_developed() -> None:
    renderer = Renderer(STORE)
    assert torch.equal(renderer.image(SCENE), picture(SKIP, SCENE))
    frame = renderer.render(edits.set_gain_db(SCENE, -6))
    assert frame.steps_ms == {}
    moved = edits.set_untransform(edits.turn_picture(SCENE, 20), True)
    difference = renderer.image(moved) - renderer.image(edits.set_untransform(moved, False))
    assert difference.abs().max() > 0.1


# -- what a Scene changes ----------------------------------------------------------------------------------------------


def zeroing(channel: int) -> Hook:
    def hook(module: nn.Module, given: Any, x: Tensor) -> Tensor:
        x = x.clone()
        x[:, channel] = 0
        return x

    return hook


def adding(channel: int, amount: float) -> Hook:
    def hook(module: nn.Module, given: Any, s: Tensor) -> Tensor:
        s = s.clone()
        s[:, channel] += amount
        return s

    return hook


@pytest.mark.parametrize("name", FAMILIES)
def test_a_gain_of_0_takes_a_channel_away(name: str) -> None:
    model, renderer = MODELS[name], Renderer(STORE)
    whole = picture(model, scene_of(model))
    for layer in model.card.layers:
        channel = layer.channels - 1
        scene = edits.set_channel_gain(scene_of(model), layer.name, channel, 0)
        with hooked(model, {layer.name: zeroing(channel)}):
            expected = picture(model, scene)
        assert largest_difference(renderer.image(scene), expected) <= 1e-6
        assert torch.equal(expected, whole) != counts(model, layer)
        x = renderer.tap(scene, layer.name)
        assert not x[channel].any() and x[:channel].any()
        doubled = renderer.tap(edits.set_channel_gain(scene, layer.name, channel, 2), layer.name)
        torch.testing.assert_close(doubled[channel], 2 * renderer.tap(scene_of(model), layer.name)[channel])


@pytest.mark.parametrize("name", STYLED)
def test_a_style_that_is_moved_is_an_affine_that_gives_more(name: str) -> None:
    model, renderer = MODELS[name], Renderer(STORE)
    whole = picture(model, scene_of(model))
    for layer in model.card.layers:
        channel = layer.style_channels - 1
        scene = edits.set_style(scene_of(model), layer.name, channel, 1.5)
        with hooked(model, {layer.name: adding(channel, 1.5)}, below="affine"):
            expected = picture(model, scene)
        assert largest_difference(renderer.image(scene), expected) <= 1e-6
        assert torch.equal(expected, whole) != counts(model, layer)


@pytest.mark.parametrize("name", PREVIEWED)
def test_previews_are_changed_too(name: str) -> None:
    model, renderer = MODELS[name], Renderer(STORE)
    scene, stop_at = scene_of(model), model.card.preview_px or 8
    before = renderer.render(scene, stop_at=stop_at).pixels
    changed = edits.set_channel_gain(scene, model.card.layers[-4].name if model.card.preview_px else "b8.conv1", 1, -3)
    frame = renderer.render(changed, stop_at=stop_at)
    assert frame.error is None and frame.preview and not torch.equal(frame.pixels, before)
    assert torch.equal(frame.pixels, Renderer(STORE, cache_bytes=0).render(changed, stop_at=stop_at).pixels)
    assert torch.equal(renderer.render(scene, stop_at=stop_at).pixels, before)


def test_a_preview_of_stylegan3_is_what_its_hooked_pass_gives() -> None:
    model = MODELS["stylegan3 with previews"]
    layer = model.card.layers[-3]
    scene = edits.set_channel_gain(scene_of(model), layer.name, 0, 0)
    assert layer.step >= model.network.first_capped(model.card.preview_px)
    with hooked(model, {layer.name: zeroing(0)}):
        expected = picture(model, scene, max_rate=model.card.preview_px)
    way = course(scene, model, scene_ws(scene, model), half=False, stop_at=model.card.preview_px)
    with torch.inference_mode():
        *_, last = way.steps(probe=way.probe)
    assert largest_difference(last.img[0], expected) <= 1e-6


def test_16_bits_are_changed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylegan_core.model.half_dtype", lambda device: torch.bfloat16)
    for name in ("stylegan2 skip", "stylegan3-t"):
        model, renderer = MODELS[name], Renderer(STORE, half=True)
        layer = model.card.layers[3]
        scene = edits.set_style(edits.set_channel_gain(scene_of(model), layer.name, 2, 0), layer.name, 0, 1)
        assert not renderer.tap(scene, layer.name)[2].any()
        difference = renderer.image(scene) - Renderer(STORE).image(scene)
        assert 0 < difference.abs().max() < 0.1 * renderer.image(scene).abs().max()
        assert {report.dtype for report in renderer.report(scene)} >= {"bfloat16"}


class Offset(Probe):
    """Adds a number that can learn to every style, and one to every activation."""

    def __init__(self) -> None:
        self.numbers: dict[str, Tensor] = {}

    def style(self, layer: str, s: Tensor) -> Tensor:
        return s + self.numbers.setdefault(f"{layer} style", torch.zeros(s.shape[1], requires_grad=True))

    def output(self, layer: str, x: Tensor) -> Tensor:
        return x + self.numbers.setdefault(layer, torch.zeros(1, requires_grad=True))


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_flow_through_probes(name: str) -> None:
    model, offset = MODELS[name], Offset()
    scene = scene_of(model)
    for layer in model.card.layers:
        scene = edits.set_channel_gain(scene, layer.name, 0, 0.5)
        scene = edits.set_style(scene, layer.name, 0, 0.5) if layer.style_channels else scene
    expected = Renderer(STORE).image(scene)
    ws = torch.empty(1, model.card.num_ws, model.card.w_dim).copy_(scene_ws(scene, model)).requires_grad_()
    for probe in (SceneProbe(scene, model.card), offset):
        *_, last = model.network.steps(ws, Inputs(probe=probe))
        ws.grad = None
        last.img.square().sum().backward()
        assert ws.grad.isfinite().all() and ws.grad.any()
        if probe is not offset:
            assert largest_difference(last.img[0].detach(), expected) <= 1e-5
    wanted = {layer.name for layer in model.card.layers}
    wanted |= {f"{layer.name} style" for layer in model.card.layers if layer.style_channels}
    assert set(offset.numbers) == wanted
    idle = {layer.name for layer in model.card.layers if not counts(model, layer)}
    for layer, numbers in offset.numbers.items():
        assert (numbers.grad is None) == (layer.removesuffix(" style") in idle)


# -- what is remembered ------------------------------------------------------------------------------------------------


def layers_after(model: Model, layer: LayerInfo, inclusive: bool = True) -> list[str]:
    """The layers of the layer's step and of those that follow."""
    return [other.name for other in model.card.layers if other.step >= layer.step + (not inclusive)]


@pytest.mark.parametrize("name", FAMILIES)
def test_an_edit_runs_the_steps_from_its_layer_on(name: str, ran: list[str]) -> None:
    model, renderer = MODELS[name], Renderer(STORE)
    scene = scene_of(model)
    renderer.render(scene)
    assert ran == [layer.name for layer in model.card.layers]
    for layer in model.card.layers[-3:]:
        changed = [edits.set_channel_gain(scene, layer.name, 1, 3)]
        changed += [edits.set_style(scene, layer.name, 1, 1)] if layer.style_channels else []
        for edited in changed:
            del ran[:]
            frame = renderer.render(edited)
            assert ran == layers_after(model, layer)
            assert torch.equal(frame.pixels, Renderer(STORE, cache_bytes=0).render(edited).pixels)
    del ran[:]
    assert torch.equal(renderer.render(scene).pixels, Renderer(STORE).render(scene).pixels)
    assert len(ran) == len(model.card.layers), "the picture without edits was remembered, and only made anew"


def test_edits_that_do_nothing_are_the_scene_without_them(ran: list[str]) -> None:
    renderer = Renderer(STORE)
    renderer.render(SCENE)
    del ran[:]
    idle = SCENE.model_copy(
        update={
            "channels": (ChannelGain(layer="b8.conv0", channel=0, gain=1.0),),
            "styles": (StyleEdit(layer="b8.conv0", channel=0, amount=0.0),),
        }
    )
    renderer.render(idle)
    assert not ran
    one, other = (ChannelGain(layer="b8.conv0", channel=channel, gain=0.0) for channel in (1, 2))
    for channels in ((one, other), (other, one)):
        renderer.render(SCENE.model_copy(update={"channels": channels}))
    assert len(ran) == len(layers_after(SKIP, SKIP.card.layers[2])), "the order of edits means nothing"


def test_a_tap_runs_what_is_missing_and_nothing_else(ran: list[str]) -> None:
    renderer = Renderer(STORE)

    def runs(work: Callable[[], object]) -> list[str]:
        del ran[:]
        work()
        return list(ran)

    assert runs(lambda: renderer.tap(SCENE, "b8.conv0")) == ["b4.conv1", "b4.torgb", "b8.conv0"]
    assert runs(lambda: renderer.tap(SCENE, "b8.conv0")) == []
    assert runs(lambda: renderer.tap(SCENE, "b8.conv1")) == ["b8.conv0", "b8.conv1"]
    rest = layers_after(SKIP, SKIP.card.layers[3], inclusive=False)
    assert runs(lambda: renderer.render(SCENE)) == rest, "what a tap ran through is not run again"
    assert runs(lambda: renderer.tap(SCENE, "b32.conv1")) == []
    assert runs(lambda: renderer.tap(SCENE, "b32.conv0")) == ["b32.conv0"]
    finer = edits.set_channel_gain(SCENE, "b32.conv1", 0, 0)
    assert runs(lambda: renderer.tap(finer, "b32.conv0")) == [], "it lies before what changed"
    assert runs(lambda: renderer.tap(finer, "b32.torgb")) == ["b32.conv0", "b32.conv1", "b32.torgb"]
    assert runs(lambda: renderer.tap(edits.set_gain_db(finer, 9), "b32.torgb")) == []
    assert runs(lambda: renderer.image(finer)) == ["b32.torgb"]


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan1", "progan"])
def test_after_the_picture_a_tap_runs_one_step_at_most(name: str, ran: list[str]) -> None:
    model, renderer = MODELS[name], Renderer(STORE)
    renderer.render(scene_of(model))
    for layer in model.card.layers:
        del ran[:]
        renderer.tap(scene_of(model), layer.name)
        own = [other.name for other in model.card.layers if other.step == layer.step]
        whole = name == "stylegan3-t" and layer.kind != "torgb"  # the step is what the layer gives
        assert ran == ([] if whole else own[: own.index(layer.name) + 1])


def test_graphs_know_nothing_of_changes_inside() -> None:
    class Graphs:
        asked = 0

        def picture(self, *arguments: object) -> None:
            self.asked += 1

    graphs = Graphs()
    renderer = Renderer(STORE, graphs=graphs)
    changed = edits.set_channel_gain(SCENE, "b4.conv1", 0, 0)
    assert torch.equal(renderer.render(changed).pixels, Renderer(STORE).render(changed).pixels)
    renderer.tap(SCENE, "b8.conv1")
    renderer.report(edits.set_seed(SCENE, 9))
    assert graphs.asked == 0
    renderer.render(edits.set_seed(SCENE, 10))
    assert graphs.asked == 1


# -- reports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_a_report_says_what_every_layer_gave(name: str, ran: list[str]) -> None:
    model, renderer = MODELS[name], Renderer(STORE)
    scene = edits.set_channel_gain(scene_of(model), model.card.layers[1].name, 0, 7)
    reports = renderer.report(scene)
    assert ran == [report.name for report in reports] == [layer.name for layer in model.card.layers]
    assert renderer.report(scene) == reports and renderer.render(scene).steps_ms == {}
    assert len(ran) == len(reports), "a report is remembered, and so are the steps that it ran through"
    for layer, report in zip(model.card.layers, reports, strict=True):
        x = renderer.tap(scene, layer.name)
        assert report.shape == x.shape and report.dtype == "float32" and report.ms >= 0
        found = torch.tensor([report.mean, report.std, report.largest])
        torch.testing.assert_close(found, torch.stack([x.mean(), x.std(correction=0), x.abs().max()]))
        assert 0 <= report.clipped < 1


def test_what_is_clipped_is_counted_before_gains() -> None:
    for name in ("stylegan2 skip", "stylegan2 resnet"):
        model = MODELS[name]
        scene = scene_of(model)
        for layer in model.card.layers:
            scene = edits.set_channel_gain(scene, layer.name, 0, 0)
        reports = {report.name: report for report in Renderer(STORE).report(scene)}
        assert reports["b16.conv0"].largest == pytest.approx(0.7)
        coarse = Renderer(STORE).tap(scene_of(model), "b4.conv1")
        assert reports["b4.conv1"].clipped == pytest.approx(float((coarse.abs() >= 0.7 * 0.9999).float().mean())) != 0
        limit = 0.7 * (math.sqrt(0.5) if name.endswith("resnet") else 1)
        assert reports["b32.conv1"].largest == pytest.approx(limit) and reports["b32.conv1"].clipped > 0


def test_levels_of_detail_run_fewer_layers() -> None:
    model = MODELS["progan"]
    renderer, scene = Renderer(STORE), edits.set_lod(scene_of(model), 2)
    assert [report.name for report in renderer.report(scene)] == [layer.name for layer in model.card.layers][:4]
    with pytest.raises(SceneError) as error:
        renderer.tap(scene, "b16.conv1")
    assert str(error.value) == "At level of detail 2 layer 'b16.conv1' of progan does not run; lower it."
    assert renderer.tap(scene, "b8.conv1").shape[1:] == (8, 8)


# -- looking -----------------------------------------------------------------------------------------------------------


def test_what_is_looked_at_is_rendered_like_a_picture() -> None:
    renderer = Renderer(STORE)
    looking = edits.look_at(SCENE, "layer", "b8.conv1")
    frame = renderer.render(looking, revision=4)
    assert frame.error is None and frame.scene is looking and frame.revision == 4 and not frame.preview
    assert torch.equal(torch.as_tensor(frame.pixels), torch.as_tensor(look_pixels(renderer, looking, no_poll)))
    broken = renderer.render(edits.look_at(SCENE, "layer", "b512.conv1"), revision=4)
    assert broken.pixels is None and broken.revision == 4 and "b512.conv1" in broken.error


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("update", "message"),
    [
        (
            {"channels": (ChannelGain(layer="b64.conv1", channel=0, gain=0.0),)},
            "stylegan2 skip has no layer 'b64.conv1'; choose one of its own, such as 'b4.conv1'.",
        ),
        (
            {"channels": (ChannelGain(layer="b8.conv1", channel=8, gain=0.0),)},
            "The Scene's channels name channel 8 of layer 'b8.conv1', where stylegan2 skip has channels 0 to 7; "
            "reset them, or choose others.",
        ),
        (
            {"styles": (StyleEdit(layer="b32.torgb", channel=4, amount=1.0),)},
            "The Scene's styles name channel 4 of layer 'b32.torgb', where stylegan2 skip has channels 0 to 3; "
            "reset them, or choose others.",
        ),
    ],
)
def test_what_the_model_lacks_is_named(update: dict[str, Any], message: str) -> None:
    scene = SCENE.model_copy(update=update)
    renderer = Renderer(STORE)
    assert renderer.render(scene).error == message
    for work in (renderer.image, renderer.report, lambda scene: renderer.tap(scene, "b4.conv1")):
        with pytest.raises(SceneError) as error:
            work(scene)
        assert str(error.value) == message
    assert renderer.render(edits.fit(scene, SKIP.card, scene.model)).error is None


def test_models_without_styles_say_so() -> None:
    scene = scene_of(MODELS["progan"])
    edited = scene.model_copy(update={"styles": (StyleEdit(layer="b4.conv1", channel=0, amount=1.0),)})
    assert "where progan has none" in Renderer(STORE).render(edited).error
    with pytest.raises(SceneError, match=r"^Layer 'b4.conv1' of progan has no styles; choose another\.$"):
        Renderer(STORE).style(scene, "b4.conv1")
    for work in (Renderer(STORE).tap, Renderer(STORE).style):
        with pytest.raises(SceneError, match=r"^progan has no layer 'nose'; choose one of its own, such as 'b4.dense'"):
            work(scene, "nose")


def test_a_tap_can_be_dropped_at_every_poll() -> None:
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    scene = edits.set_channel_gain(SCENE, "b16.conv1", 0, 0)
    expected = Renderer(STORE).tap(scene, "b16.torgb", count)
    assert calls > 5
    for last in range(1, calls + 1):
        renderer, left = Renderer(STORE), last

        def stop() -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Cancelled

        with pytest.raises(Cancelled):
            renderer.tap(scene, "b16.torgb", stop)
        assert torch.equal(renderer.tap(scene, "b16.torgb"), expected)


@pytest.mark.parametrize("layer", ["b16.conv0", "b16.conv1"])
def test_where_memory_runs_out_room_is_made_for_a_tap(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, steps_of, left = Renderer(STORE).tap(SCENE, layer), Model.steps, 1

    def steps(model: Model, *args: Any, **kwargs: Any) -> Iterator[Step]:
        nonlocal left
        for step in steps_of(model, *args, **kwargs):
            if step.resolution == 8 and left:
                left -= 1
                raise torch.OutOfMemoryError("CUDA out of memory.")
            yield step

    monkeypatch.setattr(Model, "steps", steps)
    models = store()
    renderer = Renderer(models)
    assert torch.equal(renderer.tap(SCENE, layer), expected)
    assert [kept.model for kept in models.kept()] == [SKIP]
    for work in (renderer.image, renderer.report, lambda scene: renderer.tap(scene, layer)):
        left = 1000
        with pytest.raises(StyleScopeError) as error:
            work(edits.set_seed(SCENE, 8))
        assert str(error.value) == NO_MEMORY
