"""The official TensorFlow snapshots (StyleGAN1, StyleGAN2, Progressive GAN) as NetworkSpecs.

What a network is says the name of the function that builds it. Another one is one more entry in the tables below: a
function from a TfNetwork to a NetworkSpec of what PyTorch computes the same with.
"""

from collections.abc import Callable

from stylegan_core import tf_progan, tf_snapshot, tf_stylegan1, tf_stylegan2
from stylegan_core.errors import ModelFileError
from stylegan_core.pickle_machine import shown
from stylegan_core.spec import NetworkSpec
from stylegan_core.tf_snapshot import TfNetwork, is_snapshot
from stylegan_core.watch import Watch

__all__ = ["discriminator_spec", "generator_spec", "is_snapshot"]

Mapper = Callable[[TfNetwork, Watch], NetworkSpec]

_GENERATORS: dict[str, Mapper] = {
    "G_main": tf_stylegan2.generator,
    "G_style": tf_stylegan1.generator,
    "G_paper": tf_progan.generator,
}
_DISCRIMINATORS: dict[str, Mapper] = {
    "D_stylegan2": tf_stylegan2.discriminator,
    "D_stylegan": tf_stylegan2.discriminator,
    "D_basic": tf_stylegan1.discriminator,
    "D_paper": tf_progan.discriminator,
}


def generator_spec(snapshot: object, which: str, watch: Watch) -> NetworkSpec:
    """The generator of a snapshot.

    Args:
        snapshot: as `unpickler.read_snapshot` gives it.
        which: "G_ema", the running mean (Gs) that is meant to be used, or "G", as training left it.
        watch: to follow and to stop.

    Raises:
        ModelFileError: it is damaged, or holds no generator that StyleScope reads.
    """
    return _spec(tf_snapshot.network(snapshot, which), _GENERATORS, watch)


def discriminator_spec(snapshot: object, watch: Watch) -> NetworkSpec:
    """The discriminator of a snapshot; errors as in `generator_spec`."""
    return _spec(tf_snapshot.network(snapshot, "D"), _DISCRIMINATORS, watch)


def _spec(network: TfNetwork, mappers: dict[str, Mapper], watch: Watch) -> NetworkSpec:
    mapper = mappers.get(network.function)
    if mapper is None:
        raise ModelFileError(
            f"is a TensorFlow snapshot whose network {shown(network.name)} "
            f"is built by '{shown(network.function)}', which StyleScope does not read."
        )
    return mapper(network, watch)
