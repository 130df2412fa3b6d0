import subprocess
import sys
from pathlib import Path

import pytest
from efpi_driver_simulated.local_days import days_of
from efpi_driver_simulated.sources import SHIPPED, SHIPPED_PLACE, Wanted, use_of, weather_of
from efpi_driver_simulated.sun import Place
from efpi_driver_simulated.table import read_table
from efpi_driver_simulated.worker import NoTableError, table_at


def make(directory: Path, *arguments: str) -> Path:
    """Run the worker as its users do."""
    command = [sys.executable, "-m", "efpi_driver_simulated.tables", *arguments, str(directory)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(ran.stdout.strip())


@pytest.mark.slow
def test_the_shipped_weather_is_what_the_worker_makes(tmp_path):
    pytest.importorskip("pvlib")
    path = make(tmp_path, "weather", "--latitude=50.85", "--longitude=4.35", "--year=2025", "--seed=1")
    shipped = read_table(SHIPPED / path.name)
    for name, channel in read_table(path).channels.items():
        differing = sum(a != b for a, b in zip(channel.values, shipped.channels[name].values, strict=True))
        assert differing < len(channel.values) / 100, name


def test_the_shipped_use_is_what_the_worker_makes(tmp_path):
    pytest.importorskip("demandlib")
    path = make(tmp_path, "use", "--zone=Europe/Brussels", "--year=2025", "--seed=1")
    assert list(read_table(path).channels["use"].values) == list(read_table(SHIPPED / path.name).channels["use"].values)


def test_the_shipped_tables_are_small():
    assert sum(path.stat().st_size for path in SHIPPED.glob("*.xz")) < 300_000


@pytest.mark.slow
async def test_a_made_table_is_made_once_and_then_read(tmp_path):
    pytest.importorskip("pvlib")
    wanted = Wanted("made", 7, tmp_path, deadline_s=600.0)
    first = await weather_of(Place(40.4, -3.7), wanted)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    second = await weather_of(Place(40.4, -3.7), wanted)
    assert path.stat().st_mtime_ns == written
    assert first.air_c(1.75e9) == second.air_c(1.75e9)


def hide(name: str, directory: Path) -> str:
    (directory / name).mkdir()
    (directory / name / "__init__.py").write_text(f"raise ImportError('no {name} here')\n")
    return str(directory)


async def test_without_the_library_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", hide("pvlib", tmp_path))
    with pytest.raises(NoTableError, match=r"efpi-driver-simulated\[tables\]"):
        await weather_of(SHIPPED_PLACE, Wanted("made", 1, tmp_path / "tables"))
    assert not (tmp_path / "tables").exists()


async def test_a_slow_worker_is_ended(tmp_path, monkeypatch):
    (tmp_path / "pandas.py").write_text("import time; time.sleep(3600)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NoTableError, match="more than 1 s"):
        await use_of(days_of("Europe/Oslo"), 3000.0, Wanted("made", 1, tmp_path / "tables", deadline_s=1.0))


async def test_a_broken_table_is_named_with_its_cure(tmp_path):
    path = tmp_path / "weather.xz"
    path.write_bytes(b"nonsense")
    with pytest.raises(NoTableError, match="delete"):
        await table_at(path, [])


def test_no_resident_module_needs_numpy():
    script = (
        "import sys, efpi_driver_simulated.sources, efpi_driver_simulated.tables\n"
        "assert not {'numpy', 'pandas', 'pvlib', 'demandlib'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
