"""Ready-made embedders: a model in a directory, read by a library that an extra installs.

`mixture.embedding_model` names them as KIND:DIRECTORY. They are read from disk and never fetched; a run on several
machines needs the directory on each.
"""

import hashlib
import importlib
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from apache_beam.ml.inference.base import ModelHandler

from curate.errors import UsageError
from curate.report.manifest import digest
from curate.transforms.models import TextEmbedder


def stored_embedder(model: str) -> TextEmbedder:
    """The embedder that `mixture.embedding_model` names.

    Args:
        model: KIND:DIRECTORY.

    Raises:
        UsageError: there is no such kind or directory, or its library is missing.
    """
    kind, separator, directory = model.partition(":")
    if not separator or kind not in KINDS:
        expected = " or ".join(f"{kind}:DIRECTORY" for kind in KINDS)
        raise UsageError(f"mixture.embedding_model is {model!r}, expected {expected}")
    return KINDS[kind](directory)


def static_embedder(directory: str, max_batch_size: int = 1_000) -> TextEmbedder:
    """Static embeddings: the mean of the vectors of a text's tokens, by model2vec (extra `static`).

    The vector of a text does not depend on its batch.

    Args:
        directory: what `model2vec.StaticModel.save_pretrained` wrote.
        max_batch_size: texts handed over at a time.

    Raises:
        UsageError: the directory or the library is missing.
    """
    version = _digest(directory)
    try:
        importlib.import_module("model2vec")
    except ImportError:
        raise UsageError(
            f"mixture.embedding_model {directory!r} is read by model2vec; pip install 'curate[static]'"
        ) from None
    return TextEmbedder(_StaticHandler(directory, max_batch_size), _name("model2vec", directory), version)


def sentence_transformer(directory: str, max_batch_size: Optional[int] = None, **load: Any) -> TextEmbedder:
    """A sentence transformer, by Beam's own handler (extra `sentence-transformers`).

    Args:
        directory: what `SentenceTransformer.save_pretrained` wrote.
        max_batch_size: texts handed over at a time. One by default, so that a vector does not depend on its batch;
            more make a GPU faster, and may change the last digits.
        load: arguments of `SentenceTransformer`, such as `device`.

    Raises:
        UsageError: the directory or the library is missing.
    """
    version = _digest(directory)
    try:
        from apache_beam.ml.transforms.embeddings.huggingface import SentenceTransformerEmbeddings

        manager = SentenceTransformerEmbeddings(
            directory,
            columns=["text"],
            load_model_args={"local_files_only": True, **load},
            max_batch_size=max_batch_size,
        )
        handler = manager.get_model_handler()
    except ImportError:
        raise UsageError(
            f"mixture.embedding_model {directory!r} is read by sentence-transformers; "
            "pip install 'curate[sentence-transformers]'"
        ) from None
    return TextEmbedder(handler, _name("sentence-transformers", directory), version)


KINDS = {"model2vec": static_embedder, "sentence-transformers": sentence_transformer}


class _StaticHandler(ModelHandler[str, np.ndarray, Any]):
    def __init__(self, directory: str, max_batch_size: int) -> None:
        super().__init__(max_batch_size=max_batch_size)
        self._directory = directory

    def load_model(self) -> Any:
        from model2vec import StaticModel

        return StaticModel.from_pretrained(self._directory)

    def run_inference(
        self, batch: Sequence[str], model: Any, inference_args: Optional[Dict[str, Any]] = None
    ) -> List[np.ndarray]:
        return list(model.encode(list(batch), use_multiprocessing=False))


def _name(kind: str, directory: str) -> str:
    return f"{kind}-{Path(directory).resolve().name}"


def _digest(directory: str) -> str:
    """Of the names and contents of all files of a model: its version.

    Raises:
        UsageError: there is no such directory; without one, the libraries would look for the model on a hub.
    """
    root = Path(directory)
    if not root.is_dir():
        raise UsageError(
            f"mixture.embedding_model {directory!r} is no directory, expected a model on disk; models are not fetched"
        )
    checksum = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            checksum.update(path.relative_to(root).as_posix().encode() + b"\0")
            with open(path, "rb") as file:
                checksum.update(digest(file)["sha256"].encode())
    return checksum.hexdigest()[:12]
