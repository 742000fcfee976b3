# Two commands: `make setup`, `make demo`. The rest is for those who change the code.
#
# torch's default wheel on Linux carries gigabytes of CUDA. For the CPU build give
# torch's own index:  make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.setup-done
NODE := tests/node
CONFORMANCE := tests/conformance
EXAMPLE := client_examples/typescript
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

.PHONY: setup
setup: $(STAMP) ## Install everything into .venv (again only when a pin changed)

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit("lessonbank needs Python 3.10 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)

# A command that pip wrote before 26 imports `re` and what that needs, which PYTHONPATH may hold,
# before it comes to us. Then torch, first and alone: only it may come from TORCH_INDEX, and once its CPU
# build is there, nothing later asks for another.
$(STAMP): pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	$(PIP) install --quiet 'pip>=26'
	$(PIP) install --quiet --constraint constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP) install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

.PHONY: demo
demo: $(STAMP) ## Watch an agent learn from real outcomes (the workshop)
	$(BIN)/python -m benchmarks.workshop

.PHONY: quick
quick: $(STAMP) ## Run the tests that need memory alone, at each save
	$(BIN)/python -m pytest --tier quick -q

.PHONY: test
test: $(STAMP) ## Run the tests that the product stands on, on up to four cores
	$(BIN)/python -m pytest --tier usual $(PARALLEL)

.PHONY: thorough
thorough: $(STAMP) ## Run the rest: shared stores, kills, benchmarks, examples, deployment
	$(BIN)/python -m pytest --tier thorough $(PARALLEL)

.PHONY: lint
lint: $(STAMP) ## Check style, formatting, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: format
format: $(STAMP) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

.PHONY: map
map: $(STAMP) ## Write the list of modules in docs/architecture.md anew
	$(BIN)/python -m tests.module_map

.PHONY: bench
bench: $(STAMP) ## Measure what the README claims
	$(BIN)/python -m benchmarks

$(NODE)/node_modules/.setup-done: $(NODE)/package.json $(NODE)/package-lock.json
$(EXAMPLE)/node_modules/.setup-done: $(EXAMPLE)/package.json $(EXAMPLE)/package-lock.json
%/node_modules/.setup-done:
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error $(NPM_OMIT)
	@touch $@

.PHONY: node-packages
node-packages: $(NODE)/node_modules/.setup-done $(EXAMPLE)/node_modules/.setup-done ## Install what the Node checks and the TypeScript examples need (Node 20 or newer)

.PHONY: inspect
inspect: $(STAMP) node-packages ## Try the official Inspector and both TypeScript SDK clients
	$(BIN)/python -m tests.node

# The suite needs Node 22. Its packages bring one (Linux on x86-64), left out where it is not needed.
$(CONFORMANCE)/node_modules/.setup-done: $(CONFORMANCE)/package.json $(CONFORMANCE)/package-lock.json
$(CONFORMANCE)/node_modules/.setup-done: NPM_OMIT = $(shell node -e 'parseInt(process.versions.node) < 22 || console.log("--omit=optional")' 2>&-)

.PHONY: conformance-packages
conformance-packages: $(CONFORMANCE)/node_modules/.setup-done

.PHONY: conformance
conformance: $(STAMP) conformance-packages ## Run the official conformance suite for both revisions
	$(BIN)/python -m tests.conformance

# Downloads the clients (3 GB) once, then takes four minutes to a quarter of an hour. CLIENTS="codex opencode" runs these alone.
.PHONY: client-packages
client-packages: $(STAMP)
	$(BIN)/python -m tests.clients --install $(CLIENTS)

.PHONY: clients
clients: $(STAMP) ## Run real MCP clients and agent frameworks with a scripted model
	$(BIN)/python -m tests.clients $(CLIENTS)

# Linters of the deployment files, and the image's steps carried out without a container engine.
# Needs Linux and root; takes a minute and 4 GB in the folder for temporary files.
.PHONY: image-check
image-check: $(STAMP) ## Lint the deployment files and try the image's steps
	$(PIP) install --quiet --constraint constraints.txt --editable '.[deploy]'
	$(BIN)/python -m tests.deploy --torch-index "$(TORCH_INDEX)"

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf $(NODE)/node_modules $(CONFORMANCE)/node_modules $(EXAMPLE)/node_modules $(EXAMPLE)/dist
	rm -rf tests/clients/npm/*/node_modules tests/clients/python/*/.venv
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
