"""Output-adjustable appliances in EFI 2.0, where they are called adjustable."""

from efi.conversion import LossKind
from efi.output_adjustable import (
    OutputAdjustableAllocation,
    OutputAdjustableMode,
    OutputAdjustableRegistration,
    OutputAdjustableStateUpdate,
    OutputAdjustableSystemDescription,
)
from efi.xml.efi2.graph import (
    behaviour_ends,
    behaviour_losses,
    graph_losses,
    mode_attributes,
    note_behaviour,
    read_graph,
    read_mode,
    read_point,
    read_range,
    read_state,
    state_parts,
    timers_of,
    transitions_of,
)
from efi.xml.efi2.heads import (
    instruction_document,
    read_instruction,
    read_registration,
    read_supported,
    read_update,
    registration_document,
    supported,
    update_document,
)
from efi.xml.efi2.sheet import Sheet, leaf, node
from efi.xml.efi2.source import Source
from efi.xml.efi2.splitting import part_id
from efi.xml.efi2.vocabulary import TAG
from efi.xml.lexical import instant_text, number_text
from efi.xml.tree import Element, children_of

GRAPH = graph_losses("output_adjustable_system_description", "")
BEHAVIOUR = behaviour_losses("output_adjustable_system_description", "modes.*")
APART = LossKind(
    ("output_adjustable_allocation",),
    "selectors",
    "an instruction asks for one mode; each further one is an instruction of its own, whose id ends in its place",
)


# Writing --------------------------------------------------------------------------------------------------------------


def output_adjustable_registration_document(sheet: Sheet, message: OutputAdjustableRegistration) -> Element:
    """Who the appliance is."""
    return registration_document(sheet, "AdjustableRegistration", message, supported(sheet, message))


def output_adjustable_description_document(sheet: Sheet, message: OutputAdjustableSystemDescription) -> Element:
    """What the appliance can do."""
    modes = [_mode(sheet, mode, place) for place, mode in enumerate(message.modes)]
    return update_document(
        "AdjustableSystemDescription",
        message,
        node("runningModes", listed=modes),
        timers_of(sheet, message, GRAPH, ""),
        transitions_of(sheet, message, message.modes, GRAPH),
    )


def _mode(sheet: Sheet, mode: OutputAdjustableMode, place: int) -> Element:
    note_behaviour(sheet, mode, BEHAVIOUR, place)
    attributes = mode_attributes(sheet, mode, GRAPH, f"modes.{place}.mode_id", place)
    lower, upper = behaviour_ends(mode)
    if not mode.continuous:
        return node("discreteRunningMode", attributes=attributes, listed=lower)
    bounds = (node("lowerBound", listed=lower), node("upperBound", listed=upper))
    return node("continuousRunningMode", *bounds, attributes=attributes)


def output_adjustable_status_document(sheet: Sheet, message: OutputAdjustableStateUpdate) -> Element:
    """How the appliance runs."""
    return update_document(
        "AdjustableStatus", message, *state_parts(sheet, message, "currentRunningModeId", "", always_timers=True)
    )


def adjustable_instruction_documents(sheet: Sheet, message: OutputAdjustableAllocation) -> list[Element]:
    """The modes that the appliance is asked to run in, one an instruction."""
    if len(message.selectors) > 1:
        sheet.lose(APART, ", ".join(step.mode_id for step in message.selectors))
    return [
        instruction_document(
            sheet,
            "AdjustableInstruction",
            message,
            leaf("runningModeId", sheet.numbered(step.mode_id, f"selectors.{place}.mode_id")),
            None if step.factor is None else leaf("runningModeFactor", number_text(step.factor)),
            leaf("startTime", instant_text(step.start_time)),
            called=part_id(message.message_id, place) if place else None,
        )
        for place, step in enumerate(message.selectors)
    ]


# Reading --------------------------------------------------------------------------------------------------------------


def read_output_adjustable_registration(source: Source, root: Element) -> tuple[OutputAdjustableRegistration, ...]:
    """Who the appliance is."""
    fields = read_registration(source, root) | {"commodities": read_supported(source, root)}
    return (OutputAdjustableRegistration.model_validate(fields),)


def read_output_adjustable_description(source: Source, root: Element) -> tuple[OutputAdjustableSystemDescription, ...]:
    """What the appliance can do."""
    children = children_of(root)
    modes = []
    for mode in source.once(children[f"{TAG}runningModes"].children, "id"):
        read = read_range if mode.tag == f"{TAG}continuousRunningMode" else read_point
        modes.append({**read_mode(source, mode), **read(source, mode)})
    fields = {**read_update(source, children), "modes": tuple(modes), **read_graph(source, root, modes)}
    return (OutputAdjustableSystemDescription.model_validate(fields),)


def read_output_adjustable_status(source: Source, root: Element) -> tuple[OutputAdjustableStateUpdate, ...]:
    """How the appliance runs."""
    children = children_of(root)
    fields = {**read_update(source, children), **read_state(source, children, "currentRunningModeId")}
    return (OutputAdjustableStateUpdate.model_validate(fields),)


def read_adjustable_instruction(source: Source, root: Element) -> tuple[OutputAdjustableAllocation, ...]:
    """The mode that the appliance is asked to run in."""
    children = children_of(root)
    factor = children.get(f"{TAG}runningModeFactor")
    selector = {
        "mode_id": source.numbered(children[f"{TAG}runningModeId"]),
        "factor": None if factor is None else source.number(factor),
        "start_time": source.instant(children[f"{TAG}startTime"]),
    }
    fields = {**read_instruction(source, children), "selectors": (selector,)}
    return (OutputAdjustableAllocation.model_validate(fields),)
