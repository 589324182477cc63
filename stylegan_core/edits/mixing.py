"""Edits of style mixing: whose styles are mixed in, and into which layers."""

from collections.abc import Sequence

from stylegan_core.edits.limits import clamp
from stylegan_core.scene import MAX_SEED, Latent, Mix, Scene


def set_mix_seed(scene: Scene, seed: int, num_ws: int) -> Scene:
    """Choose the person whose styles are mixed in; amounts are kept."""
    latent = Latent(seed=int(seed) % (MAX_SEED + 1))
    amounts = scene.mixing[0].amounts if scene.mixing else (0.0,) * num_ws
    return scene.model_copy(update={"mixing": (Mix(latent=latent, amounts=amounts), *scene.mixing[1:])})


def set_mix_amount(scene: Scene, layers: Sequence[int], amount: float, num_ws: int) -> Scene:
    """How much of the second person the styles of these layers take, 0 to 1."""
    if not scene.mixing:
        scene = set_mix_seed(scene, scene.latent.seed + 1, num_ws)
    first = scene.mixing[0]
    value = clamp(amount, (0.0, 1.0))
    amounts = tuple(value if i in layers else a for i, a in enumerate(first.amounts))
    return scene.model_copy(update={"mixing": (first.model_copy(update={"amounts": amounts}), *scene.mixing[1:])})


def clear_mixing(scene: Scene) -> Scene:
    """Back to one person."""
    return scene.model_copy(update={"mixing": ()})
