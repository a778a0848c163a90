# make run: the whole service with the demo stream. make test: every test. make help: the rest.
# Needs Python ≥ 3.11 with its venv module; the network once, for what is not installed yet.

VENV ?= .venv
DATA_DIR ?= data
PYTHON ?=
N ?= 2
MINUTES ?= 30
PYTEST_ARGS ?=
CHAOS_ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK = 1

BIN = $(VENV)/bin
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header --no-emit-index-url --no-emit-find-links
SETUP = VENV="$(VENV)" PYTHON="$(PYTHON)" sh deploy/setup.sh

.PHONY: help run setup test chaos lint format lock bench clean
.DEFAULT_GOAL := help

help: ## what there is to make
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | awk -F '\t' '{printf "  make %-8s %s\n", $$1, $$2}'

run: setup ## set up and start everything with the demo stream (DATA_DIR=folder, VENV=folder, PYTHON=interpreter)
	@exec $(BIN)/scholarstream run --demo --data-dir "$(DATA_DIR)"

setup: ## the environment that the service needs
	@$(SETUP) run

test: lint ## every test (N=processes, PYTEST_ARGS="-k name")
	@VENV="$(VENV)" sh deploy/test-tools.sh
	@$(BIN)/python -m pytest -n $(N) $(PYTEST_ARGS)

chaos: ## faults on a Kafka cluster of three nodes, as long as asked (MINUTES=30, CHAOS_ARGS="--seed 7 --faults zombie,kill_broker", or --soak)
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

format: ## let ruff put the code into its format
	@$(SETUP) dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: ## compute the lock files anew (needs the network)
	@$(SETUP) dev
	@$(BIN)/python -m pip install --quiet uv
	@$(COMPILE) --extra build --output-file requirements.lock pyproject.toml
	@$(COMPILE) --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

bench: ## what it can do: throughput, latency, restore, memory
	@$(SETUP) dev
	@$(BIN)/python -m bench

clean: ## remove the environment and caches; never the data
	@rm -rf "$(VENV)" .pytest_cache .ruff_cache .mypy_cache .hypothesis
