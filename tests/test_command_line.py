"""The command line, whole: exit codes, messages, and that nothing was changed."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from paths import GUIDE, ROOT

IAMKIT = str(Path(sys.executable).parent / "iamkit")
STEPS = ["01_credentials", "02_admin_group", "03_dev_group", "04_users", "05_account_alias"]
READS = ("Get", "List")


def iamkit(*arguments, cwd, **environment):
    return subprocess.run(
        [IAMKIT, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )


def mutating(sandbox):
    """The calls that changed something; a dry run of EC2's answers DryRunOperation instead."""
    return [
        call["action"]
        for call in sandbox.calls()
        if not call["action"].startswith(READS) and call["outcome"] != "DryRunOperation"
    ]


def test_the_guide_plans_then_applies_then_has_nothing_to_do(sandbox, tmp_path):
    """Exit 2 and nothing changed, exit 0 and all changed, exit 0 and not one mutating call."""
    planned = iamkit("run", *STEPS, "-f", str(GUIDE), cwd=tmp_path)
    assert planned.returncode == 2, planned.stderr
    assert mutating(sandbox) == []
    applied = iamkit("run", *STEPS, "-f", str(GUIDE), "--apply", cwd=tmp_path)
    assert applied.returncode == 0, applied.stderr
    count = len(mutating(sandbox))
    assert count == 16
    again = iamkit("run", *STEPS, "-f", str(GUIDE), "--apply", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert len(mutating(sandbox)) == count
    no_secret_is_left(sandbox, tmp_path)


def no_secret_is_left(sandbox, folder):
    """No secret of the account is in what the runs left, nor anywhere else but in the store."""
    secrets = sandbox.secrets()
    assert len(secrets) == 6, "root, three keys, two passwords"
    files = [path for path in folder.rglob("*") if path.is_file()]
    files += [path for path in sandbox.folder.rglob("*") if "credentials" not in path.parts[-2:]]
    files += [sandbox.folder.parent / "server.log"]
    assert len(files) > 30
    for path in files:
        if path.is_file():
            text = path.read_text()
            assert not [secret for secret in secrets if secret in text], path
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = process.read_bytes().decode(errors="replace")
        except OSError:
            continue
        assert not [secret for secret in secrets if secret in text], process


def test_a_planted_secret_makes_the_run_fail(sandbox, tmp_path):
    """A notebook that prints a secret is not kept, and the run exits 1 without showing it."""
    secret = sandbox.secret_access_key
    notebook = json.loads((ROOT / "notebooks" / "01_credentials.ipynb").read_text())
    setup = next(c for c in notebook["cells"] if c["metadata"].get("tags") == ["setup"])
    setup["source"] = [*setup["source"], f"\nprint({secret[:20]!r} + {secret[20:]!r})"]
    planted = tmp_path / "planted.ipynb"
    planted.write_text(json.dumps(notebook))
    done = iamkit("run", str(planted), "-f", str(GUIDE), "--output", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert "secret" in (done.stderr + done.stdout).lower()
    assert secret not in done.stderr + done.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["index.html"]
    assert secret not in (tmp_path / "out" / "index.html").read_text()


BASE = "environment: sandbox\naccount_id: '000000000000'\n"
USER = BASE + "users:\n  - "
POLICY = BASE + "dev_policy: |\n  "
REST = {
    "dev_group": "dev_group: dev",
    "dev_policy_name": "dev_policy_name: devGroupPolicy",
    "dev_policy": (
        "dev_policy: {Version: '2012-10-17', "
        "Statement: [{Effect: Allow, Action: ['ec2:Get*'], Resource: '*'}]}"
    ),
}
"""What has to be said for 03_dev_group, by parameter."""


def completed(notebook, text):
    """The text, and after it what else has to be said."""
    more = [line for name, line in REST.items() if f"{name}:" not in text]
    return "\n".join([text, *(more if notebook == "03_dev_group" else [])]) + "\n"


BAD = {
    "1 an empty name": ("04_users", USER + "name: ''", ["line 4", "empty"]),
    "2 a space": ("04_users", USER + "name: a b", ["line 4", "space"]),
    "3 ../x": ("04_users", USER + "name: ../x", ["line 4", "'/'"]),
    "4 65 characters": ("04_users", USER + "name: " + "a" * 65, ["65 characters", "64"]),
    "5 a Cyrillic letter": ("04_users", USER + "name: \u0430lice", ["CYRILLIC SMALL LETTER A"]),
    "6 twins in one file": (
        "04_users",
        USER + "name: Alice\n  - name: alice",
        ["'Alice' and 'alice'", "case"],
    ),
    "7 a tag of HTML": ("04_users", USER + "name: <script>", ["'<'"]),
    "8 a formula": ("04_users", USER + "name: '=cmd|x'", ["'|'"]),
    "12 a newline": ("04_users", USER + 'name: "bob\\n"', ["U+000A"]),
    "12 a no-break space": ("04_users", USER + 'name: "bob\\u00a0"', ["U+00A0"]),
    "12 zero width": ("04_users", USER + 'name: "bob\\u200b"', ["U+200B"]),
    "13 a composed letter": ("04_users", USER + 'name: "zo\u00e9"', ["WITH ACUTE"]),
    "14 a path": ("04_users", USER + "{name: bob, path: nopath}", ["path", "begin and end"]),
    "14 two slashes": ("04_users", USER + "{name: bob, path: //}", ["path", "begin and end"]),
    "15 aws: tag": ("04_users", USER + "{name: bob, tags: {'aws:x': y}}", ["aws:"]),
    "15 twin tags": ("04_users", USER + "{name: bob, tags: {a: x, A: y}}", ["'a' and 'A'"]),
    "15 markup": ("04_users", USER + "{name: bob, tags: {a: '<img onerror>'}}", ["'<'"]),
    "15 51 tags": (
        "04_users",
        USER + "{name: bob, tags: {" + ", ".join(f"k{i}: v" for i in range(51)) + "}}",
        ["51 tags", "50"],
    ),
    "16 upper case": ("05_account_alias", BASE + "account_alias: Team", ["a-z"]),
    "16 two hyphens": ("05_account_alias", BASE + "account_alias: a--b", ["two in a row"]),
    "16 leading hyphen": ("05_account_alias", BASE + "account_alias: '-xy'", ["either end"]),
    "16 trailing hyphen": ("05_account_alias", BASE + "account_alias: xy-", ["either end"]),
    "16 too short": ("05_account_alias", BASE + "account_alias: ab", ["3 to 63"]),
    "16 too long": ("05_account_alias", BASE + "account_alias: " + "a" * 64, ["3 to 63"]),
    "16 twelve digits": (
        "05_account_alias",
        BASE + "account_alias: '123456789012'",
        ["account id"],
    ),
    "16 underscore": ("05_account_alias", BASE + "account_alias: a_b", ["a-z"]),
    "19 the guide's fragment": (
        "03_dev_group",
        POLICY + '"Statement": [{"Effect": "Allow", "Action": [], "Resource": "*"}]',
        ["line 3", "braces are missing", "Action list is empty", "Repaired: {"],
    ),
    "27 no Version": (
        "03_dev_group",
        BASE + "dev_policy: {Statement: [{Effect: Allow, Action: ['ec2:*'], Resource: '*'}]}",
        ["Version is missing", "2012-10-17"],
    ),
    "28 Principal": (
        "03_dev_group",
        BASE + "dev_policy:\n  Version: '2012-10-17'\n  Statement:\n"
        "    - {Effect: Allow, Principal: '*', Action: ['ec2:*'], Resource: '*'}",
        ["statement 1", "Principal", "remove it"],
    ),
    "31 no": ("03_dev_group", BASE + "dev_group: no", ["line 3", 'write "no" in quotes']),
    "31 012": ("03_dev_group", BASE + "dev_group: 012", ['write "012" in quotes']),
    "31 a date": ("03_dev_group", BASE + "dev_group: 2024-01-01", ["reads 2024-01-01 as a date"]),
    "31 a list": ("03_dev_group", BASE + "dev_group: [dev]", ["dev_group", "expected text"]),
    "31 a key twice": ("03_dev_group", BASE + "dev_group: a\ndev_group: b", ["line 4", "twice"]),
    "32 a number": (
        "03_dev_group",
        "environment: sandbox\naccount_id: 111122223333",
        ["account_id", 'write "111122223333" in quotes'],
    ),
    "33 an unknown key": ("03_dev_group", BASE + "dev_gruop: a", ["did you mean dev_group?"]),
    "34 code as a key": (
        "03_dev_group",
        BASE + "\"dev_group = print('x')\": a",
        ["line 3", "unknown key"],
    ),
    "35 an object": (
        "03_dev_group",
        BASE + "dev_group: !!python/object/apply:os.system ['true']",
        ["line 3", "python/object"],
    ),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_parameters_end_in_one_message(case, iamkit_here, tmp_path, monkeypatch):
    """A bad parameter exits 1 before anything runs, with file, line, field and what to do."""
    notebook, text, expected = BAD[case]
    file = tmp_path / "team.yaml"
    file.write_text(completed(notebook, text))
    monkeypatch.setenv("IAMKIT_HOME", str(tmp_path))
    done = iamkit_here("run", notebook, "-f", "team.yaml", "--apply", cwd=tmp_path)
    assert done.returncode == 1
    assert "team.yaml" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    for words in expected:
        assert words in done.stderr
    assert not (tmp_path / "runs").exists()


AWS_SAYS = {
    "41 an expired token": ("expired_token", "GetCallerIdentity", {}, "have expired"),
    "43 a clock that is off": ("clock_skew", "GetCallerIdentity", {"seconds": 3600}, "behind"),
    "44 a denied call": ("access_denied", "CreateGroup", {}, "the permission iam:CreateGroup"),
    "46 an HTML 502": ("garbage", "GetAccountAuthorizationDetails", {}, "HTTP 502"),
    "46 a cut reply": ("truncate", "GetAccountAuthorizationDetails", {}, "cut off"),
}


@pytest.mark.parametrize("case", AWS_SAYS, ids=str)
def test_what_aws_says_is_explained(case, sandbox, tmp_path):
    """An error of AWS exits 1 with the call, its meaning and what to do, and repeats no body."""
    kind, action, more, expected = AWS_SAYS[case]
    sandbox.set_faults([{"action": action, "kind": kind, "times": None, **more}])
    done = iamkit("run", "02_admin_group", "-f", str(GUIDE), "--apply", cwd=tmp_path)
    sandbox.clear_faults()
    assert done.returncode == 1
    assert expected in done.stderr
    assert action in done.stderr
    assert "Traceback" not in done.stderr
    assert "<" not in done.stderr
    assert mutating(sandbox) in ([], ["CreateGroup"])


def test_the_wrong_account_is_refused(sandbox, tmp_path):
    """47: the credentials' account and the one that was meant are both named."""
    done = iamkit(
        "run", "02_admin_group", "-f", str(GUIDE), "-p", "account_id", "111122223333", cwd=tmp_path
    )
    assert done.returncode == 1
    assert "000000000000" in done.stderr
    assert "111122223333" in done.stderr


def test_a_file_that_names_the_account_alone_wants_nothing(sandbox, tmp_path):
    """No practice user, waiver, holder or alias stands for what it does not say."""
    file = tmp_path / "team.yaml"
    file.write_text('environment: sandbox\naccount_id: "000000000000"\n')
    quiet = "04_users 06_audit_users 07_policy_studio 08_sign_in_rules 09_mend_findings".split()
    quiet += ["10_rotate_keys", "12_lost_and_forgotten"]
    done = iamkit("run", *quiet, "00_start_here", "-f", str(file), "--apply", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("nothing to do") == 6
    for name in ("02_admin_group", "03_dev_group", "05_account_alias"):
        refused = iamkit("run", name, "-f", str(file), "--apply", cwd=tmp_path)
        assert refused.returncode == 1
        assert "this is missing" in refused.stderr
    changing = ("Add", "Attach", "Create", "Delete", "Put", "Remove", "Tag", "Update")
    assert [action for action in mutating(sandbox) if action.startswith(changing)] == []


def test_a_leaver_in_another_case_or_misspelt_is_not_nothing_to_do(sandbox, session, tmp_path):
    """Exit 2 and who is meant; exit 1 and who is near; exit 0 once nobody is."""
    session.iam.create_user(UserName="Dave")
    leaving = ("run", "11_leavers", "-f", str(GUIDE), "-p", "leavers")
    planned = iamkit(*leaving, "[{user: dave}]", cwd=tmp_path)
    assert planned.returncode == 2, planned.stderr
    doubtful = iamkit(*leaving, "[{user: davee}]", cwd=tmp_path)
    assert doubtful.returncode == 1
    assert "in doubt" in doubtful.stdout
    assert "davee: no such user; near is Dave." in doubtful.stderr
    gone = iamkit(*leaving, "[{user: zoe}]", cwd=tmp_path)
    assert gone.returncode == 0, gone.stderr
    looked = ("GenerateCredentialReport", "GET /")
    assert [one for one in mutating(sandbox) if one not in looked] == ["CreateUser"]


def test_another_alias_is_only_replaced_when_allowed(sandbox, session, tmp_path):
    """17: the plan says which alias it would replace, and needs allow_destructive."""
    session.iam.create_account_alias(AccountAlias="old-name")
    run = ["run", "05_account_alias", "-f", str(GUIDE), "--apply"]
    refused = iamkit(*run, cwd=tmp_path)
    assert refused.returncode == 1
    assert "would replace old-name" in refused.stderr
    allowed = iamkit(*run, "-p", "allow_destructive", "true", cwd=tmp_path)
    assert allowed.returncode == 0, allowed.stderr


def test_an_alias_of_another_account_is_said_to_be_taken(sandbox, tmp_path):
    """18: an alias is unique in all of AWS, and the account keeps what it had."""
    run = ["run", "05_account_alias", "-f", str(GUIDE), "--apply", "-p", "account_alias", "taken"]
    done = iamkit(*run, cwd=tmp_path)
    assert done.returncode == 1
    assert "another account has this alias" in done.stderr
    assert "Nothing was changed" in done.stderr


def test_a_twin_in_the_account_is_named(sandbox, session, tmp_path):
    """6: a user whose name differs from an existing one by case alone is refused."""
    session.iam.create_user(UserName="Alice")
    done = iamkit("run", "02_admin_group", "-f", str(GUIDE), "--apply", cwd=tmp_path)
    assert done.returncode == 1
    assert "'Alice'" in done.stderr


def test_two_keys_that_are_not_ours_are_left(sandbox, session, tmp_path):
    """55: with two keys already there, none is made, and the plan says so."""
    session.iam.create_user(UserName="alice")
    for _ in range(2):
        session.iam.create_access_key(UserName="alice")
    done = iamkit(
        "run", "02_admin_group", "-f", str(GUIDE), "--apply", "--output", "o", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "already has 2 access key(s)" in (tmp_path / "o/02_admin_group.html").read_text()
    assert len(session.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]) == 2


def test_a_stored_key_that_aws_no_longer_has(sandbox, session, tmp_path):
    """56: run_as with a key that was deleted is explained; 02 makes a new one."""
    run = ["run", "02_admin_group", "-f", str(GUIDE), "--apply"]
    assert iamkit(*run, cwd=tmp_path).returncode == 0
    [key] = session.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    session.iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    done = iamkit("run", "03_dev_group", "-f", str(GUIDE), cwd=tmp_path)
    assert done.returncode == 1
    assert "does not know this access key" in done.stderr
    assert iamkit(*run, cwd=tmp_path).returncode == 0
    assert iamkit("run", "03_dev_group", "-f", str(GUIDE), cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("mode", ["link", "open"])
def test_a_folder_that_is_not_private_is_refused(mode, sandbox, tmp_path):
    """38, 39: a link or an open folder in the credentials' place is refused before any change."""
    folder = sandbox.folder / "credentials"
    if mode == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o755)
    done = iamkit("run", "02_admin_group", "-f", str(GUIDE), "--apply", cwd=tmp_path)
    assert done.returncode == 1
    assert str(folder) in done.stderr
    assert "Nothing was changed" in done.stderr
    assert mutating(sandbox) == []


def test_help_is_quick():
    """--help costs less than 150 ms of a processor over a bare Python beside it, best of five."""

    def best(*command):
        seconds = []
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(seconds)

    assert best(IAMKIT, "--help") - best(sys.executable, "-c", "pass") < 0.150
