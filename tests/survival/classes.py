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
}
