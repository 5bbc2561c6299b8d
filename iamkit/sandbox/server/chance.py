"""All chance and all time in moto, so that an account that comes back is the one that was.

What moto draws comes from one generator, which each entry seeds; what it calls now is the moment of
the entry. What it makes when somebody first looks (the backend of a service, with a default network
or AWS's own policies in it) is made with a seed and at a moment of its own, so it does not matter
who looked, or when. Only `seams` imports this module, because it imports moto.
"""

import os
import random
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from moto.core.base_backend import AccountSpecificBackend, BackendDict
from moto.core.utils import utcnow
from moto.ec2.models.reserved_instances import ReservedInstancesBackend
from moto.moto_api._internal import mock_random

from iamkit.sandbox.protocol import ACCOUNT_ID

SERVICES = ("ec2", "iam", "s3", "secretsmanager", "sts")
"""Those of moto's that the sandbox serves."""
_EXPONENT = 65_537
_SMALL_PRIMES = [n for n in range(3, 2_000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


class Clock:
    """The time of the call at hand, in whole seconds as IAM has it; naive UTC as moto has it.

    Attributes:
        fixed: the moment of the entry at hand; None while there is none.
        opened: when each account was opened; what is made in it at the first look is as old.
    """

    def __init__(self) -> None:
        self.fixed: datetime | None = None
        self.opened: dict[str, datetime] = {}

    def now(self) -> datetime:
        """The moment at which the call at hand was, or is, made."""
        return self.fixed or datetime.now(UTC).replace(tzinfo=None, microsecond=0)

    def seconds(self) -> int:
        """The same moment in seconds since 1970."""
        return int(self.now().replace(tzinfo=UTC).timestamp())

    @contextmanager
    def at(self, moment: datetime | None) -> Iterator[None]:
        """Let a moment be now, for one block."""
        before, self.fixed = self.fixed, moment
        try:
            yield
        finally:
            self.fixed = before


class Backends:
    """Moto's backends, which it makes when they are first asked for.

    Attributes:
        apart: whether they are made apart from the call that asks first. Only for a journal of
            format 1 it may have to be False: then the backend of IAM drew from the seed of the
            first entry that asked for it.
    """

    def __init__(self) -> None:
        self.apart = True

    def forget(self, account_id: str = "") -> None:
        """Let an account have none, as before its first call; or no account, if none is named."""
        every: Any = vars(BackendDict)["_instances"]  # moto's own reset makes all of them anew
        for of_service in every:
            for one in [account_id] if account_id else list(of_service):
                of_service[one].clear()
            owners = vars(of_service).get("bucket_accounts", {})
            for bucket, (_, owner) in list(owners.items()):
                if account_id in (owner, ""):
                    del owners[bucket]
            for references in _held_by_classes(of_service.backend):
                for reference in list(references):
                    backend = reference()
                    if backend is None or account_id in (backend.account_id, ""):
                        references.discard(reference)

    def make(self, of_account: Any, region: str, make: Callable[[Any, str], Any]) -> Any:
        """A backend that is not there yet: the same one, whoever asks first."""
        if not self.apart and of_account.service_name != "ec2":
            return make(of_account, region)
        state = mock_random.getstate()
        mock_random.seed(_seed_of(of_account, region))
        try:
            with clock.at(clock.opened.get(of_account.account_id, clock.fixed)):
                made = make(of_account, region)
                if isinstance(made, ReservedInstancesBackend):  # draws its offers at a look
                    made._ensure_reserved_offerings()  # noqa: SLF001
                return made
        finally:
            mock_random.setstate(state)


clock = Clock()
backends = Backends()


def draw(seed: bytes) -> None:
    """Let moto draw its next ids and secrets from a seed, so that a call can be repeated."""
    mock_random.seed(seed)


def drawn() -> str:
    """How much was drawn since the seed, which differs if a repetition draws anything else."""
    state = mock_random.getstate()[1]
    return f"{state[0]:08x}{state[-1]:03x}"


def install() -> None:
    """Give the modules of the services that are served our chance and our time.

    Raises:
        ImportError: moto has moved.
    """
    for service in SERVICES:
        import_module(f"moto.{service}.urls")
    for name, module in list(sys.modules.items()):
        if not name.startswith("moto."):
            continue
        if getattr(module, "utcnow", None) is utcnow:
            vars(module)["utcnow"] = clock.now
        if name.split(".")[1] in (*SERVICES, "moto_api"):
            _replace_sources(module)
    vars(import_module("moto.ec2.utils")).update(rsa=_RSA, Ed25519PrivateKey=_ED25519)
    _make_backends_apart()


def _replace_sources(module: ModuleType) -> None:
    """Put ours in the place of a module's own sources of chance and of time."""
    for name, value in list(vars(module).items()):
        if isinstance(value, ModuleType | type) and value in _SOURCES:
            vars(module)[name] = _SOURCES[value]


def _make_backends_apart() -> None:
    made = AccountSpecificBackend.__getitem__

    def look(self: Any, region: str) -> Any:
        region = "aws" if region == "global" else region
        if region in self.keys():
            return dict.__getitem__(self, region)
        return backends.make(self, region, made)

    AccountSpecificBackend.__getitem__ = look  # type: ignore[method-assign]


def _seed_of(of_account: Any, region: str) -> str:
    """Of a backend: IAM's has AWS's own policies in it, whose ids are the same in every account."""
    shared = of_account.account_id == ACCOUNT_ID or of_account.service_name == "iam"
    return region if shared else f"{of_account.account_id} {region}"


def _held_by_classes(backend: type) -> Iterator[set[Any]]:
    """The sets in which the classes of a backend keep references to all of its instances."""
    for one in backend.__mro__:
        of_classes = (held for held in vars(one).values() if isinstance(held, defaultdict))
        yield from (held for by_class in of_classes for held in by_class.values())


class _IsDatetime(type):
    """Every datetime is one of ours too, for who asks with ``isinstance``."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, datetime)


class _Datetime(datetime, metaclass=_IsDatetime):
    """A ``datetime`` whose now is the clock's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        moment = clock.now()
        return cls.fromtimestamp(clock.seconds(), tz) if tz else cls.fromisoformat(str(moment))

    @classmethod
    def utcnow(cls) -> Self:
        return cls.now()


def _with(module: ModuleType, **ours: Any) -> SimpleNamespace:
    """A module with some names replaced."""
    return SimpleNamespace(**{**vars(module), **ours})


def _random_prime(bits: int) -> int:
    """A prime of so many bits, the two highest of them set, drawn like everything else."""
    top = 3 << (bits - 2)
    while True:
        number = mock_random.getrandbits(bits) | top | 1
        if _is_prime(number) and (number - 1) % _EXPONENT:
            return number


def _is_prime(number: int) -> bool:
    """Whether a number is prime; Miller and Rabin's test, with bases of the generator."""
    if any(number % prime == 0 for prime in _SMALL_PRIMES):
        return False
    twos = (number - 1 & 1 - number).bit_length() - 1
    return all(_passes(number, mock_random.randrange(2, number - 1), twos) for _ in range(8))


def _passes(number: int, base: int, twos: int) -> bool:
    power = pow(base, number - 1 >> twos, number)
    if power in (1, number - 1):
        return True
    return any((power := power * power % number) == number - 1 for _ in range(twos - 1))


def _rsa_key(key_size: int, **_: Any) -> Any:
    """An RSA key for practice; a real one does not come from a seed."""
    p, q = _random_prime(key_size // 2), _random_prime(key_size // 2)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    parts = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, d, *parts, public).private_key()


def _ed25519_key() -> Any:
    return ed25519.Ed25519PrivateKey.from_private_bytes(mock_random.randbytes(32))


_RSA = _with(rsa, generate_private_key=_rsa_key)
_ED25519 = SimpleNamespace(generate=_ed25519_key)
_DATETIME = sys.modules["datetime"]
_SOURCES: dict[Any, Any] = {
    os: _with(os, urandom=mock_random.randbytes),
    random: mock_random,
    time: _with(time, time=clock.seconds),
    uuid: _with(uuid, uuid4=mock_random.uuid4, uuid1=mock_random.uuid1),
    datetime: _Datetime,
    _DATETIME: _with(_DATETIME, datetime=_Datetime),
}
"""The standard library's sources of chance and time, and what takes their place."""
