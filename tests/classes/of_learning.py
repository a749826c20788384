"""scikit-learn: what is fitted, and fitted again."""

from .specimen import Library, Specimen, mutable

_DATA = "X = np.array([[0.0, 1], [1, 0], [2, 5], [3, 1], [4, 4], [5, 2]]); t = np.array([0, 0, 1, 0, 1, 1])"


def _fitted(place: str, arguments: str, change: str, show: str = "") -> Specimen:
    """Give an estimator that was fitted; what it predicts is what it shows."""
    module, name = place.split(".")
    made = f"from sklearn.{module} import {name}\nx = {name}({arguments}).fit(X, t)"
    return mutable(place, made, change, show or "x.predict(X).round(6).tolist()")


_REFIT = "y.fit(X[::-1] + 1, t)"
_TRANSFORMED = "np.asarray(x.transform(X)).round(6).tolist()"

SKLEARN = Library(
    "scikit-learn",
    ("numpy", "sklearn"),
    f"import numpy as np; {_DATA}",
    (
        _fitted("linear_model.LinearRegression", "", _REFIT),
        _fitted("linear_model.LogisticRegression", "", "y.fit(X, 1 - t)"),
        _fitted("linear_model.Ridge", "", "y.set_params(alpha=50.0).fit(X, t)"),
        _fitted("linear_model.Lasso", "alpha=0.1", "y.coef_[0] = 5"),
        _fitted(
            "linear_model.SGDClassifier",
            "random_state=0",
            "y.partial_fit(X + 9, 1 - t)",
            "x.coef_.tolist(), x.t_",
        ),
        _fitted(
            "linear_model.SGDRegressor", "random_state=0", "y.partial_fit(X, t)", "x.coef_.tolist()"
        ),
        _fitted(
            "linear_model.Perceptron",
            "random_state=0",
            "y.partial_fit(X + 9, 1 - t)",
            "x.coef_.tolist()",
        ),
        _fitted("tree.DecisionTreeClassifier", "random_state=0", "y.fit(X, 1 - t)"),
        _fitted("tree.DecisionTreeRegressor", "random_state=0", _REFIT),
        _fitted(
            "ensemble.RandomForestClassifier",
            "5, random_state=0",
            "y.set_params(n_estimators=7, warm_start=True).fit(X, t)",
            "len(x.estimators_), x.predict_proba(X).tolist()",
        ),
        _fitted("ensemble.GradientBoostingRegressor", "n_estimators=3, random_state=0", _REFIT),
        _fitted("ensemble.HistGradientBoostingRegressor", "max_iter=3, min_samples_leaf=1", _REFIT),
        _fitted(
            "ensemble.IsolationForest",
            "n_estimators=5, random_state=0",
            "y.fit(X + X[::-1] ** 2)",
            "x.score_samples(X).tolist()",
        ),
        _fitted("svm.SVC", "", "y.fit(X, 1 - t)"),
        _fitted(
            "svm.LinearSVC", "random_state=0", "y.coef_ *= 2", "x.decision_function(X).tolist()"
        ),
        _fitted("neighbors.KNeighborsClassifier", "1", "y.fit(X, 1 - t)"),
        _fitted(
            "neighbors.NearestNeighbors",
            "n_neighbors=2",
            "y.set_params(n_neighbors=1)",
            "x.kneighbors(X)[1].tolist()",
        ),
        _fitted("neighbors.KernelDensity", "", "y.fit(X + 2)", "x.score_samples(X).tolist()"),
        _fitted("naive_bayes.GaussianNB", "", "y.partial_fit(X + 5, t)", "x.theta_.tolist()"),
        _fitted(
            "naive_bayes.MultinomialNB", "", "y.partial_fit(X, 1 - t)", "x.feature_count_.tolist()"
        ),
        _fitted(
            "neural_network.MLPClassifier",
            "(3,), max_iter=3, random_state=0",
            "y.partial_fit(X, t)",
            "[c.tolist() for c in x.coefs_], x.t_",
        ),
        _fitted("gaussian_process.GaussianProcessRegressor", "", _REFIT),
        _fitted("cluster.KMeans", "2, random_state=0, n_init=1", "y.cluster_centers_[0] = 99"),
        _fitted(
            "cluster.MiniBatchKMeans",
            "2, random_state=0, n_init=1",
            "y.partial_fit(X + 9)",
            "x.cluster_centers_.tolist()",
        ),
        _fitted("cluster.DBSCAN", "2.5, min_samples=2", "y.fit(X * 9)", "x.labels_.tolist()"),
        _fitted(
            "cluster.AgglomerativeClustering",
            "2",
            "y.set_params(n_clusters=3).fit(X)",
            "x.labels_.tolist()",
        ),
        _fitted(
            "mixture.GaussianMixture", "2, random_state=0", "y.means_[0] = 9", "x.means_.tolist()"
        ),
        _fitted("decomposition.PCA", "1", _REFIT, "abs(x.transform(X)).round(6).tolist()"),
        _fitted("decomposition.IncrementalPCA", "1", "y.partial_fit(X * 3)", _TRANSFORMED),
        _fitted(
            "decomposition.NMF",
            "1, init='random', random_state=0",
            "y.components_ *= 2",
            "x.components_.tolist()",
        ),
        _fitted("preprocessing.StandardScaler", "", "y.partial_fit(X * 9)", _TRANSFORMED),
        _fitted("preprocessing.MinMaxScaler", "", "y.partial_fit(X * 9)", _TRANSFORMED),
        _fitted(
            "preprocessing.PolynomialFeatures",
            "2",
            "y.set_params(include_bias=False).fit(X)",
            _TRANSFORMED,
        ),
        _fitted(
            "preprocessing.OneHotEncoder",
            "handle_unknown='ignore'",
            _REFIT,
            "x.transform(X).toarray().tolist()",
        ),
        _fitted(
            "preprocessing.FunctionTransformer",
            "lambda v: v * 2",
            "y.set_params(func=lambda v: v + 1)",
            _TRANSFORMED,
        ),
        _fitted("impute.SimpleImputer", "", _REFIT, "x.statistics_.tolist()"),
        _fitted("feature_selection.SelectKBest", "k=1", "y.set_params(k=2)", _TRANSFORMED),
        mutable(
            "preprocessing.LabelEncoder",
            "from sklearn.preprocessing import LabelEncoder; x = LabelEncoder().fit(['a', 'b'])",
            "y.fit(['b', 'c'])",
            "x.classes_.tolist()",
        ),
        mutable(
            "feature_extraction.text.CountVectorizer",
            "from sklearn.feature_extraction.text import CountVectorizer\nx = CountVectorizer().fit(['a bc de'])",
            "y.fit(['xy zz'])",
            "sorted(x.vocabulary_)",
        ),
        mutable(
            "feature_extraction.text.TfidfVectorizer",
            "from sklearn.feature_extraction.text import TfidfVectorizer\nx = TfidfVectorizer().fit(['a bc de', 'de'])",
            "y.fit(['de de'])",
            "x.transform(['de bc']).toarray().tolist()",
        ),
        mutable(
            "pipeline.Pipeline",
            "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\nfrom sklearn.linear_model import Ridge\nx = make_pipeline(StandardScaler(), Ridge()).fit(X, t)",
            "y[-1].coef_[0] = 7",
            "x.predict(X).tolist()",
        ),
        mutable(
            "compose.ColumnTransformer",
            "from sklearn.compose import ColumnTransformer\nfrom sklearn.preprocessing import StandardScaler\nx = ColumnTransformer([('s', StandardScaler(), [0])]).fit(X)",
            "y.fit(X * 3)",
            _TRANSFORMED,
        ),
        mutable(
            "model_selection.GridSearchCV",
            "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge\nx = GridSearchCV(Ridge(), {'alpha': [0.1, 9]}, cv=2).fit(X, t)",
            "y.fit(X, X[:, 0])",
            "x.best_params_, x.predict(X).tolist()",
        ),
        mutable(
            "model_selection.KFold",
            "from sklearn.model_selection import KFold; x = KFold(2)",
            "y.n_splits = 3",
            "[b.tolist() for a, b in x.split(X)]",
        ),
        mutable("utils.Bunch", "from sklearn.utils import Bunch; x = Bunch(a=1)", "y.b = 2"),
    ),
)
