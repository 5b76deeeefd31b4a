# The front door: `make` lists what there is. Every target installs what it needs (Debian and Ubuntu, as root) and says so.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# Prefix of the lab's network namespaces; with another one a second lab can run at the same time.
PREFIX ?= bellhop-

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: lab
lab: needs-lab ## bring up the whole network with Bellhop on it; stays until Ctrl-C (DETACH=1: in the background)
	@node test/lab/main.ts up --prefix $(PREFIX) $(if $(DETACH),--detach)

.PHONY: lab-check
lab-check: needs-lab ## show what Bellhop promises in a lab of its own, one PASS or FAIL line a claim
	@node test/e2e/lab-check.ts

.PHONY: lab-down
lab-down: node_modules/.package-lock.json ## take the lab down, also what a killed one has left
	@node test/lab/main.ts down --prefix $(PREFIX)

.PHONY: lab-exec
lab-exec: node_modules/.package-lock.json ## run a command in the lab: make lab-exec ROLE=leaf1 CMD='ip route'
	@node test/lab/main.ts exec --prefix $(PREFIX) -- '$(ROLE)' '$(subst ','\'',$(value CMD))'

.PHONY: test
test: needs-lab ## every test, the lab's claims included, and the table of cases
	@node tools/test.ts

.PHONY: test-long
test-long: needs-lab ## the same with full fuzzing, large numbers, minutes of outage, and the images built
	@sh tools/install.sh images
	@node tools/test.ts --long

.PHONY: check
check: node_modules/.package-lock.json ## format, lint, types, generated files unchanged
	prettier --check --log-level warn .
	oxlint --type-aware --deny-warnings
	tsc --noEmit
	node tools/generate.ts --check

.PHONY: bench
bench: needs-lab ## a line per measure, all of them in test/bench/out/results.json
	@node test/bench/run.ts

.PHONY: generate
generate: node_modules/.package-lock.json ## write the CRDs and the reference pages anew from src/core
	@node tools/generate.ts

.PHONY: build
build: node_modules/.package-lock.json ## compile to dist/
	tsc --project tsconfig.build.json
	chmod +x dist/cli/main.js

.PHONY: clean
clean: ## remove what was built here; the control plane in the user's cache directory stays
	rm -rf dist test/bench/out

# npm leaves this file when it is done: older than the lock file, or missing, and something is to be installed.
node_modules/.package-lock.json: package-lock.json
	@sh tools/install.sh npm
	@touch $@

.PHONY: needs-lab
needs-lab: node_modules/.package-lock.json
	@sh tools/install.sh lab
