"""Writing parameters: the file stays as its people wrote it, and reads back as what was meant."""

import pytest
import yaml
from hypothesis import given, strategies as st
from paths import GUIDE

from iamkit.errors import InputError
from iamkit.parameters.yaml_file import read_parameters
from iamkit.parameters.yaml_writer import save_parameters

ACCOUNT = {"environment": "sandbox", "account_id": "000000000000"}


def test_comments_and_other_values_stay(tmp_path):
    """Only what differs is written, where it stands."""
    path = tmp_path / "team.yaml"
    path.write_text(GUIDE.read_text())
    before = path.read_text().splitlines()
    assert save_parameters(path, ACCOUNT | {"dev_group": "look", "admin_user": "alice"}) == [
        "dev_group"
    ]
    after = path.read_text().splitlines()
    assert "dev_group: look" in after
    assert [line for line in before if line.startswith("#")] == [
        line for line in after if line.startswith("#")
    ]
    assert read_parameters(path).values == read_parameters(GUIDE).values | {"dev_group": "look"}


def test_a_new_file_holds_what_was_given(tmp_path):
    """Texts that YAML would read as something else are quoted."""
    users = [{"name": "no", "groups": ["on", "012"], "tags": {"yes": "1e3", "a": ""}}]
    path = tmp_path / "new" / "team.yaml"
    save_parameters(path, ACCOUNT | {"users": users, "account_alias": "1234"})
    assert read_parameters(path).values == ACCOUNT | {"users": users, "account_alias": "1234"}
    assert save_parameters(path, ACCOUNT | {"users": users}) == []


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=30))
def test_every_text_comes_back(tmp_path_factory, text):
    """Whatever stands in a tag, the file reads back as it."""
    path = tmp_path_factory.mktemp("any") / "team.yaml"
    users = [{"name": "bob", "tags": {"note": text}}]
    save_parameters(path, ACCOUNT | {"users": users})
    assert yaml.safe_load(path.read_text())["users"] == users


def test_another_accounts_file_is_left_alone(tmp_path):
    """What was clicked for one account cannot land in the file of another."""
    path = tmp_path / "other.yaml"
    path.write_text('environment: aws\naccount_id: "111122223333"\n')
    with pytest.raises(InputError, match="is for environment aws"):
        save_parameters(path, ACCOUNT | {"dev_group": "look"})
    assert path.read_text().count("\n") == 2


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    """A folder in the way is named, and nothing is left behind."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Nothing was written"):
        save_parameters(tmp_path / "file" / "team.yaml", ACCOUNT)
