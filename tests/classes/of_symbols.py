"""sympy, networkx and PIL."""

from .specimen import Library, immutable, mutable, refused

SYMPY = Library(
    "sympy",
    ("sympy",),
    "import sympy as sy; a, b = sy.symbols('a b')",
    (
        immutable("Symbol", "sy.Symbol('p', positive=True)", "sy.Symbol('q')", "x, x.is_positive"),
        immutable("Dummy", "sy.Dummy('p')", "sy.Dummy('q')", "str(x), x == x"),
        immutable("Integer", "sy.Integer(3)", "x ** 50"),
        immutable("Rational", "sy.Rational(1, 3)", "x + 1"),
        immutable("Float", "sy.Float('0.1', 40)", "x * 3"),
        immutable("Add", "a + b", "x * 2 + 1"),
        immutable("Function", "sy.Function('f')(a)", "x.diff(a)"),
        immutable("Lambda", "sy.Lambda(a, a ** 2)", "sy.Lambda(a, a + 1)", "x(3)"),
        immutable("Eq", "sy.Eq(a, 1)", "sy.Eq(a, 2)"),
        immutable("Integral", "sy.Integral(a, (a, 0, 1))", "sy.Integral(b, b)", "x, x.doit()"),
        immutable("Piecewise", "sy.Piecewise((a, a > 0), (0, True))", "x + 1"),
        immutable("FiniteSet", "sy.FiniteSet(1, 2)", "x + sy.FiniteSet(3)"),
        immutable("Interval", "sy.Interval(0, 1)", "sy.Interval.open(0, 2)"),
        immutable("Poly", "sy.Poly(a ** 2 + 1, a)", "x + 1"),
        mutable("Matrix", "sy.Matrix([[1, a], [0, b]])", "y[0, 0] = 7"),
        mutable("SparseMatrix", "sy.SparseMatrix(2, 2, {(0, 0): a})", "y[1, 1] = 7"),
        immutable("ImmutableMatrix", "sy.ImmutableMatrix([[1, a]])", "x * 2"),
        mutable("MutableDenseNDimArray", "sy.MutableDenseNDimArray([1, a])", "y[0] = 7"),
        immutable(
            "Permutation",
            "sy.combinatorics.Permutation([1, 0])",
            "sy.combinatorics.Permutation([0, 1, 2])",
        ),
        mutable(
            "lambdify",
            "sy.lambdify(a, a ** 2 + 1, 'math')",
            "y.note = 1",
            "x(3), vars(x).get('note')",
        ),
    ),
)

_GRAPH = "x.nodes(data=True), x.edges(data=True), x.graph"

NETWORKX = Library(
    "networkx",
    ("networkx",),
    "import networkx as nx",
    (
        mutable("Graph", "nx.path_graph(3)", "y.add_edge(2, 0, weight=5)", _GRAPH),
        mutable(
            "Graph (attributes)",
            "nx.path_graph(3)",
            "y.nodes[0]['k'] = 1; y.graph['n'] = 2",
            _GRAPH,
        ),
        mutable("DiGraph", "nx.DiGraph([(1, 2)])", "y.remove_node(2)", _GRAPH),
        mutable("MultiGraph", "nx.MultiGraph([(1, 2)])", "y.add_edge(1, 2)", _GRAPH),
        mutable("MultiDiGraph", "nx.MultiDiGraph([(1, 2)])", "y.add_edge(2, 1)", _GRAPH),
        mutable(
            "OrderedGraph subclass",
            "class G(nx.Graph): pass\nx = G([(1, 2)])",
            "y.add_node(3)",
            _GRAPH,
        ),
        mutable("NodeView", "nx.path_graph(2).nodes", "y[0]['k'] = 1", "x.data()"),
        mutable("EdgeView", "g = nx.path_graph(2); x = g.edges", "g.add_edge(1, 5)", "list(x)"),
        mutable("DegreeView", "g = nx.path_graph(2); x = g.degree", "g.add_edge(1, 5)", "list(x)"),
        mutable(
            "AdjacencyView",
            "g = nx.path_graph(2); x = g.adj",
            "g.add_edge(1, 5)",
            "list(x), dict(x[0])",
        ),
        mutable(
            "subgraph view",
            "g = nx.path_graph(3); x = g.subgraph([0, 1])",
            "g.remove_edge(0, 1)",
            _GRAPH,
        ),
        mutable(
            "reverse view",
            "g = nx.DiGraph([(1, 2)]); x = nx.reverse_view(g)",
            "g.add_edge(5, 6)",
            _GRAPH,
        ),
    ),
)

PIL = Library(
    "PIL",
    ("PIL",),
    "from PIL import Image, ImageDraw, ImageFont, ImageFilter, ImageEnhance, ImagePalette, ImageOps\n"
    "from PIL import ImageChops, PngImagePlugin, ImageSequence, ExifTags\nimport io",
    (
        mutable(
            "Image (RGB)",
            "Image.new('RGB', (2, 2), 'red')",
            "y.putpixel((0, 0), (1, 2, 3))",
            "x.mode, x.size, x.tobytes()",
        ),
        mutable(
            "Image (L)", "Image.new('L', (2, 2))", "y.paste(9, (0, 0, 1, 1))", "x.mode, x.tobytes()"
        ),
        mutable("Image (RGBA)", "Image.new('RGBA', (2, 2))", "y.putalpha(7)", "x.tobytes()"),
        mutable(
            "Image (P)",
            "Image.new('P', (2, 2))",
            "y.putpalette([1, 2, 3] * 256)",
            "x.getpalette()[:3], x.tobytes()",
        ),
        mutable("Image (info)", "Image.new('L', (1, 1))", "y.info['k'] = 1", "x.info"),
        mutable(
            "PngImageFile",
            "f = io.BytesIO(); Image.new('L', (2, 2)).save(f, 'png'); x = Image.open(f)",
            "y.putpixel((0, 0), 9)",
            "x.size, x.tobytes()",
        ),
        refused(
            "ImageDraw",
            "ImageDraw.Draw(Image.new('L', (9, 9)))",
            "ImagingCore",
            "y.line([0, 0, 5, 5], 9)",
        ),
        mutable(
            "ImageFilter.Kernel",
            "ImageFilter.Kernel((3, 3), [1] * 9)",
            "y.filterargs = ((3, 3), 2, 0, [2] * 9)",
            "x.filterargs",
        ),
        mutable(
            "ImageFilter.GaussianBlur", "ImageFilter.GaussianBlur(1)", "y.radius = 3", "x.radius"
        ),
        mutable(
            "ImageEnhance.Contrast",
            "ImageEnhance.Contrast(Image.new('L', (2, 2), 9))",
            "y.image.putpixel((0, 0), 99)",
            "x.enhance(2).tobytes()",
        ),
        mutable(
            "ImagePalette",
            "ImagePalette.ImagePalette('RGB', [1, 2, 3])",
            "y.palette[0] = 9",
            "bytes(x.palette)",
        ),
        mutable("Exif", "Image.new('L', (1, 1)).getexif()", "y[0x010E] = 'text'", "dict(x)"),
    ),
)
