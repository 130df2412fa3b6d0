"""The registry of endpoints in the WAN (S2 Connect 1.0, "WAN Endpoint registry"): who offers nodes, and where."""

import re
import ssl
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from efpi_core.errors import PluginFailure, RefusedError, TryAgainError
from efpi_core.s2.connect.http_client import HttpsClient, Resolve, as_it_is
from efpi_core.s2.connect.wire import LogoUrl, Role, Url

PAGE = 20
"""Records that are asked for at a time."""

MOST_PAGES = 25

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class EndpointRecord(BaseModel):
    """One endpoint, as it registered itself."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True)

    id: UUID
    name: Annotated[str, StringConstraints(max_length=50)]
    description: Annotated[str, StringConstraints(max_length=500)]
    icon32: LogoUrl
    icon128: LogoUrl
    icon512: LogoUrl
    pairing_url: Url
    regions: Annotated[tuple[CountryCode, ...], Field(min_length=1, max_length=300)]
    status: Literal["public", "testing"]
    cem: bool
    rm: bool


_RECORDS = TypeAdapter(list[EndpointRecord])
_VERSIONS = TypeAdapter(list[str])


class Registry:
    """A registry at a URL; its certificate is verified as browsers do, unless `tls` says otherwise."""

    def __init__(self, url: str, tls: ssl.SSLContext, resolve: Resolve = as_it_is) -> None:
        self._url = url if url.endswith("/") else f"{url}/"
        self._tls = tls
        self._resolve = resolve

    async def endpoints(self, role: Role | None = None, regions: tuple[str, ...] = ()) -> tuple[EndpointRecord, ...]:
        """The public endpoints with nodes of a role, in some countries."""
        base = await self._versioned()
        query: dict[str, str] = {} if role is None else {role.value.lower(): "true"}
        if regions:
            query["region"] = ",".join(regions)
        found: list[EndpointRecord] = []
        for page in range(MOST_PAGES):
            more = urlencode(query | {"limit": str(PAGE), "offset": str(page * PAGE)}, safe=",")
            answer = await base.get(f"endpoint?{more}")
            if answer.status != 200:
                raise TryAgainError(f"the registry answers with the status {answer.status}", "try again later")
            records = _read(answer.body)
            found += records
            if len(records) < PAGE:
                break
        return tuple(found)

    async def endpoint(self, record_id: UUID) -> EndpointRecord | None:
        """One endpoint; None when it is not registered."""
        answer = await (await self._versioned()).get(f"endpoint/{record_id}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise TryAgainError(f"the registry answers with the status {answer.status}", "try again later")
        (record,) = _read(b"[%s]" % answer.body)
        return record

    async def _versioned(self) -> HttpsClient:
        answer = await HttpsClient(self._url, self._tls, resolve=self._resolve).get("")
        try:
            versions = _VERSIONS.validate_json(answer.body)
        except ValidationError:
            versions = []
        if answer.status != 200 or "v1" not in versions:
            raise RefusedError("no registry of S2 Connect is at this URL", "read the URL again")
        return HttpsClient(f"{self._url}v1/", self._tls, resolve=self._resolve)


def _read(body: bytes) -> list[EndpointRecord]:
    try:
        return _RECORDS.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = re.sub(r"[^A-Za-z0-9_.]", "?", ".".join(str(part) for part in first["loc"]))[:100]
        raise PluginFailure(
            f"what the registry answers cannot be read: {where}: {first['msg']}", "report it to who runs the registry"
        ) from None
