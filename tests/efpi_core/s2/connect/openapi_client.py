"""A client of S2 Connect that knows nothing but the OpenAPI documents: it sends what they say, and checks every answer.

Written from the documents and the standard library alone, without a line of what it tests.
"""

import asyncio
import base64
import hashlib
import http.client
import json
import os
import ssl
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

DOCUMENTS = Path(__file__).parent / "fixtures" / "openapi"
PAIRING, SESSION, REGISTRY = (
    "s2-connect-pairing.yml",
    "s2-connect-session-init.yml",
    "s2-connect-wan-endpoint-registry.yml",
)


@cache
def document(name: str) -> Any:
    return YAML(typ="safe").load((DOCUMENTS / name).read_text(encoding="utf-8"))


def resolved(schema: Any, name: str) -> Any:
    """A schema with what its references lead to in their place."""
    if isinstance(schema, list):
        return [resolved(each, name) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#")
        target = document(file or name)
        for part in pointer.strip("/").split("/"):
            target = target[part]
        return resolved(target, file or name)
    return {key: resolved(value, name) for key, value in schema.items() if key != "discriminator"}


def operation(name: str, method: str, path: str) -> Any:
    return document(name)["paths"][path][method]


def check(value: Any, schema: Any) -> None:
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


def check_request(name: str, path: str, body: Any) -> None:
    """That a body is what the document says."""
    told = operation(name, "post", path)["requestBody"]["content"]["application/json"]["schema"]
    check(body, resolved(told, name))


def check_answer(name: str, method: str, path: str, status: int, body: bytes) -> Any:
    """That a status is in the document, and its body what it says there."""
    answers = operation(name, method, path)["responses"]
    assert str(status) in answers, f"{path} answers {status}, which its document does not know"
    content = answers[str(status)].get("content")
    if content is None:
        assert body == b"", f"{path} answers {status} with a body, and the document knows none"
        return None
    value = json.loads(body)
    check(value, resolved(content["application/json"]["schema"], name))
    return value


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """RFC 2104, by hand."""
    key = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(mark ^ 0x36 for mark in key) + message).digest()
    return hashlib.sha256(bytes(mark ^ 0x5C for mark in key) + inner).digest()


class OpenApiClient:
    """One node at a client."""

    def __init__(
        self, pairing_url: str, role: str, deployment: str = "LAN", versions: tuple[str, ...] = ("v1.0.0",)
    ) -> None:
        self.pairing_url = pairing_url
        self.node = {"id": str(uuid4()), "brand": "Other", "type": "test", "modelName": "Client", "role": role}
        self.endpoint: dict[str, Any] = {"name": "Other endpoint", "deployment": deployment}
        self.versions = versions
        self.leaf = b""
        self.attempt = ""
        self.accepted: dict[str, Any] = {}
        self.challenge = os.urandom(32)

    async def send(
        self, url: str, method: str, path: str, body: Any = None, bearer: str | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """One request, whatever it is; the answer's status and body."""
        return await asyncio.to_thread(self._send, url, method, path, body, bearer, headers)

    def _send(
        self, url: str, method: str, path: str, body: Any, bearer: str | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        host, _, rest = url.removeprefix("https://").partition("/")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, timeout=30, context=context)
        told = dict(headers) if bearer is None else {"Authorization": f"Bearer {bearer}"} | headers
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            told = {"Content-Type": "application/json"} | told
        try:
            connection.request(method, f"/{rest}{path}", content, told)
            assert connection.sock.version() == "TLSv1.3"
            leaf = connection.sock.getpeercert(binary_form=True)
            self.leaf = leaf
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    async def pairing(self, path: str, body: Any = None, bearer: str | None = None) -> tuple[int, Any]:
        """An operation of the pairing document, with everything checked."""
        method = "get" if body is None else "post"
        if body is not None:
            check_request(PAIRING, path, body)
        status, content = await self.send(self.pairing_url, method.upper(), f"v1{path}", body, bearer)
        return status, check_answer(PAIRING, method, path, status, content)

    async def session(self, url: str, path: str, body: Any, bearer: str) -> tuple[int, Any]:
        """An operation of the session document, with everything checked."""
        if body is not None:
            check_request(SESSION, path, body)
        status, content = await self.send(url, "POST", f"v1{path}", body, bearer)
        return status, check_answer(SESSION, "post", path, status, content)

    def pairing_request(self, **more: Any) -> dict[str, Any]:
        return {
            "clientNodeDescription": self.node,
            "clientEndpointDescription": self.endpoint,
            "supportedCommunicationProtocols": ["WebSocket"],
            "supportedS2MessageVersions": list(self.versions),
            "supportedHmacHashingAlgorithms": ["SHA256"],
            "clientHmacChallenge": base64.b64encode(self.challenge).decode(),
            **more,
        }

    async def request_pairing(self, token: str, **more: Any) -> tuple[int, Any]:
        """The first step; the server's proof is checked."""
        status, told = await self.pairing("/requestPairing", self.pairing_request(**more))
        if status == 200:
            self.accepted, self.attempt = told, told["pairingAttemptId"]
            assert base64.b64decode(told["clientHmacChallengeResponse"]) == self.response(self.challenge, token)
        return status, told

    def response(self, challenge: bytes, token: str) -> bytes:
        return hmac_sha256(challenge, token.encode("ascii") + hashlib.sha256(self.leaf).digest())

    def proof(self, token: str) -> str:
        challenge = base64.b64decode(self.accepted["serverHmacChallenge"])
        return base64.b64encode(self.response(challenge, token)).decode()

    async def request_details(self, token: str) -> tuple[int, Any]:
        body = {"serverHmacChallengeResponse": self.proof(token)}
        return await self.pairing("/requestConnectionDetails", body, self.attempt)

    async def finalize(self, *, success: bool = True) -> int:
        status, _ = await self.pairing("/finalizePairing", {"success": success}, self.attempt)
        return status

    async def pair(self, token: str, **more: Any) -> dict[str, Any]:
        """All steps, as a resource manager against an energy manager in the same LAN."""
        status, told = await self.request_pairing(token, **more)
        assert status == 200, told
        status, details = await self.request_details(token)
        assert status == 200
        assert await self.finalize() == 204
        assert isinstance(details, dict)
        return details

    def session_request(self, server: str) -> dict[str, Any]:
        return {
            "clientNodeId": self.node["id"],
            "serverNodeId": server,
            "supportedS2MessageVersions": list(self.versions),
            "supportedCommunicationProtocols": ["WebSocket"],
        }
