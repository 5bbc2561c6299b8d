"""The page that a new user is sent: where to sign in, the first steps, and no secret at all.

It stands alone, prints well, and loads nothing from anywhere.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePath
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A credential that waits for its owner.

    Attributes:
        what: ``access key`` or ``console password``.
        way: a file to be handed on, a file that only its owner can open, or AWS Secrets Manager.
        name: the file's name, or the secret's ARN.
    """

    what: str
    way: Literal["file", "encrypted file", "secret"]
    name: str

    @classmethod
    def of(cls, what: str, where: str) -> "Delivery":
        """A delivery from where the credential is: a path, or the ARN of a secret."""
        if where.startswith("arn:"):
            return cls(what=what, way="secret", name=where)
        name = PurePath(where).name
        return cls(what=what, way="encrypted file" if name.endswith(".age") else "file", name=name)


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """What a new user is told."""

    user: str
    account_id: str
    alias: str | None
    sign_in_url: str | None
    deliveries: Sequence[Delivery]

    @property
    def signs_in(self) -> bool:
        """Whether they have a console password."""
        return any(delivery.what == "console password" for delivery in self.deliveries)


STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem;
  background: Canvas; color: CanvasText; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; } li { margin: .35rem 0; }
code, pre { font: .92em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; border: 1px solid; border-radius: 4px; padding: .6rem .8rem; }
section, pre, li { break-inside: avoid; } h2 { break-after: avoid; }
@media print { :root { color-scheme: light; }
  body { margin: 0; max-width: none; font-size: 11pt; } }
"""

MFA_STEPS = (
    "In the console, choose your name at the top right, and there <b>Security credentials</b>.",
    "Under <b>Multi-factor authentication (MFA)</b>, choose <b>Assign MFA device</b>.",
    "Give it a name that nobody else has, such as <code>{user}-phone</code>.",
    (
        "Choose <b>Authenticator app</b>, or a <b>passkey or security key</b> if you have one, and "
        "<b>Next</b>."
    ),
    "With an app: open it on your phone, choose <b>Show QR code</b> in the console, and scan it.",
    (
        "Type the number that the app shows as <b>MFA code 1</b>, wait half a minute for the next "
        "one, type that as <b>MFA code 2</b>, and choose <b>Add MFA</b>."
    ),
    "Sign out, and sign in again with the new device.",
    "If AWS does not let you do any of this, tell whoever sent you this page.",
)

DO_NOT = (
    (
        "Do not send a password or a secret key by mail or chat, not even to yourself. Nobody in "
        "your team and nobody at AWS needs yours."
    ),
    "Do not write them into code, a notebook, a ticket or a repository.",
    "Do not lend your user to anyone, and use nobody else's.",
    (
        "Do not keep the file once the password is changed and the key is where your programs look "
        "for it."
    ),
    (
        "If one was seen by anyone or is lost, say so at once to whoever sent you this page: a new "
        "one is made in a minute."
    ),
)


def welcome_page(welcome: Welcome) -> str:
    """The page as HTML."""
    title = f"Welcome to AWS, {escape(welcome.user)}"
    sections = [_section("Your credentials", *map(_delivery, welcome.deliveries))]
    if welcome.signs_in:
        sections.append(_section("Sign in for the first time", _list(_sign_in(welcome))))
        sections.append(_section("Register an MFA device", _mfa(welcome)))
    if any(delivery.what == "access key" for delivery in welcome.deliveries):
        sections.append(_section("Use the access key", _use_key()))
    sections.append(_section("What not to do", _list(DO_NOT, "ul")))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="referrer" content="no-referrer">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main><h1>{title}</h1>\n"
        f"<p>This page holds no secret. Keep it, or print it.</p>\n{_facts(welcome)}\n"
        + "\n".join(sections)
        + "\n</main></body></html>\n"
    )


def _facts(welcome: Welcome) -> str:
    facts = {
        "User name": welcome.user,
        "Account id": welcome.account_id,
        "Account alias": welcome.alias or "none",
    }
    rows = [f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items()]
    if welcome.signs_in and welcome.sign_in_url:
        rows.append(f"<dt>Sign-in address</dt><dd>{_link(welcome.sign_in_url)}</dd>")
    return f"<dl>{''.join(rows)}</dl>"


def _delivery(delivery: Delivery) -> str:
    name = escape(delivery.name)
    match delivery.way:
        case "file":
            how = (
                f"<p>It is in a file, <code>{name}</code>, which you get apart from this page. "
                "Open it with a text editor or a spreadsheet where nobody looks on.</p>"
            )
        case "encrypted file":
            how = (
                f"<p>It is in a file, <code>{name}</code>, that only your private key opens. It "
                "may come to you by any way. With "
                f"{_link('https://age-encryption.org', 'age')} installed:</p>"
                f"{_command('age', '-d', '-i', 'key.txt', delivery.name)}"
                "<p>In place of <code>key.txt</code> name the file with your private key, the "
                "other half of the public key that you gave; of SSH keys it is such as "
                "<code>~/.ssh/id_ed25519</code>.</p>"
            )
        case "secret":
            how = (
                "<p>It is in AWS Secrets Manager. Whoever may read it there gets it so:</p>"
                f"{_secret_command(delivery.name)}"
                "<p>If you cannot sign in to AWS yet, or may not read it, ask whoever sent you "
                "this page.</p>"
            )
    return f"<h3>Your {escape(delivery.what)}</h3>{how}"


def _secret_command(arn: str) -> str:
    region = arn.split(":")[3]
    words = ("--region", region, "--secret-id", arn, "--query", "SecretString", "--output", "text")
    return _command("aws", "secretsmanager", "get-secret-value", *words)


def _sign_in(welcome: Welcome) -> Iterator[str]:
    yield "Have your password at hand, from above."
    if welcome.sign_in_url:
        yield f"Open {_link(welcome.sign_in_url)}. Look at the address: it is exactly this one."
    else:
        yield "Ask whoever sent you this page for the address where you sign in."
    yield (
        f"Sign in as <b>IAM user</b>: the account is "
        f"<code>{escape(welcome.alias or welcome.account_id)}</code>, the user name "
        f"<code>{escape(welcome.user)}</code>."
    )
    yield (
        "AWS asks for a new password at once. Choose one that you use nowhere else, and keep it "
        "in a password manager. If AWS does not let you, tell whoever sent you this page."
    )


def _mfa(welcome: Welcome) -> str:
    why = "<p>With it, a stolen password alone opens nothing. Do it before anything else.</p>"
    return why + _list(step.replace("{user}", escape(welcome.user)) for step in MFA_STEPS)


def _use_key() -> str:
    return (
        "<p>The key is for programs, and has two parts: an id, and a secret that AWS never shows "
        "again. Let the AWS CLI ask you for both, and then for your region:</p>"
        f"{_command('aws', 'configure')}<p>This tells whether it works; it must show your user "
        f"name:</p>{_command('aws', 'sts', 'get-caller-identity')}"
    )


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{title}</h2>{''.join(parts)}</section>"


def _list(items: Iterable[str], kind: str = "ol") -> str:
    return f"<{kind}>{''.join(f'<li>{item}</li>' for item in items)}</{kind}>"


def _link(url: str, text: str = "") -> str:
    return f'<a href="{escape(url)}">{escape(text or url)}</a>'


def _command(*words: str) -> str:
    """A command for a shell, in which no name can be anything but a name."""
    return f"<pre>{escape(shlex.join(words))}</pre>"
