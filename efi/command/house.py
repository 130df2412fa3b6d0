"""A whole house as documents in a folder: what each appliance told that still holds, and the names in it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from efi.command.report import told_losses
from efi.command.sources import files_of
from efi.conversion import Loss
from efi.messages import AnyMessage
from efi.xml.codec import Generation, XmlCodec
from efi.xml.name_file import read_names, write_names

NAMES = "names.txt"
"""The file of the numbers that stand for names in the documents."""


def write_house(
    folder: Path, house: Mapping[str, Sequence[AnyMessage]], generation: Generation = Generation.EFI_2
) -> list[tuple[str, Loss]]:
    """Write what each appliance told into a folder of its own, in the order in which it is to be read.

    The answer is what the documents cannot carry, each with its appliance. Raises OSError where a folder that must be
    empty is not, or cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise OSError(f"{folder}: the folder is not empty; name another one")
    codec = XmlCodec()
    losses = []
    for appliance, messages in house.items():
        told = codec.write(messages, generation)
        losses += [(appliance, loss) for loss in told.losses]
        own = folder / appliance.replace(":", ".")  # an id may hold a colon, and a file's name not everywhere
        own.mkdir()
        for number, document in enumerate(told.messages, 1):
            (own / f"{number:03d}.xml").write_text(document, encoding="utf-8")
    write_names(folder / NAMES, codec.names)
    return losses


def read_house(folder: Path) -> dict[str, list[AnyMessage]]:
    """What each appliance of a folder told, in the order of its documents.

    Raises UnreadableError, XmlError, NameFileError or OSError for what cannot be read.
    """
    codec = XmlCodec(read_names(folder / NAMES))
    house: dict[str, list[AnyMessage]] = {}
    for file in files_of(str(folder)):
        for message in codec.read(Path(file).read_bytes()).messages:
            house.setdefault(message.appliance_id, []).append(message)
    return house


def loss_sentences(losses: Iterable[tuple[str, Loss]]) -> list[str]:
    """What is lost, for people: of each appliance, what is lost in many places alike told once."""
    whose: dict[str, list[Loss]] = {}
    for appliance, loss in losses:
        whose.setdefault(appliance, []).append(loss)
    return [f"{appliance}: lost: {said}" for appliance, own in whose.items() for said in told_losses(own)]
