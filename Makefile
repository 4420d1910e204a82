# airbyte-tokend. Each target is a line or two; the work is done in .make/.

export PREFIX ?= $(HOME)/.local
export DESTDIR ?=

.DEFAULT_GOAL := help
.PHONY: help try test check bench fleet soak fuzz install uninstall

help: ## list these targets
	@sed -nE 's/^([a-z]+): ## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

try: ## build, and see the whole thing work in a private directory that is removed at the end
	@.make/try

test: ## install what the tests need, build, run every test
	@.make/need
	@.make/test

check: ## format, lints, docs, dependencies, licences; one line says what failed
	@.make/check

bench: ## time the client against a C program and the daemon under load
	@.make/bench

fleet: ## what Airbyte sees of a hundred thousand hosts after a restart and an outage, and its picture
	@.make/fleet

soak: ## a day of the daemon in a few minutes, everything going wrong that can, and an oracle
	@.make/need
	@.make/soak

fuzz: ## fuzz each parser that reads from outside for TIME=60 seconds, or only TARGET=..., on stable Rust
	@.make/fuzz

install: ## release build into PREFIX (~/.local) with the systemd user units; DESTDIR is honoured
	@.make/install

uninstall: ## take away what `make install` put there
	@.make/uninstall
