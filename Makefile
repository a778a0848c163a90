# make run starts the demo, or a service with a source of yours. make test runs every test. make help lists all targets.
# The demo keeps its data in data/demo, a source of yours in data, so that the two never mix.
# Needs Python 3.11 or newer with its venv module, and the network for what is not installed yet.

VENV ?= .venv
SOURCE ?=
DATA_DIR ?= $(if $(SOURCE),data,data/demo)
PYTHON ?=
N ?= 3
MINUTES ?= 30
PYTEST_ARGS ?=
CHAOS_ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK = 1

BIN = $(VENV)/bin
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header --no-emit-index-url --no-emit-find-links
SETUP = VENV="$(VENV)" PYTHON="$(PYTHON)" sh deploy/setup.sh

.PHONY: help run setup test unit chaos lint format lock bench clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | awk -F '\t' '{printf "  make %-8s %s\n", $$1, $$2}'

run: setup ## install the packages and start the demo, or SOURCE=openalex:FILE (DATA_DIR=folder)
	@exec $(BIN)/scholarstream run $(if $(SOURCE),--source "$(SOURCE)",--demo) --data-dir "$(DATA_DIR)"

setup: ## install the Python packages of the service
	@$(SETUP) run

test: ## lint and every test; says first what it installs (N=processes, PYTEST_ARGS="-k name")
	@VENV="$(VENV)" sh deploy/test-tools.sh plan
	@$(MAKE) --no-print-directory lint
	@VENV="$(VENV)" sh deploy/test-tools.sh
	@$(BIN)/python -m pytest -n $(N) --dist worksteal $(PYTEST_ARGS)

# One test alone, without any tool beside Python: make unit PYTEST_ARGS=-q, or after it
#   .venv/bin/python -m pytest tests/unit/test_ids.py
unit: ## the tests of tests/unit, with Python packages alone (without two tests that run promtool)
	@$(SETUP) dev
	@$(BIN)/python -m pytest -n $(N) tests/unit --deselect tests/unit/test_telemetry.py::test_metrics_please_promtool --deselect tests/unit/test_telemetry.py::test_alarms_ring_when_they_should $(PYTEST_ARGS)

chaos: ## faults on a Kafka cluster of three nodes (MINUTES=30, CHAOS_ARGS="--seed 7 --faults zombie,kill_broker", or --soak)
	@$(SETUP) dev
	@VENV="$(VENV)" sh deploy/test-tools.sh
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) $(CHAOS_ARGS)

lint: ## style, types, dependencies and imports: ruff, mypy, deptry, import-linter
	@$(SETUP) dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/deptry .
	@$(BIN)/lint-imports --no-cache --no-logo

format: ## format the code with ruff
	@$(SETUP) dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: ## compute the lock files anew (needs the network)
	@$(SETUP) dev
	@$(BIN)/python -m pip install --quiet uv
	@$(COMPILE) --extra build --output-file requirements.lock pyproject.toml
	@$(COMPILE) --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

bench: ## measure throughput, latency, restore and memory
	@$(SETUP) dev
	@$(BIN)/python -m bench

clean: ## remove the environment and caches; never the data
	@rm -rf "$(VENV)" .pytest_cache .ruff_cache .mypy_cache .hypothesis
