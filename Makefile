# What a person runs is what CI runs. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH := .venv-bench
BENCH_READY := $(BENCH)/.ready
CLUSTER := .venv-cluster
CLUSTER_READY := $(CLUSTER)/.ready
DOCS := .venv-docs
DOCS_READY := $(DOCS)/.ready
RELEASE := .venv-release
RELEASE_READY := $(RELEASE)/.ready
MATRIX := .venv-matrix
MATRIX_READY := $(MATRIX)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo ui stop cluster test example test-ui pictures chaos hostile check docs docs-links docs-serve bench bench-storage format constraints release-check matrix clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=python3.12 ...'; exit 1; }
	@echo 'Installing Airflow, this package, its sandbox and the tools of development into $(VENV): about 1.1 GB, one to five minutes, once'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[sandbox]' --group dev
	@touch $@

demo: $(READY) ## run the localize_clip pipeline on a real Airflow against the sandbox
	@$(BIN)/python scripts/demo.py

ui: $(READY) ## the same, and leave Airflow running; `make stop` ends it
	@$(BIN)/python scripts/demo.py --stay

stop: $(READY) ## end what `make ui` left running
	@$(BIN)/python scripts/demo.py --stop

cluster: $(CLUSTER_READY) ## the same on a cluster: CeleryExecutor, two of each part, PostgreSQL, Redis (apt-get install redis-server postgresql); CLUSTER_ARGS=--stay
	@$(CLUSTER)/bin/python scripts/run_cluster.py $(CLUSTER_ARGS)

test: $(READY) ## all tests but those in a browser (test-ui) and those of hostile vendors (hostile)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope -m 'not airflow'
	$(BIN)/python -m pytest -m 'airflow and not ui and not hostile'

example: $(READY) ## the tests of the template project, in a copy, and those of the page "Test a DAG"
	$(BIN)/python -m pytest tests/pytest_plugin/test_example_project.py

test-ui: $(READY) docs ## what a person sees, in Debian's Chromium (apt-get install chromium)
	$(BIN)/python -m pytest -m ui

pictures: $(READY) docs ## the same, and keep the screenshots of the documentation
	VIDEOAI_PICTURES=docs/pictures $(BIN)/python -m pytest -m ui

CHAOS_VENV := $(if $(findstring --cluster,$(CHAOS)),$(CLUSTER),$(VENV))
chaos: $(CHAOS_VENV)/.ready ## kill, clear, break and restart at every step, on a real Airflow; CHAOS="--seed 7 --rounds 45" and so on, or --cluster
	@PYTHONPATH=scripts $(CHAOS_VENV)/bin/python -m tests.chaos $(CHAOS)

hostile: $(READY) ## vendors that send whatever a server can send, at a real Airflow on PostgreSQL, beside healthy ones
	$(BIN)/python -m pytest -m hostile

check: $(READY) ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@# Each of these folders is on Airflow's path, and imports from itself.
	for dags in tests/*/dags; do MYPYPATH=$$dags $(BIN)/mypy --explicit-package-bases $$dags/*.py || exit 1; done
	$(BIN)/pyright
	$(BIN)/lint-imports

SPHINX = $(DOCS)/bin/python -m sphinx --fresh-env --keep-going --fail-on-warning
docs: $(DOCS_READY) ## build the documentation's site into docs/_build/html; every warning and dead link is an error
	$(SPHINX) --builder html docs docs/_build/html

docs-links: $(DOCS_READY) ## check the links that lead to other sites; needs the network
	$(SPHINX) --builder linkcheck docs docs/_build/links

docs-serve: docs ## the same as docs, and serve it at http://127.0.0.1:8000
	$(DOCS)/bin/python -m http.server --bind 127.0.0.1 --directory docs/_build/html 8000

bench: $(BENCH_READY) ## measure waiting beside other providers, in .venv-bench; takes three quarters of an hour
	$(BENCH)/bin/python -m benchmarks
	PYTHONPATH=scripts $(BENCH)/bin/python -m benchmarks.triggerer
	$(BENCH)/bin/python -m benchmarks.report

bench-storage: $(READY) ## 500 MB through 20 breaks into a file system and S3: hash and memory
	$(BIN)/python -m benchmarks.storage

$(BENCH_READY): pyproject.toml benchmarks/peers.txt
	@echo 'Installing Airflow, this package and the providers that it is compared with into $(BENCH): one to five minutes, once'
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(BENCH)/bin/python -m uv pip install --quiet --python $(BENCH)/bin/python --editable . --requirement benchmarks/peers.txt
	@touch $@

$(CLUSTER_READY): pyproject.toml constraints.txt tests/cluster/requirements.txt
	@echo 'Installing Airflow with Celery, this package and its sandbox into $(CLUSTER): one to five minutes, once'
	$(PYTHON) -m venv $(CLUSTER)
	$(CLUSTER)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(CLUSTER)/bin/python -m uv pip install --quiet --python $(CLUSTER)/bin/python --constraint constraints.txt --editable '.[sandbox]' --requirement tests/cluster/requirements.txt
	@touch $@

$(DOCS_READY): pyproject.toml constraints.txt
	@echo 'Installing Airflow, this package, its sandbox and Sphinx into $(DOCS): one to five minutes, once'
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(DOCS)/bin/python -m uv pip install --quiet --python $(DOCS)/bin/python --constraint constraints.txt --editable '.[sandbox]' --group docs
	@touch $@

format: $(READY) ## put the code in its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

COMPILE := $(BIN)/python -m uv pip compile --quiet --upgrade --no-header --no-annotate --no-emit-index-url --python-version 3.11 --extra sandbox --group pyproject.toml:dev --group pyproject.toml:docs pyproject.toml
constraints: $(READY) ## pin again what CI uses, and what the cells of older Airflows use
	$(COMPILE) --output-file constraints.txt
	for airflow in 3.1 3.2; do $(COMPILE) --universal constraints/airflow-$$airflow.in --output-file constraints/airflow-$$airflow.txt || exit 1; done

release-check: $(RELEASE_READY) ## build what would be published, and try it as a user gets it, in .venv-release; RELEASE_ARGS="--only build contents"
	@$(RELEASE)/bin/python scripts/release_check.py $(RELEASE_ARGS)

$(RELEASE_READY): pyproject.toml
	@echo 'Installing the tools that build and check a release into $(RELEASE): about a minute, once'
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(RELEASE)/bin/python -m uv pip install --quiet --python $(RELEASE)/bin/python --group release
	@touch $@

matrix: $(MATRIX_READY) ## every supported Airflow on every Python, by nox in .venv-matrix; CELLS="cell-3.1-py3.12", MATRIX_ARGS=--list
	@$(MATRIX)/bin/nox $(if $(CELLS),--session $(CELLS)) $(MATRIX_ARGS)

$(MATRIX_READY): pyproject.toml
	@echo 'Installing nox into $(MATRIX), about a minute; each cell then installs an Airflow of its own: one to five minutes, once'
	$(PYTHON) -m venv $(MATRIX)
	$(MATRIX)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(MATRIX)/bin/python -m uv pip install --quiet --python $(MATRIX)/bin/python --group matrix
	@touch $@

clean: ## remove what the other targets made
	rm -rf $(VENV) $(BENCH) $(CLUSTER) $(DOCS) $(RELEASE) $(MATRIX) docs/_build docs/reference/api docs/repository dist .demo demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .nox
