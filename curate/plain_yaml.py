"""YAML without what stands for more than it says: aliases, by which a few lines fill any memory."""

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "aliases are not taken; write out what they stand for", mark)
        return super().compose_node(parent, index)


def load_yaml(text: str) -> Any:
    """The value of a YAML document: plain types, no objects, no aliases.

    Raises:
        ValueError: it is no such document.
    """
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
