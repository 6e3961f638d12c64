"""The false-positive rates that calibration promises, on real trusted human documents that are not in it."""

import math
import os
from pathlib import Path

import pytest
from bench_calibration import measure, read

DATA = Path(os.environ.get("CURATE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
MIXED, TRUTH = DATA / "mixed_corpus.parquet", DATA / "mixed_corpus_truth.parquet"
LABELLED = [DATA / "detector_train.parquet", DATA / "detector_dev.parquet"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.corpus,
    pytest.mark.skipif(not MIXED.exists(), reason="the shared evaluation corpus is not here"),
]


@pytest.mark.parametrize("corpus", ["mixed", "labelled"])
def test_rates_of_people_who_did_not_calibrate(corpus, tmp_path):
    given = ([MIXED], TRUTH, "source") if corpus == "mixed" else (LABELLED, None, "domain")
    measured = measure(read(*given), tmp_path)
    overall = [rate for rate in measured if rate.kind == "all"]
    assert [rate.place() for rate in overall] == ["in", "in"]
    known = [rate for rate in measured if rate.kind in ("language", "source")]
    assert len(known) > 10
    # The band is that of the people judged; those who calibrated vary as much, so that some rates lie outside.
    assert sum(rate.place() == "HIGH" for rate in known) <= 1 + len(known) // 20
    for rate in known:
        deviation = math.sqrt(rate.alpha * (1 - rate.alpha) * (1 / rate.n + 1 / rate.calibrated))
        assert rate.above / rate.n < rate.alpha + 3.3 * deviation + 1 / rate.n, rate
        if rate.calibrated >= 250 and not rate.uncalibrated:  # smaller groups take the larger of two thresholds
            assert rate.above / rate.n > rate.alpha - 3.3 * deviation - 1 / rate.n, rate
