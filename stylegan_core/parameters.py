"""Every number of a Scene under an address, such as "truncation/psi": what curves, LFOs, OSC and MIDI take hold of.

An address is made of words and counts from 0, with "/" between them. Names of layers are percent-encoded where they
hold what OSC forbids in an address (a space and # % * , / ? [ ] { }); the official names hold nothing of the kind.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from statistics import fmean
from typing import Any
from urllib.parse import quote, unquote

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.errors import StyleScopeError
from stylegan_core.scene import MAX_SEED, ROW, Latent, Scene

MANY_CLASSES = 64  # up to so many are all listed
LAST_ROW = MAX_SEED // ROW - 1  # of the seed plane; the one after it has no 100 people

Limits = tuple[float, float]
Read = Callable[[Scene], float]
Edit = Callable[[Scene, float], Scene]


class ParameterError(StyleScopeError):
    """There is no such parameter, or the model has none; the message names the address."""


@dataclass(frozen=True)
class Parameter:
    """One number of a Scene.

    `limits` are what the Scene takes at all, `usual` what a slider spans. A `whole` number is rounded; one that `wraps`
    is an angle, and goes round from one limit to the other.
    """

    address: str
    name: str  # in words
    limits: Limits
    usual: Limits
    read: Read
    write: Edit  # an edit, given a number within the limits
    unit: str = ""
    whole: bool = False
    wraps: bool = False
    push: Edit | None = None  # an edit that moves it on by a finite difference; see `shift`
    count: int = 0  # how many of its like the model has, where the edit has to know that and does

    def get(self, scene: Scene) -> float:
        """The number in a Scene, within the limits."""
        return self.clamped(self.read(scene))

    def clamped(self, value: float) -> float:
        """The number within the limits, whole where it has to be. What is no number stays what it is."""
        low, high = self.limits
        if math.isinf(value := _as_float(value)) or not self.wraps:
            value = value if math.isnan(value) else min(max(value, low), high)
        elif not low < value <= high:
            value = high - (high - value) % (high - low)
        return float(round(value)) if self.whole and not math.isnan(value) else value

    def set(self, scene: Scene, value: float) -> Scene:
        """The Scene with this number, clamped. NaN changes nothing, and so does what the Scene has no room for."""
        value = self.clamped(value)
        return scene if math.isnan(value) else self.write(scene, value)

    def shift(self, scene: Scene, difference: float) -> Scene:
        """The Scene with this number moved by a difference, as modulation does; what is not finite moves nothing.

        On the seed plane it runs on from row to row, and moves all whom a blend is made of.
        """
        if not math.isfinite(difference := _as_float(difference)):
            return scene
        return self.push(scene, difference) if self.push is not None else self.set(scene, self.get(scene) + difference)


def parameter(address: str, card: ModelCard | None = None, count: int = 0) -> Parameter:
    """The parameter with an address.

    Args:
        address: see the module.
        card: of the model that Scenes are for; None: any. Without it, an edit that depends on the model's number of
            layers changes only Scenes that have a number for each layer already,
        count: unless it is told that number: the `count` of the same parameter with the card.

    Raises:
        ParameterError: there is no such parameter, or not in this model.
    """
    if (fixed := _FIXED.get(address)) is not None:
        return _for_model(fixed, card)
    found = _in_family(address, card, count or None)
    if found is None:
        raise ParameterError(f"There is no parameter '{address}'; docs/osc.md lists their addresses.")
    return found


def parameters(card: ModelCard | None = None, scene: Scene | None = None) -> tuple[Parameter, ...]:
    """The parameters that do something to a model's pictures.

    Args:
        card: of the model; None: all that there are.
        scene: whose edits, classes and persons mixed in are listed; None: one person's who is mixed in.
    """
    return tuple(parameter(address, card) for address in _addresses(card, scene or Scene()))


def layer_address(kind: str, layer: str, channel: int) -> str:
    """The address of a layer's channel: `kind` is "channels" (feature maps) or "styles"."""
    return f"{kind}/{quote(layer, safe='')}/{channel}"


# -- which there are ---------------------------------------------------------------------------------------------------


def _addresses(card: ModelCard | None, scene: Scene) -> Iterator[str]:
    for address in _FIXED:
        if card is None or _has(card, address):
            yield address
    num_ws = card.num_ws if card is not None else max(len(scene.truncation.layers), _mix_length(scene, None))
    count = len(card.noise_layers) if card is not None else len(scene.noise.layers)
    if card is None or card.has_truncation:
        yield from (f"truncation/layers/{layer}" for layer in range(num_ws))
    yield from (f"noise/layers/{layer}" for layer in range(count))
    classes = {item.index for item in scene.classes if card is None or item.index < card.c_dim}
    if card is not None and card.c_dim <= MANY_CLASSES:
        classes |= set(range(card.c_dim))
    yield from (f"classes/{index}/weight" for index in sorted(classes))
    for source in range(min(max(len(scene.mixing), 1), edits.MAX_MIXES)):
        yield from (f"mixing/{source}/{word}" for word in ("amount", "seed", "x", "y"))
        yield from (f"mixing/{source}/amounts/{layer}" for layer in range(num_ws))
    for kind, items in (("channels", scene.channels), ("styles", scene.styles)):
        known = (item for item in items if card is None or item.channel < _num_channels(card, kind, item.layer))
        yield from (layer_address(kind, item.layer, item.channel) for item in known)


def _num_channels(card: ModelCard, kind: str, name: str) -> int:
    """How many channels or styles a layer has; 0 if there is no such layer."""
    found = (
        layer.channels if kind == "channels" else layer.style_channels for layer in card.layers if layer.name == name
    )
    return next(found, 0)


def _has(card: ModelCard, address: str) -> bool:
    """Whether one of the fixed parameters does anything to a model."""
    can = {"truncation": card.has_truncation, "noise": card.has_noise, "transform": card.can_move, "lod": card.max_lod}
    return bool(can.get(address.split("/")[0], True))


def _for_model(fixed: Parameter, card: ModelCard | None) -> Parameter:
    if card is None or fixed.address not in ("lod", "truncation/cutoff"):
        return fixed
    limits = (0.0, float(card.max_lod if fixed.address == "lod" else card.num_ws))
    return replace(fixed, limits=limits, usual=limits)


def _in_family(address: str, card: ModelCard | None, count: int | None) -> Parameter | None:
    num_ws = count if card is None else card.num_ws
    match address.split("/"):
        case ["truncation", "layers", layer]:
            return _layer_psi(_count(address, layer, num_ws), num_ws)
        case ["noise", "layers", layer]:
            noises = count if card is None else len(card.noise_layers)
            return _layer_noise(_count(address, layer, noises), noises, card)
        case ["classes", index, "weight"]:
            return _class_weight(_count(address, index, None if card is None else card.c_dim))
        case ["mixing", source, "amount"]:
            return _mix_amount(_count(address, source, edits.MAX_MIXES), None, num_ws)
        case ["mixing", source, "amounts", layer]:
            return _mix_amount(_count(address, source, edits.MAX_MIXES), _count(address, layer, num_ws), num_ws)
        case ["mixing", source, ("seed" | "x" | "y") as word]:
            return _mixed_person(_count(address, source, edits.MAX_MIXES), word, num_ws)
        case [("channels" | "styles") as kind, layer, channel]:
            return _layer_channel(address, kind, unquote(layer), channel, card)
    return None


def _count(address: str, text: str, count: int | None) -> int:
    """The number that an address names, below `count`; below any that a Scene takes if None."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ParameterError(f"There is no parameter '{address}': '{text}' is no number counted from 0.")
    if count is not None and int(text) >= count:
        has = f"goes from 0 to {count - 1}" if count else "is not there in this model"
        raise ParameterError(f"There is no parameter '{address}': number {text} {has}.")
    return int(text)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number that is longer than any float
        return math.inf if value > 0 else -math.inf


# -- the person --------------------------------------------------------------------------------------------------------


def _plane(
    prefix: str, who: str, of: Callable[[Scene], Latent], put: Callable[[Scene, Latent], Scene]
) -> dict[str, Parameter]:
    """Seed and place of somebody on the seed plane, which has ROW people a row."""

    def person(scene: Scene, seed: int, x: float = 0.0, y: float = 0.0) -> Scene:
        return put(scene, Latent(seed=seed, x=x, y=y, space=of(scene).space))

    def column(scene: Scene) -> float:
        return of(scene).seed % ROW + of(scene).x

    def row(scene: Scene) -> float:
        return of(scene).seed // ROW + of(scene).y

    def set_column(scene: Scene, value: float) -> Scene:
        whole = math.floor(value)
        return person(scene, min(of(scene).seed // ROW, LAST_ROW) * ROW + whole, value - whole, of(scene).y)

    def set_row(scene: Scene, value: float) -> Scene:
        whole = math.floor(value)
        return person(scene, whole * ROW + of(scene).seed % ROW, of(scene).x, value - whole)

    def along(dx: float, dy: float, step: Callable[[float], float] = float) -> Edit:
        return lambda scene, by: put(scene, _moved(scene, of(scene), dx * step(by), dy * step(by)))

    first, last = (0.0, math.nextafter(ROW, 0)), (0.0, math.nextafter(LAST_ROW + 1, 0))
    return {
        "seed": Parameter(
            f"{prefix}/seed",
            f"{who}: seed",
            (0.0, float(MAX_SEED)),
            (0.0, 999.0),
            lambda scene: of(scene).seed,
            lambda scene, value: person(scene, int(value)),
            whole=True,
            push=along(1, 0, step=round),
        ),
        "x": Parameter(
            f"{prefix}/x", f"{who}: across", first, (0.0, 20.0), column, set_column, "people", push=along(1, 0)
        ),
        "y": Parameter(f"{prefix}/y", f"{who}: down", last, (0.0, 20.0), row, set_row, "people", push=along(0, 1)),
    }


def _moved(scene: Scene, latent: Latent, dx: float, dy: float) -> Latent:
    """A latent moved over the seed plane; of a blend, all whom it is made of. A projected face stands nowhere on it."""
    if latent.blend:
        shares = (share.model_copy(update={"latent": _moved(scene, share.latent, dx, dy)}) for share in latent.blend)
        return latent.model_copy(update={"blend": tuple(shares)})
    if latent.projected is not None:
        return latent
    return edits.move_on_plane(edits.set_latent(scene, latent), dx, dy).latent


def _class_weight(index: int) -> Parameter:
    def weight(scene: Scene) -> float:
        return next((item.weight for item in scene.classes if item.index == index), 0.0)

    def write(scene: Scene, value: float) -> Scene:
        return edits.set_class_weight(scene, index, value)

    return Parameter(
        f"classes/{index}/weight", f"Class {index}: weight", edits.STRENGTH_RANGE, (0.0, 1.0), weight, write
    )


# -- style mixing ------------------------------------------------------------------------------------------------------


def _mix_length(scene: Scene, num_ws: int | None) -> int:
    """How many amounts somebody who is mixed in has; 0 if that is not to be known."""
    return num_ws if num_ws is not None else max((len(mix.amounts) for mix in scene.mixing), default=0)


def _mix_amount(source: int, layer: int | None, num_ws: int | None) -> Parameter:
    """How much of a person the styles of one layer take; of all layers, if None."""

    def amount(scene: Scene) -> float:
        amounts = scene.mixing[source].amounts if source < len(scene.mixing) else ()
        if layer is not None:
            return amounts[layer] if layer < len(amounts) else 0.0
        return amounts[0] if len(set(amounts)) == 1 else fmean(amounts or (0.0,))

    def write(scene: Scene, value: float) -> Scene:
        length = _mix_length(scene, num_ws)
        layers = range(length) if layer is None else [layer]
        return edits.set_mix_amount(scene, layers, value, length, source) if length else scene

    where = "amount" if layer is None else f"amounts/{layer}"
    name = f"Mix {source + 1}: amount" + ("" if layer is None else f" in style vector {layer}")
    return Parameter(f"mixing/{source}/{where}", name, (0.0, 1.0), (0.0, 1.0), amount, write, count=num_ws or 0)


def _mixed_person(source: int, word: str, num_ws: int | None) -> Parameter:
    def of(scene: Scene) -> Latent:
        if source < len(scene.mixing):
            return scene.mixing[source].latent
        return Latent(seed=(scene.latent.seed + 1 + source) % (MAX_SEED + 1))  # whom set_mix_amount would mix in

    def put(scene: Scene, latent: Latent) -> Scene:
        length = _mix_length(scene, num_ws)
        return edits.set_mix_latent(scene, latent, length, source) if length else scene

    return replace(_plane(f"mixing/{source}", f"Mix {source + 1}", of, put)[word], count=num_ws or 0)


# -- layers ------------------------------------------------------------------------------------------------------------


def _layer_psi(layer: int, num_ws: int | None) -> Parameter:
    def psi(scene: Scene) -> float:
        layers = scene.truncation.layers
        return layers[layer] if layer < len(layers) else scene.truncation.psi

    def write(scene: Scene, value: float) -> Scene:
        return edits.set_layer_psi(scene, layer, value, num_ws or len(scene.truncation.layers))

    address = f"truncation/layers/{layer}"
    return Parameter(
        address, f"Psi of style vector {layer}", edits.PSI_RANGE, (-1.0, 1.5), psi, write, count=num_ws or 0
    )


def _layer_noise(layer: int, count: int | None, card: ModelCard | None) -> Parameter:
    def strength(scene: Scene) -> float:
        layers = scene.noise.layers
        return layers[layer] if layer < len(layers) else 1.0

    def write(scene: Scene, value: float) -> Scene:
        return edits.set_layer_noise(scene, layer, value, count or len(scene.noise.layers))

    name = f"Noise of layer {layer if card is None else card.noise_layers[layer].name}"
    return Parameter(
        f"noise/layers/{layer}", name, edits.STRENGTH_RANGE, (0.0, 2.0), strength, write, "×", count=count or 0
    )


def _layer_channel(address: str, kind: str, layer: str, channel: str, card: ModelCard | None) -> Parameter:
    gains, count = kind == "channels", 65536
    if card is not None:
        count = next(
            (info.channels if gains else info.style_channels for info in card.layers if info.name == layer), -1
        )
    if count < 0 or not 0 < len(layer) <= 80:
        raise ParameterError(f"There is no parameter '{address}': there is no layer '{layer}'.")
    number = _count(address, channel, count)

    def gain(scene: Scene) -> float:
        return next((item.gain for item in scene.channels if (item.layer, item.channel) == (layer, number)), 1.0)

    def amount(scene: Scene) -> float:
        return next((item.amount for item in scene.styles if (item.layer, item.channel) == (layer, number)), 0.0)

    def write(scene: Scene, value: float) -> Scene:
        return (edits.set_channel_gain if gains else edits.set_style)(scene, layer, number, value)

    address = layer_address(kind, layer, number)
    if gains:
        name = f"Gain of channel {number} in {layer}"
        return Parameter(address, name, edits.CHANNEL_GAIN_RANGE, (0.0, 2.0), gain, write, "×")
    return Parameter(address, f"Style {number} in {layer}", edits.STYLE_RANGE, (-10.0, 10.0), amount, write)


# -- numbers that every Scene has --------------------------------------------------------------------------------------


def _set_x(scene: Scene, value: float) -> Scene:
    return edits.set_offset(scene, value, scene.transform.y)


def _set_y(scene: Scene, value: float) -> Scene:
    return edits.set_offset(scene, scene.transform.x, value)


def _set_noise_seed(scene: Scene, value: float) -> Scene:
    return edits.set_noise_seed(scene, int(value))


def _set_noise_other(scene: Scene, value: float) -> Scene:
    return edits.set_noise_other(scene, int(value))


def _set_cutoff(scene: Scene, value: float) -> Scene:
    return edits.set_cutoff(scene, int(value))


def _cutoff(scene: Scene) -> float:
    return edits.CUTOFF_RANGE[1] if scene.truncation.cutoff is None else scene.truncation.cutoff


def _field(address: str, name: str, limits: Limits, usual: Limits, edit: Edit, **kind: Any) -> Parameter:
    """A parameter whose address is the field's own name."""
    return Parameter(address, name, limits, usual, attrgetter(address.replace("/", ".")), edit, **kind)


_SEEDS, _ANGLES = (0.0, float(MAX_SEED)), (-180.0, 180.0)
_FIXED = {
    item.address: item
    for item in (
        *_plane("latent", "Person", lambda scene: scene.latent, edits.set_latent).values(),
        _field("truncation/psi", "Psi", edits.PSI_RANGE, (-1.0, 1.5), edits.set_psi),
        Parameter("truncation/cutoff", "Cutoff", edits.CUTOFF_RANGE, (0.0, 18.0), _cutoff, _set_cutoff, whole=True),
        _field("truncation/centres", "Centres", edits.CENTRES_RANGE, (2.0, 128.0), edits.set_centres, whole=True),
        _field(
            "noise/strength", "Noise strength", edits.STRENGTH_RANGE, (0.0, 2.0), edits.set_noise_strength, unit="×"
        ),
        _field("noise/seed", "Noise seed", _SEEDS, (0.0, 999.0), _set_noise_seed, whole=True),
        _field("noise/other", "Noise seed at 90°", _SEEDS, (0.0, 999.0), _set_noise_other, whole=True),
        _field("noise/angle", "Noise angle", _ANGLES, _ANGLES, edits.set_noise_angle, unit="°", wraps=True),
        _field("transform/x", "Picture to the right", edits.OFFSET_RANGE, (-1.0, 1.0), _set_x, unit="widths"),
        _field("transform/y", "Picture down", edits.OFFSET_RANGE, (-1.0, 1.0), _set_y, unit="heights"),
        _field("transform/rotation", "Rotation", _ANGLES, _ANGLES, edits.set_rotation, unit="°", wraps=True),
        _field("transform/scale", "Scale", edits.SCALE_RANGE, (0.5, 2.0), edits.set_scale, unit="×"),
        _field("transform/shear", "Shear", edits.SHEAR_RANGE, (-1.0, 1.0), edits.set_shear),
        _field("view/gain_db", "Contrast", edits.GAIN_RANGE_DB, (-20.0, 20.0), edits.set_gain_db, unit="dB"),
        _field("lod", "Level of detail", edits.LOD_RANGE, (0.0, 8.0), edits.set_lod, unit="octaves"),
    )
}
