"""What a person asks of a plugin that speaks S2 Connect: show a code, look who is there, pair, list, unpair."""

from collections.abc import Iterable
from typing import ClassVar, Protocol
from uuid import UUID

from efpi_core.errors import RefusedError, SettingsError
from efpi_core.plugin.config import setting
from efpi_core.plugin.operation import (
    Nothing,
    OperationCall,
    OperationInput,
    OperationOutput,
    SecretText,
    operation,
)
from efpi_core.s2.connect.announcement import Found
from efpi_core.s2.connect.code import Issued, PairingCode
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairings import Pairing
from efpi_core.s2.connect.wire import NodeDescription, Role

NODE = "Of several nodes of this instance, which one; the others list them."
BROWSE_S = 4.0


class NodeInput(OperationInput):
    """Which node of this instance is meant."""

    node: str = setting("", title="Node", description=NODE, example="battery", max_length=64)


class CodeOutput(OperationOutput):
    """A pairing code."""

    code: str = setting(title="Pairing code")
    valid_s: float = setting(title="Valid for", unit="s")
    url: str = setting("", title="Address", description="For a device that does not find it by itself.")


class FoundNode(OperationOutput):
    """Something to pair with."""

    name: str
    role: str
    url: str
    node_id: str = ""


class DiscoverInput(OperationInput):
    """How long to listen."""

    seconds: float = setting(BROWSE_S, title="How long to listen", unit="s", ge=1, le=30)


class DiscoverOutput(OperationOutput):
    """What was found."""

    found: tuple[FoundNode, ...] = setting(title="Found")


class PairInput(NodeInput):
    """With whom, and by which code."""

    code: SecretText = setting(title="Pairing code", description="As the other device shows it.")
    url: str = setting(
        "", title="Address", description="Of the other device's pairing; leave it out for one that is found by `name`.",
        example="https://charger.local:443/pairing/", max_length=500,
    )  # fmt: skip
    name: str = setting("", title="Name", description="Of a device that `discover` finds.", max_length=100)
    node_id: str = setting(
        "", title="Id of the other node", description="Of a device with several, or of one that waits to be paired.",
        max_length=64,
    )  # fmt: skip
    force: bool = setting(
        False, title="Force", description="Pair although both speak no common version; an update may mend that."
    )


class PairedNode(OperationOutput):
    """A pairing."""

    name: str = setting(title="Paired with")
    role: str = setting(title="Which is a")
    peer: str = setting(title="Id")
    node: str = setting("", title="Node of this instance")
    since: str = setting(title="Since")
    serves: bool = setting(title="Sessions are served here")


class PairingsOutput(OperationOutput):
    """All pairings."""

    pairings: tuple[PairedNode, ...] = setting(title="Pairings")


class UnpairInput(OperationInput):
    """Which pairing is to end."""

    peer: str = setting(title="With whom", description="Its id, or its name where that is one's only.", max_length=300)


class UnpairOutput(OperationOutput):
    """What came of it."""

    name: str = setting(title="No longer paired with")
    told: bool = setting(title="It has been told")


class PairingEndpoint(Protocol):
    """An endpoint, as the `ConnectService` of `service.py`; certificates and sockets are loaded where one is made."""

    @property
    def book(self) -> Iterable[Pairing]:
        """Its pairings."""

    def issue(self, node: LocalNode) -> Issued:
        """A new pairing code for a node."""

    async def browse(self, seconds: float, role: Role | None = None) -> tuple[Found, ...]:
        """The endpoints in the LAN."""

    async def registered(self, role: Role) -> tuple[tuple[str, str], ...]:
        """Those on the internet: name and address."""

    def waiting(self) -> dict[UUID, NodeDescription | None]:
        """The nodes without a server that wait to be told to pair."""

    async def pair(
        self, node: LocalNode, url: str, code: PairingCode, node_id: UUID | None = None, *, force: bool = False
    ) -> Pairing:
        """Pair a node with one of the endpoint at a URL."""

    async def pair_waiting(self, node: LocalNode, waiting: UUID, code: PairingCode) -> Pairing:
        """Pair a node with one that waits."""

    async def unpair(self, pairing: Pairing) -> bool:
        """End a pairing; whether the other side has been told."""


class Pairable(Protocol):
    """A plugin that can pair."""

    pairing_role: ClassVar[Role]
    """What its nodes are."""

    def connect_service(self) -> PairingEndpoint:
        """Its endpoint; RefusedError with the cure when its settings have none."""

    def pairing_nodes(self) -> dict[str, LocalNode]:
        """The nodes that it offers, by name."""


class PairingOperations:
    """The operations; a plugin inherits them beside its own base class, and is `Pairable`."""

    @operation(title="Show a pairing code")
    async def pairing_code(self: Pairable, asked: NodeInput, call: OperationCall) -> CodeOutput:
        """Make a code that is typed in at the other device; it is valid for five minutes and one pairing."""
        issued = self.connect_service().issue(_node(self, asked.node))
        return CodeOutput(code=issued.code, valid_s=issued.valid_s, url=issued.url)

    @operation(title="Find devices to pair with", deadline_s=45)
    async def discover(self: Pairable, asked: DiscoverInput, call: OperationCall) -> DiscoverOutput:
        """List what announces itself in the LAN and is of the other role, and what waits to be paired."""
        service, role = self.connect_service(), self.pairing_role.other
        call.tell(f"listening for {asked.seconds:g} s")
        found = [_shown(each, role) for each in await service.browse(asked.seconds, role)]
        registered = await service.registered(role)
        found += [FoundNode(name=name, role=role.value, url=url) for name, url in registered]
        for node_id, described in service.waiting().items():
            name = "a device that waits" if described is None else described.shown
            found.append(FoundNode(name=name, role=role.value, url="", node_id=str(node_id)))
        return DiscoverOutput(found=tuple(found))

    @operation(title="Pair", deadline_s=90)
    async def pair(self: Pairable, asked: PairInput, call: OperationCall) -> PairedNode:
        """Pair with another device by the code that it shows.

        Give its address, its name as `discover` lists it, or the id of one that waits to be paired.
        """
        service, node = self.connect_service(), _node(self, asked.node)
        code, peer = _code(asked.code.get_secret_value()), _uuid("node_id", asked.node_id)
        if peer is not None and not asked.url and not asked.name:
            call.tell("telling the device that waits")
            return _paired(self, await service.pair_waiting(node, peer, code))
        url = asked.url
        if not url:
            call.tell(f"looking for '{asked.name}'")
            url = await _url_of(service, asked.name, self.pairing_role.other)
        call.tell(f"pairing with {url}")
        return _paired(self, await service.pair(node, url, code, peer, force=asked.force))

    @operation(title="List the pairings")
    async def pairings(self: Pairable, asked: Nothing, call: OperationCall) -> PairingsOutput:
        """List with whom the nodes of this instance are paired."""
        return PairingsOutput(pairings=tuple(_paired(self, each) for each in self.connect_service().book))

    @operation(title="End a pairing", deadline_s=60)
    async def unpair(self: Pairable, asked: UnpairInput, call: OperationCall) -> UnpairOutput:
        """End a pairing, and tell the other device, which otherwise finds out by itself."""
        service = self.connect_service()
        fitting = [each for each in service.book if asked.peer in (str(each.peer.id), each.peer.shown)]
        if len(fitting) != 1:
            known = ", ".join(f"{each.peer.shown} ({each.peer.id})" for each in service.book) or "none"
            raise RefusedError(f"{len(fitting)} pairings are with '{asked.peer}'", f"name one by its id: {known}")
        told = await service.unpair(fitting[0])
        return UnpairOutput(name=fitting[0].peer.shown, told=told)


def _node(plugin: Pairable, name: str) -> LocalNode:
    nodes = plugin.pairing_nodes()
    if not name and len(nodes) == 1:
        return next(iter(nodes.values()))
    if name not in nodes:
        known = ", ".join(sorted(nodes)) or "none yet"
        raise SettingsError(
            "node", f"there is no node '{name}'" if name else "it is not said which", f"name one of: {known}"
        )
    return nodes[name]


def _code(text: str) -> PairingCode:
    try:
        return PairingCode.parse(text)
    except ValueError as error:
        raise SettingsError("code", str(error), "read it again from the other device") from None


def _uuid(field: str, text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise SettingsError(field, "this is no id of a node", "take it as `discover` lists it") from None


async def _url_of(service: PairingEndpoint, name: str, role: Role) -> str:
    """The address of a device that announces itself by a name; RefusedError when it is not there, or not alone."""
    if not name:
        raise SettingsError("url", "it is not said with whom", "give `url`, or a `name` or `node_id` of `discover`")
    found = [each for each in await service.browse(BROWSE_S, role) if each.announcement.pairing_url]
    urls = {each.announcement.pairing_url for each in found if name in (each.instance, each.announcement.name)}
    if len(urls) != 1:
        known = ", ".join(sorted(each.announcement.name or each.instance for each in found)) or "nobody"
        raise RefusedError(f"{len(urls)} devices announce themselves as '{name}'", f"there is: {known}; or give `url`")
    return urls.pop()


def _shown(found: Found, role: Role) -> FoundNode:
    told = found.announcement
    roles = ", ".join(sorted(found.roles)) or role.value
    return FoundNode(name=told.name or found.instance, role=roles, url=told.pairing_url)


def _paired(plugin: Pairable, pairing: Pairing) -> PairedNode:
    names = {node.description.id: name for name, node in plugin.pairing_nodes().items()}
    return PairedNode(
        name=pairing.peer.shown,
        role=pairing.peer.role.value,
        peer=str(pairing.peer.id),
        node=names.get(pairing.own, str(pairing.own)),
        since=pairing.since.isoformat(timespec="seconds"),
        serves=pairing.serves,
    )
