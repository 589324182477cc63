"""Edits of style mixing: whose styles are mixed in, and into which layers.

Several people may be mixed in, one after another; `source` counts them from 0. One that is not there yet may be the
next to come; those further on change nothing.
"""

from collections.abc import Sequence

from stylegan_core.edits.limits import clamp
from stylegan_core.scene import MAX_SEED, Latent, Mix, Scene

MAX_MIXES = 8  # people that can be mixed in by hand


def _person(latent: Latent | int) -> Latent:
    return latent if isinstance(latent, Latent) else Latent(seed=int(latent) % (MAX_SEED + 1))


def _mixing(scene: Scene, mixing: Sequence[Mix]) -> Scene:
    return scene.model_copy(update={"mixing": tuple(mixing)})


def add_mix(scene: Scene, latent: Latent | int, num_ws: int) -> Scene:
    """Mix in one more person, given as a latent or a seed; by nothing yet. MAX_MIXES are the most."""
    if len(scene.mixing) >= MAX_MIXES:
        return scene
    return _mixing(scene, (*scene.mixing, Mix(latent=_person(latent), amounts=(0.0,) * num_ws)))


def remove_mix(scene: Scene, source: int) -> Scene:
    """Mix in one person less."""
    return _mixing(scene, [mix for i, mix in enumerate(scene.mixing) if i != source])


def set_mix_latent(scene: Scene, latent: Latent | int, num_ws: int, source: int = 0) -> Scene:
    """Choose whose styles are mixed in, by a latent or a seed; amounts are kept."""
    if source == len(scene.mixing):
        return add_mix(scene, latent, num_ws)
    person = _person(latent)
    return _mixing(
        scene, [mix.model_copy(update={"latent": person}) if i == source else mix for i, mix in enumerate(scene.mixing)]
    )


def set_mix_seed(scene: Scene, seed: int, num_ws: int, source: int = 0) -> Scene:
    """Choose the person whose styles are mixed in; amounts are kept."""
    return set_mix_latent(scene, seed, num_ws, source)


def set_mix_amount(scene: Scene, layers: Sequence[int], amount: float, num_ws: int, source: int = 0) -> Scene:
    """How much of a person mixed in the styles of these layers take, 0 to 1."""
    if source == len(scene.mixing):
        scene = add_mix(scene, scene.latent.seed + 1 + source, num_ws)
    value = clamp(amount, (0.0, 1.0))

    def painted(mix: Mix) -> Mix:
        amounts = tuple(value if i in layers else old for i, old in enumerate(mix.amounts))
        return mix.model_copy(update={"amounts": amounts})

    return _mixing(scene, [painted(mix) if i == source else mix for i, mix in enumerate(scene.mixing)])


def clear_mixing(scene: Scene) -> Scene:
    """Back to one person."""
    return _mixing(scene, ())
