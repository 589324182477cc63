"""What an edit costs of a full picture, by where synthesis goes on from: StyleGAN2 1024² on the CPU.

    python bench/resuming.py [--rounds 5]

A picture is made from nothing, then the style of the last resolution is changed, then the display gain; all through
`Renderer`, in turns in one run. The edited pictures are compared bit by bit with ones from nothing.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
from rich.console import Console
from rich.table import Table

from stylegan_core import edits
from stylegan_core.config import GeneratorConfig
from stylegan_core.model import build_generator, random_spec
from stylegan_core.models import ModelStore
from stylegan_core.render import Frame, Renderer, render
from stylegan_core.scene import ModelRef, Scene

WANTED = 0.35  # of a full picture, at most, for the last resolution's style


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    models = ModelStore("cpu")
    model = models.add(build_generator(random_spec(GeneratorConfig(img_resolution=1024), 0), "0" * 64, "random"))
    start = Scene(model=ModelRef(digest=model.card.digest))
    last = [layer.ws_index for layer in model.card.layers if layer.resolution == model.card.resolution]
    renderer = Renderer(models, cache_bytes=2 << 30)
    times: dict[str, list[float]] = {"full picture": [], "last resolution's style": [], "display gain": []}

    def timed(name: str, scene: Scene) -> Frame:
        before = time.perf_counter()
        frame = renderer.render(scene)
        times[name].append(time.perf_counter() - before)
        assert frame.error is None, frame.error
        return frame

    same = True
    for seed in range(arguments.rounds + 1):
        scene = edits.set_seed(start, seed)
        timed("full picture", scene)
        for layer in last:
            scene = edits.set_layer_psi(scene, layer, 0.2, model.card.num_ws)
        styled = timed("last resolution's style", scene)
        scene = edits.set_gain_db(scene, 6.0)
        timed("display gain", scene)
        if seed == 0:
            expected = render(edits.set_gain_db(scene, 0.0), models)
            assert styled.pixels is not None and expected.pixels is not None
            same = torch.equal(styled.pixels, expected.pixels)
    table = Table(title=f"StyleGAN2 1024², {torch.get_num_threads()} threads, float32")
    for column in ("edit", "milliseconds", "share", "wanted"):
        table.add_column(column, justify="left" if column == "edit" else "right")
    full_s = statistics.median(times["full picture"][1:])
    for name, seconds in times.items():
        median_s = statistics.median(seconds[1:])
        wanted = f"{WANTED:.0%}" if name.startswith("last") else ""
        table.add_row(name, f"{median_s * 1e3:.0f}", f"{median_s / full_s:.0%}", wanted)
    console = Console()
    console.print(table)
    console.print("bit-identical to a picture from nothing" if same else "NOT the picture from nothing")


if __name__ == "__main__":
    main()
