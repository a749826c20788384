"""An independent recording: a plain deepcopy of the namespace after every cell, in the kernel.

A test puts ``import plain_oracle; plain_oracle.install()`` before a notebook's cells and, last,
``plain_oracle.report(varchive)``, which compares every variable of every cell with what was
recorded.
"""

import copy
import json
import math
import types

_copies = {}
_OWN = {"In", "Out", "exit", "quit", "get_ipython", "open", "plain_oracle"}


def install():
    """Copy the namespace after each cell from now on."""
    shell = get_ipython()  # noqa: F821  (it runs in a kernel)
    shell.events.register("post_run_cell", lambda result: _copy(shell, result))


def _copy(shell, result):
    if result.execution_count is None:
        return
    memo = {}
    copies = {}
    for name, value in list(shell.user_ns.items()):
        if name in _OWN or name.startswith("__") or _is_history(name):
            continue
        try:
            copies[name] = (copy.deepcopy(_without_class(value), memo),)
        except Exception as error:
            memo = {}  # a copy that fails midway leaves halves behind: not for others
            copies[name] = f"{type(error).__name__}: {error}"
    _copies[result.execution_count] = copies


def _without_class(value):
    """Give a class as what it holds: deepcopy leaves classes themselves alone."""
    if isinstance(value, type) and value.__module__ == "__main__":
        return _ClassContents(value)
    return value


class _ClassContents:
    def __init__(self, cls):
        self.name = cls.__qualname__
        self.plain = {k: v for k, v in vars(cls).items() if _is_plain(v) and k != "__slotnames__"}


def _is_history(name):
    rest = name.lstrip("_").lstrip("i")
    return name in ("_", "__", "___", "_i", "_ii", "_iii", "_ih", "_oh", "_dh") or (
        name.startswith("_") and rest.isdigit()
    )


def report(path):
    """Print, as JSON, how many variables were compared and every difference."""
    import tmrun

    wrong, unsaved, compared = [], set(), 0
    for n, copies in _copies.items():
        if n not in tmrun.open(path).states():
            wrong.append(f"cell {n} was not recorded")
            continue
        found = tmrun.vars(path, n)
        surplus = [name for name in found.entries if name not in copies and name != "plain_oracle"]
        wrong += [
            f"cell {n}: {name} is not in the notebook" for name in surplus if name[:2] != "__"
        ]
        for name, copied in copies.items():
            try:
                value = found[name]
            except tmrun.NotSaved:
                unsaved.add(name)
                continue
            except Exception as error:
                wrong.append(f"cell {n}: {name}: {type(error).__name__}: {error}")
                continue
            if isinstance(copied, str):
                continue  # cannot be deepcopied
            compared += 1
            if where := difference(copied[0], value, name):
                wrong.append(f"cell {n}: {where}")
    print(json.dumps({"compared": compared, "unsaved": sorted(unsaved), "wrong": wrong[:40]}))


def difference(a, b, where="", seen=None):
    """Give where two values differ; None when they do not."""
    seen = {} if seen is None else seen
    if (id(a), id(b)) in seen:
        return None
    seen[id(a), id(b)] = (a, b)
    if isinstance(a, _ClassContents):
        other = {k: vars(b).get(k) for k in a.plain}
        return difference(a.plain, other, where + ".", seen)
    if type(a).__qualname__ != type(b).__qualname__:
        return f"{where}: {type(a)} and {type(b)}"
    if isinstance(a, (type, types.FunctionType)):
        return _difference_of_code(a, b, where, seen)
    if isinstance(a, types.MethodType):
        return difference((a.__self__, a.__func__), (b.__self__, b.__func__), where, seen)
    kind = type(a).__module__.split(".")[0]
    if kind == "typing":
        return None if repr(a) == repr(b) else f"{where}: {a!r} and {b!r}"
    if kind == "numpy":
        return _difference_of_numpy(a, b, where, seen)
    if kind == "pandas" and hasattr(a, "equals"):
        return None if a.equals(b) else f"{where}: frames differ"
    if isinstance(a, dict):
        if list(map(repr, a)) != list(map(repr, b)):
            return f"{where}: keys {list(a)[:9]} and {list(b)[:9]}"
        pairs = zip(a.items(), b.items(), strict=True)
        return _first(difference(x, y, f"{where}[{k!r}]", seen) for (k, x), (_, y) in pairs)
    if isinstance(a, (list, tuple)) or type(a).__name__ == "deque":
        if len(a) != len(b):
            return f"{where}: lengths {len(a)} and {len(b)}"
        pairs = enumerate(zip(a, b, strict=True))
        return _first(difference(x, y, f"{where}[{i}]", seen) for i, (x, y) in pairs) or _instance(
            a, b, where, seen
        )
    if isinstance(a, (set, frozenset)):
        return None if sorted(map(repr, a)) == sorted(map(repr, b)) else f"{where}: sets differ"
    if isinstance(a, float) and math.isnan(a):
        return None if math.isnan(b) else f"{where}: nan and {b}"
    if type(a).__eq__ is object.__eq__ or kind in ("__main__", "matplotlib"):
        return _instance(a, b, where, seen)
    return None if a == b else f"{where}: {a!r} and {b!r}"[:300]


def _instance(a, b, where, seen):
    if kind_is_opaque(a):
        return None
    return difference(_attributes(a), _attributes(b), where + ".", seen)


def _attributes(a):
    slots = [name for cls in type(a).__mro__ for name in _slots(cls) if hasattr(a, name)]
    return {**{name: getattr(a, name) for name in slots}, **getattr(a, "__dict__", {})}


def _slots(cls):
    slots = cls.__dict__.get("__slots__", ())
    return [s for s in ([slots] if isinstance(slots, str) else slots) if s[:2] != "__"]


def kind_is_opaque(a):
    """Whether two copies of an object hold what cannot be compared (callbacks, renderers)."""
    return type(a).__module__.split(".")[0] in ("matplotlib", "IPython", "traitlets", "builtins")


def _difference_of_code(a, b, where, seen):
    if isinstance(a, type):
        return None if a.__qualname__ == b.__qualname__ else f"{where}: {a} and {b}"
    same = a.__code__.co_code == b.__code__.co_code
    if a.__module__ == "functools":  # of an lru_cache: made anew, by another branch of it
        return None if same else f"{where}: code differs"
    return None if same and a.__qualname__ == b.__qualname__ else f"{where}: code differs"


def _is_plain(value):
    return isinstance(value, (int, float, str, list, dict, tuple, types.FunctionType))


def _difference_of_numpy(a, b, where, seen):
    import numpy as np

    if isinstance(a, np.random.Generator):
        return difference(a.bit_generator.state, b.bit_generator.state, where, seen)
    if isinstance(a, (np.ndarray, np.generic)):
        if a.dtype.hasobject:
            return difference(a.tolist(), b.tolist(), where, seen)
        ok = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        return None if ok else f"{where}: arrays differ"
    return None


def _first(differences):
    return next((d for d in differences if d), None)
