"""Tensors of torch: storages are shared again, stored by chunk, and gradients are kept."""

from __future__ import annotations

from typing import Any

import pytest
from test_recorder import Notebook, notebook, objects

from kernel_payload import hidden
from kernel_payload.thaw import Namespace

torch = pytest.importorskip("torch")

__all__ = ["notebook"]  # a fixture


def test_a_change_through_one_tensor_is_seen_in_all_that_show_its_storage(
    notebook: Notebook,
) -> None:
    notebook.cell(
        "import torch\nbase = torch.zeros(4); part = base[1:3]; turned = base.view(2, 2).t()\n"
        "raw = base.untyped_storage(); other = torch.zeros(4)"
    )
    state = notebook.cell("part[0] = 5")
    assert state.changed == ("base", "part", "raw", "turned")
    before, after = notebook.vars(1), notebook.vars(2)
    assert before["base"].tolist() == [0, 0, 0, 0]
    assert after["turned"].tolist() == [[0, 0], [5, 0]]
    after["base"][2] = 7
    assert after["part"].tolist() == [5, 7]
    assert after["turned"].stride() == (1, 2)
    assert after["raw"].data_ptr() == after["base"].data_ptr()


def test_one_element_of_a_large_tensor_costs_one_chunk(notebook: Notebook) -> None:
    notebook.cell("import torch\nt = torch.arange(2_500_000.)")
    before = objects(notebook)
    state = notebook.cell("t[1_000_000] = -1")
    new = [len(notebook.archive.store.get(name)) for name in objects(notebook) - before]
    assert sum(new) == state.bytes < (1 << 20) + 2_000
    assert notebook.vars(1)["t"][1_000_000] == 1_000_000
    assert notebook.vars(2)["t"][1_000_000] == -1


def test_a_tensor_is_described_without_being_loaded(notebook: Notebook) -> None:
    notebook.cell(
        "import torch\nt = torch.arange(20).reshape(2, 10).t(); e = torch.eye(2).to_sparse()"
    )
    entry, sparse = (notebook.vars().entries[name] for name in "te")
    assert (entry.type, entry.shape, entry.dtype) == ("torch.Tensor", (10, 2), "int64")
    assert entry.preview == "[0, 10, 1, 11, 2, 12, …]"
    assert sparse.shape == (2, 2)


def test_gradients_hooks_and_attributes_of_parameters_come_back(notebook: Notebook) -> None:
    notebook.cell("import torch\nw = torch.nn.Parameter(torch.ones(2)); w.note = ['n']; c = w.data")
    state = notebook.cell("(w * 3).sum().backward()")
    assert state.changed == ("w",)
    assert notebook.vars(1)["w"].grad is None
    w, c = (notebook.vars(2)[name] for name in "wc")
    assert type(w) is torch.nn.Parameter
    assert (w.requires_grad, w.grad.tolist(), w.note) == (True, [3, 3], ["n"])
    again = notebook.vars(2)
    again["c"][0] = 9
    assert again["w"].tolist() == [9, 1]
    assert not c.requires_grad


@pytest.mark.parametrize(
    "made",
    [
        "torch.empty(0)",
        "torch.zeros(2, 0, 3)",
        "torch.tensor(5)",
        "torch.arange(6).reshape(2, 3).flip(0).t()",
        "torch.ones(3).expand(2, 3)",
        "torch.tensor([True, False])",
        "torch.tensor([1 + 2j]).conj()",
        "torch.zeros(2, dtype=torch.float8_e4m3fn)",
        "torch.ones(2, 2).to_sparse()",
        "torch.zeros(2, device='meta')",
        "torch.arange(500_000)[10:12]",
    ],
)
def test_tensors_of_every_kind_come_back(notebook: Notebook, made: str) -> None:
    state = notebook.cell(f"import torch\nt = {made}")
    assert state.unsaved == ()
    before, after = notebook.namespace["t"], notebook.vars()["t"]
    for name in ("dtype", "shape", "device", "layout", "requires_grad"):
        assert getattr(before, name) == getattr(after, name)
    if before.device.type == "cpu":
        assert torch.equal(before.to_dense(), after.to_dense())
    if before.layout is torch.strided:
        assert before.stride() == after.stride()


def test_a_result_that_has_a_graph_comes_back_as_a_value(notebook: Notebook) -> None:
    notebook.cell("import torch\nw = torch.ones(2, requires_grad=True); loss = (w * 2).sum()")
    loss = notebook.vars()["loss"]
    assert (loss.item(), loss.requires_grad, loss.is_leaf) == (4, True, True)


def test_the_generator_of_torch_is_recorded_and_put_back(notebook: Notebook) -> None:
    notebook.cell("import torch\ntorch.manual_seed(3)")
    notebook.cell("x = torch.rand(2)")
    scope = Namespace(notebook.archive, notebook.archive.run("r"), notebook.archive.state("r", 1))
    state: Any = scope.loader.load(hidden.TORCH_RANDOM)
    hidden.restore(hidden.TORCH_RANDOM, state)
    assert torch.equal(torch.rand(2), notebook.namespace["x"])
