"""The documentation stays true: it builds strictly, leads nowhere dead, says what the code is."""

import ast
import fcntl
import functools
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import click
import pytest
import yaml
from browser.conftest import page  # noqa: F401 - a fixture
from paths import GUIDE, ROOT
from test_permissions import make, worker  # noqa: F401 - a fixture

from iamkit.__main__ import cli
from iamkit.aws.read import read_account
from iamkit.demo import MENDED
from iamkit.parameters.models import NOTEBOOKS
from iamkit.parameters.yaml_file import read_overrides
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.policies import check_policy
from iamkit.policies.evaluation.engine import Policies, evaluate
from iamkit.policies.evaluation.request import Principal, Request
from iamkit.workspace import find_notebook, packaged

DOCS = ROOT / ".github" / "docs"
EXAMPLES = DOCS / "examples"
PAGES = sorted(DOCS.rglob("*.md"))
BIN = Path(sys.executable).parent
LARGEST_PICTURE = 200 * 1024
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
}
"""What a browser loads without being asked, by tag and attribute."""
SANDBOX_ACCOUNT = "000000000000"


@pytest.fixture(scope="session")
def generate():
    """The module that makes what the pages say of the code; without MkDocs, a loud skip."""
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        assert not os.environ.get("CI"), "CI HAS NO MKDOCS"
        pytest.skip("NOT CHECKED: no MkDocs here; install the extra docs")
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def site(generate, tmp_path_factory):
    """The site, built strictly, once for all of the workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "site"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            generate.write_pages(shared / "pages")
            config = shared / "pages" / "mkdocs.yml"
            command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config]
            home = {"IAMKIT_HOME": str(shared / "site-home")}
            done = subprocess.run(
                [*command, "-d", shared / "site.new"],
                env=os.environ | home,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            (shared / "site.new").rename(folder)
    return folder


class Links(HTMLParser):
    """What a page refers to: the ids in it, its links, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag in LOADED and found.get(LOADED[tag]):
            self.loads.append(found[LOADED[tag]])
        if tag in ("img", "source") and found.get("srcset"):
            self.loads += [part.split()[0] for part in found["srcset"].split(",")]
        self.loads += re.findall(r"url\(([^)]+)\)", found.get("style") or "")


@pytest.fixture(scope="session")
def pages(site):
    """Every page of the site, by its path."""
    return {path: Links(path.read_text()) for path in site.rglob("*.html")}


def test_no_link_of_the_site_is_dead(site, pages):
    """Each relative link and each loaded file is there, with its anchor."""
    dead = []
    for path, found in pages.items():
        for link in found.links + found.loads:
            target, anchor = urldefrag(link)
            if urlsplit(link).scheme or path.name == "404.html":
                continue
            other = (path.parent / unquote(target)).resolve() if target else path
            if not other.is_file() or (
                anchor and other.suffix == ".html" and unquote(anchor) not in pages[other].ids
            ):
                dead.append((str(path.relative_to(site)), link))
    assert len(pages) > len(PAGES)
    assert dead == []


def test_no_page_loads_anything_from_another_host(site, pages):
    """No script, style, font or picture of elsewhere, in the pages and in their styles."""
    loads = [link for found in pages.values() for link in found.loads]
    for style in site.rglob("*.css"):
        text = style.read_text()
        loads += re.findall(r"url\(([^)]+)\)", text)
        loads += re.findall(r"@import\s+[\"']?([^\"';]+)", text)
    assert len(loads) > len(pages)
    foreign = [link for link in loads if re.match(r"[\"']?(https?:)?//", link)]
    assert foreign == []


def test_a_browser_asks_no_other_host_and_the_search_finds(site, page):  # noqa: F811
    """Start page, a notebook's page and a search: all requests go to the site itself."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=site)
    handler.log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    try:
        page.goto(f"{address}/notebooks/04_users.html", wait_until="networkidle")
        page.goto(f"{address}/index.html", wait_until="networkidle")
        page.click("input[name=query]")
        page.wait_for_selector(".md-search-result__meta:has-text('start searching')")  # it is ready
        page.keyboard.type("leavers_grace_days", delay=20)
        page.wait_for_selector(".md-search-result__item a")
    finally:
        server.shutdown()
        server.server_close()
    assert len(requests) > 5
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []


def test_each_notebook_has_a_page_and_each_parameter_a_row(site):
    """As the notebooks and their models are."""
    names = [path.stem for path in packaged("notebooks").glob("*.ipynb")]
    assert len(names) >= len(NOTEBOOKS)
    for name in names:
        text = (site / "notebooks" / f"{name}.html").read_text()
        assert "Permissions" in text, name
        for parameter, field in getattr(NOTEBOOKS.get(name), "model_fields", {}).items():
            assert f"<td><code>{parameter}</code></td>" in text, (name, parameter)
            assert field.description, (name, parameter)


def test_what_is_generated_is_complete(generate):
    """The README's counts, every public name, every command."""
    import iamkit
    from iamkit.audit import CHECKS

    assert all(f"| `{name}` |" in generate.checks() for name in CHECKS)
    assert all(f".{name}\n" in generate.public_names() for name in iamkit.__all__)
    assert "iamkit sandbox weather" in generate.command_line()
    with pytest.raises(Exception, match="no such thing"):
        generate.generated("<!-- iamkit: no such thing -->", "page.md")


def test_the_pictures_are_small_used_and_described():
    """Each is under 200 KiB, stands on a page or in the README, and has a text in its place."""
    texts = {path: path.read_text() for path in [*PAGES, ROOT / "README.md"]}
    shown = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", "\n".join(texts.values()))
    assert all(len(words) > 20 for words, _ in shown)
    names = {Path(link).name for _, link in shown}
    pictures = list((DOCS / "pictures").iterdir())
    assert {path.name for path in pictures} == names
    assert [path.name for path in pictures if path.stat().st_size > LARGEST_PICTURE] == []


def blocks(language):
    """The code blocks of a language on all pages: the page's name, and the text."""
    fence = re.compile(rf"^( *)```{language}\b[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
    for path in PAGES:
        for _, text in fence.findall(path.read_text()):
            yield path.name, text


def test_json_on_the_pages_is_json():
    """And each policy among it is one; those that trust name the repository in their sub."""
    found = [(name, json.loads(text)) for name, text in blocks("json")]
    assert found
    for name, document in found:
        (statement,) = document["Statement"]
        if "Principal" not in statement:
            check_policy(document, name)
            continue
        conditions = {k: v for test in statement["Condition"].values() for k, v in test.items()}
        (sub,) = (value for key, value in conditions.items() if key.endswith(":sub"))
        assert "example-team" in str(sub)


def test_yaml_of_the_pages_is_yaml():
    """The workflows, the pipeline and every block; the workflow asks for no more than it needs."""
    files = [*EXAMPLES.glob("*.yml"), ROOT / ".github" / "mkdocs.yml"]
    files += (ROOT / ".github" / "workflows").glob("*.yml")
    texts = [path.read_text() for path in files] + [text for _, text in blocks("ya?ml")]
    assert all(yaml.safe_load(text) for text in texts)
    workflow = yaml.safe_load((EXAMPLES / "github.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["apply"]["environment"]
    pipeline = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())
    assert set(pipeline["stages"]) == {"plan", "apply", "audit"}


def commands():
    """Every command on the pages and in the examples' YAML, a line each."""
    whole = [(name, re.sub(r"\\\n\s*", "", text)) for name, text in blocks("sh")]
    lines = [(name, line) for name, text in whole for line in text.splitlines()]
    lines += [
        (path.name, re.sub(r"^[- ]*(run: )?", "", line))
        for path in EXAMPLES.glob("*.yml")
        for line in path.read_text().splitlines()
    ]
    lines += [(p.name, code) for p in PAGES for code in re.findall(r"`([^`\n]+)`", p.read_text())]
    return [(name, line.strip()) for name, line in lines]


def test_the_walk_s_names_stand_on_the_pages():
    """Every name in bold, of a button, a field or a sentence, is one that the product shows."""
    walk = (DOCS / "first-steps.md").read_text()
    shown = [path for kind in ("*.py", "*.js") for path in (ROOT / "iamkit").rglob(kind)]
    shown += (ROOT / "notebooks").glob("*.ipynb")
    source = "\n".join(path.read_text() for path in shown).replace("${noun}", "user")
    named = set(re.findall(r"\*\*(.+?)\*\*", walk, re.DOTALL)) - {"bold"}
    assert len(named) > 10
    for name in named:
        # A number and what hangs on the account are filled in by the plan.
        fixed = re.sub(r": \d+ to create$", "", " ".join(name.split()))
        assert fixed in source, name
    steps = [int(number) for number in re.findall(r"(?m)^(\d+)\. ", walk)]
    assert steps == list(range(1, len(steps) + 1))


def test_the_tour_shows_the_notebooks_that_the_demo_runs():
    """In its order, as on the start page."""
    (shown,) = (text for _, text in blocks("text") if text.startswith("notebook  "))
    start, *others = (name for name in NOTEBOOKS if name != MENDED)
    assert re.findall(r"^(\d\d_\w+) ", shown, re.MULTILINE) == [*others, start, MENDED]


def words_of(program, line):
    """The words of each call of a program in a line of shell, the shell's own signs left out."""
    for call in re.findall(rf"(?:^|\$\(|&& )({program} [^\n)|&;…]*)", line):
        words = shlex.split(call)
        yield [word for word in words[1:] if not word.startswith((">", "2>"))]


def parse(command, words, name, parent=None):
    """Parse as click would, without running anything."""
    context = command.make_context(name, list(words), parent=parent)
    if isinstance(command, click.Group) and context._protected_args:
        child, found, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        return parse(found, rest, child, context)
    return context


def test_each_iamkit_command_is_one():
    """Options, choices, notebooks and parameters exist; nothing is run."""
    count = 0
    for page_name, line in commands():
        for words in words_of("iamkit", line):
            text = [w.replace("$NOTEBOOKS", "03_dev_group") for w in words]
            if text[:1] == ["run"] and len(text) == 1:
                continue  # a command's name in a sentence
            try:
                context = parse(cli, text, "iamkit")
            except click.UsageError as error:
                if len(text) == 1 and text[0] in cli.commands:
                    continue
                raise AssertionError(f"{page_name}: {line}: {error.message}") from None
            count += 1
            if context.info_name == "run":
                assert all(
                    find_notebook(str(ROOT / n) if "/" in n else n)
                    for n in context.params["notebooks"]
                )
                read_overrides(context.params["parameter"])  # raises if no notebook knows one
    assert count > 40


def test_each_aws_iam_command_is_one():
    """The operation exists, and has these options and all that it must have."""
    import botocore.session
    from botocore import xform_name

    model = botocore.session.Session().get_service_model("iam")
    operations = {xform_name(n, "-"): model.operation_model(n) for n in model.operation_names}
    count = 0
    for page_name, line in commands():
        for words in words_of("aws iam", line):
            operation, *rest = words[1:] if words[0] == "iam" else words
            assert operation in operations, (page_name, line)
            shape = operations[operation].input_shape
            members = {xform_name(n, "-") for n in shape.members} if shape else set()
            options = {word[2:] for word in rest if word.startswith("--")}
            assert options <= members, (page_name, line)
            required = {xform_name(n, "-") for n in shape.required_members} if shape else set()
            assert required <= options or not options, (page_name, line)
            count += 1
    assert count > 10


def test_each_make_target_exists():
    """As the Makefile has them."""
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = {match for _, line in commands() for match in re.findall(r"^make ([\w-]+)", line)}
    assert named
    assert named <= set(targets)


def said_by_the_code():
    """Every text in the package, an … for each value that is put into it."""
    for path in (ROOT / "iamkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"\{\w*\}", "…", node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
                yield re.sub("…+", "…", "".join(parts))


def test_each_message_is_one_that_the_code_says():
    """Word by word; what differs from case to case is an … on the page."""
    said = list(said_by_the_code())
    messages = [text.strip() for _, text in blocks("message")]
    assert len(messages) > 30
    unknown = []
    for message in messages:
        pattern = re.compile(".*?".join(re.escape(p) for p in message.split("…")), re.DOTALL)
        if not any(pattern.search(text) for text in said):
            unknown.append(message)
    assert unknown == []


def run(*words, folder, **environment):
    """Run a program of the environment in a folder."""
    return subprocess.run(
        [str(BIN / words[0]), *map(str, words[1:])],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | environment,
    )


def test_the_check_of_ones_own_runs(sandbox, tmp_path):
    """It finds users without a team, in a state that iamkit audit saved."""
    sandbox.populate(10, 7)
    saved = run("iamkit", "audit", "-f", GUIDE, "--save-state", "state.json", folder=tmp_path)
    assert saved.returncode == 0, saved.stderr
    done = run("python", EXAMPLES / "own_check.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "fail" in done.stdout


def test_the_notebook_of_ones_own_runs(sandbox, session, tmp_path):
    """It plans with exit code 2, applies, and has nothing left to do."""
    notebook = EXAMPLES / "20_reviewers.ipynb"
    words = ["iamkit", "run", notebook, "-f", GUIDE, "-p", "run_as", ""]
    codes = [
        run(*words, *more, "--output", tmp_path / str(n), folder=tmp_path).returncode
        for n, more in enumerate([(), ("--apply",), ("--apply",)])
    ]
    assert codes == [2, 0, 0]
    assert session.iam.get_group_policy(GroupName="reviewers", PolicyName="readLogs")


def test_the_sandbox_in_python_runs(tmp_path):
    """A fault planned, no call yet, and it ends."""
    done = run("python", EXAMPLES / "sandbox_faults.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("[]")


def test_sessions_of_aws_login_are_ended(tmp_path):
    """The one session is revoked, at the sandbox, though botocore would ask AWS itself."""
    done = run("python", EXAMPLES / "sign_in_sessions.py", folder=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "1 []"), done.stderr


def of_the_sandbox(document, account):
    """A policy of the pages for the sandbox's account."""
    return json.loads(json.dumps(document).replace(account, SANDBOX_ACCOUNT))


@pytest.fixture
def worker_may(generate, worker, session):  # noqa: F811
    """Let the worker do just what the pages' policy for these notebooks allows."""

    def allow(*notebooks):
        document = of_the_sandbox(generate.policy_of(*notebooks), generate.ACCOUNT)
        worker("sts:GetCallerIdentity")  # turns authorising on
        session.iam.put_user_policy(
            UserName="worker", PolicyName="only", PolicyDocument=json.dumps(document)
        )

    return allow


TEAM = ("03_dev_group", "04_users", "05_account_alias")


def test_the_policy_that_reads_is_enough_to_plan_and_to_audit(worker_may, tmp_path):
    """Notebooks 03 and 05 plan, the audit reads everything, and nothing can be applied."""
    worker_may(*TEAM, "06_audit_users", "read")
    words = ["-f", GUIDE, "-p", "run_as", "worker", "--output", tmp_path / "runs"]
    planned = run("iamkit", "run", "03_dev_group", "05_account_alias", *words, folder=tmp_path)
    assert planned.returncode == 2, planned.stdout + planned.stderr
    audited = run("iamkit", "run", "06_audit_users", *words, folder=tmp_path)
    assert audited.returncode == 0, audited.stdout + audited.stderr
    applied = run("iamkit", "run", "03_dev_group", *words, "--apply", folder=tmp_path)
    assert applied.returncode == 1
    assert "iam:CreateGroup" in applied.stderr


def test_the_policy_that_applies_is_enough(worker_may, tmp_path):
    """Notebooks 03 to 05 are applied under it, narrowed to users and groups as it is."""
    worker_may(*TEAM)
    words = ["-f", GUIDE, "-p", "run_as", "worker", "--output", tmp_path / "runs", "--apply"]
    done = run("iamkit", "run", *TEAM, *words, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_policy_of_leavers_is_enough(worker_may, sandbox, session, tmp_path):
    """A user with a key, a password, a device, policies and a boundary is stopped and deleted."""
    make(
        session, Desired(users=(DesiredUser(name="dave", access_key=True, console_password=True),))
    )
    iam, view = session.iam, "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.attach_user_policy(UserName="dave", PolicyArn=view)
    iam.put_user_permissions_boundary(UserName="dave", PermissionsBoundary=view)
    iam.create_service_specific_credential(UserName="dave", ServiceName="codecommit.amazonaws.com")
    sandbox.sign_in("dave")
    worker_may("11_leavers")
    words = ["-f", GUIDE, "-p", "run_as", "worker", "-p", "leavers", "[{user: dave}]", "--apply"]
    words += ["-p", "allow_destructive", "true", "--output", tmp_path / "runs"]
    for is_there in (True, False):
        done = run("iamkit", "run", "11_leavers", *words, folder=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("dave" in read_account(session).users) == is_there
        sandbox.age(days=31)


def test_the_ci_role_cannot_touch_the_administrators(generate):
    """The statement on the page denies it, whatever the role's other policy allows."""
    (never,) = (json.loads(text) for _, text in blocks("json") if "NeverTheAdministrators" in text)
    role = Principal(f"arn:aws:iam::{generate.ACCOUNT}:role/iamkit-apply")
    both = Policies(identity={"apply": generate.policy_of(*TEAM), "never": never})

    def answer(action, kind, name):
        arn = f"arn:aws:iam::{generate.ACCOUNT}:{kind}/{name}"
        asked = Request(principal=role, action=action, resource=arn, context={})
        return evaluate(asked, both).effect

    assert answer("iam:CreateAccessKey", "user", "bob") == "allowed"
    for action, kind, name in (
        ("iam:CreateAccessKey", "user", "alice"),
        ("iam:AddUserToGroup", "group", "Admins"),
        ("iam:PutGroupPolicy", "group", "Admins"),
    ):
        assert answer(action, kind, name) == "explicit deny"
