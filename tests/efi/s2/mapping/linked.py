"""S2 documents whose ids lead to what was described before, so that they get far."""

from typing import Any

from hypothesis import strategies as st

from efi.s2.profile import Profile
from tests.efi.s2.official_schema import documents_of
from tests.efi.s2.sane import Document, sane

OF_DEVICE = (
    "ResourceManagerDetails",
    "PowerMeasurement",
    "PowerForecast",
    "InstructionStatusUpdate",
    "RevokeObject",
)
OF_CONTROL = {
    "FRBC": (
        "SystemDescription",
        "StorageStatus",
        "ActuatorStatus",
        "TimerStatus",
        "LeakageBehaviour",
        "UsageForecast",
        "FillLevelTargetProfile",
    ),
    "OMBC": ("SystemDescription", "Status", "TimerStatus"),
    "DDBC": ("SystemDescription", "ActuatorStatus", "TimerStatus", "AverageDemandRateForecast"),
    "PEBC": ("PowerConstraints", "EnergyConstraint"),
    "PPBC": ("PowerProfileDefinition", "PowerProfileStatus"),
}


def names_of(control: str, profile: Profile) -> tuple[str, ...]:
    """The messages that a device under one control type may say."""
    own = tuple(f"{control}.{kind}" for kind in OF_CONTROL.get(control, ()))
    demand = ("DDBC.PresentDemandStatus",) if control == "DDBC" and profile is Profile.V1 else ()
    return (*own, *demand, *OF_DEVICE)


class Linker:
    """Remembers the ids of documents, and draws later documents that use them."""

    def __init__(self, draw: st.DrawFn, profile: Profile, always_sane: bool = False) -> None:
        self._always_sane = always_sane
        self._draw = draw
        self._profile = profile
        self._known: dict[str, list[str]] = {}
        self._count = 0

    def document(self, name: str) -> Document:
        """A document of this kind, mostly one that makes sense."""
        document: Document = self._draw(documents_of(self._profile, name))
        if self._always_sane or self._draw(st.integers(0, 5)):
            document = sane(document)
        self._count += 1
        document["message_id"] = f"00000000-0000-4000-8000-{self._count:012d}"
        self._link(document)
        self.learn(document)
        return document

    def _link(self, part: Any) -> None:
        if isinstance(part, list):
            for each in part:
                self._link(each)
        elif isinstance(part, dict):
            for key, value in part.items():
                kind = _REFERENCES.get(key)
                known = self._known.get(kind or "")
                if known and isinstance(value, str) and self._draw(st.integers(0, 9)):
                    part[key] = self._draw(st.sampled_from(known))
                else:
                    self._link(value)

    def learn(self, document: Document) -> None:
        """Remember the ids of a document that was said."""
        name = document["message_type"]
        if name.endswith(".SystemDescription"):
            self._known["object"] = [document["message_id"]]
            self._known["actuator"] = [each["id"] for each in document.get("actuators", ())]
            owners = document.get("actuators", (document,))
            self._known["mode"] = [
                mode.get("id") or mode["Id"] for owner in owners for mode in owner["operation_modes"]
            ]
            self._known["timer"] = [timer["id"] for owner in owners for timer in owner["timers"]]
        elif name == "PPBC.PowerProfileDefinition":
            containers = document["power_sequences_containers"]
            self._known |= {
                "object": [document["id"]],
                "profile": [document["id"]],
                "container": [each["id"] for each in containers],
                "sequence": [way["id"] for each in containers for way in each["power_sequences"]],
            }
        elif name.startswith("PEBC.") and "id" in document:
            self._known["object"] = [*self._known.get("object", ()), document["id"]]

    def gave(self, instruction_id: str) -> None:
        """An instruction was given, and may be taken back."""
        self._known["object"] = [*self._known.get("object", ()), instruction_id]


_REFERENCES = {
    "actuator_id": "actuator",
    "active_operation_mode_id": "mode",
    "previous_operation_mode_id": "mode",
    "operation_mode": "mode",
    "operation_mode_id": "mode",
    "timer_id": "timer",
    "object_id": "object",
    "power_profile_id": "profile",
    "power_constraints_id": "object",
    "sequence_container_id": "container",
    "selected_sequence_id": "sequence",
    "power_sequence_id": "sequence",
    "instruction_id": "instruction",
}
