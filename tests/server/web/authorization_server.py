"""A real authorization server, Authlib on Flask, as a process of its own on loopback.

It registers clients (RFC 7591), grants `client_credentials` and `authorization_code` with
PKCE, and issues JWT access tokens (RFC 9068) for the resource asked for (RFC 8707). Its one
user agrees to everything. `POST /rotate` gives it another signing key, the only one that it
then publishes.

It prints its issuer URL, then serves until it is ended.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http, on loopback only

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, scope_to_list
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Flask, Response, jsonify, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

SCOPES = ["lessonbank:read", "lessonbank:write", "lessonbank:admin"]
AGENT, SECRET = "build-agent", "a-secret-of-the-tests-only"
USER = "user-1"
PATH = "/tenant"
"""Issuers may have a path; metadata is then found at another place than without."""


@dataclass
class Client(ClientMixin):
    """A registered client."""

    client_id: str
    secret: str
    redirect_uris: list[str] = field(default_factory=list)
    grant_types: list[str] = field(default_factory=list)
    method: str = "client_secret_basic"

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        return self.redirect_uris[0] if self.redirect_uris else None

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(one for one in scope_to_list(scope) or () if one in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


@dataclass
class Code(AuthorizationCodeMixin):
    """An authorization code that was not used yet."""

    client_id: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class User:
    """The resource owner."""

    def get_user_id(self) -> str:
        return USER


def new_key() -> RSAKey:
    """Give a signing key with an id."""
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
    key.ensure_kid()
    return key


class State:
    """Everything that the server remembers."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.codes: dict[str, Code] = {}
        self.clients = {
            AGENT: Client(AGENT, SECRET, grant_types=["client_credentials"]),
        }
        self.key = new_key()

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "registration_endpoint": f"{self.issuer}/register",
            "jwks_uri": f"{self.issuer}/keys",
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }


class Tokens(JWTBearerTokenGenerator):
    """RFC 9068 access tokens for the resource that was asked for."""

    def __init__(self, state: State) -> None:
        super().__init__(issuer=state.issuer)
        self._state = state

    def get_jwks(self) -> KeySet:
        return KeySet([self._state.key])

    def get_audiences(self, client: Client, user: User | None, scope: str) -> str:
        return request.form.get("resource") or client.client_id

    def get_extra_claims(
        self, client: Client, grant_type: str, user: User | None, scope: str
    ) -> dict[str, Any]:
        asked = request.form.get("projects")  # only of the machine client of the tests
        return {"lessonbank_projects": asked.split() if asked else ["shop"]}


def _code_grant(state: State) -> type:
    class Grant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "none")

        def save_authorization_code(self, code: str, asked: Any) -> None:
            data = asked.payload.data
            state.codes[code] = Code(
                asked.client.client_id,
                asked.payload.redirect_uri,
                asked.scope,
                data.get("code_challenge"),
                data.get("code_challenge_method"),
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            found = state.codes.get(code)
            return found if found and found.client_id == client.client_id else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            state.codes = {k: v for k, v in state.codes.items() if v is not authorization_code}

        def authenticate_user(self, authorization_code: Code) -> User:
            return User()

    return Grant


def _registration(state: State) -> type:
    class Registration(ClientRegistrationEndpoint):
        def authenticate_token(self, asked: Any) -> str:
            return "anyone may register"

        def get_server_metadata(self) -> dict[str, Any]:
            return state.metadata()

        def save_client(
            self, client_info: dict[str, Any], client_metadata: dict[str, Any], asked: Any
        ) -> Client:
            client = Client(
                client_info["client_id"],
                client_info["client_secret"],
                client_metadata["redirect_uris"],
                client_metadata.get("grant_types", ["authorization_code"]),
                client_metadata["token_endpoint_auth_method"],
            )
            state.clients[client.client_id] = client
            return client

    return Registration


def _issuer_parameter(state: State) -> type:
    class Named(IssuerParameter):
        def get_issuer(self) -> str:
            return state.issuer

    return Named


def application(state: State) -> Flask:
    """Give the whole authorization server as a WSGI application."""
    app = Flask(__name__)
    server = AuthorizationServer(
        app, query_client=state.clients.get, save_token=lambda token, asked: None
    )
    server.register_token_generator("default", Tokens(state))
    server.register_grant(ClientCredentialsGrant)
    server.register_grant(_code_grant(state), [CodeChallenge(required=True)])
    server.register_endpoint(_registration(state))
    server.register_extension(_issuer_parameter(state)())

    @app.get(f"/.well-known/oauth-authorization-server{PATH}")
    def metadata() -> Response:
        return jsonify(state.metadata())

    @app.get(f"{PATH}/keys")
    def keys() -> Response:
        return jsonify({"keys": [state.key.as_dict(private=False)]})

    @app.get(f"{PATH}/authorize")
    def authorize() -> Any:
        grant = server.get_consent_grant(end_user=User())
        return server.create_authorization_response(grant_user=User(), grant=grant)

    @app.post(f"{PATH}/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post(f"{PATH}/register")
    def register() -> Any:
        return server.create_endpoint_response("client_registration")

    @app.post("/rotate")
    def rotate() -> Response:
        state.key = new_key()
        return jsonify({})

    return app


def main() -> None:
    """Serve on a free port of loopback."""
    listener = make_server("127.0.0.1", 0, Flask("none"), threaded=True)
    state = State(f"http://127.0.0.1:{listener.server_port}{PATH}")
    listener.app = application(state)
    print(state.issuer, flush=True)
    listener.serve_forever()


if __name__ == "__main__":
    main()
