"""Functions: what they read, write, remember and hold."""

from . import Specimen

FUNCTIONS = {
    "globals that are read and written": Specimen(
        """
        rate = 2; calls = []
        def scale(x):
            global last
            last = x
            calls.append(x)
            return rate * x
        scale(1)
        """,
        "rate = 5; calls = None; last = None",
        """
        g = scale.__globals__
        assert scale(10) == 20 and g['last'] == 10 and g['calls'] == [1, 10]
        g['rate'] = 7; assert scale(1) == 7
        """,
    ),
    "functions that call each other": Specimen(
        "def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n != 0 and even(n - 1)",
        "def odd(n): return 'broken'",
        "assert even(10) is True and odd(3) is True",
        "assert even(10) == 'broken'",
    ),
    "closures that share a cell": Specimen(
        """
        def make():
            count = 0
            def up():
                nonlocal count
                count += 1
                return count
            return up, lambda: count
        up, get = make(); up(); other, its = make()
        """,
        "up(); up()",
        "assert get() == 1 and up() == 2 and get() == 2 and its() == 0 and other() == 1",
        "assert get() == 3 and its() == 0",
    ),
    "default arguments that change": Specimen(
        "def add(x, seen=[]):\n    seen.append(x)\n    return seen\nseen = add(1)",
        "add(2)",
        "assert add(5) == [1, 5] and add.__defaults__[0] is seen",
        "assert add(5) == [1, 2, 5] and seen == [1, 2, 5]",
    ),
    "decorators": Specimen(
        """
        import functools
        def counted(f):
            @functools.wraps(f)
            def wrapper(*a):
                wrapper.calls += 1
                return f(*a)
            wrapper.calls = 0
            return wrapper
        @counted
        def half(x):
            'Half of it.'
            return x / 2
        half(1)
        """,
        "half(1); half(1)",
        "assert half.calls == 1 and half(4) == 2 and half.calls == 2 and half.__doc__ == "
        "'Half of it.' and half.__wrapped__(2) == 1",
        "assert half.calls == 3",
    ),
    "partial functions": Specimen(
        "import functools\nbox = [1]; f = functools.partial(lambda b, x: b + [x, k], box); k = 3",
        "box.append(2); k = 4",
        "assert f(5) == [1, 5, 3] and f.args[0] is box",
        "assert f(5) == [1, 2, 5, 4]",
    ),
    "functions with a cache": Specimen(
        """
        import functools
        @functools.lru_cache(maxsize=10)
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        fib(9)
        class Lab:
            @functools.cache
            def twice(self): return 2 * self.x
        lab = Lab(); lab.x = 4; lab.twice()
        """,
        "fib = lab = None",
        "assert fib(20) == 6765 and fib.cache_parameters()['maxsize'] == 10 and lab.twice() == 8",
    ),
    "generator functions and async ones": Specimen(
        """
        n = 3
        def gen(): yield from range(n)
        async def go(): return [x async for x in ago()]
        async def ago():
            for i in range(n): yield i
        """,
        "gen = go = ago = None",
        """
        import asyncio, threading
        assert list(gen()) == [0, 1, 2]
        found = []
        thread = threading.Thread(target=lambda: found.append(asyncio.run(go())))
        thread.start(); thread.join(); assert found == [[0, 1, 2]]
        del thread
        """,
    ),
    "lambdas in containers": Specimen(
        "fs = {'a': [lambda v: v + x], 'b': (lambda: fs,)}; x = 1; ks = [lambda i=i: i for i in (1, 2)]",
        "fs['a'].clear()",
        "assert fs['a'][0](1) == 2 and fs['b'][0]() is fs and [k() for k in ks] == [1, 2]",
    ),
    "bound methods": Specimen(
        """
        class Tank:
            level = 0
            def fill(self, n): self.level += n; return self.level
            @classmethod
            def name(cls): return cls.__name__
            @staticmethod
            def unit(): return 'l'
        t = Tank(); fill = t.fill; name = Tank.name; unit = t.unit; add = [].append
        other = Tank(); fill2 = other.fill
        """,
        "fill(5); t = None",
        """
        assert fill.__self__ is t and fill.__func__ is Tank.fill and fill(2) == 2 and t.level == 2
        assert name.__self__ is Tank and name() == 'Tank' and unit() == 'l'
        assert fill2.__self__ is other and other.level == 0 and fill == t.fill
        """,
        "assert fill.__self__.level == 5 and type(fill.__self__) is Tank",
    ),
    "a method of a class that was changed since": Specimen(
        "class A:\n    def f(self): return 1\na = A(); f = a.f\nA.f = lambda self: 2",
        "del A.f",
        "assert f() == 1 and a.f() == 2 and f.__self__ is a",
        "assert f() == 1 and not hasattr(a, 'f')",
    ),
    "a class that holds a bound method of its instance": Specimen(
        "class A:\n    def f(self): return self\na = A(); A.again = a.f",
        "del A.again",
        "assert A.again() is a and a.again.__func__ is A.f",
    ),
    "a function does not drag data along": Specimen(
        "import numpy as np\nbig = np.ones(5_000_000, 'u1')\ndef total(): return big.sum()\n"
        "class Sums:\n    def get(self): return big.sum()\nsums = Sums()",
        "del big",
        "assert total() == sums.get() == 5_000_000",
    ),
    "functions with attributes and annotations": Specimen(
        "def f(a: int, *, k: str = 'x') -> list: 'Says.'\nf.note = [1]; note = f.note",
        "f.note.append(2); f.__doc__ = None",
        "assert f.__annotations__ == {'a': int, 'k': str, 'return': list} and f.__doc__ == 'Says.'"
        "\nassert f.note is note and note == [1] and f.__kwdefaults__ == {'k': 'x'}",
    ),
    "functions of exec": Specimen(
        "own = {}\nexec('n = 1\\ndef up():\\n    global n\\n    n += 1\\n    return n', own)\nup = own['up']; del own",
        "up()",
        "assert up() == 2 and up() == 3",
        "assert up() == 3",
    ),
    "operators and builtins": Specimen(
        "import operator\nget = operator.itemgetter('k'); m = operator.methodcaller('upper'); f = len",
        "get = m = f = None",
        "assert get({'k': 1}) == 1 and m('a') == 'A' and f is len",
    ),
}
