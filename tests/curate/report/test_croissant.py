import json

import pyarrow as pa

from curate.config import Dataset
from curate.report.croissant import croissant as of_dataset
from curate.report.manifest import COUNTS

SCHEMA = pa.schema(
    [
        ("text", pa.large_string()),
        ("lang", pa.dictionary(pa.int8(), pa.string())),
        ("when", pa.timestamp("us", "UTC")),
        ("price", pa.decimal128(10, 2)),
        ("tags", pa.list_(pa.list_(pa.int16()))),
        ("meta", pa.struct([("ok", pa.bool_()), ("deep", pa.struct([("x", pa.float32())]))])),
        ("curate_id", pa.string()),
        ("curate_weight", pa.float64()),
    ]
)
MANIFEST = {
    "counts": dict.fromkeys(COUNTS, 0) | {"read": 10, "kept": 7, "dropped": 2, "held": 1},
    "reasons": {"dedupe/near": 2},
    "versions": {"python": "3.11.7", "curate": "0.1.0"},
    "config": {"run": {"seed": 1}},
    "arguments": {"command": "run", "inputs": ["in/*.parquet"]},
    "artefacts": {"detector": "shipped-1"},
    "fingerprints": {"in/a.parquet": {"size": 9, "digest": "d1", "rows": 10, "row_sum": "00ff"}},
    "mix": {
        "human": {"documents": 5, "tokens": 50, "output_tokens": 75},
        "synthetic": {"documents": 2, "tokens": 20, "output_tokens": 25},
    },
    "started": "2025-01-01T00:00:00Z",
    "finished": "2025-01-01T00:01:00Z",
    "digests": {
        "data/part-1.parquet": {"sha256": "b" * 64, "bytes": 12, "rows": 3},
        "data/part-0.parquet": {"sha256": "a" * 64, "bytes": 34, "rows": 4},
        "ledger/part-0.parquet": {"sha256": "c" * 64, "bytes": 5, "rows": 10},
    },
}


def croissant(schema, manifest, **dataset):
    return of_dataset(schema, manifest, Dataset(**dataset))


def fields(described):
    return {field["@id"]: field for field in described["recordSet"][0]["field"]}


def test_files_of_data_with_their_checksums():
    described = croissant(SCHEMA, MANIFEST)
    objects = [part for part in described["distribution"] if part["@type"] == "cr:FileObject"]
    assert [part["@id"] for part in objects] == ["data/part-0.parquet", "data/part-1.parquet"]
    assert objects[0]["sha256"] == "a" * 64 and objects[0]["contentSize"] == "34 B"
    assert "http://mlcommons.org/croissant/1.1" in described["conformsTo"]
    assert json.loads(json.dumps(described)) == described


def test_columns_have_types_and_sources():
    found = fields(croissant(SCHEMA, MANIFEST))
    kinds = {name.split("/", 1)[1]: field.get("dataType") for name, field in found.items()}
    assert kinds == {
        "text": "sc:Text",
        "lang": "sc:Text",
        "when": "sc:DateTime",
        "price": "sc:Float",
        "tags": "sc:Integer",
        "meta": None,
        "curate_id": "sc:Text",
        "curate_weight": "sc:Float",
    }
    assert found["documents/tags"]["isArray"] and found["documents/tags"]["arrayShape"] == "-1,-1"
    assert found["documents/text"]["source"] == {"fileSet": {"@id": "data-files"}, "extract": {"column": "text"}}


def test_members_of_structs_are_sub_fields_of_their_column():
    ok, deep = fields(croissant(SCHEMA, MANIFEST))["documents/meta"]["subField"]
    assert ok["dataType"] == "sc:Boolean" and ok["source"]["extract"] == {"column": "meta"}
    (x,) = deep["subField"]
    assert x["@id"] == "documents/meta/deep/x" and x["source"]["extract"] == {"column": "meta"}
    assert x["source"]["transform"] == {"jsonPath": "$.deep.x"}


def test_what_nobody_declared_is_left_out():
    assert not {"license", "url", "creator"} & set(croissant(SCHEMA, MANIFEST))
    described = croissant(SCHEMA, MANIFEST, license="https://spdx.org/licenses/CC0-1.0", creator="Us")
    assert described["license"].endswith("CC0-1.0") and described["creator"]["name"] == "Us"


def test_responsible_ai_links_the_report():
    described = croissant(SCHEMA, MANIFEST)
    told = json.dumps({name: value for name, value in described.items() if name.startswith("rai:")})
    assert "report.html" in told and "dedupe/near 2" in told


def test_lineage_names_inputs_tools_and_the_mix():
    described = croissant(SCHEMA, MANIFEST)
    (entity,) = described["prov:wasDerivedFrom"]
    assert entity["prov:label"] == "in/a.parquet" and "row_sum=00ff" in entity["identifier"]
    activity = described["prov:wasGeneratedBy"]
    assert activity["prov:label"] == "curate run" and activity["prov:endedAtTime"] == MANIFEST["finished"]
    agents = [agent["prov:label"] for agent in activity["prov:wasAssociatedWith"]]
    assert agents == ["curate 0.1.0", "detector shipped-1"]
    assert "human: 5 documents, 75.0% of the tokens" in described["rai:dataBiases"][0]
