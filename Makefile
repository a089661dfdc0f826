# Everything a newcomer, an operator or CI runs. Bare `make` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv demo test check format lint types imports site bench bench-score laws load fuzz fuzz-lock outage tamper chaos lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

venv: .venv/.ready ## make .venv with everything, versions from requirements.lock

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: venv ## a synthetic city, built and served; ARGS='--people 5000 --port 9000'
	$(BIN)/chengxin demo $(ARGS)

test: check ## everything that can run here: lint, types, import rules, tests
	$(BIN)/pytest $(ARGS)

check: lint types imports ## what CI runs before the tests

format: venv ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: venv ## format and rules of the sources
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: venv ## mypy, strict
	$(BIN)/mypy

imports: venv ## rooms import one way
	$(BIN)/lint-imports

site: venv ## build the static site into build/site
	$(BIN)/chengxin site build $(ARGS)

bench: venv ## figures beside the design's targets
	$(BIN)/python -m loadtest.bench $(ARGS)

bench-score: venv ## build time at scale; RECORDS=50000000 PEOPLE=8000000 ENROLLED=3000000 HISTORIES=1
	$(BIN)/python -m loadtest.bench_score $(ARGS)

laws: venv ## laws of the score, 10,000 cases each; a good half hour
	CHENGXIN_LAW_CASES=10000 $(BIN)/pytest tests/build/test_scoring_laws.py \
	  tests/rulebook/test_floor_rule.py tests/what_if/test_smallest_changes.py $(ARGS)

load: venv ## Locust users against a running demo; fails on wrong bodies, errors or p99
	$(BIN)/python -m loadtest.run $(ARGS)

fuzz: venv ## every role and a generated client against a served city; ARGS='--examples 300 --seed 2'
	$(BIN)/python -m loadtest.fuzz $(ARGS)

fuzz-lock: ## recompute the fuzzing tools' own lock file (needs uv on the PATH)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header loadtest/fuzz/requirements.in -o loadtest/fuzz/requirements.lock

outage: venv ## how long 503s take and whether answers are right while store or ledger is stopped
	$(BIN)/python -m loadtest.outage $(ARGS)

tamper: venv ## 1,000 rewritten copies of a signed log: each found, the first broken event named
	$(BIN)/python -m loadtest.tampering $(ARGS)

chaos: venv ## random kills of publishers under readers, at length
	CHENGXIN_CHAOS=1 $(BIN)/pytest -m chaos $(ARGS)

lock: ## recompute requirements.lock (needs uv on the PATH)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --extra dev --extra postgres --extra cluster pyproject.toml -o requirements.lock

clean: ## remove what can be made again
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
