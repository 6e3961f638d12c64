"""One reviewer's way through a queue: what is shown, what is answered, what comes next."""

import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow.dataset as ds

from curate.config import Config
from curate.report.sentences import sentence
from curate.report.texts import COMPARED, word_diff, written_texts
from curate.review.answers import Answer, append_answers, latest, read_answers, reviewer_named, verdict_of
from curate.review.describe import Row, compared_with, score_words
from curate.review.queue import Queue

MOST_SHOWN = 200_000
"""Characters of a text that are shown."""


class Session:
    """A queue with the answers so far. Every answer is on the disk before `answer` returns."""

    def __init__(
        self,
        directory: Path,
        queue: Queue,
        config: Config,
        reviewer: str,
        clock: Callable[[], str],
        second_opinion: bool = False,
    ) -> None:
        """Takes up where the answers end that the output keeps.

        Args:
            directory: of the output.
            queue: of the output.
            config: settings of the output.
            reviewer: whose answers these are.
            clock: gives the time, ISO 8601.
            second_opinion: ask about documents that others have answered, too.
        """
        self._directory, self._queue, self._config = directory, queue, config
        self._clock, self.reviewer = clock, reviewer_named(reviewer)
        self._ids: list[str] = queue.ledger["id"].to_pylist()
        self._held = ds.dataset(sorted(map(str, (directory / "held").glob("*.parquet"))), format="parquet")
        ids = self._held.to_table(columns=["curate_id"])["curate_id"].to_pylist()
        self._place = {id: place for place, id in enumerate(ids)}
        self._lock = threading.Lock()
        self._own: dict[str, str | None] = {}
        self._settled: set[str] = set()
        known = set(queue.contents.items())
        for (id, content), given in latest(read_answers(directory)).items():
            if (id, content) not in known:
                continue
            if self.reviewer in given:
                self._own[id] = given[self.reviewer].verdict
            elif verdict_of(list(given.values())) is not None and not second_opinion:
                self._settled.add(id)

    def state(self) -> Row:
        """Where the reviewer is: documents, how many are answered (by whomever), and the first that is not."""
        done = [self._done(id) for id in self._ids]
        first = done.index(False) if False in done else None
        return {"documents": len(done), "answered": sum(done), "next": first, "reviewer": self.reviewer}

    def next_after(self, number: int) -> int | None:
        """The next document without an answer, after the last comes the first again; None when all are answered."""
        count = len(self._ids)
        around = ((number + step) % count for step in range(1, count + 1))
        return next((place for place in around if not self._done(self._ids[place])), None)

    def document(self, number: int) -> Row:
        """What the page shows of a document, JSON types.

        Raises:
            IndexError: there is none of this number.
        """
        if not 0 <= number < len(self._ids):
            raise IndexError(number)
        row: Row = self._queue.ledger.slice(number, 1).to_pylist()[0]
        text, source = self._text(row["id"])
        other = compared_with(row, self._queue)
        return {
            "number": number,
            "id": row["id"],
            "answer": self._own.get(row["id"]),
            "text": text[:MOST_SHOWN],
            "characters": len(text),
            "language": row["language"],
            "source": source,
            "reason": row["reason"],
            "score": score_words(row),
            "cluster": row["cluster"],
            "terms": self._queue.terms.get(row["cluster"], []),
            "evidence": [sentence(item) for item in row["evidence"] or []],
            "copies": len(self._queue.copies.get(row["id"], [])),
            "matched": None if other is None else self._compared(text, other),
        }

    def answer(self, number: int, verdict: str | None, note: str) -> Row:
        """Keeps an answer, or withdraws the one given; the state after it.

        Raises:
            IndexError: there is no document of this number.
            ValueError: there is no such verdict.
            OSError: it cannot be written; nothing has changed then.
        """
        if not 0 <= number < len(self._ids):
            raise IndexError(number)
        id = self._ids[number]
        given = Answer(id, self._queue.contents[id], verdict, self.reviewer, self._clock(), note, self._queue.reference)
        with self._lock:
            append_answers(self._directory, [given])
            if verdict is None:
                self._own.pop(id, None)
            else:
                self._own[id] = verdict
        return self.state() | {"saved": verdict, "next": self.next_after(number)}

    def _done(self, id: str) -> bool:
        return id in self._own or id in self._settled

    def _text(self, id: str) -> tuple[str, str | None]:
        """The text of a held document, and where it comes from."""
        columns = self._config.documents.columns
        wanted = [name for name in (columns.text, columns.url, columns.source) if name in self._held.schema.names]
        if id not in self._place:
            return "", None
        row = self._held.take([self._place[id]], columns=wanted).to_pylist()[0]
        source = row.get(columns.url) or row.get(columns.source)
        return str(row.get(columns.text) or ""), None if source is None else str(source)

    def _compared(self, text: str, other: str) -> Row:
        texts = written_texts(self._directory, [other], self._config)
        if other not in texts:
            return {"id": other, "parts": None, "cut": False}
        cut = max(len(text), len(texts[other])) > COMPARED
        return {"id": other, "parts": word_diff(texts[other], text), "cut": cut}
