"""StyleScope's command line: the window, and what can be done without one. Wiring only."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

try:
    import platformdirs
    import typer

    from stylegan_core.errors import StyleScopeError
except ImportError as error:
    sys.exit(f"The package '{error.name}' is missing: run 'make run', or 'pip install -r requirements.txt'.")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
STATE = Path(platformdirs.user_state_dir("StyleScope"))
PICTURES = Path(platformdirs.user_pictures_dir()) / "StyleScope"


def fail(message: object) -> NoReturn:
    """End with one sentence on stderr."""
    print(message, file=sys.stderr)
    raise SystemExit(1)


@app.command("open")
def open_window(
    file: Annotated[Path | None, typer.Argument(help="A model, a session or a picture saved by StyleScope.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; the best there is if not given.")] = None,
    scale: Annotated[float, typer.Option(help="Size of everything; 0: as the display says.", min=0, max=4)] = 0.0,
    state: Annotated[Path, typer.Option(help="Folder of the session.")] = STATE,
    pictures: Annotated[Path, typer.Option(help="Folder for saved pictures.")] = PICTURES,
    demo: Annotated[Path | None, typer.Option(help="Play a ten-second walk, film it into this folder, end.")] = None,
    presenter: Annotated[str, typer.Option(help="How frames reach the screen: auto, upload or raw.")] = "auto",
    rects: Annotated[Path | None, typer.Option(help="Keep the items' places in this file, for scripts.")] = None,
) -> None:
    """Open the window (this is what happens without a command)."""
    from visualizer.display import display_scale, require_window

    require_window()
    from visualizer.explorer import Explorer
    from visualizer.window import Window
    from widgets.layout import Layout

    explorer = Explorer(state, pictures, device)
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
        return
    if file is not None:
        explorer.start_with(file)
    window.run(lambda window: Layout(explorer, window))


@app.command()
def info(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    json: Annotated[bool, typer.Option("--json", help="The ModelCard as JSON.")] = False,
) -> None:
    """Say what a model file holds."""
    from stylegan_core import load_model

    card = load_model(model).card
    print(card.model_dump_json(indent=2) if json else card)


def main(arguments: list[str]) -> None:
    """Run a command; a first argument that is none is a file to open."""
    commands = {command.name for command in app.registered_commands}
    if not arguments or (arguments[0] not in commands and arguments[0] not in ("--help", "-h")):
        arguments = ["open", *arguments]
    try:
        app(arguments, prog_name="main.py")
    except StyleScopeError as error:
        fail(error)
    except ImportError as error:
        fail(f"The package '{error.name}' is missing: run 'make run', or 'pip install -r requirements.txt'.")


if __name__ == "__main__":
    main(sys.argv[1:])
