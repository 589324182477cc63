"""Reference snapshots read and written the ordinary way, to compare with our reader and to make broken ones of."""

import io
import pickle
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

GOLDEN = Path(__file__).parents[1] / "golden"


def _reconstruct_persistent_obj(meta: dict) -> "Persistent":
    return Persistent(meta)


_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"


class Persistent:
    """A module of a snapshot; pickles as the official code's modules do."""

    def __init__(self, meta: dict):
        self.meta = meta

    def __reduce__(self) -> tuple:
        return _reconstruct_persistent_obj, (self.meta,)


class _TrustingUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        match name:
            case "_reconstruct_persistent_obj":
                return Persistent
            case "EasyDict":
                return dict
            case "_load_from_bytes":
                return lambda blob: torch.load(io.BytesIO(blob), weights_only=True)
        return super().find_class(module, name)


def trusting_load(path: Path) -> dict:
    """A reference snapshot, which is known to be harmless."""
    with path.open("rb") as file:
        return _TrustingUnpickler(file).load()


def dump(tree: object) -> bytes:
    """A tree with Persistent modules as a snapshot's bytes."""
    package, module = ModuleType("torch_utils"), ModuleType("torch_utils.persistence")
    vars(module)["_reconstruct_persistent_obj"] = _reconstruct_persistent_obj
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch_utils", package)
        patch.setitem(sys.modules, "torch_utils.persistence", module)
        return pickle.dumps(tree, protocol=4)
