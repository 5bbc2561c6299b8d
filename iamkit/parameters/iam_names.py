"""IAM's rules for names, paths, tags and aliases, said so that a person can mend them.

AWS's limits: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from iamkit.text import describe_character

TAGS_PER_USER = 50
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
MAX_LENGTH = {"user": 64, "group": 128, "policy": 128}


def check_name(kind: str, name: str) -> str:
    """Return the name of a ``user``, ``group`` or ``policy`` if IAM accepts it.

    Raises:
        ValueError: naming the character or the length that IAM refuses.
    """
    if not name:
        raise ValueError(f"the {kind} name is empty")
    odd = re.search(r"[^A-Za-z0-9_+=,.@-]", name)
    if odd:
        raise ValueError(
            f"the {kind} name {name!r} holds {describe_character(odd.group())}; IAM allows "
            "letters a to z, digits and _+=,.@-"
        )
    if len(name) > MAX_LENGTH[kind]:
        raise ValueError(
            f"the {kind} name {name[:20]!r}… has {len(name)} characters; "
            f"IAM allows {MAX_LENGTH[kind]}"
        )
    return name


def check_path(path: str) -> str:
    """Return an IAM path: ``/``, or text that begins and ends with a slash, up to 512 characters.

    Raises:
        ValueError: when IAM would refuse it.
    """
    if not re.fullmatch(r"/|/[\x21-\x7e]{1,510}/", path) or "//" in path:
        raise ValueError(f"the path {path!r} must begin and end with one /, such as /team/")
    return path


def check_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a user if IAM accepts them.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html

    Raises:
        ValueError: naming the tag that IAM refuses.
    """
    if len(tags) > TAGS_PER_USER:
        raise ValueError(f"{len(tags)} tags; IAM allows {TAGS_PER_USER} a user")
    check_no_twins("tag key", tags)
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise ValueError(f"the tag {key[:20]!r} is too long: a key may have 128, a value 256")
        if key.lower().startswith("aws:"):
            raise ValueError(f"the tag key {key!r} begins with aws:, which AWS keeps for itself")
        for text in (key, value):
            odd = next((c for c in text if not _fits_tag(c)), None)
            if odd:
                raise ValueError(f"the tag {key!r} holds {describe_character(odd)}")
    return dict(tags)


def check_alias(alias: str) -> str:
    """Return an account alias if it is well formed; whether it is taken only AWS can tell.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html

    Raises:
        ValueError: when AWS would refuse its form.
    """
    if re.fullmatch(r"[0-9]{12}", alias):
        raise ValueError(f"the alias {alias!r} looks like an account id, which AWS refuses")
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]", alias):
        raise ValueError(
            f"the alias {alias!r} must have 3 to 63 of a-z, 0-9 and -, "
            "with no - at either end and no two in a row"
        )
    return alias


def check_holder(holder: str) -> str:
    """Return who holds a policy, as ``group dev`` or ``user bob``; empty for nobody.

    Raises:
        ValueError: it is none of these.
    """
    kind, _, name = holder.partition(" ")
    if holder and kind not in ("group", "user"):
        raise ValueError(f"{holder!r} is neither such as 'group dev' nor 'user bob'")
    if holder:
        check_name(kind, name)
    return holder


def check_managed_policy(reference: str) -> str:
    """Return the name or the ARN of a managed policy if it is well formed.

    Raises:
        ValueError: it is neither.
    """
    if not reference.startswith("arn:"):
        return check_name("policy", reference)
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\x21-\x7e]+", reference):
        raise ValueError(
            f"{reference[:60]!r} is no ARN of a managed policy, such as "
            "arn:aws:iam::aws:policy/ReadOnlyAccess"
        )
    check_name("policy", reference.rpartition("/")[2])
    return reference


def check_no_twins(kind: str, names: Iterable[str]) -> None:
    """Check that no two names are equal without regard to case, as IAM wants it.

    Raises:
        ValueError: naming the two.
    """
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.get(name.lower())
        if twin == name:
            raise ValueError(f"the {kind} {name!r} is given twice")
        if twin is not None:
            raise ValueError(f"{twin!r} and {name!r} are one {kind} to IAM, which ignores case")
        seen[name.lower()] = name


def spellings(names: Iterable[str]) -> dict[str, str]:
    """Each name by itself in lower case: IAM tells no two names apart that differ by case alone.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    return {name.lower(): name for name in names}


class Spelling:
    """How names are written, whatever the case in which somebody writes them.

    All of them are looked at only for a name that is written as none of them is.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def of(self, name: str) -> str:
        """The name as it is written, or as it was given if it is none of them."""
        return name if name in self._names else self._spelled.get(name.lower(), name)

    @cached_property
    def _spelled(self) -> dict[str, str]:
        return spellings(self._names)


NEAR = 0.75
"""How much alike two names are (difflib's ratio) when one may be a slip for the other."""


def near_names(names: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Of each name the known ones, up to three, for which it may be a slip.

    A slip is a letter too many, too few or another, or two that changed places. All known names
    are looked at once, so that many names take no longer than one.
    """
    wanted = list(names)
    index: dict[str, set[str]] = {}
    for spelled in known if wanted else ():
        for piece in _without_a_letter(spelled):
            index.setdefault(piece, set()).add(spelled)
    return {name: _nearest(name, index) for name in wanted}


def _nearest(name: str, index: Mapping[str, set[str]]) -> list[str]:
    found = sorted({near for piece in _without_a_letter(name) for near in index.get(piece, ())})
    spelled = spellings(found)
    return [spelled[near] for near in difflib.get_close_matches(name.lower(), spelled, 3, NEAR)]


def _without_a_letter(name: str) -> set[str]:
    lower = name.lower()
    return {lower, *(lower[:at] + lower[at + 1 :] for at in range(len(lower)))}


def _fits_tag(character: str) -> bool:
    return unicodedata.category(character)[0] in "LZN" or character in "_.:/=+-@"
