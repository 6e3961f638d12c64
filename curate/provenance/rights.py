"""Rights: may a document be used for training. An axis of its own that never moves the verdict on origin.

Each basis is an item of evidence of the family `rights` whose claim is its verdict; of several the most restrictive
holds, as AIPREF asks where preferences are combined (draft-ietf-aipref-vocab).
"""

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Provenance
from curate.provenance.evidence import RIGHTS, Evidence, list_lengths, one_chunk

VERDICTS = ("unknown", "allow", "constrained", "deny")  # the later one wins
UNKNOWN, ALLOW, CONSTRAINED, DENY = VERDICTS

_WORDS = {
    **dict.fromkeys(("allow", "allowed", "permitted"), ALLOW),
    **dict.fromkeys(("constrained", "restricted"), CONSTRAINED),
    **dict.fromkeys(("deny", "denied", "disallow", "disallowed", "notallowed"), DENY),
    **dict.fromkeys(("prohibited", "forbidden", "optout", "noai"), DENY),
}
_TRUE, _FALSE = ("1", "true", "yes"), ("0", "false", "no")
_PREFERENCE = re.compile(r"(?:^|,)\s*([a-z*][a-z0-9_.*-]*)\s*=\s*\??([yn01])(?=\s*(?:;|,|$))", re.ASCII)


def rights_item(kind: str, verdict: str, detail: str) -> Evidence:
    """What one basis says of rights, as evidence without weight on origin."""
    return Evidence(RIGHTS, kind, verdict, 0.0, detail)


def training_mining(use: str | None, *, explained: bool, valid: bool) -> str:
    """The verdict of the training-mining assertions in content credentials.

    A refusal is honoured whatever the state of the signature; a permission needs a valid one. `constrained` without
    constraints means notAllowed (CAWG Training and Data Mining Assertion 1.1).

    Args:
        use: the strictest use among the entries: notAllowed, constrained or allowed; None without any.
        explained: every `constrained` entry says what its constraints are.
        valid: the validation state of the store is Trusted or Valid.
    """
    if use == "notAllowed" or (use == "constrained" and not explained):
        return DENY
    if use == "constrained":
        return CONSTRAINED
    return ALLOW if use == "allowed" and valid else UNKNOWN


def rights_word(value: str) -> str:
    """The verdict of a word such as `deny`, `notAllowed` or `noai`, or of a preference such as `train-ai=n`."""
    return _WORDS.get(re.sub(r"[\s_-]", "", value.lower())) or content_usage(value)


def content_usage(value: str) -> str:
    """The verdict of an AIPREF preference, as in the header `Content-Usage: train-ai=n, search=y`.

    Keys are AIPREF's categories; of a key that comes twice, as headers combined do, n holds. What is said of search
    and of unknown categories does not matter to training.

    Source: draft-ietf-aipref-attach (the header, a structured field dictionary), draft-ietf-aipref-vocab (categories).
    """
    stated: dict[str, bool] = {}
    for key, answer in _PREFERENCE.findall(value.lower().removeprefix("content-usage:")):
        stated[key] = stated.get(key, True) and answer in "y1"
    training = [stated[category] for category in ("train-ai", "train-genai") if category in stated]
    answers = training or [stated[category] for category in ("bots",) if category in stated]
    if not answers:
        return UNKNOWN
    return ALLOW if all(answers) else DENY


def robots(value: str, *, media: bool = False) -> str:
    """The verdict of a robots meta tag or an X-Robots-Tag header: `noai`, and for media `noimageai`, refuse.

    A boolean, told as true or false or as 1 or 0, says whether use by AI is refused.
    """
    directives = {"noai", "noimageai"} if media else {"noai"}
    refused = value.strip().lower() in _TRUE or directives & set(re.split(r"[\s,;:]+", value.lower()))
    return DENY if refused else UNKNOWN


def tdm_reservation(reservation: str, policy: str | None = None) -> str:
    """The verdict of a TDM reservation: 1 reserves the rights, and a policy says under which terms use is possible.

    Source: TDM Reservation Protocol, W3C Community Group Final Report, sections 4 and 5.
    """
    word = reservation.strip().strip('"').lower().removeprefix("tdm-reservation:").strip()
    if word in _TRUE:
        return CONSTRAINED if policy and policy.strip() else DENY
    return ALLOW if word in _FALSE else UNKNOWN


def rights_verdict(evidence: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The most restrictive verdict among the rights of each document.

    Args:
        evidence: EVIDENCE_LIST[n].

    Returns:
        string[n], one of `VERDICTS`; unknown without any.
    """
    lists = one_chunk(evidence)
    items = lists.flatten()
    rank = pc.fill_null(pc.index_in(pc.struct_field(items, "claim"), value_set=pa.array(VERDICTS)), 0)
    rank = np.where(pc.equal(pc.struct_field(items, "family"), RIGHTS).to_numpy(zero_copy_only=False), rank, 0)
    strictest = np.zeros(len(lists), dtype=np.int64)
    np.maximum.at(strictest, np.repeat(np.arange(len(lists)), list_lengths(lists)), rank)
    return pa.array(VERDICTS).take(pa.array(strictest))


def each_distinct(values: pa.Array, judge: Callable[[str], str | None]) -> pa.Array:
    """Applies a judgement of strings once per distinct value; string[n], null where the value is null."""
    codes = values.dictionary_encode()
    verdicts = pa.array([judge(value) for value in codes.dictionary.to_pylist()], pa.string())
    return verdicts.take(codes.indices)


def denied(rights: pa.Array | pa.ChunkedArray, provenance: Provenance) -> NDArray[np.bool_]:
    """Which documents are dropped for their rights, bool[n].

    Args:
        rights: string[n], `VERDICTS`, null counting as unknown.
        provenance: settings.
    """
    dropped = pa.array(provenance.drop_rights if provenance.enabled else (), pa.string())
    return pc.is_in(one_chunk(rights).fill_null(UNKNOWN), value_set=dropped).to_numpy(zero_copy_only=False)
