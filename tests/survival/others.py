"""Modules, what cannot be saved, what misbehaves, and what is very deep."""

from . import Specimen

MODULES = {
    "modules and what they define": Specimen(
        "import json, os.path, xml.etree.ElementTree as et, logging\nd = json.dumps; D = json.JSONDecoder"
        "\nlog = logging.getLogger('survival'); p = et.fromstring('<a><b/></a>')",
        "json = d = None; p.append(p[0])",
        "assert json.dumps is d and D is json.JSONDecoder and os.path.join and len(p) == 1"
        "\nassert log is logging.getLogger('survival')",
    ),
    "a module that was edited and reloaded": Specimen(
        """
        import sys, importlib, pathlib
        sys.dont_write_bytecode = True
        pathlib.Path('edited_module.py').write_text('class A: v = 1\\ndef f(): return 1\\nn = 1\\n')
        sys.path.insert(0, ''); import edited_module; a = edited_module.A(); f = edited_module.f
        pathlib.Path('edited_module.py').write_text('class A: v = 2\\ndef f(): return 22\\nn = 1\\n')
        importlib.invalidate_caches(); importlib.reload(edited_module)
        b = edited_module.A()
        """,
        "a = b = f = None",
        "assert (a.v, b.v, f()) == (1, 2, 1) and type(b) is edited_module.A is not type(a)",
    ),
    "a module made by hand": Specimen(
        "import types\nm = types.ModuleType('by_hand'); m.x = [1]; x = m.x",
        "m.x.append(2)",
        "assert m.x == [1] and m.__name__ == 'by_hand'",
    ),
}

REFUSED = {
    "locks, generators, files, sockets": Specimen(
        """
        import threading, socket
        lock = threading.Lock(); gen = (i for i in []); fine = [1]
        stream = open('/dev/null'); sock = socket.socket(); thread = threading.Thread()
        """,
        "stream.close(); sock.close(); fine.append(2)",
        "assert fine == [1]",
        "assert fine == [1, 2]",
        unsaved={
            "lock": "_thread.lock",
            "gen": "generator",
            "stream": "TextIOWrapper",
            "sock": "socket",
            "thread": "namespace",
        },
    ),
    "where in a value the refusal sits": Specimen(
        """
        import threading
        class Worker: pass
        w = Worker(); w.guard = threading.Lock(); model = {'workers': [1, 2, 3, w]}
        def make(held): return lambda: held
        closure = make(threading.Lock()); deep = [(0, {'k': closure})]
        """,
        "fine = 1",
        "assert Worker.__name__ == 'Worker'",
        unsaved={
            "w": r"_thread\.lock.* at w\.guard",
            "model": r"_thread\.lock.* at model\['workers'\]\[3\]\.guard",
            "closure": r"_thread\.lock.* at closure's variable held",
            "deep": r"_thread\.lock.* at deep\[0\]\[1\]\['k'\]'s variable held",
        },
    ),
    "a class that holds a lock": Specimen(
        "import threading\nclass Shared:\n    guard = threading.Lock()\ns = Shared(); others = [s]",
        "fine = 1",
        "assert threading",
        unsaved={
            "Shared": r"_thread\.lock.* at Shared\.guard",
            "others": r"its class Shared cannot be saved",
            "s": r"its class Shared cannot be saved: .*_thread\.lock.* at Shared\.guard",
        },
    ),
    "what ctypes makes": Specimen(
        """
        import ctypes
        class Point(ctypes.Structure): _fields_ = [('x', ctypes.c_int)]
        number = ctypes.c_int(3); row = (ctypes.c_int * 3)(1, 2, 3); point = Point(1)
        pointer = ctypes.pointer(number)
        """,
        "fine = 1",
        "assert ctypes",
        unsaved=dict.fromkeys(("row", "point", "pointer", "Point"), "ctypes"),
    ),
    "mocks": Specimen(
        "from unittest import mock\nm = mock.Mock(); n = {'m': mock.MagicMock()}",
        "fine = 1",
        "assert mock",
        unsaved={"m": "each mock", "n": "each mock"},
    ),
    "a reduction that its class does not take": Specimen(
        """
        class Two:
            def __init__(self, a, *, b): self.a, self.b = a, b
            def __reduce__(self): return Two, (self.a,)
        two = Two(1, b=2)
        """,
        "fine = 1",
        "assert Two",
        unsaved={"two": r"Two.*missing.*'b'"},
    ),
}

HOSTILE = {
    "objects whose methods raise": Specimen(
        """
        class H:
            def __getattr__(self, name): raise RuntimeError('getattr')
            def __bool__(self): raise RuntimeError('bool')
            __len__ = __eq__ = __repr__ = __str__ = __iter__ = __dir__ = __bool__
            def __hash__(self): raise RuntimeError('hash')
        h = H(); h.__dict__['x'] = [1]; held = [h, {'k': h}]
        """,
        "h.__dict__['x'].append(2)",
        "assert h.x == [1] and held[0] is h is held[1]['k'] and type(h) is H",
        "assert h.x == [1, 2]",
    ),
    "objects that lie": Specimen(
        """
        class Liar:
            __class__ = property(lambda self: dict)
            def __eq__(self, other): return True
            def __len__(self): return -1
            def __getattribute__(self, name):
                if name == '__dict__': return {}
                return object.__getattribute__(self, name)
        a = Liar(); b = Liar(); object.__setattr__(a, 'x', 1); ls = [a, b]
        """,
        "a.y = 2",
        "assert a.x == 1 and ls[0] is a and ls[1] is b and a is not b and type(a) is Liar",
    ),
    "objects that are slow, and tell who asks them": Specimen(
        """
        import sys, time
        sys.asked = []
        def tell(name):
            def method(self, *rest): sys.asked.append(name); time.sleep(9)
            return method
        names = ['eq', 'ne', 'lt', 'hash', 'bool', 'len', 'iter', 'repr', 'str', 'format', 'dir',
                 'sizeof', 'contains', 'getitem', 'int', 'float', 'index', 'call', 'enter', 'del_']
        Slow = type('Slow', (), {f'__{name}__': tell(name) for name in names} | {'n': 1})
        Slow.__module__ = '__main__'
        slow = Slow(); holder = {'k': [slow]}
        """,
        "assert sys.asked == [], sys.asked\nslow.n = 2\nslow.more = [1]",
        "assert slow.n == 1 and holder['k'][0] is slow and type(slow) is Slow",
        "assert slow.n == 2 and slow.more == [1]",
    ),
    "objects that print": Specimen(
        """
        class Loud:
            def __getstate__(self): print('state'); return {'x': 1}
            def __reduce_ex__(self, p): print('reduce'); return object.__reduce_ex__(self, p)
        loud = Loud()
        """,
        "loud.x = 2",
        "assert loud.x == 1",
    ),
    "objects whose reduction raises": Specimen(
        "class R:\n    def __reduce__(self): raise ValueError('no')\nr = R(); fine = [1]",
        "fine.append(2)",
        "assert fine == [1]",
        unsaved={"r": "ValueError: no"},
    ),
}

DEEP = {
    "nested lists": Specimen(
        "deep = []\nfor _ in range(100_000): deep = [deep]",
        "deep = None",
        """
        n, walk = 0, deep
        while walk: walk, n = walk[0], n + 1
        assert n == 100_000
        """,
    ),
    "nested dicts that share their end": Specimen(
        "end = [1]; deep = {'end': end}\nfor i in range(10_000): deep = {'k': deep, 'i': i}",
        "end.append(2); deep = None",
        """
        n, walk = 0, deep
        while 'k' in walk: walk, n = walk['k'], n + 1
        assert n == 10_000 and walk['end'] is end and end == [1]
        """,
    ),
    "a linked list": Specimen(
        """
        class Link:
            def __init__(self, n, next): self.n, self.next = n, next
        head = None
        for n in range(100_000): head = Link(n, head)
        second = head.next
        """,
        "second.n = -1; head = None",
        """
        assert head.next is second and type(second) is Link
        n, walk = 100_000, head
        while walk: n -= 1; assert walk.n == n; walk = walk.next
        assert n == 0
        """,
    ),
    "a list that is linked both ways": Specimen(
        """
        class Link:
            __slots__ = ('before', 'after', 'n')
        first = last = Link(); first.n, first.before = 0, None
        for n in range(1, 10_000):
            link = Link(); link.n, link.before, last.after = n, last, link; last = link
        last.after = None; del link
        """,
        "first.after = None",
        """
        n, walk = 0, first
        while walk.after: assert walk.after.before is walk; walk, n = walk.after, n + 1
        assert n == 9_999 and walk is last
        """,
    ),
    "a deep tree": Specimen(
        """
        class Tree:
            def __init__(self): self.children, self.data = [], {}
            def __hash__(self): return hash(self.name)
        root = tree = Tree(); tree.name = 0
        for i in range(1, 2_000):
            child = Tree(); child.name = i; tree.children += [child, Tree()]; tree.children[1].name = -i
            tree.data[child] = [root]; tree = child
        """,
        "root.children.clear()",
        """
        n, walk = 0, root
        while walk.children:
            (child,) = walk.data
            assert child is walk.children[0] and walk.data[child][0] is root
            walk, n = child, n + 1
        assert n == 1_999 == walk.name
        """,
    ),
    "nested tuples and sets": Specimen(
        "deep = ()\nfor i in range(10_000): deep = (deep, i)",
        "deep = None",
        """
        n, walk = 0, deep
        while walk: walk, n = walk[0], n + 1
        assert n == 10_000
        """,
    ),
}
