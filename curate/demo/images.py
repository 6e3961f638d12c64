"""Small images of known origin, signed on the spot with a certificate made for the occasion."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoImage:
    """An image: its kind in the truth, and the bytes of the PNG file."""

    kind: str
    data: bytes


_NO_TRAINING = {"cawg.ai_generative_training": "notAllowed", "cawg.ai_training": "notAllowed"}


def demo_images() -> tuple[list[DemoImage], str]:
    """Twelve images: signed by an AI generator, by a camera, by nobody, tampered with, and closed to training.

    Keys, and so the bytes, differ from call to call.

    Returns:
        the images, and the root certificate (PEM) that their signatures chain to.
    """
    from curate.provenance.signing import ThrowAwaySigner, make_png

    signer = ThrowAwaySigner()
    colours = iter([(20 * i, 255 - 20 * i, (70 * i) % 256) for i in range(12)])

    def signed(source_type: str, training_mining: dict[str, str] | None = None) -> bytes:
        return signer.sign(make_png(*next(colours)), "image/png", source_type, training_mining)

    images = [DemoImage("image_ai", signed("trainedAlgorithmicMedia")) for _ in range(3)]
    images += [DemoImage("image_camera", signed("digitalCapture")) for _ in range(3)]
    images += [DemoImage("image_unsigned", make_png(*next(colours))) for _ in range(3)]
    images += [DemoImage("image_tampered", _tamper(signed(t))) for t in ("trainedAlgorithmicMedia", "digitalCapture")]
    images += [DemoImage("image_denied", signed("digitalCapture", _NO_TRAINING))]
    return images, signer.anchors_pem


def _tamper(png: bytes) -> bytes:
    """One bit of the picture changed after signing: the hash of the content no longer holds."""
    place = png.index(b"IDAT") + 10
    return png[:place] + bytes([png[place] ^ 1]) + png[place + 1 :]
