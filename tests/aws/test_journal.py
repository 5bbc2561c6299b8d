"""What an account's newest journal tells of the last apply."""

import json

from changes import change

from iamkit.aws.journal import Journal, last_apply

GROUP = change("create", "create_group", GroupName="dev")
KEY = change("create", "create_access_key", UserName="bob")
CALLER = "arn:aws:iam::000000000000:root"


def test_an_account_without_a_journal_had_no_apply(tmp_path):
    """Nothing is said where nothing was done."""
    assert last_apply(tmp_path) is None


def test_the_newest_journal_counts(tmp_path):
    """What was done and what failed is told with its time and its file."""
    older, newer = Journal(tmp_path), Journal(tmp_path)
    older.before(1, KEY, CALLER)
    newer.before(1, GROUP, CALLER)
    newer.after(1, "done")
    newer.before(2, KEY, CALLER)
    newer.after(2, "AccessDenied")
    last = last_apply(tmp_path)
    assert ([one.change for one in last.made], last.failed, last.path) == ([GROUP], 1, newer.path)
    assert "1 done, 1 failed." in str(last)


def test_a_journal_keeps_what_was_there_before(tmp_path):
    """Each call with whom it touches, the parameter it comes from, and what it overwrites."""
    journal = Journal(tmp_path)
    journal.before(1, change("update", "update_user", "/old/", UserName="bob", NewPath="/x/"), "me")
    entry = json.loads(journal.path.read_text())
    assert (entry["kind"], entry["name"], entry["previous"]) == ("user", "bob", "/old/")
    assert entry["operation"] == "update_user"


def test_a_call_without_an_end_was_cut_off(tmp_path):
    """A process that was killed within a call, and a line half written, are no riddle."""
    journal = Journal(tmp_path)
    journal.before(1, GROUP, CALLER)
    journal.after(1, "done")
    journal.before(2, KEY, CALLER)
    with journal.path.open("a") as file:
        file.write('{"time": "20')
    assert "1 done. It was cut off in create access key (bob)." in str(last_apply(tmp_path))
