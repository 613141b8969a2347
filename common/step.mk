# The build rules of every step. A step's Makefile says which step it is and includes this file.
#
#   make            build/jit
#   make test       build and run the step's tests       FILTER=glob selects tests by name
#   make bench      build and run the step's benchmarks   RECORD=1 for the chapter's tables
#   make demo       show what this step can do that the one before could not
#   make exercise N=1   build and run the test of one of the chapter's exercises
#   make clean      remove the build directory
#
#   CC=clang        another compiler                      SAN=1  AddressSanitizer and UBSan
#   BUILD=dir       another build directory               V=1    show the commands
#   OPTIMIZE=-O2    for all sources                       OPTIMIZE_TESTS=-O0  for those in tests/
#   COMPILE_CACHE=dir   (absolute) objects that were compiled before are taken from there
#
# Objects are rebuilt when the compiler or its flags change.

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
COMMON := ../common
BUILD  ?= build
ifeq ($(origin CC),default)
CC := $(if $(shell command -v gcc 2>/dev/null),gcc,cc)
endif
Q := $(if $(V),,@)

# Capstone disassembles. Without it everything builds and runs, and listings show bytes only.
HAVE_CAPSTONE := $(shell printf '\043include <capstone/capstone.h>\n' | $(CC) -E - >/dev/null 2>&1 && echo 1)
HAVE_CMOCKA   := $(shell printf '\043include <stdarg.h>\n\043include <stddef.h>\n\043include <stdint.h>\n\043include <setjmp.h>\n\043include <cmocka.h>\n' | $(CC) -E - >/dev/null 2>&1 && echo 1)

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wenum-conversion -Wvla -Wundef -Wwrite-strings
comma    := ,
SANITIZE := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined)
OPTIMIZE ?= -O2
CFLAGS_ALL = -std=c17 -D_GNU_SOURCE $(OPTIMIZE) -g -fno-omit-frame-pointer $(WARNINGS) $(SANITIZE) \
             $(if $(HAVE_CAPSTONE),-DHAVE_CAPSTONE=1,-DHAVE_CAPSTONE=0) \
             -Isrc -I$(COMMON) $(CFLAGS)
COMPILE = $(if $(COMPILE_CACHE),$(wildcard $(COMMON)/../tools/compile-cached)) $(CC)
LIBS := $(if $(HAVE_CAPSTONE),-lcapstone) -lm

# Step 1 has an assembler of its own in src/asm; later steps link common/asm.
OWN_ASM := $(wildcard src/asm/asm.c)
LINKED_COMMON := base code $(if $(OWN_ASM),,asm)

SRC_FILES    := $(if $(wildcard src),$(shell find src -name '*.c' | LC_ALL=C sort))
COMMON_FILES := $(wildcard $(LINKED_COMMON:%=$(COMMON)/%/*.c))
TESTING_FILES := $(wildcard $(COMMON)/testing/*.c)

objects = $(patsubst $(COMMON)/%.c,$(BUILD)/common/%.o,$(filter $(COMMON)/%,$(1))) \
          $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(COMMON)/%,$(1)))

LIB_OBJECTS     := $(call objects,$(COMMON_FILES) $(filter-out src/main.c,$(SRC_FILES)))
MAIN_OBJECT     := $(call objects,src/main.c)
TESTING_OBJECTS := $(call objects,$(TESTING_FILES))
# Files in tests/ and bench/ that are not programs of their own are linked to all of them.
TEST_SHARED   := $(call objects,$(filter-out tests/test_%.c,$(wildcard tests/*.c)))
# bench/reference*.c is what the C compiler makes of the same programs; it says at which level.
BENCH_SHARED  := $(call objects,$(filter-out bench/bench_%.c,$(wildcard bench/*.c)))
# ONLY='test_a test_b*' builds and runs these.
TEST_PROGRAMS  := $(patsubst %.c,$(BUILD)/%,$(wildcard $(if $(ONLY),$(ONLY:%=tests/%.c),tests/test_*.c)))
BENCH_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(wildcard bench/bench_*.c))
DEMO_PROGRAM   := $(patsubst %.c,$(BUILD)/%,$(wildcard demo.c))

.PHONY: all tests benches test bench demo exercise clean help need-cmocka
.SECONDARY:

all: $(if $(wildcard src/main.c),$(BUILD)/jit)
tests: all $(TEST_PROGRAMS) $(DEMO_PROGRAM)
benches: all $(BENCH_PROGRAMS)

$(BUILD)/jit: $(LIB_OBJECTS) $(MAIN_OBJECT)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIB_OBJECTS) $(TESTING_OBJECTS) $(TEST_SHARED)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$(BUILD)/exercises/%: $(BUILD)/exercises/%.o $(LIB_OBJECTS) $(TESTING_OBJECTS)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$(BUILD)/bench/%: $(BUILD)/bench/%.o $(LIB_OBJECTS) $(TESTING_OBJECTS) $(BENCH_SHARED)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/common/%.o: $(COMMON)/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(CFLAGS_ALL) $(if $(filter tests/%,$<),$(OPTIMIZE_TESTS)) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(CFLAGS_ALL) $(if $(filter tests/%,$<),$(OPTIMIZE_TESTS)) -MMD -MP -c -o $@ $<

$(BUILD)/bench/reference_o1.o: OPTIMIZE := -O1

# Rewritten, and so newer than every object, only when the flags, or which assembler is linked, differ
# from last time.
FLAGS_TEXT = $(strip $(CC) $(CFLAGS_ALL) $(LIBS) $(LINKED_COMMON) $(OPTIMIZE_TESTS))
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@echo '$(FLAGS_TEXT)' | cmp -s - $@ || echo '$(FLAGS_TEXT)' > $@
.PHONY: force

need-cmocka:
	$(if $(HAVE_CMOCKA),,@echo "make: the tests need cmocka; 'make doctor' in the top directory says how to install it" >&2; exit 1)
	$(if $(HAVE_CAPSTONE),,@echo "make: the tests need Capstone; 'make doctor' in the top directory says how to install it" >&2; exit 1)

test: need-cmocka
	@$(MAKE) --no-print-directory tests
	@../tools/run-tests --build $(BUILD) $(if $(FILTER),--filter '$(FILTER)')

# The figures go to $(BUILD)/bench/results.jsonl. RECORD=1 keeps them in bench/results.jsonl, which the
# chapter's tables are made from (tools/check-chapters --write).
BENCH_RESULTS := $(BUILD)/bench/results.jsonl
bench: benches
	@mkdir -p $(dir $(BENCH_RESULTS)) && rm -f $(BENCH_RESULTS)
	@for program in $(BENCH_PROGRAMS); do BENCH_JSON=$(or $(BENCH_JSON),$(BENCH_RESULTS)) $$program || exit 1; done
	@$(if $(RECORD),cp $(BENCH_RESULTS) bench/results.jsonl)

# A demonstration is a program, demo.c, or a script, demo.sh, or both.
$(BUILD)/demo: $(BUILD)/demo.o $(LIB_OBJECTS) $(TESTING_OBJECTS)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

demo: all $(DEMO_PROGRAM)
	@$(if $(DEMO_PROGRAM),$(DEMO_PROGRAM))
	@$(if $(wildcard demo.sh),BUILD=$(BUILD) sh ./demo.sh)

# The tests of the exercises fail until the exercise is done, so `make test` leaves them out.
exercise: need-cmocka
	@test -f 'exercises/test_exercise$(N).c' || { echo "usage: make exercise N=1" >&2; exit 2; }
	@$(MAKE) --no-print-directory $(BUILD)/exercises/test_exercise$(N)
	@$(BUILD)/exercises/test_exercise$(N)

clean:
	rm -rf $(BUILD)

help:
	@sed -n -e '/^$$/q' -e 's/^# \{0,1\}//p' $(COMMON)/step.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
