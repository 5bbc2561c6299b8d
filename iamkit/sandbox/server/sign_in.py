"""The sign-in service: the sessions of ``aws login``, refreshed, listed and revoked.

Nobody signs in with a browser here; a session begins with the sandbox's own command `sign_in`.
https://docs.aws.amazon.com/boto3/latest/reference/services/signin.html
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.utils import get_service_model

from iamkit.sandbox.server.account import Account, Accounts
from iamkit.sandbox.server.call import Call, Caller
from iamkit.sandbox.server.errors import Refused, SignInRefused
from iamkit.sandbox.server.input_validation import check_shape
from iamkit.sandbox.server.moto_patches import clock, mock_random, new_token
from iamkit.sandbox.server.sessions import Session

CLIENT = "arn:aws:signin:::devtools/same-device"
LASTS = timedelta(hours=12)
_CREDENTIALS_LAST = timedelta(minutes=15)
_PAGE = 100


@dataclass
class SignIn:
    """A session of ``aws login``.

    Attributes:
        number: the UUID at the end of its ARN.
        region: where the user signed in.
        principal: the ARN of the user, or of the root.
        user_id: the user's id; empty for the root.
        began: when, in naive UTC.
        refresh_token: for new credentials.
        with_mfa: whether the user showed a code.
        last_used: when it was last refreshed, or None.
        revoked: whether somebody ended it.
    """

    number: str
    region: str
    principal: str
    user_id: str
    began: datetime
    refresh_token: str = field(repr=False)
    with_mfa: bool
    last_used: datetime | None = None
    revoked: bool = False

    @property
    def arn(self) -> str:
        """``arn:aws:signin:REGION:ACCOUNT:session/UUID``, says the service's model."""
        account_id = self.principal.split(":")[4]
        return f"arn:aws:signin:{self.region}:{account_id}:session/{self.number}"

    @property
    def status(self) -> str:
        """As the API says it."""
        return "REVOKED" if self.revoked else "ACTIVE"


def begin_session(account: Account, user: Any, region: str) -> SignIn:
    """A session of a user, or of the root if it is None, as after ``aws login``."""
    session = SignIn(
        number=str(mock_random.uuid4()),
        region=region,
        principal=user.arn if user else account.root.arn,
        user_id=user.id if user else "",
        began=clock.now(),
        refresh_token=f"ASOR{new_token()}",
        with_mfa=bool(user.mfa_devices) if user else account.root_mfa,
    )
    account.sign_ins[session.number] = session
    return session


def caller_by_token(accounts: Accounts, token: str) -> Caller | None:
    """Who may refresh a session with a token; None if the token or its user is unknown."""
    for account in accounts.values():
        for session in account.sign_ins.values():
            if session.refresh_token == token:
                user = _user_of(account, session)
                if not session.user_id:
                    return account.root
                return user and Caller(user.arn, user.id, user.name)
    return None


def answer_sign_in(call: Call, account: Account) -> tuple[int, Mapping[str, Any], str]:
    """The reply to a call: status, headers, and JSON.

    Raises:
        Refused: AWS does not take it.
        NotImplementedError: the sandbox has no such action.
    """
    if call.action not in _ACTIONS:
        raise NotImplementedError
    shape = get_service_model("signin").operation_model(call.action).input_shape
    payload = shape.serialization.get("payload")
    asked = json.loads(call.request.body or b"{}")
    try:
        check_shape(shape.members[payload] if payload else shape, asked)
    except Refused as error:
        raise Refused("ValidationException", 400, error.message) from None
    shown = _ACTIONS[call.action](call, account, asked)
    return 200, {"Content-Type": "application/json"}, json.dumps(shown)


def _create_token(_: Call, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    """New credentials for a quarter of an hour; those that were given before hold on."""
    if asked["grantType"] != "refresh_token":
        raise SignInRefused("AUTHCODE_EXPIRED", "No code was given here: nobody signs in.")
    token = asked.get("refreshToken")
    found = (one for one in account.sign_ins.values() if one.refresh_token == token)
    session = next(found, None)
    now = clock.now()
    if session is None or session.revoked or session.began + LASTS <= now:
        raise SignInRefused("TOKEN_EXPIRED", "The refresh token is expired, or was revoked.")
    user = _user_of(account, session)
    if session.user_id and (user is None or not _has_same_password(user, session)):
        raise SignInRefused("USER_CREDENTIALS_CHANGED", "The user's credentials have changed.")
    key = account.iam.create_temp_access_key()
    given = Session(
        key=key,
        token=new_token(),
        expires=min(now + _CREDENTIALS_LAST, session.began + LASTS),
        began=session.began,
        user_id=session.user_id,
        with_mfa=session.with_mfa,
        signed_in=True,
    )
    account.sessions[key.access_key_id] = given
    session.last_used = now
    return {
        "accessToken": {
            "accessKeyId": key.access_key_id,
            "secretAccessKey": key.secret_access_key,
            "sessionToken": given.token,
        },
        "tokenType": "aws_sigv4",
        "expiresIn": int((given.expires - now).total_seconds()),
        "refreshToken": session.refresh_token,
    }


def _list_sessions(call: Call, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    found = [one for one in _sessions_of(call, account, asked) if _is_asked_for(one, asked)]
    start, size = 0, asked.get("maxResults", _PAGE)
    if token := asked.get("nextToken"):
        numbers = [one.number for one in found]
        if token not in numbers:
            raise Refused("ValidationException", 400, "The nextToken is not one of this list.")
        start = 1 + numbers.index(token)
    page = found[start : start + size]
    more = {"nextToken": page[-1].number} if page and page[-1] is not found[-1] else {}
    return {"items": [_shown(one) for one in page], **more}


def _get_session(call: Call, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One of another identity or account is not found, says the model."""
    arn = asked["sessionArn"]
    found = (one for one in _sessions_of(call, account, asked) if one.arn == arn)
    session = next(found, None)
    if session is None:
        raise Refused("ResourceNotFoundException", 404, _not_found(arn))
    used = {"lastUsedAt": _seconds(session.last_used)} if session.last_used else {}
    return {**_shown(session), **used, "issuedInRegion": session.region}


def _revoke_sessions(call: Call, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One that was revoked before is so again; one that is not found fails alone."""
    own = {one.arn: one for one in _sessions_of(call, account, asked)}
    revoked, errors = [], []
    for arn in asked["sessionArns"]:
        if arn in own:
            own[arn].revoked = True
            revoked.append({"sessionArn": arn})
        else:
            code = "RESOURCE_NOT_FOUND"
            errors.append({"sessionArn": arn, "code": code, "message": _not_found(arn)})
    return {"revokedSessions": revoked, "errors": errors}


_ACTIONS: Mapping[str, Callable[[Call, Account, Mapping[str, Any]], dict[str, Any]]] = {
    "BatchRevokeSessions": _revoke_sessions,
    "CreateOAuth2Token": _create_token,
    "GetSession": _get_session,
    "ListSessions": _list_sessions,
}
SERVED = frozenset(_ACTIONS)


def _sessions_of(call: Call, account: Account, asked: Mapping[str, Any]) -> Iterator[SignIn]:
    """The sessions of the identity that a call names, the caller's own without; oldest first."""
    principal = asked.get("principalArn", call.caller.arn)
    everyone = principal == f"arn:aws:iam::{account.id}:*"
    for one in account.sign_ins.values():
        if everyone or one.principal == principal:
            yield one


def _is_asked_for(one: SignIn, asked: Mapping[str, Any]) -> bool:
    began = _seconds(one.began)
    first, end = asked.get("issuedAfter", began), asked.get("issuedBefore", began + 1)
    of_kind = (asked.get("status", one.status), asked.get("clientId", CLIENT))
    return of_kind == (one.status, CLIENT) and bool(first <= began < end)


def _shown(one: SignIn) -> dict[str, Any]:
    return {
        "sessionArn": one.arn,
        "principalArn": one.principal,
        "status": one.status,
        "issuedAt": _seconds(one.began),
        "expiresAt": _seconds(one.began + LASTS),
        "clientId": CLIENT,
        "clientType": "CLI",
    }


def _user_of(account: Account, session: SignIn) -> Any:
    return next((u for u in account.iam.users.values() if u.id == session.user_id), None)


def _has_same_password(user: Any, session: SignIn) -> bool:
    return bool(user.password and user.password_changed <= session.began)


def _not_found(arn: str) -> str:
    return f"The session {arn} cannot be found."


def _seconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())
