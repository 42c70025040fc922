# Everything happens in a virtual environment in this checkout: no root is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TESTS  ?= tests
CONFIG ?=
LINES  ?=
ONLY   ?=
OPTIONS ?=
SCENARIO ?=
SECONDS ?= 30
# Tests of servers wait much: three test processes suit two cores.
JOBS   ?= 3

.PHONY: run test check format lint types contracts coverage bench bench-quick bench-docs bench-micro bench-xcap bench-xcap-docs bench-connections bench-connections-docs profile resilience fuzz hostile hostile-docs clean

run: $(READY)
	$(BIN)/twistd --nodaemon --pidfile= sipapp $(if $(CONFIG),--config $(CONFIG))

test: $(READY)
	$(BIN)/pytest -n $(JOBS) --dist loadgroup $(TESTS)

# What a change has to pass before it lands.
check: lint types contracts test coverage

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

# The core rooms are covered branch for branch; make says which line is not.
coverage: $(READY)
	$(BIN)/coverage run --source=sipapp/sip,sipapp/transaction -m pytest -q tests/sip tests/transaction
	$(BIN)/coverage report --fail-under=100

# sipapp beside Kamailio. ONLY=call/udp/1/sipapp for a part of it: scenario, transport, workers,
# server, each a pattern; OPTIONS=--help for what can be chosen.
bench: $(READY)
	$(BIN)/python -m bench.compare $(OPTIONS) $(ONLY)

# The same over UDP with one worker, in under five minutes.
bench-quick: $(READY)
	$(BIN)/python -m bench.compare --quick $(OPTIONS) $(ONLY)

# Writes what bench has found into docs/performance.md.
bench-docs: $(READY)
	$(BIN)/python -m bench.compare.publish

# What the steps of a request cost in one worker, beside a baseline: a step that is more than 20 %
# dearer makes it fail. OPTIONS=--write for a new baseline.
bench-micro: $(READY)
	$(BIN)/python -m bench.micro $(OPTIONS)

# What SIP notices of a busy XCAP pool, and whether an update of a document is ever lost; about four
# minutes. LINES=answers or LINES=updates for one of them, OPTIONS=--help for what can be chosen.
bench-xcap: $(READY)
	$(BIN)/python -m bench.xcap $(OPTIONS) $(LINES)

# Writes what it has found into docs/performance.md.
bench-xcap-docs: $(READY)
	$(BIN)/python -m bench.xcap.publish

# 50,000 phones that register over TCP and stay, and calls through their connections, for ten minutes.
# OPTIONS="--connections 5000 --seconds 60" for less of it, OPTIONS=--help for what can be chosen.
bench-connections: $(READY)
	$(BIN)/python -m bench.connections $(OPTIONS)

# Writes what it has found into docs/performance.md.
bench-connections-docs: $(READY)
	$(BIN)/python -m bench.connections.publish

# What a worker does under load: a flame graph in build/, and the dearest functions. SCENARIO=options,
# register or call; OPTIONS=--help for what can be chosen.
profile: $(READY)
	$(BIN)/python -m bench.profile $(OPTIONS) $(SCENARIO)

# Whether calls survive kills, reloads, resizes and upgrades: LINES=kill for one line of the table,
# OPTIONS=--help for what can be chosen.
resilience: $(READY)
	$(BIN)/python -m bench.resilience $(OPTIONS) $(LINES)

# Tries what strangers can send to each part that reads it: SECONDS for each of them, JOBS
# at a time. ONLY=parser or ONLY=digest/guided for some of them. Prints a table; what is found is in
# build/fuzz/findings, and makes it fail.
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --jobs $(JOBS) $(OPTIONS) $(ONLY)

# What a good client notices of attacks: LINES=slow for one line of the table, OPTIONS=--help for what
# can be chosen.
hostile: $(READY)
	$(BIN)/python -m bench.hostile $(OPTIONS) $(LINES)

# Writes what it has found into docs/security.md.
hostile-docs: $(READY)
	$(BIN)/python -m bench.hostile.publish

clean:
	rm -rf $(VENV) build run .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage

$(READY): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "sipapp needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@
