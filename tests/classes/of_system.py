"""The standard library's handles on the system: most cannot be saved, and say why."""

from .specimen import Library, immutable, mutable, refused

SYSTEM = Library(
    "standard library: system",
    (),
    "import asyncio, concurrent.futures, contextvars, ctypes, hashlib, hmac, io, mmap, os, queue\n"
    "import multiprocessing, select, selectors, socket, sqlite3, ssl, subprocess, sys, tempfile\n"
    "import threading, zipfile, zlib, bz2, lzma, gzip, tarfile",
    (
        refused("threading.Lock", "threading.Lock()", "_thread.lock", "y.acquire()"),
        refused("threading.RLock", "threading.RLock()", "RLock"),
        refused("threading.Thread", "threading.Thread(target=print)", "globals()"),
        refused("threading.Event", "threading.Event()", "lock", "y.set()"),
        refused("threading.Condition", "threading.Condition()", "RLock"),
        refused("threading.Semaphore", "threading.Semaphore(2)", "lock", "y.acquire()"),
        refused("threading.Barrier", "threading.Barrier(2)", "lock"),
        refused("threading.local", "threading.local(); x.a = 1", "local", "y.a = 2"),
        refused("queue.Queue", "queue.Queue()", "lock", "y.put(1)"),
        refused("queue.PriorityQueue", "queue.PriorityQueue()", "lock", "y.put(1)"),
        refused("queue.SimpleQueue", "queue.SimpleQueue()", "SimpleQueue", "y.put(1)"),
        refused("open file (text)", "open(os.devnull)", "TextIOWrapper"),
        refused("open file (binary)", "open(os.devnull, 'rb')", "BufferedReader"),
        refused("tempfile.NamedTemporaryFile", "tempfile.NamedTemporaryFile()", "_io.Buffered"),
        refused(
            "tempfile.TemporaryDirectory",
            "tempfile.TemporaryDirectory()",
            "finalize",
            "y.cleanup()",
        ),
        refused("socket.socket", "socket.socket()", "socket", "y.close()"),
        refused("ssl.SSLContext", "ssl.create_default_context()", "SSLContext"),
        refused("subprocess.Popen", "subprocess.Popen(['true'])", "lock", "y.wait()"),
        immutable(
            "subprocess.CompletedProcess", "subprocess.run('true')", "subprocess.run('false')"
        ),
        refused("selectors.DefaultSelector", "selectors.DefaultSelector()", "epoll"),
        refused("mmap.mmap", "mmap.mmap(-1, 10)", "mmap", "y[0] = 1"),
        refused("sqlite3.Connection", "sqlite3.connect(':memory:')", "sqlite3.Connection"),
        refused("sqlite3.Cursor", "sqlite3.connect(':memory:').cursor()", "sqlite3.Cursor"),
        refused(
            "sqlite3.Row",
            "c = sqlite3.connect(':memory:'); c.row_factory = sqlite3.Row\nx = c.execute('select 1').fetchone()",
            "sqlite3.Row",
        ),
        refused("hashlib.sha256", "hashlib.sha256(b'a')", "HASH", "y.update(b'b')"),
        refused("hmac.HMAC", "hmac.new(b'k', b'm', 'sha256')", "HMAC", "y.update(b'b')"),
        refused("zlib.compressobj", "zlib.compressobj()", "Compress", "y.compress(b'a')"),
        refused("bz2.BZ2Compressor", "bz2.BZ2Compressor()", "BZ2Compressor"),
        refused(
            "zipfile.ZipFile",
            "zipfile.ZipFile(io.BytesIO(), 'w')",
            "RLock",
            "y.writestr('a', b'b')",
        ),
        refused(
            "concurrent.futures.ThreadPoolExecutor",
            "concurrent.futures.ThreadPoolExecutor(1)",
            "SimpleQueue",
        ),
        refused(
            "concurrent.futures.Future", "concurrent.futures.Future()", "RLock", "y.set_result(1)"
        ),
        refused(
            "multiprocessing.Process",
            "multiprocessing.Process(target=print)",
            "AuthenticationString",
        ),
        refused("multiprocessing.Queue", "multiprocessing.Queue()", "RuntimeError"),
        refused("contextvars.ContextVar", "contextvars.ContextVar('v')", "ContextVar", "y.set(1)"),
        refused("contextvars.Context", "contextvars.copy_context()", "Context"),
        mutable("asyncio.Lock", "asyncio.Lock()", "await y.acquire()", "x.locked()"),
        mutable("asyncio.Event", "asyncio.Event()", "y.set()", "x.is_set()"),
        mutable("asyncio.Queue", "asyncio.Queue()", "y.put_nowait(1)", "x.qsize()"),
        mutable("ctypes.c_int", "ctypes.c_int(1)", "y.value = 2"),
        refused("ctypes.Array", "(ctypes.c_int * 3)(1, 2, 3)", "ctypes makes", "y[0] = 9"),
        refused(
            "ctypes.Structure",
            "class P(ctypes.Structure): _fields_ = [('a', ctypes.c_int)]\nx = P(1)",
            "ctypes makes",
            "y.a = 2",
        ),
        refused("ctypes pointer", "ctypes.pointer(ctypes.c_int(1))", "ctypes makes"),
        refused("ctypes.CDLL", "ctypes.CDLL(None)", "ctypes makes"),
    ),
)
