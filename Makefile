PYTHON ?= python3
VENV ?= .venv
PORT ?= 5000
DEMO_DIR ?= .demo
WORKERS ?= 3
KEYMW_KEYSTONE ?= 27
SOAK ?= 600
MINUTES ?= 60
SAMPLE ?= 200
export PORT DEMO_DIR
# The tests start hundreds of Pythons; without it each compiles keymw anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo free-port test types every-test coverage fast contract keystone bench bench-counts
.PHONY: gate-table samples docs
.PHONY: dist clean mutants soak

# The port first: nobody should wait for an installation to hear it is busy.
demo: free-port $(VENV)/installed-demo
	@$(VENV)/bin/python demo/run.py

free-port:
	@$(PYTHON) demo/port.py

$(VENV)/installed-demo: pyproject.toml
	@echo 'Making a virtual environment in $(VENV).'
	@$(PYTHON) -m venv $(VENV)
	@echo 'Installing keymw and Keystone: minutes the first time.'
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet \
		--root-user-action=ignore --editable '.[keystone,demo]'
	@touch $@


# Style, types, and every test; what is missing here is skipped by name, or
# fails where KEYMW_REQUIRE_SERVERS=1 promised it. mypy uses one processor for
# half a minute, so the tests run beside it.
test: $(VENV)/installed-test
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(MAKE) --no-print-directory --jobs=2 --keep-going types every-test

types: $(VENV)/installed-test
	@$(VENV)/bin/mypy

every-test: $(VENV)/installed-test
	@$(VENV)/bin/pytest -n $(WORKERS) --dist loadfile -rs

# Every test, and which lines and branches of keymw ran; half as slow again.
coverage: $(VENV)/installed-test
	@$(VENV)/bin/pytest -n $(WORKERS) --dist loadfile -rs \
		--cov --cov-report=term

# Unit and functional tests without a server.
fast: $(VENV)/installed-test
	@KEYMW_REQUIRE_SERVERS=0 $(VENV)/bin/pytest -n $(WORKERS) \
		--dist loadfile -rs tests/unit tests/functional

# Logins, callers and API keys on a Keystone of another release: KEYMW_KEYSTONE=27.
keystone:
	@.ci/keystone $(KEYMW_KEYSTONE)

$(VENV)/installed-test: $(VENV)/installed-demo
	@echo 'Installing what the tests need.'
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet \
		--root-user-action=ignore \
		--editable '.[keystone,demo,mysql,postgresql,test]'
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet \
		--root-user-action=ignore --editable '.[ldap]' || \
		echo 'python-ldap does not build here: its tests are skipped.'
	@touch $@

# The promises of a credential store, kept by every driver, as a table.
contract: $(VENV)/installed-test
	@$(VENV)/bin/pytest -n $(WORKERS) --dist loadfile -rs tests/contract

# keymw beside its peers: a table, build/bench.json and a chart in doc.
bench: $(VENV)/installed-bench
	@$(VENV)/bin/python bench/run.py --save build/bench.json --charts doc

# The instructions of a request of each kind, against those in the repository.
bench-counts: $(VENV)/installed-test
	@$(VENV)/bin/python bench/counts.py --compare bench/counts.json

$(VENV)/installed-bench: $(VENV)/installed-test
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet \
		--root-user-action=ignore --editable '.[bench]'
	@touch $@

# Write doc/gate.md: what five servers and keymw make of spellings.
gate-table: $(VENV)/installed-test
	@KEYMW_REQUIRE_SERVERS=1 KEYMW_WRITE_GATE_TABLE=1 \
		$(VENV)/bin/pytest -q tests/live/test_gate_servers.py

# What no test notices, in a seeded sample; doc/contributor/mutants.md.
mutants: $(VENV)/installed-test
	@$(VENV)/bin/python bench/mutants.py --minutes $(MINUTES) \
		--sample $(SAMPLE)

# SOAK seconds of requests: nothing may grow, and no response may be 5xx.
soak: $(VENV)/installed-test
	@$(VENV)/bin/python bench/soak.py $(SOAK)

# The samples under etc are made, never edited.
samples: $(VENV)/installed-test
	@$(VENV)/bin/oslo-config-generator --namespace keymw \
		--namespace oslo.policy --namespace oslo.log \
		--output-file etc/keymw.conf.sample
	@$(VENV)/bin/oslopolicy-sample-generator --namespace keymw \
		--output-file etc/policy.yaml.sample

# The documentation, in build/html; a warning is an error, and so is a link
# within it that leads nowhere. Nobody asks other hosts.
docs: $(VENV)/installed-docs
	@$(VENV)/bin/sphinx-build -W --keep-going -q -b html doc build/html
	@echo 'The documentation is in build/html/index.html.'

$(VENV)/installed-docs: $(VENV)/installed-demo
	@echo 'Installing what the documentation needs.'
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet \
		--root-user-action=ignore --editable '.[keystone,demo,docs]'
	@touch $@

# The sdist and the wheel, checked and tried in an empty environment of each
# Python that KEYMW_PYTHONS names.
dist:
	@WORKERS=$(WORKERS) .ci/dist

clean:
	rm -rf $(VENV) .clients .constraints .demo .dist dist .demo.unfinished build *.egg-info
