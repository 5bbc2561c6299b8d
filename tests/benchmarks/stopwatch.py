"""How long a person waits in JupyterLab, in a real browser of 1280 by 800: ``make stopwatch``.

From ``iamkit lab`` to the marked step; from a click on a step, and from Run All, to an Apply in
view; from a click and from a key to the changed plan with 40 users; sort and search in the audit
of 1,500.
"""

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import yaml
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from browser.conftest import (  # noqa: E402 - the folder above is on the path now
    BROWSER,
    PATIENCE,
    TOKEN,
    front,
    open_notebook,
    run_all,
    running_lab,
    wait_for_text,
)
from browser.test_workbench_in_lab import CHANGED, IN_VIEW  # noqa: E402

PEOPLE, AUDITED = 40, 1_500
ROUNDS = 6
DRAWN = """async ([selector, text]) => {
  const element = document.querySelector(selector);
  const begun = performance.now();
  if (text === null) element.click();
  else { element.value = text; element.dispatchEvent(new Event('input', {bubbles: true})); }
  // The second frame begins when what the first one changed has been drawn.
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - begun;
}"""
TYPED = """({text, typed, value}) => new Promise(resolve => {
  const bench = [...document.querySelectorAll('.iamkit-workbench')].find(e => e.offsetParent);
  const input = bench.querySelector(typed);
  const begun = performance.now();
  const look = () => bench.textContent.includes(text)
    ? resolve(performance.now() - begun) : requestAnimationFrame(look);
  input.value = value;
  input.dispatchEvent(new Event('change', {bubbles: true}));  // as Enter and Tab do
  look();
})"""


def main():
    """Measure, and print each figure as it is known.

    Raises:
        SystemExit: there is no Chromium.
    """
    if not BROWSER:
        raise SystemExit("The stopwatch needs Chromium.")
    with tempfile.TemporaryDirectory(prefix="stopwatch-") as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        home = Path(place) / "home"
        home.mkdir(mode=0o700)
        os.environ["IAMKIT_HOME"] = str(home)
        with practice(home) as sandbox:
            measure(browser, sandbox, Path(place), home)
        browser.close()


@contextmanager
def practice(home):
    """A sandbox of its own, which ends with it."""
    from iamkit.sandbox import start_sandbox, stop_sandbox

    try:
        yield start_sandbox(home / "sandbox")
    finally:
        stop_sandbox(home / "sandbox")


def measure(browser, sandbox, place, home):
    """In one JupyterLab, on the guide's parameters with 40 users in place of its two."""
    rows = [{"name": f"user{n}", "groups": ["dev"], "access_key": True} for n in range(PEOPLE)]
    given = yaml.safe_load((ROOT / "parameters" / "sandbox.yaml").read_text())
    begun = time.perf_counter()
    with running_lab(place, given | {"users": rows}, home) as lab:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{lab}/?token={TOKEN}")
        page.locator('li[aria-current="step"]').wait_for()
        tell("iamkit lab to the marked step", time.perf_counter() - begun)
        begun = time.perf_counter()
        page.click('.jp-OutputArea a:has-text("02_admin_group")')
        page.wait_for_function(IN_VIEW)
        tell("a click on a step to an Apply in view", time.perf_counter() - begun)
        for name in ("02_admin_group", "03_dev_group", "04_users"):
            open_notebook(page, lab, name)
            begun = time.perf_counter()
            run_all(page)
            page.wait_for_function(IN_VIEW)
            tell(f"Run All to an Apply in view, {name}", time.perf_counter() - begun)
        follow(page)
        sandbox.populate(AUDITED, 7)
        audit(page, lab)


def follow(page):
    """04 with its users: a box is ticked, a name is typed."""
    calls = f"{3 * PEOPLE} calls to AWS"
    wait_for_text(page, calls)
    took = []
    for text in (f"{3 * PEOPLE - 1} calls", calls) * (ROUNDS // 2):
        asked = {"text": text, "typed": "tbody input[type=checkbox]"}
        took.append(page.evaluate(CHANGED, asked))
        page.wait_for_timeout(700)
    tell(f"a click to the changed plan, {PEOPLE} users", *took)
    took = []
    for number in range(ROUNDS):
        name = f"key{number}"
        asked = {"text": f"user {name}", "typed": "tbody input[type=text]", "value": name}
        took.append(page.evaluate(TYPED, asked))
        page.wait_for_timeout(700)
    tell(f"a key to the changed plan, {PEOPLE} users", *took)


def audit(page, lab):
    """06 on a company: its users are sorted and searched."""
    open_notebook(page, lab, "06_audit_users")
    begun = time.perf_counter()
    run_all(page)
    front(page).locator(".tile").nth(7).wait_for()
    tell(f"Run All to eight tiles, {AUDITED:,} users", time.perf_counter() - begun)
    wait_for_text(page, "Everything that was asked for was read")
    tell(f"Run All to the end, {AUDITED:,} users", time.perf_counter() - begun)
    table = '.jp-NotebookPanel:not(.lm-mod-hidden) [data-table="users"]'
    heads = [f'{table} th[data-column="{name}"] button' for name in ("user", "last_activity")]
    took = [page.evaluate(DRAWN, [heads[n % 2], None]) for n in range(ROUNDS)]
    tell(f"sort, {AUDITED:,} users", *took)
    words = [f"user0{n}" for n in range(ROUNDS)]
    took = [page.evaluate(DRAWN, [f"{table} input[type=search]", word]) for word in words]
    tell(f"search, {AUDITED:,} users", *took)


def tell(what, *taken):
    """Print one time in seconds, or several in milliseconds with their median."""
    if len(taken) == 1:
        print(f"{what}: {taken[0]:.1f} s", flush=True)
    else:
        each = ", ".join(f"{one:.0f}" for one in sorted(taken))
        print(f"{what}: {median(taken):.0f} ms ({each})", flush=True)


if __name__ == "__main__":
    main()
