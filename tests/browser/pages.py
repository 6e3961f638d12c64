"""What the tests of pages share: the command line in a process of its own, and judgements of a page."""

import subprocess
import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

ROOT = Path(__file__).parents[2]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCHEMES = ("light", "dark")


def curate(*arguments):
    """Starts a command."""
    script = "import sys; from curate.pipelines.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(*arguments):
    """What a command prints, once it has ended well."""
    process = curate(*arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def barriers(page):
    """What axe-core finds on a page as it is now that would keep somebody from using it, one line each."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


def is_wide(page):
    """Whether the page itself would have to be moved sideways."""
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def contrasts(page, pairs):
    """The contrast of two custom properties of the style sheet each, as WCAG 2 defines it."""
    return page.evaluate(
        """(pairs) => {
          const style = getComputedStyle(document.documentElement);
          const light = (name) => {
            const hex = style.getPropertyValue(name).trim();
            const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
              .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          return pairs.map((pair) => {
            const [high, low] = pair.map(light).sort((a, b) => b - a);
            return (high + 0.05) / (low + 0.05);
          });
        }""",
        pairs,
    )
