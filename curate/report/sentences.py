"""Evidence in sentences: what each kind of it means, for whoever asks why a document was dropped."""

from collections.abc import Sequence
from typing import Any

Item = dict[str, Any]

# By kind; {detail} is what was seen. Kinds that are not here are told by their names.
MEANINGS = {
    "c2pa_trusted": "Content credentials, signed by someone on the trust list: {detail}",
    "c2pa_valid": "Valid content credentials, signed by someone who is on no trust list: {detail}",
    "c2pa_invalid": "Its content credentials do not verify, so they count for nothing: {detail}",
    "c2pa_remote": "It only names the place of its content credentials, {detail}",
    "c2pa_unreadable": "It could not be read for content credentials: {detail}",
    "generator": "Its metadata are those of a generator: {detail}",
    "iptc_source_type": "Its metadata name a digital source type, unsigned: {detail}",
    "iptc_ai_system": "Its metadata name an AI system that made it, unsigned: {detail}",
    "schema_source_type": "Its markup names a digital source type, unsigned: {detail}",
    "schema_author": "Its markup names a program as its author: {detail}",
    "camera": "Its metadata name a camera, which anybody can write: {detail}",
    "metadata_unreadable": "Its metadata could not be read: {detail}",
    "capture_date": "It was captured on {detail}, before the cut-off, when no chat model could have written it",
    "declared_date": "It is said to have been published on {detail}, before the cut-off",
    "source_list": "The operator knows the origin of its source, {detail}",
    "origin_column": "The row itself declares: {detail}",
    "dataset": "The metadata of its data set tell: {detail}",
    "parent": "It was made from the document {detail}",
    "copy_of_synthetic": "It is a copy of {detail}, which is declared machine text",
    "copy_of_capture": "It is a copy of {detail}, which was captured before the cut-off",
    "gate": "Its quality is below that of nearly all people's texts in its language: {detail}",
    "verifier": "The verifier was asked whether it may fill shortages: {detail}",
    "answer": "A reviewer answered: {detail}",
}

RULE = "It breaks a rule of quality that drops (quality.drop): {detail}"

RIGHTS_MEANINGS = {
    "training_mining": "its content credentials ({detail})",
    "rights_column": "its rights column ({detail})",
    "content_usage": "its Content-Usage header ({detail})",
    "robots": "its robots tag ({detail})",
    "tdm_reservation": "its TDM reservation ({detail})",
    "plus_data_mining": "the data mining property of its metadata ({detail})",
    "xmp_rights": "the statement of rights in its metadata ({detail})",
    "license": "its licence ({detail})",
    "source_rights": "the rule for its source ({detail})",
    "dataset_license": "the licence of its data set ({detail})",
    "dataset_usage": "the terms of its data set ({detail})",
}

_SILENT = ("marker", "quality")


def sentence(item: Item) -> str:
    """One item of evidence about origin, and how much it weighs."""
    meaning = MEANINGS.get(item["kind"], RULE if item["family"] == "quality" else None)
    detail = (item["detail"] or "").rstrip(".")
    if meaning is None:
        told = f"{item['family'].capitalize()}, {item['kind']}" + (f": {detail}" if detail else "")
    else:
        told = meaning.format(detail=detail or "no details")
    return f"{told}. {_weight(item)}"


def rights_sentence(verdict: str | None, evidence: Sequence[Item]) -> str:
    """What a document's rights are and on what that rests; empty where nothing is said of them."""
    items = [item for item in evidence if item["family"] == "rights"]
    if not items:
        return ""
    bases = [f"{item['claim']} by {_basis(item)}" for item in items]
    most = " (the most restrictive holds)" if len({item["claim"] for item in items}) > 1 else ""
    return f"Its rights: {verdict}{most}, since they are told as {'; '.join(bases)}."


def _basis(item: Item) -> str:
    return RIGHTS_MEANINGS.get(item["kind"], item["kind"] + " ({detail})").format(detail=item["detail"])


def _weight(item: Item) -> str:
    if item["family"] in _SILENT or (item["claim"] == "unknown" and not item["llr"]):
        return "It says nothing of origin."
    return f"It speaks for {item['claim'] or 'unknown'}{_strength(item['llr'])}."


def _strength(llr: float | None) -> str:
    """A log likelihood ratio in words; 3 nats are odds of 20 to 1."""
    if llr is None or llr == 0:
        return ""
    strength = "strong" if abs(llr) >= 3 else "moderate" if abs(llr) >= 1 else "weak"
    return f" ({strength}, {llr:+.2f} nats towards {'synthetic' if llr > 0 else 'human'})"
