"""A real authorization server, started as a process, and tokens of it."""

from __future__ import annotations

import subprocess
import sys

import httpx2

from tests.patience import PATIENCE
from tests.server.connections import ROOT

AGENT, SECRET = "build-agent", "a-secret-of-the-tests-only"  # as the server registers it


class Issued:
    """The authorization server's process, and what clients ask it for."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.web.authorization_server"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.issuer = self.process.stdout.readline().strip()
        assert self.issuer, "the authorization server did not start"

    def token(self, resource: str, scope: str = "lessonbank:write", **more: str) -> str:
        """Give an access token of the machine client."""
        form = {"grant_type": "client_credentials", "scope": scope, "resource": resource, **more}
        with client() as http:
            answer = http.post(f"{self.issuer}/token", data=form, auth=(AGENT, SECRET))
        return str(answer.raise_for_status().json()["access_token"])

    def rotate(self) -> None:
        """Let it sign with another key."""
        with client() as http:
            http.post(self.issuer.rpartition("/")[0] + "/rotate").raise_for_status()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


def client() -> httpx2.Client:
    return httpx2.Client(timeout=PATIENCE, trust_env=False)
