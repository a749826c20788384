"""numpy's arrays, and what else holds numbers: memory, order, and who shares it."""

from . import Specimen

ARRAYS = {
    "a view and its base": Specimen(
        "import numpy as np\na = np.arange(6.); b = a[2:]; c = a[::2]; d = b.reshape(2, 2)",
        "a[:] = -1; del b",
        """
        assert a.tolist() == [0, 1, 2, 3, 4, 5]
        a[2] = 9; assert b[0] == 9 and c[1] == 9 and d[0, 0] == 9
        d[1, 1] = 7; assert a[5] == 7
        """,
        "a[4] = 9; assert c[2] == 9 and d[1, 0] == 9 and c[0] == -1",
    ),
    "views whose base is gone": Specimen(
        "import numpy as np\na = np.arange(9); b, c = a[2:], a[:4]; del a",
        "b[0] = 0",
        "assert b[0] == 2; b[0] = 5; assert c[2] == 5",
        "assert c[2] == 0",
    ),
    "memory order": Specimen(
        """
        import numpy as np
        f = np.asfortranarray(np.arange(6).reshape(2, 3)); c = f.copy(order='C'); t = c.T
        """,
        "f = c = None",
        """
        assert f.flags.f_contiguous and not f.flags.c_contiguous and c.flags.c_contiguous
        assert t.flags.f_contiguous; t[0, 1] = 99; assert c[1, 0] == 99
        """,
    ),
    "a field of a structure": Specimen(
        "import numpy as np\ns = np.zeros(3, [('x', 'i4'), ('y', 'f8')]); y = s['y']; row = s[1:2]",
        "s['y'] = 4",
        "s['y'][1] = 7; assert y[1] == 7 and row['y'][0] == 7; y[1] = 3; assert s[1]['y'] == 3",
    ),
    "objects": Specimen(
        "import numpy as np\nbox = [1]; o = np.empty(3, object); o[0] = o[1] = box; o[2] = o",
        "box.append(2); o[2] = None",
        "assert o[0] is o[1] is box and box == [1] and o[2] is o",
    ),
    "views of an array of objects": Specimen(
        """
        import numpy as np
        o = np.empty((3, 4), object); o[...] = 0; o[0, 0] = [1]
        v, back, t = o[:, 1:], o[::-1, ::2], o.T; o[2, 3] = v
        """,
        "o[...] = None",
        """
        assert v.shape == (3, 3) and o[0, 0] == [1] and t[0, 0] is o[0, 0] and o[2, 3] is v
        v[1, 0] = 'v'; assert o[1, 1] == 'v' == t[1, 1]
        o[2, 0] = 'o'; assert back[0, 0] == 'o'
        """,
    ),
    "read-only, no size, no dimension": Specimen(
        """
        import numpy as np
        r = np.arange(3); r.flags.writeable = False
        z = np.zeros((0, 3), 'i2'); n = np.array(5); v = n[()]; w = np.broadcast_to(n, (2, 2))
        """,
        "r.flags.writeable = True; r[0] = 7; n[...] = 6; del z",
        """
        assert not r.flags.writeable and r.tolist() == [0, 1, 2]
        assert z.shape == (0, 3) and z.dtype == 'i2' and n.shape == () and n == 5 and v == 5
        n[...] = 8; assert w.tolist() == [[8, 8], [8, 8]] and not w.flags.writeable
        """,
    ),
    "a small array that shows up as a huge one": Specimen(
        """
        import numpy as np
        huge = np.broadcast_to(np.arange(5.), (1 << 40, 5)); column = np.broadcast_to(7, (1 << 50,))
        part = np.broadcast_to(np.arange(9_000)[::-3, None], (3_000, 1 << 40))
        boxes = np.broadcast_to(np.array([[1], None], object), (1 << 40, 2))
        rows = np.lib.stride_tricks.sliding_window_view(np.arange(2_000), 1_000)
        """,
        "del huge; boxes[0, 0].append(2)",
        """
        assert huge.shape == (1 << 40, 5) and huge.strides == (0, 8) and not huge.flags.writeable
        assert huge[-1].tolist() == [0, 1, 2, 3, 4] and column[1 << 49] == 7
        assert part.shape == (3_000, 1 << 40) and part[:3, 9].tolist() == [8_999, 8_996, 8_993]
        assert boxes[0, 0] == [1] and boxes[5, 0] is boxes[0, 0] and boxes[5, 1] is None
        assert rows.shape == (1_001, 1_000) and rows[7, 5] == 12 and rows.strides == (8, 8)
        """,
        "assert boxes[9, 0] == [1, 2] and boxes.shape == (1 << 40, 2)",
    ),
    "a memory map and what views it": Specimen(
        """
        import numpy as np, tempfile, os
        path = os.path.join(tempfile.mkdtemp(), 'm')
        m = np.memmap(path, 'i4', 'w+', shape=(3, 4)); m[...] = np.arange(12).reshape(3, 4)
        part = m[1:]; plain = np.asarray(m)
        """,
        "m[...] = -1; os.unlink(path)",
        """
        assert m.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
        assert type(m) is type(part) is np.memmap and type(plain) is np.ndarray
        m[1, 0] = 77; assert part[0, 0] == 77 == plain[1, 0]
        plain[2, 3] = 78; assert m[2, 3] == 78 == part[1, 3]
        """,
    ),
    "masked arrays": Specimen(
        """
        import numpy as np
        m = np.ma.array([1, 2, 3, 4], mask=[0, 1, 0, 0], fill_value=-9)
        v = m[2:]; data = m.data; hard = np.ma.array([1, 2], mask=[1, 0], hard_mask=True)
        """,
        "m.mask = False; m[:] = 0",
        """
        assert m.tolist() == [1, None, 3, 4] and m.fill_value == -9 and type(m) is np.ma.MaskedArray
        data[3] = 7; assert m.tolist() == [1, None, 3, 7] and v.tolist() == [3, 7]
        m[2] = 6; assert v[0] == 6 and data[2] == 6
        assert hard.hardmask; hard[0] = 5; assert hard.tolist() == [None, 2]
        assert (m + 1).tolist() == [2, None, 7, 8] and m.filled().tolist() == [1, -9, 6, 7]
        """,
    ),
    "records": Specimen(
        """
        import numpy as np
        r = np.rec.array([(1, 2.), (3, 4.)], dtype=[('i', 'i4'), ('x', 'f8')])
        x = r.x; plain = r.view(np.ndarray)
        """,
        "r.i[0] = 77",
        """
        assert type(r) is np.recarray and r.i.tolist() == [1, 3] and r[0].x == 2
        x[0] = 9; assert r.x[0] == 9 and plain['x'][0] == 9
        """,
    ),
    "a matrix": Specimen(
        "import numpy as np\nm = np.asmatrix(np.eye(2)); row = m[0]; t = m.T",
        "m[...] = 0",
        """
        assert type(m) is type(row) is np.matrix and (m * m).tolist() == [[1, 0], [0, 1]]
        row[0, 1] = 5; assert m[0, 1] == 5 == t[1, 0]
        """,
    ),
    "a subclass of the notebook's": Specimen(
        """
        import numpy as np
        class Metres(np.ndarray):
            def __array_finalize__(self, other): self.unit = getattr(other, 'unit', 'none')
        a = np.arange(4.).view(Metres); a.unit = 'm'; b = a[1:]; plain = np.asarray(a)
        """,
        "a[:] = 0; a.unit = 'km'",
        """
        assert type(a) is type(b) is Metres and (a.unit, b.unit) == ('m', 'm')
        plain[1] = 9; assert a[1] == 9 == b[0] and a.tolist() == [0, 9, 2, 3]
        assert (a + 1).unit == 'm'
        """,
        "assert (a.unit, b.unit) == ('km', 'm')",
    ),
    "a subclass of the notebook's that holds objects": Specimen(
        "import numpy as np\nclass Boxes(np.ndarray): pass\nbox = [1]\n"
        "b = np.array([box, None], object).view(Boxes); b.unit = 'm'",
        "b[0].append(2); b.unit = None",
        "assert b[0] is box and box == [1] and b.unit == 'm' and type(b) is Boxes",
        "assert box == [1, 2] and b.unit is None",
    ),
    "a view of memory backwards, of bytes, and of an array": Specimen(
        """
        import numpy as np
        raw = bytearray(range(10)); back = memoryview(raw)[8:2:-3]
        fixed = memoryview(b'abc')[1:]; grid = np.zeros((3, 4)); wide = memoryview(grid)
        """,
        "raw[8] = 0; grid[...] = 1",
        """
        assert list(back) == [8, 5]; raw[5] = 99; assert list(back) == [8, 99]
        assert bytes(fixed) == b'bc' and fixed.readonly and hash(fixed) == hash(b'bc')
        assert wide.shape == (3, 4); wide[1, 2] = 7; assert grid[1, 2] == 7
        """,
    ),
    "windows and strides": Specimen(
        """
        import numpy as np
        a = np.arange(6); w = np.lib.stride_tricks.sliding_window_view(a, 3)
        s = np.lib.stride_tricks.as_strided(a, (3, 2), (16, 8))
        alone = np.lib.stride_tricks.as_strided(np.arange(3), (2, 2), (8, 8))
        """,
        "a[:] = 0",
        """
        assert w.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]
        a[2] = 9; assert w[0, 2] == 9 == w[2, 0] == s[1, 0] and not w.flags.writeable
        assert alone.tolist() == [[0, 1], [1, 2]]; alone[0, 1] = 7; assert alone[1, 0] == 7
        """,
    ),
    "arrays over one buffer": Specimen(
        """
        import numpy as np, array
        raw = bytearray(16); a = np.frombuffer(raw, 'u1'); b = np.frombuffer(raw, 'i4', offset=4)
        m = memoryview(raw)[4:8]; c = np.asarray(m); d = memoryview(a)[8:]
        old = array.array('d', [1., 2.]); e = np.frombuffer(old)
        """,
        "raw[4] = 1; old[0] = 7",
        """
        assert b.tolist() == [0, 0, 0] and e.tolist() == [1, 2]
        raw[4] = 5; assert a[4] == 5 and b[0] == 5 and m[0] == 5 and c[0] == 5
        a[8] = 3; assert raw[8] == 3 and d[0] == 3; e[0] = 4; assert old[0] == 4
        """,
    ),
    "two arrays over a buffer that is no variable": Specimen(
        "import numpy as np\nraw = bytearray(8); a = np.frombuffer(raw, 'u1'); "
        "b = np.frombuffer(raw, 'u2'); del raw",
        "a[0] = 1",
        "a[0] = 5; assert b[0] == 5",
    ),
    "dates and text that share memory": Specimen(
        """
        import numpy as np
        d = np.array(['2026-01-01', '2026-01-02'], 'M8[D]'); e = d[1:]; i = d.view('i8')
        t = np.array(['ab', 'cd']); u = t[::-1]
        """,
        "d[1] = 'NaT'; t[0] = 'zz'",
        "i[1] = 0; assert str(e[0]) == '1970-01-01' == str(d[1]); t[0] = 'xy'; assert u[1] == 'xy'",
    ),
    "generators": Specimen(
        "import numpy as np\nr = np.random.default_rng(1); old = np.random.RandomState(2); "
        "draw = r.normal",
        "x = r.random(); y = old.rand()",
        "assert r.random() == np.random.default_rng(1).random() and draw.__self__ is r",
        "assert x == np.random.default_rng(1).random() != r.random()",
    ),
    "arrays of one dtype are not one group": Specimen(
        "import numpy as np\nt = np.dtype([('x', 'f8')]); a, b = np.zeros(3, t), np.zeros(3, t)",
        "a['x'] = 1",
        "a['x'] = 2; assert b['x'].tolist() == [0, 0, 0]",
    ),
}

SPARSE = {
    f"scipy's {kind}": Specimen(
        f"import scipy.sparse as sp, numpy as np\ns = sp.{kind}_array(np.diag([1., 2.]))\nt = [s]",
        "s = s * 2",
        f"assert s.format == '{kind}' and s.toarray().tolist() == [[1, 0], [0, 2]] and t[0] is s",
        "assert s.toarray()[1, 1] == 4 and t[0].toarray()[1, 1] == 2",
    )
    for kind in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
}
SPARSE["the parts of a sparse matrix"] = Specimen(
    "import scipy.sparse as sp\ns = sp.csr_matrix([[0, 5.], [0, 0]]); data = s.data",
    "s.data[0] = 0",
    "data[0] = 7; assert s[0, 1] == 7 and type(s) is sp.csr_matrix",
)

TENSORS = {
    "tensors that share storage": Specimen(
        "import torch\na = torch.zeros(4); b = a[1:]",
        "a[1] = 1",
        "a[1] = 5; assert b[0] == 5",
    ),
}
