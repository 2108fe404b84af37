# `make run` and `make test` need nothing but make and Python 3.11 to 3.13: each makes .venv from the locked requirements.txt.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# Written last, so that a broken-off installation is taken up again.
INSTALLED := $(VENV)/.installed
# Copies, not links into the cache: the cache may lie on another disk.
export UV_NO_PROGRESS := 1
export UV_LINK_MODE ?= copy
# Trust whom the machine trusts: a proxy of its owner may stand in between.
export UV_SYSTEM_CERTS := 1

comma := ,

.PHONY: help run test lint faults lock bench demo-ledger standalone clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: $(INSTALLED) ## run every DAG once: take in, check, aggregate and publish all that is due
	@$(BIN)/python -m deploy.run_dags

# A file's tests stay together: they share what they run once.
test: lint ## lint, format, types and every test
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED) ## lint, format and types only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# All at once: each waits for the disk half of its time.
faults: $(INSTALLED) ## break runs and commands off, and fill the disk, at every single write; 15 minutes
	@$(BIN)/python -m tests.faults --times 1 & files=$$!; \
	$(BIN)/python -m tests.faults --times 1 --commands & commands=$$!; \
	failed=0; $(BIN)/python -m tests.faults --times 1 --ledger || failed=1; \
	wait $$files || failed=1; wait $$commands || failed=1; exit $$failed

standalone: $(INSTALLED) ## a whole Airflow in the browser, on port $AIRFLOW_PORT or 8080
	@exec $(BIN)/python -m deploy.standalone

bench: $(INSTALLED) ## the kernel beside DuckDB and Polars: make bench ROWS=1e7 ROUNDS=3 GROWTH=1e6,1e7,5e7
	@$(BIN)/python -m benchmarks.ledger $(or $(ROWS),1e7) $(or $(ROUNDS),3) $(or $(GROWTH),1e6$(comma)3e6$(comma)1e7)

demo-ledger: $(INSTALLED) ## a synthetic ledger under .demo/, published and corrected, apart from all real sources: make demo-ledger ROWS=1e6
	@$(BIN)/python -m benchmarks.ledger_demo .demo/ledger $(or $(ROWS),1e6)

lock: $(INSTALLED) ## remake requirements.txt from requirements.in
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 requirements.in -o requirements.txt

clean: ## remove what can be made again: .venv, Airflow's home, caches; never data
	rm -rf $(VENV) .airflow .demo .mypy_cache .ruff_cache .hypothesis *.egg-info build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A name on the PATH is no proof (pyenv leaves names that run nothing), so each candidate is asked.
$(BIN)/python:
	@for candidate in $${PYTHON:-} python3 python3.13 python3.12 python3.11; do \
	    if $$candidate -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
	        echo "making $(VENV) with $$($$candidate --version)"; \
	        exec $$candidate -m venv --clear $(VENV); \
	    fi; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 with venv was found. Install one (Debian: python3 python3-venv) or name it: make PYTHON=/path/to/python3.12" >&2; \
	exit 1

$(INSTALLED): requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing requirements.txt into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[^ ;]+' requirements.txt)"
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m tools.chart_assets
	@touch $@
