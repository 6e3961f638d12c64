"""The settings of a transform as Beam displays them, and which models of the user's are asked.

Those given to a transform, else those that the settings name.
"""

import json
from typing import Any, Dict

from curate._version import __version__
from curate.config import Config
from curate.errors import UsageError
from curate.transforms.embedders import stored_embedder
from curate.transforms.inference import made_by
from curate.transforms.models import NO_MODELS, TextDetector, TextEmbedder, TextModels, TextVerifier


def configured_models(config: Config, given: TextModels = NO_MODELS) -> TextModels:
    """The models of the steps that are on.

    Args:
        config: settings.
        given: models at hand, whose ids the settings have in the place of a function's name (`with_models`).

    Raises:
        UsageError: there is no such module, function, file or library, or it gives something else.
    """
    detector = given.detector if config.synthetic.enabled else None
    if config.synthetic.enabled and config.synthetic.handler is not None and detector is None:
        detector = made_by(config.synthetic.handler, "synthetic.handler", TextDetector)
    mixture = config.mixture
    if not mixture.enabled:
        return TextModels(detector)
    embedder = given.embedder
    if mixture.embedding_model is not None:
        embedder = stored_embedder(mixture.embedding_model)
    elif mixture.embedding_handler is not None and embedder is None:
        embedder = made_by(mixture.embedding_handler, "mixture.embedding_handler", TextEmbedder)
    verifier = given.verifier
    if mixture.verifier is not None and verifier is None:
        verifier = made_by(mixture.verifier, "mixture.verifier", TextVerifier)
    return TextModels(detector, embedder, verifier)


def with_models(settings: Dict[str, Any], models: TextModels) -> Dict[str, Any]:
    """Settings that say which models are asked.

    Raises:
        UsageError: they name one in the place of one of these.
    """
    places = (
        ("synthetic", "handler", models.detector),
        ("mixture", "embedding_handler", models.embedder),
        ("mixture", "verifier", models.verifier),
    )
    for section, name, model in places:
        values = settings.get(section, {})
        if model is None:
            continue
        if values.get(name):
            raise UsageError(
                f"{section}.{name} is {values[name]!r}, but the {model.role} {model.id} is given too; leave out one"
            )
        settings = {**settings, section: {**values, name: model.id}}
    return settings


def shown(settings: Dict[str, Any]) -> Dict[str, Any]:
    """Settings as display data: version of curate, and each by its name; what is no number or string as JSON."""
    flat = {f"{section}.{name}": value for section, values in settings.items() for name, value in values.items()}
    plain = {
        name: value if isinstance(value, (str, int, float)) else json.dumps(value, default=str)
        for name, value in flat.items()
    }
    return {"curate": __version__, **plain}
