"""Makes the walks that come with the program, assets/walks/*.json, for the starter model."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from stylegan_core import ModelRef, ModelStore, Renderer, Scene, edits
from stylegan_core.walk import Curve, CurvePoint, Key, Walk
from stylegan_core.walk_file import write_walk
from stylegan_core.wander import random_walk, steady
from stylegan_core.ways import Ease

MODEL = ROOT / "assets" / "models" / "faces64.safetensors"
WALKS = ROOT / "assets" / "walks"
BPM = 96.0
BEAT_S = 60.0 / BPM
NUM_WS = 10  # of the starter model
FINE = range(3, NUM_WS)  # styles of the starter model that decide colours rather than shape


def crowd(base: Scene, renderer: Renderer) -> Walk:
    """Eight people in a loop, each as far from the next in time as in w."""
    walk = random_walk(edits.set_psi(base, 0.9), 8, 24.0, seed=2026)
    return steady(walk, renderer).model_copy(update={"name": "Eight people at one speed"})


def clothes(base: Scene) -> Walk:
    """One person, who puts on the colours of four others and takes them off again, two beats each."""
    person, others = edits.set_psi(edits.set_seed(base, 5), 0.9), (60, 193, 154, 161)
    bare = edits.set_mix_amount(edits.add_mix(person, others[0], NUM_WS), range(NUM_WS), 0.0, NUM_WS, 0)
    keys = []
    for number, other in enumerate(others):
        worn = edits.set_mix_amount(edits.set_mix_latent(bare, other, NUM_WS, 0), FINE, 1.0, NUM_WS, 0)
        keys.append(Key(time_s=4 * number * BEAT_S, scene=edits.set_mix_latent(bare, other, NUM_WS, 0), name="bare"))
        keys.append(Key(time_s=(4 * number + 2) * BEAT_S, scene=worn, name=f"seed {other}"))
    return Walk(name="Other people's colours", duration_s=16 * BEAT_S, keys=tuple(keys), loop=True, bpm=BPM)


def beat(base: Scene) -> Walk:
    """Somebody new on every second beat, drawn from the average to the extreme and back on each."""
    people = (5, 154, 161, 83, 60, 219, 231, 26)
    keys = tuple(
        Key(time_s=2 * number * BEAT_S, scene=edits.set_seed(base, seed), ease="hold", name=f"seed {seed}")
        for number, seed in enumerate(people)
    )
    way: tuple[tuple[float, float, Ease], ...] = ((0.0, 1.3, "linear"), (0.5, 0.5, "smooth"), (1.5, 0.9, "smooth"))
    points = tuple(
        CurvePoint(time_s=(2 * number + at) * BEAT_S, value=psi, ease=ease)
        for number in range(len(people))
        for at, psi, ease in way
    )
    return Walk(
        name="On the beat",
        duration_s=2 * len(people) * BEAT_S,
        keys=keys,
        curves=(Curve(parameter="truncation/psi", points=points),),
        loop=True,
        bpm=BPM,
    )


def tumble(base: Scene) -> Walk:
    """Three people who turn head over heels once while they become one another."""
    keys = []
    for number, seed in enumerate((83, 154, 161)):
        scene = edits.set_psi(edits.set_seed(base, seed), 0.8)
        scene = edits.set_scale(edits.set_rotation(scene, 120.0 * number), (1.0, 0.8, 1.2)[number])
        keys.append(Key(time_s=4.0 * number, scene=scene, ease="cubic", name=f"seed {seed}"))
    return Walk(name="Tumbling", duration_s=12.0, keys=tuple(keys), loop=True, latents="z")


def main() -> None:
    """Write them all."""
    models = ModelStore("cpu")
    digest = models.open(MODEL).card.digest
    base = Scene(model=ModelRef(digest=digest, path=MODEL.name))
    walks = {"crowd": crowd(base, Renderer(models)), "colours": clothes(base), "beat": beat(base)}
    for name, walk in {**walks, "tumbling": tumble(base)}.items():
        write_walk(walk, WALKS / f"{name}.json")
        print(f"Wrote {WALKS / name}.json: {len(walk.keys)} keys over {walk.duration_s:g} s.")


if __name__ == "__main__":
    main()
