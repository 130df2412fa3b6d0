"""An energy manager written with FlexMeasures' own client, in a process of its own: it steers storages by schedules.

The CEM, its storage control and its schedules' translation into instructions are `flexmeasures_client.s2`; only the
FlexMeasures server behind it is stood in for, as far as the client asks: sign-in, sensors, data, jobs, and a schedule
that the test names. What the library does of its own accord is left as it is: it sends no Handshake, answers what it
does not know with TEMPORARY_ERROR, takes fill levels for MWh, and compares a schedule's values with the power ranges
as they stand, so that a schedule here is in W.

Run as a program. It answers with one line `{"port": …}` and then obeys one command a line, each answered by one line:

    {"do": "look", "path": "battery"}                            what is known of the resource manager that called there
    {"do": "select", "path": "battery", "type": "NO_SELECTION"}  choose a control type
    {"do": "schedule", "path": "battery", "watts": [1000, 0]}    a schedule of quarter hours that begins now
    {"do": "hang_up", "path": "battery"}                         end the connection
"""

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import WSMsgType, web
from flexmeasures_client.client import FlexMeasuresClient
from flexmeasures_client.s2.cem import CEM
from flexmeasures_client.s2.control_types.FRBC.frbc_simple import FRBCSimple
from s2python.common import ControlType

SERVER_VERSION = "0.33.0"
SLOT = timedelta(minutes=15)
SENSORS = 10
"""Each resource manager has so many numbers for its sensors, of which these are used:"""
POWER, LEVEL, DISCHARGE, PRICE = range(4)


class FlexMeasuresServer:
    """What the client demands of a FlexMeasures server, and no more."""

    def __init__(self) -> None:
        self.watts: dict[int, list[float]] = {}
        """The schedule of each power sensor."""
        self.posted: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        """The schedules that were asked for; the place of each is the name of its job."""
        self.port = 0

    def routes(self) -> list[web.RouteDef]:
        """The paths that the client visits."""
        return [
            web.post("/api/requestAuthToken", self._sign_in),
            web.get("/api/v3_0/sensors/{id}", self._sensor),
            web.post("/api/v3_0/sensors/{id}/data", self._data),
            web.post("/api/v3_0/assets/{id}/schedules/trigger", self._trigger),
            web.get("/api/v3_0/jobs/{id}", self._job),
            web.get("/api/v3_0/sensors/{id}/schedules/{job}", self._schedule),
        ]

    @staticmethod
    def _answer(body: dict[str, Any]) -> web.Response:
        return web.json_response(body, headers={"FlexMeasures-Version": SERVER_VERSION})

    async def _sign_in(self, request: web.Request) -> web.Response:
        return self._answer({"auth_token": "token"})

    async def _sensor(self, request: web.Request) -> web.Response:
        return self._answer({"id": int(request.match_info["id"]), "generic_asset_id": 1})

    async def _data(self, request: web.Request) -> web.Response:
        self.posted.append({"sensor": int(request.match_info["id"]), **await request.json()})
        return self._answer({"status": "PROCESSED"})

    async def _trigger(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        return self._answer({"schedule": str(len(self.asked) - 1)})

    async def _job(self, request: web.Request) -> web.Response:
        return self._answer({"status": "FINISHED"})

    async def _schedule(self, request: web.Request) -> web.Response:
        watts = self.watts.get(int(request.match_info["id"]), [])
        lasting = len(watts) * SLOT
        return self._answer(
            {
                "values": watts,
                "start": self.asked[int(request.match_info["job"])]["start"],
                "duration": f"PT{int(lasting.total_seconds() // 60)}M",
                "unit": "W",
            }
        )


class Caller:
    """One resource manager that called, and the CEM that is its own."""

    def __init__(self, server: FlexMeasuresServer, socket: web.WebSocketResponse, number: int) -> None:
        self.socket = socket
        self.refused: list[str] = []
        self.power = number * SENSORS + POWER
        self.cem = CEM(
            fm_client=FlexMeasuresClient(password="toy", email="toy@flexmeasures.io", host=f"127.0.0.1:{server.port}"),
            default_control_type=ControlType.FILL_RATE_BASED_CONTROL,
            power_sensor_id={"ELECTRIC.POWER.L1": self.power, "ELECTRIC.POWER.3_PHASE_SYMMETRIC": self.power},
        )
        self.storage = FRBCSimple(
            power_sensor_id=self.power,
            soc_sensor_id=number * SENSORS + LEVEL,
            rm_discharge_sensor_id=number * SENSORS + DISCHARGE,
            price_sensor_id=PRICE,
            valid_from_shift=timedelta(0),
        )
        self.cem.register_control_type(self.storage)
        self.instructed: list[str] = []

    async def serve(self) -> None:
        """As the library's own example server does: one task reads, one writes."""
        writer = asyncio.create_task(self._write())
        try:
            async for frame in self.socket:
                if frame.type is WSMsgType.TEXT:
                    message = json.loads(frame.data)
                    if message.get("message_type") == "ReceptionStatus" and message["status"] != "OK":
                        self.refused.append(f"{message['status']}: {message.get('diagnostic_label', '')}")
                    await self.cem.handle_message(message)
        finally:
            writer.cancel()
            await self.cem._fm_client.close()

    async def _write(self) -> None:
        while True:
            message = await self.cem.get_message()
            if message["message_type"] == "FRBC.Instruction":
                self.instructed.append(message["id"])
            await self.socket.send_json(message)

    async def schedule(self, server: FlexMeasuresServer, watts: list[float]) -> None:
        """Have the library turn a schedule into instructions, as of now."""
        server.watts[self.power] = watts
        name, description = list(self.storage._system_description_history.items())[-1]
        began = datetime.now(UTC)
        self.storage._system_description_history[name] = description.model_copy(update={"valid_from": began})
        await self.storage.trigger_schedule(name)

    def look(self) -> dict[str, Any]:
        """What the CEM knows of the resource manager."""
        details = getattr(self.cem, "_resource_manager_details", None)
        levels = [status.present_fill_level for status in self.storage._storage_status_history.values()]
        statuses = self.storage._instruction_status_history
        return {
            "open": not self.socket.closed,
            "details": None if details is None else json.loads(details.to_json()),
            "control_type": None if self.cem.control_type is None else self.cem.control_type.value,
            "descriptions": len(self.storage._system_description_history),
            "level": levels[-1] if levels else None,
            "instructed": self.instructed,
            "statuses": {str(name): status.value for name, status in statuses.items()},
            "refused": self.refused,
        }


async def main() -> None:
    """Serve, and obey."""
    logging.disable(logging.CRITICAL)
    sys.stdout = sys.stderr  # the library prints
    server = FlexMeasuresServer()
    callers: dict[str, Caller] = {}

    async def call(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        caller = callers[request.match_info["path"]] = Caller(server, socket, len(callers) + 1)
        await caller.serve()
        return socket

    application = web.Application()
    application.add_routes([*server.routes(), web.get("/s2/{path}", call)])
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    await site.start()
    server.port = runner.addresses[0][1]
    say({"port": server.port})
    async for command in commands():
        say(await obey(command, server, callers))
    await runner.cleanup()


async def obey(command: dict[str, Any], server: FlexMeasuresServer, callers: dict[str, Caller]) -> dict[str, Any]:
    """Carry out one command."""
    caller = callers.get(command["path"])
    if caller is None:
        return {"open": False}
    match command["do"]:
        case "select":
            await caller.cem.activate_control_type(ControlType(command["type"]))
        case "schedule":
            await caller.schedule(server, command["watts"])
        case "hang_up":
            await caller.socket.close()
    return {
        **caller.look(),
        "posted": server.posted[-20:],
        "asked": [each for each in server.asked if each["flex-model"][0]["sensor"] == caller.power],
    }


async def commands() -> Any:
    """The lines of standard input until it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


ANSWERS = sys.stdout


def say(answer: dict[str, Any]) -> None:
    """One line of answer."""
    ANSWERS.write(json.dumps(answer) + "\n")
    ANSWERS.flush()


if __name__ == "__main__":
    asyncio.run(main())
