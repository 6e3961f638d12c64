"""Junk made from real documents: what a quality gate has to stop."""

import random
import re

KINDS = ("mojibake", "ocr", "spam", "template")

_LOOKALIKES = {"l": "1", "i": "l", "o": "0", "e": "c", "a": "o", "n": "ri", "m": "rn", "h": "b", "s": "5", "t": "f"}
_MENU = (
    "Home", "About us", "Contact", "Products", "Services", "Log in", "Register", "Cart (0)", "Search", "FAQ", "Sitemap",
    "Privacy policy", "Terms of use", "Help", "News", "Share on Facebook", "Tweet", "Print", "Next »", "« Previous",
)  # fmt: skip


def mojibake(text, random_of):
    """UTF-8 read as Windows-1252, Latin-1 or Windows-1251; None where nearly all characters are ASCII."""
    if sum(character > "\x7f" for character in text) < 0.01 * len(text):
        return None
    encoding = random_of.choice(["cp1252", "latin-1", "cp1251"])
    return text.encode().decode(encoding, "replace")


def ocr(text, random_of, rate=0.08):
    """Characters mistaken for others, words torn and joined."""
    out = []
    for character in text:
        if random_of.random() > rate:
            out.append(character)
        elif character == " ":
            out.append(random_of.choice(["", "  ", " . "]))
        else:
            out.append(
                random_of.choice(
                    [_LOOKALIKES.get(character.lower(), ""), "", character + " ", random_of.choice("~^|;*'.,<»")]
                )
            )
    return "".join(out)


def spam(text, random_of):
    """Keywords of the text, over and over."""
    words = [word for word in re.findall(r"\w+", text) if len(word) > 4] or list(text)
    words = random_of.sample(sorted(set(words)), min(len(set(words)), random_of.randint(8, 25)))
    count = min(max(len(text.split()), 150), 600)
    return random_of.choice([", ", " ", " | "]).join(random_of.choice(words) for _ in range(count))


def template(text, random_of):
    """A page of menus and buttons around some words of the text."""
    words = re.findall(r"\w+", text)[:400] or ["page"]
    lines = []
    for _ in range(random_of.randint(5, 10)):
        lines += random_of.sample(_MENU, 8)
        lines += [f"{' '.join(random_of.sample(words, min(3, len(words))))} | Read more" for _ in range(3)]
        lines += ["Please enable JavaScript to use this site.", "We use cookies. Accept"]
    return "\n".join(lines)


def make(kind, text, seed):
    """Junk of a kind, or None where the text does not serve for it."""
    return globals()[kind](text, random.Random(seed))
