"""Tensors of torch on the CPU: whose memory they show, and how they show it again when loaded.

torch's own way writes a storage into the stream, whole, and leaves out gradients; here its memory
leaves the stream as that of arrays does, and tensors of one storage are views of one storage again.
"""

from __future__ import annotations

import ctypes
import pickle
import sys
from collections.abc import Callable
from typing import Any

from . import rebuild


def by_type() -> dict[int, Callable[[Any], Any]]:
    """Type -> reduction; empty while torch is not loaded."""
    if (torch := _torch()) is None:
        return {}
    return {
        id(torch.Tensor): _reduce_tensor,
        id(torch.nn.Parameter): _reduce_tensor,
        id(torch.UntypedStorage): _reduce_storage,
    }


def memory_of(thing: Any) -> int | None:
    """Give the address of the storage that a tensor shows; None for what has none on the CPU."""
    torch = _torch()
    if torch is None or not _is_plain(torch, thing):
        return None
    storage = thing if type(thing) is torch.UntypedStorage else thing.untyped_storage()
    return int(storage.data_ptr()) or None


def gradient_of(thing: Any) -> Any:
    """Give a tensor's gradient, which the garbage collector does not see."""
    torch = _torch()
    if torch is None or type(thing) is torch.UntypedStorage or not _is_plain(torch, thing):
        return None
    # torch warns when others are asked for theirs
    return thing.grad if thing.is_leaf or thing.retains_grad else None


def _torch() -> Any:
    # while torch is being imported it lacks the last of these
    found = sys.modules.get("torch")
    return found if hasattr(found, "UntypedStorage") and hasattr(found, "nn") else None


def _is_plain(torch: Any, thing: Any) -> bool:
    """Whether a thing is a storage, or a tensor that is a view of one and nothing else."""
    if type(thing) is torch.UntypedStorage:
        return bool(thing.device.type == "cpu")
    return bool(
        type(thing) in (torch.Tensor, torch.nn.Parameter)
        and thing.device.type == "cpu"
        and thing.layout is torch.strided
        and not (thing.is_quantized or thing.is_nested or thing.is_conj() or thing.is_neg())
    )


def _reduce_tensor(tensor: Any) -> Any:
    torch = sys.modules["torch"]
    if not _is_plain(torch, tensor):
        return NotImplemented
    layout = (tensor.dtype, tuple(tensor.size()), tensor.stride(), tensor.storage_offset())
    arguments = (tensor.untyped_storage(), *layout, type(tensor), tensor.requires_grad)
    hooks, grad = tensor._backward_hooks, gradient_of(tensor)
    given = dict(tensor.__dict__)
    if grad is None and not hooks and not given:
        return rebuild.tensor, arguments
    return rebuild.tensor, arguments, (grad, hooks, given), None, None, rebuild.set_tensor


def _reduce_storage(storage: Any) -> Any:
    if storage.device.type != "cpu":
        return NotImplemented
    if not storage.nbytes():
        return rebuild.storage, (b"",)
    memory: Any = (ctypes.c_char * storage.nbytes()).from_address(storage.data_ptr())
    memory.storage = storage  # or its memory might be gone before it is written
    return rebuild.storage, (pickle.PickleBuffer(memory),)
