"""Hypothesis strategies for Scenes, models small enough for every test, and the profile that keeps runs the same."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from stylegan_core.card import LayerInfo
from stylegan_core.config import GeneratorConfig
from stylegan_core.model import Model, build_generator, random_spec
from stylegan_core.scene import (
    MAX_SEED,
    ChannelGain,
    ClassWeight,
    Grid,
    Latent,
    LayerSeed,
    Look,
    Mix,
    ModelRef,
    Noise,
    Scene,
    Share,
    Source,
    Stroke,
    StyleEdit,
    Transform,
    Truncation,
    View,
)
from stylegan_core.walk import Clip, Curve, CurvePoint, Key, Sample, Take, Walk

settings.register_profile(
    "stylescope",
    max_examples=40,
    deadline=None,  # other work on the machine is no reason to fail
    derandomize=True,  # the same examples on every run
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("stylescope")

seeds = st.one_of(st.integers(0, 5), st.integers(0, MAX_SEED), st.just(MAX_SEED))
fractions = st.one_of(st.just(0.0), st.floats(0, 1, exclude_max=True))
amounts = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))
psis = st.one_of(st.sampled_from([0.0, 0.7, 1.0]), st.floats(-2, 2))
strengths = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 10))
digests = st.text("0123456789abcdef", max_size=64)

spaces = st.sampled_from(["z", "w"])
points = st.builds(Latent, seed=seeds, x=fractions, y=fractions, space=spaces)
shares = st.builds(Share, latent=points, weight=st.one_of(st.sampled_from([0.5, 1.0]), st.floats(-2, 2)))
blends = st.builds(Latent, seed=seeds, space=spaces, blend=st.lists(shares, min_size=1, max_size=3).map(tuple))
latents = st.one_of(points, points, blends)
angles = st.one_of(st.sampled_from([0.0, 0.0, 90.0]), st.floats(-180, 180, exclude_min=True))
model_refs = st.builds(
    ModelRef,
    digest=digests,
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),  # a lone surrogate is no text
    which=st.sampled_from(["G_ema", "G"]),
)

offsets = st.one_of(st.sampled_from([0.0, 0.25]), st.floats(-10, 10))
transforms = st.one_of(
    st.just(Transform()),
    st.builds(
        Transform,
        x=offsets,
        y=offsets,
        rotation=st.one_of(st.just(0.0), st.floats(-180, 180, exclude_min=True)),
        scale=st.one_of(st.just(1.0), st.floats(0.1, 10)),
        shear=st.one_of(st.just(0.0), st.floats(-2, 2)),
        mirror=st.booleans(),
        untransform=st.booleans(),
    ),
)


def views(img_channels: int) -> st.SearchStrategy[View]:
    gains = st.one_of(st.just(0.0), st.floats(-40, 40))
    return st.builds(View, gain_db=gains, channel=st.one_of(st.none(), st.integers(0, img_channels - 1)))


def _all_or_none(values: st.SearchStrategy[float], length: int | None) -> st.SearchStrategy[tuple[float, ...]]:
    low, high = (0, 6) if length is None else (length, length)
    return st.one_of(st.just(()), st.lists(values, min_size=low, max_size=high).map(tuple))


def truncations(num_ws: int | None = None) -> st.SearchStrategy[Truncation]:
    cutoffs = st.one_of(st.none(), st.integers(0, 64 if num_ws is None else num_ws))
    # Finding centres takes too long for Scenes that are rendered by the dozen:
    towards = st.just("mean") if num_ws is not None else st.sampled_from(["mean", "class", "nearest"])
    return st.builds(
        Truncation,
        psi=psis,
        layers=_all_or_none(psis, num_ws),
        cutoff=cutoffs,
        towards=towards,
        centres=st.integers(2, 1024),
    )


def strokes(layers: st.SearchStrategy[int]) -> st.SearchStrategy[Stroke]:
    points = st.tuples(amounts, amounts)
    return st.builds(
        Stroke,
        layer=layers,
        points=st.lists(points, min_size=1, max_size=4).map(tuple),
        radius=st.floats(0.001, 1),
        value=st.floats(-10, 10),
        mode=st.sampled_from(["add", "set"]),
    )


def noises(count: int | None = None) -> st.SearchStrategy[Noise]:
    layers = st.integers(0, 63 if count is None else max(count - 1, 0))
    own = st.builds(LayerSeed, layer=layers, seed=st.one_of(st.none(), seeds), other=seeds, angle=angles)
    reseeded = st.lists(own, max_size=3, unique_by=lambda item: item.layer)
    return st.builds(
        Noise,
        mode=st.sampled_from(["const", "none", "random"]),
        seed=seeds,
        other=seeds,
        angle=angles,
        strength=strengths,
        layers=_all_or_none(strengths, count),
        reseeded=st.just(()) if count == 0 else reseeded.map(tuple),
        strokes=st.just(()) if count == 0 else st.lists(strokes(layers), max_size=2).map(tuple),
    )


def mixes(num_ws: int | None = None) -> st.SearchStrategy[tuple[Mix, ...]]:
    length = st.integers(0, 6) if num_ws is None else st.just(num_ws)
    counts = length.flatmap(lambda count: st.tuples(*[amounts] * count))
    return st.lists(st.builds(Mix, latent=latents, amounts=counts), max_size=2).map(tuple)


def sources(num_ws: int | None = None) -> st.SearchStrategy[Source]:
    names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    return st.builds(Source, latent=latents, mixing=mixes(num_ws), name=names)


def grids(num_ws: int | None = None) -> st.SearchStrategy[Grid]:
    edges = st.lists(sources(num_ws), max_size=2).map(tuple)
    layers = st.sets(st.integers(0, 63 if num_ws is None else num_ws - 1), max_size=4)
    return st.one_of(
        st.just(Grid()),
        st.builds(
            Grid,
            rows=edges,
            columns=edges,
            layers=layers.map(lambda numbers: tuple(sorted(numbers))),
            psi=st.one_of(st.none(), psis),
        ),
    )


Layers = tuple[LayerInfo, ...] | None  # of a model that a Scene has to fit; None: of any
layer_names = st.sampled_from(["input", "b4.conv1", "b8.conv0", "b64.torgb"])


def _places(counts: dict[str, int] | None) -> st.SearchStrategy[tuple[str, int]]:
    """Layers with one channel each, of those that there are so many of."""
    if counts is None:
        return st.tuples(layer_names, st.one_of(st.integers(0, 3), st.integers(0, 65535)))
    return st.sampled_from(
        [(name, channel) for name, count in counts.items() for channel in {0, count // 2, count - 1}]
    )


def _changes(
    of: Callable[[tuple[str, int], float], Any], counts: dict[str, int] | None, values: st.SearchStrategy[float]
) -> st.SearchStrategy[tuple[Any, ...]]:
    if counts is not None and not any(counts.values()):
        return st.just(())
    kept = None if counts is None else {name: count for name, count in counts.items() if count}
    several = st.lists(_places(kept), max_size=3, unique=True)
    return several.flatmap(lambda places: st.tuples(*(values.map(partial(of, place)) for place in places)))


def _gain(place: tuple[str, int], gain: float) -> ChannelGain:
    return ChannelGain(layer=place[0], channel=place[1], gain=gain)


def _style(place: tuple[str, int], amount: float) -> StyleEdit:
    return StyleEdit(layer=place[0], channel=place[1], amount=amount)


def channel_gains(layers: Layers = None) -> st.SearchStrategy[tuple[ChannelGain, ...]]:
    counts = None if layers is None else {layer.name: layer.channels for layer in layers}
    return _changes(_gain, counts, st.one_of(st.sampled_from([0.0, 1.0]), st.floats(-10, 10)))


def style_edits(layers: Layers = None) -> st.SearchStrategy[tuple[StyleEdit, ...]]:
    counts = None if layers is None else {layer.name: layer.style_channels for layer in layers}
    return _changes(_style, counts, st.one_of(st.sampled_from([0.0, 1.0]), st.floats(-100, 100)))


def looks(layers: Layers = None) -> st.SearchStrategy[Look]:
    names = layer_names if layers is None else st.sampled_from([layer.name for layer in layers])
    channel = st.one_of(st.integers(0, 3), st.integers(0, 65535))
    counts = {layer.name: layer.channels for layer in layers or ()}

    def within(look: Look) -> Look:
        if look.layer not in counts:
            return look
        first, second, third = (min(c, counts[look.layer] - 1) for c in look.channels)
        return look.model_copy(update={"channels": (first, second, third)})

    built = st.builds(
        Look,
        at=st.sampled_from(["picture", "layer", "noise", "effect", "variation"]),
        layer=st.one_of(st.just(""), names),
        show=st.sampled_from(["channel", "rgb", "sheet", "strongest", "spectrum"]),
        channels=st.tuples(channel, channel, channel),
        page=channel,
        normalise=st.booleans(),
        gain_db=st.floats(-40, 40),
        colours=st.sampled_from(["grey", "viridis", "magma", "turbo", "diverging"]),
        seeds=st.integers(2, 256),
    )
    return built.map(within)


def scenes(
    num_ws: int | None = None,
    noise_count: int | None = None,
    c_dim: int | None = None,
    img_channels: int = 3,
    layers: Layers = None,
) -> st.SearchStrategy:
    """Any valid Scene; with numbers given, one that fits a model which has these."""
    classes = st.builds(
        ClassWeight, index=st.integers(0, 999 if c_dim is None else max(c_dim - 1, 0)), weight=strengths
    )
    several = st.lists(classes, min_size=1 if c_dim else 0, max_size=3, unique_by=lambda item: item.index)
    return st.builds(
        Scene,
        model=model_refs,
        latent=latents,
        classes=st.just(()) if c_dim == 0 else several.map(tuple),
        mixing=mixes(num_ws),
        truncation=truncations(num_ws),
        noise=noises(noise_count),
        transform=transforms,
        view=views(img_channels),
        grid=grids(num_ws),
        channels=channel_gains(layers),
        styles=style_edits(layers),
        look=looks(layers),
    )


# -- walks -------------------------------------------------------------------------------------------------------------

eases = st.sampled_from(["linear", "smooth", "cubic", "hold"])
moments = st.one_of(st.integers(0, 12).map(float), st.floats(0, 12))  # beats are met, too
simple_scenes = st.builds(
    Scene,
    model=st.builds(ModelRef, digest=st.sampled_from(["", "a", "b"])),
    latent=points,
    truncation=st.builds(Truncation, psi=psis),
)


def _apart(items: st.SearchStrategy, min_size: int, max_size: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """Items in the order of their times, each at a time of its own."""
    several = st.lists(items, min_size=min_size, max_size=max_size, unique_by=lambda item: round(item.time_s, 1))
    return several.map(lambda found: tuple(sorted(found, key=lambda item: item.time_s)))


keys = st.builds(Key, time_s=moments, scene=simple_scenes, ease=eases, name=st.sampled_from(["", "Anna"]))
takes = _apart(st.builds(Sample, time_s=st.floats(0, 3), scene=simple_scenes), 1, 4).map(lambda s: Take(samples=s))
clips = st.builds(
    Clip,
    take=takes,
    start_s=moments,
    first_s=st.floats(0, 1),
    last_s=st.one_of(st.none(), st.floats(1, 3)),
    speed=st.sampled_from([0.5, 1.0, 3.0]),
    smooth_s=st.sampled_from([0.0, 0.2]),
    enabled=st.booleans(),
)
curve_points = st.builds(CurvePoint, time_s=moments, value=st.floats(-3, 3), ease=eases)


def curves(parameter: str) -> st.SearchStrategy[Curve]:
    return st.builds(Curve, parameter=st.just(parameter), points=_apart(curve_points, 1, 4), enabled=st.booleans())


def walks(min_keys: int = 0) -> st.SearchStrategy[Walk]:
    """Any walk with few keys, clips and curves, all in order and within its duration, but for clips."""
    return st.builds(
        Walk,
        duration_s=st.floats(12, 20),
        keys=_apart(keys, min_keys, 4),
        clips=st.lists(clips, max_size=2).map(tuple),
        curves=st.tuples(curves("truncation/psi"), curves("transform/rotation")).flatmap(
            lambda both: st.sampled_from([(), both[:1], both])
        ),
        loop=st.booleans(),
        latents=st.sampled_from(["w", "z"]),
        bpm=st.floats(30, 300),
        first_beat_s=st.floats(0, 2),
        first_s=st.sampled_from([0.0, 1.5]),
        last_s=st.sampled_from([None, 4.0]),
    )


@cache
def tiny_model(
    resolution: int = 16, c_dim: int = 0, img_channels: int = 3, architecture: str = "skip", use_noise: bool = True
) -> Model:
    """A model of random weights that makes a picture in a few milliseconds. Its w_avg and noise strengths are not 0."""
    config = GeneratorConfig(
        img_resolution=resolution,
        img_channels=img_channels,
        c_dim=c_dim,
        channel_base=64,
        channel_max=8,
        architecture=architecture,
        mapping_layers=2,
        z_dim=8,
        w_dim=8,
        use_noise=use_noise,
    )
    spec = random_spec(config, seed=resolution + c_dim + img_channels)
    for name, tensor in spec.tensors.items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.3)
        elif name.endswith("w_avg"):
            tensor.copy_(spec.tensors["synthesis.b4.const"].flatten()[: tensor.numel()])
    digest = f"{resolution}-{c_dim}-{img_channels}-{architecture}-{use_noise}"
    return build_generator(spec, digest, "tiny")
