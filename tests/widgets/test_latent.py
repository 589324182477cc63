"""Where somebody is, in words."""

import pytest

from stylegan_core.scene import Latent, Projected, Share
from widgets.latent import place_words

FACE = Latent(projected=Projected(digest="ab"))


def blend(*shares: tuple[Latent, float]) -> Latent:
    return Latent(seed=7, blend=tuple(Share(latent=latent, weight=weight) for latent, weight in shares))


@pytest.mark.parametrize(
    ("latent", "words"),
    [
        (Latent(seed=3), "on the seed plane: at a person"),
        (Latent(seed=3, x=0.25, y=0.5), "on the seed plane: 25% right, 50% down"),
        (FACE, "a projected face"),
        (blend((Latent(seed=3), 0.25), (Latent(seed=9), 0.75)), "between 2: 75% seed 9, 25% seed 3"),
        (
            blend((FACE, 0.5), (blend((FACE, 1.0)), 0.4), (Latent(), 0.1)),
            "between 3: 50% a projected face, 40% a blend …",
        ),
    ],
)
def test_words_for_places(latent: Latent, words: str) -> None:
    assert place_words(latent) == words
