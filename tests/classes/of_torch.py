"""torch on the CPU."""

from .specimen import Library, immutable, mutable, refused

TORCH = Library(
    "torch",
    ("numpy", "torch"),
    "import torch; from torch import nn; from torch.utils import data as td; torch.manual_seed(0)",
    (
        mutable("Tensor", "torch.zeros(3)", "y[0] = 5"),
        mutable("Tensor (add_)", "torch.arange(4)", "y.add_(1)"),
        mutable("Tensor (view)", "base = torch.zeros(4); x = base[1:3]", "base[1] = 5", "x"),
        mutable(
            "Tensor (transposed)",
            "base = torch.zeros(2, 3); x = base.t()",
            "base[0, 2] = 5",
            "x, x.stride()",
        ),
        mutable(
            "Tensor (from numpy)",
            "import numpy as np; a = np.zeros(2); x = torch.from_numpy(a)",
            "y[0] = 5",
        ),
        mutable("Tensor (bfloat16)", "torch.zeros(2, dtype=torch.bfloat16)", "y.fill_(1.5)"),
        mutable(
            "Tensor (requires_grad)",
            "torch.ones(2, requires_grad=True)",
            "(y * 3).sum().backward()",
            "x, x.grad",
        ),
        mutable(
            "Tensor (sparse COO)", "torch.eye(2).to_sparse()", "y.values()[0] = 5", "x.to_dense()"
        ),
        mutable(
            "Tensor (sparse CSR)",
            "torch.eye(2).to_sparse_csr()",
            "y.values()[0] = 5",
            "x.to_dense()",
        ),
        mutable(
            "Tensor (quantized)",
            "torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)",
            "y.fill_(0.5)",
            "x.dequantize()",
        ),
        mutable("Tensor (attribute)", "torch.ones(1)", "y.note = 'n'", "x, vars(x)"),
        mutable("Parameter", "nn.Parameter(torch.zeros(2))", "y.data[0] = 5", "x"),
        mutable(
            "UntypedStorage", "t = torch.zeros(2); x = t.untyped_storage()", "t[0] = 1", "bytes(x)"
        ),
        immutable("Size", "torch.Size([2, 3])", "torch.Size([4])"),
        immutable("dtype", "torch.float32", "torch.int8"),
        immutable("device", "torch.device('cpu')", "torch.device('meta')"),
        mutable(
            "nn.Linear",
            "nn.Linear(2, 1)",
            "nn.init.ones_(y.weight)",
            "x(torch.ones(1, 2)).tolist()",
        ),
        mutable(
            "nn.Sequential",
            "nn.Sequential(nn.Linear(2, 2), nn.ReLU())",
            "y.append(nn.Flatten(0))",
            "x(torch.ones(1, 2)).tolist()",
        ),
        mutable(
            "nn.BatchNorm1d",
            "nn.BatchNorm1d(2)",
            "y(torch.tensor([[1.0, 2], [3, 4]]))",
            "x.running_mean, x.num_batches_tracked",
        ),
        mutable("nn.Dropout", "nn.Dropout(0.5)", "y.eval()", "x.training"),
        mutable(
            "nn.Embedding", "nn.Embedding(3, 2)", "y.weight.data[0] = 5", "x(torch.tensor([0]))"
        ),
        mutable(
            "nn.LSTM", "nn.LSTM(1, 2)", "y.bias_hh_l0.data.fill_(1)", "x(torch.ones(1, 1, 1))[0]"
        ),
        mutable(
            "nn.Conv2d", "nn.Conv2d(1, 1, 2)", "y.weight.data.fill_(1)", "x(torch.ones(1, 1, 2, 2))"
        ),
        mutable(
            "nn.TransformerEncoderLayer",
            "nn.TransformerEncoderLayer(4, 2, 8).eval()",
            "y.linear1.bias.data.fill_(1)",
            "x(torch.ones(1, 1, 4))",
        ),
        mutable(
            "nn.ModuleDict", "nn.ModuleDict({'a': nn.Linear(1, 1)})", "y['b'] = nn.ReLU()", "[*x]"
        ),
        mutable(
            "nn.Module subclass",
            "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(1, 1)\n"
            "    def forward(self, v):\n        return self.l(v) * 2\nx = Net()",
            "y.l.weight.data.fill_(3)",
            "x(torch.ones(1))",
        ),
        mutable(
            "nn.MSELoss", "nn.MSELoss()", "y.reduction = 'sum'", "x(torch.ones(2), torch.zeros(2))"
        ),
        mutable(
            "module with a hook",
            "x = nn.Linear(1, 1); x.weight.data.fill_(1)",
            "h = y.register_forward_hook(lambda m, i, o: o * 0 + 7)",
            "x(torch.zeros(1)).item() == 7",
        ),
        mutable(
            "optim.SGD",
            "w = nn.Parameter(torch.ones(1)); x = torch.optim.SGD([w], 0.1, momentum=0.9)",
            "w.grad = torch.ones(1); y.step()",
            "x.state_dict(), x.param_groups[0]['params']",
        ),
        mutable(
            "optim.Adam",
            "w = nn.Parameter(torch.ones(1)); x = torch.optim.Adam([w])",
            "w.grad = torch.ones(1); y.step()",
            "x.state_dict()['state']",
        ),
        mutable(
            "optim.AdamW (lr)",
            "torch.optim.AdamW([nn.Parameter(torch.ones(1))])",
            "y.param_groups[0]['lr'] = 5",
            "x.param_groups[0]['lr']",
        ),
        mutable(
            "optim.lr_scheduler.StepLR",
            "o = torch.optim.SGD([nn.Parameter(torch.ones(1))], 1.0); x = torch.optim.lr_scheduler.StepLR(o, 1)",
            "o.step(); y.step()",
            "x.get_last_lr(), x.optimizer.param_groups[0]['lr']",
        ),
        mutable(
            "Generator",
            "torch.Generator().manual_seed(1)",
            "torch.rand(1, generator=y)",
            "x.get_state().sum(), x.initial_seed()",
        ),
        mutable(
            "utils.data.TensorDataset",
            "td.TensorDataset(torch.zeros(2))",
            "y.tensors[0][0] = 5",
            "x[0]",
        ),
        mutable(
            "utils.data.DataLoader",
            "td.DataLoader(td.TensorDataset(torch.zeros(2)))",
            "y.dataset.tensors[0][0] = 5",
            "[*x]",
        ),
        mutable(
            "utils.data.Subset",
            "td.Subset(td.TensorDataset(torch.arange(3)), [0])",
            "y.indices.append(2)",
            "[*x]",
        ),
        mutable(
            "distributions.Normal",
            "torch.distributions.Normal(torch.zeros(1), 1.0)",
            "y.loc[0] = 5",
            "x.log_prob(torch.zeros(1))",
        ),
        refused(
            "jit.ScriptFunction",
            "def f(v: torch.Tensor): return v + 1\nx = torch.jit.trace(f, torch.ones(1))",
            "ScriptFunction",
        ),
        mutable("state_dict", "nn.Linear(1, 1).state_dict()", "y['bias'].fill_(3)", "x['bias']"),
    ),
)
