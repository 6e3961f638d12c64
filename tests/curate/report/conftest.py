import importlib.util
from pathlib import Path

import pytest


def _load():
    spec = importlib.util.spec_from_file_location("report_ledgers", Path(__file__).with_name("ledgers.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LEDGERS = _load()


@pytest.fixture(scope="session")
def ledgers():
    return LEDGERS


@pytest.fixture(scope="session")
def corpus():
    return LEDGERS.corpus()
