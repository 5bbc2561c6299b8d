"""However deep a text from outside is nested, the answer is one sentence, on every Python."""

import ast
import json
import re
from urllib.parse import quote

import pytest
from paths import ROOT

from iamkit.account.state_file import load_state
from iamkit.credentials.record import read_record
from iamkit.errors import IamkitError
from iamkit.notebook.input_notebook import declared_parameters
from iamkit.parameters.yaml_file import read_override, read_parameters
from iamkit.parameters.yaml_writer import _stays_text
from iamkit.policies.grammar.reading import read_json
from iamkit.sandbox.process import find_sandbox
from iamkit.sandbox.server.call import _read_json
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.http_message import Request
from iamkit.text import DEEPEST, NestedTooDeep, is_too_deep, parse_json, parse_python
from iamkit.workspace import fill_parameters

DEPTHS = (3_000, 20_000)
HEAD = "environment: sandbox\naccount_id: '000000000000'\n"


def lists(depth):
    return "[" * depth + "]" * depth


def objects(depth):
    return '{"a":' * depth + "1" + "}" * depth


def file_of(folder, name, text):
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def dump(policy):
    """A dump of an account with one user, whose policy is a text, as some tools have it."""
    user = {"UserName": "a", "Arn": "arn:aws:iam::111122223333:user/a", "UserId": "AIDA"}
    user |= {"Path": "/", "CreateDate": "2025-01-01T00:00:00Z", "GroupList": []}
    user |= {"AttachedManagedPolicies": []}
    user["UserPolicyList"] = [{"PolicyName": "p", "PolicyDocument": quote(policy)}]
    rest = {"GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    return json.dumps({"UserDetailList": [user], **rest})


def notebook(source):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    return json.dumps({"cells": [cell]})


def secret(folder, text):
    headers = {"x-amz-target": "secretsmanager.CreateSecret"}
    return _read_json(Request("POST", "/", headers, text.encode()), "secretsmanager")


def sandbox(folder, text):
    folder.chmod(0o700)
    file_of(folder, "server.json", text)
    return find_sandbox(folder)


DOORS = {
    "a policy": (lambda _, text: read_json(text), lists),
    "a policy in objects": (lambda _, text: read_json(text), objects),
    "a policy without braces": (lambda _, text: read_json(f'"Statement": {text}'), objects),
    "a state file": (lambda f, text: load_state(file_of(f, "s.json", text)), objects),
    "a dump's policy": (lambda f, text: load_state(file_of(f, "s.json", dump(text))), lists),
    "a parameters file": (
        lambda f, text: read_parameters(file_of(f, "p.yaml", f"{HEAD}users: {text}")),
        lists,
    ),
    "a parameters file in lines": (
        lambda f, text: read_parameters(file_of(f, "p.yaml", f"{HEAD}users:\n  {text}")),
        lambda depth: "- " * depth + "a",
    ),
    "a value of -p": (lambda _, text: read_override("users", text), lists),
    "a notebook": (lambda f, text: declared_parameters(file_of(f, "n.ipynb", text)), objects),
    "a notebook's parameters": (
        lambda f, text: declared_parameters(file_of(f, "n.ipynb", notebook(f"x = {text}"))),
        lists,
    ),
    "a notebook's signs": (
        lambda f, text: declared_parameters(file_of(f, "n.ipynb", notebook(f"x = {text}"))),
        lambda depth: "-" * depth + "1",
    ),
    "a notebook to fill": (lambda f, text: fill_parameters(file_of(f, "n", text), {}), objects),
    "a call of Secrets Manager": (secret, objects),
    "a sandbox's record": (sandbox, objects),
    "a credential's record": (lambda _, text: read_record(text.encode(), "record"), objects),
}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("door", sorted(DOORS))
def test_what_is_nested_without_end_is_refused_in_a_sentence(door, depth, tmp_path):
    """Wherever a text comes in, and whatever this Python would do at that depth."""
    read, nest = DOORS[door]
    with pytest.raises((IamkitError, Refused)) as caught:
        read(tmp_path, nest(depth))
    said = str(caught.value)
    assert 0 < len(said) < 400 + len(str(tmp_path)), said
    assert "\n" not in said
    assert not re.search("[Rr]ecursion|Traceback|stack", said)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_form_and_a_written_file_keep_such_text_as_text(depth):
    """It is no value that somebody meant: the model refuses it, and YAML has it in quotes."""
    from iamkit.notebook.forms.fields import PolicyField

    policy = PolicyField.__new__(PolicyField)
    policy._printed, policy.widget = "", type("Area", (), {"value": lists(depth)})
    assert policy.value == lists(depth)
    assert not _stays_text(lists(depth))


def test_the_limit_is_one_and_the_same():
    """What is as deep as allowed is read; one level more is not; brackets in a text are text."""
    for nest in (lists, objects):
        assert parse_json(nest(DEEPEST)) == json.loads(nest(DEEPEST))
        with pytest.raises(NestedTooDeep):
            parse_json(nest(DEEPEST + 1))
    text = json.dumps({"a": ['"[' * 500, "\\", "{" * 500]})
    assert parse_json(text) == parse_json(text.encode()) == json.loads(text)
    wide = "[" + ",".join(["[{}]"] * 5_000) + "]"
    assert len(parse_json(wide)) == 5_000
    assert not is_too_deep([1, -1] * 1_000)


@pytest.mark.parametrize("text", ["[", '"[[[', "nul", "", '{"a": "\\', "]" * 300, '["' + "[" * 300])
def test_broken_json_stays_broken_json(text):
    """Its error is the one of Python's own reader, unless it is too deep as well."""
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(text)
    with pytest.raises(json.JSONDecodeError) as found:
        parse_json(text)
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("piece", ["-", "not ", "a + ", "a."])
def test_code_is_a_syntax_error_at_any_depth(piece, depth):
    """Whether Python's parser gives up, runs out of memory or makes a tree that nobody can walk."""
    with pytest.raises(SyntaxError, match="nested more than"):
        parse_python(f"x = {piece * depth}a")
    assert ast.dump(parse_python("x = -1")) == ast.dump(ast.parse("x = -1"))


def test_depths_are_counted_in_one_place():
    """No other module waits for Python to give up."""
    waiting = [p.name for p in (ROOT / "iamkit").rglob("*.py") if "RecursionError" in p.read_text()]
    assert waiting == ["text.py"]
