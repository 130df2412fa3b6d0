"""The interface's output-adjustable appliance as OMBC."""

from efi.output_adjustable import OutputAdjustableMode, OutputAdjustableSystemDescription
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.write.costs import running_costs
from efi.s2.mapping.write.modes import Mirrors, Powers, graph, kept_modes
from efi.s2.mapping.write.values import Quantities
from efi.s2.mapping.written_names import WrittenNames, mode_of
from efi.s2.ombc import OMBCOperationMode, OMBCSystemDescription


def description(
    message: OutputAdjustableSystemDescription,
    quantities: Quantities,
    names: WrittenNames,
    mirrors: Mirrors,
    notes: Notes,
) -> OMBCSystemDescription:
    """A description."""
    modes = kept_modes(message.modes, "", notes)
    powers = Powers(modes)
    powers.commodities("", notes)

    def told(mode: OutputAdjustableMode, path: str) -> OMBCOperationMode:
        turned = mirrors.look_at(None, mode.mode_id, (mode,), path, notes)
        return OMBCOperationMode(
            id=names.write(mode_of(None), mode.mode_id),
            diagnostic_label=mode.label or None,
            power_ranges=quantities.ranges(powers.completed(mode.power, path, notes), turned),
            running_costs=running_costs(mode, path, notes),
            abnormal_condition_only=mode.abnormal_condition_only,
        )

    return OMBCSystemDescription(
        message_id=names.write_description(message.message_id),
        valid_from=message.valid_from,
        operation_modes=tuple(told(mode, f"modes.{place}.") for place, mode in enumerate(modes)),
        **graph(message, None, [mode.mode_id for mode in modes], names, "", notes),
    )
