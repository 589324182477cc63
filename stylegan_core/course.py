"""Course: one Scene's way through synthesis, step by step, and for each layer all that decides what it gives."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from torch import Tensor

from stylegan_core.card import LayerInfo
from stylegan_core.latent import style_keys
from stylegan_core.model import Model
from stylegan_core.network import Inputs, Probe, Step
from stylegan_core.noise import layer_key
from stylegan_core.ops import Poll, no_poll
from stylegan_core.probe import UNCHANGED, SceneProbe
from stylegan_core.scene import Scene
from stylegan_core.transform import input_matrix, motion


@dataclass(frozen=True, eq=False)
class Course:
    """How a Scene runs through a model."""

    scene: Scene
    model: Model
    ws: Tensor  # [1, num_ws, w_dim]
    half: bool
    matrix: Tensor | None  # of the transform, if the picture is moved
    max_rate: int | None  # of a StyleGAN3 preview
    probe: SceneProbe | None  # if the Scene changes anything inside
    last: int  # the step that ends it
    layer_keys: dict[str, Hashable]  # by layer; equal keys, equal activations
    step_keys: tuple[Hashable, ...]  # likewise

    @property
    def is_plain(self) -> bool:
        """Whether it ends with the full picture and nothing looks in on the way, so that it can be replayed."""
        return self.last == len(self.step_keys) - 1 and self.probe is None

    @property
    def inner(self) -> Probe:
        """What changes the network meanwhile."""
        return UNCHANGED if self.probe is None else self.probe

    def steps(self, poll: Poll = no_poll, start: Step | None = None, probe: Probe | None = None) -> Iterator[Step]:
        """The steps after `start`; `probe` in place of the Scene's own."""
        scene, probe = self.scene, self.probe if probe is None else probe
        return self.model.steps(
            self.ws, scene.noise, self.matrix, scene.lod, self.half, self.max_rate, poll, start, probe
        )

    def inputs(self) -> Inputs:
        """What the network takes beside ws."""
        return self.model.inputs(self.scene.noise, self.matrix, self.scene.lod, self.half, self.max_rate)


def course(scene: Scene, model: Model, ws: Tensor, half: bool, stop_at: int | None = None) -> Course:
    """The Course of a Scene.

    Args:
        scene: what to show.
        model: its model.
        ws: its style vectors, on the model's device.
        half: half precision where the model is meant for it.
        stop_at: a block resolution in px whose picture will do; None: the full picture.

    Raises:
        SceneError: the Scene changes a layer or a channel that the model does not have.
    """
    card = model.card
    if stop_at is None or not card.has_preview:
        stop_at = card.resolution
    moved = motion(scene.transform)
    if moved is not None:
        stop_at = max(stop_at, card.moved_px)  # coarser pictures are not moved yet
    max_rate = card.preview_px if stop_at <= card.preview_px else None
    probe = SceneProbe(scene, card)
    layer_keys = _layer_keys(scene, model, half, probe, max_rate)
    return Course(
        scene,
        model,
        ws,
        half,
        None if moved is None else input_matrix(moved),
        max_rate,
        None if probe.changes_nothing else probe,
        _last_step(model, stop_at),
        layer_keys,
        tuple({layer.step: layer_keys[layer.name] for layer in card.layers}.values()),
    )


def _last_step(model: Model, stop_at: int) -> int:
    """The last step of a resolution. In StyleGAN3 every pass has all steps."""
    layers: tuple[LayerInfo, ...] = model.card.layers
    if model.card.preview_px:
        return model.network.num_steps - 1
    stop_at = max(stop_at, layers[0].resolution)
    return max(layer.step for layer in layers if layer.resolution <= stop_at)


def _layer_keys(scene: Scene, model: Model, half: bool, probe: SceneProbe, max_rate: int | None) -> dict[str, Hashable]:
    card = model.card
    capped = model.network.first_capped(max_rate)
    styles = style_keys(scene, card.num_ws)
    key: Hashable = (card.digest, scene.model.which, model.device, half)
    keys: dict[str, Hashable] = {}
    motion_key = motion(scene.transform)
    noise_index = 0
    for layer in card.layers:
        moved = motion_key if layer.resolution >= card.moved_px else None
        noise: Hashable = None
        if layer.has_noise:
            noise = layer_key(scene.noise, noise_index)
            noise_index += 1
        fade = min(max(scene.lod - (card.max_lod - layer.step), 0.0), 1.0)  # what is coarse stays as it is
        rate = max_rate if layer.step >= capped else None
        key = (key, styles[layer.ws_index], noise, moved, fade, rate, probe.key(layer.name))
        keys[layer.name] = key
    return keys
