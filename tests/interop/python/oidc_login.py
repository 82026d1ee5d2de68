"""Signs a person in at a provider of OpenID Connect, as a browser and a command line tool would together.

    python oidc_login.py --issuer http://127.0.0.1:4000 --user alice

Prints the tokens as one line of JSON. The flow is the authorization code with PKCE; the page of the provider asks for
nothing but a name, which is what `node/provider.mjs` does.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import secrets
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

DEADLINE_SECONDS = 10.0
MOST_REDIRECTS = 10

CLIENT = "countersign-cli"
REDIRECT = "http://127.0.0.1/signed-in"
RESOURCE = "https://gate.example.com"
SCOPES = "openid profile groups"


class LoginFailed(Exception):
    """The provider did not sign the person in, or not as it should have."""


@dataclass(frozen=True)
class Tokens:
    """What a person has after signing in."""

    id_token: str
    access_token: str
    expires_in: int


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class Browser:
    """Keeps cookies, goes where it is sent, and stops at an address that belongs to a tool on this machine."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        # The provider is on this machine, whatever proxies the environment names.
        direct = urllib.request.ProxyHandler({})
        self._opener = urllib.request.build_opener(direct, cookies, _NoRedirects())

    def open(self, url: str, form: dict[str, str] | None = None) -> HTTPResponse | urllib.error.HTTPError:
        """One request; a redirect is an answer like any other."""
        body = None if form is None else urlencode(form).encode()
        try:
            return self._opener.open(url, body, timeout=DEADLINE_SECONDS)
        except urllib.error.HTTPError as error:
            if error.code in (302, 303):
                return error
            raise LoginFailed(f"{url} answered {error.code}: {error.read().decode(errors='replace')}") from error

    def follow(self, url: str, end: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Where it ends, and the page there; of an address under `end` nothing is fetched."""
        for _ in range(MOST_REDIRECTS):
            with self.open(url, form) as answer:
                location = answer.headers.get("location")
                if location is None:
                    return url, answer.read().decode()
            url, form = urljoin(url, location), None
            if url.startswith(end):
                return url, ""
        raise LoginFailed(f"more than {MOST_REDIRECTS} redirects, the last one to {url}")

    def json(self, url: str, form: dict[str, str] | None = None) -> dict:
        """An answer that is a JSON object."""
        with self.open(url, form) as answer:
            return json.load(answer)


def login(
    issuer: str,
    user: str,
    client: str = CLIENT,
    redirect: str = REDIRECT,
    resource: str | None = RESOURCE,
) -> Tokens:
    """Signs a person in. Without a resource the access token is no JWT."""
    browser = Browser()
    provider = browser.json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if provider["issuer"] != issuer:
        raise LoginFailed(f"the provider says that it is {provider['issuer']!r}, not {issuer!r}")
    verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    asked = {
        "client_id": client,
        "redirect_uri": redirect,
        "response_type": "code",
        "scope": SCOPES,
        "state": state,
        "nonce": nonce,
        "code_challenge": _without_padding(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    if resource is not None:
        asked["resource"] = resource
    code = _authorize(browser, f"{provider['authorization_endpoint']}?{urlencode(asked)}", redirect, user, state)
    form = {
        "grant_type": "authorization_code",
        "client_id": client,
        "redirect_uri": redirect,
        "code": code,
        "code_verifier": verifier,
    }
    if resource is not None:
        form["resource"] = resource
    answer = browser.json(provider["token_endpoint"], form)
    if payload(answer["id_token"]).get("nonce") != nonce:
        raise LoginFailed("the ID token answers another request")
    return Tokens(answer["id_token"], answer["access_token"], answer["expires_in"])


def _authorize(browser: Browser, url: str, redirect: str, user: str, state: str) -> str:
    page, _ = browser.follow(url, redirect)
    if page.startswith(redirect):
        raise LoginFailed(f"the provider did not ask who it is: {page}")
    end, text = browser.follow(page, redirect, {"login": user})
    if not end.startswith(redirect):
        raise LoginFailed(f"the provider did not send back, but showed {end}: {text}")
    back = {name: values[0] for name, values in parse_qs(urlsplit(end).query).items()}
    if back.get("state") != state:
        raise LoginFailed("the provider answers another request")
    if "code" not in back:
        raise LoginFailed(f"the provider refused: {back}")
    return back["code"]


def payload(token: str) -> dict:
    """What a token claims; nothing of it is verified."""
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def _without_padding(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Signs a person in and prints the tokens as JSON.")
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--client", default=CLIENT)
    parser.add_argument("--redirect", default=REDIRECT)
    parser.add_argument("--resource", default=RESOURCE)
    parser.add_argument("--no-resource", dest="resource", action="store_const", const=None)
    arguments = parser.parse_args()
    print(json.dumps(asdict(login(**vars(arguments)))))


if __name__ == "__main__":
    main()
