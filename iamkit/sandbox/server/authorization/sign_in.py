"""What the sign-in service asks.

The service reference lists the action of a refresh, and none that lists or revokes sessions; about
those a policy that names no single resource is asked.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssignin.html
"""

from collections.abc import Iterator

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.authorization.question import Question
from iamkit.sandbox.server.call import Call


def asks_of_sign_in(call: Call, account: Account) -> Iterator[Question]:
    """What a call of the sign-in service asks."""
    if call.action != "CreateOAuth2Token":
        yield Question(action=f"signin:{call.action}")
        return
    client = call.get("clientId")
    place = "localhost" if client.endswith("/same-device") else "remote"
    context = {"signin:OAuthClientId": client, "signin:OAuthGrantType": call.get("grantType")}
    yield Question(
        action="signin:CreateOAuth2Token",
        resource=f"arn:aws:signin:{call.region}:{account.id}:oauth2/public-client/{place}",
        context=context,
        unknown=frozenset({"signin:OAuthClientAuthentication", "signin:OAuthRedirectUri"}),
    )
