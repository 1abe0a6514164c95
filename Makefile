# assay: build, check, install. `make help` lists the targets.
#
# deps     installs what a bare Debian 12 lacks (the only target that installs anything)
# all      build/libassay.a, build/libassay.so, build/assay
# check    every test that is fast: what continuous integration runs
# coverage, sanitize, valgrind, determinism, fuzz: slower checks of their own; check runs a short form of most
# exhaustive  the fast cosh, for every binary32 number; the reference, for every matrix of small domains; kernels on squares of up to 8192
# cross    the golden set on emulated aarch64 and s390x
# gate     proves the golden set and judges the fast kernels by it
# gate-tiles  the same with the instructions of AMX emulated: minutes
# mutants  deliberate mistakes in the fast kernels, one at a time: the gate sees every one
# kill-matrix  known bugs x dialects x f32/bf16: what the golden set catches; identify-rates: how often assay identify is right
# golden   makes the golden set again, and compares it with the one in golden/, byte for byte
# bench    assay bench ref --peers
# prove-gappa  the scalar bounds of proofs/*.gappa, by Gappa
# install  PREFIX (/usr/local), DESTDIR
# clean    removes build/

ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS ?= -O3 -g
PREFIX ?= /usr/local
DESTDIR ?=
# Debian's Python, which sees Debian's numpy, if there is one.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
BUILD ?= build

VERSION := $(shell sed -n 's/^\#define ASSAY_VERSION "\(.*\)"/\1/p' ref/version.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

FOLDERS = ref fast golden proofs tools tools/train
WARNINGS = -Wall -Wextra -Wpedantic -Wconversion
CPPFLAGS_ALL = -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L $(addprefix -I,$(FOLDERS)) $(CPPFLAGS)
# Contraction is harmless to exact arithmetic and forbidden all the same: one less thing to think about.
CFLAGS_ALL = -std=c17 -fPIC -fvisibility=hidden -ffp-contract=off -pthread $(WARNINGS) $(WERROR) $(CFLAGS)
LIBRARIES = -llapacke -lopenblas -lmpfr -lgmp -lm -pthread

SOURCES := $(foreach folder,$(FOLDERS),$(wildcard $(folder)/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/proofs/texts.o
LIBRARY_OBJECTS := $(filter $(BUILD)/ref/% $(BUILD)/fast/% $(BUILD)/golden/%,$(OBJECTS))
# All that tests can call: everything but the commands, whose parts they get from an archive.
PARTS := $(filter-out $(wildcard tools/*.c),$(SOURCES))
COMMANDS := $(filter-out tools/assay.c,$(wildcard tools/*.c))
PARTS_OBJECTS := $(PARTS:%.c=$(BUILD)/%.o) $(BUILD)/proofs/texts.o
TESTS := $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))
PUBLIC_HEADERS := ref/ref.h ref/dialect.h fast/fast.h

.DELETE_ON_ERROR:
.PHONY: all deps check unit exhaustive scripts prove-gappa lint lint-gcc lint-clang lint-format coverage coverage-one coverage-report \
        sanitize sanitize-build sanitize-short valgrind valgrind-short determinism determinism-short cross golden gate gate-tiles mutants mutants-short \
        kill-matrix identify-rates fuzz fuzz-short bench install \
        uninstall clean help

all: $(BUILD)/libassay.a $(BUILD)/libassay.so $(BUILD)/assay

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

# ---- dependencies

PACKAGES = gcc libc6-dev libmpfr-dev libgmp-dev libopenblas-dev liblapacke-dev libjansson-dev nettle-dev check libsubunit-dev \
           libflint-arb-dev libflint-dev pkg-config python3 python3-numpy python3-mpmath clang libclang-rt-14-dev \
           lld valgrind gcovr clang-format

deps:
	@missing=$$(for p in $(PACKAGES); do \
	    dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -z "$$missing" ]; then echo "deps: everything is installed"; exit 0; fi; \
	sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	echo "deps: $$sudo apt-get install" $$missing; \
	$$sudo apt-get update -q && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing

# `make deps check` installs before it compiles, with -j too.
ifneq ($(filter deps,$(MAKECMDGOALS)),)
$(SOURCES:%.c=$(BUILD)/%.o) $(filter-out deps,$(MAKECMDGOALS)): | deps
endif

# ---- building

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(BUILD)/golden/recorded.o: golden/real_gradients.safetensors

# What it compiles in.
$(BUILD)/tools/train/dataset.o: $(wildcard tools/train/data/*.txt)

# The texts of the claims, inside the command.
TEXTS := $(filter-out proofs/README.md proofs/soundness.md,$(wildcard proofs/*.md))
$(BUILD)/proofs/texts.c: $(TEXTS)
	@mkdir -p $(@D)
	@{ for t in $(TEXTS:proofs/%.md=%); do \
	    echo "static const char *const lines_$$t[] = {"; sed 's/[\\"]/\\&/g; s/.*/"&",/' proofs/$$t.md; echo "(void *)0};"; done; \
	echo "extern const struct claim_text { const char *name; const char *const *lines; } claim_texts[];"; \
	echo "const struct claim_text claim_texts[] = {"; \
	for t in $(TEXTS:proofs/%.md=%); do echo "{\"$$t\", lines_$$t},"; done; echo "{(void *)0, (void *)0}};"; } > $@
$(BUILD)/proofs/texts.o: $(BUILD)/proofs/texts.c
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c $< -o $@

# One object whose internal names stay inside, so that the archive adds nothing but assay_* to a program.
$(BUILD)/libassay.o: $(LIBRARY_OBJECTS)
	$(LD) -r $^ -o $@
	objcopy --localize-hidden $@

$(BUILD)/libassay.a: $(BUILD)/libassay.o
	$(AR) rcs $@ $^

$(BUILD)/libassay.so.$(VERSION): $(LIBRARY_OBJECTS)
	$(CC) -shared -Wl,-soname,libassay.so.$(SOVERSION) -Wl,-z,defs $(CFLAGS_ALL) $(LDFLAGS) $^ -ljansson -lnettle $(LIBRARIES) -o $@

$(BUILD)/libassay.so: $(BUILD)/libassay.so.$(VERSION)
	ln -sf $(<F) $(BUILD)/libassay.so.$(SOVERSION)
	ln -sf libassay.so.$(SOVERSION) $@

$(BUILD)/assay: $(OBJECTS)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) $^ -ljansson -lnettle $(LIBRARIES) -o $@

# Peers of `assay bench --peers`: programs of their own, so that the command depends on none of them.
$(BUILD)/assay-peer-flint: tools/peers/flint.c
	$(CC) -std=gnu17 -O2 $< -lflint-arb -lflint -lmpfr -lgmp -o $@

bench: $(BUILD)/assay $(BUILD)/assay-peer-flint
	$(BUILD)/assay bench ref --peers

GOLDEN_SET = golden
# Both at once: neither keeps all processors busy. What the gate says counts where the set is proved.
gate: $(BUILD)/assay
	@echo "$< verify --set $(GOLDEN_SET)"; echo "$< gate --set $(GOLDEN_SET)"; \
	$< gate --set $(GOLDEN_SET) > $(BUILD)/gate.log 2>&1 & \
	$< verify --set $(GOLDEN_SET) || { kill $$!; exit 1; }; \
	wait $$!; code=$$?; cat $(BUILD)/gate.log; exit $$code

# AMX on a processor with AVX-512 that lacks it: see tests/emulated_tiles.h.
EMULATED_TILES = $(BUILD)/tests/emulated_tiles.o -Wl,--wrap=tiles_run
$(BUILD)/assay-tiles: $(OBJECTS) $(BUILD)/tests/emulated_tiles.o
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) $(OBJECTS) $(EMULATED_TILES) -ljansson -lnettle $(LIBRARIES) -o $@
gate-tiles: $(BUILD)/assay-tiles
	$< gate --set $(GOLDEN_SET)

golden: $(BUILD)/assay
	rm -rf $(BUILD)/golden-set
	$(BUILD)/assay generate --set $(BUILD)/golden-set
	cmp golden/SHA256SUMS $(BUILD)/golden-set/SHA256SUMS
	diff -r golden/vectors $(BUILD)/golden-set/vectors && echo "golden: not a byte differs"

# ---- installing

INCLUDE = $(DESTDIR)$(PREFIX)/include/assay
LIB = $(DESTDIR)$(PREFIX)/lib
SHARE = $(DESTDIR)$(PREFIX)/share/assay/golden

install: all
	install -d $(INCLUDE) $(LIB)/pkgconfig $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(PUBLIC_HEADERS) $(INCLUDE)
	install -m 644 golden/library.h $(INCLUDE)/judge.h
	install -m 644 $(BUILD)/libassay.a $(LIB)
	install -m 755 $(BUILD)/libassay.so.$(VERSION) $(LIB)
	ln -sf libassay.so.$(VERSION) $(LIB)/libassay.so.$(SOVERSION)
	ln -sf libassay.so.$(SOVERSION) $(LIB)/libassay.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' tools/assay.pc.in > $(LIB)/pkgconfig/assay.pc
	install -m 755 $(BUILD)/assay $(DESTDIR)$(PREFIX)/bin
	install -d $(SHARE)/vectors
	install -m 644 golden/SHA256SUMS golden/schema.json golden/README.md $(SHARE)
	install -m 644 golden/vectors/* $(SHARE)/vectors
	sed 's|@VERSION@|$(VERSION)|' tools/assay.1 > $(DESTDIR)$(PREFIX)/share/man/man1/assay.1

uninstall:
	rm -rf $(INCLUDE)
	rm -rf $(DESTDIR)$(PREFIX)/share/assay
	rm -f $(LIB)/libassay.* $(LIB)/pkgconfig/assay.pc $(DESTDIR)$(PREFIX)/bin/assay $(DESTDIR)$(PREFIX)/share/man/man1/assay.1

# ---- tests

TEST_LIBRARIES = -lflint-arb -lflint -lcheck -lsubunit -lrt -ljansson -lnettle $(LIBRARIES)
SUPPORT := $(filter-out test_% fuzz_% io_dump kill_matrix,$(patsubst tests/%.c,%,$(wildcard tests/*.c)))
JOBS := $(shell nproc)

# Tests are many and each runs once: to compile and link them fast saves more than to run them fast, but for these.
$(BUILD)/tests/%.o: CFLAGS_ALL += -O0
$(addprefix $(BUILD)/tests/,test_fast_gemm.o fast_support.o support.o): CFLAGS_ALL += -O2
TEST_LINKER = $(if $(shell command -v ld.lld),-fuse-ld=lld)

$(BUILD)/tests/libsupport.a: $(SUPPORT:%=$(BUILD)/tests/%.o)
	rm -f $@
	$(AR) rcs $@ $^

.SECONDARY: $(TESTS:%=$(BUILD)/tests/%.o)

# A test is linked with what it needs of the parts, and no more.
$(BUILD)/libparts.a: $(PARTS_OBJECTS) $(COMMANDS:%.c=$(BUILD)/%.o)
	rm -f $@
	$(AR) rcsT $@ $^

# A test that defines __wrap_f, or includes the header of a support file that does, gets its calls of f; such files come first,
# for several define the same.
$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(BUILD)/tests/libsupport.a $(BUILD)/libparts.a
	wraps=$$(nm -A -g --defined-only $< $(BUILD)/tests/libsupport.a | \
	    grep -E "^($<|.*:($$(sed -n 's/^#include "\(.*\)\.h"/\1[.]o/p' tests/test_$*.c | paste -sd'|')):)" | \
	    sed -n 's/.* T __wrap_/-Wl,--wrap=/p'); \
	own=$$(sed -n 's|^#include "\(.*\)\.h"|tests/\1.c|p' tests/test_$*.c | xargs -r ls 2>/dev/null | sed 's|\(.*\)c$$|$(BUILD)/\1o|'); \
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) $(TEST_LINKER) $$wraps $< $$own $(filter-out $<,$^) $(TEST_LIBRARIES) -o $@

$(BUILD)/tests/io_dump: $(BUILD)/tests/io_dump.o $(PARTS_OBJECTS)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) $^ -ljansson -lnettle $(LIBRARIES) -o $@

$(BUILD)/tests/kill_matrix: $(BUILD)/tests/kill_matrix.o $(PARTS_OBJECTS)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) $^ -ljansson -lnettle $(LIBRARIES) -o $@

# Every known bug in every dialect that can have it: caught or missed, and by which cases.
kill-matrix: $(BUILD)/tests/kill_matrix
	@$< $(GOLDEN_SET)

# How often `assay identify` is right, over all dialects and the bugs of one.
identify-rates: $(BUILD)/assay $(BUILD)/tests/kill_matrix
	@$(PYTHON) tests/identify.py $(BUILD)/assay $(BUILD)/tests/kill_matrix $(GOLDEN_SET) all

# Both compilers, two levels of optimisation: for tests/determinism.py.
DETERMINISM := $(foreach cc,gcc clang,$(foreach level,O0 O3,$(BUILD)/$(cc)-$(level)/assay))
$(DETERMINISM): $(BUILD)/%/assay: $(SOURCES)
	$(MAKE) --no-print-directory -s BUILD=$(BUILD)/$* CC=$(word 1,$(subst -, ,$*)) CFLAGS=-$(word 2,$(subst -, ,$*)) $@

# The readers under libFuzzer: FUZZ_SECONDS on 2 cores, from a corpus that is made first.
FUZZ_SECONDS = 600
$(BUILD)/fuzz_readers: tests/fuzz_readers.c $(addprefix golden/,tensor.c npy.c safetensors.c atomic_file.c) ref/status.c
	@mkdir -p $(@D)
	clang $(CPPFLAGS_ALL) -std=c17 $(WARNINGS) $(WERROR) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $^ -ljansson -lm -o $@

# What takes longest comes first, so that no processor waits for it at the end; and each job is one of as many as there are
# processors, so that a BLAS with threads would only get in its own way. What gcc or clang complains of ends its build.
check:
	@start=$$(date +%s); \
	OPENBLAS_NUM_THREADS=1 $(MAKE) --no-print-directory -s -j$(JOBS) -Otarget sanitize-short run-cheaters run-test_exhaustive \
	    run-adapters run-golden valgrind-short determinism-short mutants-short fuzz-short prove-gappa lint-format scripts unit \
	    $(BUILD)/tests/kill_matrix WERROR=-Werror && \
	echo "check: all passed in $$(($$(date +%s) - start)) s"

# One target for each test program, so that they run side by side.
unit: $(TESTS:%=run-%)
run-%: $(BUILD)/tests/%
	@$<

# cosh for every binary32 number, the reference for every matrix of small domains, and Newton-Schulz steps of squares of up to
# 8192. In check, each fourth of the matrices.
run-test_exhaustive: export ASSAY_TEST_MULTIPLIER ?= 0.25
exhaustive: $(BUILD)/tests/test_fast_cosh_rms $(BUILD)/tests/test_exhaustive $(BUILD)/assay
	ASSAY_TEST_EXHAUSTIVE=1 $<
	ASSAY_TEST_MULTIPLIER=1 $(BUILD)/tests/test_exhaustive
	$(BUILD)/assay gate --set $(GOLDEN_SET) --huge --fuzz 0

SCRIPTS = cli io_numpy step_numpy golden gate train proofs readme cheaters adapters own_cases
scripts: $(SCRIPTS:%=run-%)
run-cli run-train run-proofs: run-%: $(BUILD)/assay
	@$(PYTHON) tests/$*.py $<
run-golden: $(BUILD)/assay $(BUILD)/libassay.so
	@$(PYTHON) tests/golden.py $<
run-gate: $(BUILD)/assay $(BUILD)/mutant $(BUILD)/mutant-of-axes
	@$(PYTHON) tests/gate.py $^ $(GOLDEN_SET)
run-cheaters run-adapters: run-%: $(BUILD)/assay
	@$(PYTHON) tests/$*.py $< $(GOLDEN_SET)
run-own_cases: $(BUILD)/assay
	@$(PYTHON) tests/own_cases.py $<
run-identify: $(BUILD)/assay $(BUILD)/tests/kill_matrix
	@$(PYTHON) tests/identify.py $(BUILD)/assay $(BUILD)/tests/kill_matrix $(GOLDEN_SET)
run-io_numpy: $(BUILD)/tests/io_dump
	@$(PYTHON) tests/io_numpy.py $< || [ $$? = 77 ]
run-step_numpy: $(BUILD)/assay
	@$(PYTHON) tests/step_numpy.py $< || [ $$? = 77 ]
run-readme: all
	@$(PYTHON) tests/readme.py

MUTANTS = $(PYTHON) tests/mutants.py --set $(GOLDEN_SET) --build $(BUILD) --compile "$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL)" \
    --libraries "$(LDFLAGS) -ljansson -lnettle $(LIBRARIES)" --tiles "$(EMULATED_TILES)"
mutants: $(BUILD)/assay $(BUILD)/tests/emulated_tiles.o
	@$(MUTANTS) $(OBJECTS)
mutants-short: $(BUILD)/assay $(BUILD)/tests/emulated_tiles.o
	@$(MUTANTS) --short $(OBJECTS)
# Two of them, for tests/gate.py.
$(BUILD)/mutant $(BUILD)/mutant-of-axes: $(OBJECTS) tests/mutants.py
	@$(MUTANTS) --only "$(if $(findstring axes,$@),AdaMuon: size of a row,one step too few)" --out $@ $(OBJECTS)

# Gappa proves the bounds of scalar kernels; and must refuse bounds that are 2^-100 of them.
prove-gappa:
	@command -v gappa > /dev/null || { echo "prove-gappa: skipped, gappa is not installed (Debian: gappa)"; exit 0; }; \
	for g in proofs/*.gappa; do \
	    gappa $$g || { echo "prove-gappa: $$g is not proved" >&2; exit 1; }; \
	    ! sed 's/b-\([0-9]* *\(\/\\\|}\)\)/b-1\1/' $$g | gappa > /dev/null 2>&1 || { echo "prove-gappa: $$g proves anything" >&2; exit 1; }; \
	    echo "prove-gappa: $$g is proved"; done

lint: lint-gcc lint-clang lint-format
lint-gcc lint-clang: lint-%:
	@$* $(CPPFLAGS_ALL) $(CFLAGS_ALL) -Werror -fsyntax-only $(SOURCES) $(wildcard tests/*.c) && echo "lint: $* has no complaint"
lint-format:
	@clang-format --dry-run -Werror $(SOURCES) $(wildcard */*.h */*.inc tools/*/*.h tests/*.c tools/peers/*.c) && echo "lint: formatted"

SANITIZED = $(BUILD)/sanitize
SANITIZE = BUILD=$(SANITIZED) CC=clang CFLAGS="-O1 -g1 -Werror -fsanitize=address,undefined -fno-sanitize-recover=all"
sanitize: sanitize-build
	$(MAKE) --no-print-directory -s -j$(JOBS) -Otarget $(SANITIZE) unit
# Each test is a process of its own and frees much: with less memory kept back after that, they touch fewer pages.
sanitize-short: sanitize-build
	ASSAY_TEST_MULTIPLIER=0.05 ASAN_OPTIONS=quarantine_size_mb=32 $(MAKE) --no-print-directory -s $(SANITIZE) unit
sanitize-build:
	$(MAKE) --no-print-directory -s $(SANITIZE) $(SANITIZED)/assay $(TESTS:%=$(SANITIZED)/tests/%)

VALGRIND = valgrind -q --error-exitcode=9
# Without forks, so that what a test leaks is seen.
valgrind: $(TESTS:%=$(BUILD)/tests/%) $(BUILD)/assay
	for t in $(TESTS); do CK_FORK=no ASSAY_TEST_MULTIPLIER=0.05 $(VALGRIND) --leak-check=full --errors-for-leak-kinds=definite $(BUILD)/tests/$$t || exit 1; done
valgrind-short: $(BUILD)/assay
	@$(PYTHON) tests/determinism.py --every 16 --prefix "$(VALGRIND)" $<

determinism: $(DETERMINISM)
	$(PYTHON) tests/determinism.py --cores --threads --generate 50/96 $^
# The command leaves its memory to the end of the process.
determinism-short: $(BUILD)/assay sanitize-build
	@ASAN_OPTIONS=detect_leaks=0 $(PYTHON) tests/determinism.py --generate 3/120 $(BUILD)/assay $(SANITIZED)/assay

# Part of the golden set (CROSS_SHARD=1/1 for all of it: hours), made on this machine and by the command compiled for others, run
# under emulation: not a byte differs.
# On Debian: dpkg --add-architecture arm64 (and s390x, big-endian), and for each of them gcc-ARCH-linux-gnu, qemu-user, and
# the libraries of `deps` as lib...-dev:arm64 and lib...-dev:s390x.
CROSS_SHARD = 5/24
cross: cross-aarch64 cross-s390x
cross-%: $(BUILD)/assay
	@for p in $*-linux-gnu-gcc qemu-$*; do \
	    command -v $$p > /dev/null || { echo "cross: $$p is missing; see the Makefile" >&2; exit 1; }; done
	$(MAKE) --no-print-directory -s -j$(JOBS) BUILD=$(BUILD)/$* CC=$*-linux-gnu-gcc CFLAGS=-O2 $(BUILD)/$*/assay
	rm -rf $(BUILD)/$*/set $(BUILD)/$*/here
	qemu-$* $(BUILD)/$*/assay generate --set $(BUILD)/$*/set --shard $(CROSS_SHARD)
	$(BUILD)/assay generate --set $(BUILD)/$*/here --shard $(CROSS_SHARD)
	diff -r $(BUILD)/$*/set $(BUILD)/$*/here && echo "cross: $* makes the same bytes"

fuzz: $(BUILD)/fuzz_readers
	$(PYTHON) tests/fuzz_corpus.py $(BUILD)/corpus
	cd $(BUILD) && ./fuzz_readers -max_total_time=$(FUZZ_SECONDS) -jobs=$(JOBS) -max_len=4096 corpus
fuzz-short: $(BUILD)/fuzz_readers
	@$(PYTHON) tests/fuzz_corpus.py $(BUILD)/corpus-short
	@$< -seed=1 -runs=50000 -max_len=4096 $(BUILD)/corpus-short > $(BUILD)/fuzz-short.log 2>&1 || \
	    { tail -50 $(BUILD)/fuzz-short.log; exit 1; }
	@rm -rf $(BUILD)/corpus-short
	@echo "fuzz: 50000 inputs, no complaint"

# ---- coverage

# Optimisation would fold branches together; the counters cost little. A line that nothing can execute says "uncovered:" and
# why at its end; a condition of which one outcome is impossible says "half covered:".
COVERAGE_BUILD = CFLAGS="-O0 -g --coverage -fprofile-update=atomic" BUILD=$(BUILD)
COVERAGE_REPORT = gcovr --root . --object-directory $(BUILD) --exclude-lines-by-pattern '.*uncovered: .*' \
    --exclude-branches-by-pattern '.*half covered: .*' $(BUILD)

# Fails unless every line and branch of ref/ and golden/ is executed by the unit tests or its exception justified in place.
coverage:
	$(MAKE) --no-print-directory -s -j$(JOBS) CFLAGS="-O0 -g --coverage -fprofile-update=atomic" BUILD=$(BUILD)/coverage \
	    $(TESTS:%=$(BUILD)/coverage/tests/%)
	find $(BUILD)/coverage -name '*.gcda' -delete
	for t in $(TESTS); do $(BUILD)/coverage/tests/$$t || exit 1; done
	$(MAKE) --no-print-directory -s BUILD=$(BUILD)/coverage coverage-report

coverage-report:
	$(COVERAGE_REPORT) --filter ref/ --filter golden/ --txt
	$(COVERAGE_REPORT) --filter ref/ --filter golden/ --txt --branches --fail-under-line 100 --fail-under-branch 100

# make coverage-one T="test_ball test_work" F=ref/ball.c BUILD=build/mine: what these tests leave uncovered of these files.
coverage-one:
	$(MAKE) --no-print-directory -s $(COVERAGE_BUILD) $(T:%=$(BUILD)/tests/%)
	find $(BUILD) -name '*.gcda' -delete
	-for t in $(T); do $(BUILD)/tests/$$t || failed=1; done; exit $$failed
	$(COVERAGE_REPORT) --filter '$(F)' --txt
	$(COVERAGE_REPORT) --filter '$(F)' --txt --branches

-include $(SOURCES:%.c=$(BUILD)/%.d) $(wildcard $(BUILD)/tests/*.d)

clean:
	rm -rf $(BUILD)
