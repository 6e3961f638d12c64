"""Python processes that a run starts."""

import sys


def python_command(module: str) -> list[str]:
    """What runs a module in a process of its own, like `python -m`, with the search path of this process.

    `python -m` would look for modules in the current directory first, where the data may lie: a file `json.py` among
    them would be executed. Where this process looks there itself, as a notebook does, the other does too.
    """
    code = f"import sys; sys.path[:] = {sys.path!r}; import runpy; runpy.run_module({module!r}, None, '__main__', True)"
    return [sys.executable, "-c", code]
