"""The standard library's containers, numbers, times and texts."""

from .specimen import Library, immutable, mutable, refused

DATA = Library(
    "standard library: data",
    (),
    "import array, collections, datetime, decimal, enum, fractions, ipaddress, pathlib, random, re\n"
    "import dataclasses, string, statistics, typing, uuid, zoneinfo, heapq, bisect, struct, weakref",
    (
        mutable(
            "collections.OrderedDict", "collections.OrderedDict(a=1, b=2)", "y.move_to_end('a')"
        ),
        mutable(
            "collections.defaultdict", "collections.defaultdict(list, a=[1])", "y['b'].append(2)"
        ),
        mutable("collections.Counter", "collections.Counter('abca')", "y.update('bb')"),
        mutable("collections.deque", "collections.deque([1, 2], maxlen=3)", "y.extend([3, 4])"),
        mutable("collections.ChainMap", "collections.ChainMap({'a': 1}, {'b': 2})", "y['c'] = 3"),
        mutable("collections.UserDict", "collections.UserDict(a=1)", "y['b'] = 2"),
        mutable("collections.UserList", "collections.UserList([1])", "y.append(2)"),
        immutable("collections.UserString", "collections.UserString('a')", "x + 'b'"),
        immutable(
            "collections.namedtuple",
            "collections.namedtuple('P', 'a b')(1, 2)",
            "x._replace(a=3)",
            "tuple(x), x.a",
        ),
        immutable(
            "typing.NamedTuple",
            "typing.NamedTuple('Q', [('a', int)])(1)",
            "x._replace(a=3)",
            "tuple(x), x.a",
        ),
        mutable("array.array", "array.array('d', [1.5])", "y.append(2.5)"),
        mutable("heap (heapq)", "[3, 1, 2]; heapq.heapify(x)", "heapq.heappush(y, 0)"),
        mutable("sorted list (bisect)", "[1, 3]", "bisect.insort(y, 2)"),
        mutable(
            "dataclass",
            "@dataclasses.dataclass\nclass D:\n    a: int\n    b: list = dataclasses.field(default_factory=list)\nx = D(1)",
            "y.b.append(2)",
            "dataclasses.asdict(x)",
        ),
        immutable(
            "frozen dataclass",
            "dataclasses.make_dataclass('F', ['a'], frozen=True)(1)",
            "dataclasses.replace(x, a=2)",
            "repr(x)",
        ),
        mutable(
            "dataclass with slots",
            "@dataclasses.dataclass(slots=True)\nclass S:\n    a: int\nx = S(1)",
            "y.a = 2",
            "repr(x)",
        ),
        immutable(
            "enum.Enum", "enum.Enum('Color', 'RED BLUE').RED", "type(x).BLUE", "str(x), x.value"
        ),
        immutable(
            "enum.IntEnum", "enum.IntEnum('Level', 'LOW HIGH').LOW", "type(x).HIGH", "x + 0, x.name"
        ),
        immutable("enum.Flag", "enum.Flag('Perm', 'R W').R", "x | type(x).W", "x.value"),
        immutable("datetime.date", "datetime.date(2024, 2, 28)", "x + datetime.timedelta(2)"),
        immutable(
            "datetime.datetime",
            "datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)",
            "x.replace(hour=3)",
        ),
        immutable("datetime.time", "datetime.time(1, 2, fold=1)", "x.replace(minute=5)"),
        immutable("datetime.timedelta", "datetime.timedelta(1)", "x / 7"),
        immutable(
            "datetime.timezone",
            "datetime.timezone.utc",
            "datetime.timezone(datetime.timedelta(hours=2))",
        ),
        immutable(
            "zoneinfo.ZoneInfo",
            "zoneinfo.ZoneInfo('Europe/Paris')",
            "zoneinfo.ZoneInfo('Asia/Tokyo')",
        ),
        immutable("decimal.Decimal", "decimal.Decimal('1.10')", "x * 3"),
        mutable(
            "decimal.Context", "decimal.Context(prec=5)", "y.prec = 3; y.divide(1, 3)", "str(x)"
        ),
        immutable("fractions.Fraction", "fractions.Fraction(1, 3)", "x + 1"),
        mutable("random.Random", "random.Random(7)", "y.random()", "sum(x.getstate()[1])"),
        refused("random.SystemRandom", "random.SystemRandom()", "NotImplementedError"),
        immutable("statistics.NormalDist", "statistics.NormalDist(0, 1)", "x + 2"),
        immutable("pathlib.Path", "pathlib.Path('a')", "x / 'b.txt'"),
        immutable("pathlib.PureWindowsPath", "pathlib.PureWindowsPath('c:/a')", "x / 'b'"),
        immutable("re.Pattern", "re.compile('a+')", "re.compile('b', re.I)", "x.findall('aabB')"),
        refused("re.Match", "re.match('a', 'ab')", "re.Match"),
        mutable(
            "string.Template", "string.Template('$a b')", "y.template = '$a c'", "x.substitute(a=1)"
        ),
        mutable(
            "string.Formatter", "string.Formatter()", "y.note = 1", "vars(x), x.format('{}', 1)"
        ),
        immutable(
            "struct.Struct", "struct.Struct('<i')", "struct.Struct('>h')", "x.pack(1), x.format"
        ),
        immutable("uuid.UUID", "uuid.UUID(int=1)", "uuid.UUID(int=2)"),
        immutable("ipaddress.IPv4Address", "ipaddress.ip_address('10.0.0.1')", "x + 1"),
        immutable(
            "ipaddress.IPv6Network",
            "ipaddress.ip_network('::/64')",
            "ipaddress.ip_network('1::/64')",
        ),
        mutable(
            "weakref.WeakValueDictionary",
            "class V: pass\nv = V(); x = weakref.WeakValueDictionary(a=v)",
            "y['b'] = v",
            "sorted(x)",
        ),
        mutable(
            "weakref.WeakKeyDictionary",
            "class K: pass\nk = K(); x = weakref.WeakKeyDictionary({k: 1})",
            "y[k] = 2",
            "[*x.values()]",
        ),
        mutable(
            "weakref.WeakSet",
            "class W: pass\nw = [W(), W()]; x = weakref.WeakSet(w[:1])",
            "y.add(w[1])",
            "len(x)",
        ),
        mutable(
            "weakref.ref", "class T: pass\nt = T(); x = weakref.ref(t)", "y().a = 1", "vars(x())"
        ),
        refused(
            "weakref.finalize",
            "class Z: pass\nz = Z(); x = weakref.finalize(z, int)",
            "finalize",
            "y.atexit = False",
        ),
        mutable("typing.TypedDict", "typing.TypedDict('TD', {'a': int})(a=1)", "y['a'] = 2"),
        immutable(
            "typing.TypeVar",
            "typing.TypeVar('T')",
            "typing.TypeVar('S', bound=int)",
            "repr(x), x.__bound__",
        ),
        mutable(
            "typing.Generic subclass",
            "U = typing.TypeVar('U')\nclass Box(typing.Generic[U]):\n    v = 1\nx = Box[int]()",
            "y.v = 2",
            "x.v",
        ),
    ),
)
