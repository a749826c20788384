"""Cells that a recorder finds hard: sharing, hidden changes, hostile objects; run by the oracle test."""

HARD_CELLS = [
    "import numpy as np, pandas as pd, random, collections, functools, dataclasses, typing, enum, abc",
    "a=[1,2,3]; b=a; c={'x':a,'y':[a,a]}",
    "b.append(4)",
    """\
class P:
    total=0
    def __init__(self): self.v=[0]
    def bump(self):
        P.total+=1; self.v.append(P.total)
p=P(); q=P()
""",
    "p.bump()",
    """\
def f():
    global g1
    g1 = len(a)
    return g1
g1=0
""",
    "f()",
    """\
def mk():
    n=0
    def inc():
        nonlocal n; n+=1; return n
    def get(): return n
    return inc,get
inc,get=mk()
""",
    "[inc() for _ in range(3)]",
    "arr=np.zeros((100,100)); v=arr[10:20]; w=v[::2]",
    "w[:]=5",
    """\
def g():
    exec('a.append(99)')
g()
""",
    "globals()['dyn']=[1]",
    "globals()['d'+'yn'].append(2)",
    """\
cbs=[]
def on(fn): cbs.append(fn); return fn
@on
def h(): c['z']=1
""",
    "for k in cbs: k()",
    "it=iter(a); generator=(i for i in a); lock=__import__('threading').Lock()",
    """\
class Node:
    def __init__(self,p=None): self.p=p; self.kids=[]; p and p.kids.append(self)
root=Node(); kid=Node(root); kid2=Node(kid)
""",
    "kid2.extra='x'",
    """\
class M(type):
    def __new__(m,n,b,d): d['tag']=n; return super().__new__(m,n,b,d)
class A(metaclass=M):
    __slots__=('z',)
    @property
    def zz(self): return self.z
class B(A): pass
o=B(); o.z=3
""",
    """\
@dataclasses.dataclass(frozen=True,slots=True)
class D:
    x:int
    y:list=dataclasses.field(default_factory=list)
d=D(1); e=dataclasses.replace(d,x=2)
""",
    "e.y.append(1)",
    """\
class Color(enum.Enum):
    R=1
    G=2
col=Color.R; m={Color.R:1}
""",
    """\
class Pt(typing.NamedTuple):
    x:int
    y:int=0
pt=Pt(1); NT=collections.namedtuple('NT','a b'); nt=NT(1,[2])
""",
    "nt.b.append(5)",
    """\
@functools.lru_cache
def fib(n): return n if n<2 else fib(n-1)+fib(n-2)
fib(10)
""",
    "part=functools.partial(f); meth=p.bump",
    "meth()",
    """\
class Evil:
    def __eq__(s,o): raise RuntimeError('eq')
    __hash__=None
    def __repr__(s): raise RuntimeError('repr')
    def __getattr__(s,n): raise AttributeError(n)
    def __len__(s): raise RuntimeError('len')
    def __bool__(s): raise RuntimeError('bool')
ev=Evil(); evs=[ev]; ev.q=1;None
""",
    """\
class Bad:
    def __reduce__(s): raise ValueError('no')
bad=Bad(); good=[1]; both=[bad,good]
""",
    "df=pd.DataFrame({'a':[1,2],'b':['x','y']}); s=df['a']; df2=df",
    "df2.loc[0,'a']=10",
    "df['c']=df['a']*2",
    "x=10**5000; y=float('nan'); z=complex(1,2); _priv='p'; __dund='q'",
    """\
def deep(n):
    l=[]
    for _ in range(n): l=[l]
    return l
nested=deep(100000);None
""",
    "del nested",
    "rec=[]; rec.append(rec); dr={}; dr['me']=dr",
    """\
import asyncio
await asyncio.sleep(0)
async def co(): return a
aw=await co()
""",
    """\
%%time
for i in range(3): a.append(i)
""",
    "%timeit -n1 -r1 a.append(7)",
    "t=lambda *k,**kw: (k,kw,a); tt={'l':t}",
    """\
class Q(P):
    def bump(self): super().bump(); self.v.append('q')
qq=Q()
""",
    "qq.bump()",
    """\
def gg(x=[]): x.append(1); return x
gg()
""",
    "gg()",
    "shell=get_ipython(); namespace=globals()",
    "a+=[1]; n_=len(a)",
    "od=collections.OrderedDict(a=1); dq=collections.deque([1],maxlen=3); ctr=collections.Counter('aab'); dd2=collections.defaultdict(list); dd2['k'].append(1)",
    "dd2['k'].append(2); dq.append(4); ctr.update('b')",
    "sv=memoryview(b'abc'); ba=bytearray(b'xyz'); bb=ba",
    "ba[0]=65",
    """\
T=typing.TypeVar('T')
class Box(typing.Generic[T]):
    def __init__(s,v:T): s.v=v
bx=Box[int](3)
""",
    """\
class AB(abc.ABC):
    @abc.abstractmethod
    def go(self): ...
class CD(AB):
    def go(self): return 1
cd=CD()
""",
    "oa=np.empty(3,object); oa[0]=a; oa[1]=oa; oa2=oa[1:]",
    "st=np.zeros(3,dtype=[('a','i4'),('b','f8')]); dt=np.array(['2020-01-01'],'M8[D]'); F=np.asfortranarray(np.arange(6.).reshape(2,3)); ro=np.arange(3); ro.flags.writeable=False; z0=np.array(5); ze=np.zeros((0,3)); big=np.arange(300000.); bt=big[::-1]",
    "big[5]=-1",
    """\
try:
    1/0
except Exception as ex: err=ex
""",
    "stream = open('/dev/null'); import ctypes; ci=ctypes.c_int(3); pointer=ctypes.pointer(ci)",
    "stream.close()",
    "mi=pd.MultiIndex.from_product([[1,2],['a','b']]); dfm=pd.DataFrame({'v':range(4)},index=mi); cat=pd.Series(['a','b'],dtype='category'); tz=pd.date_range('2020',periods=2,tz='UTC')",
    "dfm.loc[(1,'a'),'v']=77",
    "import types; mod=types.ModuleType('mymod'); mod.q=5",
    "st_={1,2}; fs=frozenset([1]); rng_=np.random.default_rng(1); rs=np.random.RandomState(2); rnd=random.Random(3)",
    "rng_.random(), rs.rand(), rnd.random()",
    """\
def rebind():
    global a
    a = ['new']
rebind()
""",
    "1/0",
    "def syntax error(",
    "late=1",
]
