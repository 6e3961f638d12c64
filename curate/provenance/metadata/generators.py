"""Parameters and names that image generators leave in files, and cameras.

Formats as their writers document them: Stable Diffusion web UI and kin (`parameters`), ComfyUI (`prompt` and
`workflow`), NovelAI, InvokeAI, Fooocus, SwarmUI, Easy Diffusion, Draw Things, Midjourney, and the credits of services.
What a person asked for is never repeated. Where a picture was put in, the result is mixed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from curate.provenance.evidence import METADATA, Evidence
from curate.provenance.metadata.claims import shown

Fields = Mapping[str, str]
"""Texts of a file by lower-case name: keywords of text chunks, names of EXIF tags, IPTC-IIM and XMP properties."""

_GENERATED = 6.0  # nats: nobody writes a camera's picture with the parameters of a sampler
_CAMERA = -0.5  # nats: copied with one command
_MAX_NAMES = 3

_PARAMETER_FIELDS = ("parameters", "usercomment", "comment", "description")
_SOFTWARE_FIELDS = ("software", "creatortool", "program")

_STEPS = re.compile(r"^Steps: \d+,.*?\b(?:Sampler|CFG scale|Seed|Size): ", re.MULTILINE)
_HIRES = re.compile(r"\bHires (?:upscale|steps|resize)")
_IMAGE_TO_IMAGE = re.compile(r"(?:^|, )Denoising strength: ", re.MULTILINE)
_IMAGE_GIVEN = re.compile(
    r'"(?:request_type|generation_mode|type)"\s*:\s*"\w{0,40}?(?:img2img|inpaint|outpaint|infill)|"init_?image"\s*:\s*"[^"]',
    re.IGNORECASE,
)
_CLASS = re.compile(r'"class_type"\s*:\s*"([^"\\]{1,100})"')
_NODE = re.compile(r'"type"\s*:\s*"([^"\\]{1,100})"')
_IMAGE_INPUT = re.compile(r"load[ _]?(?:image|video)|(?:image|video)[ _]?load", re.IGNORECASE)
_JOB = re.compile(r"\bJob ID: [0-9a-f]{8}-[0-9a-f]{4}-")
_DREAM = re.compile(r" -s ?\d+ .*?-S ?\d+")

_SOFTWARE = [
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("NovelAI", r"^NovelAI"),
        ("Midjourney", r"\bMidjourney\b"),
        ("OpenAI", r"\bOpenAI\b|\bChatGPT\b|\bDALL[·.\-]E\b|\bDALLE[ \-]?[23]\b|\bgpt-image"),
        ("Google AI", r"\b(?:made|edited) with Google AI\b|^Google (?:AI|Imagen|Gemini)\b"),
        ("Meta AI", r"^Imagined with AI\b|^Meta AI\b"),
        ("Adobe Firefly", r"\bAdobe Firefly\b|^Firefly(?: Image)?[ \d.]*$"),
        ("Bing Image Creator", r"\bBing Image Creator\b|\bImage Creator from (?:Microsoft )?Designer\b"),
        ("Draw Things", r"^Draw Things\b"),
        ("ComfyUI", r"\bComfyUI\b"),
        ("InvokeAI", r"\bInvoke ?AI\b"),
        ("Fooocus", r"\bFooocus\b"),
        ("SwarmUI", r"\bSwarmUI\b"),
        ("Easy Diffusion", r"\bEasy ?Diffusion\b"),
        ("Stable Diffusion", r"\bStable[ -]?Diffusion\b|\bDreamStudio\b|\bSD\.Next\b"),
        ("Black Forest Labs", r"\bBlack Forest Labs\b"),
        ("Leonardo.Ai", r"\bLeonardo\.Ai\b"),
        ("Ideogram", r"^Ideogram\b"),
        ("Recraft", r"^Recraft\b"),
        ("NightCafe", r"\bNightCafe\b"),
    )
]
# Credits name people and companies too, among them those that make generators.
_MADE = re.compile(r"\b(?:made|created|generated|imagined|edited) (?:with|by|using|in)\b", re.IGNORECASE)
_EDITED = re.compile(r"\bedited with\b", re.IGNORECASE)


@dataclass(frozen=True)
class Generator:
    """A generator that left its traces.

    Attributes:
        name: of the program or service.
        model: as the parameters name it, if they do.
        given: a picture was put in.
    """

    name: str
    model: str | None = None
    given: bool = False


def generator_evidence(fields: Fields, *, partly: bool = False) -> list[Evidence]:
    """The generators that texts of a file name, at most three.

    Args:
        fields: texts of the file.
        partly: another statement in the file says that only a part was generated, so that a program's name alone
            does not say more.
    """
    found: dict[str, Generator] = {}
    for recognise in _RECOGNISERS:
        generator = recognise(fields)
        if generator:
            found.setdefault(generator.name, generator)
    texts = [fields.get(field, "")[:200] for field in _SOFTWARE_FIELDS]
    texts += [credit for credit in [fields.get("credit", "")[:200]] if _MADE.search(credit)]
    for text in texts:
        for name, pattern in _SOFTWARE:
            if pattern.search(text):
                found.setdefault(name, Generator(name, given=partly or bool(_EDITED.search(text))))
    return [_evidence(generator) for generator in list(found.values())[:_MAX_NAMES]]


def camera_evidence(fields: Fields, exposure: bool) -> list[Evidence]:
    """Make and model of a camera that also tells its exposure; generators use these tags for texts of their own.

    Args:
        fields: texts of the EXIF tags.
        exposure: it tells an exposure.
    """
    camera = f"{fields.get('make', '')} {fields.get('model', '')}".strip()
    if not exposure or not camera or "{" in camera:
        return []
    return [Evidence(METADATA, "camera", "human", _CAMERA, shown(camera))]


def _evidence(generator: Generator) -> Evidence:
    detail = generator.name
    if generator.model:
        detail += f", model {shown(generator.model)}"
    if generator.given:
        detail += ", from a picture that was put in"
    return Evidence(METADATA, "generator", "mixed" if generator.given else "synthetic", _GENERATED, detail)


def _parameters(fields: Fields) -> Generator | None:
    """The line of settings after the prompts, which many programs write like Stable Diffusion web UI."""
    for name in _PARAMETER_FIELDS:
        text = fields.get(name, "")
        steps = _STEPS.search(text)
        if steps:
            settings = text[steps.start() :]
            version = _first(r"\bVersion: ([^,\n]{1,80})", settings) or ""
            program = next((n for n, pattern in _SOFTWARE if pattern.search(version)), None)
            forge = re.match(r"f\d", version) is not None
            given = bool(_IMAGE_TO_IMAGE.search(settings)) and not _HIRES.search(settings)
            program = program or ("Stable Diffusion web UI Forge" if forge else "Stable Diffusion web UI")
            return Generator(program, _first(r"\bModel: ([^,\n]{1,80})", settings), given)
    return None


def _swarm(fields: Fields) -> Generator | None:
    text = _with(fields, _PARAMETER_FIELDS, '"sui_image_params"')
    return Generator("SwarmUI", _value(text, "model"), bool(_IMAGE_GIVEN.search(text))) if text else None


def _fooocus(fields: Fields) -> Generator | None:
    text = _with(fields, _PARAMETER_FIELDS, '"base_model"')
    if not text or not ("fooocus_scheme" in fields or '"metadata_scheme"' in text or '"performance"' in text):
        return None
    return Generator("Fooocus", _value(text, "base_model"), bool(_IMAGE_GIVEN.search(text)))


def _easy_diffusion(fields: Fields) -> Generator | None:
    model = fields.get("use_stable_diffusion_model") or fields.get("stable diffusion model")
    text = _with(fields, _PARAMETER_FIELDS, '"use_stable_diffusion_model"')
    if not model and not text:
        return None
    given = "init_image" in fields or bool(_IMAGE_GIVEN.search(text))
    return Generator("Easy Diffusion", model or _value(text, "use_stable_diffusion_model"), given)


def _comfy(fields: Fields) -> Generator | None:
    """A graph of nodes: what was run (`prompt`) or else what was on the screen (`workflow`).

    WebP files have it in EXIF tags that begin with its name, other formats in one comment.
    """
    graphs = [fields.get("prompt", "")]
    graphs += [text for text in fields.values() if text[:9].lower().startswith("prompt:")]
    graphs += [fields.get(name, "") for name in ("usercomment", "comment")]
    for text in graphs:
        nodes = _CLASS.findall(text)
        if nodes and '"inputs"' in text:
            model = _value(text, "ckpt_name") or _value(text, "unet_name")
            return Generator("ComfyUI", model, any(map(_IMAGE_INPUT.search, nodes)))
    screens = [fields.get("workflow", "")]
    screens += [text for text in fields.values() if text[:9].lower().startswith("workflow:")]
    for text in screens:
        if '"nodes"' in text and '"links"' in text:
            return Generator("ComfyUI", None, any(map(_IMAGE_INPUT.search, _NODE.findall(text))))
    return None


def _novelai(fields: Fields) -> Generator | None:
    if not fields.get("software", "").startswith("NovelAI"):
        return None
    given = bool(_IMAGE_GIVEN.search(fields.get("comment", "")))
    return Generator("NovelAI", fields.get("source"), given)


def _invoke(fields: Fields) -> Generator | None:
    text = fields.get("invokeai_metadata") or fields.get("invokeai_graph") or fields.get("sd-metadata") or ""
    if text:
        model = _value(text, "model_name") or _value(text, "model_weights") or _first(_MODEL_NAME, text)
        return Generator("InvokeAI", model, bool(_IMAGE_GIVEN.search(text)))
    dream = fields.get("dream", "")[-1000:]  # the settings follow the prompt
    return Generator("InvokeAI", None, " -I " in dream or "--init_img" in dream) if _DREAM.search(dream) else None


_MODEL_NAME = r'"model"\s*:\s*\{[^{}]{0,400}?"name"\s*:\s*"([^"\\]{1,80})'


def _midjourney(fields: Fields) -> Generator | None:
    for name in ("description", "comment"):
        text = fields.get(name, "")
        if _JOB.search(text):
            return Generator("Midjourney", _first(r" --v(?:ersion)? ([\w.]{1,20})", text))
    return None


_RECOGNISERS: tuple[Callable[[Fields], Generator | None], ...] = (
    _swarm,
    _fooocus,
    _parameters,
    _easy_diffusion,
    _comfy,
    _novelai,
    _invoke,
    _midjourney,
)


def _with(fields: Fields, names: tuple[str, ...], part: str) -> str:
    return next((fields[name] for name in names if part in fields.get(name, "")), "")


def _value(text: str, key: str) -> str | None:
    """The string under a key anywhere in JSON, without parsing what a stranger nested."""
    return _first(rf'"{key}"\s*:\s*"([^"\\]{{1,80}})', text)


def _first(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match.group(1).strip() if match else None
