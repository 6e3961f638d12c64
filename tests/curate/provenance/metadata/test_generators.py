import json

import pytest

from curate.provenance.evidence import METADATA, Evidence
from curate.provenance.metadata.embedded import metadata_evidence
from curate.provenance.metadata.generators import camera_evidence, generator_evidence

PROMPT = "a secret wish"
STEPS = f"{PROMPT}\nNegative prompt: none\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 8x8, Model: sdxl"
UNICODE = b"UNICODE\0"
GIVEN = ", from a picture that was put in"


def graph(*nodes):
    """What ComfyUI ran: nodes and what goes into them."""
    kinds = {str(n): {"class_type": kind, "inputs": {"text": PROMPT}} for n, kind in enumerate(nodes)}
    kinds["9"] = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "flux.safetensors"}}
    return json.dumps(kinds)


def screen(*nodes):
    """What ComfyUI showed."""
    return json.dumps({"nodes": [{"id": 1, "type": kind} for kind in nodes], "links": [], "version": 0.4})


def found(data, mime):
    """(claim, detail) of the generators in a file; no prompt is ever told."""
    evidence = metadata_evidence(data, mime)
    assert PROMPT not in str(evidence)
    assert all(e.family == METADATA and len(e.detail) <= 500 and e.detail.isprintable() for e in evidence)
    assert all(e.llr == 6.0 for e in evidence if e.kind == "generator")
    return [(e.claim, e.detail) for e in evidence if e.kind == "generator"]


WEBUI = "Stable Diffusion web UI, model sdxl"
COMFY = "ComfyUI, model flux.safetensors"
TABLE = {
    "a1111": ({"parameters": STEPS}, "synthetic", WEBUI),
    "non-ascii": ({"parameters": "日本 " + STEPS}, "synthetic", WEBUI),
    "forge": ({"parameters": STEPS + ", Version: f2.0.1"}, "synthetic", "Stable Diffusion web UI Forge, model sdxl"),
    "comfy in a1111's format": ({"parameters": STEPS + ", Version: ComfyUI"}, "synthetic", "ComfyUI, model sdxl"),
    "img2img": ({"parameters": STEPS + ", Denoising strength: 0.5"}, "mixed", WEBUI + GIVEN),
    "hires fix": ({"parameters": STEPS + ", Denoising strength: 0.5, Hires upscale: 2"}, "synthetic", WEBUI),
    "comfy": ({"prompt": graph("KSampler"), "workflow": screen("LoadImage")}, "synthetic", COMFY),
    "comfy with image": ({"prompt": graph("LoadImage")}, "mixed", COMFY + GIVEN),
    "comfy with video": ({"prompt": graph("VHS_LoadVideo")}, "mixed", COMFY + GIVEN),
    "comfy's screen": ({"workflow": screen("KSampler")}, "synthetic", "ComfyUI"),
    "comfy's screen with image": ({"workflow": screen("LoadImage")}, "mixed", "ComfyUI" + GIVEN),
    "novelai": (
        {
            "Software": "NovelAI",
            "Source": "NovelAI Diffusion V4",
            "Description": PROMPT,
            "Comment": json.dumps({"steps": 28, "sampler": "k_euler"}),
        },
        "synthetic",
        "NovelAI, model NovelAI Diffusion V4",
    ),
    "novelai, img2img": (
        {"Software": "NovelAI", "Comment": json.dumps({"request_type": "Img2ImgRequest"})},
        "mixed",
        "NovelAI" + GIVEN,
    ),
    "invoke": (
        {"invokeai_metadata": json.dumps({"positive_prompt": PROMPT, "model": {"key": "1", "name": "juggernaut"}})},
        "synthetic",
        "InvokeAI, model juggernaut",
    ),
    "invoke, img2img": (
        {"invokeai_metadata": json.dumps({"generation_mode": "sdxl_img2img", "model": {"model_name": "x"}})},
        "mixed",
        "InvokeAI, model x" + GIVEN,
    ),
    "invoke 2": (
        {"sd-metadata": json.dumps({"model_weights": "sd-1.5", "image": {"prompt": PROMPT, "type": "txt2img"}})},
        "synthetic",
        "InvokeAI, model sd-1.5",
    ),
    "dream": ({"Dream": f'"{PROMPT}" -s 50 -S 42 -W512 -H512 -C7.5 -A k_lms'}, "synthetic", "InvokeAI"),
    "fooocus": (
        {"parameters": json.dumps({"prompt": PROMPT, "base_model": "juggernautXL"}), "fooocus_scheme": "fooocus"},
        "synthetic",
        "Fooocus, model juggernautXL",
    ),
    "swarm": (
        {"parameters": json.dumps({"sui_image_params": {"prompt": PROMPT, "model": "sd_xl"}})},
        "synthetic",
        "SwarmUI, model sd_xl",
    ),
    "easy diffusion": (
        {"prompt": PROMPT, "negative_prompt": "", "use_stable_diffusion_model": "sd-v1-4"},
        "synthetic",
        "Easy Diffusion, model sd-v1-4",
    ),
    "midjourney": (
        {"Description": f"{PROMPT} --v 6.1 Job ID: 12345678-abcd-4def-9012-123456789abc"},
        "synthetic",
        "Midjourney, model 6.1",
    ),
    "openai": ({"Software": "OpenAI DALL·E 3"}, "synthetic", "OpenAI"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("texts", "claim", "detail"), TABLE.values(), ids=TABLE)
def test_png_texts(image, texts, claim, detail, packed):
    assert found(image(texts=texts, packed=packed), "image/png") == [(claim, detail)]


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("PNG", "image/png")])
@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
def test_user_comments(image, exif, kind, mime, codec):
    data = image(kind, exif=exif({0x9286: UNICODE + STEPS.encode(codec)}))
    assert found(data, mime) == [("synthetic", WEBUI)]


def test_comfy_in_webp(image, exif):
    tags = {0x0110: "prompt:" + graph("KSampler"), 0x010F: "workflow:" + screen("LoadImage")}
    assert found(image("WEBP", exif=exif(tags)), "image/webp") == [("synthetic", COMFY)]
    tags = {0x010E: "Workflow:" + screen("LoadImage")}
    assert found(image("WEBP", exif=exif(tags)), "image/webp") == [("mixed", "ComfyUI" + GIVEN)]


def test_fooocus_and_comfy_in_comments(image, exif):
    comment = json.dumps({"base_model": "x", "metadata_scheme": "fooocus", "prompt": PROMPT})
    data = image("JPEG", exif=exif({0x9286: b"ASCII\0\0\0" + comment.encode(), 0x0131: "Fooocus v2.5"}))
    assert found(data, "image/jpeg") == [("synthetic", "Fooocus, model x")]
    comment = f'{{"prompt": {graph("KSampler")}}}'
    data = image("JPEG", exif=exif({0x9286: UNICODE + comment.encode("utf-16-be")}))
    assert found(data, "image/jpeg") == [("synthetic", COMFY)]


@pytest.mark.parametrize(
    ("elements", "claim", "name"),
    [
        ("<xmp:CreatorTool>Adobe Firefly 1.0</xmp:CreatorTool>", "synthetic", "Adobe Firefly"),
        ("<xmp:CreatorTool>Draw Things</xmp:CreatorTool>", "synthetic", "Draw Things"),
        ("<photoshop:Credit>Made with Google AI</photoshop:Credit>", "synthetic", "Google AI"),
        ("<photoshop:Credit>Edited with Google AI</photoshop:Credit>", "mixed", "Google AI" + GIVEN),
        ("<photoshop:Credit>Imagined with AI</photoshop:Credit>", "synthetic", "Meta AI"),
        ("<photoshop:Credit>Generated by OpenAI DALL-E 3</photoshop:Credit>", "synthetic", "OpenAI"),
        ("<xmp:CreatorTool>Bing Image Creator</xmp:CreatorTool>", "synthetic", "Bing Image Creator"),
        (
            "<xmp:CreatorTool>Adobe Firefly</xmp:CreatorTool>"
            "<Iptc4xmpExt:DigitalSourceType>compositeWithTrainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>",
            "mixed",
            "Adobe Firefly" + GIVEN,
        ),
    ],
)
def test_xmp_names(image, xmp, elements, claim, name):
    assert found(image("JPEG", xmp=xmp(elements)), "image/jpeg") == [(claim, name)]


def test_iim_credit():
    credit = b"\x1c\x02\x6e\x00\x13Made with Google AI"
    resource = b"8BIM\x03\xf3\x00\x00\x00\x00\x00\x02ab" + b"8BIM\x04\x04\x00\x00" + len(credit).to_bytes(4, "big")
    body = b"Photoshop 3.0\0" + resource + credit
    data = b"\xff\xd8\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body + b"\xff\xd9"
    assert found(data, "image/jpeg") == [("synthetic", "Google AI")]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"software": "Adobe Photoshop 25.0", "creatortool": "GIMP 2.10", "credit": "Getty Images"},
        {"software": "Imagen AI", "credit": "Foto: Dalle Molle / Gemini Suites"},
        {"parameters": "Steps: 20 to the top; voltage: 3"},
        {"comment": '{"type": "LoadImage"}', "prompt": "a question", "workflow": "as usual"},
        {"prompt": json.dumps({"text": '"class_type": "KSampler", "inputs"'})},
        {"description": "Steps: see the manual, Seed: 1"},
        {"dream": "I had a dream"},
        {"artist": "Midjourney"},
        {"credit": "Firefly Aerospace"},
        {"credit": "Courtesy of OpenAI"},
        {"credit": "Photo made by Firefly Films"},
        {"credit": "Google Gemini Observatory"},
        {"software": "Firefly Photo Sorter"},
    ],
)
def test_others_are_no_generators(fields):
    assert generator_evidence(fields) == []


def test_cameras(image, exif):
    tags = {0x010F: "Canon", 0x0110: "EOS R5", 0x829A: 0.01}
    assert metadata_evidence(image("JPEG", exif=exif(tags)), "image/jpeg") == [
        Evidence(METADATA, "camera", "human", -0.5, "Canon EOS R5")
    ]
    assert metadata_evidence(image("JPEG", exif=exif({0x010F: "HP", 0x0110: "ScanJet"})), "image/jpeg") == []
    assert camera_evidence({"model": 'prompt:{"1": 2}'}, True) == []


def test_at_most_three_names():
    assert len(generator_evidence({"software": "Midjourney, ChatGPT, ComfyUI, NightCafe"})) == 3


def test_long_names_of_models_are_cut(image):
    data = image(texts={"parameters": STEPS.replace("sdxl", "m" * 500)})
    assert len(found(data, "image/png")[0][1]) < 130
