"""The classes that people use: how each is made, modified and looked at, by library."""

from .of_builtins import BUILTINS
from .of_data import DATA
from .of_frames import POLARS, PYARROW, XARRAY
from .of_learning import SKLEARN
from .of_matplotlib import MATPLOTLIB
from .of_numpy import NUMPY
from .of_pandas import PANDAS
from .of_scipy import SCIPY
from .of_statsmodels import STATSMODELS
from .of_stdlib import TOOLS
from .of_symbols import NETWORKX, PIL, SYMPY
from .of_system import SYSTEM
from .of_torch import TORCH

# those of a row run in one notebook: a kernel takes longer to start than their cells do
ROWS = (
    (BUILTINS, DATA, TOOLS, SYSTEM),
    (NUMPY, SCIPY),
    (PANDAS, POLARS, PYARROW, XARRAY),
    (MATPLOTLIB, SYMPY, NETWORKX, PIL),
    (SKLEARN, STATSMODELS),
    (TORCH,),
)
LIBRARIES = tuple(library for row in ROWS for library in row)
BY_TITLE = {library.title: library for library in LIBRARIES}
