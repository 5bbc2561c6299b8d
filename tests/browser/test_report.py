"""The reports of a run in a real browser: to be read in light and dark, on a phone, on paper."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from paths import GUIDE

IAMKIT = Path(sys.executable).parent / "iamkit"
NOTEBOOKS = ("01_credentials", "03_dev_group", "06_audit_users", "07_policy_studio")
LOW = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = rgb => {
    const [r, g, b] = rgb.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = element => {
    if (!element) return [255, 255, 255];
    const own = parse(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement));
  };
  const low = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
    if (!text || !element.checkVisibility({opacityProperty: true, visibilityProperty: true}))
      continue;
    if (element.closest('script, style, noscript')) continue;
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
    const below = behind(element), own = parse(getComputedStyle(element).color);
    const front = over([...own.slice(0, 3), own[3] * opacity], below);
    const [a, b] = [light(front), light(below)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${text.slice(0, 60)} <${element.tagName}>`);
  }
  return low;
}"""
"""Every text in sight whose contrast with what is behind it is below 4.5 to 1 (WCAG 1.4.3)."""


@pytest.fixture(scope="module")
def run(private_home, iamkit_sandbox_factory, tmp_path_factory):
    """The folder of a run that plans and audits in an account with people."""
    folder = tmp_path_factory.mktemp("run")
    iamkit_sandbox_factory(people=60, seed=7)
    command = [IAMKIT, "run", *NOTEBOOKS, "-f", GUIDE, "-p", "run_as", "", "--output", "out"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"IAMKIT_HOME": str(private_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr + done.stdout
    assert "The report, to read, send or print: out/index.html" in done.stdout
    return folder / "out"


def test_everything_can_be_read_and_nothing_is_fetched(page, run):
    """In light and dark, on a phone too, with all parts opened; no page is wider than its window.

    It begins at the index, and code is out of sight until it is asked for.
    """
    requests, problems = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    for name in ("index", *NOTEBOOKS):
        page.goto((run / "index.html").as_uri())
        if name != "index":
            page.click(f'a[href="./{name}.html"]')
            assert page.locator(".highlight").first.is_hidden()
            page.check("#code")
            assert page.locator(".highlight").first.is_visible()
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        if name == "06_audit_users":
            page.wait_for_selector(".iamkit-audit input[type=search]")
        assert page.locator("h1").count() == 1
        assert page.locator("thead th:not([scope])").count() == 0
        for scheme, width in product(("light", "dark"), (1280, 390)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(LOW) == [], (name, scheme, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_paper_and_readers_without_scripting_have_plain_tables(page, run):
    """In full width, in place of those with buttons; closed sections are printed too."""
    report = (run / "06_audit_users.html").as_uri()
    page.goto(report)
    page.wait_for_selector(".iamkit-audit input[type=search]")
    page.evaluate("document.querySelectorAll('.section').forEach(d => d.open = false)")
    page.set_viewport_size({"width": 1000, "height": 700})
    page.emulate_media(media="print")
    assert page.locator(".iamkit-audit:visible, .toggle:visible, .contents:visible").count() == 0
    assert page.locator(".static table:visible").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000
    assert page.evaluate(LOW) == []

    without = page.context.browser.new_context(java_script_enabled=False)
    reader = without.new_page()
    reader.goto(report)
    assert reader.locator(".static table").first.is_visible()
    reader.check("#code")
    assert reader.locator(".highlight").first.is_visible()
    without.close()
