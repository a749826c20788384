"""matplotlib: figures and what is in them, colours, scales."""

from .specimen import Library, immutable, mutable

# few names for one figure: it is pickled for each of them
_AXES = "x = plt.figure().add_subplot(); x.plot([1, 2], label='l')"
_LINE = "plt.figure().add_subplot().plot([1, 2], label='l')[0]"

MATPLOTLIB = Library(
    "matplotlib",
    ("numpy", "matplotlib"),
    "import matplotlib; matplotlib.use('agg')\n"
    "import matplotlib.pyplot as plt, matplotlib as mpl, numpy as np, matplotlib.cm, matplotlib.path\n"
    "import matplotlib.patches, matplotlib.colors, matplotlib.ticker, matplotlib.transforms\n"
    "import matplotlib.dates, matplotlib.font_manager, matplotlib.gridspec, matplotlib.legend",
    (
        mutable(
            "Figure", f"{_AXES}; x = x.figure", "y.suptitle('t')", "len(x.axes), x.get_suptitle()"
        ),
        mutable(
            "Figure (bare)", "mpl.figure.Figure()", "y.set_size_inches(3, 4)", "x.get_size_inches()"
        ),
        mutable(
            "Axes",
            _AXES,
            "y.set_xlim(0, 9); y.set_title('t')",
            "x.get_xlim(), x.get_title(), len(x.lines)",
        ),
        mutable("Axes (log scale)", _AXES, "y.set_yscale('log')", "x.get_yscale()"),
        mutable(
            "Axes3D",
            "plt.figure().add_subplot(projection='3d')",
            "y.view_init(10, 20)",
            "x.elev, x.azim",
        ),
        mutable(
            "PolarAxes",
            "plt.figure().add_subplot(projection='polar')",
            "y.set_rmax(5)",
            "x.get_rmax()",
        ),
        mutable(
            "array of Axes",
            "plt.subplots(2, 2)[1]",
            "y[0, 0].set_title('t')",
            "[a.get_title() for a in x.flat]",
        ),
        mutable(
            "Line2D",
            _LINE,
            "y.set_ydata([5, 6]); y.set_color('red')",
            "x.get_ydata(), x.get_color(), x.get_label()",
        ),
        mutable("Text", f"{_AXES}; x = x.text(0, 0, 'a')", "y.set_text('b')", "x.get_text()"),
        mutable(
            "Annotation",
            f"{_AXES}; x = x.annotate('a', (0, 0), (1, 1), arrowprops={{}})",
            "y.xy = (2, 2)",
            "x.xy, x.get_text()",
        ),
        mutable(
            "Legend",
            f"{_AXES}; x = x.legend()",
            "y.set_title('t')",
            "x.get_title().get_text(), len(x.get_lines())",
        ),
        mutable(
            "AxesImage",
            "plt.figure().add_subplot().imshow([[1, 2]])",
            "y.set_data([[3, 4]])",
            "x.get_array().tolist(), x.get_clim()",
        ),
        mutable(
            "PathCollection",
            "plt.figure().add_subplot().scatter([1], [2])",
            "y.set_offsets([[3, 4]])",
            "x.get_offsets()",
        ),
        mutable(
            "QuadMesh",
            "plt.figure().add_subplot().pcolormesh([[1, 2]])",
            "y.set_array([[3, 4]])",
            "x.get_array()",
        ),
        mutable(
            "BarContainer",
            "plt.figure().add_subplot().bar([1, 2], [3, 4])",
            "y[0].set_height(9)",
            "[p.get_height() for p in x]",
        ),
        mutable(
            "QuadContourSet",
            "plt.figure().add_subplot().contour([[1, 2], [3, 4]])",
            "y.set_alpha(0.5)",
            "x.get_alpha(), x.levels",
        ),
        mutable(
            "Colorbar",
            "plt.colorbar(plt.figure().add_subplot().imshow([[1, 2]]))",
            "y.set_label('l')",
            "x.ax.get_ylabel(), x.vmin",
        ),
        mutable("XAxis", f"{_AXES}; x = x.xaxis", "y.set_label_text('t')", "x.get_label_text()"),
        mutable(
            "Rectangle", "mpl.patches.Rectangle((0, 0), 1, 2)", "y.set_width(5)", "x.get_bbox()"
        ),
        mutable(
            "Circle",
            "mpl.patches.Circle((0, 0), 1)",
            "y.set_radius(5)",
            "x.get_radius(), x.get_facecolor()",
        ),
        mutable(
            "Polygon",
            "mpl.patches.Polygon([[0, 0], [1, 1]])",
            "y.set_xy([[2, 2], [3, 3]])",
            "x.get_xy()",
        ),
        mutable(
            "Path", "mpl.path.Path([[0, 0], [1, 1]])", "y.vertices = [[2, 2], [3, 3]]", "x.vertices"
        ),
        mutable("Affine2D", "mpl.transforms.Affine2D()", "y.scale(2)", "x.get_matrix()"),
        mutable("Bbox", "mpl.transforms.Bbox([[0, 0], [1, 1]])", "y.x1 = 5"),
        mutable("Normalize", "mpl.colors.Normalize(0, 1)", "y.vmax = 2", "x(1.0)"),
        mutable("LogNorm", "mpl.colors.LogNorm(1, 10)", "y.vmax = 100", "x(10.0)"),
        mutable(
            "LinearSegmentedColormap",
            "plt.get_cmap('jet').copy()",
            "y.set_bad('red')",
            "x(0.3), x.get_bad()",
        ),
        mutable(
            "ListedColormap",
            "mpl.colors.ListedColormap(['r', 'g'])",
            "y.set_under('b')",
            "x(0.9), x.get_under()",
        ),
        mutable(
            "ScalarMappable",
            "mpl.cm.ScalarMappable(cmap='jet')",
            "y.set_clim(0, 5)",
            "x.get_clim(), x.get_cmap().name",
        ),
        mutable(
            "FuncFormatter",
            "mpl.ticker.FuncFormatter(lambda v, p: f'<{v}>')",
            "y.offset_string = 'o'",
            "x(1), x.offset_string",
        ),
        mutable(
            "MultipleLocator",
            "mpl.ticker.MultipleLocator(2)",
            "y.set_params(base=5)",
            "x.tick_values(0, 10)",
        ),
        mutable(
            "FontProperties",
            "mpl.font_manager.FontProperties(size=5)",
            "y.set_size(9)",
            "x.get_size()",
        ),
        mutable(
            "GridSpec",
            "mpl.gridspec.GridSpec(1, 2)",
            "y.update(wspace=0.5)",
            "x.wspace, x.get_geometry()",
        ),
        mutable(
            "RcParams",
            "mpl.RcParams(mpl.rcParams)",
            "y['lines.linewidth'] = 7",
            "x['lines.linewidth']",
        ),
        mutable(
            "Cycler", "plt.cycler(color=['r', 'g'])", "y.change_key('color', 'c')", "x.by_key()"
        ),
        immutable(
            "DateFormatter",
            "mpl.dates.DateFormatter('%Y')",
            "mpl.dates.DateFormatter('%d')",
            "x(0)",
        ),
    ),
)
