# Everything a newcomer runs. `make demo` and `make test` install what they need first.
PYTHON ?= python3
# ape pins numpy below 2, whose wheels end with Python 3.12: where python3 is newer, name an older one for it.
APE_PYTHON ?= $(PYTHON)
VENV := .venv
APE := .venv-ape
BIN := $(VENV)/bin
ARGS ?=
IMAGE ?= patina:latest
# One more than there are cores: many tests wait for processes of their own.
WORKERS ?= $(shell echo $$(($$(nproc) + 1)))
SHELL := /bin/bash
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Nodes start in half the time where Python may keep what it compiled; some environments forbid it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install install-dev install-ape demo test chaos fuzz staking check test-ray simulate bench soak exactness exactness-arm artifacts wheel image clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Patina needs Python 3.11 or newer: set PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	touch $@

# torch first and alone, so that the CPU build that pip is pointed at (or PyPI's) is settled before anything asks for a range.
$(VENV)/.torch: $(VENV)/.made constraints.txt
	$(BIN)/pip install --quiet $$(grep '^torch==' constraints.txt)
	touch $@

$(VENV)/.runtime: $(VENV)/.torch pyproject.toml
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[devnet]'
	touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[devnet,dev]'
	touch $@

# The accessibility rules of the browser tests. Without npm, or without a network, those tests are skipped and say so.
AXE := tests/browser/axe
$(AXE)/node_modules/.package-lock.json: $(AXE)/package-lock.json
	@npm ci --prefix $(AXE) --ignore-scripts --no-audit --no-fund --silent || echo "axe-core is not installed: tests with it are skipped"

install: $(VENV)/.runtime ## the node, an embedded chain and an embedded broker, into .venv

$(APE)/.made: contracts/requirements.txt contracts/constraints.txt
	@$(APE_PYTHON) -c 'import sys; sys.version_info < (3, 13) or print("ape needs numpy 1, which has no wheels for this Python: if the next step fails, set APE_PYTHON=python3.12")'
	$(APE_PYTHON) -m venv $(APE)
	$(APE)/bin/pip install --quiet --requirement contracts/requirements.txt --constraint contracts/constraints.txt
	touch $@

install-ape: $(APE)/.made ## the contracts' toolchain, into .venv-ape

install-dev: $(VENV)/.dev ## what tests and checks need on top

demo: install ## the main job: real share-price histories, five nodes, two editions (ARGS=--once ends by itself)
	@$(BIN)/patina demo $(ARGS)

test: install-dev install-ape check $(if $(shell command -v npm),$(AXE)/node_modules/.package-lock.json) ## every check and every test
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: install-dev ## real processes killed, cut off, lied to, reorganised and copied, at length (ARGS="--scenario kills --seed 7")
	$(BIN)/python -m tests.integration.chaos $(ARGS)

staking: install-dev ## thousands of random sequences of staking against its model (hours; ARGS="-k '[7]'" runs a twentieth)
	$(BIN)/pytest --numprocesses auto --dist worksteal --timeout 0 --hypothesis-profile staking tests/contract/staking/test_invariants.py $(ARGS)

test-ray: install-dev ## the render pool on a local Ray cluster of two nodes, one of them killed
	$(BIN)/pytest -m cluster $(ARGS) tests/integration/render

# What it tried is kept in .build/fuzz.jsonl; what passed is not tried again before the sources change.
fuzz: export FUZZ_LEDGER ?= .build/fuzz.jsonl
fuzz: install-dev ## every decoder of foreign bytes, 100,000 examples a test (hours, goes on where it was; FUZZ_EXAMPLES=10000, ARGS="-k envelope")
	$(BIN)/pytest --numprocesses auto --dist worksteal --timeout 0 --hypothesis-profile nightly tests/fuzz $(ARGS)

check: install-dev ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

simulate: install ## a night of simulated networks, every core (ARGS="--minutes 10" is shorter)
	@$(BIN)/patina simulate --minutes 480 --seed $$(date +%Y%m%d)000000 $(ARGS)

bench: install-dev ## every measured figure, printed as tables and written to bench.json
	$(BIN)/python -m benchmarks $(ARGS)

soak: install-dev ## 24 simulated hours of four nodes, and how much memory they then take (some 20 minutes; ARGS="--hours 4")
	nice -n 19 $(BIN)/python -m benchmarks.soak $(ARGS)

exactness: install-dev ## the same pictures under every setting that changes float ones: one digest each
	$(BIN)/python tools/exactness.py $(ARGS)

exactness-arm: install-dev ## the numpy reference on emulated 64-bit Arm (Debian's packages and qemu-user-static)
	PYTHON=$(BIN)/python tools/exactness_arm.sh $(ARGS)

artifacts: install-dev ## compile the contracts into node/chain/artifacts
	$(BIN)/python tools/artifacts.py

wheel: install-dev ## sdist and wheel into dist/, the same bytes for the same commit
	$(BIN)/python tools/wheel.py $(ARGS)

image: ## a container image of the node (IMAGE=name:tag, ARGS="--platform linux/arm64")
	docker build --file deploy/docker/Dockerfile --tag $(IMAGE) --build-arg VERSION=$$(sed -n "s/^version = \"\(.*\)\"/\1/p" pyproject.toml) --build-arg REVISION=$$(git rev-parse HEAD) $(ARGS) .

clean: ## remove what make made
	rm -rf $(VENV) $(APE) .build bench.json soak.json demo dist
