# The verbs of the project. `make demo` and `make test` need Python 3.11 and make, nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
EMULATOR_VENV := .venv-emulator
# The emulator needs a Python 3.13 that runs: a shim of a version manager may exist and fail.
EMULATOR_PYTHON = $(shell for python in python3.13 "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13 \
	/usr/local/bin/python3.13 /opt/*/bin/python3.13 "$$(uv python find 3.13 2> /dev/null)"; do \
		"$$python" -c '' > /dev/null 2>&1 && { echo "$$python"; break; }; done)
DEMO_EXPORT := target/demo_export
REPORT := target/report.html
VERTICAL ?= ecommerce

export DBT_PROFILES_DIR := $(CURDIR)
export DBT_PROJECT_DIR := $(CURDIR)
export PYTHONWARNINGS := ignore::DeprecationWarning

.DEFAULT_GOAL := help
.PHONY: help setup setup-bigquery demo check build summary evidence report export docs test test-python test-slow \
	test-bigquery test-long browser truth test-emulator setup-emulator emulator-python lint bench lock clean daily \
	test-examples setup-examples setup-validate validate truth-watching

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

# ---- set-up -------------------------------------------------------------------------------------

# Installs a locked set of packages (uv when it is there, pip otherwise) and the project itself. Locks name all that is
# needed, so that nothing is resolved again (--no-deps): pip would look at the newest release of what is asked for with
# and without extras, and refuse it for having no hash.
define install
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing requirements/$(1).txt into $(VENV) …"
	@if command -v uv > /dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements/$(1).txt \
		&& uv pip install --quiet --python $(BIN)/python --no-deps --editable .; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/$(1).txt \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
	fi
	@touch $@
endef

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	$(call install,dev)
	@touch $(VENV)/.base $(VENV)/.validate

$(VENV)/.base: requirements/base.txt pyproject.toml
	$(call install,base)

$(VENV)/.bigquery: requirements/bigquery.txt pyproject.toml
	$(call install,bigquery)
	@touch $(VENV)/.base

# What judges the raw export, apart from the base set: who only looks at the demo need not have it.
$(VENV)/.validate: requirements/validate.txt pyproject.toml
	$(call install,validate)
	@touch $(VENV)/.base

profiles.yml: profiles.example.yml
	@test -f $@ || cp $< $@
	@touch $@

setup: $(VENV)/.base profiles.yml ## Install what a run needs

setup-bigquery: $(VENV)/.bigquery profiles.yml ## Install what a run on BigQuery needs

setup-validate: $(VENV)/.validate profiles.yml ## Install what a run that validates the raw export needs

# ---- running ------------------------------------------------------------------------------------

# The shop's demo is built from the project's own lists; another vertical gets a folder of its own.
ifeq ($(VERTICAL),ecommerce)
DEMO_ENVIRONMENT = GA4_EXPORT_FILES='$(DEMO_EXPORT)/events_*.parquet'
else
DEMO_FOLDER := target/demo_$(VERTICAL)
DEMO_EXPORT := $(DEMO_FOLDER)/export
REPORT := $(DEMO_FOLDER)/report.html
DEMO_ENVIRONMENT = SEEDS_PATH=$(DEMO_FOLDER)/seeds GA4_EXPORT_FILES='$(DEMO_EXPORT)/events_*.parquet' \
	DUCKDB_PATH=$(DEMO_FOLDER)/micro_conversions.duckdb DBT_TARGET_PATH=$(DEMO_FOLDER)/dbt
endif

# What the report shows beside the marts; a command may read what an earlier one wrote.
FOR_REPORT := correlate value score cohorts lead-lag experiments proxy watch

demo: setup ## Generate an export (VERTICAL=saas, …: not a shop's), build everything from it, write the report
	@$(BIN)/microconv demo --vertical '$(VERTICAL)' --out '$(DEMO_EXPORT)'
ifneq ($(VERTICAL),ecommerce)
	@$(BIN)/microconv init --vertical '$(VERTICAL)' --to '$(DEMO_FOLDER)/seeds' --force > /dev/null
endif
	@$(DEMO_ENVIRONMENT) $(MAKE) --no-print-directory build VALIDATE=no
	@echo "Comparing visitors for the report …"
	@for command in $(FOR_REPORT); do \
		$(DEMO_ENVIRONMENT) $(BIN)/microconv $$command > /dev/null || exit; \
	done
	@$(DEMO_ENVIRONMENT) $(BIN)/microconv report --out $(REPORT)
ifneq ($(VERTICAL),ecommerce)
	@echo "To ask this demo more: export $(DEMO_ENVIRONMENT)"
endif

check: setup ## Validate the seeds and the export files
	@$(BIN)/microconv check

# VALIDATE=warn builds on an export that breaks its contract too, VALIDATE=no does not ask.
VALIDATE ?= yes

validate: setup-validate ## Judge the newest days of the raw export against its contract (VALIDATE=warn only warns)
	@$(BIN)/microconv validate --out target/validation.html $(if $(filter warn,$(VALIDATE)),--warn-only)

build: check $(if $(filter no,$(VALIDATE)),,validate) ## dbt build on the files that GA4_EXPORT_FILES names; ends with the funnels, segments and key figures
	@mkdir -p target
	@umask 077 && $(BIN)/dbt --no-use-colors build
	@$(BIN)/microconv summary

daily: setup ## The whole day, for a scheduler: wait for the export, check, build, evidence, watch, report (DAILY_ARGS)
	@$(BIN)/microconv daily $(DAILY_ARGS)

evidence: setup ## Say what announces a macro and what moved, plan the next test, learn points: all that the report shows
	@for command in $(FOR_REPORT); do $(BIN)/microconv $$command || exit; done

summary: setup ## Print the funnel, the segments and where the tables are
	@$(BIN)/microconv summary

report: setup ## Write the report for people to target/report.html (after build; better after evidence)
	@$(BIN)/microconv report --out $(REPORT)

export: setup ## Write the tables for BI tools as Parquet to target/bi_files (rows of visitors only on request)
	@$(BIN)/microconv export --to target/bi_files

docs: setup ## Write dbt's documentation to target/static_index.html
	@$(BIN)/dbt --quiet docs generate --static && echo "Open target/static_index.html"

# ---- checking -----------------------------------------------------------------------------------

# Tests of a module share what they build, so that a worker with nothing left may take any test.
PYTEST := $(BIN)/pytest -q -n 2 --dist worksteal

# The report is looked at in a browser; Debian's comes along where that may be installed.
browser:
	@for name in chromium chromium-browser google-chrome-stable google-chrome; do \
		command -v $$name > /dev/null 2>&1 && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1; then \
		echo "Installing Chromium for tests …"; \
		export DEBIAN_FRONTEND=noninteractive; \
		install="apt-get install -qq -y --no-install-recommends chromium"; \
		{ $$install || { apt-get update -qq && $$install; }; } > /dev/null 2>&1 && exit 0; \
	fi; \
	echo "tests/python/test_report_browser.py does not run: there is no Chromium."

test: $(VENV)/.dev profiles.yml lint browser ## Lint, type-check and run every test that is quick
	@$(PYTEST) tests/bigquery tests/python

test-slow: $(VENV)/.dev profiles.yml ## Tests that take longer: both warehouses through two runs, nights that end in a full refresh
	@$(PYTEST) -m "slow and not long" tests/bigquery tests/python

test-python: $(VENV)/.dev profiles.yml
	@$(PYTEST) tests/python

test-bigquery: $(VENV)/.dev profiles.yml ## Google's analyzer and reference executor over the compiled project
	@$(BIN)/pytest -q -m "not long" tests/bigquery

test-long: $(VENV)/.dev profiles.yml ## Tests that add to shorter ones: builds and commands killed at a hundred moments
	@$(PYTEST) -m long tests/python

truth: $(VENV)/.dev profiles.yml ## Find planted effects again over 200 seeds (an hour; resumes; TRUTH_ARGS selects)
	@$(BIN)/python scripts/truth.py $(TRUTH_ARGS)

truth-watching: $(VENV)/.dev profiles.yml ## The same of alerts, leads and experiments (half an hour; resumes; WORLDS=200)
	@$(BIN)/python scripts/truth_watching.py --worlds $(or $(WORLDS),200)

test-emulator: $(VENV)/.dev setup-emulator profiles.yml ## Run dbt-bigquery against an emulator (needs Python 3.13)
	@$(BIN)/pytest -q tests/emulator

setup-emulator: $(EMULATOR_VENV)/.ready

$(EMULATOR_VENV)/.ready: requirements/emulator.txt
	@test -n "$(EMULATOR_PYTHON)" || { echo "make test-emulator needs Python 3.13, and none was found."; exit 1; }
	@test -x $(EMULATOR_VENV)/bin/python || "$(EMULATOR_PYTHON)" -m venv $(EMULATOR_VENV)
	@echo "Installing requirements/emulator.txt into $(EMULATOR_VENV) …"
	@if command -v uv > /dev/null 2>&1; then \
		uv pip install --quiet --python $(EMULATOR_VENV)/bin/python --require-hashes --no-deps -r $<; \
	else \
		$(EMULATOR_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
			--require-hashes --no-deps -r $<; \
	fi
	@touch $@

EXAMPLES := dagster airflow

# Each example has an environment of its own; the Dagster one also holds the project.
$(EXAMPLES:%=.venv-examples-%/.ready): .venv-examples-%/.ready: examples/%/requirements.txt pyproject.toml
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@echo "Installing $< into $(@D) …"
	@if command -v uv > /dev/null 2>&1; then \
		uv pip install --quiet --python $(@D)/bin/python --require-hashes --no-deps -r $<; \
	else \
		$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<; \
	fi
	@if [ $* = dagster ]; then \
		$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
	fi
	@touch $@

setup-examples: $(EXAMPLES:%=.venv-examples-%/.ready)

test-examples: $(VENV)/.dev profiles.yml ## The schedulers in examples/ load and run a first and a next day (minutes)
	@for name in $(EXAMPLES); do \
		$(MAKE) --silent .venv-examples-$$name/.ready > /dev/null 2>&1 \
		|| echo "examples/$$name is not tested: its packages could not be installed."; \
	done
	@$(BIN)/pytest -q tests/examples

emulator-python: # Where Python 3.13 is; nothing if there is none
	@echo "$(EMULATOR_PYTHON)"

lint: $(VENV)/.dev profiles.yml ## SQLFluff over all SQL, ruff and mypy over all Python
	@$(BIN)/ruff check scripts tests examples && $(BIN)/ruff format --check scripts tests examples
	@$(BIN)/mypy
	@$(BIN)/microconv demo --out target/lint_export --days 2 --visitors-per-day 5 > /dev/null
	@GA4_EXPORT_FILES='target/lint_export/events_*.parquet' DUCKDB_PATH=target/lint.duckdb \
		$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar models analyses tests/data

bench: $(VENV)/.dev profiles.yml ## Measure builds against the floor (takes long; BENCH_ARGS selects)
	@$(BIN)/python scripts/bench.py $(BENCH_ARGS)

lock: ## Resolve the pinned dependencies of pyproject.toml into requirements/, one version for all sets
	@for set in dev base bigquery validate; do \
		extra=; [ $$set = base ] || extra="--extra $$set"; \
		same=; [ $$set = dev ] || same="--constraint requirements/dev.txt"; \
		uv pip compile --quiet --universal --python-version 3.11 $$extra $$same --generate-hashes --no-strip-extras \
			--no-annotate --no-header --no-emit-index-url pyproject.toml -o requirements/$$set.txt; \
	done
	@uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --no-emit-index-url \
		requirements/emulator.in -o requirements/emulator.txt
	@uv pip compile --quiet --universal --python-version 3.11 --constraint requirements/base.txt --generate-hashes \
		--no-strip-extras --no-annotate --no-header --no-emit-index-url \
		examples/dagster/requirements.in pyproject.toml -o examples/dagster/requirements.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--strip-extras --no-annotate --no-header --no-emit-index-url \
		examples/airflow/requirements.in -o examples/airflow/requirements.txt

clean: ## Remove what was built (not the environment)
	@rm -rf target logs
