"""From a Scene's recipe of seeds and weights to style vectors."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from stylegan_core.card import ModelCard
from stylegan_core.centres import find_centres, nearest
from stylegan_core.model import Model
from stylegan_core.projected import projected_ws
from stylegan_core.scene import MAX_SEED, ROW, ClassWeight, Latent, Scene
from stylegan_core.truncation import Distances, distances, scene_psi, truncate

FLAT = 1e-4  # radians; directions that are closer are one


@lru_cache(maxsize=4096)
def seed_z(seed: int, z_dim: int) -> Tensor:
    """The latent z [1, z_dim] of a seed, as the official tools draw it."""
    return torch.from_numpy(np.random.RandomState(seed).randn(1, z_dim)).float()


def corners(latent: Latent) -> tuple[tuple[int, float], ...]:
    """The people around a point of the seed plane with their bilinear weights; those without weight are left out."""
    found = []
    for row, wy in ((0, 1 - latent.y), (1, latent.y)):
        for column, wx in ((0, 1 - latent.x), (1, latent.x)):
            if wx * wy > 0:
                found.append(((latent.seed + column + row * ROW) % (MAX_SEED + 1), wx * wy))
    return tuple(found)


def class_vector(classes: tuple[ClassWeight, ...], c_dim: int) -> Tensor | None:
    """Class weights c [1, c_dim] that sum to 1; None for an unconditional model.

    Raises:
        ValueError: a class the model does not have.
    """
    if not c_dim:
        return None
    c = torch.zeros(1, c_dim)
    for item in classes or (ClassWeight(index=0),):
        if item.index >= c_dim:
            raise ValueError(f"class {item.index} does not exist; the model has classes 0 to {c_dim - 1}.")
        c[0, item.index] += item.weight
    return c / c.sum() if c.sum() > 0 else c


def blend_z(latent: Latent, z_dim: int) -> Tensor:
    """The point's z [1, z_dim], of unit variance wherever it lies (independent normals: divide by |weights|)."""
    people = corners(latent)
    z = torch.cat([seed_z(seed, z_dim) for seed, _ in people])
    weights = torch.tensor([weight for _, weight in people])
    return (weights @ z)[None] / math.sqrt(sum(weight**2 for _, weight in people))


def has_z(latent: Latent) -> bool:
    """Whether a latent's w is that of a z: not where somebody was blended in w, or projected."""
    if latent.blend:
        return latent.space == "z" and all(has_z(share.latent) for share in latent.blend)
    return latent.projected is None and (latent.space == "z" or latent.x == latent.y == 0)


def latent_z(latent: Latent, z_dim: int) -> Tensor:
    """The z [1, z_dim] of a latent that has one: see `blend_z`, and `Latent` for blends."""
    if not latent.blend:
        return blend_z(latent, z_dim)
    z = torch.cat([latent_z(share.latent, z_dim) for share in latent.blend])
    weights = torch.tensor([share.weight for share in latent.blend])
    length = z.norm(dim=1)
    directions = z / length[:, None]
    if len(z) == 2:
        angle = torch.arccos((directions[0] @ directions[1]).clamp(-1, 1))
        if angle > FLAT:
            ways = torch.stack([torch.sin((1 - weights[1]) * angle), torch.sin(weights[1] * angle)]) / torch.sin(angle)
            return (weights @ length * (ways @ directions))[None]
    mean = weights @ directions
    return (weights @ length * mean / mean.norm().clamp(min=FLAT))[None]


def map_latent(
    model: Model, latent: Latent, classes: tuple[ClassWeight, ...], map_part: "MapLatent | None" = None
) -> Tensor:
    """The person's w, untruncated, [1, num_ws, w_dim]: of a point on the seed plane, a projected face's, or a blend's.

    Args:
        model: whose mapping network.
        latent: who.
        classes: of a conditional model.
        map_part: maps the latents that a blend is made of; this function if None.

    Raises:
        ProjectedFileError: the projected face cannot be had, or is another model's.
    """
    if latent.blend:
        if has_z(latent):
            return model.map(latent_z(latent, model.card.z_dim), class_vector(classes, model.card.c_dim))
        parts = torch.cat([(map_part or map_latent)(model, share.latent, classes) for share in latent.blend])
        shares = torch.tensor([share.weight for share in latent.blend], device=parts.device)
        return torch.einsum("n,nld->ld", shares, parts)[None]
    if latent.projected is not None:
        return projected_ws(latent.projected, model.card).to(model.device)
    c = class_vector(classes, model.card.c_dim)
    if latent.space == "z":
        return model.map(blend_z(latent, model.card.z_dim), c)
    people = corners(latent)
    z = torch.cat([seed_z(seed, model.card.z_dim) for seed, _ in people])
    ws = model.map(z, None if c is None else c.expand(len(people), -1))
    weights = torch.tensor([weight for _, weight in people], device=ws.device)
    return torch.einsum("n,nld->ld", weights, ws)[None]


MapLatent = Callable[[Model, Latent, tuple[ClassWeight, ...]], Tensor]
FindCentres = Callable[[Model, Tensor | None, int], Tensor]


@torch.inference_mode()
def scene_ws(
    scene: Scene, model: Model, map_one: MapLatent = map_latent, find_centres: FindCentres = find_centres
) -> Tensor:
    """The style vectors [1, num_ws, w_dim] of a Scene: mapped, mixed, truncated.

    Args:
        scene: what to show.
        model: its model.
        map_one: `map_latent`, or something that remembers what it gave.
        find_centres: `centres.find_centres`, or something that remembers what it gave.

    Raises:
        ValueError: the Scene asks for a class or a number of layers that the model does not have.
    """
    ws = mixed_ws(scene, model, map_one)
    if not model.card.has_truncation:
        return ws
    psis = scene_psi(scene.truncation, model.card.num_ws)
    return truncate(ws, scene_centre(scene, model, ws, find_centres), psis)


def mixed_ws(scene: Scene, model: Model, map_one: MapLatent = map_latent) -> Tensor:
    """The style vectors [1, num_ws, w_dim] before truncation; see `scene_ws`."""
    num_ws = model.card.num_ws
    ws = map_one(model, scene.latent, scene.classes)
    for mix in scene.mixing:
        if len(mix.amounts) != num_ws:
            raise ValueError(f"mixing has {len(mix.amounts)} amounts; the model has {num_ws} style vectors.")
        amounts = torch.tensor(mix.amounts, device=ws.device)[None, :, None]
        ws = torch.where(amounts == 0, ws, ws.lerp(map_one(model, mix.latent, scene.classes), amounts))
    return ws


def num_centres(scene: Scene, card: ModelCard) -> int:
    """How many centres of w have to be found for a Scene; 0 where it needs none, or the mean seen in training."""
    towards = scene.truncation.towards
    if towards == "class":
        return 1 if card.has_truncation and card.c_dim else 0  # without classes theirs is the mean of all
    return scene.truncation.centres if card.has_truncation and towards == "nearest" else 0


def scene_centre(scene: Scene, model: Model, ws: Tensor, find_centres: FindCentres = find_centres) -> Tensor:
    """What a Scene draws style vectors ws [1, num_ws, w_dim] to: [w_dim], or one for each."""
    count = num_centres(scene, model.card)
    if not count:
        return model.w_avg
    centres = find_centres(model, class_vector(scene.classes, model.card.c_dim), count)
    return nearest(ws, centres)


@torch.inference_mode()
def scene_distances(
    scene: Scene, model: Model, map_one: MapLatent = map_latent, find_centres: FindCentres = find_centres
) -> Distances:
    """How far a Scene's style vectors are from what they are drawn to; see `scene_ws` for the arguments."""
    ws = mixed_ws(scene, model, map_one)
    centre = scene_centre(scene, model, ws, find_centres)
    truncated = truncate(ws, centre, scene_psi(scene.truncation, model.card.num_ws))
    drawn, left = (tuple(distances(each, centre)[0].tolist()) for each in (ws, truncated))
    return Distances(drawn, left)


def style_keys(scene: Scene, num_ws: int) -> tuple[tuple[object, ...], ...]:
    """For each style vector all that decides it: equal keys, equal vectors."""
    truncation = scene.truncation
    psis = scene_psi(truncation, num_ws)
    centre = (truncation.towards, truncation.centres if truncation.towards == "nearest" else 0)
    return tuple(
        (
            _people(scene, i),
            scene.classes,
            psis[i],
            centre if psis[i] != 1 else None,
        )
        for i in range(num_ws)
    )


def _people(scene: Scene, index: int) -> tuple[tuple[Latent, float], ...]:
    """Whose style vector `index` is, with amounts: a mix of 1 leaves nothing of those before it."""
    people = ((scene.latent, 1.0), *((mix.latent, mix.amounts[index]) for mix in scene.mixing))
    whole = max(i for i, (_, amount) in enumerate(people) if amount == 1)
    return tuple((latent, amount) for latent, amount in people[whole:] if amount > 0)
