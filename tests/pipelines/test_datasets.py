"""Metadata of data sets that rules of sources name, through the command line."""

import json


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
