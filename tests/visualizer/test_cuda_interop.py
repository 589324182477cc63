"""The two CUDA-OpenGL packages, replaced by fakes that write down what is asked of them and in which order."""

import sys
from collections.abc import Callable
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from visualizer import cuda_interop
from visualizer.cuda_interop import CudaCoreInterop, Interop, PycudaInterop, copy_frame, find_interop

MAPPED, FRAME, STREAM = 0xAAAA000, 0xBBBB000, 0x77
BUFFER, SIZE = 5, 2 * 3 * 4


class Driver:
    """What the fake packages did, and where they are to fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.fail_at = ""

    def call(self, name: str, *args: Any) -> None:
        self.calls.append((name, *args))
        if name == self.fail_at:
            raise RuntimeError(f"CUDA_ERROR in {name}")

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    """The driver behind the fakes, with PyTorch's streams faked as well."""
    driver = Driver()

    class ExternalStream:
        def __init__(self, address: int, device: int) -> None:
            assert (address, device) == (STREAM, 1)

        def wait_event(self, event: str) -> None:
            driver.call("wait_event", event)

        def wait_stream(self, stream: str) -> None:
            driver.call("wait_stream", stream)

    monkeypatch.setattr(torch.cuda, "ExternalStream", ExternalStream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"current stream of {device}")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(cuda_interop, "_has_nvidia_driver", lambda: True)
    monkeypatch.setattr(cuda_interop, "_kept_streams", [])
    for name in ("pycuda", "pycuda.driver", "pycuda.gl", "cuda", "cuda.core"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises ModuleNotFoundError
    return driver


def install(monkeypatch: pytest.MonkeyPatch, package: str, **contents: SimpleNamespace) -> None:
    """Put a package with submodules where `import` finds it."""
    parent = ModuleType(package)
    parent.__path__ = []  # a package, so that a submodule that is not faked is looked for, and not found
    monkeypatch.setitem(sys.modules, package, parent)
    for name, namespace in contents.items():
        module = ModuleType(f"{package}.{name}")
        module.__dict__.update(vars(namespace))
        setattr(parent, name, module)
        monkeypatch.setitem(sys.modules, f"{package}.{name}", module)


def install_pycuda(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> None:
    class Stream:
        handle = STREAM

        def __init__(self, flags: int) -> None:
            driver.call("stream", flags)

    class Mapping:
        def device_ptr_and_size(self) -> tuple[int, int]:
            driver.call("address")
            return MAPPED, SIZE

        def unmap(self) -> None:
            driver.call("unmap")

    class RegisteredBuffer:
        def __init__(self, buffer: int, flags: str) -> None:
            driver.call("register", buffer, flags)

        def map(self, stream: Stream) -> Mapping:
            driver.call("map", stream.handle)
            return Mapping()

        def unregister(self) -> None:
            driver.call("unregister")

    context = SimpleNamespace(push=lambda: driver.call("push"), pop=lambda: driver.call("pop"))

    def device(index: int) -> SimpleNamespace:
        driver.call("device", index)
        return SimpleNamespace(retain_primary_context=lambda: context)

    def memcpy(target: int, source: int, size: int, stream: Stream) -> None:
        driver.call("copy", target, source, size, stream.handle)

    fake = SimpleNamespace(init=lambda: driver.call("init"), Device=device, Stream=Stream, memcpy_dtod_async=memcpy)
    flags = SimpleNamespace(WRITE_DISCARD="write_discard")
    fake_gl = SimpleNamespace(RegisteredBuffer=RegisteredBuffer, graphics_map_flags=flags)
    install(monkeypatch, "pycuda", driver=fake, gl=fake_gl)


def install_cuda_core(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> None:
    stream = SimpleNamespace(handle=STREAM)

    class Device:
        def __init__(self, index: int) -> None:
            driver.call("device", index)

        def set_current(self) -> None:
            driver.call("set_current")

        def create_stream(self) -> SimpleNamespace:
            driver.call("stream")
            return stream

    class Buffer:
        def __init__(self, address: int, size: int) -> None:
            self.handle, self.size = address, size

        @staticmethod
        def from_handle(address: int, size: int) -> "Buffer":
            return Buffer(address, size)

        def copy_from(self, source: "Buffer", *, stream: SimpleNamespace) -> None:
            assert source.size == self.size
            driver.call("copy", self.handle, source.handle, self.size, stream.handle)

    class GraphicsResource:
        @classmethod
        def from_gl_buffer(cls, buffer: int, *, flags: str) -> "GraphicsResource":
            driver.call("register", buffer, flags)
            return cls()

        @contextmanager
        def map(self, *, stream: SimpleNamespace) -> Any:
            driver.call("map", stream.handle)
            try:
                yield Buffer(MAPPED, SIZE)
            finally:
                driver.call("unmap")

        def close(self) -> None:
            driver.call("unregister")

    install(monkeypatch, "cuda", core=SimpleNamespace(Device=Device, Buffer=Buffer, GraphicsResource=GraphicsResource))


def a_frame(driver: Driver, **attributes: Any) -> SimpleNamespace:
    return SimpleNamespace(
        data_ptr=lambda: FRAME,
        numel=lambda: SIZE,
        device="cuda:1",
        record_stream=lambda stream: driver.call("record_stream"),
        **attributes,
    )


Install = Callable[[pytest.MonkeyPatch, Driver], None]
both = pytest.mark.parametrize(
    ("install_package", "kind"),
    [(install_pycuda, PycudaInterop), (install_cuda_core, CudaCoreInterop)],
    ids=["pycuda", "cuda.core"],
)


@both
def test_a_frame_is_copied_between_map_and_unmap(
    install_package: Install, kind: type[Interop], driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(monkeypatch, driver)
    interop, why = find_interop()
    assert isinstance(interop, kind) and interop.name in why
    assert ("device", 1) in driver.calls
    resource = interop.register(BUFFER)
    copy_frame(interop, resource, a_frame(driver))
    interop.unregister(resource)

    order = [call for call in driver.calls if call[0] not in ("push", "pop", "address")]
    start = order.index(("register", BUFFER, "write_discard"))
    assert order[start:] == [
        ("register", BUFFER, "write_discard"),
        ("wait_stream", "current stream of cuda:1"),
        ("record_stream",),
        ("map", STREAM),
        ("copy", MAPPED, FRAME, SIZE, STREAM),
        ("unmap",),
        ("unregister",),
    ]


@both
def test_a_frame_with_an_event_is_waited_for_by_that(
    install_package: Install, kind: type[Interop], driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(monkeypatch, driver)
    interop, _ = find_interop()
    assert interop is not None
    copy_frame(interop, interop.register(BUFFER), a_frame(driver, ready_event="finished"))
    assert ("wait_event", "finished") in driver.calls
    assert "wait_stream" not in driver.names()


@both
def test_the_buffer_is_unmapped_after_a_failed_copy(
    install_package: Install, kind: type[Interop], driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(monkeypatch, driver)
    check_unmapped_after_failing(driver, "copy")


def test_the_buffer_is_unmapped_if_pycuda_has_no_address(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    install_pycuda(monkeypatch, driver)
    check_unmapped_after_failing(driver, "address")


def check_unmapped_after_failing(driver: Driver, step: str) -> None:
    interop, _ = find_interop()
    assert interop is not None
    resource = interop.register(BUFFER)
    driver.fail_at = step
    with pytest.raises(RuntimeError, match=f"CUDA_ERROR in {step}"):
        copy_frame(interop, resource, a_frame(driver))
    assert "unmap" in driver.names()[driver.names().index(step) :]
    assert driver.names().count("push") == driver.names().count("pop")


@both
def test_streams_outlive_the_interop(
    install_package: Install, kind: type[Interop], driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(monkeypatch, driver)
    interop, _ = find_interop()
    del interop
    assert [stream.handle for stream in cuda_interop._kept_streams] == [STREAM]


def test_pycuda_works_only_while_its_context_is_current(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    install_pycuda(monkeypatch, driver)
    interop, _ = find_interop()
    assert interop is not None
    resource = interop.register(BUFFER)
    copy_frame(interop, resource, a_frame(driver))
    interop.unregister(resource)
    depth = 0
    for name in driver.names():
        depth += {"push": 1, "pop": -1}.get(name, 0)
        if name in ("stream", "register", "map", "address", "copy", "unmap", "unregister"):
            assert depth == 1, name
    assert depth == 0


def test_pycuda_comes_first(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    install_pycuda(monkeypatch, driver)
    install_cuda_core(monkeypatch, driver)
    assert isinstance(find_interop()[0], PycudaInterop)


def test_pycuda_without_opengl_leaves_it_to_cuda_core(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    install_pycuda(monkeypatch, driver)
    install_cuda_core(monkeypatch, driver)

    class WithoutGl:
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "pycuda.gl":
                raise ImportError("PyCUDA was compiled without GL extension support")

    monkeypatch.delitem(sys.modules, "pycuda.gl")
    monkeypatch.delattr(sys.modules["pycuda"], "gl")
    monkeypatch.setattr(sys, "meta_path", [WithoutGl(), *sys.meta_path])
    assert isinstance(find_interop()[0], CudaCoreInterop)

    monkeypatch.setitem(sys.modules, "cuda.core", None)
    interop, why = find_interop()
    assert interop is None and "compiled without GL" in why


def test_an_old_cuda_core_is_named_as_the_reason(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    install_cuda_core(monkeypatch, driver)
    monkeypatch.delattr(sys.modules["cuda.core"], "GraphicsResource")
    interop, why = find_interop()
    assert interop is None and "0.7 is the first" in why


def test_a_driver_that_refuses_is_a_reason_and_no_error(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    install_cuda_core(monkeypatch, driver)
    driver.fail_at = "set_current"
    interop, why = find_interop()
    assert interop is None and "CUDA_ERROR in set_current" in why


def test_reasons_without_package_device_or_driver(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_interop() == (None, "neither pycuda nor cuda.core is installed (see requirements-cuda.txt)")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_interop() == (None, "PyTorch finds no CUDA device")
    monkeypatch.setattr(cuda_interop, "_has_nvidia_driver", lambda: False)
    assert find_interop() == (None, "no NVIDIA driver")


def test_the_driver_is_looked_for_by_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def missing(name: str) -> None:
        asked.append(name)
        raise OSError(name)

    monkeypatch.setattr(cuda_interop.ctypes, "CDLL", missing)
    assert not cuda_interop._has_nvidia_driver()
    monkeypatch.setattr(cuda_interop.ctypes, "CDLL", lambda name: None)
    assert cuda_interop._has_nvidia_driver()
    assert asked == ["libcuda.so.1"]
