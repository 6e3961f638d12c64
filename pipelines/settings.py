"""The settings as a commented YAML file."""

import textwrap

import yaml

from curate.config import describe


def settings_yaml() -> str:
    """Every setting with its default, each under its meaning; a valid configuration file."""
    lines: list[str] = []
    open_sections: list[str] = []
    for key, default, meaning in describe():
        *sections, name = key.split(".")
        shared = 0
        while shared < min(len(sections), len(open_sections)) and sections[shared] == open_sections[shared]:
            shared += 1
        for depth in range(shared, len(sections)):
            if depth == 0 and lines:
                lines.append("")
            lines.append("  " * depth + f"{sections[depth]}:")
        open_sections = sections
        indent = "  " * len(sections)
        lines += [f"{indent}# {line}" for line in textwrap.wrap(meaning, 108 - len(indent))]
        lines.append(f"{indent}{name}: {_value(default)}")
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True).removesuffix("...\n").strip()
