# Everything a developer or CI runs. Each target makes what it needs; `make help` lists them.
# LAB_CACHE (default ~/.cache/prometheus_ha_lab) keeps what is downloaded or built, for all clones.

RUN := scripts/dev python -m scripts.steps

.DEFAULT_GOAL := help
.PHONY: help demo demo-down test test-fast bench lint types units sanity molecule integration tarball docs changelog format clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1 - /p' $(MAKEFILE_LIST)

demo: ## Real systemd hosts in containers with the whole stack on them, then its plan and status
	@$(RUN) demo

demo-down: ## Remove the demo's hosts
	@$(RUN) demo-down

test: ## Everything that CI runs: test-fast, sanity, tarball, Molecule, integration tests on a lab
	@$(RUN) test

test-fast: ## lint, types and units
	@$(RUN) test-fast

lint types units sanity tarball molecule integration bench:
	@$(RUN) $@

lint: ## Linters, formatters, the generated pages are current, Python 3.8 in the host's room
types: ## mypy --strict
units: ## Unit tests, and the proof that none of the preflight's rules can vanish unnoticed
sanity: ## All of ansible-test sanity, offline
tarball: ## Build the tarball, install it into an empty folder, use it from there
molecule: ## A Molecule scenario (SCENARIO, default "default")
integration: ## tests/integration on a lab of its own
bench: ## The benchmark

docs: ## Write docs/reference from the plugins' and roles' own documentation, other pages from the code, and the dashboards
	@scripts/dev python -m scripts.docs

changelog: ## Write CHANGELOG.md and changelogs/changelog.yaml from the fragments
	@scripts/dev antsibull-changelog release --reload-plugins --update-existing

format: ## Format the Python code, and mend what ruff can mend
	@scripts/dev ruff format .
	@scripts/dev ruff check --fix .

clean: ## Remove what can be made again from this checkout (not LAB_CACHE)
	rm -rf .cache .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache baremetal-prometheus_ha-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
