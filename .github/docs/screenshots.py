# ruff: noqa: INP001
"""The pictures of the pages: the running product in a browser, stepped through by clicks.

``make screenshots`` runs it. It needs Chromium, like the tests in a browser, and touches nothing of
yours: JupyterLab works on a folder of its own, with a home and a sandbox of its own.
"""

import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import sync_playwright

from iamkit.sandbox import start_sandbox, stop_sandbox

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from browser.conftest import (  # noqa: E402 - what the tests in a browser use
    BROWSER,
    FRONT,
    PATIENCE,
    TOKEN,
    run_through,
    running_lab,
    wait_for_text,
    wait_until_ready,
)

PICTURES = Path(__file__).parent / "pictures"
WIDTH = 1280
TALLEST = 1000
LARGEST = 200 * 1024
PLACES = f"""([first, last]) => {{
  const panel = {FRONT}.content;
  const tagged = tag => panel.widgets.find(
    widget => (widget.model.getMetadata('tags') || []).includes(tag));
  const from = tagged(first), to = tagged(last);
  if (!from || !to) return null;
  from.node.scrollIntoView({{block: 'start'}});
  const a = from.node.getBoundingClientRect(), b = to.node.getBoundingClientRect();
  const whole = panel.node.getBoundingClientRect();
  return {{x: whole.x, y: a.y, width: whole.width, height: b.bottom - a.y}};
}}"""
"""Where the cells from one tag to another are, scrolled into view."""


def main() -> None:
    """Step through the notebooks and take each picture.

    Raises:
        SystemExit: there is no Chromium.
    """
    if not BROWSER:
        raise SystemExit("The pictures need Chromium.")
    with _home() as home, sync_playwright() as playwright:
        sandbox = start_sandbox(home / "iamkit" / "sandbox")
        parameters = yaml.safe_load((ROOT / "parameters" / "sandbox.yaml").read_text())
        with running_lab(home, parameters, home / "iamkit") as lab:
            browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
            _step_through(Tour(browser, lab), sandbox)
            browser.close()


def _step_through(tour: "Tour", sandbox: Any) -> None:
    with tour.notebook("00_start_here") as page:
        _take(page, "start", "session", "urgent")
    with tour.notebook("01_credentials") as page:
        _take(page, "credentials", "session", "sources")
    with tour.notebook("02_admin_group") as page:
        _take(page, "review", "workbench", "workbench")
        _apply(page)
        _take(page, "applied", "workbench", "workbench")
    with tour.notebook("03_dev_group") as page:
        _take(page, "form", "workbench", "workbench")
        _apply(page)
    with tour.notebook("04_users") as page:
        _apply(page)
        _take(page, "users", "workbench", "workbench")
    with tour.notebook("05_account_alias") as page:
        _apply(page)
        _take(page, "alias", "workbench", "workbench")
    sandbox.populate(40, 7)
    sandbox.age(1)  # AWS makes a new credential report every four hours at most
    with tour.notebook("06_audit_users") as page:
        _take(page, "audit", "workbench", "workbench")
    with tour.notebook("07_policy_studio") as page:
        _take(page, "studio", "workbench", "workbench")
    with tour.notebook("08_sign_in_rules") as page:
        page.get_by_label("Days until it expires").fill("90")
        wait_for_text(page, "must choose another password")
        _take(page, "rules", "workbench", "workbench")
    with tour.notebook("09_mend_findings") as page:
        page.get_by_text("Access keys that nobody uses are deactivated").first.click()
        ticks = page.locator(".widget-checkbox input:not([disabled])")
        ticks.nth(1).wait_for()
        for number in range(2):
            ticks.nth(number).check()
        wait_for_text(page, "Apply: 2 to update")
        _take(page, "mend", "workbench", "workbench")
        _apply(page)
        page.get_by_role("button", name="Take it back").click()
        wait_for_text(page, "What gives access back")
        _take(page, "undo", "workbench", "workbench")


@dataclass(frozen=True)
class Tour:
    """A browser and a JupyterLab, in which each notebook is opened alone."""

    browser: Any
    lab: str

    @contextmanager
    def notebook(self, name: str) -> Iterator[Any]:
        """A page with a notebook that has run, and nothing beside it."""
        page = self.browser.new_page(
            viewport={"width": WIDTH, "height": 2400}, device_scale_factor=1, color_scheme="light"
        )
        page.set_default_timeout(PATIENCE * 1000)
        # A workspace of its own has no tabs of other notebooks.
        page.goto(f"{self.lab}/lab/workspaces/{name}/tree/notebooks/{name}.ipynb?token={TOKEN}")
        wait_until_ready(page, name)
        page.evaluate("window.jupyterapp.shell.collapseLeft()")
        run_through(page)
        yield page
        page.evaluate(f"{FRONT}.sessionContext.shutdown()")
        page.close()


@contextmanager
def _home() -> Iterator[Path]:
    """A new private folder, whose name is the same each time: it is in the pictures."""
    home = Path(tempfile.gettempdir()) / "tour"
    home.mkdir(mode=0o700)
    (home / "iamkit").mkdir(mode=0o700)
    os.environ["IAMKIT_HOME"] = str(home / "iamkit")
    try:
        yield home
    except Exception:
        if (log := home / "lab.log").exists():
            sys.stderr.write(log.read_text()[-3000:])
        raise
    finally:
        stop_sandbox(home / "iamkit" / "sandbox")
        shutil.rmtree(home)


def _apply(page: Any) -> None:
    """Click Apply, whatever else its text says, and wait until the account was read again."""
    page.locator("button:enabled", has_text=re.compile(r"^\W*Apply\b")).last.click()
    wait_for_text(page, "Verified")


def _take(page: Any, name: str, first: str, last: str) -> None:
    """A picture of the cells from one tag to another.

    Raises:
        LookupError: the notebook has no cells with these tags.
        ValueError: the picture is too large.
    """
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(1500)  # charts and widgets are drawn
    place = page.evaluate(PLACES, [first, last])
    if place is None:
        raise LookupError(f"no cells tagged {first} and {last} for {name}.png")
    place["height"] = min(place["height"], TALLEST)
    picture = _small(page.screenshot(clip=place))
    if len(picture) > LARGEST:
        raise ValueError(f"{name}.png has {len(picture):,} bytes")
    (PICTURES / f"{name}.png").write_bytes(picture)
    print(f"{name}.png {len(picture):,} bytes")  # noqa: T201


def _small(png: bytes) -> bytes:
    """The picture with fewer colours, if Pillow is there."""
    try:
        from PIL import Image  # noqa: PLC0415 - matplotlib brings it, and nothing else needs it
    except ImportError:
        return png
    out = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
