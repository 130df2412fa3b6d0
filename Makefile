# One command each. `make run` needs nothing but Python 3.11 or newer with its venv module.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080

PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard drivers/*/pyproject.toml energy_apps/*/pyproject.toml))
MANIFESTS := pyproject.toml constraints.txt $(PLUGINS:%=%/pyproject.toml)
PACKAGES := efi efpi_core $(wildcard drivers/*/efpi_driver_* energy_apps/*/efpi_app_*)
SOURCES := $(filter-out %.egg-info,$(PACKAGES))
EDITABLE := $(PLUGINS:%=-e ./%)

RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: run install test prove soak check format bench clean constraints

run: $(RUNTIME)
	$(BIN)/efpi run --site demo --port $(PORT)

install: $(DEVELOPMENT)

# Many tests watch real processes against real deadlines; what a busy machine made fail gets one more try, alone.
test: $(DEVELOPMENT)
	$(BIN)/python -m pytest -n auto --dist worksteal || $(BIN)/python -m pytest --last-failed --last-failed-no-failures none

# What takes too long for the tests. Resumed where it was left: what held for this code does not run again.
# ONLY='matrix/*' runs some; JOBS=2 two at a time; MORE='--again --any-code' as `python -m tests.prove --help` tells.
ONLY ?= *
JOBS ?= 1
prove: $(VENV)/.prove-installed
	$(BIN)/python -m tests.prove --only '$(ONLY)' --jobs $(JOBS) $(MORE)

# A hundred appliances for two hours and two simulated days; SOAK_HOURS=0.1 SOAK_DAYS=0.5 for less.
soak: $(DEVELOPMENT)
	$(BIN)/python -m tests.soak

check: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/python -m pytest -m "not slow" -n auto

format: $(DEVELOPMENT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.benchmarks-installed
	@for figure in $$(grep -l __main__ benchmarks/*.py); do echo; echo "== $$figure"; $(BIN)/python $$figure || exit 1; done

clean:
	rm -rf $(VENV) build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.egg-info' -type d -prune -exec rm -rf {} +

# Install afresh the newest versions that the manifests allow, and pin them.
constraints:
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip --quiet install --upgrade pip setuptools
	build/constraints/bin/python -m pip --quiet install --no-build-isolation -e '.[dev,bench,prove]' $(EDITABLE)
	build/constraints/bin/python -m pip list --format=freeze --exclude-editable --exclude pip > constraints.txt
	rm -rf build/constraints

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "efpi needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "this Python has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): $(MANIFESTS) | $(BIN)/python
	$(PIP) install -c constraints.txt setuptools
	$(PIP) install -c constraints.txt --no-build-isolation -e . $(EDITABLE)
	@touch $@

$(DEVELOPMENT): $(RUNTIME)
	$(PIP) install -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

$(VENV)/.prove-installed: $(DEVELOPMENT)
	$(PIP) install -c constraints.txt --no-build-isolation -e '.[prove]'
	@touch $@

$(VENV)/.benchmarks-installed: $(RUNTIME)
	$(PIP) install -c constraints.txt --no-build-isolation -e '.[bench]'
	@touch $@
