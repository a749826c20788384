"""Classes, their instances, and what was changed of either."""

from . import Specimen

CLASSES = {
    "inheritance": Specimen(
        """
        class A:
            def f(self): return 'a'
        class B(A):
            def f(self): return 'b' + super().f()
        class C(B): pass
        c = C(); a = A()
        """,
        "A.f = lambda self: 'x'; del B",
        "assert c.f() == 'ba' and isinstance(c, A) and C.__mro__[1:3] == (B, A) and type(a) is A",
        "assert c.f() == 'bx'",
    ),
    "an attribute that a base has, too": Specimen(
        """
        class A: level = 1; tags = ()
        class B(A): level = 1; tags = ()
        """,
        "A.level = 2; A.tags = (1,)",
        "A.level = 5; del A.tags; assert B.level == 1 and B.tags == ()",
        "assert (A.level, B.level, A.tags, B.tags) == (2, 1, (1,), ())",
    ),
    "empty slots of a class and of its base": Specimen(
        """
        class A: __slots__ = ()
        class B(A): __slots__ = ()
        class C(B): __slots__ = ('x',)
        b, c = B(), C(); c.x = [1]
        """,
        "c.x.append(2); del b",
        "assert not hasattr(b, '__dict__') and not hasattr(c, '__dict__') and c.x == [1]",
    ),
    "a metaclass": Specimen(
        """
        class Meta(type):
            made = []
            def __new__(m, name, bases, space):
                cls = super().__new__(m, name, bases, space)
                Meta.made.append(name)
                return cls
            @property
            def tag(cls): return cls.__name__ * 2
        class A(metaclass=Meta): pass
        class B(A): pass
        b = B()
        """,
        "Meta.made.clear()",
        "assert type(A) is type(B) is Meta and B.tag == 'BB' and Meta.made == ['A', 'B']"
        "\nassert type(b) is B",
    ),
    "metaclasses with arguments of their own": Specimen(
        """
        import abc
        class Tagged(type):
            def __new__(m, name, bases, space, *, tag):
                cls = super().__new__(m, name, bases, space)
                cls.tag = tag
                return cls
            def __init__(cls, name, bases, space, *, tag): pass
        class A(metaclass=Tagged, tag=3): pass
        class Counting(abc.ABCMeta):
            made = 0
            def __new__(m, *a, **k):
                Counting.made += 1
                return super().__new__(m, *a, **k)
        class B(metaclass=Counting):
            @abc.abstractmethod
            def f(self): ...
        class C(B):
            def f(self): return 1
        a = A(); c = C()
        """,
        "A.tag = 4; Counting.made = 0",
        "assert A.tag == 3 and type(a) is A and Counting.made == 2 and isinstance(c, B)"
        "\nassert c.f() == 1 and B.__abstractmethods__ == {'f'} and type(C) is Counting",
    ),
    "slots": Specimen(
        "class A: __slots__ = ('x', '__weakref__')\nclass B(A): __slots__ = 'y'\n"
        "b = B(); b.x = [1]; b.y = b.x",
        "b.x = None",
        "assert b.x is b.y and b.x == [1] and not hasattr(b, '__dict__') and isinstance(b, A)",
    ),
    "dataclasses": Specimen(
        """
        import dataclasses as dc
        @dc.dataclass
        class P:
            x: int
            tags: list = dc.field(default_factory=list)
        @dc.dataclass(frozen=True, slots=True)
        class F:
            x: int = 1
        @dc.dataclass(order=True)
        class Q(P):
            y: float = 0.
        p = P(1, ['a']); f = F(2); d = {f: p}; q = Q(1)
        """,
        "p.x = 9; p.tags.append('b'); d.clear()",
        """
        assert p == P(1, ['a']) and d[F(2)] is p and dc.replace(f, x=3) == F(3) and q < Q(2)
        assert [x.name for x in dc.fields(Q)] == ['x', 'tags', 'y'] and isinstance(q, P)
        try: f.x = 5
        except dc.FrozenInstanceError: pass
        else: raise AssertionError('it is no longer frozen')
        """,
        "assert p.x == 9 and p.tags == ['a', 'b'] and d == {}",
    ),
    "enums": Specimen(
        """
        import enum
        class Color(enum.Enum):
            RED = 1
            ALSO = 1
            BLUE = enum.auto()
            def up(self): return self.value + 1
        class Rights(enum.Flag):
            R = 4
            W = 2
        red = Color.RED; both = Rights.R | Rights.W; by = {Color.BLUE: 'b'}
        """,
        "Color.RED.note = 'seen'; by.clear()",
        """
        assert red is Color.RED is Color(1) is Color.ALSO and red.up() == 2 and by[Color.BLUE] == 'b'
        assert Rights.R in both and both is Rights.R | Rights.W and not hasattr(red, 'note')
        """,
        "assert red.note == 'seen'",
    ),
    "named tuples": Specimen(
        """
        import typing, collections
        class P(typing.NamedTuple):
            x: int
            y: list = []
        Q = collections.namedtuple('Q', 'a b'); p = P(1); q = Q(p, 2)
        """,
        "p.y.append(1)",
        "assert p == (1, []) and type(p) is P and q.a is p and q._replace(b=3).b == 3"
        "\nassert P._field_defaults['y'] is p.y",
        "assert p.y == [1]",
    ),
    "protocols, generics, typed dicts": Specimen(
        """
        import typing
        T = typing.TypeVar('T')
        @typing.runtime_checkable
        class Runs(typing.Protocol):
            def run(self): ...
        class Box(typing.Generic[T]):
            def __init__(self, v: T): self.v = v
            def run(self): return self.v
        class D(typing.TypedDict): x: int
        box = Box[int](3); kind = Box[str]; d = D(x=1)
        """,
        "box.v = 4",
        "assert isinstance(box, Runs) and box.run() == 3 and kind.__origin__ is Box"
        "\nassert Box.__parameters__ == (T,) and not isinstance(5, Runs) and D.__annotations__",
    ),
    "properties and descriptors": Specimen(
        """
        import functools
        class Pos:
            def __set_name__(self, owner, name): self.name = '_' + name
            def __get__(self, i, owner): return self if i is None else getattr(i, self.name)
            def __set__(self, i, v):
                if v < 0: raise ValueError(v)
                setattr(i, self.name, v)
        class A:
            n = Pos()
            @property
            def twice(self): return 2 * self.n
            @twice.setter
            def twice(self, v): self.n = v // 2
            @functools.cached_property
            def slow(self): return [self.n]
        a = A(); a.n = 3; a.slow
        """,
        "a.twice = 10; del a.slow",
        """
        assert a.twice == 6 and a.slow == [3] and a.slow is a.slow
        try: a.n = -1
        except ValueError: pass
        else: raise AssertionError('the descriptor is gone')
        """,
        "assert a.n == 5 and 'slow' not in a.__dict__ and a.slow == [5]",
    ),
    "attributes of a class that change": Specimen(
        """
        class A:
            made = 0; kept = []
            def __init__(self):
                A.made += 1
                self.kept.append(A.made)
        a = A(); kept = A.kept
        """,
        "b = A(); A.new = 5",
        "assert A.made == 1 and A.kept is kept is a.kept and kept == [1] and not hasattr(A, 'new')",
        "assert A.made == 2 and kept == [1, 2] and A.new == a.new == 5",
    ),
    "state of a class changed by a method": Specimen(
        """
        class Registry:
            items = {}
            @classmethod
            def add(cls, k, v): cls.items[k] = v; cls.last = k
        Registry.add('a', 1)
        """,
        "r = Registry; r.add('b', 2)",
        "assert Registry.items == {'a': 1} and Registry.last == 'a'",
        "assert Registry.items == {'a': 1, 'b': 2} and Registry.last == 'b' and r is Registry",
    ),
    "classes that were redefined": Specimen(
        "class A: v = 1\nold = A(); Old = A\nclass A: v = 2\nnew = A()",
        "class A: v = 3\nnewest = A()",
        "assert (old.v, new.v) == (1, 2) and type(old) is Old is not A and type(new) is A",
        "assert (old.v, new.v, newest.v) == (1, 2, 3) and type(newest) is A is not type(new)"
        "\nassert type(old) is Old and not isinstance(new, Old)",
    ),
    "instances of one class stay apart": Specimen(
        "class A: pass\na, b = A(), A(); a.x = b.x = 1",
        "a.x = 2",
        "assert (a.x, b.x) == (1, 1) and type(a) is type(b) is A; a.x = 3; assert b.x == 1",
        "assert (a.x, b.x) == (2, 1)",
    ),
    "heirs of builtins": Specimen(
        """
        class L(list): pass
        class D(dict):
            def __missing__(self, k): return k
        class S(str): pass
        class I(int): pass
        class T(tuple): pass
        l = L([1]); l.me = l; d = D(a=l); s = S('s'); s.n = 1; i = I(3); t = T((l,)); t.x = 2
        """,
        "l.append(2); d.clear()",
        "assert l == [1] and l.me is l is d['a'] is t[0] and d['z'] == 'z' and type(s) is S"
        "\nassert s.n == 1 and type(i) is I and i + 1 == 4 and t.x == 2",
    ),
    "exceptions": Specimen(
        """
        class Broken(Exception):
            def __init__(self, *, code): super().__init__('broken'); self.code = code
        try: raise Broken(code=3)
        except Broken as e: err = e
        try: {}['k']
        except KeyError as e: key = e
        """,
        "err.code = 4",
        "assert err.code == 3 and type(err) is Broken and str(err) == 'broken' and key.args == ('k',)",
    ),
    "abstract classes and hooks": Specimen(
        """
        import abc
        class Base(abc.ABC):
            known = []
            def __init_subclass__(cls, tag='', **k): super().__init_subclass__(**k); cls.known.append(tag)
            @abc.abstractmethod
            def go(self): ...
        class Impl(Base, tag='i'):
            def go(self): return 1
        @Base.register
        class Other: pass
        i = Impl()
        """,
        "Base.known.append('x')",
        """
        assert i.go() == 1 and Base.known == ['i'] and isinstance(i, Base) and issubclass(Other, Base)
        try: Base()
        except TypeError: pass
        else: raise AssertionError('it is no longer abstract')
        """,
    ),
    "inner and local classes": Specimen(
        "class A:\n    class I: x = 1\ndef make():\n    class L:\n        def get(self): return __class__\n"
        "    return L\nL = make(); a = A.I(); b = L()",
        "A.I.x = 2",
        "assert type(a) is A.I and a.x == 1 and type(b) is L and b.get() is L",
    ),
    "own pickling": Specimen(
        """
        class A:
            def __init__(self, x): self.x = x; self.cache = {1: 2}
            def __getstate__(self): return {'x': self.x}
            def __setstate__(self, s): self.x = s['x']; self.cache = None
        class B:
            def __new__(cls, k): b = super().__new__(cls); b.k = k; return b
            def __reduce__(self): return B, (self.k,)
        a = A([1]); b = B(2); x = a.x
        """,
        "a.x.append(2); b.k = 3",
        "assert a.x is x and x == [1] and a.cache is None and b.k == 2",
    ),
    "heirs of dates and times": Specimen(
        """
        import datetime as dt
        class Stamp(dt.datetime): pass
        class Day(dt.date): __slots__ = ('note',)
        class Noon(dt.time): pass
        class Span(dt.timedelta):
            def __new__(cls, *, hours): return super().__new__(cls, hours=hours)
        class At(dt.datetime):
            def __new__(cls, year, tags):
                at = super().__new__(cls, year, 1, 1, tzinfo=dt.timezone.utc, fold=1)
                at.tags = tags
                return at
        class Zone(dt.tzinfo):
            def __init__(self, hours): self.hours = hours
            def utcoffset(self, when): return dt.timedelta(hours=self.hours[0])
        shared = ['a']; zone = Zone([2]); hours = zone.hours
        there = dt.datetime(2020, 1, 1, tzinfo=Zone([3]))
        s = Stamp(2020, 1, 1); s.tz_note = shared; d = Day(2020, 1, 2); d.note = shared
        n = Noon(12); n.me = n; span = Span(hours=3); span.x = 1; at = At(2020, shared); by = {at: s}
        """,
        "hours[0] = 3; shared.append('b'); n.me = None; span.x = 2; d.note = 0",
        """
        assert s == dt.datetime(2020, 1, 1) and type(s) is Stamp and s.tz_note is shared == ['a']
        assert d.note is shared is at.tags and type(d) is Day and n.me is n and span.seconds == 10800
        assert type(zone) is Zone and zone.hours is hours == [2] and there.utcoffset().seconds == 10800
        assert span.x == 1 and at.fold == 1 and at.tzinfo is dt.timezone.utc and by[at] is s
        """,
        "assert s.tz_note == ['a', 'b'] and n.me is None and span.x == 2 and d.note == 0",
    ),
    "heirs of decimals, fractions, paths": Specimen(
        """
        import decimal, fractions, pathlib
        class D(decimal.Decimal):
            def __new__(cls, v, unit):
                d = super().__new__(cls, v)
                d.unit = unit
                return d
        class F(fractions.Fraction):
            def __str__(self): raise ValueError
        class P(type(pathlib.Path())): pass
        class Pure(pathlib.PurePosixPath): pass
        d = D('1.50', ['m']); f = F(2, 4); f.unit = d.unit; p = P('a', 'b'); p.seen = {p: d}
        pure = Pure('/x'); pure.n = 1
        """,
        "d.unit.append('s'); f.more = 1; p.seen.clear(); pure.n = 2",
        """
        assert type(d) is D and str(d) == '1.50' and d.unit == ['m'] and d.unit is f.unit
        assert type(f) is F and f == fractions.Fraction(1, 2) and not hasattr(f, 'more')
        assert type(p) is P and p.parts == ('a', 'b') and p.seen[p] is d and p.name == 'b'
        assert type(pure) is Pure and str(pure) == '/x' and pure.n == 1
        """,
        "assert d.unit == ['m', 's'] and f.more == 1 and p.seen == {} and pure.n == 2",
    ),
    "heirs with an own __new__": Specimen(
        """
        import collections
        class Point(tuple):
            def __new__(cls, x, y): return super().__new__(cls, (x, y))
            def __iter__(self): raise ValueError
        class Temp(float):
            def __new__(cls, v, unit):
                t = super().__new__(cls, v)
                t.unit = unit
                return t
        class Name(str):
            def __new__(cls, first, last): return super().__new__(cls, first + last)
        class Odd(int):
            def __new__(cls, n, /, *, k): return super().__new__(cls, 2 * n + 1)
        class Z(complex):
            def __new__(cls, *, r): return super().__new__(cls, r, 0)
        class Raw(bytes):
            def __new__(cls, n, m): return super().__new__(cls, n * m)
        class Few(frozenset):
            def __new__(cls, *a): return super().__new__(cls, a)
            def __init__(self, *a): self.n = len(a)
        class Pair(collections.namedtuple('Pair', 'a b')):
            __slots__ = ()
            def __new__(cls, a): return super().__new__(cls, a, a)
        class L(list):
            def __new__(cls, n): return super().__new__(cls)
            def __init__(self, n): super().__init__([n])
        l = L(1); p = Point(l, 2); l.append(p); t = Temp(1.5, l); name = Name('a', 'b'); odd = Odd(2, k=1)
        z = Z(r=1); raw = Raw(2, 3); few = Few('a', p[1]); few.me = few; pair = Pair(l)
        """,
        "l.append(3); t.unit = None; few.n = 5",
        """
        assert type(p) is Point and p[0] is l and p[1] == 2 and l[1] is p and len(l) == 2 and type(l) is L
        assert type(t) is Temp and t == 1.5 and t.unit is l and type(name) is Name and name == 'ab'
        assert type(odd) is Odd and odd == 5 and type(z) is Z and z == 1 and type(raw) is Raw
        assert raw == bytes(6) and type(few) is Few and few == {'a', 2} and few.n == 2 and few.me is few
        assert type(pair) is Pair and pair.a is pair.b is l and pair._fields == ('a', 'b')
        """,
        "assert l[2] == 3 and t.unit is None and few.n == 5",
    ),
    "heirs of containers with an own __init__": Specimen(
        """
        import collections
        class Named(set):
            def __init__(self, name): super().__init__(); self.name = name
            def __hash__(self): return hash(self.name)
        class DD(collections.defaultdict):
            def __init__(self, n): super().__init__(list); self.n = n
        class Count(collections.Counter):
            def __init__(self, text, label): super().__init__(text); self.label = label
        class Ring(collections.deque):
            def __init__(self, n, *, why): super().__init__([], n); self.why = why
        class Buf(bytearray):
            __slots__ = 'n'
            def __init__(self, *, n): super().__init__(n); self.n = n
        class Od(collections.OrderedDict):
            def __init__(self, label): super().__init__(); self.label = label
        s = Named('s'); s.add(s); s.add(1); dd = DD(3); dd['a'].append(s); c = Count('aab', dd)
        r = Ring(2, why=c); r += [r, 1]; buf = Buf(n=2); buf[0] = 7; od = Od(r); od[s] = od
        plain = collections.Counter('aab'); plain.label = c
        """,
        "s.clear(); dd['b']; c['x'] = 1; r.why = 0; buf[1] = 1; del od[s]; plain.label = 0",
        """
        assert type(s) is Named and len(s) == 2 and s in s and s.name == 's'
        assert type(dd) is DD and dd == {'a': [s]} and dd.n == 3 and dd.default_factory is list
        assert type(c) is Count and dict(c) == {'a': 2, 'b': 1} and c.label is dd
        assert type(r) is Ring and r.maxlen == 2 and len(r) == 2 and r[0] is r and r.why is c
        assert type(buf) is Buf and buf == b'\\x07\\x00' and buf.n == 2
        assert type(od) is Od and od[s] is od and od.label is r and next(iter(od)) is s
        assert plain == {'a': 2, 'b': 1} and plain.label is c and type(plain) is collections.Counter
        """,
        "assert s == set() and dd['b'] == [] and c['x'] == 1 and r.why == 0 and buf[1] == 1"
        "\nassert od == {} and plain.label == 0",
    ),
    "heirs of containers with methods of their own": Specimen(
        """
        import collections
        class Low(dict):
            def __setitem__(self, k, v): super().__setitem__(k, v * 2)
        class Od(collections.OrderedDict):
            def __setitem__(self, k, v): super().__setitem__(k, v * 2)
        class Obs(list):
            def append(self, x): raise ValueError
            extend = append
            def __iter__(self): raise ValueError
        class Bag(collections.Counter):
            def items(self): raise ValueError
        low = Low(); low['a'] = 1; low.note = low; od = Od(); od['z'] = 1; od['a'] = 2; od.move_to_end('z')
        obs = Obs([low, 2]); obs.me = obs; low.l = obs; bag = Bag(); bag['a'] = 3; bag.x = 1
        """,
        "low['b'] = 5; od['z'] = 4; obs[1] = 3; bag['b'] = 1",
        """
        assert type(low) is Low and low == {'a': 2} and low.note is low and low.l is obs
        assert type(od) is Od and [*od.items()] == [('a', 4), ('z', 2)]
        assert type(obs) is Obs and len(obs) == 2 and obs[0] is low and obs.me is obs
        assert type(bag) is Bag and dict.items(bag) == {('a', 3)} and bag.x == 1
        """,
        "assert low['b'] == 10 and od['z'] == 8 and obs[1] == 3 and bag['b'] == 1",
    ),
    "heirs of what is random, or counts": Specimen(
        """
        import itertools, random
        class R(random.Random):
            def __init__(self, name): super().__init__(5); self.name = name
        class C(itertools.count): pass
        r = R(['r']); plain = random.Random(5); plain.note = r; c = C(3); c.note = r; next(c)
        one = plain.random(); r.random(); g = r.gauss(0, 1)
        """,
        "two, three = r.random(), plain.random(); r.name.append(1); next(c); c.note = 1",
        """
        assert type(r) is R and r.name == ['r'] and plain.note is r is c.note and type(c) is C
        assert next(c) == 4 and r.gauss_next is not None
        other = random.Random(5); assert one == other.random() and plain.random() == other.random()
        """,
        "assert r.name == ['r', 1] and c.note == 1 and next(c) == 5"
        "\nassert random.Random.random(plain) != two",
    ),
    "heirs that lie far inside": Specimen(
        """
        import collections
        class N(collections.defaultdict):
            def __init__(self, n): super().__init__(list); self.n = n
        top = n = N(0)
        for i in range(2000): n[0] = m = N(i); m.up = n; n = m; top[i + 1] = [m]
        """,
        "n.n = 'x'",
        "assert len(top) == 2001 and type(top[0]) is N and top[0] is top[1][0] and top[0].up is top"
        "\nassert top[2000][0].n == 1999 and n is top[2000][0]",
        "assert top[2000][0].n == 'x'",
    ),
    "heirs that cannot be made again": Specimen(
        """
        import itertools, numpy
        class C(itertools.chain): pass
        class F(numpy.float64): pass
        class G:
            def __new__(cls, k): return super().__new__(cls)
            def __getstate__(self): return {'k': 1}
        class T(tuple):
            def __new__(cls, x, y): return super().__new__(cls, (x, y))
            def __getnewargs__(self): return (1,)
        class E(OSError):
            def __init__(self, *, c): super().__init__(2, 'x')
        c = C([1]); c.n = 1; f = F(1); g = G(1); t = T(1, 2); e = E(c=1); fine = [1]
        """,
        "fine.append(2)",
        "assert fine == [1]",
        "assert fine == [1, 2]",
        unsaved={"c": "leaves out", "f": "forgets", **dict.fromkeys("gte", "does not take")},
    ),
    "instances whose __new__ takes more": Specimen(
        """
        class A:
            def __new__(cls, k):
                a = super().__new__(cls)
                a.k = k
                return a
        a = A([1]); a.me = a
        """,
        "a.k.append(2)",
        "assert type(a) is A and a.k == [1] and a.me is a",
        "assert a.k == [1, 2]",
    ),
}
