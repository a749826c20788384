"""scipy: sparse arrays, interpolators, distributions, trees, rotations."""

from .specimen import Library, Specimen, immutable, mutable, refused

_EYE = "[[1.0, 0, 2], [0, 3, 0], [0, 0, 4]]"


def _sparse(kind: str, change: str) -> Specimen:
    made = f"sp.{kind}(np.array({_EYE}))"
    return mutable(f"sparse.{kind}", made, change, "type(x), x.toarray()")


SCIPY = Library(
    "scipy",
    ("numpy", "scipy"),
    "import numpy as np, scipy.sparse as sp, scipy.sparse.linalg as spl, scipy.interpolate as si\n"
    "import scipy.spatial as ss, scipy.stats as st, scipy.signal as sg, scipy.optimize as so\n"
    "import scipy.integrate as sn, scipy.spatial.transform as tr, scipy.cluster.hierarchy as ch",
    (
        *(
            _sparse(f"{kind}_{flavour}", change)
            for flavour in ("matrix", "array")
            for kind, change in (
                ("csr", "y.data[0] = 9"),
                ("csc", "y.data[0] = 9"),
                ("coo", "y.data[0] = 9"),
                ("bsr", "y.data[0] = 9"),
                ("dia", "y.data[0] = 9"),
                ("lil", "y[1, 0] = 9"),
                ("dok", "y[1, 0] = 9"),
            )
        ),
        mutable(
            "sparse.linalg.LinearOperator",
            "spl.aslinearoperator(np.eye(2))",
            "y.A[0, 0] = 5",
            "x @ np.ones(2)",
        ),
        refused("sparse.linalg.SuperLU", "spl.splu(sp.csc_matrix(np.eye(2)))", "SuperLU"),
        mutable(
            "interpolate.interp1d",
            "si.interp1d([0, 1, 2], [0, 1, 4])",
            "y.y[0] = 9; y._y[0] = 9",
            "x(0.5)",
        ),
        mutable(
            "interpolate.CubicSpline",
            "si.CubicSpline([0, 1, 2, 3], [0, 1, 8, 27])",
            "y.c[-1] += 1",
            "x(1.5)",
        ),
        mutable(
            "interpolate.PchipInterpolator",
            "si.PchipInterpolator([0, 1, 2], [0, 1, 4])",
            "y.c[-1] += 1",
            "x(1.5)",
        ),
        mutable(
            "interpolate.Akima1DInterpolator",
            "si.Akima1DInterpolator([0, 1, 2, 3, 4], [0, 1, 4, 9, 16])",
            "y.c[-1] += 1",
            "x(1.5)",
        ),
        mutable(
            "interpolate.BSpline",
            "si.make_interp_spline([0, 1, 2, 3], [0, 1, 4, 9])",
            "y.c[1] = 7",
            "x(1.5)",
        ),
        mutable(
            "interpolate.PPoly", "si.PPoly(np.ones((2, 1)), [0.0, 1.0])", "y.c[0] = 5", "x(0.5)"
        ),
        mutable(
            "interpolate.BarycentricInterpolator",
            "si.BarycentricInterpolator([0, 1, 2], [0, 1, 4])",
            "y.set_yi([0, 1, 9])",
            "x(2.5)",
        ),
        mutable(
            "interpolate.UnivariateSpline",
            "si.UnivariateSpline(range(6), [0, 1, 4, 9, 16, 20])",
            "y.set_smoothing_factor(0)",
            "x(2.5)",
        ),
        mutable(
            "interpolate.RectBivariateSpline",
            "si.RectBivariateSpline(range(4), range(4), np.arange(16.0).reshape(4, 4))",
            "y.tck[2][0] = 9",
            "x(0.0, 0.0)",
        ),
        mutable(
            "interpolate.RegularGridInterpolator",
            "si.RegularGridInterpolator(([0, 1], [0, 1]), np.eye(2))",
            "y.values[0, 0] = 9",
            "x([[0, 0.5]])",
        ),
        mutable(
            "interpolate.RBFInterpolator",
            "si.RBFInterpolator([[0.0], [1], [2]], [1.0, 2, 4])",
            "y._coeffs[0] = 5",
            "x([[0.5]])",
        ),
        mutable(
            "interpolate.LinearNDInterpolator",
            "si.LinearNDInterpolator([[0, 0], [0, 1], [1, 0]], [1.0, 2, 3])",
            "y.values[0] = 7",
            "x(0, 0)",
        ),
        immutable(
            "spatial.KDTree",
            "ss.KDTree(np.eye(3))",
            "ss.KDTree(np.eye(3) * 2)",
            "x.query([0, 0, 2])",
        ),
        immutable(
            "spatial.cKDTree",
            "ss.cKDTree(np.eye(3))",
            "ss.cKDTree(np.eye(3) * 2)",
            "x.query([0, 0, 2])",
        ),
        mutable(
            "spatial.Delaunay",
            "ss.Delaunay([[0, 0], [0, 1], [1, 0]])",
            "y.simplices[0, 0] = y.simplices[0, 1]",
            "x.simplices",
        ),
        mutable(
            "spatial.ConvexHull",
            "ss.ConvexHull([[0, 0], [0, 1], [1, 0]])",
            "y.simplices[0] = 7",
            "x.simplices, x.volume",
        ),
        refused(
            "spatial.ConvexHull (incremental)",
            "ss.ConvexHull([[0, 0], [0, 1], [1, 0]], incremental=True)",
            "_qh",
            "y.add_points([[2, 2]])",
        ),
        mutable(
            "spatial.Voronoi",
            "ss.Voronoi([[0, 0], [0, 1], [1, 0], [1, 1], [0.5, 0.4]])",
            "y.vertices[0] = 7",
            "x.vertices",
        ),
        mutable(
            "spatial.transform.Rotation",
            "tr.Rotation.from_euler('z', [[90], [0]], True)",
            "y[1] = y[0]",
            "x.as_quat()",
        ),
        mutable(
            "spatial.transform.Slerp",
            "tr.Slerp([0, 1], tr.Rotation.from_euler('z', [[0], [90]], True))",
            "y.times[0] = -1",
            "x.times",
        ),
        mutable("stats.rv_frozen", "st.norm(loc=0, scale=1)", "y.kwds['scale'] = 2", "x.ppf(0.9)"),
        mutable(
            "stats.rv_continuous subclass",
            "class R(st.rv_continuous):\n    def _cdf(self, v): return v**2\nx = R(a=0, b=1)",
            "y.b = 0.5",
            "x.b, x.cdf(0.4)",
        ),
        mutable(
            "stats.rv_histogram",
            "st.rv_histogram(np.histogram([1, 2, 2, 3], 3))",
            "y._hpdf[1] = 0.9",
            "x.pdf(1.2)",
        ),
        mutable(
            "stats.gaussian_kde", "st.gaussian_kde([1.0, 2, 4])", "y.set_bandwidth(0.1)", "x(2.5)"
        ),
        mutable(
            "stats.multivariate_normal frozen",
            "st.multivariate_normal([0, 0])",
            "y.mean[0] = 1",
            "x.pdf([0, 0])",
        ),
        mutable("stats.qmc.Sobol", "st.qmc.Sobol(2, seed=1)", "y.random(2)", "x.num_generated"),
        mutable(
            "stats result object",
            "st.ttest_1samp([1.0, 2, 4], 0)",
            "y.note = 1",
            "x, vars(x).get('note')",
        ),
        mutable(
            "optimize.OptimizeResult",
            "so.minimize(lambda v: (v - 1) ** 2, 0.0)",
            "y.x[0] = 5",
            "x.x, x.success",
        ),
        mutable("optimize.Bounds", "so.Bounds([0], [1])", "y.lb[0] = -1"),
        immutable(
            "optimize.LinearConstraint",
            "so.LinearConstraint([[1, 1]], 0, 1)",
            "so.LinearConstraint([[2, 2]], 0, 1)",
            "x.A",
        ),
        mutable(
            "integrate.OdeSolution",
            "sn.solve_ivp(lambda t, v: -v, (0, 1), [1.0], dense_output=True).sol",
            "y.ts[0] = -1",
            "x(0.5), x.ts[0]",
        ),
        mutable(
            "signal.TransferFunction",
            "sg.TransferFunction([1], [1, 2])",
            "y.num = [3]",
            "x.num, x.den",
        ),
        mutable(
            "signal.StateSpace", "sg.StateSpace([[1]], [[1]], [[1]], [[0]])", "y.A = [[2]]", "x.A"
        ),
        mutable("signal.dlti", "sg.dlti([1], [1, 2], dt=0.1)", "y.num = [4]", "x.num, x.dt"),
        mutable(
            "cluster.hierarchy.ClusterNode",
            "ch.to_tree(ch.linkage([[0], [1], [5]]))",
            "y.left.id = 9",
            "x.left.id, x.count",
        ),
    ),
)
