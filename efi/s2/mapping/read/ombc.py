"""OMBC as the interface's output-adjustable appliance."""

from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.modes import graph
from efi.s2.mapping.read.values import Fields, label, powers, running_costs
from efi.s2.ombc import OMBCOperationMode, OMBCSystemDescription


def description(message: OMBCSystemDescription, notes: Notes) -> Fields:
    """The fields of an OutputAdjustableSystemDescription."""
    return {
        "message_id": message.message_id,
        "valid_from": message.valid_from,
        "modes": [
            _mode(mode, f"operation_modes.{place}.", notes) for place, mode in enumerate(message.operation_modes)
        ],
        **graph(message.transitions, message.timers, "", notes),
    }


def _mode(mode: OMBCOperationMode, path: str, notes: Notes) -> Fields:
    return {
        "mode_id": mode.id,
        "label": label(mode.diagnostic_label, f"{path}diagnostic_label", notes),
        "abnormal_condition_only": mode.abnormal_condition_only,
        "power": powers(mode.power_ranges),
        **running_costs(mode.running_costs, f"{path}running_costs", notes),
    }
