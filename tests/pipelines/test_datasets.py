"""Metadata of data sets that rules of sources name, through the command line."""

import json

import pyarrow.parquet as pq


def test_their_digests_are_in_the_manifest(curate, output_of, corpus_file, tmp_path, only_read):
    readme = tmp_path / "README.md"
    readme.write_text("---\ntags: [synthetic]\n---\n")
    rule = ("--set", f"provenance.sources={{site-1: {{metadata: {readme}}}}}")
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out", *only_read[:4], *rule)
    assert outcome.code == 0, outcome.err
    resources = output_of(tmp_path / "out").manifest["resources"]
    assert list(resources) == [str(readme)] and resources[str(readme)]["bytes"] == readme.stat().st_size


def test_a_bad_one_is_told_before_the_run(curate, corpus_file, tmp_path):
    for name, content in (("gone.json", None), ("bad.json", json.dumps({"name": "x"})[:-1])):
        if content is not None:
            (tmp_path / name).write_text(content)
        rule = ("--set", f"provenance.sources={{site-1: {{metadata: {tmp_path / name}}}}}")
        outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out", *rule)
        assert outcome.code == 2 and name in outcome.message
        assert not (tmp_path / "out").exists()


def test_what_they_say_decides_and_needs_the_file_no_more(curate, output_of, corpus_file, tmp_path, only_read):
    readme = tmp_path / "README.md"
    readme.write_text("---\ntags: [synthetic]\nlicense: ours\n---\n")
    rules = f"provenance.sources={{site-1: {{metadata: {readme}}}}}"
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out", *only_read[:4], "--set", rules)
    assert outcome.code == 0, outcome.err
    documents = {row["id"]: row for row in pq.read_table(corpus_file).to_pylist()}
    rows = output_of(tmp_path / "out").rows
    for name in ("doc-0001", "doc-0016"):
        assert documents[name]["source"] == "site-1" and rows[name]["rights"] == "unknown"
        told = [(item["kind"], item["claim"]) for item in rows[name]["evidence"]]
        assert ("dataset", "synthetic") in told and ("dataset_license", "unknown") in told
    readme.unlink()
    licence = ("--set", "provenance.licenses={ours: deny}")
    outcome = curate("decide", "--annotations", tmp_path / "out", "--output", tmp_path / "again", *licence)
    assert outcome.code == 0, outcome.err
    assert output_of(tmp_path / "again").rows["doc-0001"]["stage"] == "rights"
