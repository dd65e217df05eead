# `make help` lists the targets. PYTHON names another python3 (3.11 or newer).

PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
# The process ends together with make, even if make is killed.
FOREGROUND := exec $(VENV_PYTHON) -I -S infra/local/tether.py $$PPID $(VENV_PYTHON)

# Read by the stack and the demo when given: make demo DATA=transfers.parquet TOKEN=0x…
export DATA TOKEN ROWS DESTINATIONS STACK_DIR KAFKA_BOOTSTRAP UNLOAD_FILE_BYTES CONCURRENCY SWEEP_PAUSE ONLY
MINUTES ?= 60
# Of `make test`. Each process uses up to 3 GB, together with the servers that it starts.
PROCESSES ?= $(shell awk '/^MemAvailable/ { print ($$2 < 8e6) ? 2 : ($$2 < 12e6) ? 3 : ($$2 < 16e6) ? 4 : 5 }' /proc/meminfo)

.DEFAULT_GOAL := help
.PHONY: help setup demo stack check quick test reliability lint bench bundles verify-infra verify-live audit fuzz

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## check the prerequisites and install the pinned dependencies (once)
	@command -v $(PYTHON) >/dev/null || { \
		echo "Python 3.11 or newer is missing: apt-get install python3 python3-venv," \
			"or make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m infra.local.provision

demo: setup ## run a backfill end to end and check every row; DATA=file TOKEN=address ROWS=count
	@$(FOREGROUND) -m infra.local.demo

stack: setup ## run the local stack in the foreground; DATA=file ROWS=count DESTINATIONS=nats,sns|all STACK_DIR=folder
	@$(FOREGROUND) -m infra.local.stack

# Containers often forbid bytecode: each of the many processes of a test run would compile every module anew.
check quick test: export PYTHONDONTWRITEBYTECODE :=

check: setup ## lint, types, and the tests that start no servers: a quick loop
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint quick

quick: setup
	@EXAMPLES=few $(VENV_PYTHON) -m pytest --numprocesses 3 --dist loadscope --quiet tests/unit tests/contract \
		-m "not stack and not emulator"

test: setup ## run every test; require full coverage of the domain and the steps; PROCESSES=number
	@$(VENV_PYTHON) -m infra.offline.setup
	@$(VENV_PYTHON) -m pytest --numprocesses $(PROCESSES) --dist loadscope --durations 10 --cov --cov-report=term
	@$(VENV_PYTHON) -m coverage report --include='shared/config.py,shared/domain/*,shared/steps/*,shared/unload/*' --fail-under=100

reliability: setup ## crash, model, chaos and failing dependencies (an hour); writes docs/reliability.md
	@$(FOREGROUND) -m tests.reliability

lint: setup ## ruff, mypy, pyright for the client, import directions; rustfmt and clippy if cargo is installed
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 .venv/bin/pyright --project client --pythonpath $(VENV_PYTHON)
	@.venv/bin/lint-imports
	@$(VENV_PYTHON) -m infra.native --lint

bundles: ## build each function's deployable bundle into dist/, reproducibly
	@$(PYTHON) -m infra.bundle

verify-infra: setup ## check infra/ against the real google provider; needs access to Terraform's registry
	@$(VENV_PYTHON) -m infra.offline.verify

verify-live: setup ## check an installation, with a small backfill; INSTALLATION=file START=time END=time TABLE=name
	@$(VENV_PYTHON) -m shared.operator doctor --installation "$(INSTALLATION)" --backfill "$(START)" "$(END)" \
		$(if $(KAFKA_ADMIN),--kafka-admin "$(KAFKA_ADMIN)") $(if $(TABLE),--table "$(TABLE)")

audit: setup ## find known vulnerabilities in the deployment, and write its bills of materials into dist/
	@$(VENV_PYTHON) -m infra.release.audit

fuzz: setup ## fuzz the native encoder for an hour; MINUTES=number; needs cargo-fuzz
	@$(FOREGROUND) -m tests.fuzz $(MINUTES)

bench: setup ## run the benchmarks against their bounds (20 minutes); ONLY=part, figure or peers; writes docs/performance.md
	@$(FOREGROUND) -m bench
