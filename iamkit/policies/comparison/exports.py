"""The two questions as the command line asks them, of files, and their answers as text or JSON."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from iamkit.errors import InputError
from iamkit.policies.comparison.questions import Answer, grants_access, grants_new_access
from iamkit.policies.evaluation.request import Request
from iamkit.policies.grammar.document import read_policy_file
from iamkit.text import printable


def ask(files: Sequence[Path], asked: tuple[str, str] | None) -> Answer:
    """Ask whether a change grants anything new, or a policy a certain access.

    Args:
        files: the old and the new policy; or one, by default the standard input.
        asked: an action and a resource, if that is the question.

    Raises:
        InputError: there are too few or too many files, or one is no policy.
    """
    now = datetime.now(UTC)
    if asked is not None:
        if len(files) > 1:
            raise InputError("--not-granted asks about one policy; name one file.")
        return grants_access(read_policy_file((*files, Path("-"))[0]), *asked, now)
    if len(files) != 2:
        raise InputError("Name two files, OLD and NEW; or one with --not-granted ACTION RESOURCE.")
    old, new = map(read_policy_file, files)
    return grants_new_access(old, new, now)


def export_answer(answer: Answer, form: str) -> str:
    """An answer as ``text`` or ``json``."""
    if form == "json":
        found = {
            "granted": answer.granted,
            "witness": describe_request(answer.witness) if answer.witness else None,
            "why": answer.why,
        }
        return json.dumps(found, indent=2)
    if answer.witness:
        return f"granted: {printable(say_request(answer.witness))}"
    return f"cannot be told: {printable(answer.why)}" if answer.why else "not granted: proved"


def say_request(request: Request) -> str:
    """A request in a line: what, on what, by whom, under which circumstances."""
    keys = [f"{key} {json.dumps(value)}" for key, value in _given(request).items()]
    where = "" if request.resource == "*" else f" on {request.resource}"
    circumstances = f", with {', '.join(keys)}" if keys else ""
    return f"{request.action}{where}, by {request.principal.name}{circumstances}"


def describe_request(request: Request) -> dict[str, object]:
    """A request as plain data; the context keys that it does not name are absent."""
    return {
        "principal": request.principal.name,
        "action": request.action,
        "resource": request.resource,
        "context": _given(request),
    }


def _given(request: Request) -> dict[str, object]:
    return {key: value for key, value in (request.context or {}).items() if value is not None}
