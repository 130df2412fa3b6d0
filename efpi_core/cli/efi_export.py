"""`efpi efi export`: the whole house of a running gateway as EFI XML documents in a folder."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from efi.command.house import loss_sentences, write_house
from efi.command.report import plain
from efi.messages import AnyMessage, parse_message
from efi.xml.codec import Generation
from efpi_core.cli.options import Caller


def add_export(commands: Any) -> None:
    """Add the command to those of `efi`."""
    parser = commands.add_parser(
        "export",
        help="write the running house as EFI XML",
        description="Write what every appliance told that still holds, one document a message, into a new folder.",
        epilog="Read it back with: efpi efi convert --to json --names DIR/names.txt DIR",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder that is empty, or not there yet")
    parser.add_argument("--to", choices=[each.value for each in Generation], default=Generation.EFI_2.value)
    parser.add_argument("--home", metavar="DIR", type=Path, help="the gateway's directory")
    parser.set_defaults(run=_export)


def _export(parsed: argparse.Namespace) -> int:
    views = Caller(parsed.home, as_json=False).gateway.get("/api/appliances")
    house = {view["id"]: _messages(view["control_space"]) for view in views}
    losses = write_house(parsed.folder, house, Generation(parsed.to))
    for sentence in loss_sentences(losses):
        sys.stderr.write(f"{plain(sentence)}\n")
    number = len(house)
    sys.stdout.write(f"{parsed.folder} holds {number} appliance{'' if number == 1 else 's'}.\n")
    return 0


def _messages(told: list[Any]) -> list[AnyMessage]:
    return [parse_message(json.dumps(message)) for message in told]
