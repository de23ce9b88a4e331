# Everything a developer types. It needs Python 3.11 or newer and make; `make e2e` also needs Go.
PYTHON ?= python3
BIN := .venv/bin
COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
SERVE := $(BIN)/python -m kubedns_py serve --manifests=examples --dns-bind-address=127.0.0.1 --dns-port=10053 \
	--admin-bind-address=127.0.0.1 --healthz-port=8081 --metrics-port=9153 --lameduck=0s
.DEFAULT_GOAL := help
.PHONY: help setup run test check cover e2e bench bench-quick bench-forward fuzz lock image

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1	\2/p' Makefile

setup: .venv/.ready ## the locked environment in .venv; instant when nothing changed
.venv/.locked: locks/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r locks/dev.txt && touch $@
.venv/.ready: .venv/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . && touch $@

run: setup ## serve examples/ on 127.0.0.1:10053; Ctrl-C stops it
	@echo 'dig @127.0.0.1 -p 10053 +short web.shop.svc.cluster.local   says 10.96.0.10'
	@echo 'dig @127.0.0.1 -p 10053 +short -x 10.96.0.10                says web.shop.svc.cluster.local.'
	@echo 'dig @127.0.0.1 -p 10053 +short db.shop.svc.cluster.local    says 10.1.1.1 and 10.1.1.2'
	@if [ -t 0 ]; then set -m; fi; $(SERVE) # its own process group: Ctrl-C is for the server, not for make

test: setup ## the fast tests
	$(BIN)/python -m pytest --numprocesses=3 --dist=worksteal

check: setup ## format, lint, types, import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
cover: setup ## the fast tests with branch coverage
	$(BIN)/python -m pytest --cov=kubedns_py --cov-branch --cov-report=term-missing
e2e: setup ## the tests against a real control plane, built with Go the first time
	$(BIN)/python -m tests.e2e.build
	$(BIN)/python -m pytest -m e2e tests/e2e
.venv/.bench: .venv/.ready locks/bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r locks/bench.txt && touch $@
bench: .venv/.bench ## measure a cluster's names beside CoreDNS and Knot DNS, on two cores; needs Go the first time
	$(BIN)/python -m bench --results bench/results
bench-quick: setup ## a small part of it, in two minutes
	$(BIN)/python -m bench --scenarios warm cold --services 1000 --endpoints 20000 --rounds 2 --seconds 2 --patience 1
bench-forward: setup ## measure forwarding beside CoreDNS, on two cores; needs Go the first time
	$(BIN)/python -m bench.forward --results bench/results
fuzz: setup ## look for messages that break the reader, for a bounded time
	$(BIN)/python -m fuzz
lock: ## write locks/ from pyproject.toml; UPGRADE=--upgrade takes newer versions
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet --no-deps --require-hashes -r locks/lock.txt
	$(COMPILE) $(UPGRADE) pyproject.toml -o locks/run.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --group dev -c locks/run.txt -o locks/dev.txt
	$(COMPILE) $(UPGRADE) --group build -c locks/dev.txt -o locks/build.txt
	$(COMPILE) $(UPGRADE) --group bench -c locks/dev.txt -o locks/bench.txt
	$(COMPILE) $(UPGRADE) --group lock -o locks/lock.txt

image: ## the container image
	docker build -t kubedns-py:$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) .
