"""Scene: everything that determines a picture, and nothing else, as a frozen value with a readable JSON form.

Latents are recipes (seeds and weights), never tensors, so that two equal Scenes are the same picture, equality and
hashing cost nothing, and a person can read what a file says.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from stylegan_core.errors import SceneError, first_wrong

SCENE_VERSION: Literal[4] = 4
MAX_SEED = 2**32 - 1  # numpy.random.RandomState takes no more
ROW = 100  # seeds from one row of the seed plane to the next, as in the official visualizer

Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Psi = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Strength = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
GainDb = Annotated[float, Field(ge=-40, le=40, allow_inf_nan=False)]
LayerIndex = Annotated[int, Field(ge=0, lt=64)]
Offset = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
Degrees = Annotated[float, Field(gt=-180, le=180, allow_inf_nan=False)]
Scale = Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)]
Lod = Annotated[float, Field(ge=0, le=16, allow_inf_nan=False)]
Shear = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
LayerName = Annotated[str, Field(min_length=1, max_length=80)]  # of a LayerInfo
Channel = Annotated[int, Field(ge=0, lt=65536)]
Gain = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
StyleAmount = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
MAX_SOURCES, MAX_EDITS, MAX_STROKES, MAX_POINTS = 64, 1024, 256, 512
MAX_SHARES, MAX_BLENDS = 256, 8  # in one blend; blends within one another


class Part(BaseModel):
    """Base of the Scene and its parts: frozen, strict, and with no field that it does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelRef(Part):
    """Which model. The digest decides; the path says where it was when the Scene was made."""

    digest: str = ""  # sha256 of the file; empty: any model at the path
    path: str = ""
    which: Literal["G_ema", "G"] = "G_ema"


class Projected(Part):
    """Style vectors that a projector found for a photograph, in a file. The digest decides; see `ModelRef`."""

    digest: Annotated[str, Field(min_length=1)]  # sha256 of the file
    path: str = ""


class Share(Part):
    """A latent and how much of it is in a blend."""

    latent: "Latent"
    weight: Weight


def _not_too_deep(blend: tuple[Share, ...]) -> tuple[Share, ...]:
    if blend_depth(blend) > MAX_BLENDS:
        raise ValueError(f"blends lie more than {MAX_BLENDS} deep within one another")
    return blend


class Latent(Part):
    """A point on the seed plane: person `seed`, moved by (x, y) towards its neighbours; or a face; or a blend.

    The plane has a person at every whole position; to the right stands `seed + 1`, below `seed + ROW` (modulo 2**32).
    Between four of them latents are blended with bilinear weights, in z (brought back to unit variance, so that the
    mapping network sees what it was trained on) or in w.

    A blend of other latents, as somebody on the way from one to the next is, is in w the sum of theirs by weight. In z
    it lies on the sphere between them: of two, at the second's weight along the great circle (Shoemake 1985, "slerp",
    section 3.3); of more, in the direction of the weighted sum.
    """

    seed: Seed = 0
    x: Fraction = 0.0
    y: Fraction = 0.0
    space: Literal["z", "w"] = "w"
    projected: Projected | None = None  # stands in place of the seed plane
    # Stands in place of both:
    blend: Annotated[tuple[Share, ...], Field(max_length=MAX_SHARES), AfterValidator(_not_too_deep)] = ()


def blend_depth(blend: tuple[Share, ...]) -> int:
    """How many blends lie within one another; 0 for none."""
    return 1 + max(blend_depth(share.latent.blend) for share in blend) if blend else 0


class ClassWeight(Part):
    """One class of a conditional model and its share in the mix."""

    index: Annotated[int, Field(ge=0)]
    weight: Strength = 1.0


class Mix(Part):
    """Style mixing (StyleGAN, section 3.1): a second person's styles, blended into each layer by an amount."""

    latent: Latent
    amounts: tuple[Amount, ...]  # one per style vector; 0: the first person's, 1: the second's


class Truncation(Part):
    """The truncation trick (StyleGAN, appendix B): w' = w_avg + psi * (w - w_avg), for each style vector.

    `layers` is empty, or has one psi for each style vector, which then stands in place of `psi`. Style vectors from
    `cutoff` on are left alone (None: all are truncated). In place of w_avg may stand the mean of the classes chosen,
    or for each style vector the nearest of so many centres of w (Mokady et al. 2022, "Self-Distilled StyleGAN",
    section 4.2: multimodal truncation).
    """

    psi: Psi = 0.7
    layers: tuple[Psi, ...] = ()
    cutoff: Annotated[int, Field(ge=0, le=64)] | None = None
    towards: Literal["mean", "class", "nearest"] = "mean"
    centres: Annotated[int, Field(ge=2, le=1024)] = 64  # how many there are to choose from


class LayerSeed(Part):
    """A noise map of its own for one layer."""

    layer: LayerIndex  # counted among the layers that take noise
    seed: Seed | None  # None: the trained map, while those of other layers are random
    other: Seed = 1  # see `Noise`
    angle: Degrees = 0.0


class Stroke(Part):
    """A stroke of the brush on one layer's noise map, along points (x, y) from the picture's top left (0) to 1.

    The brush is a disc with a soft edge: full in the middle, nothing at `radius`.
    """

    layer: LayerIndex  # counted among the layers that take noise
    points: Annotated[tuple[tuple[Amount, Amount], ...], Field(min_length=1, max_length=MAX_POINTS)]
    radius: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]  # in the picture's shorter sides
    value: Gain  # in standard deviations of the noise
    mode: Literal["add", "set"] = "add"


def _one_for_each_layer(items: tuple[LayerSeed, ...]) -> tuple[LayerSeed, ...]:
    if len({item.layer for item in items}) < len(items):
        raise ValueError("a layer is named twice")
    return items


class Noise(Part):
    """The noise inputs (StyleGAN, section 3.2): which maps, and how strong."""

    mode: Literal["const", "none", "random"] = "const"
    seed: Seed = 0  # of the maps, in mode "random"; it and `other` span a circle of maps, all of unit variance:
    other: Seed = 1
    angle: Degrees = 0.0  # on it: cos(angle) times the map of `seed`, sin(angle) times that of `other`
    strength: Strength = 1.0  # times what the model learned
    layers: tuple[Strength, ...] = ()  # one more factor for each layer that takes noise; empty: 1
    # Layers whose map is random in modes "const" and "random":
    reseeded: Annotated[tuple[LayerSeed, ...], AfterValidator(_one_for_each_layer)] = ()
    strokes: Annotated[tuple[Stroke, ...], Field(max_length=MAX_STROKES)] = ()  # painted over those maps, in order


class Transform(Part):
    """How the picture is moved (StyleGAN3, section 2), about its centre; the order is in `picture_matrix`.

    Models that cannot move their input move coarse features instead, or nothing; see ModelCard.
    """

    x: Offset = 0.0  # to the right, in the picture's shorter sides
    y: Offset = 0.0  # down, likewise
    rotation: Degrees = 0.0  # clockwise on the screen; gen_images.py --rotate of StyleGAN3 counts the other way
    scale: Scale = 1.0  # above 1: larger
    shear: Shear = 0.0  # to the right for each unit down
    mirror: bool = False  # left and right change places
    untransform: bool = False  # the finished picture is moved back, so that what sticks to the pixels is seen


class View(Part):
    """How the picture's numbers become pixels. Changing it costs no synthesis."""

    gain_db: GainDb = 0.0  # about mid-grey: 6 dB is twice the contrast
    channel: Annotated[int, Field(ge=0, le=15)] | None = None  # this one alone, in grey; None: all


class ChannelGain(Part):
    """One feature map of one layer, made stronger, weaker or absent after the layer's activation.

    Network dissection in miniature (Bau et al. 2019, "GAN Dissection", section 3.2).
    """

    layer: LayerName
    channel: Channel
    gain: Gain


class StyleEdit(Part):
    """One channel of one layer's style vector s = A(w), moved (Wu et al. 2021, "StyleSpace Analysis")."""

    layer: LayerName
    channel: Channel
    amount: StyleAmount  # added to s


def _one_for_each_channel(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if len({(item.layer, item.channel) for item in items}) < len(items):
        raise ValueError("a channel is named twice")
    return items


class Source(Part):
    """Somebody at the edge of a mixing grid: a latent, and what is mixed into it."""

    latent: Latent = Latent()
    mixing: tuple[Mix, ...] = ()
    name: Annotated[str, Field(max_length=80)] = ""  # empty: the seed


class Grid(Part):
    """A style mixing grid (StyleGAN, figure 3): each cell is its column's person with some styles of its row's."""

    rows: Annotated[tuple[Source, ...], Field(max_length=MAX_SOURCES)] = ()
    columns: Annotated[tuple[Source, ...], Field(max_length=MAX_SOURCES)] = ()
    layers: tuple[LayerIndex, ...] = ()  # style vectors that come from the row
    psi: Psi | None = None  # in place of the Scene's; None: as the Scene has it


At = Literal["picture", "layer", "noise", "effect", "variation"]
Show = Literal["channel", "rgb", "sheet", "strongest", "spectrum"]
Colours = Literal["grey", "viridis", "magma", "turbo", "diverging"]


class Look(Part):
    """What is looked at besides the picture, and how. It changes nothing about the picture.

    "layer": a layer's activations. "noise": a layer's noise map; "effect": what that noise does to the picture, the
    difference between on and off; "variation": the standard deviation over `seeds` random maps (StyleGAN, figures 4
    and 5). The last two are of one layer, or of all if `layer` is empty.
    """

    at: At = "picture"
    layer: Annotated[str, Field(max_length=80)] = ""  # a LayerInfo's name
    show: Show = "sheet"  # of a layer's feature maps
    # "channel" shows the first, "rgb" all three, "spectrum" how the first one's power is spread over frequencies
    channels: tuple[Channel, Channel, Channel] = (0, 1, 2)
    page: Annotated[int, Field(ge=0, lt=65536)] = 0  # of "sheet" and "strongest"
    normalise: bool = True  # to the values' own range, each map by itself
    gain_db: GainDb = 0.0
    colours: Colours = "viridis"
    seeds: Annotated[int, Field(ge=2, le=256)] = 16  # of "variation"
    # Of the spectrum's Kaiser window: larger shows fainter things beside strong ones, and blurs more.
    spectrum_beta: Annotated[float, Field(ge=0, le=40, allow_inf_nan=False)] = 8.0


class Ladder(Part):
    """The same person at so many psi, evenly from the first to the last, side by side."""

    first: Psi = -1.0
    last: Psi = 1.5
    rungs: Annotated[int, Field(ge=2, le=64)] = 11


class Scene(Part):
    """What a picture is made of. Two equal Scenes are the same picture."""

    version: Literal[4] = SCENE_VERSION
    model: ModelRef = ModelRef()
    latent: Latent = Latent()
    classes: tuple[ClassWeight, ...] = ()
    mixing: tuple[Mix, ...] = ()
    truncation: Truncation = Truncation()
    noise: Noise = Noise()
    transform: Transform = Transform()
    channels: Annotated[
        tuple[ChannelGain, ...], Field(max_length=MAX_EDITS), AfterValidator(_one_for_each_channel)
    ] = ()
    styles: Annotated[tuple[StyleEdit, ...], Field(max_length=MAX_EDITS), AfterValidator(_one_for_each_channel)] = ()
    view: View = View()
    grid: Grid = Grid()
    ladder: Ladder = Ladder()
    look: Look = Look()
    lod: Lod = 0.0  # level of detail of models that grew while they trained: so many octaves below the full size


_UNSEEN = {"grid": Grid(), "ladder": Ladder(), "look": Look()}  # made once: it is asked for at every frame


def only_picture(scene: Scene) -> Scene:
    """The Scene without what the picture does not depend on: what is looked at besides, the grid, the ladder."""
    return scene.model_copy(update=_UNSEEN)


def scene_to_json(scene: Scene) -> str:
    """The Scene as indented JSON, every field written out, fit to be read and diffed by a person."""
    return json.dumps(scene.model_dump(mode="json"), indent=2)


def _with_transform(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had no transform: its pictures stand where the model puts them."""
    return {"transform": {}, **data}


def _with_insight(data: dict[str, Any]) -> dict[str, Any]:
    """Version 2 had nothing of what is inside: channels, styles, grid, ladder, look, painted noise, centres."""
    return data


def _with_blends(data: dict[str, Any]) -> dict[str, Any]:
    """Version 3 had nobody between any two others, and no circle of noise."""
    return data


# From a version to the next one: a function on the parsed JSON, which may be broken; `version` is counted on for it.
# Old files are brought forward one step at a time.
MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _with_transform,
    2: _with_insight,
    3: _with_blends,
}


def scene_from_json(text: str, source: str = "the Scene") -> Scene:
    """Read a Scene from JSON.

    Args:
        text: what `scene_to_json` wrote, in this version or an older one.
        source: named in the error, such as the file's path.

    Raises:
        SceneError: in one sentence, which field is wrong and why.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"{source} is not JSON ({error}).") from error
    return scene_from_data(data, source)


def scene_from_data(data: object, source: str = "the Scene") -> Scene:
    """Read a Scene from parsed JSON; see `scene_from_json`."""
    if not isinstance(data, dict):
        raise SceneError(f"{source} holds no Scene: expected an object, found {type(data).__name__}.")
    version, oldest = data.get("version", SCENE_VERSION), min(MIGRATIONS, default=SCENE_VERSION)
    if type(version) is not int or not oldest <= version <= SCENE_VERSION:
        raise SceneError(
            f"{source}: field 'version' is {version!r}, this StyleScope reads {oldest} to {SCENE_VERSION}; "
            "a newer file needs a newer StyleScope."
        )
    while version < SCENE_VERSION:
        try:
            data = MIGRATIONS[version](data)
        except (LookupError, TypeError, ValueError, AttributeError) as error:  # it lacks what its version should have
            raise SceneError(
                f"{source}: this Scene of version {version} is broken and cannot be brought forward "
                f"({type(error).__name__}: {error})."
            ) from error
        version += 1
        data = {**data, "version": version}
    try:
        # Strict validation of JSON (arrays are tuples there, and numbers stay numbers).
        return Scene.model_validate_json(json.dumps(data))
    except RecursionError as error:
        raise SceneError(f"{source} is nested too deeply.") from error
    except ValidationError as error:
        field, reason = first_wrong(error)
        raise SceneError(f"{source}: field '{field or 'scene'}': {reason}.") from error
