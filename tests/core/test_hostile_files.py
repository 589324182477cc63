"""No file runs anything, exhausts memory or gives anything but one readable sentence, whatever is in it.

`HOSTILE` holds one maker of bytes for each kind of file. A maker gets the path of the canary, a file that the payload
would create if any of it were run.
"""

import gzip
import io
import json
import os
import pickle
import pickletools
import random
import re
import struct
import subprocess
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from torch import Tensor

from stylegan_core.checkpoint import read_discriminator, read_generator
from stylegan_core.errors import ModelFileError
from stylegan_core.pickle_machine import MAX_OPCODES
from stylegan_core.spec import NetworkSpec
from tests.core.snapshots import GOLDEN, Persistent, dump, trusting_load

Maker = Callable[[Path], bytes]
HOSTILE: dict[str, Maker] = {}
RUNS_IN_PYTHON: list[str] = []  # whose payload Python's own unpickler would run


def hostile(maker: Maker) -> Maker:
    HOSTILE[maker.__name__] = maker
    return maker


def running(maker: Maker) -> Maker:
    RUNS_IN_PYTHON.append(maker.__name__)
    return hostile(maker)


class Reduce:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., object], *arguments: object, state: object = None):
        self.value = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple:
        return self.value


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def proto(body: bytes) -> bytes:
    return b"\x80\x04" + body + b"."


def touch(canary: Path) -> str:
    return f"touch '{canary}'"


# Calls


@running
def os_system(canary: Path) -> bytes:
    return pickle.dumps(Reduce(os.system, touch(canary)))


@running
def os_system_inside_a_snapshot(canary: Path) -> bytes:
    return pickle.dumps({"G_ema": {"state": [Reduce(os.system, touch(canary))]}, "D": None})


@running
def os_system_by_its_old_module(canary: Path) -> bytes:
    return proto(b"cposix\nsystem\n" + text(touch(canary)) + b"\x85R")


@running
def builtins_eval(canary: Path) -> bytes:
    return pickle.dumps(Reduce(eval, f"open({str(canary)!r}, 'w').close()"))


@running
def builtins_exec(canary: Path) -> bytes:
    return pickle.dumps(Reduce(exec, f"open({str(canary)!r}, 'w').close()"))


@running
def builtins_open(canary: Path) -> bytes:
    return pickle.dumps(Reduce(open, str(canary), "w"))


@running
def a_getattr_chain(canary: Path) -> bytes:
    return pickle.dumps(Reduce(getattr, Reduce(Path, str(canary)), "touch"))[:-1] + b")R."


@running
def nested_reduces(canary: Path) -> bytes:
    inner = Reduce(str.format, "{}", touch(canary))
    return pickle.dumps(Reduce(os.system, inner))


@running
def subprocess_popen(canary: Path) -> bytes:
    return pickle.dumps([Reduce(subprocess.check_call, ["touch", str(canary)])])


@hostile
def a_call_by_newobj_ex(canary: Path) -> bytes:
    return proto(b"csubprocess\nPopen\n(]" + text("touch") + b"a" + text(str(canary)) + b"at}\x92")


@running
def a_call_by_inst(canary: Path) -> bytes:
    return proto(b"(" + text(touch(canary)) + b"ios\nsystem\n")


@running
def a_call_by_obj(canary: Path) -> bytes:
    return proto(b"(cos\nsystem\n" + text(touch(canary)) + b"o")


@running
def setstate_of_a_class(canary: Path) -> bytes:
    # functools.partial takes its function as state.
    state = b"(cos\nsystem\n(" + text(touch(canary)) + b"t}Nt"
    return proto(b"cfunctools\npartial\ncos\nsystem\n\x85\x81" + state + b"b)R")


@hostile
def a_call_by_newobj(canary: Path) -> bytes:
    return proto(b"cos\nsystem\n(" + text(touch(canary)) + b"t\x81")


@hostile
def import_by_name(canary: Path) -> bytes:
    return proto(b"cbuiltins\n__import__\n" + text("antigravity") + b"\x85R")


@hostile
def a_dotted_attribute_of_an_admitted_class(canary: Path) -> bytes:
    return proto(text("collections") + text("OrderedDict.fromkeys.__self__") + b"\x93)R")


@hostile
def a_global_named_by_numbers(canary: Path) -> bytes:
    return proto(b"K\x01K\x02\x93")


@hostile
def a_wrong_class(canary: Path) -> bytes:
    return proto(b"ctraining.networks\nGenerator\n)\x81}b")


@hostile
def a_class_with_a_name_to_break_messages(canary: Path) -> bytes:
    return proto(text("evil\n\x1b[31m\u202e" * 1000) + text("x") + b"\x93")


@hostile
def attributes_set_on_an_admitted_function(canary: Path) -> bytes:
    return proto(b"ctorch._utils\n_rebuild_parameter\nN}" + text("__defaults__") + b"Ns\x86b")


@hostile
def attributes_set_on_a_list(canary: Path) -> bytes:
    return proto(b"]}" + text("append") + b"Nsb")


@hostile
def a_call_of_something_not_callable(canary: Path) -> bytes:
    return proto(text("os.system") + text(touch(canary)) + b"\x85R")


@hostile
def a_call_with_arguments_that_are_no_tuple(canary: Path) -> bytes:
    return proto(b"ccollections\nOrderedDict\n]R")


@hostile
def a_dictionary_of_other_things(canary: Path) -> bytes:
    return proto(b"ccollections\nOrderedDict\n]K\x01a\x85R")


@hostile
def a_network_with_arguments(canary: Path) -> bytes:
    return proto(b"cdnnlib.tflib.network\nNetwork\nK\x01\x85\x81")


@hostile
def bytes_by_another_codec(canary: Path) -> bytes:
    return proto(b"c_codecs\nencode\n" + text("x") + text("zlib") + b"\x86R")


@hostile
def extension_registry(canary: Path) -> bytes:
    return proto(b"\x82\x01")


@hostile
def persistent_id(canary: Path) -> bytes:
    return proto(b"Pabc\n")


@hostile
def binary_persistent_id(canary: Path) -> bytes:
    return proto(text("storage") + b"Q")


@hostile
def out_of_band_buffer(canary: Path) -> bytes:
    return b"\x80\x05\x97."


# Damage and bombs


@hostile
def a_protocol_from_the_future(canary: Path) -> bytes:
    return b"\x80\x09}."


@hostile
def an_opcode_that_does_not_exist(canary: Path) -> bytes:
    return proto(b"\xff")


@hostile
def a_memo_that_is_not_there(canary: Path) -> bytes:
    return proto(b"h\x07")


@hostile
def an_empty_stack(canary: Path) -> bytes:
    return proto(b"R")


@hostile
def no_mark(canary: Path) -> bytes:
    return proto(b"t")


@hostile
def items_set_on_a_list(canary: Path) -> bytes:
    return proto(b"]K\x01K\x02s")


@hostile
def an_odd_number_of_items(canary: Path) -> bytes:
    return proto(b"}(K\x01u")


@hostile
def a_list_as_key(canary: Path) -> bytes:
    return proto(b"}]Ns")


@hostile
def a_deep_tuple_as_key(canary: Path) -> bytes:
    return proto(b"})" + b"\x85" * 150_000 + b"Ns")


@hostile
def a_negative_length(canary: Path) -> bytes:
    return proto(b"\x8b\xff\xff\xff\xff")


@hostile
def bytes_of_a_huge_length(canary: Path) -> bytes:
    return proto(b"\x8e" + struct.pack("<Q", 1 << 45) + b"abc")


@hostile
def text_of_a_huge_length(canary: Path) -> bytes:
    return proto(b"\x8d" + struct.pack("<Q", (1 << 64) - 1) + b"abc")


@hostile
def a_frame_of_a_huge_length(canary: Path) -> bytes:
    return proto(b"\x95" + struct.pack("<Q", 1 << 60))


@hostile
def a_memo_at_a_huge_index(canary: Path) -> bytes:
    return proto(b"}r\xff\xff\xff\xff")


@hostile
def a_line_without_end(canary: Path) -> bytes:
    return b"\x80\x02c" + b"a" * 100_000


@hostile
def a_number_of_many_digits(canary: Path) -> bytes:
    return proto(b"I" + b"9" * 900 + b"\n")


@hostile
def text_that_is_not_utf8(canary: Path) -> bytes:
    return proto(b"\x8c\x02\xff\xff")


@hostile
def deep_lists(canary: Path) -> bytes:
    return proto(b"]" * 150_000 + b"a" * 149_999)


@hostile
def deep_objects(canary: Path) -> bytes:
    one = b"ctorch._utils\n_rebuild_parameter\n"
    return proto(one * 3000 + b"N" + b"NN\x87R" * 3000)


@hostile
def deep_modules(canary: Path) -> bytes:
    name = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    start = b"}(" + text("type") + text("class") + text("class_name") + text("Generator") + text("state")
    inner = name + start + b"}" + text("_modules") + b"}" + text("b")
    return proto(b"}" + text("G_ema") + inner * 5000 + b"N" + b"ssu\x85R" * 5000 + b"s")


@hostile
def more_instructions_than_any_model(canary: Path) -> bytes:
    return proto(b"N" * (MAX_OPCODES + 1))


@hostile
def doubling_by_the_memo(canary: Path) -> bytes:
    return proto(b"]\x94" + b"(h\x00h\x00l\x94" + b"".join(b"(h%ch%cl\x94" % (i, i) for i in range(1, 200)))


@hostile
def a_long_list_made_a_set_again_and_again(canary: Path) -> bytes:
    return proto(b"](" + b"K\x01" * 1000 + b"e\x94" + b"cbuiltins\nset\nh\x00\x85R" * 1000)


@hostile
def a_list_that_holds_itself(canary: Path) -> bytes:
    return proto(b"]\x94h\x00a")


@hostile
def a_snapshot_whose_network_is_not_one(canary: Path) -> bytes:
    return proto(b"}" + text("G_ema") + text("D") + b"s")


# Tensors: a real snapshot with one weight replaced


def snapshot(change: Callable[[dict], None]) -> bytes:
    tree = trusting_load(GOLDEN / "sg2_orig32.pkl")
    change(tree)
    return dump({"G_ema": tree["G_ema"], "D": tree["D"]})


def module(tree: dict, path: str) -> dict:
    """The state of a module by its dotted path, as in "G_ema.synthesis.b4"."""
    first, *rest = path.split(".")
    network: Persistent = tree[first]
    for name in rest:
        network = network.meta["state"]["_modules"][name]
    return network.meta["state"]


def with_weight(value: object) -> bytes:
    """The first affine weight of both networks' first convolutions is something else."""

    def change(tree: dict) -> None:
        module(tree, "G_ema.synthesis.b4.conv1")["_parameters"]["weight"] = value
        for table in ("_parameters", "_buffers"):
            module(tree, "D.b4.conv")[table].pop("weight", None)
        module(tree, "D.b4.conv")["_parameters"]["weight"] = value

    return snapshot(change)


def rebuilt(storage: object, offset: object, size: object, stride: object, *more: object) -> Reduce:
    return Reduce(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, OrderedDict(), *more)


def blob() -> bytes:
    return _legacy(_typed(4))


def _typed(count: int) -> torch.storage.TypedStorage:
    return torch.arange(float(count))._typed_storage()


def stored(data: bytes) -> Reduce:
    return Reduce(torch.storage._load_from_bytes, data)


TENSORS: dict[str, Callable[[], object]] = {
    "zero strides of terabytes": lambda: rebuilt(_typed(4), 0, (10**6, 10**6, 3, 3), (0, 0, 0, 0)),
    "sizes of terabytes": lambda: rebuilt(_typed(4), 0, (10**6, 10**6, 3, 3), (9 * 10**6, 9, 3, 1)),
    "sizes beyond 64 bits": lambda: rebuilt(_typed(4), 0, (10**30, 1, 1, 1), (1, 1, 1, 1)),
    "an empty tensor of huge sizes": lambda: rebuilt(_typed(4), 0, (0, 10**18, 10**18, 3), (1, 1, 1, 1)),
    "overlapping strides": lambda: rebuilt(_typed(4), 0, (2, 2, 1, 1), (1, 1, 1, 1)),
    "strides with gaps": lambda: rebuilt(_typed(400), 0, (2, 2, 1, 1), (200, 100, 1, 1)),
    "a negative offset": lambda: rebuilt(_typed(4), -1, (2, 2, 1, 1), (2, 1, 1, 1)),
    "an offset beyond the storage": lambda: rebuilt(_typed(4), 3, (2, 2, 1, 1), (2, 1, 1, 1)),
    "a negative size": lambda: rebuilt(_typed(4), 0, (-2, -2, 1, 1), (2, 1, 1, 1)),
    "sizes that are floats": lambda: rebuilt(_typed(4), 0, (2.0, 2.0, 1.0, 1.0), (2, 1, 1, 1)),
    "a size that is text": lambda: rebuilt(_typed(4), 0, "2211", (2, 1, 1, 1)),
    "sizes and strides of other lengths": lambda: rebuilt(_typed(4), 0, (4,), (1, 1)),
    "too many dimensions": lambda: rebuilt(_typed(4), 0, (1,) * 100, (1,) * 100),
    "a storage that is a list": lambda: rebuilt([1.0], 0, (1,), (1,)),
    "too many arguments": lambda: rebuilt(_typed(4), 0, (4,), (1,), {}, None, None),
    "whole numbers": lambda: torch.ones(48, 48, 3, 3, dtype=torch.int64),
    "another number of dimensions": lambda: torch.ones(48, 48),
    "no tensor": lambda: None,
    "a number": lambda: 1.0,
    "an array of objects": lambda: np.array([{}], dtype=object),
    "an array of text": lambda: np.array(["abc"]),
    "an array of records": lambda: np.zeros(1, dtype=[("a", "f4")]),
    "a storage that is cut": lambda: rebuilt(stored(blob()[:-5]), 0, (4,), (1,)),
    "a storage that is longer than declared": lambda: rebuilt(stored(_patched_length(3)), 0, (3,), (1,)),
    "a storage that is shorter than declared": lambda: rebuilt(stored(_patched_length(1 << 40)), 0, (4,), (1,)),
    "a storage of negative length": lambda: rebuilt(stored(_patched_length(-1)), 0, (4,), (1,)),
    "an empty storage": lambda: rebuilt(stored(b""), 0, (4,), (1,)),
    "a storage that is a zip": lambda: rebuilt(stored(_zipped({"a": torch.ones(1)})), 0, (4,), (1,)),
    "a storage of another magic": lambda: rebuilt(stored(pickle.dumps(1) * 5), 0, (4,), (1,)),
    "a storage that is a dictionary": lambda: rebuilt(stored(_legacy({})), 0, (4,), (1,)),
    "a storage in a storage": lambda: rebuilt(stored(_legacy(stored(blob()))), 0, (4,), (1,)),
    "a storage given as text": lambda: rebuilt(Reduce(torch.storage._load_from_bytes, "abc"), 0, (4,), (1,)),
}


def _patched_length(numel: int) -> bytes:
    data = blob()
    return data[:-24] + struct.pack("<q", numel) + data[-16:]


def _legacy(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def _zipped(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


for _name, _value in TENSORS.items():
    HOSTILE[_name] = lambda _, value=_value: with_weight(value())


@hostile
def os_system_inside_a_storage(canary: Path) -> bytes:
    return with_weight(rebuilt(stored(_legacy(Reduce(os.system, touch(canary)))), 0, (4,), (1,)))


@running
def os_system_inside_an_array_of_objects(canary: Path) -> bytes:
    return pickle.dumps({"G_ema": np.array([Reduce(os.system, touch(canary))], dtype=object)})


# Settings: a real snapshot with one attribute replaced


SETTINGS: dict[str, tuple[str, str, object]] = {
    "no resolution": ("", "img_resolution", None),
    "a resolution of text": ("", "img_resolution", "32"),
    "a resolution of NaN": ("", "img_resolution", float("nan")),
    "a resolution beyond 64 bits": ("", "img_resolution", 1 << 80),
    "a resolution that is no power of two": ("", "img_resolution", 48),
    "a resolution of 0": ("", "img_resolution", 0),
    "a negative number of channels": ("", "img_channels", -3),
    "an enormous number of classes": ("", "c_dim", 1 << 40),
    "a class count without weights": ("", "c_dim", 60000),
    "a number of digits without end": ("", "c_dim", 10**5000),
    "an unknown activation": ("conv", "activation", "eval"),
    "a clamp of NaN": ("conv", "conv_clamp", float("nan")),
    "a clamp that is negative": ("conv", "conv_clamp", -1.0),
    "an unknown architecture": ("finest", "architecture", "os.system"),
    "modules that are a list": ("", "_modules", []),
    "no modules": ("", "_modules", {}),
    "parameters that are a list": ("conv", "_parameters", [1]),
}


def with_setting(where: str, name: str, value: object) -> bytes:
    places = {
        "": ("G_ema", "D"),
        "conv": ("G_ema.synthesis.b4.conv1", "D.b4.conv"),
        "finest": ("G_ema.synthesis.b32", "D.b32"),
    }

    def change(tree: dict) -> None:
        for place in places[where]:
            state = module(tree, place)
            state[name] = value
            if name == "img_resolution" and place == "G_ema":
                module(tree, "G_ema.synthesis")[name] = value

    return snapshot(change)


for _name, _setting in SETTINGS.items():
    HOSTILE[_name] = lambda _, setting=_setting: with_setting(*setting)


@hostile
def a_module_name_without_end(canary: Path) -> bytes:
    def change(tree: dict) -> None:
        for network in ("G_ema", "D"):
            modules = module(tree, network)["_modules"]
            modules["b" * 100_000] = Persistent({"type": "class", "class_name": "X", "state": {}})

    return snapshot(change)


@hostile
def modules_shared_without_end(canary: Path) -> bytes:
    leaf = Persistent({"type": "class", "class_name": "X", "state": {}})
    for _ in range(40):
        leaf = Persistent({"type": "class", "class_name": "X", "state": {"_modules": {"a": leaf, "b": leaf}}})

    def change(tree: dict) -> None:
        for network in ("G_ema", "D"):
            module(tree, network)["_modules"]["more"] = leaf

    return snapshot(change)


@hostile
def a_block_that_is_missing(canary: Path) -> bytes:
    def change(tree: dict) -> None:
        del module(tree, "G_ema.synthesis")["_modules"]["b8"], module(tree, "D")["_modules"]["b8"]

    return snapshot(change)


@hostile
def a_filter_of_nan(canary: Path) -> bytes:
    def change(tree: dict) -> None:
        for place in ("G_ema.synthesis.b32", "D.b32"):
            module(tree, place)["_buffers"]["resample_filter"] = torch.full([4, 4], float("nan"))

    return snapshot(change)


# Other files


@hostile
def an_empty_file(canary: Path) -> bytes:
    return b""


@hostile
def one_byte(canary: Path) -> bytes:
    return b"\x80"


@hostile
def zeros(canary: Path) -> bytes:
    return bytes(4096)


@hostile
def a_png(canary: Path) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(100)


@hostile
def a_jpeg(canary: Path) -> bytes:
    return b"\xff\xd8\xff\xe0" + bytes(100)


@hostile
def a_web_page(canary: Path) -> bytes:
    return b"\n<!DOCTYPE html><html><title>Quota exceeded</title></html>"


@hostile
def a_git_lfs_pointer(canary: Path) -> bytes:
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 381673535\n"


@hostile
def a_text(canary: Path) -> bytes:
    return b"Dear reader,\nthis is not a model.\n"


@hostile
def a_pickle_of_protocol_0(canary: Path) -> bytes:
    return pickle.dumps({"G_ema": 1}, protocol=0)


@hostile
def a_gzip(canary: Path) -> bytes:
    return gzip.compress(b"abc")


@hostile
def an_hdf5(canary: Path) -> bytes:
    return b"\x89HDF\r\n\x1a\n" + bytes(100)


for _value in ({1: 2, 3: 4}, [], "G_ema", 5, None, (1, 2), {"G_ema": None}, {"G": {}, "G_ema": 3}):
    HOSTILE[f"the pickle of {_value}"] = lambda _, value=_value: pickle.dumps(value)


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return file.getvalue()


def torch_members(content: object) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(_zipped(content))) as source:
        return {name: source.read(name) for name in source.namelist()}


@hostile
def a_zip_without_a_model(canary: Path) -> bytes:
    return archive({"readme.txt": b"hello"})


@hostile
def a_zip_with_two_models(canary: Path) -> bytes:
    return archive({"a/data.pkl": b"\x80\x02}.", "b/data.pkl": b"\x80\x02}."})


@running
def a_torch_zip_that_calls(canary: Path) -> bytes:
    return _zipped({"g_ema": Reduce(os.system, touch(canary)), "d": {}})


@running
def an_old_torch_file_that_calls(canary: Path) -> bytes:
    return _legacy({"g_ema": Reduce(os.system, touch(canary)), "d": {}})


@hostile
def a_torch_zip_without_networks(canary: Path) -> bytes:
    return _zipped(torch.ones(3))


@hostile
def a_torch_zip_of_another_network(canary: Path) -> bytes:
    return _zipped({"g_ema": torch.nn.Linear(2, 2).state_dict(), "d": torch.nn.Linear(2, 2).state_dict()})


@hostile
def a_compressed_torch_zip(canary: Path) -> bytes:
    return archive(torch_members({"g_ema": {"a": torch.zeros(10000)}}), zipfile.ZIP_DEFLATED)


@hostile
def a_torch_zip_lacking_a_storage(canary: Path) -> bytes:
    members = torch_members({"g_ema": {"a": torch.zeros(100)}, "d": {"a": torch.zeros(100)}})
    return archive({name: data for name, data in members.items() if "/data/" not in name})


@hostile
def a_torch_zip_with_a_short_storage(canary: Path) -> bytes:
    members = torch_members({"g_ema": {"a": torch.zeros(100)}, "d": {"a": torch.zeros(100)}})
    return archive({name: data[:8] if "/data/" in name else data for name, data in members.items()})


@hostile
def a_big_endian_torch_zip(canary: Path) -> bytes:
    members = torch_members({"g_ema": {"a": torch.zeros(100)}})
    return archive({name: b"big   " if name.endswith("byteorder") else data for name, data in members.items()})


@hostile
def a_zip_of_a_great_many_members(canary: Path) -> bytes:
    data = archive({"a/data.pkl": b"\x80\x02}."})
    return data[:-10] + struct.pack("<L", 1 << 30) + data[-6:]


@hostile
def a_zip_that_says_so_in_its_64_bit_end(canary: Path) -> bytes:
    end = archive({"a/data.pkl": b"\x80\x02}."})
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(end) - 22, 1)
    return end[:-22] + end64 + locator + end[-22:]


@hostile
def a_zip_that_is_cut(canary: Path) -> bytes:
    return _zipped({"g_ema": {"a": torch.zeros(100)}})[:-30]


def header(content: dict[str, object], data: bytes = b"") -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data


@cache
def _tensors() -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in read_generator(GOLDEN / "sg2_orig32.pkl").tensors.items()}


@cache
def _metadata() -> dict[str, str]:
    config = read_generator(GOLDEN / "sg2_orig32.pkl").config.model_dump(mode="json")
    return {"format": "stylescope", "version": "1", "family": "stylegan2", "config": json.dumps(config)}


def with_config(**changes: object) -> bytes:
    config = {**json.loads(_metadata()["config"]), **changes}
    return save(_tensors(), {**_metadata(), "config": json.dumps(config)})


def with_metadata(**changes: str) -> bytes:
    return save(_tensors(), {**_metadata(), **changes})


SAFETENSORS: dict[str, Callable[[], bytes]] = {
    "a header longer than the file": lambda: struct.pack("<Q", 1 << 50) + b"{}",
    "a header that is cut": lambda: struct.pack("<Q", 50) + b'{"a":' + b" " * 45,
    "a header that is a list": lambda: struct.pack("<Q", 2) + b"[]" + bytes(8),
    "a header without tensors": lambda: header({"__metadata__": _metadata()}),
    "overlapping tensors": lambda: header(
        {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"}, bytes(4)
    ),
    "a tensor beyond the file": lambda: header(
        {"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}, bytes(4)
    ),
    "a tensor of sizes that overflow": lambda: header(
        {"a": {"dtype": "F32", "shape": [1 << 62, 1 << 62], "data_offsets": [0, 4]}}, bytes(4)
    ),
    "a type that does not exist": lambda: header(
        {"a": {"dtype": "PICKLE", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)
    ),
    "tensors of whole numbers": lambda: save({"a": torch.ones(3, dtype=torch.int32)}, _metadata()),
    "no configuration": lambda: save(_tensors(), {"family": "stylegan2"}),
    "no metadata": lambda: save(_tensors()),
    "a configuration that is no JSON": lambda: with_metadata(config="__import__('os')"),
    "a configuration that is a list": lambda: with_metadata(config="[1]"),
    "a configuration nested without end": lambda: with_metadata(config="[" * 100_000),
    "a configuration of digits without end": lambda: with_metadata(config='{"z_dim": ' + "9" * 10_000 + "}"),
    "a foreign family": lambda: with_metadata(family="diffusion"),
    "a version from the future": lambda: with_metadata(version="2"),
    "a description that is no JSON": lambda: with_metadata(description="{"),
    "a role that does not exist": lambda: with_metadata(role="burglar\n\x1b"),
    "a field that does not exist": lambda: with_config(wings=2),
    "a field that is missing": lambda: with_metadata(config="{}"),
    "NaN for the resolution": lambda: with_config(img_resolution=float("nan")),
    "infinity for the resolution": lambda: with_config(img_resolution=float("inf")),
    "NaN for the clamp": lambda: with_config(conv_clamp=float("nan")),
    "infinity for the learning rate": lambda: with_config(mapping_lr_multiplier=float("inf")),
    "a resolution that no file could fill": lambda: with_config(img_resolution=4096, channel_base=1 << 20),
    "a mapping network that no file could fill": lambda: with_config(z_dim=16384, mapping_layer_features=16384),
    "a resolution that leaves no channels": lambda: with_config(img_resolution=4096, channel_base=64),
    "a base that is one number": lambda: with_config(base_size=6),
    "a base of three sides": lambda: with_config(base_size=[4, 4, 4]),
    "a base without height": lambda: with_config(base_size=[0, 4]),
    "a base beyond 64 bits": lambda: with_config(base_size=[4, 1 << 80]),
    "a base of NaN": lambda: with_config(base_size=[4, float("nan")]),
    "a base of text": lambda: with_config(base_size=["4", "six"]),
    "a base that makes too large pictures": lambda: with_config(img_resolution=4096, base_size=[6, 4]),
    "a base that the weights do not have": lambda: with_config(base_size=[32, 32]),
    "a filter of a million taps": lambda: with_config(resample_filter=[1.0] * 1_000_000),
    "a filter that sums to 0": lambda: with_config(resample_filter=[1.0, -1.0]),
    "an empty filter": lambda: with_config(resample_filter=[]),
    "a filter of text": lambda: with_config(resample_filter="1331"),
    "tensors that are missing": lambda: save(
        {name: tensor for name, tensor in _tensors().items() if "b8" not in name}, _metadata()
    ),
    "mapping arguments that are a list": lambda: save(_tensors(), {"config": '{"mapping_kwargs": []}'}),
}

for _name, _make in SAFETENSORS.items():
    HOSTILE[_name] = lambda _, make=_make: make()


# The tests

READERS = [read_generator, read_discriminator]


def test_there_are_many_kinds() -> None:
    assert len(HOSTILE) > 120


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_gets_one_sentence_and_runs_nothing(kind: str, tmp_path: Path) -> None:
    canary, path = tmp_path / "canary", tmp_path / "evil.pkl"
    path.write_bytes(HOSTILE[kind](canary))
    for read in READERS:
        with pytest.raises(ModelFileError) as caught:
            read(path)
        sentence = str(caught.value)
        assert re.fullmatch(r"'evil\.pkl' [ -~]{8,300}\.", sentence), sentence
        assert "memory" not in sentence.lower(), "it was allocated and not refused"
        assert not canary.exists()


@pytest.mark.parametrize("maker", [a_zip_of_a_great_many_members, a_zip_that_says_so_in_its_64_bit_end])
def test_a_zips_members_are_bounded_before_they_are_listed(maker: Maker, tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    path.write_bytes(maker(tmp_path / "canary"))
    with pytest.raises(ModelFileError, match="far more members"):
        read_generator(path)


@pytest.mark.parametrize("kind", RUNS_IN_PYTHON)
@pytest.mark.filterwarnings("ignore")
def test_the_payloads_are_live(kind: str, tmp_path: Path) -> None:
    """Python's own unpickler and torch.load run what the test above shows not to run with us."""
    canary, path = tmp_path / "canary", tmp_path / "evil.pkl"
    data = HOSTILE[kind](canary)
    path.write_bytes(data)
    # What comes after the payload need not make sense.
    with suppress(TypeError, AttributeError, RuntimeError, ModuleNotFoundError):
        torch.load(path, weights_only=False) if "torch" in kind else pickle.loads(data)
    assert canary.exists()


@cache
def bytes_of(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


@cache
def torch_bytes(legacy: bool) -> bytes:
    state = {f"style.{i}.weight": torch.zeros(2, 2) for i in range(1, 4)}
    return _legacy({"g_ema": state, "d": state}) if legacy else _zipped({"g_ema": state, "d": state})


def whole_files() -> dict[str, bytes]:
    return {
        "snapshot": bytes_of("sg2_orig32.pkl"),
        "protocol 3": bytes_of("ada_fp16_64.pkl"),
        "ours": save(_tensors(), _metadata()),
        "torch zip": torch_bytes(False),
        "old torch": torch_bytes(True),
    }


@pytest.mark.parametrize("kind", ["snapshot", "protocol 3", "ours", "torch zip", "old torch"])
def test_a_file_cut_anywhere_gets_one_sentence(kind: str, tmp_path: Path) -> None:
    data, path = whole_files()[kind], tmp_path / "cut.pkl"
    places = random.Random(1)
    for end in [*range(1, 40), *(places.randrange(40, len(data)) for _ in range(25)), len(data) - 1]:
        path.write_bytes(data[:end])
        for read in READERS:
            with pytest.raises(ModelFileError, match=r"^'cut\.pkl' [ -~]{5,300}\.$"):
                read(path)


@cache
def structure(name: str) -> list[int]:
    """Where a snapshot's pickle has instructions, not weights."""
    data = bytes_of(name)
    places = [place for _, _, place in pickletools.genops(data) if place is not None]
    return [place + k for place in places for k in range(3) if place + k < len(data)]


def survives(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    for read in READERS:
        try:
            spec = read(path)
        except ModelFileError as error:
            assert re.fullmatch(r"'any\.pkl' [ -~]{5,300}\.", str(error)), str(error)  # noqa: PT017
        else:
            assert isinstance(spec, NetworkSpec)


FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@FUZZ
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_snapshot_with_changed_instructions_is_read_or_refused(
    changes: list[tuple[int, int]], tmp_path: Path
) -> None:
    data, places = bytearray(bytes_of("sg2_orig32.pkl")), structure("sg2_orig32.pkl")
    for place, value in changes:
        data[places[place % len(places)]] = value
    survives(bytes(data), tmp_path / "any.pkl")


@FUZZ
@given(
    kind=st.sampled_from(["ours", "torch zip", "old torch"]),
    changes=st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_other_kinds_with_changed_bytes_are_read_or_refused(
    kind: str, changes: list[tuple[int, int]], tmp_path: Path
) -> None:
    data = bytearray(whole_files()[kind])
    reach = min(len(data), 6000) if kind == "ours" else len(data)  # the header is what is interesting
    for place, value in changes:
        data[place % reach] = value
    survives(bytes(data), tmp_path / "any.pkl")


STARTS = [
    b"",
    b"\x80\x02",
    b"\x80\x04",
    b"PK\x03\x04",
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    bytes(7) + b"\x01{",
]


@settings(FUZZ, max_examples=300)
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=300))
@example(start=b"", rest=b"\x80\x04S'\\q'\n.")
@example(start=b"\x80\x04", rest=b"}\x94h\x00h\x00s.")
@example(start=b"\x80\x04", rest=b"c\\.\n\xff\n.")
def test_any_bytes_are_refused_with_one_sentence(start: bytes, rest: bytes, tmp_path: Path) -> None:
    survives(start + rest, tmp_path / "any.pkl")
