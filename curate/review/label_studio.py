"""Label Studio: held documents as tasks with a labelling configuration, and its exports as answers.

Tasks have `data` alone. Predictions, which Label Studio would show as an answer given already, are left out: they make
people agree with the machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from curate.review.answers import VERDICTS
from curate.review.describe import score_words

JsonDict = dict[str, Any]

_KEYS = {"curate_id": "id", "curate_content": "content"}
_MEANINGS = {
    "human": "a person wrote it",
    "synthetic": "a machine wrote it",
    "keep": "keep it, whoever wrote it",
    "drop": "drop it, whoever wrote it",
}


def to_task(row: Mapping[str, Any]) -> JsonDict:
    """A task for the import of Label Studio.

    Args:
        row: `curate.review.describe.COLUMNS`.
    """
    about = [
        score_words(dict(row)),
        f"Key terms of its cluster: {row['terms']}." if row["terms"] else "",
        row["evidence"],
    ]
    return {
        "data": {
            "curate_id": row["id"],
            "curate_content": row["content"],
            "text": row["text"] or "(no text)",
            "about": "\n".join(line for line in about if line),
            "source": row["url"] or row["source"] or "(unknown)",
            "matched": f"{row['matched_id']}: {row['matched_text'] or '(no text)'}" if row["matched_id"] else "(none)",
        }
    }


def labelling_config() -> str:
    """The labelling configuration of a project for these tasks, XML."""
    view = ElementTree.Element("View")
    _header(view, "Who wrote this text?")
    ElementTree.SubElement(view, "Text", name="text", value="$text", valueType="text")
    choices = ElementTree.SubElement(
        view, "Choices", name="verdict", toName="text", choice="single", required="true", showInline="true"
    )
    for verdict in VERDICTS:
        ElementTree.SubElement(choices, "Choice", value=verdict, hotkey=verdict[0], hint=_MEANINGS[verdict])
    ElementTree.SubElement(view, "TextArea", name="note", toName="text", maxSubmissions="1", placeholder="Note")
    for name, title in (("about", "What speaks for and against"), ("source", "Source"), ("matched", "Compared with")):
        _header(view, title)
        ElementTree.SubElement(view, "Text", name=name, value=f"${name}", valueType="text", selectionEnabled="false")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _header(view: ElementTree.Element, title: str) -> None:
    ElementTree.SubElement(view, "Header", value=title, size="4")


def answers_of(tasks: Sequence[Any]) -> Iterator[JsonDict]:
    """The answers in an export of Label Studio, JSON or JSON-MIN: {id, content, answer, reviewer, time, note}.

    Skipped and withdrawn annotations are left out; of a task with several annotations each is an answer.

    Raises:
        ValueError: a task is not one of curate's.
    """
    for number, task in enumerate(tasks, start=1):
        data = task.get("data", task) if isinstance(task, dict) else None
        if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in _KEYS):
            raise ValueError(f"task {number} has no curate_id and curate_content")
        about = {name: data[key] for key, name in _KEYS.items()}
        if "annotations" not in task:  # JSON-MIN: the answer lies beside the data, a plain string
            yield about | {
                "answer": _first(task.get("verdict")),
                "reviewer": _reviewer(task.get("annotator")),
                "time": task.get("updated_at") or task.get("created_at"),
                "note": _first(task.get("note")),
            }
            continue
        for annotation in task["annotations"]:
            if annotation.get("was_cancelled"):
                continue
            values = {result["from_name"]: result["value"] for result in annotation.get("result", [])}
            yield about | {
                "answer": _first(values.get("verdict", {}).get("choices")),
                "reviewer": _reviewer(annotation.get("completed_by")),
                "time": annotation.get("updated_at") or annotation.get("created_at"),
                "note": _first(values.get("note", {}).get("text")),
            }


def _first(value: Any) -> str | None:
    """A list's only value, or the value itself."""
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is None else str(value)


def _reviewer(who: Any) -> str | None:
    """A user of Label Studio: address where the export tells it, else number."""
    if isinstance(who, dict):
        return str(who.get("email") or who.get("id"))
    return None if who is None else f"label-studio:{who}"
