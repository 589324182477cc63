"""scripts/setup.py decides rightly on machines that this one is not: without root, GPU, network, or a new Python."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import setup
from setup import Machine, SetupError

DESKTOP = Machine(
    system="Linux", arch="x86_64", python=(3, 11), root=False, apt=True, nvidia=False, display=True
)  # fmt: skip
NO_INDEX = "NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution"


class FakeShell(setup.Shell):
    """A machine on paper: `lacking` is not there, a command that contains a word of `failing` fails with its text."""

    def __init__(self, lacking: Sequence[str] = (), failing: dict[str, str] | None = None) -> None:
        self.lacking = lacking
        self.failing = failing or {}
        self.commands: list[str] = []
        self.said: list[str] = []

    def run(self, command: Sequence[str | Path], live: bool = False) -> tuple[int, str]:
        self.commands.append(" ".join(map(str, command)))
        for word, output in self.failing.items():
            if word in self.commands[-1]:
                return 1, output
        return 0, ""

    def has_library(self, name: str) -> bool:
        return name not in self.lacking

    has_program = has_library
    has_module = has_library

    def say(self, text: str) -> None:
        self.said.append(text)

    def installed(self) -> list[str]:
        """What pip was asked for, one string per call."""
        return [command.split(" install ", 1)[1] for command in self.commands if "pip install" in command]


@pytest.fixture(autouse=True)
def _paper_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with requirement files and no .venv yet."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("numpy==1\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(setup, "STAMP", tmp_path / ".venv" / "setup-stamp")


def be_made_by(shell: FakeShell, machine: Machine = DESKTOP, level: str = "run") -> None:
    """Set up on paper; what `python -m venv` would have left is put there."""
    setup.set_up(machine, shell, level)
    setup.PYTHON.touch()


def refusal(machine: Machine, shell: FakeShell, level: str = "run") -> str:
    with pytest.raises(SetupError) as caught:
        setup.set_up(machine, shell, level)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (2, 7)])
def test_a_python_without_wheels_is_refused_before_anything_is_done(version: tuple[int, int]) -> None:
    shell = FakeShell()
    sentence = refusal(DESKTOP._replace(python=version), shell)
    assert f"this is {version[0]}.{version[1]}" in sentence
    assert "PYTHON=python3" in sentence
    assert shell.commands == []


def test_without_a_gpu_the_cpu_build_comes_first_from_what_pip_knows() -> None:
    shell = FakeShell()
    be_made_by(shell)
    torch, requirements = shell.installed()
    assert torch.endswith("torch==2.13.0+cpu")
    assert "--extra-index-url" not in torch
    assert requirements.endswith("-r requirements.txt")


def test_only_what_the_window_imports_is_compiled() -> None:
    shell = FakeShell()
    be_made_by(shell)
    assert all("--no-compile" in command for command in shell.installed())
    assert shell.commands[-1].endswith("import widgets.layout, visualizer.window")


def test_without_a_cpu_wheel_at_hand_pytorchs_own_index_is_asked() -> None:
    class NoWheel(FakeShell):
        def run(self, command: Sequence[str | Path], live: bool = False) -> tuple[int, str]:
            code, output = super().run(command, live)
            known = "+cpu" not in self.commands[-1] or "--extra-index-url" in self.commands[-1]
            return (code, output) if known else (1, "ERROR: No matching distribution found for torch==2.13.0+cpu")

    shell = NoWheel()
    be_made_by(shell)
    assert shell.installed()[1].endswith(f"torch==2.13.0+cpu --extra-index-url {setup.CPU_INDEX}")


def test_with_a_gpu_comes_the_cuda_build_and_what_makes_it_quick() -> None:
    (setup.ROOT / "requirements-cuda.txt").write_text("# interop\ncuda-core==1.0  # no toolkit\n\npycuda==2026.1\n")
    shell = FakeShell(failing={"pycuda==2026.1": "ERROR: needs nvcc"})
    be_made_by(shell, DESKTOP._replace(nvidia=True))
    assert shell.installed()[0].endswith("torch===2.13.0")
    assert [line.split()[-1] for line in shell.installed()[2:]] == ["cuda-core==1.0", "pycuda==2026.1"]
    assert shell.said[-1] == "Not installed: pycuda==2026.1. StyleScope works without it, only slower."


def test_a_gpu_that_torch_cannot_use_is_told() -> None:
    (setup.ROOT / "requirements-cuda.txt").write_text("")
    shell = FakeShell(failing={"torch.cuda.is_available": ""})
    be_made_by(shell, DESKTOP._replace(nvidia=True))
    assert "newer NVIDIA driver" in shell.said[-1]


@pytest.mark.parametrize(("system", "arch"), [("Darwin", "arm64"), ("Linux", "aarch64"), ("Windows", "amd64")])
def test_elsewhere_there_is_one_build_and_no_debian(system: str, arch: str) -> None:
    shell = FakeShell(lacking=["apt-get"])
    be_made_by(shell, DESKTOP._replace(system=system, arch=arch, apt=False))
    assert shell.installed()[0].endswith("torch==2.13.0")


def test_root_gets_the_missing_packages_in_one_go() -> None:
    shell = FakeShell(lacking=["libGL.so.1", "Xvfb", "ensurepip"])
    be_made_by(shell, DESKTOP._replace(root=True, display=False))
    assert "apt-get install -y --no-install-recommends libgl1 python3.11-venv xvfb" in shell.commands
    assert shell.commands.index("apt-get update -qq") == 0


def test_who_is_not_root_is_told_the_one_command() -> None:
    shell = FakeShell(lacking=["libGL.so.1", "ensurepip"])
    sentence = refusal(DESKTOP, shell)
    assert "`sudo apt-get install -y --no-install-recommends libgl1 python3.11-venv`" in sentence
    assert shell.commands == []


def test_a_screen_needs_no_virtual_one() -> None:
    shell = FakeShell(lacking=["Xvfb"])
    be_made_by(shell)
    assert shell.installed()


def test_linting_needs_no_window() -> None:
    shell = FakeShell(lacking=["libGL.so.1", "Xvfb"])
    be_made_by(shell, level="dev")
    assert shell.installed()[1].endswith("-r requirements.txt -r requirements-dev.txt")


def test_another_linux_is_told_the_names() -> None:
    sentence = refusal(DESKTOP._replace(apt=False), FakeShell(lacking=["libGL.so.1"]))
    assert "libgl1" in sentence
    assert "package manager" in sentence


def test_a_failing_apt_is_named_with_its_reason() -> None:
    shell = FakeShell(lacking=["libGL.so.1"], failing={"apt-get": "E: Unable to locate package libgl1\n"})
    assert "E: Unable to locate package libgl1" in refusal(DESKTOP._replace(root=True), shell)


@pytest.mark.parametrize("failing", ["torch==2.13.0+cpu", "requirements.txt"])
def test_without_a_network_it_says_so(failing: str) -> None:
    assert "connect this machine to the network" in refusal(DESKTOP, FakeShell(failing={failing: NO_INDEX}))
    assert not setup.STAMP.exists()


def test_other_trouble_with_pip_is_quoted() -> None:
    output = "noise\nERROR: No space left on device\nmore noise"
    assert "No space left on device; .venv/pip.log" in refusal(DESKTOP, FakeShell(failing={"requirements.txt": output}))


def test_a_second_start_runs_nothing() -> None:
    be_made_by(FakeShell())
    shell = FakeShell()
    be_made_by(shell)
    assert shell.commands == []
    assert shell.said == []


@pytest.mark.parametrize("level", ["run", "dev"])
def test_changed_requirements_are_installed(level: str) -> None:
    be_made_by(FakeShell(), level=level)
    (setup.ROOT / "requirements.txt").write_text("numpy==2\n")
    shell = FakeShell()
    be_made_by(shell, level=level)
    assert len(shell.installed()) == 2


def test_a_gpu_that_was_added_brings_its_build() -> None:
    be_made_by(FakeShell())
    shell = FakeShell()
    be_made_by(shell, DESKTOP._replace(nvidia=True))
    assert shell.installed()[0].endswith("torch===2.13.0")


def test_who_can_test_can_run() -> None:
    be_made_by(FakeShell(), level="test")
    shell = FakeShell()
    be_made_by(shell, level="run")
    assert shell.commands == []


def test_a_broken_environment_is_made_anew() -> None:
    setup.PYTHON.touch()
    shell = FakeShell(failing={"pip --version": "No module named pip"})
    be_made_by(shell)
    assert any("-m venv --clear" in command for command in shell.commands)


def test_a_working_environment_is_kept() -> None:
    setup.PYTHON.touch()
    shell = FakeShell(lacking=["ensurepip"])
    be_made_by(shell)
    assert not any("-m venv" in command for command in shell.commands)


@pytest.mark.parametrize("display", ["", "nonsense", ":", ":987", "localhost:987.0"])
def test_a_display_that_nobody_serves_is_no_display(display: str) -> None:
    assert not setup.x_display_answers(display)


def test_a_display_over_ssh_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1] - 6000
        assert setup.x_display_answers(f"127.0.0.1:{number}.0")


def test_a_virtual_display_answers_until_it_is_left() -> None:
    with setup.virtual_display() as display:
        assert setup.x_display_answers(display)
    assert not setup.x_display_answers(display)


def test_an_unknown_command_shows_the_usage() -> None:
    script = Path(setup.__file__)
    result = subprocess.run([sys.executable, script, "fly"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "setup.py run" in result.stdout
