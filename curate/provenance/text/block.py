"""Credentials in the texts of a block, as the columns that the credentials of media have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from curate.config import Config
from curate.provenance.credentials import credential_evidence, make_context
from curate.provenance.evidence import Evidence, to_lists
from curate.provenance.text.manifest import TextManifest
from curate.provenance.text.verify import text_credentials
from curate.schema import EVIDENCE_LIST


@dataclass(frozen=True)
class TextFindings:
    """What the credentials in texts say: evidence (EVIDENCE_LIST[n]), and whether a trusted signer says it (bool[n]).

    Both are null for texts without credentials.
    """

    findings: pa.Array
    signature_trusted: pa.Array


def text_findings(texts: pa.Array, found: Mapping[int, Sequence[TextManifest]], config: Config) -> TextFindings:
    """Verifies the manifests of a block.

    Args:
        texts: string or large_string[n], with their manifests.
        found: the manifests by row.
        config: settings of provenance; switched off, nothing is verified.

    Raises:
        UsageError: the configured trust anchors cannot be read.
    """
    count = len(texts)
    if not found or not config.provenance.enabled:
        return TextFindings(pa.nulls(count, EVIDENCE_LIST), pa.nulls(count, pa.bool_()))
    context = make_context(config.provenance)
    evidence: list[list[Evidence]] = [[] for _ in range(count)]
    trusted: list[bool | None] = [None] * count
    for row, manifests in found.items():
        credentials = text_credentials(texts[row].as_py(), manifests, context)
        evidence[row] = credential_evidence(credentials)
        trusted[row] = credentials.validation_state == "Trusted" if credentials.has_credentials else None
    return TextFindings(to_lists(evidence), pa.array(trusted, pa.bool_()))
