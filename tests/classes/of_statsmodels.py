"""statsmodels: models and results."""

from .specimen import Library, mutable

_OLS = "m = sm.OLS([1.0, 2, 4, 5], sm.add_constant([1.0, 2, 3, 5]))"

STATSMODELS = Library(
    "statsmodels",
    ("numpy", "pandas", "statsmodels"),
    "import numpy as np, pandas as pd, statsmodels.api as sm, statsmodels.formula.api as smf\n"
    "from statsmodels.tsa.api import AutoReg, ExponentialSmoothing\n"
    "from statsmodels.tsa.arima.model import ARIMA\n"
    "d = pd.DataFrame({'u': [1.0, 2, 4, 5, 7, 7], 'v': [1.0, 2, 3, 5, 6, 8]})",
    (
        mutable("OLS", f"{_OLS}; x = m", "y.endog[0] = 9", "x.fit().params"),
        mutable(
            "RegressionResults", f"{_OLS}; x = m.fit()", "y.params[0] = 9", "x.predict([1, 2])"
        ),
        mutable(
            "RegressionResults (formula)",
            "smf.ols('u ~ v', d).fit()",
            "y._results.params[0] = 9",
            "x.predict({'v': [1.0]}).tolist()",
        ),
        mutable(
            "WLS",
            "sm.WLS([1.0, 2, 4], [1.0, 2, 3], weights=[1, 2, 1])",
            "y.wendog[0] = 9",
            "x.fit().params",
        ),
        mutable(
            "GLM",
            "sm.GLM([1, 2, 4], [1.0, 2, 3], family=sm.families.Poisson())",
            "y.endog[0] = 3",
            "x.fit().params.round(6)",
        ),
        mutable(
            "GLMResults",
            "sm.GLM([1, 2, 4], [1.0, 2, 3]).fit()",
            "y.params[0] = 9",
            "x.predict([1.0])",
        ),
        mutable(
            "Logit",
            "sm.Logit([0, 1, 0, 1], [[1.0], [2], [3], [4]])",
            "y.endog[0] = 1",
            "x.fit(disp=0).params.round(6)",
        ),
        mutable(
            "RLM",
            "sm.RLM([1.0, 2, 4, 9], [1.0, 2, 3, 4])",
            "y.endog[0] = 5",
            "x.fit().params.round(6)",
        ),
        mutable(
            "AutoReg",
            "AutoReg(d.u.to_numpy().copy(), 1)",
            "y.endog[2] = 9",
            "x.endog.ravel().tolist()",
        ),
        mutable(
            "ARIMA",
            "ARIMA(d.u.to_numpy(), order=(1, 0, 0))",
            "y.endog[2] = 9",
            "x.endog.ravel().tolist(), x.order",
        ),
        mutable(
            "ARIMAResults",
            "ARIMA(d.u.to_numpy(), order=(1, 0, 0)).fit()",
            "y.note = 1",
            "x.params.tolist(), vars(x).get('note')",
        ),
        mutable(
            "ExponentialSmoothing",
            "ExponentialSmoothing(d.u.to_numpy().copy(), trend='add')",
            "y.endog[2] = 9",
            "x.endog.tolist()",
        ),
        mutable(
            "VAR",
            "from statsmodels.tsa.api import VAR; x = VAR(d.to_numpy().copy())",
            "y.endog[1, 0] = 9",
            "x.fit(1).params.round(6)",
        ),
        mutable(
            "nonparametric.KDEUnivariate",
            "sm.nonparametric.KDEUnivariate([1.0, 2, 4])",
            "y.fit(bw=0.5)",
            "getattr(x, 'density', [0])[0], getattr(x, 'bw', 0)",
        ),
        mutable(
            "SimpleTable",
            f"{_OLS}; x = m.fit().summary().tables[1]",
            "y[1][0].data = 'zz'",
            "x.as_text()",
        ),
        mutable(
            "Summary",
            f"{_OLS}; x = m.fit().summary2()",
            "y.add_title('T')",
            "x.title, x.tables[1].shape",
        ),
    ),
)
