"""A verifier of one's own inside a pipeline: it is asked about declared machine text, and only that is affected."""

import pyarrow as pa
import pytest
from apache_beam.ml.inference.base import ModelHandler, RemoteModelHandler

from curate.errors import UsageError
from curate.transforms import Curate, ReweightClusters, TextVerifier

ASKED = []


class Judge(ModelHandler):
    """Says yes, no, or fails, by what it is told and the text."""

    def __init__(self, answer, **options):
        super().__init__(**options)
        self._answer = answer

    def load_model(self):
        return self._answer

    def run_inference(self, batch, model, inference_args=None):
        ASKED.extend(batch)
        return [model(text) for text in batch]


def verifier(answer=lambda text: True, **options):
    return TextVerifier(Judge(answer, **options), "judge", "1")


def without_answers(ledger):
    """A ledger without what the verifier said."""
    return [
        {**row, "evidence": [item for item in row["evidence"] or [] if item["kind"] != "verifier"]} for row in ledger
    ]


@pytest.fixture(scope="module")
def accepted(apply, ledger_of, documents, settings):
    ASKED.clear()
    found = apply(Curate(settings, verifier=verifier()), documents)
    return ledger_of(found["ledger"]), list(ASKED)


def test_it_changes_nothing_if_it_accepts_all(accepted, ledger):
    """So all that the policy makes fill was asked about."""
    assert without_answers(accepted[0]) == without_answers(ledger)
    filled = [row for row in ledger if row["decision"] == "kept" and row["tier"] == "declared_synthetic"]
    assert filled


def test_it_is_asked_about_declared_machine_text_alone(accepted, documents):
    declared = {row["text"] for row in documents if row["origin"] == "synthetic" and not row["id"].startswith("disp")}
    assert set(accepted[1]) == declared
    assert len(accepted[1]) == len(declared)
    asked = {row["id"] for row in accepted[0] if any(item["kind"] == "verifier" for item in row["evidence"] or [])}
    assert asked == {row["id"] for row in documents if row["text"] in declared and row["origin"] == "synthetic"}


def failing(text):
    raise ValueError("no answer")


@pytest.mark.parametrize(
    ("answer", "detail"),
    [(lambda text: 0.2, "refused, 0.20"), (failing, "it failed"), (lambda text: None, "it failed")],
)
def test_without_its_word_nothing_is_filled_and_the_rest_stays(
    apply, ledger_of, documents, settings, ledger, answer, detail
):
    config = {**settings, "run": {"max_error_rate": 1.0}}
    found = ledger_of(apply(Curate(config, verifier=verifier(answer)), documents)["ledger"])
    for row, before in zip(found, ledger, strict=True):
        if row["tier"] != "declared_synthetic":
            assert {**row, "evidence": None} == {**before, "evidence": None}
        elif before["decision"] == "kept" or before["reason"] == "no_shortage":
            assert (row["decision"], row["stage"], row["reason"]) == ("dropped", "mixture", "unverified")
            assert [item["detail"] for item in row["evidence"] if item["kind"] == "verifier"] == [detail]


@pytest.mark.parametrize("batch", [None, 5])
def test_blocks_and_batches_do_not_matter(apply, ledger_of, documents, settings, batch):
    def answer(text):
        return (len(text) % 10) / 10

    one = apply(Curate(settings, verifier=verifier(answer)), documents)
    other = apply(Curate(settings, verifier=verifier(answer, max_batch_size=batch)), documents[::-1])
    assert ledger_of(other["ledger"]) == ledger_of(one["ledger"])


def test_most_answers_failing_fails_the_run(apply, documents, settings):
    block = pa.Table.from_pylist(documents)
    with pytest.raises(RuntimeError, match=r"verifier judge-1 failed on \d\d of \d\d texts of a block; ValueError"):
        apply(ReweightClusters(config=settings, verifier=verifier(failing)), [block])


def test_answers_of_another_kind_end_the_run(apply, documents, settings):
    with pytest.raises(UsageError, match="the verifier gave 'yes', expected a bool or a probability"):
        apply(ReweightClusters(config=settings, verifier=verifier(lambda text: "yes")), documents)


class Remote(RemoteModelHandler):
    """A judge behind an interface, as large language models are."""

    def create_client(self):
        return lambda text: text[:30].upper()

    def request(self, batch, model, inference_args=None):
        return [f"VERDICT: {'NO' if 'BA' in model(text) else 'YES'}" for text in batch]


def test_a_judge_behind_an_interface(apply, ledger_of, documents, settings):
    given = TextVerifier(Remote("judge"), "llm", "1", accept=lambda answer: answer.endswith("YES"))
    found = ledger_of(apply(ReweightClusters(config=settings, verifier=given), documents)["ledger"])
    texts = {row["id"]: row["text"] for row in documents}
    said = {row["id"]: item["detail"] for row in found for item in row["evidence"] or [] if item["kind"] == "verifier"}
    assert len(set(said.values())) == 2
    for id, detail in said.items():
        assert detail == ("refused, 0.00" if "ba" in texts[id][:30] else "accepted, 1.00")


def test_arguments_and_settings():
    with pytest.raises(UsageError, match="handler of a verifier is a str"):
        TextVerifier("gpt", "a", "1")
    with pytest.raises(UsageError, match=r"mixture.verifier is 'a:b', but the verifier judge-1 is given too"):
        Curate({"mixture": {"verifier": "a:b"}}, verifier=verifier())
