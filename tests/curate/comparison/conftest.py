import copy

import pytest

from curate.comparison.runs import Run

CLUSTERS = (0.5, 0.3, 0.1, 0.06, 0.04)
SOURCES = (("web", 0.6), ("books", 0.4))


def metric(name, values, half=0.01, n=600_000, ids=("thresholds-1",), panel="Diversity", kind="share"):
    """A row of a report's metrics: slice → (value, human value)."""
    slices = {
        part: {
            "value": value,
            "n": n,
            "band": None if half is None else [human - half, human + half],
            "change": None if human is None else (value - human) / max(abs(human), 0.01),
            "z": None,
            "status": "ok",
            "artefacts": list(ids),
        }
        for part, (value, human) in values.items()
    }
    return {"name": name, "label": name, "panel": panel, "kind": kind, "slices": slices}


def make_run(name="a", documents=10_000, **changes):
    """A run of few numbers; `changes` replace top-level keys of its report."""
    kept = documents // 2
    report = {
        "format": 1,
        "status": "warn",
        "counts": {"read": documents, "kept": kept, "dropped": documents - kept, "held": 0, "errors": 0},
        "totals": {
            "documents": documents,
            "tokens": 100 * documents,
            "kept_documents": kept,
            "output_tokens": 60 * documents,
        },
        "config": {"dedupe": {"threshold": 0.8, "sources": {}}, "mixture": {"enabled": True}},
        "artefacts": {"centroids": "centroids-1", "detector": "detector-1", "thresholds": "thresholds-1"},
        "flow": [
            {"decision": "dropped", "stage": "dedupe", "reason": "near", "documents": documents - kept, "tokens": 1},
            {"decision": "kept", "stage": None, "reason": None, "documents": kept, "tokens": 1},
        ],
        "panels": [
            {
                "name": "Tail",
                "status": "warn",
                "reasons": [{"status": "warn", "text": "3 clusters left below the floor", "n": 3}],
                "figures": [
                    {
                        "name": "tail_retained",
                        "label": "kept",
                        "kind": "share",
                        "value": 0.95,
                        "n": documents,
                        "note": "",
                    },
                    {"name": "fragile", "label": "fragile", "kind": "count", "value": 4.0, "n": 50, "note": ""},
                ],
            }
        ],
        "metrics": {
            "rows": [
                metric("distinct_2", {"accepted": (0.25, 0.26), "human": (0.26, 0.26)}),
                metric("cluster_effective", {"accepted": (40.0, 38.0)}, half=None, n=kept, kind="number"),
            ]
        },
        "prevalence": [
            {"source": "web", "month": None, "n": 5000, "estimate": 0.3, "sampled_low": 0.28, "sampled_high": 0.32}
        ],
        "clusters": [
            {
                "cluster": place,
                "terms": [f"term{place}"],
                "tail": share < 0.1,
                "documents": int(documents * share),
                "kept": int(kept * share),
                "reference": share,
                "before": share,
                "after": share,
            }
            for place, share in enumerate(CLUSTERS)
        ],
        "sources": [
            {
                "source": source,
                "documents": int(documents * share),
                "kept": int(kept * share),
                "tokens": int(100 * documents * share),
                "output_tokens": int(60 * documents * share),
            }
            for source, share in SOURCES
        ],
        "sources_total": len(SOURCES),
    }
    manifest = {
        "format": 1,
        "counts": {},
        "config": {},
        "finished": "2026-01-01T00:00:00+00:00",
        "fingerprints": {"a.parquet": {"rows": documents, "row_sum": "00"}},
        "versions": {"curate": "1"},
    }
    return Run(name, copy.deepcopy(report | changes), manifest)


@pytest.fixture(scope="session")
def run():
    return make_run


@pytest.fixture(scope="session")
def metric_row():
    return metric
