"""The classifiers of scikit-learn: what they are tried with, and how sure they are of each class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from trichord.experiments.baseline.features import Floats, Given

Settings: TypeAlias = Mapping[str, Any]
Split: TypeAlias = Callable[[str], list[str]]

TREES = 300
LEAST_PROBABILITY = 1e-4
"""What a class has that none of the neighbours or trees named."""

GRIDS: dict[str, tuple[Settings, ...]] = {
    "svm": tuple({"kernel": "rbf", "C": c} for c in (10.0, 1.0, 100.0))
    + tuple({"kernel": "linear", "C": c} for c in (0.01, 1.0)),
    "knn": tuple({"n_neighbors": k, "weights": "distance"} for k in (5, 1, 3, 9, 15)),
    "forest": tuple({"max_features": share, "min_samples_leaf": leaf}
                    for share, leaf in (("sqrt", 1), ("sqrt", 3), (0.05, 1))),
    "naive_bayes": tuple({"smoothing": value} for value in (0.1, 1e-3, 1e-2, 1.0)),
    "logistic": tuple({"C": value} for value in (0.01, 1e-3, 0.1, 1.0, 10.0)),
}  # fmt: skip
"""What each is tried with; where nothing validates, the first is taken."""


class Classifier:
    """A classifier of rows or of text, learned from labels that are numbers of classes.

    Rows are brought to mean 0 and deviation 1; text becomes TF-IDF of its tokens, as `split` gives them, and
    of their runs of `longest` at most. `balanced` makes every class weigh the same, where a method can.
    """

    def __init__(
        self, kind: str, settings: Settings, *, split: Split | None = None, longest: int = 1,
        balanced: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        self.kind, self.settings, self.split, self.longest = kind, settings, split, longest
        self.balanced, self.seed = balanced, seed
        self.pipeline: Any = None

    def fit(self, rows: Sequence[Given], labels: NDArray[np.intp]) -> Classifier:
        first: Any = StandardScaler()
        if self.split is not None:
            first = TfidfVectorizer(tokenizer=self.split, token_pattern=None, lowercase=False,
                                    ngram_range=(1, self.longest), sublinear_tf=True)  # fmt: skip
        self.pipeline = make_pipeline(first, self.estimator(labels))
        with catch_warnings():
            # Rounds enough, or the grid's other settings are better.
            simplefilter("ignore", ConvergenceWarning)
            self.pipeline.fit(self.given(rows), labels)
        return self

    def estimator(self, labels: NDArray[np.intp]) -> Any:
        weight = "balanced" if self.balanced else None
        settings = dict(self.settings)
        match self.kind:
            case "svm":
                return SVC(**settings, class_weight=weight)
            case "knn":
                neighbours = min(settings.pop("n_neighbors"), len(labels))
                return KNeighborsClassifier(neighbours, **settings)
            case "forest":
                return RandomForestClassifier(TREES, **settings, class_weight=weight, random_state=self.seed)
            case "logistic":
                return LogisticRegression(**settings, class_weight=weight, max_iter=1000)
        if self.split is not None:
            return MultinomialNB(alpha=settings["smoothing"], fit_prior=not self.balanced)
        classes = len(np.unique(labels))
        priors = np.full(classes, 1 / classes) if self.balanced else None
        return GaussianNB(priors=priors, var_smoothing=settings["smoothing"])

    def logits(self, rows: Sequence[Given]) -> Floats:
        """Return how much speaks for each class, `(rows, classes)`; the largest is the answer."""
        given = self.given(rows)
        if self.kind == "svm":  # its own probabilities come from another fit, and may name another class
            margins = np.asarray(self.pipeline.decision_function(given), np.float64)
            return margins if margins.ndim == 2 else np.stack([-margins, margins], 1)
        if self.kind in ("knn", "forest"):
            shares = np.asarray(self.pipeline.predict_proba(given), np.float64)
            return np.log(np.maximum(shares, LEAST_PROBABILITY))
        return np.asarray(self.pipeline.predict_log_proba(given), np.float64)

    def given(self, rows: Sequence[Given]) -> Any:
        return list(rows) if self.split is not None else np.stack([np.asarray(row) for row in rows])
