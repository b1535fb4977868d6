# One verb, one command; CI runs the same ones. `make` alone lists them.
# Needs Python 3.11 or newer, Node.js 20 or newer, git, make and a C++ compiler (llama-cpp-python is compiled, once).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUNDLE := src/nbgroupchat/static/widget.js
PROXY := examples/jupyterhub/node_modules/.package-lock.json
JS_SOURCES := $(wildcard js/src/*) js/package-lock.json js/build.mjs

.DEFAULT_GOAL := help
.PHONY: help demo classroom test lint types pytest jstest notebooks benchmarks browser hub install bundle format pictures clean

help: ## list the verbs
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/.demo bundle ## start JupyterLab with the quickstart notebook and the real model
	@$(BIN)/python tools/demo.py

classroom: $(VENV)/.test bundle $(PROXY) ## start a JupyterHub with one room and one model for everybody's own server
	$(BIN)/python -m jupyterhub --config examples/jupyterhub/jupyterhub_config.py

test: lint types pytest jstest notebooks benchmarks browser hub ## everything that CI runs

lint: $(VENV)/.test bundle ## style of Python and types of TypeScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	npm --prefix js run --silent check

types: $(VENV)/.test ## types of Python
	$(BIN)/mypy

pytest: $(VENV)/.test bundle ## Python tests, the real model and real Jupyter servers among them
	$(BIN)/python -m pytest --ignore tests/browser --ignore tests/hub

jstest: bundle ## TypeScript tests
	npm --prefix js run --silent test

notebooks: $(VENV)/.test bundle ## run the example notebooks and compare what they show
	env -u JPY_SESSION_NAME NBGROUPCHAT_ENGINE=script $(BIN)/python -m pytest -p nbval --nbval --nbval-current-env notebooks

benchmarks: $(VENV)/.test bundle ## show that the benchmarks run; docs/figures.md says how to measure
	$(BIN)/python -m benchmarks engine --smoke
	$(BIN)/python -m benchmarks hub --smoke
	sh tools/chromium.sh
	$(BIN)/python -m benchmarks panel --smoke

browser: $(VENV)/.test bundle ## drive a real JupyterLab with a real Chromium
	sh tools/chromium.sh
	$(BIN)/python -m pytest tests/browser

hub: $(VENV)/.test bundle $(PROXY) ## drive a real JupyterHub, its proxy and everybody's JupyterLab
	sh tools/chromium.sh
	$(BIN)/python -m pytest tests/hub

pictures: $(VENV)/.test bundle ## as `browser`, and renew the pictures in docs/
	sh tools/chromium.sh
	NBGROUPCHAT_PICTURES=docs/pictures $(BIN)/python -m pytest tests/browser

format: $(VENV)/.test ## mend what the style checks can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/.test ## make the environment for development in .venv

bundle: $(BUNDLE) ## build the panel

$(BUNDLE): $(JS_SOURCES) js/node_modules/.package-lock.json
	npm --prefix js run --silent build
	@touch $@

js/node_modules/.package-lock.json: js/package-lock.json
	cd js && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# Beside the bundle's own packages, so that building the package from source does not fetch a proxy.
$(PROXY): examples/jupyterhub/package-lock.json
	cd examples/jupyterhub && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# The bundle comes first, so that installing finds it current and does not build it again.
$(VENV)/.demo: pyproject.toml | $(BUNDLE)
	@echo "Installing into $(VENV); the first time llama-cpp-python is compiled, which takes about five minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable '.[all]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BUNDLE)
	@echo "Installing into $(VENV); the first time llama-cpp-python is compiled, which takes about five minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable '.[test]'
	@touch $@ $(VENV)/.demo

clean: ## remove what was built and installed here
	rm -rf $(VENV) demo build dist js/build js/node_modules examples/jupyterhub/node_modules examples/jupyterhub/state src/nbgroupchat/static .mypy_cache .pytest_cache .ruff_cache
