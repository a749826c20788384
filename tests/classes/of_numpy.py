"""numpy: arrays of all kinds, generators, and what comes with them."""

from .specimen import Library, immutable, mutable, refused

NUMPY = Library(
    "numpy",
    ("numpy",),
    "import numpy as np, tempfile",
    (
        mutable("ndarray (float)", "np.arange(4.0)", "y[0] = 9"),
        mutable("ndarray (large)", "np.zeros((300, 400))", "y[7, 7] = 1", "x.sum(), x.shape"),
        mutable(
            "ndarray (Fortran order)",
            "np.asfortranarray([[1, 2], [3, 4]])",
            "y[0, 1] = 9",
            "x, x.flags.f_contiguous",
        ),
        mutable("ndarray (bool)", "np.zeros(3, bool)", "y[1] = True"),
        mutable("ndarray (complex)", "np.zeros(2, complex)", "y.imag = 1"),
        mutable("ndarray (str)", "np.array(['a', 'bc'])", "y[0] = 'zz'"),
        mutable(
            "ndarray (StringDType)",
            "np.array(['a', 'b' * 50], dtype=np.dtypes.StringDType())",
            "y[0] = 'long ' * 9",
        ),
        mutable("ndarray (object)", "np.array([[1], None], dtype=object)", "y[0].append(2)"),
        mutable("ndarray (datetime64)", "np.array(['2024-01-01'], 'M8[D]')", "y += 1"),
        mutable("ndarray (timedelta64)", "np.array([1, 2], 'm8[s]')", "y[0] = 5"),
        mutable("ndarray (structured)", "np.zeros(2, [('a', 'i4'), ('b', 'f8')])", "y['b'] = 1.5"),
        mutable("ndarray (0-d)", "np.array(1)", "y[...] = 2"),
        mutable("ndarray (view)", "base = np.arange(6); x = base[::2]", "base[2] = 9"),
        mutable(
            "ndarray (broadcast)",
            "row = np.arange(2); x = np.broadcast_to(row, (2, 2))",
            "row[0] = 9",
            "x, x.flags.writeable",
        ),
        mutable(
            "ndarray (read-only)",
            "np.arange(2); x.flags.writeable = False",
            "y.flags.writeable = True",
            "x, x.flags.writeable",
        ),
        mutable("ndarray (half, big-endian)", "np.array([1, 2], '>f2')", "y[0] = 3"),
        mutable(
            "memmap",
            "np.memmap(tempfile.mktemp(), 'f8', 'w+', shape=3)",
            "y[0] = 1",
            "np.asarray(x)",
        ),
        mutable("ma.MaskedArray", "np.ma.array([1, 2, 3], mask=[0, 1, 0])", "y[0] = np.ma.masked"),
        mutable(
            "ma.MaskedArray (hard mask)",
            "np.ma.array([1, 2], mask=[1, 0], hard_mask=True)",
            "y[:] = 5",
            "x, x.hardmask",
        ),
        mutable("ma.MaskedArray (no mask)", "np.ma.array([1, 2], fill_value=7)", "y[0] = 3"),
        mutable("matrix", "np.matrix([[1, 2], [3, 4]])", "y[0, 0] = 9"),
        mutable(
            "recarray", "np.rec.array([(1, 2.0)], dtype=[('a', 'i4'), ('b', 'f8')])", "y.a = 5"
        ),
        mutable(
            "record", "np.rec.array([(1, 2.0)], dtype=[('a', 'i4'), ('b', 'f8')])[0]", "y.a = 5"
        ),
        mutable("char.chararray", "np.char.array(['a', 'b'])", "y[0] = 'c'"),
        mutable("poly1d", "np.poly1d([1, 2])", "y[0] = 5", "x(2)"),
        mutable(
            "polynomial.Polynomial", "np.polynomial.Polynomial([1, 2])", "y.coef[0] = 5", "x(2)"
        ),
        mutable("polynomial.Chebyshev", "np.polynomial.Chebyshev([1, 2])", "y.coef[0] = 5", "x(2)"),
        immutable("float64", "np.float64(1.5)", "x * 2"),
        immutable("int8", "np.int8(3)", "x + np.int8(1)"),
        immutable("longdouble", "np.longdouble(1) / 3", "x * 2"),
        immutable("bool", "np.True_", "np.False_"),
        immutable("str_", "np.str_('a')", "np.str_('b')"),
        immutable("datetime64", "np.datetime64('2024-01-01')", "x + 1"),
        immutable("timedelta64", "np.timedelta64(1, 'D')", "x * 2"),
        mutable("void", "np.zeros(1, 'i4,f8')[0]", "y['f0'] = 3"),
        immutable("dtype", "np.dtype('i4')", "np.dtype([('a', 'f8')])"),
        immutable("finfo", "np.finfo('f4')", "np.finfo('f8')", "x.eps"),
        immutable("iinfo", "np.iinfo('i4')", "np.iinfo('i8')", "x.max"),
        immutable("ufunc", "np.add", "np.multiply", "x(3, 4)"),
        mutable("vectorize", "np.vectorize(lambda a: a + 1)", "y.otypes = 'd'", "x([1, 2])"),
        mutable(
            "random.Generator",
            "np.random.default_rng(1)",
            "y.random()",
            "str(x.bit_generator.state['state'])",
        ),
        mutable("random.RandomState", "np.random.RandomState(1)", "y.rand()", "x.get_state()[2]"),
        mutable("random.PCG64", "np.random.PCG64(1)", "y.random_raw()", "str(x.state['state'])"),
        mutable(
            "random.PCG64DXSM", "np.random.PCG64DXSM(1)", "y.random_raw()", "str(x.state['state'])"
        ),
        mutable(
            "random.MT19937",
            "np.random.MT19937(1)",
            "y.random_raw()",
            "x.state['state']['pos'], x.state['state']['key'][:3]",
        ),
        mutable("random.Philox", "np.random.Philox(1)", "y.random_raw()", "str(x.state)"),
        mutable("random.SFC64", "np.random.SFC64(1)", "y.random_raw()", "str(x.state['state'])"),
        mutable(
            "random.SeedSequence",
            "np.random.SeedSequence(1)",
            "y.spawn(2)",
            "x.n_children_spawned, x.entropy",
        ),
        refused("flatiter", "np.arange(3).flat", "flatiter", "next(y)"),
        refused("nditer", "np.nditer(np.arange(3))", "nditer", "next(y)"),
        refused("ndenumerate", "np.ndenumerate(np.arange(3))", "flatiter", "next(y)"),
        refused("broadcast", "np.broadcast([1, 2], [[1]])", "broadcast"),
        mutable(
            "testing.suppress_warnings" if False else "lib.NumpyVersion",
            "np.lib.NumpyVersion('1.2.3')",
            "y.version = '1.2.4'",
            "x.version",
        ),
    ),
)
