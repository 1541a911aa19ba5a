# A target fails when one of its steps fails or one of its tools is missing.
.NOTPARALLEL:
.DEFAULT_GOAL := help

headline = @printf '\n=== %s\n' '$(1)'
CARGO = cargo
RUSTC = rustc
EXAMPLE = examples/c-library

# The folder in which `make install` installs pikaci. A packager sets DESTDIR, which is put before it.
PREFIX = /usr/local
DESTDIR =
CARGO_OUT = $(or $(CARGO_TARGET_DIR),target)
BUILT = $(CARGO_OUT)/dist/split/pikaci
# The installed program; its debug information is in $(BINARY).debug.
BINARY = $(BUILT)
SOURCES = Cargo.toml Cargo.lock $(shell find src templates nix/guest -type f)

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: setup
setup: ## Install the programs that pikaci needs to run
	$(call headline,set-up)
	.ci/setup run

.PHONY: demo
demo: setup ## Run the jobs of an example project, each in its own virtual machine
	$(call headline,build)
	$(CARGO) build --release --locked
	$(call headline,the jobs of $(EXAMPLE))
	target/release/pikaci run -C $(EXAMPLE)

.PHONY: build
build: $(BUILT) ## Build pikaci for `make install`, with its debug information in a file beside it

$(BUILT): $(SOURCES)
	$(call headline,build)
	$(CARGO) build --profile dist --locked
	mkdir -p $(@D)
	objcopy --only-keep-debug $(CARGO_OUT)/dist/pikaci $@.debug
	objcopy --strip-debug --add-gnu-debuglink=$@.debug $(CARGO_OUT)/dist/pikaci $@

.PHONY: install
install: $(BINARY) ## Install pikaci with its manual pages and completions below PREFIX=/usr/local
	./install.sh install $(BINARY) $(DESTDIR)$(PREFIX)

.PHONY: install-debug
install-debug: $(BINARY) ## Install the debug information of pikaci (50 MB), for debuggers and backtraces
	./install.sh debug $(BINARY) $(DESTDIR)$(PREFIX)

.PHONY: uninstall
uninstall: ## Remove the files of make install below PREFIX=/usr/local
	./install.sh uninstall $(DESTDIR)$(PREFIX)

.PHONY: quick
quick: format clippy-tested unit ## Run the checks of the inner loop, in about a minute: formatting, clippy once, unit tests
	$(call headline,all passed)

.PHONY: unit
unit: ## Run the unit tests: on any machine, as any user
	$(call headline,unit tests)
	$(CARGO) test --locked --lib

.PHONY: cli
cli: ## Run the tests of the command line that need neither Nix nor a guest: on any Linux, as any user
	$(call headline,tests of the command line)
	$(CARGO) test --locked --features failpoints --test suite -- house:: cli::

.PHONY: test
test: setup-test format clippy darwin docs deny shellcheck suite ## Every check and every test
	$(call headline,all passed$(if $(IS_OLDEST), with the oldest Rust,; `make msrv` checks with the oldest Rust))

.PHONY: setup-test
setup-test:
	$(call headline,set-up)
	.ci/setup test

.PHONY: format
format: ## Check the formatting
	$(call headline,format)
	$(CARGO) fmt --all --check

.PHONY: clippy
clippy: clippy-tested ## Check the code, as it is shipped and as it is tested, warnings denied
	$(call headline,clippy as it is shipped)
	$(CARGO) clippy --locked --all-targets -- -D warnings

.PHONY: clippy-tested
clippy-tested:
	$(call headline,clippy)
	$(CARGO) clippy --locked --all-targets --features failpoints,real-inputs -- -D warnings

RUST_VERSION = $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
# Not empty if the installed Rust is the oldest one.
IS_OLDEST = $(filter $(RUST_VERSION).%,$(shell $(RUSTC) --version))
OLDEST_CARGO = $(CARGO)$(if $(IS_OLDEST),, +$(RUST_VERSION))
.PHONY: msrv
msrv: ## Check that the code compiles with the oldest Rust that Cargo.toml allows
	$(call headline,Rust $(RUST_VERSION))
	@$(OLDEST_CARGO) --version >/dev/null 2>&1 || { echo 'make: Rust $(RUST_VERSION) is missing' >&2; \
		echo 'hint: rustup toolchain install $(RUST_VERSION) --profile minimal' >&2; exit 1; }
	$(OLDEST_CARGO) check --locked --all-targets --features failpoints

# What is compiled is only checked: linking it takes a Mac.
.PHONY: darwin
darwin: export CARGO_TARGET_AARCH64_APPLE_DARWIN_RUSTFLAGS = -D warnings
darwin: ## Check that the code compiles for macOS, warnings denied
	$(call headline,macOS)
	$(CARGO) check --locked --tests --features failpoints --target aarch64-apple-darwin
	$(CARGO) clippy --locked --all-targets --target aarch64-apple-darwin -- -D warnings

.PHONY: docs
docs: ## Build the documentation, warnings denied
	$(call headline,documentation)
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --features failpoints

.PHONY: deny
deny: export PATH := /usr/local/lib/pikaci/bin:$(PATH)
deny: ## Check the dependencies of a release, without those of the tests: licenses, sources, duplicates
	$(call headline,dependencies)
	$(CARGO) fetch --locked
	$(CARGO) deny --offline --locked check licenses bans sources

# The shell files that git tracks or would add: those that end in .sh or begin with the name of a shell.
.PHONY: shellcheck
shellcheck: ## Check every shell file
	$(call headline,shellcheck)
	@files=$$({ git ls-files -co --exclude-standard -- '*.sh'; \
		git grep --untracked -InE '^#!.*[/ ](ba|da|k)?sh( |$$)' | sed -n 's/:1:.*//p'; } | sort -u); \
	test -n "$$files" || { echo 'no shell file found: is this a git work tree?' >&2; exit 1; }; \
	echo "$$files"; \
	echo "$$files" | xargs -d '\n' shellcheck

.PHONY: suite
suite: ## Run the tests
	$(call headline,tests)
	$(CARGO) test --locked --features failpoints

# PIKACI_TEST_NIXPKGS, PIKACI_TEST_MICROVM and PIKACI_TEST_NIX_DARWIN name the folders of their sources.
.PHONY: real
real: ## Evaluate everything on the real nixpkgs, microvm.nix and nix-darwin
	$(call headline,tests on real inputs)
	$(CARGO) test --locked --features failpoints,real-inputs --test suite -- the_real_

SECONDS = 60
.PHONY: fuzz
fuzz: ## Feed changed inputs to every parser of foreign bytes, each for SECONDS=60, or TARGET=<name> alone
	$(call headline,fuzz)
	FUZZ_SECONDS=$(SECONDS) $(CARGO) test --locked --profile fuzz --test fuzz -- --nocapture --test-threads=1 targets::$(TARGET)

.PHONY: bench
bench: ## Measure the budgets of pikaci, as ratios
	$(call headline,set-up)
	.ci/setup bench
	$(call headline,bench)
	$(CARGO) bench --locked --bench budgets
