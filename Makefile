# `make demo` is the whole story on a fresh Debian 12 with the Swift toolchain: packages, build, one run.

PREFIX ?= /usr/local
SWIFT ?= swift
BUILD_FLAGS = -c release --static-swift-stdlib --product uproar
SOURCES = Package.swift Sources Tests Benchmarks
UPROAR = .build/release/uproar

.PHONY: help deps build demo dist test bench verify conformance format format-check install clean

help:
	@sed -n 's/^## //p' Makefile

## make deps            install the Debian packages that are missing (asks for sudo only if not root)
deps:
	@scripts/install-deps

## make build           build .build/release/uproar, the Swift runtime inside
build: deps
	$(SWIFT) build $(BUILD_FLAGS)

## make demo            build, then run scenarios/quickstart.yaml
demo: build
	$(UPROAR) run scenarios/quickstart.yaml

## make test            all tests
test: deps
	# One after the other: some tests start processes and count, stop or end all that this one has started.
	$(SWIFT) test --no-parallel

## make bench           every program in Benchmarks, each a figure beside its floor or peer
bench: deps
	Benchmarks/run

## make verify          the long checks: latencies against the waveforms, kill -9 at random moments and at every state of every fault, aborts, bad input, runs that must be invalid, faults of links by their magnitude, a real Redis taken away in every way, drills simulated and live, faults drawn by many seeds, every promise of the agent kept and switched off (needs Python)
verify:
	@scripts/install-deps verify
	$(MAKE) build
	rm -rf .build/verify
	$(UPROAR) run scenarios/quickstart.yaml --tapes 20 --quiet --out .build/verify/truth
	scripts/truth-check.py .build/verify/truth
	scripts/verify-survival.py
	scripts/verify-result
	scripts/verify-capacity
	scripts/verify-report.py
	scripts/verify-baseline
	scripts/verify-bad-input.py
	scripts/verify-signals.py
	scripts/verify-keys.py
	scripts/verify-smoke
	scripts/verify-validity.py
	scripts/verify-otlp.py
	scripts/verify-crash-matrix
	scripts/verify-abort-matrix
	scripts/verify-drills
	scripts/verify-drills --live
	scripts/verify-zoo
	scripts/verify-swarm --seeds 50
	scripts/verify-links.py
	scripts/verify-redis.py
	scripts/verify-game-day.py
	scripts/verify-agent
	scripts/verify-metrics
	scripts/verify-alone.py
	scripts/verify-learn
	scripts/interop-tls
	scripts/verify-recordings.py

## make conformance     vendors' SDKs, Pipecat's services and LiveKit's plugins against the emulators (needs Python and PyPI)
conformance: build
	scripts/conformance

## make format          lay out the sources
format:
	$(SWIFT) format -i -p -r $(SOURCES)

## make format-check    fail when `make format` would change something
format-check:
	$(SWIFT) format lint -s -p -r $(SOURCES)

## make install PREFIX=…  one binary and its scenarios and fixtures (default /usr/local; DESTDIR is kept)
install: build
	scripts/install "$(DESTDIR)$(PREFIX)"

## make dist            dist/: a tarball with every C library inside, and a .deb
dist: deps
	@scripts/install-deps dist
	scripts/dist

## make clean           remove what was built
clean:
	$(SWIFT) package clean
	rm -rf .build/release
