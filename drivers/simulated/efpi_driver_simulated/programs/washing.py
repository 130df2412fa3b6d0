"""Washing programs of a 8 kg front loader: soaking and heating, washing, rinsing, spinning."""

from efpi_driver_simulated.physics.program import Program, Sequence, Step

MINUTE = 60.0

COTTON_60 = Program(
    "Cotton 60 °C",
    (
        Sequence("Wash", (Step(4 * MINUTE, 90.0), Step(24 * MINUTE, 2050.0), Step(38 * MINUTE, 140.0))),
        Sequence("Rinse", (Step(32 * MINUTE, 110.0),), gap_s=30 * MINUTE, pause_s=20 * MINUTE),
        Sequence("Spin", (Step(3 * MINUTE, 180.0), Step(9 * MINUTE, 420.0)), gap_s=20 * MINUTE),
    ),
)
ECO_40_60 = Program(
    "Eco 40-60",
    (
        Sequence("Wash", (Step(5 * MINUTE, 90.0), Step(14 * MINUTE, 1950.0), Step(96 * MINUTE, 95.0))),
        Sequence("Rinse", (Step(45 * MINUTE, 85.0),), gap_s=30 * MINUTE, pause_s=20 * MINUTE),
        Sequence("Spin", (Step(4 * MINUTE, 160.0), Step(11 * MINUTE, 360.0)), gap_s=20 * MINUTE),
    ),
)
SYNTHETICS_30 = Program(
    "Synthetics 30 °C",
    (
        Sequence("Wash", (Step(3 * MINUTE, 90.0), Step(9 * MINUTE, 1900.0), Step(28 * MINUTE, 120.0))),
        Sequence("Rinse and spin", (Step(24 * MINUTE, 100.0), Step(6 * MINUTE, 300.0)), gap_s=30 * MINUTE),
    ),
)

PROGRAMS = (COTTON_60, ECO_40_60, SYNTHETICS_30, ECO_40_60)
"""What a household chooses from; a program listed twice is chosen twice as often."""
