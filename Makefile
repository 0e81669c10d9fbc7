PYTHON ?= python3
VENV ?= .venv
PORT ?= 5000
DEMO_DIR ?= .demo
export PORT DEMO_DIR

.PHONY: demo free-port test contract bench samples clean

# The port first: nobody should wait for an installation to hear it is busy.
demo: free-port $(VENV)/installed-demo
	@$(VENV)/bin/python demo/run.py

free-port:
	@$(PYTHON) demo/port.py

$(VENV)/installed-demo: pyproject.toml
	@echo 'Making a virtual environment in $(VENV).'
	@$(PYTHON) -m venv $(VENV)
	@echo 'Installing keymw and Keystone: minutes the first time.'
	@$(VENV)/bin/python -m pip install --disable-pip-version-check \
		--root-user-action=ignore --editable '.[keystone,demo]'
	@touch $@


# Style, types, and every test; what is missing here is skipped by name, or
# fails where KEYMW_REQUIRE_SERVERS=1 promised it.
test: $(VENV)/installed-test
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/pytest --cov --cov-report=term

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
	@$(VENV)/bin/pytest tests/contract

bench: $(VENV)/installed-test
	@$(VENV)/bin/python bench/pass_through.py
	@$(VENV)/bin/python bench/login.py

# The samples under etc are made, never edited.
samples: $(VENV)/installed-test
	@$(VENV)/bin/oslo-config-generator --namespace keymw \
		--namespace oslo.policy --output-file etc/keymw.conf.sample
	@$(VENV)/bin/oslopolicy-sample-generator --namespace keymw \
		--output-file etc/policy.yaml.sample

clean:
	rm -rf $(VENV) .clients .demo .demo.unfinished build *.egg-info
