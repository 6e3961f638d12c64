"""artefacts/shortages.json: the clusters below their floor, for whoever finds or makes text to mirror rare patterns."""

from typing import Any

from curate.report.styles import NO_STYLE, ClusterStyles

NAME = "artefacts/shortages.json"
FORMAT = 1

JsonDict = dict[str, Any]

COPIED = (
    "cluster", "missing_tokens", "causes", "gate_failed", "reference", "reference_low", "reference_high", "floor",
    "after", "tail", "fragile", "accepted_documents", "accepted", "synthetic",
)  # fmt: skip


def shortages(report: JsonDict, mixture: JsonDict, styles: ClusterStyles) -> JsonDict:
    """The clusters that miss tokens of their floor, most first.

    Each has what the mixture table says of it; `synthetic_room`, the tokens of declared synthetic text that its cap
    still lets in (0 where none may fill); `style` of its accepted real documents: quantiles of the length in `tokens`,
    `languages`, the number of `sites` and the largest as `top_sites`; ids of `examples` among them; and its key
    `terms`, where clusters have any. No text is in it.

    Args:
        report: from `curate.report.build.report_data`.
        mixture: `curate.decisions.mixing.Mixture.to_dict()`, or empty.
        styles: of the whole ledger.
    """
    known = {row["cluster"]: row for row in mixture.get("clusters", [])}
    described, rows = styles.describe(), []
    for row in report["clusters"]:
        if not row["missing_tokens"]:
            continue
        given = known[row["cluster"]]
        room = given["cap"] / (1.0 - given["cap"]) * min(given["real"], given["accepted"]) - given["synthetic"]
        open_to_fill = mixture["anchored"] and not given["frozen"]
        examples = styles.examples.entries.get(row["cluster"], [])
        rows.append(
            {name: row[name] for name in COPIED if name in row}
            | {
                "synthetic_room": round(max(room, 0.0), 3) if open_to_fill else 0.0,
                "style": described.get(row["cluster"], NO_STYLE)
                | {name: given[name] for name in ("sites", "top_sites")},
                "examples": [id for _, id in examples],
            }
            | {name: row.get(name, given.get(name)) for name in ("terms",) if name in row or name in given}
        )
    rows.sort(key=lambda row: (-row["missing_tokens"], row["cluster"]))
    return {"format": FORMAT, "missing_tokens": round(sum(row["missing_tokens"] for row in rows), 3), "clusters": rows}
