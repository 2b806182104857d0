"""What a network must beat on the same texts: the commonest class, and a bag of words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mlcore.evaluator.classification import classification_metrics
from mldata.labelled_text import EncodedTexts
from mldata.tokenizers import Tokenizer
from numpy.typing import NDArray

MOST_TEXTS = 20_000  # of the training texts; more take minutes and change little
_RULED_OUT = 1e-6  # probability of a class that a baseline never saw


def fit_baselines(
    train: EncodedTexts, texts: EncodedTexts, tokenizer: Tokenizer, classes: Sequence[str]
) -> dict[str, Any]:
    """Accuracy with its interval and cross-entropy of every baseline on `texts`. They read what the network reads: the
    same tokens, cut at the same place, the same words unknown."""
    shares = np.bincount(train.labels, minlength=len(classes)) / len(train)
    priors = np.tile(shares, (len(texts), 1))
    found = {
        "commonest_class": _figures(priors, texts, classes) | {"method": "the classes' shares in training"}
    }
    num_texts = min(len(train), MOST_TEXTS)
    if len(set(train.labels[:num_texts].tolist())) > 1:
        how = f"scikit-learn: logistic regression on TF-IDF of words and pairs, {num_texts:,} training texts"
        probabilities = bag_of_words(train, texts, tokenizer, len(classes))
        found["bag_of_words"] = _figures(probabilities, texts, classes) | {"method": how}
    return found


def bag_of_words(
    train: EncodedTexts, texts: EncodedTexts, tokenizer: Tokenizer, num_classes: int
) -> NDArray[np.float64]:
    """Probabilities (N, K) of a logistic regression on TF-IDF weights."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    read, wanted = ([tokenizer.decode(tokens) for tokens in part.tokens] for part in (train, texts))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    features = vectorizer.fit_transform(read[:MOST_TEXTS])
    classifier = LogisticRegression(C=4.0, max_iter=200).fit(features, train.labels[:MOST_TEXTS])
    probabilities = np.zeros((len(texts), num_classes))
    probabilities[:, classifier.classes_] = classifier.predict_proba(vectorizer.transform(wanted))
    return probabilities


def _figures(
    probabilities: NDArray[np.float64], texts: EncodedTexts, classes: Sequence[str]
) -> dict[str, Any]:
    logits = np.log(np.clip(probabilities, _RULED_OUT, None))
    metrics = classification_metrics(logits, texts.labels, classes).as_dict()
    return {key: metrics[key] for key in ("accuracy", "accuracy_interval", "loss")}
