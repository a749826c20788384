"""pandas' frames, series and indexes."""

from . import Specimen

FRAMES = {
    "a frame, its column and a slice": Specimen(
        "import pandas as pd\nf = pd.DataFrame({'x': [1, 2, 3], 'y': list('abc')}); "
        "s = f['x']; g = f[1:]",
        "f.loc[1, 'x'] = 99; s.iloc[0] = 77",
        """
        assert f['x'].tolist() == [1, 2, 3] == s.tolist() and g['y'].tolist() == ['b', 'c']
        s.iloc[0] = 5; assert f['x'].tolist() == [1, 2, 3]
        f.loc[1, 'x'] = 6; assert g['x'].tolist() == [2, 3]
        """,
        "assert f['x'].tolist() == [1, 99, 3] and s.tolist() == [77, 2, 3]",
    ),
    "one frame under two names": Specimen(
        "import pandas as pd\nf = pd.DataFrame({'x': [1]}); g = f; h = {'f': f}",
        "f['y'] = 2",
        "assert f is g is h['f'] and list(f) == ['x']; f['z'] = 1; assert 'z' in g",
        "assert list(g) == ['x', 'y']",
    ),
    "an array of a frame without a copy": Specimen(
        "import numpy as np, pandas as pd\na = np.arange(6.).reshape(3, 2); "
        "f = pd.DataFrame(a, columns=['x', 'y'], copy=False)",
        "a[0, 0] = 99",
        "a[1, 1] = 7; assert f.loc[1, 'y'] == 7 and f.loc[0, 'x'] == 0",
        "assert f.loc[0, 'x'] == 99",
    ),
    "categories": Specimen(
        "import pandas as pd\nc = pd.Series(list('aba'), dtype=pd.CategoricalDtype(['b', 'a'], "
        "True)); k = c.cat.codes",
        "c = c.cat.rename_categories({'a': 'z'})",
        "assert c.tolist() == ['a', 'b', 'a'] and c.cat.ordered and list(c.cat.categories) == "
        "['b', 'a'] and c.max() == 'a'",
        "assert c.tolist() == ['z', 'b', 'z']",
    ),
    "strings and Arrow": Specimen(
        """
        import pandas as pd
        s = pd.Series(['a', None], dtype='string'); t = pd.Series(['a', 'b'])
        a = pd.Series([1, None], dtype='int64[pyarrow]'); u = a[:1]; n = pd.Series([1, None], dtype='Int64')
        """,
        "s[0] = 'z'; a[0] = 5; n[1] = 7; t = t + '!'",
        """
        assert s[0] == 'a' and s.isna()[1] and str(s.dtype) == 'string' and t.tolist() == ['a', 'b']
        assert a[0] == 1 and str(a.dtype) == 'int64[pyarrow]' and u.tolist() == [1]
        assert n.isna().tolist() == [False, True] and n.sum() == 1
        """,
        "assert s[0] == 'z' and a[0] == 5 and u[0] == 1 and n[1] == 7 and t[0] == 'a!'",
    ),
    "levels": Specimen(
        "import pandas as pd\nm = pd.MultiIndex.from_product([[1, 2], ['a', 'b']], names=['i', 'j'])"
        "\nf = pd.DataFrame({'v': range(4)}, index=m)",
        "f.loc[(1, 'a'), 'v'] = 77; m = None",
        "assert f.loc[(1, 'a'), 'v'] == 0 and list(m.names) == ['i', 'j'] and f.index.equals(m)",
        "assert f.loc[(1, 'a'), 'v'] == 77",
    ),
    "time zones": Specimen(
        """
        import pandas as pd
        t = pd.date_range('2026-03-28', periods=3, tz='Europe/Zurich', freq='D')
        s = pd.Series(range(3), t); one = t[0]
        """,
        "s.index = s.index.tz_convert('UTC'); t = None",
        """
        assert str(s.index.tz) == 'Europe/Zurich' and t.freqstr == 'D' and one.hour == 0
        assert [x.utcoffset().seconds for x in t] == [3600, 3600, 7200]
        """,
        "assert str(s.index.tz) == 'UTC'",
    ),
    "periods, intervals, sparse": Specimen(
        "import pandas as pd\np = pd.period_range('2026', periods=2, freq='M'); "
        "i = pd.Series(pd.interval_range(0, 2)); z = pd.Series(pd.arrays.SparseArray([0, 0, 1]))",
        "p = i = z = None",
        "assert str(p[1]) == '2026-02' and 0.5 in i[0] and z.sum() == 1 and z.sparse.density > 0.3",
    ),
    "an index of objects that variables hold": Specimen(
        """
        import pandas as pd
        class Key:
            def __init__(self, n): self.n = n
        k = Key(1); s = pd.Series([10, 20], index=pd.Index([k, Key(2)], dtype=object))
        f = pd.DataFrame({'v': [1]}, index=pd.MultiIndex.from_tuples([(k, 'x')]))
        """,
        "k.n = 99",
        """
        assert s.index[0] is k is f.index[0][0] and s[k] == 10 and k.n == 1
        s.index[0].n = 5; assert k.n == 5
        """,
        "assert s.index[0].n == 99",
    ),
    "objects in a frame": Specimen(
        "import pandas as pd\nbox = [1]; f = pd.DataFrame({'o': [box, box], 'n': [1, 2]})",
        "box.append(2)",
        "assert f['o'][0] is f['o'][1] is box and box == [1]",
    ),
    "attributes of a frame": Specimen(
        "import pandas as pd\nf = pd.DataFrame({'x': [1]}); f.attrs['unit'] = 'm'; "
        "f.flags.allows_duplicate_labels = False",
        "f.attrs.clear()",
        "assert f.attrs == {'unit': 'm'} and not f.flags.allows_duplicate_labels",
    ),
    "groups and windows": Specimen(
        "import pandas as pd\nf = pd.DataFrame({'k': list('aab'), 'v': [1, 2, 3]}); "
        "g = f.groupby('k'); r = f.rolling(2)",
        "f = None",
        "assert g['v'].sum().tolist() == [3, 3] and r['v'].sum().tolist()[1:] == [3, 5]",
    ),
    "a subclass of a frame": Specimen(
        """
        import pandas as pd
        class Table(pd.DataFrame):
            _metadata = ['unit']
            @property
            def _constructor(self): return Table
        t = Table({'x': [1, 2]}); t.unit = 'm'; u = t[:1]
        """,
        "t.unit = None",
        "assert type(t) is type(u) is Table and t.unit == 'm' and u['x'].tolist() == [1]",
    ),
}
