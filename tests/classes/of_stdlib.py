"""The standard library's tools."""

from .specimen import Library, immutable, mutable, old, refused

TOOLS = Library(
    "standard library: tools",
    (),
    "import argparse, ast, calendar, configparser, contextlib, copy, csv, difflib, email.message\n"
    "import fileinput, functools, graphlib, http.cookies, io, itertools, json, logging, operator\n"
    "import pprint, queue, sched, selectors, shlex, textwrap, time, timeit, tokenize, traceback\n"
    "import types, unittest.mock, urllib.parse, urllib.request, xml.dom.minidom, zipfile\n"
    "import html.parser, fnmatch, cmd, code, codecs, contextvars, asyncio, warnings\n"
    "import xml.etree.ElementTree as ET",
    (
        mutable(
            "io.StringIO",
            "io.StringIO('abc')",
            "y.seek(0, 2); y.write('d')",
            "x.getvalue(), x.tell()",
        ),
        mutable("io.BytesIO", "io.BytesIO(b'abc')", "y.read(1)", "x.getvalue(), x.tell()"),
        mutable("functools.partial", "functools.partial(max, 1)", "y.key = [3]", "x(2), vars(x)"),
        mutable(
            "functools.partialmethod",
            "functools.partialmethod(print, 1)",
            "y.keywords['end'] = ''",
            "x.args, x.keywords",
        ),
        mutable(
            "functools.lru_cache",
            "@functools.lru_cache\ndef f(a): return [a]\nx = f",
            "y.note = 1",
            "x(2), vars(x).get('note')",
        ),
        mutable(
            "functools.singledispatch",
            "@functools.singledispatch\ndef g(a): return 'any'\nx = g",
            "y.register(int, lambda a: 'int')",
            "x(1), x('')",
        ),
        mutable(
            "functools.cached_property",
            "class A:\n    @functools.cached_property\n    def v(self): return [1]\nx = A()",
            "y.v.append(2)",
            "vars(x).get('v')",
        ),
        refused("functools.cmp_to_key", "functools.cmp_to_key(lambda a, b: b - a)", "KeyWrapper"),
        immutable(
            "operator.itemgetter", "operator.itemgetter(1)", "operator.itemgetter(0, 1)", "x('ab')"
        ),
        immutable(
            "operator.attrgetter",
            "operator.attrgetter('real')",
            "operator.attrgetter('imag')",
            "x(1 + 2j)",
        ),
        immutable(
            "operator.methodcaller",
            "operator.methodcaller('upper')",
            "operator.methodcaller('split', 'b')",
            "x('abc')",
        ),
        old(mutable("itertools.count", "itertools.count(3)", "next(y)")),
        old(
            mutable(
                "itertools.cycle",
                "itertools.cycle('abc')",
                "next(y)",
                "[*itertools.islice(copy.copy(x), 4)]",
            )
        ),
        old(
            mutable(
                "itertools.chain", "itertools.chain([1, 2], [3])", "next(y)", "[*copy.deepcopy(x)]"
            )
        ),
        old(
            mutable(
                "itertools.islice",
                "itertools.islice([1, 2, 3], 1, None)",
                "next(y)",
                "[*copy.deepcopy(x)]",
            )
        ),
        old(
            mutable(
                "itertools.product",
                "itertools.product('ab', [1, 2])",
                "next(y)",
                "[*copy.deepcopy(x)]",
            )
        ),
        old(
            mutable(
                "itertools.groupby",
                "itertools.groupby([1, 1, 2])",
                "next(y)",
                "[k for k, _ in copy.deepcopy(x)]",
            )
        ),
        old(
            mutable("itertools.tee", "itertools.tee(iter([1, 2]))[0]", "next(y)", "[*copy.copy(x)]")
        ),
        mutable(
            "configparser.ConfigParser",
            "configparser.ConfigParser()",
            "y['a'] = {'b': '1'}",
            "{k: dict(v) for k, v in x.items()}",
        ),
        mutable(
            "argparse.ArgumentParser",
            "argparse.ArgumentParser(prog='p')",
            "y.add_argument('--n', type=int, default=4)",
            "vars(x.parse_args([]))",
        ),
        mutable("argparse.Namespace", "argparse.Namespace(a=1)", "y.b = 2"),
        mutable(
            "email.message.EmailMessage",
            "email.message.EmailMessage()",
            "y['Subject'] = 'hi'; y.set_content('text')",
            "x.as_string()",
        ),
        mutable(
            "xml.etree.ElementTree.Element",
            "ET.fromstring('<a><b/></a>')",
            "y[0].set('k', 'v')",
            "ET.tostring(x)",
        ),
        mutable(
            "xml.etree.ElementTree.ElementTree",
            "ET.ElementTree(ET.Element('a'))",
            "y.getroot().text = 't'",
            "ET.tostring(x.getroot())",
        ),
        mutable(
            "xml.dom.minidom.Document",
            "xml.dom.minidom.parseString('<a/>')",
            "y.documentElement.setAttribute('k', 'v')",
            "x.toxml()",
        ),
        mutable(
            "csv.Dialect subclass",
            "class Dia(csv.excel): delimiter = ';'\nx = Dia",
            "y.delimiter = '|'",
            "x.delimiter",
        ),
        refused("csv.reader", "csv.reader(['a,b'])", "_csv.reader", "next(y)"),
        refused("csv.writer", "csv.writer(io.StringIO())", "_csv.writer"),
        refused("csv.DictReader", "csv.DictReader(['a,b', '1,2'])", "_csv.reader", "next(y)"),
        mutable(
            "json.JSONEncoder",
            "json.JSONEncoder(sort_keys=True)",
            "y.indent = 1",
            "x.encode({'b': 1, 'a': 2})",
        ),
        refused("json.JSONDecoder", "json.JSONDecoder()", "_json.Scanner"),
        mutable(
            "logging.LogRecord",
            "logging.makeLogRecord({'msg': 'a %s', 'args': (1,)})",
            "y.msg = 'b %s'",
            "x.getMessage()",
        ),
        immutable("logging.Logger", "logging.getLogger('n')", "logging.getLogger('m')", "x.name"),
        mutable(
            "logging.Formatter",
            "logging.Formatter('%(message)s')",
            "y.datefmt = '%Y'",
            "x._fmt, x.datefmt",
        ),
        refused("logging.Handler", "logging.StreamHandler(io.StringIO())", "RLock"),
        mutable(
            "calendar.TextCalendar",
            "calendar.TextCalendar()",
            "y.setfirstweekday(6)",
            "x.formatmonth(2024, 2)",
        ),
        mutable(
            "textwrap.TextWrapper",
            "textwrap.TextWrapper(width=10)",
            "y.width = 5",
            "x.wrap('aaa bbb ccc')",
        ),
        mutable(
            "difflib.SequenceMatcher",
            "difflib.SequenceMatcher(None, 'abc', 'abd')",
            "y.set_seq2('abc')",
            "x.ratio()",
        ),
        mutable(
            "graphlib.TopologicalSorter",
            "graphlib.TopologicalSorter({'b': ['a']})",
            "y.prepare(); y.get_ready()",
            "x.is_active() if x._ready_nodes is not None else None",
        ),
        mutable(
            "http.cookies.SimpleCookie",
            "http.cookies.SimpleCookie('a=1')",
            "y['b'] = '2'",
            "x.output()",
        ),
        mutable(
            "urllib.request.Request",
            "urllib.request.Request('http://a.b')",
            "y.add_header('K', 'v')",
            "x.full_url, x.headers",
        ),
        immutable(
            "urllib.parse.ParseResult",
            "urllib.parse.urlparse('http://a.b/c')",
            "x._replace(path='/d')",
        ),
        mutable("ast.AST", "ast.parse('a = 1')", "y.body[0].targets[0].id = 'b'", "ast.unparse(x)"),
        refused("unittest.mock.Mock", "unittest.mock.Mock(return_value=1)", "mock", "y(2)"),
        mutable(
            "shlex.shlex", "shlex.shlex('a b')", "y.get_token()", "x.instream.tell(), x.lineno"
        ),
        mutable("html.parser.HTMLParser", "html.parser.HTMLParser()", "y.feed('<a')", "x.rawdata"),
        refused("sched.scheduler", "sched.scheduler()", "RLock"),
        mutable(
            "zipfile.ZipInfo", "zipfile.ZipInfo('a')", "y.comment = b'c'", "x.filename, x.comment"
        ),
        mutable(
            "contextlib.ExitStack",
            "contextlib.ExitStack()",
            "y.callback(print, 1)",
            "len(x._exit_callbacks)",
        ),
        mutable(
            "contextlib.nullcontext",
            "contextlib.nullcontext([1])",
            "y.enter_result.append(2)",
            "x.enter_result",
        ),
        mutable(
            "traceback.TracebackException",
            "traceback.TracebackException.from_exception(ValueError(1))",
            "y.note = 1",
            "[*x.format()], getattr(x, 'note', 0)",
        ),
        mutable(
            "codecs.IncrementalDecoder",
            "codecs.getincrementaldecoder('utf-8')()",
            "y.decode(b'\\xc3')",
            "x.getstate()",
        ),
        immutable("time.struct_time", "time.gmtime(0)", "time.gmtime(9**9)"),
    ),
)
