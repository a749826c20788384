"""pandas: frames, series, every kind of index, and what sits on them."""

from .specimen import Library, immutable, mutable, refused

_FRAME = "pd.DataFrame({'a': [1, 2, 2], 'b': ['u', 'v', None]})"

PANDAS = Library(
    "pandas",
    ("numpy", "pandas"),
    "import numpy as np, pandas as pd, io",
    (
        mutable("DataFrame", _FRAME, "y.loc[0, 'a'] = 9"),
        mutable("DataFrame (new column)", _FRAME, "y['c'] = 1.5"),
        mutable("DataFrame (inplace)", _FRAME, "y.sort_values('a', ascending=False, inplace=True)"),
        mutable("DataFrame (attrs)", _FRAME, "y.attrs['unit'] = 'm'", "x, x.attrs"),
        mutable(
            "DataFrame (flags)",
            _FRAME,
            "y.flags.allows_duplicate_labels = False",
            "x, x.flags.allows_duplicate_labels",
        ),
        mutable("DataFrame (columns renamed)", _FRAME, "y.columns = ['p', 'q']"),
        mutable(
            "DataFrame (MultiIndex)",
            f"{_FRAME}.set_index(['a', 'b'], append=True)",
            "y['v'] = 1",
            "x.reset_index()",
        ),
        mutable("DataFrame (objects)", "pd.DataFrame({'a': [[1], [2]]})", "y.at[0, 'a'].append(3)"),
        mutable("Series (float)", "pd.Series([1.0, 2.0], name='s')", "y.iloc[0] = 9"),
        mutable("Series (str)", "pd.Series(['a', 'b'])", "y[0] = 'z'"),
        mutable("Series (name)", "pd.Series([1])", "y.name = 'new'"),
        mutable("Series (category)", "pd.Series(list('aba'), dtype='category')", "y[0] = 'b'"),
        mutable("Series (Int64)", "pd.Series([1, None], dtype='Int64')", "y[1] = 5"),
        mutable("Series (boolean)", "pd.Series([True, None], dtype='boolean')", "y[1] = False"),
        mutable("Series (string)", "pd.Series(['a', None], dtype='string')", "y[1] = 'b'"),
        mutable(
            "Series (datetime64, tz)",
            "pd.Series(pd.date_range('2024', periods=2, tz='UTC'))",
            "y += pd.Timedelta('1D')",
        ),
        mutable(
            "Series (timedelta64)",
            "pd.Series(pd.to_timedelta([1, 2], 's'))",
            "y[0] = pd.Timedelta('1D')",
        ),
        mutable(
            "Series (period)",
            "pd.Series(pd.period_range('2024', periods=2, freq='M'))",
            "y[0] = y[1]",
        ),
        mutable(
            "Series (Sparse)",
            "pd.Series(pd.arrays.SparseArray([0, 0, 1]))",
            "y.attrs['k'] = 1",
            "x, x.attrs",
        ),
        mutable("Series (interval)", "pd.Series(pd.interval_range(0, 2))", "y[0] = y[1]"),
        mutable("Index", "pd.Index(['a', 'b'])", "y.name = 'letters'"),
        mutable("Index (int)", "pd.Index([1, 5])", "y.name = 'n'"),
        mutable(
            "Index (of a frame)",
            f"f = {_FRAME}.set_index('a'); x = f.index",
            "f.index.name = 't'",
            "x, f.index.name, x is f.index",
        ),
        mutable("RangeIndex", "pd.RangeIndex(3)", "y.name = 'n'"),
        mutable(
            "MultiIndex", "pd.MultiIndex.from_product([[1, 2], ['a']])", "y.names = ['p', 'q']"
        ),
        mutable("DatetimeIndex", "pd.date_range('2024', periods=2, freq='D')", "y.freq = None"),
        mutable("TimedeltaIndex", "pd.timedelta_range('1h', periods=2)", "y.name = 't'"),
        mutable("PeriodIndex", "pd.period_range('2024', periods=2, freq='M')", "y.name = 't'"),
        mutable("IntervalIndex", "pd.interval_range(0, 2)", "y.name = 't'"),
        mutable("CategoricalIndex", "pd.CategoricalIndex(list('aba'))", "y.name = 't'"),
        mutable("Categorical", "pd.Categorical(list('aba'), categories=list('abc'))", "y[0] = 'c'"),
        mutable("arrays.IntegerArray", "pd.array([1, None])", "y[0] = 7"),
        mutable("arrays.FloatingArray", "pd.array([1.5, None])", "y[0] = 7"),
        mutable("arrays.BooleanArray", "pd.array([True, None])", "y[1] = True"),
        mutable("arrays.StringArray", "pd.array(['a', None], dtype='string')", "y[0] = 'b'"),
        mutable(
            "arrays.DatetimeArray", "pd.array(pd.date_range('2024', periods=2))", "y[0] = y[1]"
        ),
        mutable(
            "arrays.IntervalArray", "pd.arrays.IntervalArray.from_breaks([0, 1, 2])", "y[0] = y[1]"
        ),
        mutable(
            "arrays.NumpyExtensionArray", "pd.arrays.NumpyExtensionArray(np.arange(3))", "y[0] = 5"
        ),
        immutable(
            "arrays.SparseArray", "pd.arrays.SparseArray([0, 1])", "pd.arrays.SparseArray([2, 0])"
        ),
        immutable("Timestamp", "pd.Timestamp('2024-01-01', tz='UTC')", "x + pd.Timedelta('1D')"),
        immutable("Timedelta", "pd.Timedelta('1h')", "x * 2"),
        immutable("Period", "pd.Period('2024-01', 'M')", "x + 1"),
        immutable("Interval", "pd.Interval(0, 1)", "pd.Interval(0, 2, closed='both')"),
        immutable("NaT", "pd.Timestamp(0)", "pd.NaT", "x is pd.NaT, x"),
        immutable("NA", "0", "pd.NA", "x is pd.NA, x"),
        immutable(
            "DateOffset",
            "pd.DateOffset(months=1)",
            "pd.offsets.BDay(2)",
            "x + pd.Timestamp('2024-01-31')",
        ),
        immutable(
            "CategoricalDtype",
            "pd.CategoricalDtype(['a', 'b'])",
            "pd.CategoricalDtype(['b'], ordered=True)",
        ),
        immutable(
            "DatetimeTZDtype", "pd.DatetimeTZDtype('ns', 'UTC')", "pd.DatetimeTZDtype('us', 'UTC')"
        ),
        mutable(
            "DataFrameGroupBy",
            f"f = {_FRAME}; x = f.groupby('a')",
            "f.loc[0, 'a'] = 2; y.level",
            "x.obj, x.size()",
        ),
        mutable(
            "SeriesGroupBy",
            f"f = {_FRAME}; x = f.groupby('a').b",
            "y.sort = False",
            "x.sort, x.count()",
        ),
        mutable("Rolling", "pd.Series([1.0, 2, 4]).rolling(2)", "y.obj.iloc[0] = 9", "x.sum()"),
        mutable("Expanding", "pd.Series([1.0, 2, 4]).expanding()", "y.obj.iloc[0] = 9", "x.sum()"),
        mutable(
            "ExponentialMovingWindow",
            "pd.Series([1.0, 2, 4]).ewm(1)",
            "y.obj.iloc[0] = 9",
            "x.mean()",
        ),
        mutable(
            "Resampler",
            "pd.Series([1, 2], pd.date_range('2024', periods=2)).resample('2D')",
            "y.obj.iloc[0] = 9",
            "x.sum()",
        ),
        mutable("Grouper", "pd.Grouper(key='a')", "y.sort = True", "x.key, x.sort"),
        immutable("NamedAgg", "pd.NamedAgg('a', 'sum')", "pd.NamedAgg('a', 'max')"),
        mutable(
            "str accessor", "s = pd.Series(['a', 'b']); x = s.str", "s[0] = 'zz'; y", "x.len()"
        ),
        refused(
            "TextFileReader",
            "x = pd.read_csv(io.StringIO('a\\n1\\n'), chunksize=1)",
            "__cinit__",
            "next(y)",
        ),
    ),
)
