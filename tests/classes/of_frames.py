"""polars, pyarrow and xarray: columns beside pandas'."""

from .specimen import Library, immutable, mutable, refused

_POLARS = "pl.DataFrame({'a': [1, 2], 'b': ['u', None]})"

POLARS = Library(
    "polars",
    ("polars",),
    "import polars as pl, datetime",
    (
        mutable("DataFrame", _POLARS, "y[0, 'a'] = 9", "x.to_dict(as_series=False)"),
        mutable(
            "DataFrame (insert_column)",
            _POLARS,
            "y.insert_column(0, pl.Series('c', [3, 4]))",
            "x.rows(), x.columns",
        ),
        mutable("DataFrame (columns renamed)", _POLARS, "y.columns = ['p', 'q']", "x.columns"),
        mutable("Series", "pl.Series('s', [1, 2])", "y[0] = 7", "x.to_list(), x.name"),
        mutable(
            "Series (append)",
            "pl.Series('s', [[1], [2]])",
            "y.append(pl.Series('s', [[3]]))",
            "x.to_list()",
        ),
        mutable(
            "Series (categorical)",
            "pl.Series(['a', 'b'], dtype=pl.Categorical)",
            "y.append(y)",
            "x.to_list(), x.dtype",
        ),
        immutable(
            "LazyFrame", f"{_POLARS}.lazy()", "x.filter(pl.col('a') > 1)", "x.collect().rows()"
        ),
        immutable("Expr", "pl.col('a') + 1", "x * 2", "pl.DataFrame({'a': [1]}).select(x).rows()"),
        immutable("Schema", "pl.Schema({'a': pl.Int8()})", "pl.Schema({'b': pl.String()})"),
        immutable("Datetime (dtype)", "pl.Datetime('ms', 'UTC')", "pl.Datetime('us')"),
        immutable("Struct (dtype)", "pl.Struct({'a': pl.Int8})", "pl.List(pl.Int8)"),
        immutable("Enum (dtype)", "pl.Enum(['a', 'b'])", "pl.Enum(['c'])"),
        immutable(
            "GroupBy",
            f"{_POLARS}.group_by('a', maintain_order=True)",
            f"{_POLARS}.group_by('b', maintain_order=True)",
            "x.len().rows()",
        ),
    ),
)

PYARROW = Library(
    "pyarrow",
    ("pyarrow",),
    "import pyarrow as pa, pyarrow.compute as pc, pyarrow.dataset, io",
    (
        immutable("Array", "pa.array([1, None])", "pa.array(['a'])", "x.to_pylist(), x.type"),
        immutable(
            "ChunkedArray",
            "pa.chunked_array([[1], [2]])",
            "pa.chunked_array([[1, 2, 3]])",
            "x.to_pylist(), x.num_chunks",
        ),
        immutable(
            "DictionaryArray",
            "pa.array(['a', 'b']).dictionary_encode()",
            "pa.array(['c']).dictionary_encode()",
            "x.to_pylist()",
        ),
        immutable("ListArray", "pa.array([[1], []])", "pa.array([[2, 3]])", "x.to_pylist()"),
        immutable("StructArray", "pa.array([{'a': 1}])", "pa.array([{'a': 2}])", "x.to_pylist()"),
        immutable(
            "Table",
            "pa.table({'a': [1, 2]})",
            "x.append_column('b', [['u', 'v']])",
            "x.to_pydict()",
        ),
        immutable(
            "Table (slice)",
            "pa.table({'a': range(100)}).slice(3, 2)",
            "x.slice(1)",
            "x.to_pydict()",
        ),
        immutable(
            "RecordBatch",
            "pa.record_batch({'a': [1]})",
            "pa.record_batch({'a': [2]})",
            "x.to_pydict()",
        ),
        immutable(
            "Schema",
            "pa.schema({'a': pa.int8()}, metadata={'k': 'v'})",
            "x.append(pa.field('b', pa.string()))",
        ),
        immutable("Field", "pa.field('a', pa.int8())", "x.with_name('b')"),
        immutable("DataType", "pa.list_(pa.int8())", "pa.timestamp('ms', 'UTC')"),
        immutable("Scalar", "pa.scalar(1)", "pa.scalar('a')"),
        immutable("Buffer", "pa.py_buffer(b'abc')", "pa.py_buffer(b'x')", "x.to_pybytes()"),
        immutable("compute.Expression", "pc.field('a') > 1", "pc.field('a') > 2", "str(x)"),
        refused("compute.ScalarAggregateOptions", "pc.ScalarAggregateOptions()", "self.wrapped"),
        refused("BufferReader", "pa.BufferReader(b'abc')", "__cinit__", "y.read(1)"),
        refused(
            "dataset.Scanner",
            "pa.dataset.Scanner.from_batches(pa.table({'a': [1]}))",
            "self.scanner",
        ),
    ),
)

XARRAY = Library(
    "xarray",
    ("numpy", "xarray"),
    "import numpy as np, xarray as xr",
    (
        mutable(
            "DataArray",
            "xr.DataArray(np.zeros((2, 2)), dims=('p', 'q'), coords={'p': [5, 6]})",
            "y[0, 0] = 9",
            "x.to_dict()",
        ),
        mutable(
            "DataArray (coords)",
            "xr.DataArray(np.zeros(2), dims='p')",
            "y.coords['p'] = [7, 8]",
            "x.to_dict()",
        ),
        mutable("DataArray (attrs)", "xr.DataArray([1])", "y.attrs['unit'] = 'm'", "x.to_dict()"),
        mutable("Dataset", "xr.Dataset({'a': ('p', [1, 2])})", "y['b'] = y.a * 2", "x.to_dict()"),
        mutable(
            "Dataset (values)",
            "xr.Dataset({'a': ('p', [1, 2])})",
            "y.a.values[0] = 9",
            "x.to_dict()",
        ),
        mutable("Variable", "xr.Variable('p', [1, 2])", "y[0] = 9", "x.to_dict()"),
        mutable(
            "IndexVariable", "xr.IndexVariable('p', [1, 2])", "y.attrs['k'] = 1", "x.to_dict()"
        ),
        mutable(
            "DataTree",
            "xr.DataTree(xr.Dataset({'a': 1}))",
            "y['c'] = xr.DataTree(xr.Dataset({'b': 2}))",
            "sorted(x.to_dict())",
        ),
        mutable(
            "DataArrayGroupBy",
            "d = xr.DataArray([1.0, 2, 3], dims='p', coords={'p': [1, 1, 2]}); x = d.groupby('p')",
            "d[0] = 9",
            "x.mean().values",
        ),
        mutable(
            "DataArrayRolling",
            "d = xr.DataArray([1.0, 2, 3], dims='p'); x = d.rolling(p=2)",
            "d[1] = 9",
            "x.sum().values",
        ),
        mutable(
            "DataArrayCoordinates",
            "d = xr.DataArray([1.0], dims='p'); x = d.coords",
            "y['p'] = [4]",
            "[v.values for v in x.values()]",
        ),
    ),
)
