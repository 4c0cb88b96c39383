# Every target sets up what it needs; `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip installs only files whose hashes are in the requirements.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

# Many tests wait for a server, so three workers keep two processors busy.
WORKERS := 3

# The benchmark that `make bench` runs, and its options.
NAME := site
ARGS :=

# The tests start some hundred Python processes, which are slow where nothing that was compiled may be kept.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test test-mongodb test-migration test-browser test-faults test-thorough test-deploy test-clients test-containers lint format bench bench-peers requirements clean

help: ## List the targets
	@awk -F ':.*## ' '/^(bench-)?[a-z]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "Tests that take longer or need more:"
	@awk -F ':.*## ' '/^test-[a-z]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Start the site and its database at http://127.0.0.1:5006/
	@$(BIN)/flask --app app serve

test: $(VENV)/.dev ## Run the everyday tests: on mongomock, or on a real MongoDB if mongomock does not suffice
	$(BIN)/pytest -n $(WORKERS)

test-mongodb: $(VENV)/.dev ## Run on a real MongoDB, too, what `make test` runs on mongomock
	$(BIN)/pytest -n $(WORKERS) -m again

test-migration: $(VENV)/.dev ## Move sites from SQLite, PostgreSQL and MariaDB, which must listen on their usual ports
	$(BIN)/pytest -n $(WORKERS) -m migration

test-browser: $(VENV)/.dev .tools/.installed ## Drive Chromium through the pages, and check them with axe-core
	$(BIN)/pytest -n 2 -m browser

test-faults: $(VENV)/.dev ## Break servers under load, check what readers get, and save the figures
	FIGURES=benchmarks/results/faults.txt $(BIN)/pytest -m faults --timeout 1800

test-thorough: $(VENV)/.dev ## Run the comparisons that take minutes, such as two parsers on a million file names
	$(BIN)/pytest -m thorough --timeout 1800

test-deploy: $(VENV)/.dev .tools/.installed ## Run what the images and the shipped services run
	$(BIN)/pytest -m deployment --timeout 1800 tests/deploy tests/publishing tests/openid

test-clients: $(VENV)/.dev ## Run real clients against a public and a members' site, and print what each can do
	$(BIN)/pytest -n 2 -m clients --timeout 1800 tests/clients

test-containers: $(VENV)/.dev ## Run the images in containers, as root, and break them; keeps its bases in .tools/containers
	@$(BIN)/python -m tests.containers.machine
	FIGURES=benchmarks/results/containers.txt tests/containers/enter.sh "$$(realpath .tools)/containers" \
	  $(BIN)/pytest -m containers --timeout 1800 tests/containers

lint: $(VENV)/.dev ## Check style, types and security
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit -q -c pyproject.toml -r app.py config.py webapp migrations_sql_to_mongo
	! git grep -nE '^(<{7}|>{7}) '

format: $(VENV)/.dev ## Format the code and fix what can be fixed automatically
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## Run one benchmark: NAME=site (default), scale, index ...; see benchmarks/README.md
	$(BIN)/python -m benchmarks.$(NAME) $(ARGS) | tee benchmarks/results/$(NAME).txt

PIN := $(BIN)/uv pip compile -q --universal --generate-hashes --no-strip-extras --upgrade --python-version 3.11 --custom-compile-command "make requirements"

bench-peers: $(VENV)/.dev ## Measure the site beside other indexes, and beside another build: BASELINE=COMMIT
	$(BIN)/python -m benchmarks.peers $(ARGS) | tee benchmarks/results/peers.txt

requirements: $(VENV)/.dev ## Pin the newest versions of the dependencies in pyproject.toml, with their hashes
	$(PIN) --group run -o requirements.txt
	$(PIN) --group embedded -o requirements-embedded.txt
	$(PIN) --group attestations -c requirements.txt -o requirements-attestations.txt
	$(PIN) --group dev -c requirements.txt -c requirements-attestations.txt -o requirements-dev.txt
	$(BIN)/uv pip install -q --require-hashes -r requirements.txt -r requirements-dev.txt
	$(BIN)/uv pip check

clean: ## Remove what the other targets made, except the data in var/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage*

$(VENV)/.run: requirements.txt requirements-embedded.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Larder needs Python 3.11 or newer")'
	@echo "Setting up $(VENV) (once, about half a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) -r requirements.txt -r requirements-embedded.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

# Accessibility is checked by axe-core, and pages are measured by Lighthouse, both in Debian's Chromium. Single sign-on
# is tested with oidc-provider.
TOOLS := mongosh@2.12.0 dclint@3 axe-core@4.14.1 lighthouse@13.5.0 oidc-provider@9.13.3

.tools/.installed: Makefile
	@npm install --prefix .tools --no-save --no-fund --no-audit --loglevel=error $(TOOLS)
	@touch $@
