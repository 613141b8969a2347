# A JIT in Eleven Steps: the commands of the whole repository. `make help` lists them.
#
# Each step builds by itself with `make -C stepNN-name`; the rules are in common/step.mk.

SHELL := /bin/sh
.DEFAULT_GOAL := help
STEPS  := $(patsubst %/Makefile,%,$(sort $(wildcard step[0-9][0-9]-*/Makefile)))
NEWEST := $(lastword $(STEPS))
# The directory of step $(STEP), which may be written 2, 02 or step02-regalloc.
STEP_DIR = $(or $(filter $(STEP) step0$(STEP)-% step$(STEP)-%,$(STEPS)),\
           $(error there is no step '$(STEP)'; the steps are $(STEPS)))
# Its number, as the tools want it.
STEP_NUMBER = $(patsubst 0%,%,$(patsubst step%,%,$(firstword $(subst -, ,$(STEP_DIR)))))
need-step = $(if $(STEP),,$(error say which step: make $@ STEP=2))

# The figures that `make test` adds up at its end.
TOTALS := $(CURDIR)/build/totals

.PHONY: help run test bench diff diff-stat book handout grade doctor deps-test clean

help:
	@echo 'make run                     build the newest step ($(NEWEST)) and show what it can do'
	@echo 'make test                    test everything; installs what is missing first (root or sudo)'
	@echo 'make test STEP=2             test one step            FILTER=glob   only the tests that match'
	@echo 'make bench [STEP=2]          run the benchmarks of one step or of all'
	@echo 'make diff STEP=2             what changed since the step before, by file and function'
	@echo 'make diff-stat               how much changed, for every step'
	@echo 'make book                    the chapters as web pages and EPUB, in build/book'
	@echo 'make handout STEP=2 OUT=dir  a student'"'"'s tree: the step without its solution'
	@echo 'make grade STEP=2 DIR=dir    grade a student'"'"'s tree'
	@echo 'make doctor                  what is missing here, and the command that installs it'
	@echo 'make clean                   remove everything that was built'
	@echo
	@echo 'In a step'"'"'s directory: make, make test, make bench, make demo, make help.'

run:
	@$(MAKE) --no-print-directory -C $(NEWEST) demo

# Tests. With STEP, one step; without, everything: the common libraries and each step with two
# compilers and with the sanitizers, the tools, the chapters and the book. docs/maintaining.md says what
# each row of this matrix runs, and what it leaves to another row.

ifeq ($(origin STEP),command line)
test: deps-test
	$(need-step)
	@tools/run-tests --make $(STEP_DIR) $(if $(FILTER),--filter '$(FILTER)')
else
test: deps-test
	@mkdir -p build && rm -rf $(TOTALS) $(OBJECTS) && mkdir $(OBJECTS)
	@status=0; \
	 RUN_TESTS_TOTALS=$(TOTALS) $(MAKE) --no-print-directory -k -j$(or $(JOBS),2) -Otarget matrix || status=1; \
	 rm -rf $(OBJECTS); tools/run-tests --total $(TOTALS) && exit $$status
endif

deps-test:
	@tools/deps --check --for test >/dev/null 2>&1 || tools/deps --install --for test

# What was compiled in this run, by its contents (tools/compile-cached).
OBJECTS := $(CURDIR)/build/objects

MATRIX_DIRS := common $(STEPS)
filter-flag = $(if $(FILTER),--filter '$(FILTER)')
# The newest step is the largest: it comes first, so that both processors are busy to the end.
LARGEST_FIRST := $(shell echo $(MATRIX_DIRS) | tr ' ' '\n' | LC_ALL=C sort -r)
CHAPTERS := $(filter-out common,$(LARGEST_FIRST)) pages
MATRIX := $(foreach kind,gcc clang-san,$(LARGEST_FIRST:%=matrix-$(kind)-%)) matrix-tools \
          $(CHAPTERS:%=matrix-chapter-%) $(foreach kind,san clang,$(LARGEST_FIRST:%=matrix-$(kind)-%)) matrix-book

# A test that the step before has too has run its random programs there: here it runs fewer.
REPEATED := REPEATED_COUNT='test_random*=500 test_subsets=500'
# Without this, a sanitizer spends most of its time on fresh pages: each new virtual machine has a large stack.
QUICK_ASAN := ASAN_OPTIONS=clear_shadow_mmap_threshold=4194304:quarantine_size_mb=16:malloc_context_size=8
# The rows above have compiled every file with gcc and with clang: these two show that the other builds run. (They have
# no debugging information, so test_code_debuggers is not for them.)
SMOKE := ONLY='test_asm test_code_[bis]* test_code_disasm* test_codegen test_random* test_canaries test_object test_natives' JIT_COUNT=20

.PHONY: matrix matrix-tools matrix-book $(MATRIX)
matrix: $(MATRIX)

$(MATRIX_DIRS:%=matrix-gcc-%): matrix-gcc-%:
	@echo "== $*, gcc" && $(REPEATED) COMPILE_CACHE=$(OBJECTS) tools/run-tests --make $* $(filter-flag)

$(MATRIX_DIRS:%=matrix-clang-san-%): matrix-clang-san-%:
	@echo "== $*, clang with AddressSanitizer and UBSan" && \
	 MUTATIONS=no JIT_COUNT=60 REPEATED_SHARE='test_*=3' $(QUICK_ASAN) COMPILE_CACHE=$(OBJECTS) \
	 CC=clang SAN=1 BUILD=build/clang-san tools/run-tests --make $* $(filter-flag)

$(MATRIX_DIRS:%=matrix-san-%): matrix-san-%:
	@echo "== $*, gcc with AddressSanitizer and UBSan: a few tests" && \
	 MUTATIONS=no $(SMOKE) $(QUICK_ASAN) COMPILE_CACHE=$(OBJECTS) \
	 SAN=1 OPTIMIZE=-O1 OPTIMIZE_TESTS=-O0 CFLAGS=-g1 BUILD=build/san tools/run-tests --make $* $(filter-flag)

$(MATRIX_DIRS:%=matrix-clang-%): matrix-clang-%:
	@echo "== $*, clang: a few tests" && \
	 MUTATIONS=no $(SMOKE) COMPILE_CACHE=$(OBJECTS) \
	 CC=clang OPTIMIZE_TESTS=-O0 CFLAGS=-g0 BUILD=build/clang tools/run-tests --make $* $(filter-flag)

matrix-tools:
	@echo "== tools" && tools/run-tests --build none --scripts tools/tests $(filter-flag)

# The transcripts in the chapters run build/jit, so the steps are built before.
$(CHAPTERS:%=matrix-chapter-%): matrix-chapter-%: $(MATRIX_DIRS:%=matrix-gcc-%)
	@echo "== chapter: $*" && CHAPTER=$* COMPILE_CACHE=$(OBJECTS) ONLY=test_chapters.sh \
	 tools/run-tests --build none --scripts docs/tests $(filter-flag)

matrix-book:
	@echo "== book" && ONLY=test_book.sh tools/run-tests --build none --scripts docs/tests $(filter-flag)

# Benchmarks. With RECORD=1 each step's figures go to its bench/results.jsonl; the chapters show them.
ifdef STEP
bench:
	@$(MAKE) --no-print-directory -C $(STEP_DIR) bench
else
bench:
	@for step in $(STEPS); do $(MAKE) --no-print-directory -C $$step bench || exit 1; done
endif

# What changed.
diff:
	$(need-step)
	@tools/step-diff $(STEP_NUMBER)

diff-stat:
	@tools/step-diff --stat

book:
	@tools/book

# Teaching.
handout:
	$(need-step)
	@test -n "$(OUT)" || { echo 'make handout: say where to: OUT=dir' >&2; exit 2; }
	@tools/handout --step $(STEP_NUMBER) --out '$(OUT)'

grade:
	$(need-step)
	@test -n "$(DIR)" || { echo 'make grade: say which tree: DIR=dir' >&2; exit 2; }
	@tools/grade --step $(STEP_NUMBER) --dir '$(DIR)' $(if $(JSON),--json) \
	  $(if $(JUNIT),--junit '$(JUNIT)') $(if $(GRADESCOPE),--gradescope '$(GRADESCOPE)')

doctor:
	@tools/deps --doctor

clean:
	rm -rf build $(STEPS:%=%/build) common/build
