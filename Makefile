# Every command a person or CI needs. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

# uv does not read pip's configuration: hand on what this machine's pip has.
FIND_LINKS = $(shell $(PYTHON) -m pip config list 2>/dev/null | sed -n "s/.*find-links='\(.*\)'/\1/p" | head -1)
export UV_FIND_LINKS ?= $(FIND_LINKS)
export UV_CUSTOM_COMPILE_COMMAND = make locks

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: demo
demo: ## push to deploy on this machine: a remote, the agent, the app, a URL (no root, no systemd, no account)
	@$(PYTHON) bootstrap.py local --demo

.PHONY: test
test: $(VENV)/ready ## every test this machine allows; what it cannot run is listed with the reason
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder

.PHONY: check
check: $(VENV)/ready ## lint, format, types, imports, shell scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 agent/launcher
	$(BIN)/lint-imports --no-cache
	@if command -v shellcheck >/dev/null; then git ls-files '*.sh' .ci/run | xargs -r shellcheck; \
	elif [ -n "$$CI" ]; then echo "shellcheck is missing: apt-get install shellcheck"; exit 1; \
	else echo "SKIPPED: shellcheck is not installed (apt-get install shellcheck)"; fi

.PHONY: format
format: $(VENV)/ready ## rewrite the code in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/ready ## idle memory, CPU of a poll, push to live: ratios side by side in one run
	@$(BIN)/python -m tests.bench

.PHONY: vm
vm: $(VENV)/ready ## the tests in real Debian machines only (root, systemd-nspawn)
	@GITOPS_VM_REQUIRE_VM=1 $(BIN)/python -m pytest tests/vm

.PHONY: acceptance
acceptance: $(VENV)/ready ## 20 deploys of each app under load, bad pushes and killed agents: docs/acceptance.md; 50 kills of a bootstrap (an hour, a VM)
	@GITOPS_VM_REQUIRE_VM=1 GITOPS_VM_ACCEPTANCE=1 GITOPS_VM_KILLS=50 $(BIN)/python -m pytest tests/vm/switch \
	  tests/agent/test_full_disk.py tests/host/test_power_cut.py tests/vm/ssh/test_killed.py tests/vm/ssh/test_killed_inside.py

.PHONY: mutation
mutation: $(VENV)/ready ## change the decision on purpose: some test must notice each change
	@$(BIN)/python -m tests.mutation

.PHONY: locks
locks: $(VENV)/ready ## compile the hash-locked requirement files anew (they name no index)
	@requirements/compile.sh $(BIN)/uv

$(VENV)/ready: requirements/dev.txt
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "python3 lacks venv; type: sudo apt-get install python3-venv"; exit 1; }
	@echo "preparing $(VENV) (once, about 15 s)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
