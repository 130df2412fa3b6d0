"""Compression of large messages only (permessage-deflate, RFC 7692): a small one takes longer to pack than to send."""

from collections.abc import Sequence

from websockets.extensions.base import ClientExtensionFactory, Extension, ServerExtensionFactory
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.typing import ExtensionParameter

LEAST = 2048
"""Bytes from which on a message is packed; whatever the peer packs is unpacked."""

WINDOW_BITS = 12
"""4 kB to look back, on either side: so little memory that hundreds of links are no matter."""

_MEMORY = {"memLevel": 5}


class LargeOnly(Extension):
    """Leaves small messages as they are, which the RFC allows for each message (6.1)."""

    name = ServerPerMessageDeflateFactory.name

    def __init__(self, deflate: Extension) -> None:
        self._deflate = deflate

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Unpack what the peer packed, as far as it is not too large."""
        return self._deflate.decode(frame, max_size=max_size)

    def encode(self, frame: Frame) -> Frame:
        """Pack a large message."""
        return frame if len(frame.data) < LEAST else self._deflate.encode(frame)


class ForServer(ServerExtensionFactory):
    """What a server agrees to."""

    name = ServerPerMessageDeflateFactory.name

    def __init__(self) -> None:
        self._deflate = ServerPerMessageDeflateFactory(
            server_max_window_bits=WINDOW_BITS, client_max_window_bits=WINDOW_BITS, compress_settings=_MEMORY
        )

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], Extension]:
        """Agree with a client."""
        agreed, deflate = self._deflate.process_request_params(params, accepted_extensions)
        return agreed, LargeOnly(deflate)


class ForClient(ClientExtensionFactory):
    """What a client offers."""

    name = ClientPerMessageDeflateFactory.name

    def __init__(self) -> None:
        self._deflate = ClientPerMessageDeflateFactory(
            server_max_window_bits=WINDOW_BITS, client_max_window_bits=WINDOW_BITS, compress_settings=_MEMORY
        )

    def get_request_params(self) -> Sequence[ExtensionParameter]:
        """Offer it to a server."""
        return self._deflate.get_request_params()

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> Extension:
        """Take up what the server agreed to."""
        return LargeOnly(self._deflate.process_response_params(params, accepted_extensions))
