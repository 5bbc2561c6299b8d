"""botocore's models as the second source: operations that the catalogue does not list yet.

Only its files are read; botocore itself is not imported.
"""

import gzip
import json
import re
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_HEAD = 4_096
"""So many letters of a model hold what its service is called."""
_NAMES = re.compile(r'"(?:endpointPrefix|signingName|arnNamespace)"\s*:\s*"([^"]+)"')


def has_operation(action: str) -> bool:
    """Whether a model of botocore's has an operation of an action's name, in any letters.

    Args:
        action: such as ``s3:GetObject``.
    """
    service, _, name = action.lower().partition(":")
    return name in _operations(service)


def has_service(service: str) -> bool:
    """Whether botocore has a model of a service, by the prefix of its actions."""
    return bool(_models_of(service.lower()))


@cache
def _operations(service: str) -> frozenset[str]:
    """The operations of all models of a service, in small letters."""
    found: set[str] = set()
    for path in _models_of(service):
        with suppress(OSError, ValueError, EOFError):
            model = json.loads(gzip.decompress(path.read_bytes()))
            found |= {name.lower() for name in model["operations"]}
    return frozenset(found)


def _models_of(service: str) -> list[Path]:
    """The models of a service: in the folder of its name, or by what they say in their heads."""
    own = [path for path in _newest() if path.parts[-3] == service]
    return own or _models().get(service, [])


@cache
def _models() -> dict[str, list[Path]]:
    """The same by what their services' endpoints are called."""
    found: dict[str, list[Path]] = {}
    for path in _newest():
        with suppress(OSError, EOFError), gzip.open(path, "rt", encoding="utf-8") as text:
            for name in {path.parts[-3], *_NAMES.findall(text.read(_HEAD))}:
                found.setdefault(name, []).append(path)
    return found


@cache
def _newest() -> tuple[Path, ...]:
    """The newest model of each of botocore's services."""
    spec = find_spec("botocore")
    folders = spec.submodule_search_locations or () if spec else ()
    services = (path for folder in folders for path in Path(folder, "data").glob("*/"))
    return tuple(path for one in services for path in sorted(one.glob("*/service-2.json.gz"))[-1:])
