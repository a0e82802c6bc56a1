# Every target sets up what it needs; a second call sets nothing up again.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
BROWSER_READY := $(VENV)/.ready-browser
SPARK_READY := $(VENV)/.ready-spark
BENCH_READY := $(VENV)/.ready-bench

FUZZ ?= 10000
CALLS ?= 10000000
ROUNDS ?= 3

.PHONY: run test test-long test-root test-browser test-spark chromium java fuzz bench bench-small bench-intake lint dagster sample docs lock help

run: $(READY)  ## run the sample for all plans, print the fulfilment and where things are
	@$(BIN)/maal run

test: $(READY)  ## lint, types, declarations and all tests but the long ones, the browser's and Spark's
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(BIN)/maal check
	@$(BIN)/pytest -rs -n auto --dist loadfile

test-long: $(READY)  ## the tests that take minutes: runs killed before each write, every kind of bad delivery, other orders, threads and zones
	@$(BIN)/pytest -rs -n auto --dist loadfile -m long

test-root: $(READY)  ## what only root can try: a disk that fills up, a home that is read-only
	@$(BIN)/pytest -rs -n 0 tests/root

test-browser: $(BROWSER_READY) chromium  ## open the report and the other pages in a headless Chromium (MAAL_TEST_HOME=DIR: those of a home that has run)
	@$(BIN)/pytest -rs -n 0 tests/browser

chromium:
	@if [ -n "$$MAAL_CHROMIUM" ] || command -v chromium >/dev/null || command -v google-chrome >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then echo "installing chromium (once)"; \
	  apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	else echo "No browser is found. Install Debian's package chromium as root (apt-get install chromium), or name a Chromium or Chrome: make test-browser MAAL_CHROMIUM=/path"; exit 2; fi

test-spark: $(SPARK_READY) java  ## hold Spark against DuckDB: every measure under every reading, every construct that queries may use
	@JDK_JAVA_OPTIONS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" $(BIN)/pytest -rs -n 0 tests/spark

java:
	@if [ -n "$$JAVA_HOME" ] || command -v java >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then echo "installing Java (once)"; \
	  apt-get update -qq && apt-get install -y -qq openjdk-17-jre-headless >/dev/null; \
	else echo "No Java is found. Install Debian's package openjdk-17-jre-headless as root (apt-get install openjdk-17-jre-headless), or set JAVA_HOME."; exit 2; fi

fuzz: $(READY)  ## hold intake against the reference reader on FUZZ=10000 made and mangled files, others each time (or SEED=1)
	MAAL_FUZZ=$(FUZZ) $(BIN)/pytest -s -n 0 $(if $(SEED),--hypothesis-seed=$(SEED)) tests/test_intake_fuzz.py

bench-intake: $(READY)  ## measure intake of CALLS=10000000 call events, and of twice as many, against DuckDB's own typed copy (ROUNDS=3)
	$(BIN)/python -m benchmarks.intake --call-events $(CALLS) --rounds $(ROUNDS)

bench: $(BENCH_READY)  ## measure the whole job against pandas, polars and SQL by hand (forty minutes, 20 GB of disk)
	@$(BIN)/python -m benchmarks.bench

bench-small: $(BENCH_READY)  ## the same at a tenth of the size
	@$(BIN)/python -m benchmarks.bench --small

lint: $(READY)  ## style and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dagster: $(READY)  ## open Dagster's pages on http://127.0.0.1:3000
	@$(BIN)/python -m pipelines.webserver

sample: $(READY)  ## make data/sample anew (deterministic)
	$(BIN)/python -m maalopfyldelse.sample data/sample

docs: $(READY)  ## write the methods annex (docs/opgoerelsesmetode), the data dictionary, the senders' page and the editors' schemas anew
	$(BIN)/python -m maalopfyldelse.annex

lock: $(READY)  ## solve the dependencies anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra dev pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group browser -c requirements.lock -o requirements-browser.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")' | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -c requirements.lock - -o requirements-spark.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group bench -c requirements.lock -o requirements-bench.lock

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "Python 3.11 to 3.13 is needed; name one with: make PYTHON=python3.12"; exit 2; }
	@echo "setting up $(VENV) (once; a few minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check -q
	@touch $(READY)

$(BROWSER_READY): $(READY) requirements-browser.lock
	@echo "setting up the browser tests (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-browser.lock
	@touch $(BROWSER_READY)

$(SPARK_READY): $(READY) requirements-spark.lock
	@echo "setting up PySpark (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --require-hashes -r requirements-spark.lock
	@touch $(SPARK_READY)

$(BENCH_READY): $(READY) requirements-bench.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.lock
	@touch $(BENCH_READY)
