"""Classes whose metaclass is the notebook's own, and what a class is besides its attributes."""

from . import Specimen

METACLASSES = {
    "a metaclass that refuses to have attributes set": Specimen(
        """
        class Const(type):
            def __setattr__(cls, name, value): raise AttributeError(name)
            def __delattr__(cls, name): raise AttributeError(name)
        class K(metaclass=Const):
            limit = [3]
            def get(self): return self.limit
        k = K()
        """,
        "K.limit.append(4); del K, k",
        """
        assert type(K) is Const and type(k) is K and k.get() is K.limit == [3]
        try: K.limit = 5
        except AttributeError: pass
        else: raise AssertionError('it was set')
        """,
    ),
    "a metaclass that notes what is set": Specimen(
        """
        log = []
        class Logged(type):
            def __setattr__(cls, name, value): log.append(name); type.__setattr__(cls, name, value)
        class K(metaclass=Logged): x = 1
        K.y = 2
        """,
        "K.x = 3",
        "assert log == ['y'] and (K.x, K.y) == (1, 2); K.z = 5; assert log == ['y', 'z']",
        "assert log == ['y', 'x'] and (K.x, K.y) == (3, 2)",
    ),
    "a metaclass of abstract classes that notes who registers": Specimen(
        """
        import abc
        log = []
        class Logged(abc.ABCMeta):
            def register(cls, other): log.append(other); return super().register(other)
        class K(metaclass=Logged): pass
        K.register(int)
        """,
        "K.register(str); del K",
        "assert log == [int] and issubclass(int, K) and not issubclass(str, K)",
    ),
    "the name of a class": Specimen(
        "class K: pass\nk = K()",
        "K.__name__ = 'Z'; K.__qualname__ = 'Y.Z'",
        "assert (K.__name__, K.__qualname__) == ('K', 'K') and type(k) is K",
        "assert (K.__name__, K.__qualname__) == ('Z', 'Y.Z') and type(k) is K",
    ),
    "the metaclass of a class": Specimen(
        """
        class One(type):
            def hello(cls): return 1
        class Two(type):
            def hello(cls): return 2
        class K(metaclass=One): pass
        """,
        "K.__class__ = Two",
        "assert type(K) is One and K.hello() == 1",
        "assert type(K) is Two and K.hello() == 2",
    ),
}
