"""Sets StyleScope up and starts it; what `make run` and `make test` call.

    python3 scripts/setup.py run [-- ARGS...]    .venv, requirements, system libraries; then main.py, or the demo
    python3 scripts/setup.py dev                 .venv with what linting and testing need besides
    python3 scripts/setup.py test                the same, and the system programs that the window's tests use

The system's Python runs this file, before anything is installed and whatever its age: standard library only, and
nothing in the syntax that Python 3.7 would stumble over, so that an old one hears what it lacks.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "setup-stamp"
DEMO = ROOT / "out"

OLDEST, NEWEST = (3, 11), (3, 14)  # what the pinned packages have wheels for
TORCH = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

REQUIREMENTS = {
    "run": ["requirements.txt"],
    "dev": ["requirements.txt", "requirements-dev.txt"],
}
CUDA_REQUIREMENTS = "requirements-cuda.txt"
OFFLINE_SIGNS = ("NewConnectionError", "NameResolutionError", "ConnectTimeout", "name resolution")  # in pip's words

# Libraries and programs, and the Debian package of each. DearPyGui links libX11 and loads the rest when a window opens.
WINDOW_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libXcursor.so.1": "libxcursor1",
    "libXi.so.6": "libxi6",
    "libXinerama.so.1": "libxinerama1",
    "libXrandr.so.2": "libxrandr2",
    "libstdc++.so.6": "libstdc++6",
}
VIRTUAL_DISPLAY = {"Xvfb": "xvfb"}
TEST_PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool"}

DEMO_DONE = f"""
  {DEMO / "demo.mp4"}     a ten-second walk through the model
  {DEMO / "window.png"}   the window

For the window itself, repeat `make run` where there is a screen: on this machine's own desktop (under Wayland with
XWayland), through VNC, or after `ssh -X` to it."""


class Machine(NamedTuple):
    """The facts that setting up depends on."""

    system: str  # as `platform` names it: "Linux", "Darwin", "Windows"
    arch: str  # "x86_64", "aarch64", "arm64"
    python: tuple[int, int]  # (major, minor)
    root: bool  # may install system packages
    apt: bool  # has apt-get
    nvidia: bool  # an NVIDIA GPU whose driver works
    display: bool  # a window can open


class SetupError(Exception):
    """One sentence that says what is missing and what to do."""


class Shell:
    """The outside world: all that looks at or changes the machine goes through here, so that tests can stand in."""

    def run(self, command: Sequence[str | Path], live: bool = False) -> tuple[int, str]:
        """Run a command; return its exit code and what it wrote (only stderr when live, for stdout is shown)."""
        done = subprocess.run(
            [str(word) for word in command],
            env=dict(os.environ, DEBIAN_FRONTEND="noninteractive", PYTHONDONTWRITEBYTECODE=""),
            cwd=ROOT,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=None if live else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return done.returncode, (done.stdout or "") + done.stderr

    def has_library(self, name: str) -> bool:
        """Whether the dynamic linker finds a shared library."""
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    def has_program(self, name: str) -> bool:
        """Whether a program is on the PATH."""
        return shutil.which(name) is not None

    def has_module(self, name: str) -> bool:
        """Whether this Python has a module (Debian keeps ensurepip in a package of its own)."""
        return importlib.util.find_spec(name) is not None

    def say(self, text: str) -> None:
        """Tell the person what goes on."""
        print(text, flush=True)


def look_around(shell: Shell) -> Machine:
    """The Machine that this is."""
    system = platform.system()
    return Machine(
        system=system,
        arch=platform.machine().lower(),
        python=sys.version_info[:2],
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
        apt=shell.has_program("apt-get"),
        nvidia=has_nvidia(shell),
        display=system != "Linux" or x_display_answers(os.environ.get("DISPLAY", "")),
    )


def has_nvidia(shell: Shell) -> bool:
    """Whether an NVIDIA GPU is there with a driver that works."""
    if Path("/proc/driver/nvidia/version").exists():
        return True
    return shell.has_program("nvidia-smi") and shell.run(["nvidia-smi", "-L"])[0] == 0


def x_display_answers(display: str) -> bool:
    """Whether an X server listens at a DISPLAY such as ":0" or "localhost:10.0" (DearPyGui needs X11 or XWayland)."""
    host, _, number = display.rpartition(":")
    number = number.split(".")[0]
    if not number.isdigit():
        return False
    if host and host != "unix":
        with contextlib.suppress(OSError), socket.create_connection((host, 6000 + int(number)), timeout=5):
            return True
        return False
    for address in ("\0/tmp/.X11-unix/X" + number, "/tmp/.X11-unix/X" + number):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(address)
            return True
    return False


def dotted(version: tuple[int, int]) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def check_python(machine: Machine) -> None:
    """Refuse a Python that the pinned packages have no wheels for."""
    if OLDEST <= machine.python <= NEWEST:
        return
    raise SetupError(
        f"StyleScope needs Python {dotted(OLDEST)} to {dotted(NEWEST)} and this is {dotted(machine.python)}: install a "
        "fitting one and name it, as in `make run PYTHON=python3.12`."
    )


def torch_choice(machine: Machine) -> str:
    """Which PyTorch build fits: "cuda", "cpu" (without the gigabytes of CUDA libraries) or "plain" (the only one)."""
    if (machine.system, machine.arch) != ("Linux", "x86_64"):
        return "plain"
    return "cuda" if machine.nvidia else "cpu"


def torch_attempts(choice: str) -> list[list[str]]:
    """Arguments for `pip install`, to be tried in turn until one works."""
    if choice == "cuda":
        return [[f"torch==={TORCH}"]]  # three =: a "+cpu" wheel from a configured index is not the same version
    if choice == "cpu":
        wheel = f"torch=={TORCH}+cpu"
        return [[wheel], [wheel, "--extra-index-url", CPU_INDEX]]
    return [[f"torch=={TORCH}"]]


def missing_packages(machine: Machine, shell: Shell, level: str) -> list[str]:
    """Debian packages, sorted, of what this Linux lacks for "run", "dev" or "test"."""
    libraries = {} if level == "dev" else WINDOW_LIBRARIES
    programs = TEST_PROGRAMS if level == "test" else VIRTUAL_DISPLAY if level == "run" and not machine.display else {}
    lacking = {package for name, package in libraries.items() if not shell.has_library(name)}
    lacking |= {package for name, package in programs.items() if not shell.has_program(name)}
    if not PYTHON.exists() and not shell.has_module("ensurepip"):
        lacking.add(f"python{dotted(machine.python)}-venv")
    return sorted(lacking)


def install_packages(machine: Machine, shell: Shell, packages: Sequence[str]) -> None:
    """Install Debian packages as root; else say which command does."""
    if not packages:
        return
    command = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if not machine.apt:
        raise SetupError(
            f"This system lacks what Debian calls {', '.join(packages)}: install that with this system's package "
            "manager and repeat the command."
        )
    if not machine.root:
        raise SetupError(f"This system lacks a few packages: type `sudo {command}` and repeat the command.")
    shell.say(f"Installing system packages: {', '.join(packages)} ...")
    shell.run(["apt-get", "update", "-qq"])  # a stale list may still do; if not, the next command says so
    code, output = shell.run(command.split())
    if code:
        raise SetupError(f"`{command}` failed ({last_line(output)}): repair that and repeat the command.")


def last_line(output: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it said nothing"


def fingerprint(level: str, choice: str, python: tuple[int, int]) -> str:
    """A word that changes when the installed environment no longer fits the requirement files, Python or GPU."""
    digest = hashlib.sha256(repr((choice, python, TORCH)).encode())
    for name in REQUIREMENTS[level] + [CUDA_REQUIREMENTS] * (choice == "cuda"):
        digest.update((ROOT / name).read_bytes() if (ROOT / name).exists() else b"")
    return digest.hexdigest()


def make_venv(machine: Machine, shell: Shell) -> None:
    """Make .venv, unless a working one is there."""
    if PYTHON.exists() and shell.run([PYTHON, "-m", "pip", "--version"])[0] == 0:
        return
    shell.say(f"Making .venv with Python {dotted(machine.python)} ...")
    code, output = shell.run([sys.executable, "-m", "venv", "--clear", VENV])
    if code:
        raise SetupError(f"Python could not make {VENV} ({last_line(output)}).")


def pip(shell: Shell, arguments: Sequence[str], live: bool = False) -> str:
    """Run `pip install`; return "" or why it failed."""
    # Compiling all of it takes as long as all the rest, and most of it is never imported: see compile_imports.
    options = ["--disable-pip-version-check", "--no-compile", "--log", str(VENV / "pip.log")]
    options += [] if live else ["--quiet"]
    code, output = shell.run([PYTHON, "-m", "pip", "install", *options, *arguments], live=live)
    if not code:
        return ""
    if any(sign in output for sign in OFFLINE_SIGNS):
        return "the package index cannot be reached: connect this machine to the network and repeat the command"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return f"{(errors or [last_line(output)])[-1]}; .venv/pip.log has the whole story"


def install_torch(shell: Shell, choice: str) -> None:
    """Install the PyTorch build that fits the machine."""
    size = {"cuda": "with CUDA, about 3 GB", "cpu": "for the CPU, about 200 MB", "plain": "about 100 MB"}[choice]
    shell.say(f"Installing PyTorch {TORCH} ({size}) ...")
    reason = ""
    for arguments in torch_attempts(choice):
        reason = pip(shell, arguments, live=True)
        if not reason:
            return
    raise SetupError(f"PyTorch could not be installed: {reason}.")


def install_cuda_extras(shell: Shell, path: Path) -> None:
    """Install what makes an NVIDIA GPU quicker, line by line; none of it is needed."""
    for line in path.read_text().splitlines():
        requirement = line.split("#")[0].strip()
        if requirement and pip(shell, [requirement]):
            shell.say(f"Not installed: {requirement}. StyleScope works without it, only slower.")
    probe = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    if shell.run([PYTHON, "-c", probe])[0]:
        shell.say("PyTorch cannot use this GPU and will use the CPU; a newer NVIDIA driver usually helps.")


def compile_imports(shell: Shell) -> None:
    """Have Python keep what it compiles of all that the window imports, so that the first start is as quick as others.

    What is amiss with it the start itself says in a sentence.
    """
    shell.run([PYTHON, "-c", "import widgets.layout, visualizer.window"])


def install_requirements(machine: Machine, shell: Shell, level: str) -> None:
    """Bring .venv up to the requirement files; do nothing when it is."""
    choice = torch_choice(machine)
    # "dev" contains "run": whichever was installed last must satisfy both, else the two would undo each other's stamp.
    wanted = {name: fingerprint(name, choice, machine.python) for name in REQUIREMENTS}
    stamped = STAMP.read_text().split() if STAMP.exists() and PYTHON.exists() else []
    if wanted[level] in stamped:
        return
    make_venv(machine, shell)
    install_torch(shell, choice)
    shell.say(f"Installing {' and '.join(REQUIREMENTS[level])} ...")
    reason = pip(shell, [word for name in REQUIREMENTS[level] for word in ("-r", name)])
    if reason:
        raise SetupError(f"The requirements could not be installed: {reason}.")
    if choice == "cuda" and (ROOT / CUDA_REQUIREMENTS).exists():
        install_cuda_extras(shell, ROOT / CUDA_REQUIREMENTS)
    compile_imports(shell)
    STAMP.write_text("\n".join(wanted.values() if level == "dev" else [wanted["run"]]))


def set_up(machine: Machine, shell: Shell, level: str) -> None:
    """Do all that `run`, `dev` or `test` needs before the program or the tests can start."""
    check_python(machine)
    if machine.system == "Linux":
        install_packages(machine, shell, missing_packages(machine, shell, level))
    install_requirements(machine, shell, "run" if level == "run" else "dev")


@contextlib.contextmanager
def virtual_display() -> Iterator[str]:
    """An X server without a screen; gives its DISPLAY."""
    read, write = os.pipe()
    # Without -noreset it starts anew when the last window has gone, and refuses whoever comes meanwhile.
    options = ["-screen", "0", "1600x1000x24", "-nolisten", "tcp", "-noreset"]
    command = ["Xvfb", "-displayfd", str(write), *options]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()  # empty when the server died before it was ready
        if not number:
            raise SetupError("Xvfb, the virtual screen, did not start: type `Xvfb :99` to see why.")
        yield ":" + number
    finally:
        server.terminate()
        server.wait()


def play_demo(shell: Shell) -> int:
    """Show what StyleScope does where no window can open: the same program on a virtual screen, recorded."""
    shell.say("No screen here, so StyleScope plays its demo on a virtual one ...")
    with virtual_display() as display:
        command = [str(PYTHON), "main.py", "--demo", str(DEMO)]
        code = subprocess.call(command, cwd=ROOT, env=dict(os.environ, DISPLAY=display))
    if code == 0:
        shell.say(DEMO_DONE)
    return code


def main(arguments: Sequence[str]) -> int:
    """Carry out one command line; return the exit code."""
    level = arguments[0] if arguments else ""
    shell = Shell()
    if level not in ("run", "dev", "test"):
        shell.say(__doc__ or "")
        return 2
    try:
        machine = look_around(shell)
        set_up(machine, shell, level)
        if level != "run":
            return 0
        rest = arguments[2:] if arguments[1:2] == ["--"] else arguments[1:]
        if not machine.display and not rest:
            return play_demo(shell)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execv(str(PYTHON), [str(PYTHON), "main.py", *rest])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
