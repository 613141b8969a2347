// Executable memory: capacity, reclaiming, W^X, and code that really runs.
#include "code/code_buffer.h"
#include "code/install.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "testing/test_main.h"

enum { PAGE = 4096, INT3 = 0xCC };

// Call generated code. POSIX lets a data pointer become a function pointer; ISO C is silent.
static int64_t call(void *code) {
    int64_t (*function)(void);
    memcpy(&function, &code, sizeof function);
    return function();
}

// mov rax, value; ret
static Assembler return_constant(int64_t value) {
    Assembler a;
    asm_init(&a, 64);
    asm_mov_ri(&a, RAX, value);
    asm_ret(&a);
    assert_true(asm_finish(&a));
    return a;
}

static void test_written_code_runs(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(PAGE);
    Assembler a = return_constant(42);
    void *code = code_install(buffer, &a);
    assert_non_null(code);
    assert_int_equal(call(code), 42);
    assert_memory_equal(code, a.code, a.size);
    asm_free(&a);
    code_buffer_free(buffer);
}

static void test_every_capacity_is_exact(void **state) {
    (void)state;
    for (size_t capacity = 0; capacity <= 3 * CODE_ALIGNMENT + 1; capacity++) {
        CodeBuffer *buffer = code_buffer_new(capacity);
        assert_non_null(buffer);
        assert_int_equal(code_buffer_capacity(buffer), capacity);
        assert_int_equal(code_buffer_used(buffer), 0);
        assert_int_equal(code_buffer_available(buffer), capacity);
        assert_null(code_buffer_alloc(buffer, capacity + 1));
        if (capacity > 0) {
            assert_non_null(code_buffer_alloc(buffer, capacity));
            assert_int_equal(code_buffer_used(buffer), capacity);
        }
        assert_null(code_buffer_alloc(buffer, 1));
        assert_null(code_buffer_alloc(buffer, 0));
        code_buffer_verify(buffer);
        code_buffer_free(buffer);
    }
}

static void test_last_allocation_needs_no_rounding(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(2 * CODE_ALIGNMENT + 5);
    uint8_t *first = code_buffer_alloc(buffer, CODE_ALIGNMENT + 1); // takes two units
    assert_int_equal(code_buffer_available(buffer), 5);
    assert_null(code_buffer_alloc(buffer, 6));
    uint8_t *second = code_buffer_alloc(buffer, 5);
    assert_ptr_equal(second, first + 2 * CODE_ALIGNMENT);
    assert_int_equal(code_buffer_available(buffer), 0);
    code_buffer_release(buffer, second, 5);
    assert_int_equal(code_buffer_available(buffer), 5);
    code_buffer_release(buffer, first, CODE_ALIGNMENT + 1);
    assert_int_equal(code_buffer_available(buffer), 2 * CODE_ALIGNMENT + 5);
    code_buffer_verify(buffer);
    assert_non_null(code_buffer_alloc(buffer, 2 * CODE_ALIGNMENT + 5)); // merged again
    code_buffer_free(buffer);
}

static void test_allocations_are_aligned_and_contained(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(3 * PAGE);
    uint8_t *code, *first = NULL, *last = NULL;
    while ((code = code_buffer_alloc(buffer, 100))) {
        assert_int_equal((uintptr_t)code % CODE_ALIGNMENT, 0);
        assert_true(code_buffer_contains(buffer, code));
        assert_true(code_buffer_contains(buffer, code + 99));
        if (!first) first = code;
        last = code;
    }
    assert_false(code_buffer_contains(buffer, first - 1));
    assert_false(code_buffer_contains(buffer, first + 3 * PAGE));
    assert_true(code_buffer_contains(buffer, last + 99));
    assert_false(code_buffer_contains(buffer, NULL));
    code_buffer_free(buffer);
}

static void test_absurd_capacities_are_refused(void **state) {
    (void)state;
    assert_null(code_buffer_new(SIZE_MAX));
    assert_null(code_buffer_new(SIZE_MAX - 2 * PAGE));
    assert_null(code_buffer_new(SIZE_MAX / 2));
}

static void test_a_large_buffer_costs_no_memory_until_used(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new((size_t)1 << 36);
    assert_non_null(buffer);
    uint8_t *code = code_buffer_alloc(buffer, 10);
    assert_int_equal(code[0], INT3);
    code_buffer_free(buffer);
}

static void test_unwritten_and_released_code_is_int3(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(4 * PAGE);
    uint8_t *code = code_buffer_alloc(buffer, PAGE + 100);
    for (size_t i = 0; i < PAGE + 100; i++) assert_int_equal(code[i], INT3);
    uint8_t *bytes = xmalloc(PAGE + 100);
    memset(bytes, 0x90, PAGE + 100);
    assert_true(code_buffer_write(buffer, code, bytes, PAGE + 100));
    assert_memory_equal(code, bytes, PAGE + 100);
    code_buffer_release(buffer, code, PAGE + 100);
    for (size_t i = 0; i < PAGE + 100; i++) assert_int_equal(code[i], INT3);
    code_buffer_verify(buffer);
    free(bytes);
    code_buffer_free(buffer);
}

static void test_write_leaves_the_neighbours_alone(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(4 * PAGE);
    uint8_t *code = code_buffer_alloc(buffer, 2 * PAGE);
    static const uint8_t five[] = {1, 2, 3, 4, 5};
    assert_true(code_buffer_write(buffer, code + PAGE - 2, five, sizeof five)); // over a page boundary
    assert_int_equal(code[PAGE - 3], INT3);
    assert_memory_equal(code + PAGE - 2, five, sizeof five);
    assert_int_equal(code[PAGE + 3], INT3);
    assert_true(code_buffer_write(buffer, code, five, 0));
    code_buffer_free(buffer);
}

static void test_released_room_is_used_again(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(PAGE);
    for (int64_t round = 0; round < 1000; round++) {
        Assembler a = return_constant(round);
        void *code = code_install(buffer, &a);
        assert_non_null(code);
        assert_int_equal(call(code), round);
        code_buffer_release(buffer, code, a.size);
        asm_free(&a);
    }
    assert_int_equal(code_buffer_used(buffer), 0);
    code_buffer_free(buffer);
}

static void test_neighbours_are_merged_in_every_order(void **state) {
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int order = 0; order < 6; order++) {
        CodeBuffer *buffer = code_buffer_new(300);
        void *parts[3];
        for (int i = 0; i < 3; i++) parts[i] = code_buffer_alloc(buffer, i < 2 ? 96 : 300 - 192);
        assert_int_equal(code_buffer_available(buffer), 0);
        for (int i = 0; i < 3; i++) {
            int part = orders[order][i];
            code_buffer_release(buffer, parts[part], part < 2 ? 96 : 300 - 192);
            code_buffer_verify(buffer);
        }
        assert_ptr_equal(code_buffer_alloc(buffer, 300), parts[0]);
        code_buffer_free(buffer);
    }
}

// 10,000 random allocations and releases, with a byte map as the model: who owns each byte.

enum { MODEL_CAPACITY = 5000, MODEL_STEPS = 10000, MAX_PIECES = 400, MAX_PIECE = 300 };

typedef struct Piece {
    uint8_t *code;
    size_t size;
    uint8_t fill;
} Piece;

static uint32_t next_random(uint32_t *seed) { // xorshift32; Marsaglia, "Xorshift RNGs" (2003)
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

// Would first fit find room? By the model alone: a free run that starts on a unit and is long enough.
static bool model_has_room(const bool *owned, size_t size) {
    for (size_t start = 0; start < MODEL_CAPACITY; start += CODE_ALIGNMENT) {
        size_t end = start;
        while (end < MODEL_CAPACITY && end < start + size && !owned[end]) end++;
        if (end == start + size) return true;
    }
    return false;
}

static size_t model_units(size_t offset, size_t size) { // bytes that a piece occupies
    size_t rounded = (size + CODE_ALIGNMENT - 1) / CODE_ALIGNMENT * CODE_ALIGNMENT;
    return offset + rounded > MODEL_CAPACITY ? MODEL_CAPACITY - offset : rounded;
}

static void model_own(bool *owned, size_t offset, size_t size, bool value) {
    for (size_t i = offset; i < offset + model_units(offset, size); i++) {
        assert_int_equal(owned[i], !value);
        owned[i] = value;
    }
}

static void check_contents(const Piece *piece) {
    for (size_t i = 0; i < piece->size; i++) assert_int_equal(piece->code[i], piece->fill);
}

static void test_random_allocations_agree_with_a_model(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(MODEL_CAPACITY);
    uint8_t *base = code_buffer_alloc(buffer, 1);
    code_buffer_release(buffer, base, 1);
    static bool owned[MODEL_CAPACITY];
    static Piece pieces[MAX_PIECES];
    size_t count = 0, full = 0, used = 0;
    uint32_t seed = 20240229;
    for (int step = 0; step < MODEL_STEPS; step++) {
        if (count < MAX_PIECES && next_random(&seed) % 100 < 52) {
            size_t size = 1 + next_random(&seed) % MAX_PIECE;
            Piece piece = {code_buffer_alloc(buffer, size), size, (uint8_t)next_random(&seed)};
            assert_int_equal(piece.code != NULL, model_has_room(owned, size));
            if (!piece.code) {
                full++;
                continue;
            }
            uint8_t bytes[MAX_PIECE];
            memset(bytes, piece.fill, size);
            code_buffer_write(buffer, piece.code, bytes, size);
            model_own(owned, (size_t)(piece.code - base), size, true);
            used += model_units((size_t)(piece.code - base), size);
            pieces[count++] = piece;
        } else if (count > 0) {
            size_t i = next_random(&seed) % count;
            check_contents(&pieces[i]);
            code_buffer_release(buffer, pieces[i].code, pieces[i].size);
            model_own(owned, (size_t)(pieces[i].code - base), pieces[i].size, false);
            used -= model_units((size_t)(pieces[i].code - base), pieces[i].size);
            pieces[i] = pieces[--count];
        }
        assert_int_equal(code_buffer_used(buffer), used);
        if (step % 100 == 0) code_buffer_verify(buffer);
    }
    assert_true(full > 100); // the buffer did run full
    for (size_t i = 0; i < count; i++) code_buffer_release(buffer, pieces[i].code, pieces[i].size);
    code_buffer_verify(buffer);
    assert_int_equal(code_buffer_available(buffer), MODEL_CAPACITY);
    code_buffer_free(buffer);
}

// W^X, as the kernel sees it.

// The permissions of the mapping that holds `address`, "----" if there is none. Fails the test if any
// mapping of the process is writable and executable.
static void read_permissions(const void *address, char permissions[5]) {
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    char line[512];
    strcpy(permissions, "----");
    while (fgets(line, sizeof line, maps)) {
        uint64_t start, end;
        char found[5];
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, found) != 3) continue;
        assert_false(found[1] == 'w' && found[2] == 'x');
        if ((uintptr_t)address >= start && (uintptr_t)address < end) memcpy(permissions, found, 5);
    }
    fclose(maps);
}

static void assert_permissions(const void *address, const char *expected) {
    char permissions[5];
    read_permissions(address, permissions);
    assert_string_equal(permissions, expected);
}

static void test_no_page_is_ever_writable_and_executable(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(8 * PAGE);
    uint8_t *first = code_buffer_alloc(buffer, 100);
    assert_permissions(first, "r-xp");
    assert_permissions(first + PAGE, "---p"); // not used yet: not even readable
    assert_permissions(first - 1, "---p");    // the guard pages
    assert_permissions(first + 8 * PAGE, "---p");
    uint8_t *second = code_buffer_alloc(buffer, 3 * PAGE);
    assert_permissions(second + 2 * PAGE, "r-xp");
    static const uint8_t nop = 0x90;
    code_buffer_write(buffer, second, &nop, 1);
    assert_permissions(first, "r-xp");
    code_buffer_release(buffer, second, 3 * PAGE);
    assert_permissions(second, "r-xp");
    code_buffer_free(buffer);
}

// Run the function in a child process; the signal that ended it, or 0.
static int signal_of(void (*function)(void *), void *argument) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        for (int s = 1; s < 32; s++) signal(s, SIG_DFL); // not cmocka's or a sanitizer's
        function(argument);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

__attribute__((no_sanitize("address"))) static void store_byte(void *address) {
    *(volatile uint8_t *)address = 0;
}
static void jump_to(void *address) { call(address); }

static void test_code_cannot_be_overwritten(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(PAGE);
    Assembler a = return_constant(1);
    void *code = code_install(buffer, &a);
    assert_int_equal(signal_of(store_byte, code), SIGSEGV);
    assert_int_equal(signal_of(jump_to, code), 0);
    asm_free(&a);
    code_buffer_free(buffer);
}

static void test_running_off_the_code_traps(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(PAGE);
    uint8_t *code = code_buffer_alloc(buffer, PAGE);
    uint8_t nops[PAGE];
    memset(nops, 0x90, sizeof nops);
    code_buffer_write(buffer, code, nops, sizeof nops);
    assert_int_equal(signal_of(jump_to, code), SIGSEGV); // into the upper guard page
    assert_int_equal(signal_of(jump_to, code - 1), SIGSEGV); // the lower one
    code_buffer_release(buffer, code, PAGE);
    assert_int_equal(signal_of(jump_to, code), SIGTRAP); // released code
    code_buffer_free(buffer);
}

// Misuse is our own bug: the process ends with EXIT_BUG.
static int exit_code_of(void (*function)(void *), void *argument) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        function(argument);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void release_twice(void *buffer) {
    void *code = code_buffer_alloc(buffer, 64);
    code_buffer_release(buffer, code, 64);
    code_buffer_release(buffer, code, 64);
}

static void release_the_middle(void *buffer) {
    uint8_t *code = code_buffer_alloc(buffer, 64);
    code_buffer_release(buffer, code + 8, 8);
}

static void write_outside(void *buffer) {
    uint8_t *code = code_buffer_alloc(buffer, PAGE);
    code_buffer_write(buffer, code + PAGE - 1, "12", 2);
}

static void test_misuse_is_a_fatal_error(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(PAGE);
    assert_int_equal(exit_code_of(release_twice, buffer), 70);
    assert_int_equal(exit_code_of(release_the_middle, buffer), 70);
    assert_int_equal(exit_code_of(write_outside, buffer), 70);
    code_buffer_free(buffer);
    code_buffer_free(NULL);
}

// code_install.

static void test_install_relocates(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(PAGE);
    Assembler first = return_constant(7);
    void *target = code_install(buffer, &first);
    Assembler a;
    asm_init(&a, 64);
    asm_jmp_abs(&a, target);
    assert_true(asm_finish(&a));
    void *code = code_install(buffer, &a);
    assert_int_equal(call(code), 7);
    asm_free(&first);
    asm_free(&a);
    code_buffer_free(buffer);
}

static void test_install_in_a_full_buffer(void **state) {
    (void)state;
    Assembler a = return_constant(INT64_MAX); // 10 + 1 bytes
    for (size_t capacity = 0; capacity < a.size; capacity++) {
        CodeBuffer *buffer = code_buffer_new(capacity);
        assert_null(code_install(buffer, &a));
        assert_int_equal(code_buffer_used(buffer), 0);
        code_buffer_free(buffer);
    }
    CodeBuffer *buffer = code_buffer_new(a.size);
    assert_int_equal(call(code_install(buffer, &a)), INT64_MAX);
    asm_free(&a);
    code_buffer_free(buffer);
}

static void test_install_with_a_target_out_of_reach(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(PAGE);
    Assembler a;
    asm_init(&a, 64);
    asm_jmp_abs(&a, (void *)0x10000);
    assert_true(asm_finish(&a));
    assert_null(code_install(buffer, &a));
    assert_int_equal(code_buffer_used(buffer), 0);
    asm_free(&a);
    code_buffer_free(buffer);
}

static void test_install_of_incomplete_code(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(PAGE);
    Assembler a;
    asm_init(&a, 3);
    asm_mov_ri(&a, RAX, 1); // 5 bytes
    assert_false(asm_finish(&a));
    assert_null(code_install(buffer, &a));
    assert_int_equal(code_buffer_used(buffer), 0);
    asm_free(&a);
    code_buffer_free(buffer);
}

static const struct CMUnitTest code_buffer_tests[] = {
    cmocka_unit_test(test_written_code_runs),
    cmocka_unit_test(test_every_capacity_is_exact),
    cmocka_unit_test(test_last_allocation_needs_no_rounding),
    cmocka_unit_test(test_allocations_are_aligned_and_contained),
    cmocka_unit_test(test_absurd_capacities_are_refused),
    cmocka_unit_test(test_a_large_buffer_costs_no_memory_until_used),
    cmocka_unit_test(test_unwritten_and_released_code_is_int3),
    cmocka_unit_test(test_write_leaves_the_neighbours_alone),
    cmocka_unit_test(test_released_room_is_used_again),
    cmocka_unit_test(test_neighbours_are_merged_in_every_order),
    cmocka_unit_test(test_random_allocations_agree_with_a_model),
    cmocka_unit_test(test_no_page_is_ever_writable_and_executable),
    cmocka_unit_test(test_code_cannot_be_overwritten),
    cmocka_unit_test(test_running_off_the_code_traps),
    cmocka_unit_test(test_misuse_is_a_fatal_error),
    cmocka_unit_test(test_install_relocates),
    cmocka_unit_test(test_install_in_a_full_buffer),
    cmocka_unit_test(test_install_with_a_target_out_of_reach),
    cmocka_unit_test(test_install_of_incomplete_code),
};
TEST_MAIN(code_buffer_tests)
