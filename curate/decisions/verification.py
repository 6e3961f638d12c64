"""Verification: a verifier of the user's says which declared machine text may fill shortages.

Its answers are kept among the features as float32: the probability that the text is fit, NaN where it failed, null
where it was not asked. A decision holds them against `mixture.verifier_threshold`, so that it needs no model.
"""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Config
from curate.errors import UsageError
from curate.provenance.evidence import QUALITY, one_per_row
from curate.provenance.origin import SYNTHETIC, own_class
from curate.provenance.rights import denied, rights_verdict

REASON = "unverified"
KIND = "verifier"
FAILED = "it failed"

TEXT, ANSWER = "curate:text", "curate:verification"
"""Columns beside the features: the texts that the verifier is asked about, and what it answers."""


def as_probability(answer: Any) -> float:
    """The probability that a text is fit to fill shortages.

    Args:
        answer: of a verifier: a bool, or a number between 0 and 1, of any library.

    Raises:
        UsageError: it is something else.
        ValueError: it is None or NaN: no answer.
    """
    probability = float(answer) if hasattr(answer, "__float__") else None
    if answer is None or (probability is not None and math.isnan(probability)):
        raise ValueError("the verifier gave no answer")
    if probability is not None and 0 <= probability <= 1:
        return probability
    raise UsageError(
        f"the verifier gave {str(answer)[:100]!r}, expected a bool or a probability; give TextVerifier an `accept` "
        "that makes one of it"
    )


def could_fill(features: pa.Table, config: Config) -> NDArray[np.bool_]:
    """Documents that a decision under these settings may make fill, if they pass the gate of quality and copy nothing.

    Args:
        features: `curate.schema.features`, n rows.
        config: settings.

    Returns:
        bool[n]: declared machine text that can have a cluster and whose rights allow its use.
    """
    if not (config.mixture.enabled and config.provenance.enabled):
        return np.zeros(features.num_rows, dtype=bool)
    own, _, evidence = own_class(features, config)
    clustered = pc.or_(features["embedding"].is_valid(), features["group"].is_valid())
    read = pc.and_(features["read_reason"].is_null(), clustered).to_numpy()
    return (own == SYNTHETIC) & read & ~denied(rights_verdict(evidence), config.provenance)


def with_questions(features: pa.Table, texts: pa.Array, config: Config) -> pa.Table:
    """The features with the texts, strings[n], that the verifier is to be asked about; null for the others."""
    asked = pa.array(could_fill(features, config))
    return features.append_column(TEXT, pc.if_else(asked, texts, pa.scalar(None, texts.type)))


def with_answers(answered: pa.Table) -> pa.Table:
    """The features with the answers in their column, and without the texts."""
    answers = pc.if_else(answered[TEXT].is_valid(), pc.fill_null(answered[ANSWER], math.nan), answered[ANSWER])
    features = answered.drop_columns([TEXT, ANSWER])
    return features.set_column(features.schema.get_field_index("verification"), "verification", answers)


def is_verified(documents: pa.Table, config: Config) -> NDArray[np.bool_]:
    """Documents that may fill as far as a verifier goes, bool[n]: all where there is none, and what has no cluster.

    Args:
        documents: columns verification and cluster.
        config: settings.
    """
    if not config.mixture.asks_verifier():
        return np.ones(documents.num_rows, dtype=bool)
    return is_accepted(documents["verification"], config) | documents["cluster"].is_null().to_numpy()


def is_accepted(verification: pa.ChunkedArray, config: Config) -> NDArray[np.bool_]:
    """Whether the answers are a yes, bool[n]; false where there is none."""
    threshold = pa.scalar(config.mixture.verifier_threshold, pa.float32())
    return pc.greater_equal(verification, threshold).fill_null(False).to_numpy()


def verification_evidence(verification: pa.ChunkedArray, config: Config) -> pa.Array:
    """What the verifier said of those that it was asked about, EVIDENCE_LIST[n]; it tells nothing of origin."""
    asked = verification.is_valid().to_numpy()
    detail = np.full(len(asked), None, dtype=object)
    answers, accepted = verification.drop_null().to_pylist(), is_accepted(verification, config)[asked]
    detail[asked] = [_told(*answer) for answer in zip(answers, accepted, strict=True)]
    return one_per_row(asked, QUALITY, KIND, "unknown", 0.0, pa.array(detail, pa.string()))


def _told(answer: float, accepted: bool) -> str:
    return FAILED if math.isnan(answer) else f"{'accepted' if accepted else 'refused'}, {answer:.2f}"
