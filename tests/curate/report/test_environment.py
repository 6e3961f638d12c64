import json
import platform

from curate.report import environment
from curate.report.environment import installed_versions, without_secrets


def test_versions_of_all_that_is_required_even_indirectly(monkeypatch):
    required = {
        "curate": [
            "numpy>=2",
            "absent; python_version < '3'",
            "ruff; extra == 'dev'",
            'Tokenizers>=0.2; extra == "onnx"',
        ],
        "numpy": ["Under_Lying[speed]>=1", "sphinx; extra == 'docs'"],
        "under-lying": ["numpy"],
    }
    versions = {"numpy": "2.1", "under-lying": "3", "tokenizers": "4", "ruff": "5", "sphinx": "6"}

    def version(name):
        if name not in versions:
            raise environment.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(environment.metadata, "requires", required.get)
    monkeypatch.setattr(environment.metadata, "version", version)
    monkeypatch.setattr(environment, "_installed_versions", environment._installed_versions.__wrapped__)
    found = installed_versions()
    assert found.pop("python") == platform.python_version() and found.pop("curate")
    assert found == {"numpy": "2.1", "tokenizers": "4", "under-lying": "3"}


def test_environment_is_plain_and_names_the_machine():
    found = environment.environment()
    assert json.loads(json.dumps(found)) == found
    assert found["machine"] == platform.machine() and found["simd"]


def test_secrets_of_options_are_hidden():
    given = [
        "--runner=X",
        "--s3_secret_access_key=abc",
        "--api-token",
        "abc",
        "--flag",
        "plain",
        "--password",
        "--next",
    ]
    shown = [
        "--runner=X",
        "--s3_secret_access_key=***",
        "--api-token",
        "***",
        "--flag",
        "plain",
        "--password",
        "--next",
    ]
    assert without_secrets(given) == shown
