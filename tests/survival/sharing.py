"""Sharing within and between variables, cycles, and what only looks shared."""

from . import Specimen

SHARING = {
    "one list thrice in a list": Specimen(
        "inner = [1]; a = [inner] * 3; del inner",
        "a[0].append(2)",
        "assert a == [[1]] * 3; a[0].append(5); assert a[2] == [1, 5]",
        "assert a == [[1, 2]] * 3; a[0].append(5); assert a[2] == [1, 2, 5]",
    ),
    "one list in three variables": Specimen(
        "s = [1]; d = {'s': s}; t = (s, s)",
        "s.append(2); del d",
        "assert d['s'] is s is t[0] is t[1] and s == [1]",
        "assert t[0] is s == [1, 2] and s == [1, 2]; assert 'd' not in globals()",
    ),
    "two lists that are equal": Specimen(
        "a = [1]; b = [1]",
        "b = a",
        "assert a is not b; a.append(2); assert b == [1]",
        "assert a is b",
    ),
    "a list that holds itself": Specimen(
        "a = []; a.append(a)", "a.clear()", "assert a[0] is a", "assert a == []"
    ),
    "a dict that holds itself": Specimen(
        "d = {}; d['me'] = (d, [d])", "d.clear()", "assert d['me'][0] is d is d['me'][1][0]"
    ),
    "two variables that hold each other": Specimen(
        "p = {}; q = {'p': p}; p['q'] = q", "p = q = None", "assert p['q'] is q and q['p'] is p"
    ),
    "instances with one parent": Specimen(
        """
        class Node:
            def __init__(self, parent): self.parent, self.children = parent, []
        root = Node(None); left = Node(root); right = Node(root); root.children += [left, right]
        """,
        "root.children.clear(); del left; right.parent = None",
        """
        assert left.parent is right.parent is root
        assert root.children[0] is left and root.children[1] is right
        assert type(root) is type(left) is Node
        """,
        "assert right.parent is None and root.children == []",
    ),
    "a deque, a counter, a default dict of one list": Specimen(
        """
        import collections as c
        items = [1]
        a = c.deque([items], maxlen=3); b = c.defaultdict(list, k=items); d = c.OrderedDict(k=items)
        e = c.ChainMap({'k': items}); f = c.Counter('aab')
        """,
        "items.append(2); a.clear(); b.clear(); d.clear(); f.clear(); e = None",
        """
        assert a[0] is b['k'] is d['k'] is e['k'] is items and items == [1]
        assert (a.maxlen, b['new'], f['a']) == (3, [], 2)
        """,
    ),
    "views of a dict": Specimen(
        "d = {'a': 1}; k, v, i = d.keys(), d.values(), d.items(); inner = [d.keys()]",
        "d['b'] = 2",
        """
        d['c'] = 3
        assert list(k) == ['a', 'c'] and list(v) == [1, 3] and dict(i) == d
        assert list(inner[0]) == ['a', 'c']
        """,
    ),
    "views of an ordered dict": Specimen(
        "import collections\nd = collections.OrderedDict(a=1); k, v = d.keys(), d.values()",
        "d.clear()",
        "d['c'] = 3; assert list(k) == ['a', 'c'] and list(v) == [1, 3]",
    ),
    "a view of a dict that is gone": Specimen(
        "k = {'a': 1}.keys()", "del k", "assert list(k) == ['a'] and type(k) is type({}.keys())"
    ),
    "dicts that view one list": Specimen(
        "items = [1]; d = {'k': items}; e = {'k': items}; it = iter(items)",
        "next(it); items.append(2)",
        "e['k'].append(5); assert d['k'] is items is e['k']; assert list(it) == [1, 5]",
        "assert list(it) == [2]",
    ),
    "a read-only view of a dict": Specimen(
        "import types\nd = {'a': 1}; m = types.MappingProxyType(d)",
        "d.clear()",
        "d['b'] = 2; assert m['b'] == 2 and type(m) is types.MappingProxyType",
    ),
    "views of memory": Specimen(
        """
        raw = bytearray(b'abcdefgh'); whole = memoryview(raw); part = whole[2:6]
        wide = part.cast('H'); spread = whole[1::3]; fixed = whole.toreadonly()
        """,
        "raw[2] = 0",
        """
        assert type(part) is memoryview and bytes(part) == b'cdef'
        raw[2:4] = b'XY'
        assert bytes(part) == b'XYef' and bytes(wide) == b'XYef' and wide.format == 'H'
        assert bytes(whole) == b'abXYefgh' == bytes(fixed) and fixed.readonly
        assert bytes(spread) == b'beh'; raw[4] = 0; assert bytes(spread) == b'b\\0h'
        """,
    ),
    "weak references": Specimen(
        "import weakref\nclass A: pass\na = A(); b = [a]",
        "del a, b",
        "assert b[0] is a; r = weakref.ref(a); assert r() is a",
    ),
    "the attributes of an instance as a dict": Specimen(
        """
        import argparse
        class A: pass
        class Hashed(A):
            __slots__ = ('slot',)
            def __hash__(self): return hash(self.name)
        args = argparse.Namespace(lr=.1); cfg = vars(args)
        a = A(); held = [vars(a)]; a.me = a; vars(a)['all'] = held; b = A(); empty = vars(b)
        h = Hashed(); h.name = 'h'; h.slot = [vars(h)]; h.own = {h}; of_h = vars(h)
        """,
        "args.lr = .2; a.x = 5; del b, h",
        """
        assert vars(args) is cfg and cfg == {'lr': .1}; cfg['n'] = 3; assert args.n == 3
        assert vars(a) is held[0] and a.me is a and a.all is held and not hasattr(a, 'x')
        assert vars(b) is empty == {}; b.y = 1; assert empty == {'y': 1}
        assert vars(h) is of_h is h.slot[0] and h in h.own and type(h) is Hashed
        """,
        "assert vars(args) is cfg and cfg == {'lr': .2} and vars(a) is held[0] and a.x == 5",
    ),
    "instances that share their attributes": Specimen(
        """
        import types
        class Borg:
            _state = {}
            def __init__(self): self.__dict__ = self._state
        class Attributes(dict):
            def __init__(self, **given): super().__init__(given); self.__dict__ = self
        one, two = Borg(), Borg(); one.x = [1]; d = Attributes(a=1); d.b = 2
        n = types.SimpleNamespace(x=[1]); of_n = vars(n); n.me = n
        """,
        "two.x.append(2); two.y = 3; d.a = 7; del one; n.x.append(2)",
        """
        assert vars(one) is vars(two) is Borg._state and one.x == [1] and not hasattr(two, 'y')
        two.z = 5; assert one.z == 5 and Borg().z == 5
        assert vars(n) is of_n and n.me is n and n.x == [1]; of_n['y'] = 2; assert n.y == 2
        assert vars(d) is d == {'a': 1, 'b': 2}; d.c = 3; assert d['c'] == 3
        """,
        "assert two.x == [1, 2] and vars(two) is Borg._state and d == {'a': 7, 'b': 2}",
    ),
    "weak proxies": Specimen(
        """
        import weakref
        class Tree:
            def __init__(self, parent=None):
                self.kids, self.parent = [], parent
                if parent is not None: parent.kids.append(self); self.parent = weakref.proxy(parent)
            def __getattr__(self, name): raise AssertionError(name)
        class Called:
            def __call__(self): return 5
        root = Tree(); kid = Tree(root); called = Called(); by = weakref.proxy(called)
        root.me = weakref.proxy(root); gone = weakref.proxy(Tree()); gone_too = weakref.proxy(Called())
        """,
        "root.name = 'root'; kid.parent = by = None",
        """
        assert type(kid.parent) is weakref.ProxyType and type(by) is weakref.CallableProxyType
        root.x = 5; assert kid.parent.x == 5 == root.me.x and root.kids[0] is kid and by() == 5
        assert type(gone) is weakref.ProxyType and type(gone_too) is weakref.CallableProxyType
        try: gone.kids
        except ReferenceError: pass
        else: raise AssertionError('it is there')
        """,
    ),
    "iterators": Specimen(
        "import itertools\nit = iter([1, 2, 3]); next(it); n = itertools.count(5); next(n)",
        "next(it); next(n)",
        "assert list(it) == [2, 3] and next(n) == 6",
        "assert list(it) == [3] and next(n) == 7",
    ),
    "a slot that holds what a variable holds": Specimen(
        "class P: __slots__ = ('x',)\nbox = [1]; a = P(); a.x = box; b = P(); b.x = box",
        "box.append(2)",
        "assert a.x is b.x is box and box == [1]",
    ),
    "an answer and a variable": Specimen("box = [1]\nbox", "box.append(2)", "assert box == [1]"),
    "names with an underscore": Specimen(
        "_x = [1]; __y = {2}; _private_ = _x; _0x = 3",
        "_x.append(2); del __y; _0x = 4",
        "assert _x == [1] and __y == {2} and _private_ is _x and _0x == 3",
        "assert _x == [1, 2] and _0x == 4 and '__y' not in globals()",
    ),
    "values changed by global in a function": Specimen(
        "count = 0\ndef up():\n    global count\n    count += 1\nup()",
        "for _ in range(3): up()",
        "assert count == 1",
        "assert count == 4",
    ),
    "a set of what reads its own attributes when hashed": Specimen(
        """
        class Person:
            def __init__(self, name): self.name, self.friends = name, set()
            def __hash__(self): return hash(self.name)
            def __eq__(self, other): return self.name == other.name
        ann = Person('ann'); bob = Person('bob')
        ann.friends |= {ann, bob}; bob.friends.add(ann); by = {ann: bob, bob: ann}
        """,
        "ann.friends.clear(); by.clear()",
        """
        assert ann in ann.friends and bob in ann.friends and ann in bob.friends
        assert by[ann] is bob and by[bob] is ann and len(ann.friends) == 2
        assert next(iter(bob.friends)) is ann
        """,
    ),
    "a frozen dataclass in a set that it holds": Specimen(
        """
        import dataclasses
        @dataclasses.dataclass(frozen=True)
        class Town:
            name: str
            near: set = dataclasses.field(compare=False, default_factory=set)
        t = Town('Bern'); t.near.add(t)
        """,
        "t.near.clear()",
        "assert t in t.near and next(iter(t.near)) is t and hash(t) == hash(Town('Bern'))",
    ),
}
