"""What Beam works out anew for every step of a local run, though the answer is known or nobody asks for it.

Each is a pure function or a limit of Beam's, so no result hangs on it. Only the process of a local run is touched, and
once; other runners get Beam as it is.
"""

import types
from collections.abc import Callable
from functools import wraps
from typing import Any, List, Set, Tuple
from weakref import WeakKeyDictionary

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.transforms import core, userstate
from apache_beam.typehints import decorators

Arguments = Tuple[List[str], List[Any]]
Specs = Tuple[Set[userstate.StateSpec], Set[userstate.TimerSpec]]


def remembering(arguments: Callable[[Any], Arguments]) -> Callable[[Any], Arguments]:
    """Beam's `get_function_args_defaults` that looks at each method once.

    Beam asks for the thirty methods of every DoFn when it is made, checked, translated, and for every bundle.
    """
    known: WeakKeyDictionary[Callable, Arguments] = WeakKeyDictionary()

    @wraps(arguments)
    def look_up(function: Any) -> Arguments:
        if not isinstance(function, types.MethodType) or not isinstance(function.__func__, types.FunctionType):
            return arguments(function)
        if function.__func__ not in known:
            known[function.__func__] = arguments(function)
        names, defaults = known[function.__func__]
        return list(names), list(defaults)

    return look_up


def remembering_specs(specs: Callable[[beam.DoFn], Specs]) -> Callable[[beam.DoFn], Specs]:
    """Beam's `get_dofn_specs` that looks for state and timers once in each class, whose methods ask for them."""
    known: WeakKeyDictionary[type, Specs] = WeakKeyDictionary()

    @wraps(specs)
    def look_up(dofn: beam.DoFn) -> Specs:
        if any(isinstance(value, types.MethodType) for value in getattr(dofn, "__dict__", {}).values()):
            return specs(dofn)
        if type(dofn) not in known:
            known[type(dofn)] = specs(dofn)
        states, timers = known[type(dofn)]
        return set(states), set(timers)

    return look_up


def spare() -> None:
    """Makes Beam's local runner frugal in this process."""
    if hasattr(core.get_function_args_defaults, "__wrapped__"):
        return
    core.get_function_args_defaults = remembering(core.get_function_args_defaults)  # type: ignore[assignment]
    userstate.get_dofn_specs = remembering_specs(userstate.get_dofn_specs)  # type: ignore[assignment]
    # Side inputs are read once in a bundle, and a step has one. To keep them longer, Beam would walk through every
    # object of theirs to know their size.
    worker_handlers.STATE_CACHE_SIZE_MB = 0
    # Each type hint would keep the lines of source that gave it.
    decorators.TRACEBACK_LIMIT = 0
