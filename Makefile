# What one does with Larder. Every target sets up what it needs; `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is downloaded must be the very files whose hashes stand in the requirements.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help run test coverage test-faults test-thorough test-deploy lint format bench bench-crowd bench-index bench-search bench-scale bench-migration requirements clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Start the site and its database on http://127.0.0.1:5006/
	@$(BIN)/flask --app app serve

test: $(VENV)/.dev ## Run every test, on mongomock and on a real mongod
	$(BIN)/pytest -n 2

coverage: $(VENV)/.dev ## Run every test, and print what none of them reached
	$(BIN)/pytest -n 2 --cov --cov-report term

test-faults: $(VENV)/.dev ## Break servers under load and look at what readers get, and keep the figures
	FIGURES=benchmarks/results/faults.txt $(BIN)/pytest -m faults --timeout 1800

test-thorough: $(VENV)/.dev ## Compare what takes minutes, such as both readers of a million file names
	$(BIN)/pytest -m thorough --timeout 1800

test-deploy: $(VENV)/.dev .tools/.installed ## Run what the images run, and tools from PyPI that publish
	$(BIN)/pytest -m deployment --timeout 1800 tests/deploy tests/publishing

lint: $(VENV)/.dev ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit -q -c pyproject.toml -r app.py config.py webapp migrations_sql_to_mongo
	! git grep -nE '^(<{7}|>{7}) '

format: $(VENV)/.dev ## Put the code into its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## Measure the site's speed, beside its floor
	$(BIN)/python -m benchmarks.site | tee benchmarks/results/site.txt

bench-index: $(VENV)/.dev ## Measure uploads, downloads and the pages of a large index, beside their floor
	$(BIN)/python -m benchmarks.index | tee benchmarks/results/index.txt

bench-crowd: $(VENV)/.dev ## Let 200 readers ask at once for a minute, and look at errors and memory
	$(BIN)/python -m benchmarks.crowd | tee benchmarks/results/crowd.txt

bench-search: $(VENV)/.dev ## Measure how well a search finds what a person expects
	$(BIN)/python -m benchmarks.search_quality | tee benchmarks/results/search_quality.txt

bench-scale: $(VENV)/.dev ## Measure every page with 1,000 to 500,000 packages (SIZES="1000 50000")
	$(BIN)/python -m benchmarks.scale $(if $(SIZES),--sizes $(SIZES)) | tee benchmarks/results/scale.txt

bench-migration: $(VENV)/.dev ## Measure the move from SQL, beside its floor
	$(BIN)/python -m benchmarks.migration | tee benchmarks/results/migration.txt

PIN := $(BIN)/uv pip compile -q --universal --generate-hashes --no-strip-extras --upgrade --python-version 3.11 --custom-compile-command "make requirements"

requirements: $(VENV)/.dev ## Pin the newest versions of what pyproject.toml names, with their hashes
	$(PIN) --group run -o requirements.txt
	$(PIN) --group embedded -o requirements-embedded.txt
	$(PIN) --group dev -c requirements.txt -o requirements-dev.txt
	$(BIN)/uv pip install -q --require-hashes -r requirements.txt -r requirements-dev.txt
	$(BIN)/uv pip check

clean: ## Remove what the other targets made, but not the data in var/
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

.tools/.installed:
	@npm install --prefix .tools --no-save --no-fund --no-audit --loglevel=error mongosh@2.12.0 dclint@3
	@touch $@
