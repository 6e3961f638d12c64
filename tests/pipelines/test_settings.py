import yaml

from curate.config import Config
from curate.pipelines.settings import settings_yaml


def test_defaults():
    assert Config.model_validate(yaml.safe_load(settings_yaml())) == Config()


def test_lines_are_short():
    assert max(map(len, settings_yaml().splitlines())) <= 110
