"""StyleScope's command line: the window, and what can be done without one. Wiring only.

What takes long to import is imported inside the commands, so that --help answers at once.
"""

import logging
import os
import signal
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

try:
    import platformdirs
    import typer
except ImportError as error:
    sys.exit(f"The package '{error.name}' is missing: run 'make run', or 'pip install -r requirements.txt'.")

if TYPE_CHECKING:
    from stylegan_core import ModelStore
    from stylegan_core.walk import Walk
    from visualizer.files import Kept

Which = Literal["G_ema", "G"]

app = typer.Typer(
    help="StyleScope explores the StyleGAN family. 'main.py [FILE]', without a command, opens the window.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
STATE = Path(platformdirs.user_state_dir("StyleScope"))
RUNS = Path(platformdirs.user_data_dir("StyleScope")) / "runs"
PICTURES = Path(platformdirs.user_pictures_dir()) / "StyleScope"
INTERRUPTED = 130  # what a shell says of a program that Ctrl+C ended


def fail(message: object) -> NoReturn:
    """End with one sentence on stderr."""
    print(message, file=sys.stderr)
    raise SystemExit(1)


@app.command("open")
def open_window(
    file: Annotated[
        Path | None,
        typer.Argument(help="A model, a session, a picture or video saved by StyleScope, a walk, or a projected face."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; the best there is if not given.")] = None,
    scale: Annotated[float, typer.Option(help="Size of everything; 0: as the display says.", min=0, max=4)] = 0.0,
    state: Annotated[Path, typer.Option(help="Folder of the session.")] = STATE,
    pictures: Annotated[Path, typer.Option(help="Folder for saved pictures.")] = PICTURES,
    runs: Annotated[Path, typer.Option(help="Folder of the models that are trained.")] = RUNS,
    demo: Annotated[Path | None, typer.Option(help="Play a ten-second walk, film it into this folder, end.")] = None,
    presenter: Annotated[str, typer.Option(help="How frames reach the screen: auto, upload or raw.")] = "auto",
    rects: Annotated[Path | None, typer.Option(help="Write the places of items here when it is gone.")] = None,
) -> None:
    """Open the window (this is what happens without a command)."""
    from visualizer.openmp import wait_quietly

    wait_quietly()
    from visualizer.display import display_scale, require_window

    require_window()
    from stylegan_core.generate import choose_device
    from visualizer.explorer import Explorer
    from visualizer.window import Window
    from widgets.layout import Layout

    if demo is not None:
        state = Path(tempfile.mkdtemp(prefix="stylescope-demo-"))  # a show leaves nothing in one's own session
    explorer = Explorer(state, pictures, str(choose_device(device)) if device else None, runs.expanduser().absolute())
    window = Window(explorer, scale or display_scale(), rects, presenter)
    explorer.worker.wake = window.wake.set
    if demo is not None:
        from visualizer.demo import Demo

        film = Demo(explorer, window, demo)
        try:
            window.run(lambda window: Layout(explorer, window), film.step)
        finally:
            film.close()
        print(f"The walk is in {film.video}, a picture of the window in {film.picture}.")
    else:
        if file is not None:
            explorer.start_with(file)
        window.run(lambda window: Layout(explorer, window))
    # All is on the disk, and all threads have ended. What is left is the libraries' own taking down, in which
    # DearPyGui with software OpenGL now and then crashes, long after the window is gone.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


@app.command("info")
def info(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    json: Annotated[bool, typer.Option("--json", help="The ModelCard as JSON, and nothing else.")] = False,
) -> None:
    """Say what a model file holds."""
    from stylegan_core import load_model

    card = load_model(model).card
    if json:
        print(card.model_dump_json(indent=2))
        return
    from visualizer.command_line import print_model

    print_model(model, card)


@app.command("generate")
def generate(
    seeds: Annotated[str, typer.Option(help="Such as 0-99 or 1,2,5-7: a picture for each.")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures: seed0000.png, or seed0000-class3.png.")],
    model: Annotated[Path | None, typer.Option(help="A model file; that of --scene if not given.")] = None,
    scene: Annotated[
        Path | None, typer.Option(help="A saved picture, session or Scene: all but the seed is as in it.")
    ] = None,
    psi: Annotated[float | None, typer.Option(help="Truncation; 1 for none. [default: 0.7]", min=-2, max=2)] = None,
    cutoff: Annotated[
        int | None, typer.Option(help="Style vectors from here on are not truncated.", min=0, max=64)
    ] = None,
    towards: Annotated[
        Literal["mean", "class", "nearest"] | None,
        typer.Option(help="Truncate towards the mean person, that of the classes, or the nearest of --centres."),
    ] = None,
    centres: Annotated[
        int | None, typer.Option(help="How many there are to choose from. [default: 64]", min=2, max=1024)
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Such as 0,2-4: a series of pictures for each; 0+2: one of both mixed.")
    ] = None,
    noise: Annotated[
        Literal["const", "none", "random"] | None,
        typer.Option(help="The trained noise maps, none, or random ones. [default: const]"),
    ] = None,
    noise_seed: Annotated[int | None, typer.Option(help="Of the random noise maps.", min=0, max=2**32 - 1)] = None,
    which: Annotated[
        Which | None,
        typer.Option(help="The generator's moving average (the default), or the generator in training."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; the best there is if not given.")] = None,
    half: Annotated[bool, typer.Option("--half", help="16 bits where those are quicker.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are not the picture asked for.")
    ] = False,
) -> None:
    """Make a picture for every seed; each carries its Scene, so that the window opens it.

    Pictures that are there already are kept: the same command goes on where it was stopped.
    """
    from stylegan_core import ModelRef, ModelStore, Renderer, Scene
    from stylegan_core.generate import choose_device, is_made, plan, require_folder
    from stylegan_core.generate import generate as make
    from visualizer.command_line import changed, kept_in, scene_of, watched

    models = ModelStore(choose_device(device))
    if scene is not None:
        base = scene_of(kept_in(scene), scene, models, model, which)
        ref, card = base.model, models.get(base.model).card
    elif model is not None:
        base, model, which = Scene(), model.expanduser().absolute(), which or "G_ema"
        card = models.open(model, which).card
        ref = ModelRef(digest=card.digest, path=str(model), which=which)
    else:
        fail("Give --model, or --scene with a picture, a session or a Scene.")
    truncation: dict[str, object] = {"psi": psi, "cutoff": cutoff, "towards": towards, "centres": centres}
    if psi is not None:
        truncation["layers"] = ()  # a curve over the layers would stand in its place
    base = changed(base, truncation=truncation, noise={"mode": noise, "seed": noise_seed})
    jobs = plan(card, ref, out, seeds, classes, base)
    require_folder(out)
    there, made = [job for job in jobs if job.path.exists()], set()
    terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as cleanly as Ctrl+C
    try:
        for job in watched(there, len(there), "Looking at what is there"):
            if is_made(job, overwrite):
                made.add(job.path)
        missing, kept = [job for job in jobs if job.path not in made], len(made)
        for job in watched(make(missing, Renderer(models, half, cache_bytes=0)), len(missing), "Making pictures"):
            made.add(job.path)
    except KeyboardInterrupt:
        print(f"Stopped with {len(made)} of {len(jobs)} pictures in {out}; the same command goes on.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, terminate)
    print(f"Pictures in {out}: {len(missing)} made, {kept} kept.")


@app.command("render")
def render(
    file: Annotated[
        Path, typer.Argument(help="A picture or video made by StyleScope, a session, a walk's or a Scene's JSON.")
    ],
    out: Annotated[
        Path,
        typer.Option(help="A PNG; of a walk .mp4, .webm, .gif, .webp, .png (a contact sheet), or a folder for PNGs."),
    ],
    what: Annotated[
        Literal["picture", "look", "grid", "ladder"] | None,
        typer.Option(help="The picture, what is looked at besides, the grid, the ladder of psi; else as FILE says."),
    ] = None,
    size: Annotated[str | None, typer.Option(help="Of a walk's frames, such as 1920x1080. [default: as made]")] = None,
    fit: Annotated[
        Literal["letterbox", "crop", "pad", "stretch"] | None, typer.Option(help="How pictures fill another shape.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second. [default: 30]", min=0.1, max=240)] = None,
    codec: Annotated[
        Literal["h264", "hevc", "av1", "vp9"] | None, typer.Option(help="H.264 in .mp4 and VP9 in .webm if not given.")
    ] = None,
    quality: Annotated[int | None, typer.Option(help="Of a video or a WebP. [default: 80]", min=1, max=100)] = None,
    motion_blur: Annotated[
        int | None, typer.Option(help="Pictures whose mean is one frame. [default: 1]", min=1, max=64)
    ] = None,
    first_s: Annotated[float | None, typer.Option("--from", help="Second to begin at.", min=0)] = None,
    last_s: Annotated[float | None, typer.Option("--to", help="Second to end before.", min=0)] = None,
    sound: Annotated[Path | None, typer.Option(help="A sound file to hear, in place of the walk's own.")] = None,
    silent: Annotated[bool, typer.Option("--silent", help="Without the walk's sound.")] = False,
    background: Annotated[
        str | None,
        typer.Option(help="Beside pictures of another shape and under transparent ones: white, '#ff8800', ..."),
    ] = None,
    opaque: Annotated[bool, typer.Option("--opaque", help="Without transparency, also where there could be.")] = False,
    bits: Annotated[int | None, typer.Option(help="8 or 16, of a folder of PNGs. [default: 8]")] = None,
    pictures: Annotated[int | None, typer.Option(help="On a contact sheet. [default: 24]", min=1, max=1024)] = None,
    columns: Annotated[int | None, typer.Option(help="Of a contact sheet. [default: 6]", min=1, max=64)] = None,
    model: Annotated[Path | None, typer.Option(help="The model's file, where it is not found as FILE says.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; the best there is if not given.")] = None,
    half: Annotated[bool, typer.Option("--half", help="16 bits where those are quicker.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is there.")] = False,
) -> None:
    """Make a video of a walk; or the picture of a Scene, the layer or noise it looks at, its mixing grid or ladder.

    What there is already of a walk is kept: the same command goes on where it was stopped.
    """
    from stylegan_core import ModelStore
    from stylegan_core.generate import choose_device
    from visualizer.command_line import kept_in, walk_in

    of_frames: dict[str, Any] = {"size": size, "fit": fit, "fps": fps, "codec": codec, "quality": quality}
    of_frames |= {"motion-blur": motion_blur, "bits": bits, "pictures": pictures, "columns": columns}
    of_frames |= {"background": background, "opaque": opaque or None}
    of_frames |= {"from": first_s, "to": last_s, "sound": sound, "silent": silent or None}
    given = {name: value for name, value in of_frames.items() if value is not None}
    kept, models = kept_in(file), ModelStore(choose_device(device))
    walk = walk_in(kept, out)
    if walk is None and given:
        fail(f"{file} holds no walk: without one, --{next(iter(given))} means nothing.")
    elif walk is None:
        _render_picture(kept, file, out, what, model, models, half, overwrite)
    elif what is not None:
        fail(f"{file} holds a walk; --what is for pictures.")
    else:
        _render_walk(walk, file, out, given, model, models, half, overwrite)


def _render_picture(
    kept: "Kept",
    file: Path,
    out: Path,
    what: str | None,
    model: Path | None,
    models: "ModelStore",
    half: bool,
    overwrite: bool,
) -> None:
    from stylegan_core import Renderer, edits
    from stylegan_core.grid import grid_picture
    from stylegan_core.ladder import ladder_picture
    from stylegan_core.picture import write_png
    from visualizer.command_line import scene_of, told

    if out.suffix.lower() != ".png":
        fail(f"{out} does not end in .png, the only kind of picture that StyleScope writes.")
    if out.exists() and not overwrite:
        fail(f"{out} is there already; give --overwrite to replace it.")
    renderer, scene = Renderer(models, half), scene_of(kept, file, models, model)
    what = what or ("picture" if scene.look.at == "picture" else "look")
    if what == "look" and scene.look.at == "picture":
        fail(f"{file} looks at nothing besides the picture; leave out --what, or look at a layer in the window first.")
    if what == "grid":
        pixels = grid_picture(renderer, scene, progress=told("Making the grid"))
    elif what == "ladder":
        pixels = ladder_picture(renderer, scene, progress=told("Making the ladder"))
    else:
        scene = scene if what == "look" else edits.look_at(scene, "picture")
        pixels = renderer.pixels(scene)
    write_png(out, pixels, scene)
    print(f"Wrote {out}: the {what} in {file}, {pixels.shape[1]}×{pixels.shape[0]} px.")


def _render_walk(
    walk: "Walk",
    file: Path,
    out: Path,
    given: dict[str, Any],
    model: Path | None,
    models: "ModelStore",
    half: bool,
    overwrite: bool,
) -> None:
    from visualizer.command_line import WalkRun, settings_of, walk_of, walk_with

    walk, settings = walk_with(walk, given), settings_of(given, out)
    run = WalkRun(walk_of(walk, file, models, model), settings, out, models, half, overwrite)
    terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as cleanly as Ctrl+C
    try:
        run.run()
    except KeyboardInterrupt:
        done = f"{run.export.frames_done} of {run.export.num_frames} frames"
        print(f"Stopped with {done} of {out}; the same command goes on.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, terminate)
    what = "pictures" if settings.is_folder or settings.format == "sheet" else "frames"
    print(f"{'Wrote' if run.made else 'Kept'} {out}: {run.export.num_frames} {what} of the walk in {file}.")


@app.command("equivariance")
def equivariance(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    pictures: Annotated[
        int, typer.Option(help="How many to measure with; 50000 in the paper, dozens will do.", min=1)
    ] = 32,
    psi: Annotated[float, typer.Option(help="Truncation; 1 for none, as in the paper.", min=-2, max=2)] = 1.0,
    seed: Annotated[int, typer.Option(help="Of latents and motions.", min=0, max=2**32 - 1)] = 0,
    which: Annotated[
        Which, typer.Option(help="The generator's moving average, or the generator in training.")
    ] = "G_ema",
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; the best there is if not given.")] = None,
) -> None:
    """Measure how exactly pictures follow when the input is moved or turned (EQ-T and EQ-R of StyleGAN3)."""
    from stylegan_core import load_model
    from stylegan_core.equivariance import measurements
    from stylegan_core.generate import choose_device
    from visualizer.command_line import watched

    opened = load_model(model, choose_device(device), which)
    found = []
    try:
        for so_far in watched(measurements(opened, pictures, seed, psi), pictures, "Measuring"):
            found.append(so_far)
    except KeyboardInterrupt:
        if not found:
            raise typer.Exit(INTERRUPTED) from None
    last, card = found[-1], opened.card
    eq_r = "the pictures are too small for it" if last.eq_r_db is None else f"{last.eq_r_db:.2f} dB, turned"
    print(f"{card.name}, {last.pictures} pictures, psi {psi:g}:")
    print(f"  EQ-T       {last.eq_t_db:.2f} dB, moved by whole pixels")
    print(f"  EQ-T_frac  {last.eq_t_frac_db:.2f} dB, moved by parts of a pixel")
    print(f"  EQ-R       {eq_r}")
    if not card.has_transform:
        print(f"It has no input that can be moved; its features of {card.moved_px}² were moved instead.")


@app.command("prepare")
def prepare(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Folders, zips and videos of pictures.")],
    out: Annotated[Path, typer.Option(help="The zip to write, in the official format: PNGs and dataset.json.")],
    size: Annotated[str, typer.Option(help="Of every picture, px: 128, or 96x64 for width and height.")] = "256",
    crop: Annotated[
        Literal["centre", "top", "bottom", "left", "right", "fit"],
        typer.Option(help="Which part of another shape is kept; fit: all of it, with a margin."),
    ] = "centre",
    every: Annotated[int, typer.Option(help="Of videos every n-th frame.", min=1)] = 1,
    labels: Annotated[
        Literal["keep", "folders", "none"],
        typer.Option(help="Keep those of a dataset.json, make a class of each sub-folder, or have none."),
    ] = "keep",
    alpha: Annotated[
        str, typer.Option(help="keep transparency, or the colour behind it: white, black, '#ff8800', ...")
    ] = "white",
    grey: Annotated[bool, typer.Option("--grey", help="One channel instead of three.")] = False,
    smallest: Annotated[int, typer.Option(help="Leave out what keeps fewer px on its shorter side.", min=1)] = 1,
    keep_similar: Annotated[
        bool, typer.Option("--keep-similar", help="Leave out the very same pictures only, not those much alike.")
    ] = False,
    keep_duplicates: Annotated[
        bool, typer.Option("--keep-duplicates", help="Keep pictures that have come before.")
    ] = False,
    list_all: Annotated[bool, typer.Option("--all", help="List all that is left out, however much.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is there.")] = False,
) -> None:
    """Crop and resize pictures into a data set to train with; leave out broken ones and duplicates.

    It says what it will do, then does it, whole or not at all. A report.json in the zip says what became of each.
    """
    from train.data.command import prepare as run
    from train.data.command import settings_of

    wanted: dict[str, Any] = {"crop": crop, "every": every, "labels": labels, "smallest_side": smallest}
    wanted |= {"exact_duplicates": False} if keep_duplicates else {}
    wanted |= {"near_bits": None} if keep_duplicates or keep_similar else {}
    settings = settings_of(size, alpha, grey, **wanted)
    terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as cleanly as Ctrl+C
    try:
        run(sources, out, settings, dry_run=dry_run, overwrite=overwrite, list_all=list_all)
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, terminate)


@app.command("train")
def train(
    data: Annotated[
        Path | None, typer.Argument(help="Pictures: a folder, a zip or a video; without, the run in --out goes on.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; the same command goes on with it.")] = None,
    preset: Annotated[str, typer.Option(help="What to train; --dry-run says what each comes to.")] = "stylegan2-ada",
    kimg: Annotated[float | None, typer.Option(help="Thousands of pictures to show it.", min=0.001)] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures a step, over all processes.", min=1)] = None,
    resolution: Annotated[int | None, typer.Option(help="Reduce pictures to this, px.", min=4, max=4096)] = None,
    start: Annotated[Path | None, typer.Option(help="A model to start from.")] = None,
    freeze: Annotated[int, typer.Option(help="Layers of D that do not learn (FreezeD).", min=0, max=64)] = 0,
    mirror: Annotated[bool, typer.Option("--mirror", help="Learn from mirrored copies too.")] = False,
    labels: Annotated[bool, typer.Option("--labels", help="Learn the classes too.")] = False,
    most: Annotated[int | None, typer.Option(help="Learn from so many pictures only.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of all chance.", min=0, max=2**32 - 1)] = 0,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A field of the run, such as regularisers.r1_gamma=2.0.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run in --out, if there is one.")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the whole configuration, and train nothing.")
    ] = False,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes on each machine, one for each GPU.", min=1)] = 1,
    nodes: Annotated[int, typer.Option(help="Machines (with torchrun on each).", min=1)] = 1,
    workers: Annotated[int | None, typer.Option(help="Processes that read pictures ahead.", min=0, max=64)] = None,
) -> None:
    """Train a model; the same command again goes on to the bit, however it ended."""
    from visualizer.openmp import wait_quietly

    wait_quietly()  # the window has a use for the processor
    from train.command import train as begin
    from train.command import wanted_config
    from train.config import DataConfig, StartConfig
    from train.run_folder import RunFolder

    config = None
    if data is not None:
        pictures = DataConfig(path=str(data), resolution=resolution, mirror=mirror, labels=labels, most=most)
        begins = StartConfig(model="" if start is None else str(start), frozen=freeze)
        config = wanted_config(preset, pictures, begins, change or [], kimg=kimg, batch=batch, seed=seed)
    if dry_run:
        if config is None:
            fail("Give the pictures to learn from: what a run comes to depends on them.")
        print(config.model_dump_json(indent=2))
        return
    if out is None:
        fail("Give --out, the folder of the run.")
    folder = RunFolder(out)
    if folder.exists() and not resume:
        fail(f"{out} holds a run already; give another folder, or leave out --no-resume to go on with it.")
    if begin(folder, config, accelerator=device, devices=devices, nodes=nodes, workers=workers) is not None:
        print(f"{folder.status().words} The run is in {out}.")


@app.command("metrics")
def metrics(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    data: Annotated[Path, typer.Argument(help="The pictures that it learned from: a folder, a zip or a video.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(help="fid, kid, precision_recall, ppl or separability; may be repeated. [default: all there are]"),
    ] = None,
    features: Annotated[
        Literal["inception", "small", "both"], typer.Option(help="In whose eyes; small ones come with StyleScope.")
    ] = "small",
    weights: Annotated[Path | None, typer.Option(help="Folder with the published networks' weights.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch weights that are missing.")] = False,
    pictures: Annotated[int, typer.Option(help="That the model makes.", min=8)] = 10_000,
    paths: Annotated[int, typer.Option(help="Steps in w, for PPL.", min=8)] = 2_000,
    latents: Annotated[int, typer.Option(help="For separability.", min=8)] = 20_000,
    psi: Annotated[float, typer.Option(help="Truncation; 1 for none.", min=-2, max=2)] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the latents.", min=0, max=2**32 - 1)] = 0,
    which: Annotated[Which, typer.Option(help="The moving average, or the generator in training.")] = "G_ema",
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; the best there is if not given.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One line of JSON, and nothing else.")] = False,
) -> None:
    """Measure how good a model is: FID, KID, precision and recall, PPL, linear separability."""
    from pydantic import ValidationError

    from stylegan_core.errors import first_wrong
    from train.metrics.command import features_of, measure, show
    from train.metrics.settings import MetricsSettings

    numbers = {"pictures": pictures, "paths": paths, "separability": latents, "psi": psi, "seed": seed}
    try:
        settings = MetricsSettings.model_validate({"metrics": metric or (), **numbers})
    except ValidationError as error:
        fail(f"--metric: {first_wrong(error)[1]}.")
    cache = Path(platformdirs.user_cache_dir("StyleScope")) / "metrics"
    eyes = features_of(features, weights, download)
    show(measure(model, data, settings, eyes, which=which, device=device, cache=cache), json)


@app.command("convert")
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A model file of any kind that StyleScope reads.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="The file to write.")],
    which: Annotated[
        Literal["G_ema", "G", "D"],
        typer.Option(help="The generator's moving average, the generator in training, or the discriminator."),
    ] = "G_ema",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is there.")] = False,
) -> None:
    """Write one network of a model file as .safetensors.

    A .safetensors holds one network; a discriminator goes to a file of its own, with --which D.
    """
    if out.suffix != ".safetensors":
        fail(f"{out} does not end in .safetensors, the only kind that StyleScope writes.")
    if out.exists() and not overwrite:
        fail(f"{out} is there already; give --overwrite to replace it.")
    from stylegan_core import load_discriminator, load_model, save_model
    from stylegan_core.checkpoint import digest, read_discriminator, write_spec
    from stylegan_core.generate import require_folder
    from visualizer.command_line import size_in_px

    if which == "D":
        height, width = load_discriminator(source).network.config.img_size
        words = f"the discriminator for {size_in_px(height, width)}"
        require_folder(out.parent)
        write_spec(read_discriminator(source), out)
    else:
        model = load_model(source, which=which)
        px = size_in_px(model.card.height, model.card.width)
        words = f"{which} of {model.card.family}, {px}, {model.card.parameters:,} parameters"
        require_folder(out.parent)
        save_model(model, out)
    print(f"Wrote {out}: {words}, sha256 {digest(out)}.")


def engine_errors() -> tuple[type[Exception], ...]:
    """StyleScopeError, if what may raise it was imported; asked only once something was raised."""
    errors = sys.modules.get("stylegan_core.errors")
    return (errors.StyleScopeError,) if errors is not None else ()


def main(arguments: list[str]) -> None:
    """Run a command; a first argument that is none is a file to open."""
    commands = {command.name for command in app.registered_commands}
    if not arguments or (arguments[0] not in commands and arguments[0] not in ("--help", "-h")):
        arguments = ["open", *arguments]
    warnings.filterwarnings("ignore", module="glfw")  # what it warns of, visualizer/display.py says in a sentence
    try:
        app(arguments, prog_name="main.py")
    except ModuleNotFoundError as error:
        fail(f"The package '{error.name}' is missing: run 'make run', or 'pip install -r requirements.txt'.")
    except ImportError as error:
        fail(f"A package cannot be loaded ({error}): run 'make run', which installs what it needs.")
    except engine_errors() as error:
        fail(error)


if __name__ == "__main__":
    main(sys.argv[1:])
