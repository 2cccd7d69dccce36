# Two commands are all it takes: `make run` and `make test`. Both install what they need into .venv first.

PORT ?= 8080
DATA_DIR ?= .data
KILLS ?= 40
FAULTS ?= 150
DATABASE ?= both
SEED ?= 1
PYTHON_VENV := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test test-slow check format bench bench-quick faults cluster-faults docs wheel lock audit services-up services-down clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: ## Start DistributedJob on http://127.0.0.1:8080 (PORT=…, DATA_DIR=…)
	@scripts/install runtime
	@exec .venv/bin/distributedjob serve --data-dir $(DATA_DIR) --port $(PORT)

test: ## Run the checks and all tests (ARGS="tests/unit -x" for some)
	@scripts/test $(ARGS)

test-slow: ## The tests that want minutes, or a machine of their own
	@scripts/install dev
	@$(PYTHON_VENV) -m pytest -m slow --timeout 1800 $(ARGS)

check: ## Lint, format, types, import rules, unused dependencies
	@scripts/install dev
	@scripts/check

format: ## Rewrite the sources in the project's format
	@scripts/install dev
	@.venv/bin/ruff check --quiet --fix-only . && .venv/bin/ruff format --quiet .

bench: ## Measure everything; results in bench/results/
	@scripts/install dev
	@$(PYTHON_VENV) -m bench

bench-quick: ## The same figures in at most 4 minutes
	@scripts/install dev
	@$(PYTHON_VENV) -m bench --quick

faults: ## Kill, freeze and cut off the program, then check its books (KILLS=40 DATABASE=both SEED=1)
	@scripts/install dev
	@PYTHONPATH=tests $(PYTHON_VENV) -m faults --leg broken
	@PYTHONPATH=tests $(PYTHON_VENV) -m faults --kills $(KILLS) --database $(DATABASE) --seed $(SEED)

cluster-faults: ## Harm a whole cluster in every way, leg by leg; goes on where it was ended (FAULTS=150 SEED=1 LEGS=2)
	@scripts/install dev
	@PYTHONPATH=tests $(PYTHON_VENV) -m cluster --leg broken
	@PYTHONPATH=tests $(PYTHON_VENV) -m cluster --faults $(FAULTS) --seed $(SEED) $(if $(LEGS),--legs $(LEGS))

docs: ## Write the pages of docs/ that follow from the code
	@scripts/install dev
	@$(PYTHON_VENV) scripts/docs

wheel: ## Build dist/distributedjob-*.whl
	@scripts/install dev
	@scripts/build-wheel

lock: ## Move requirements/ to the newest allowed versions (needs uv)
	@scripts/lock

audit: ## Known vulnerabilities of the locked dependencies (asks an advisory service)
	@scripts/audit

services-up: ## Start the servers for tests: MariaDB, Redis, etcd, Kafka and, where it can be had, MySQL
	@scripts/services up mariadb redis etcd kafka && { scripts/services up mysql || test $$? = 3; }

services-down: ## Stop them
	@scripts/services down

clean: services-down ## Forget the environment, the servers and what was built
	@rm -rf .venv .services dist build
