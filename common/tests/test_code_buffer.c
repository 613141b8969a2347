// Executable memory: capacity, reclaiming, W^X, and code that really runs. Most tests run twice, over a
// buffer that is mapped twice and over one whose pages are flipped.
#include "code/code_buffer.h"
#include "code/install.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "testing/test_main.h"

enum { PAGE = 4096, INT3 = 0xCC };

// The two mappings. A test gets one of them as its state.
typedef struct Mapping {
    CodeBuffer *(*new)(size_t capacity);
} Mapping;

static Mapping dual = {code_buffer_new}, flipping = {code_buffer_new_flipping};

static CodeBuffer *new_buffer(void **state, size_t capacity) {
    return ((const Mapping *)*state)->new(capacity);
}

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
    CodeBuffer *buffer = new_buffer(state, PAGE);
    Assembler a = return_constant(42);
    void *code = code_install(buffer, &a);
    assert_non_null(code);
    assert_int_equal(call(code), 42);
    assert_memory_equal(code, a.code, a.size);
    asm_free(&a);
    code_buffer_free(buffer);
}

static void test_every_capacity_is_exact(void **state) {
    for (size_t capacity = 0; capacity <= 3 * CODE_ALIGNMENT + 1; capacity++) {
        CodeBuffer *buffer = new_buffer(state, capacity);
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
    CodeBuffer *buffer = new_buffer(state, 2 * CODE_ALIGNMENT + 5);
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
    CodeBuffer *buffer = new_buffer(state, 3 * PAGE);
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
    assert_null(new_buffer(state, SIZE_MAX));
    assert_null(new_buffer(state, SIZE_MAX - 2 * PAGE));
    assert_null(new_buffer(state, SIZE_MAX / 2));
}

static void test_a_large_buffer_costs_no_memory_until_used(void **state) {
    CodeBuffer *buffer = new_buffer(state, (size_t)1 << 36);
    assert_non_null(buffer);
    uint8_t *code = code_buffer_alloc(buffer, 10);
    assert_int_equal(code[0], INT3);
    code_buffer_free(buffer);
}

static void test_unwritten_and_released_code_is_int3(void **state) {
    CodeBuffer *buffer = new_buffer(state, 4 * PAGE);
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
    CodeBuffer *buffer = new_buffer(state, 4 * PAGE);
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
    CodeBuffer *buffer = new_buffer(state, PAGE);
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
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int order = 0; order < 6; order++) {
        CodeBuffer *buffer = new_buffer(state, 300);
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
    CodeBuffer *buffer = new_buffer(state, MODEL_CAPACITY);
    uint8_t *base = code_buffer_alloc(buffer, 1);
    code_buffer_release(buffer, base, 1);
    static bool owned[MODEL_CAPACITY];
    static Piece pieces[MAX_PIECES];
    memset(owned, 0, sizeof owned);
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

// A line of /proc/self/maps.
typedef struct MapsLine {
    uint64_t start, end, inode; // the inode says whose pages they are; 0: private memory
    char permissions[5];
} MapsLine;

// The next line. Fails the test if it is of memory that is writable and executable.
static bool read_maps_line(FILE *maps, MapsLine *found) {
    char line[512];
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64, &found->start, &found->end,
                   found->permissions, &found->inode) != 4) continue;
        assert_false(found->permissions[1] == 'w' && found->permissions[2] == 'x');
        return true;
    }
    fclose(maps);
    return false;
}

static FILE *open_maps(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    return maps;
}

// The mapping that holds `address`; permissions of "----" if there is none.
static MapsLine mapping_of(const void *address) {
    MapsLine line, found = {.permissions = "----"};
    FILE *maps = open_maps();
    while (read_maps_line(maps, &line))
        if ((uintptr_t)address >= line.start && (uintptr_t)address < line.end) found = line;
    return found;
}

// `expected` without the letter that tells private from shared memory.
static void assert_permissions(const void *address, const char *expected) {
    MapsLine found = mapping_of(address);
    found.permissions[3] = '\0';
    assert_string_equal(found.permissions, expected);
}

// The bytes of the pages of `inode` that are mapped with these permissions.
static uint64_t mapped_bytes(uint64_t inode, const char *permissions) {
    uint64_t sum = 0;
    MapsLine line;
    FILE *maps = open_maps();
    while (read_maps_line(maps, &line))
        if (line.inode == inode && strncmp(line.permissions, permissions, 3) == 0)
            sum += line.end - line.start;
    return sum;
}

static void test_no_page_is_ever_writable_and_executable(void **state) {
    CodeBuffer *buffer = new_buffer(state, 8 * PAGE);
    uint8_t *first = code_buffer_alloc(buffer, 100);
    assert_permissions(first, "r-x");
    assert_permissions(first + PAGE, "---"); // not used yet: not even readable
    assert_permissions(first - 1, "---");    // the guard pages
    assert_permissions(first + 8 * PAGE, "---");
    uint8_t *second = code_buffer_alloc(buffer, 3 * PAGE);
    assert_permissions(second + 2 * PAGE, "r-x");
    static const uint8_t nop = 0x90;
    code_buffer_write(buffer, second, &nop, 1);
    assert_permissions(first, "r-x");
    code_buffer_release(buffer, second, 3 * PAGE);
    assert_permissions(second, "r-x");
    code_buffer_free(buffer);
}

static uint64_t all_mapped_bytes(uint64_t inode) {
    return mapped_bytes(inode, "r-x") + mapped_bytes(inode, "rw-") + mapped_bytes(inode, "---");
}

// Of `all` pages `used` can be executed, as many can be written, and the others not touched.
static void assert_mapped_twice(uint64_t inode, uint64_t used, uint64_t all) {
    assert_int_equal(mapped_bytes(inode, "r-x"), used * PAGE);
    assert_int_equal(mapped_bytes(inode, "rw-"), used * PAGE);
    assert_int_equal(mapped_bytes(inode, "---"), 2 * (all - used) * PAGE);
}

static void test_dual_pages_are_mapped_twice(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new(8 * PAGE);
    if (!code_buffer_is_dual(buffer)) skip(); // test_a_kernel_that_forbids_it has looked at why
    uint8_t *code = code_buffer_alloc(buffer, 100);
    uint64_t inode = mapping_of(code).inode;
    assert_int_not_equal(inode, 0);
    assert_mapped_twice(inode, 1, 8);
    assert_non_null(code_buffer_alloc(buffer, 3 * PAGE));
    assert_mapped_twice(inode, 4, 8);
    code_buffer_free(buffer);
    assert_int_equal(all_mapped_bytes(inode), 0);
}

static void test_flipping_pages_are_mapped_once(void **state) {
    (void)state;
    CodeBuffer *buffer = code_buffer_new_flipping(PAGE);
    assert_false(code_buffer_is_dual(buffer));
    assert_int_equal(mapping_of(code_buffer_alloc(buffer, 100)).inode, 0);
    code_buffer_free(buffer);
}

static void test_a_buffer_keeps_no_file_open(void **state) {
    int before = open("/dev/null", O_RDONLY);
    close(before);
    CodeBuffer *buffer = new_buffer(state, PAGE);
    int after = open("/dev/null", O_RDONLY);
    close(after);
    assert_int_equal(after, before);
    code_buffer_free(buffer);
}

// The processor must not run what it had fetched before the write.
static void test_patched_code_runs_at_once(void **state) {
    CodeBuffer *buffer = new_buffer(state, PAGE);
    Assembler a = return_constant(0);
    uint8_t *code = code_install(buffer, &a);
    asm_free(&a);
    for (int32_t i = 1; i < 20000; i++) {
        assert_true(code_buffer_write(buffer, code + 1, &i, sizeof i)); // B8 imm32: mov eax, i
        assert_int_equal(call(code), i);
    }
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
    CodeBuffer *buffer = new_buffer(state, PAGE);
    Assembler a = return_constant(1);
    void *code = code_install(buffer, &a);
    assert_int_equal(signal_of(store_byte, code), SIGSEGV);
    assert_int_equal(signal_of(jump_to, code), 0);
    asm_free(&a);
    code_buffer_free(buffer);
}

static void test_running_off_the_code_traps(void **state) {
    CodeBuffer *buffer = new_buffer(state, PAGE);
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
    CodeBuffer *buffer = new_buffer(state, PAGE);
    assert_int_equal(exit_code_of(release_twice, buffer), 70);
    assert_int_equal(exit_code_of(release_the_middle, buffer), 70);
    assert_int_equal(exit_code_of(write_outside, buffer), 70);
    code_buffer_free(buffer);
    code_buffer_free(NULL);
}

// What the kernel can refuse. In a child process, since there is no way back.

// The call is refused if its argument number `argument` has one of these bits; with bits = 0 it always is.
static void refuse_call(int number, unsigned argument, uint32_t bits, int error) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + 8 * argument)),
        BPF_JUMP(bits ? BPF_JMP | BPF_JSET | BPF_K : BPF_JMP | BPF_JGE | BPF_K, bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(99);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(99);
}

static void limit_to_zero(int resource) {
    struct rlimit limit = {0, 0};
    if (setrlimit(resource, &limit) != 0) _exit(99);
}

static void refuse_nothing(void) {}
static void refuse_memfd(void) { refuse_call(SYS_memfd_create, 0, 0, EPERM); }
static void refuse_files(void) { limit_to_zero(RLIMIT_NOFILE); }
static void refuse_file_sizes(void) { limit_to_zero(RLIMIT_FSIZE); }
static void refuse_shared_memory(void) { refuse_call(SYS_mmap, 3, MAP_SHARED, EACCES); }
static void refuse_execution(void) { refuse_call(SYS_mprotect, 2, PROT_EXEC, EACCES); }
static void refuse_mprotect(void) { refuse_call(SYS_mprotect, 0, 0, EPERM); }

enum { NO_BUFFER = 10, FLIPPING, DUAL, WRONG };

// What code_buffer_new returns there, once it has been tried out. Runs in a child process.
static int kind_of_buffer(void) {
    CodeBuffer *buffer = code_buffer_new(4 * PAGE);
    if (!buffer) return NO_BUFFER;
    Assembler a = return_constant(42);
    void *code = code_install(buffer, &a);
    if (!code || call(code) != 42 || !code_buffer_alloc(buffer, 2 * PAGE)) return WRONG;
    code_buffer_release(buffer, code, a.size);
    code_buffer_verify(buffer);
    int kind = code_buffer_is_dual(buffer) ? DUAL : FLIPPING;
    code_buffer_free(buffer);
    asm_free(&a);
    return kind;
}

static int status_of(int (*function)(void *), void *argument) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) _exit(function(argument));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

typedef struct Refusal {
    void (*refuse)(void);
    int expected;
} Refusal;

static int buffer_where_refused(void *refusal) {
    ((const Refusal *)refusal)->refuse();
    return kind_of_buffer();
}

static bool kernel_maps_twice(void) { // asked without the code buffer
    int file = memfd_create("probe", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, PAGE) != 0) return false;
    void *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    close(file);
    if (code == MAP_FAILED) return false;
    munmap(code, PAGE);
    return true;
}

static void test_a_kernel_that_forbids_it(void **state) {
    (void)state;
    Refusal refusals[] = {
        {refuse_nothing, kernel_maps_twice() ? DUAL : FLIPPING},
        {refuse_memfd, FLIPPING},
        {refuse_files, FLIPPING},
        {refuse_file_sizes, FLIPPING}, // and no SIGXFSZ
        {refuse_shared_memory, FLIPPING},
        {refuse_execution, NO_BUFFER},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        assert_int_equal(status_of(buffer_where_refused, &refusals[i]), refusals[i].expected);
}

// Without mprotect a dual mapping is written to all the same, and a flipping one stays as it was.
static int write_without_mprotect(void *mapping) {
    CodeBuffer *buffer = ((const Mapping *)mapping)->new(2 * PAGE);
    uint8_t *code = code_buffer_alloc(buffer, 100);
    bool is_dual = code_buffer_is_dual(buffer);
    refuse_mprotect();
    static const uint8_t nop = 0x90;
    if (code_buffer_write(buffer, code, &nop, 1) != is_dual) return 1;
    if (code[0] != (is_dual ? nop : INT3)) return 2;
    if (code_buffer_alloc(buffer, 2 * PAGE - 112)) return 3; // the second page cannot be opened
    code_buffer_release(buffer, code, 100);
    if (code_buffer_used(buffer) != (is_dual ? 0 : 112)) return 4; // else out of use for ever
    code_buffer_verify(buffer);
    return 0;
}

static void test_writing_needs_mprotect_only_to_flip(void **state) {
    assert_int_equal(status_of(write_without_mprotect, *state), 0);
}

// fork: parent and child have each their own code.

typedef struct Forked {
    CodeBuffer *buffer;
    uint8_t *code;  // returns 1
    int written[2]; // a pipe: the parent has written
} Forked;

static Forked start_forked(void **state) {
    Forked forked = {.buffer = new_buffer(state, 4 * PAGE)};
    Assembler a = return_constant(1);
    forked.code = code_install(forked.buffer, &a);
    asm_free(&a);
    assert_int_equal(pipe(forked.written), 0);
    return forked;
}

static void end_forked(Forked *forked) {
    close(forked->written[0]);
    close(forked->written[1]);
    code_buffer_free(forked->buffer);
}

static void make_return(const Forked *forked, int32_t value) {
    if (!code_buffer_write(forked->buffer, forked->code + 1, &value, sizeof value)) _exit(99);
}

static int write_in_grandchild(void *argument) {
    const Forked *forked = argument;
    make_return(forked, 3);
    return call(forked->code) != 3;
}

static int write_in_child(void *argument) {
    Forked *forked = argument;
    make_return(forked, 2);
    if (call(forked->code) != 2) return 1;
    uint8_t *code = code_buffer_alloc(forked->buffer, 3 * PAGE); // grows
    if (!code || code[3 * PAGE - 1] != INT3) return 2;
    if (!code_buffer_write(forked->buffer, code, forked->code, 6) || call(code) != 2) return 3;
    if (status_of(write_in_grandchild, forked) != 0 || call(forked->code) != 2) return 4;
    code_buffer_release(forked->buffer, forked->code, 6);
    code_buffer_verify(forked->buffer);
    return 0;
}

static void test_what_a_child_writes_stays_in_the_child(void **state) {
    Forked forked = start_forked(state);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(status_of(write_in_child, &forked), 0);
        assert_int_equal(call(forked.code), 1);
        code_buffer_verify(forked.buffer);
        if (round == 1) make_return(&forked, 1); // the next child is one of a process that has copied
    }
    uint8_t *code = code_buffer_alloc(forked.buffer, 3 * PAGE);
    for (size_t i = 0; i < 3 * PAGE; i++) assert_int_equal(code[i], INT3);
    end_forked(&forked);
}

static void test_what_the_parent_writes_stays_in_the_parent(void **state) {
    Forked forked = start_forked(state);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        if (read(forked.written[0], &byte, 1) != 1 || call(forked.code) != 1) _exit(1);
        make_return(&forked, 3);
        _exit(call(forked.code) != 3);
    }
    make_return(&forked, 2);
    assert_int_equal(write(forked.written[1], "", 1), 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(call(forked.code), 2);
    end_forked(&forked);
}

static void test_a_fork_costs_one_copy(void **state) {
    Forked forked = start_forked(state);
    if (!code_buffer_is_dual(forked.buffer)) skip();
    uint64_t first = mapping_of(forked.code).inode;
    make_return(&forked, 2);
    assert_int_equal(mapping_of(forked.code).inode, first);
    assert_int_equal(status_of(write_in_grandchild, &forked), 0);
    make_return(&forked, 3);
    uint64_t second = mapping_of(forked.code).inode;
    assert_int_not_equal(second, first);
    assert_int_equal(all_mapped_bytes(first), 0); // given back
    make_return(&forked, 4);
    assert_int_equal(mapping_of(forked.code).inode, second);
    assert_mapped_twice(second, 1, 4);
    assert_int_equal(call(forked.code), 4);
    end_forked(&forked);
}

// code_install.

static void test_install_relocates(void **state) {
    CodeBuffer *buffer = new_buffer(state, PAGE);
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
    Assembler a = return_constant(INT64_MAX); // 10 + 1 bytes
    for (size_t capacity = 0; capacity < a.size; capacity++) {
        CodeBuffer *buffer = new_buffer(state, capacity);
        assert_null(code_install(buffer, &a));
        assert_int_equal(code_buffer_used(buffer), 0);
        code_buffer_free(buffer);
    }
    CodeBuffer *buffer = new_buffer(state, a.size);
    assert_int_equal(call(code_install(buffer, &a)), INT64_MAX);
    asm_free(&a);
    code_buffer_free(buffer);
}

static void test_install_with_a_target_out_of_reach(void **state) {
    CodeBuffer *buffer = new_buffer(state, PAGE);
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
    CodeBuffer *buffer = new_buffer(state, PAGE);
    Assembler a;
    asm_init(&a, 3);
    asm_mov_ri(&a, RAX, 1); // 5 bytes
    assert_false(asm_finish(&a));
    assert_null(code_install(buffer, &a));
    assert_int_equal(code_buffer_used(buffer), 0);
    asm_free(&a);
    code_buffer_free(buffer);
}

#define OVER_BOTH_MAPPINGS(test) \
    {#test "_dual", test, NULL, NULL, &dual}, {#test "_flipping", test, NULL, NULL, &flipping}

static const struct CMUnitTest code_buffer_tests[] = {
    OVER_BOTH_MAPPINGS(test_written_code_runs),
    OVER_BOTH_MAPPINGS(test_every_capacity_is_exact),
    OVER_BOTH_MAPPINGS(test_last_allocation_needs_no_rounding),
    OVER_BOTH_MAPPINGS(test_allocations_are_aligned_and_contained),
    OVER_BOTH_MAPPINGS(test_absurd_capacities_are_refused),
    OVER_BOTH_MAPPINGS(test_a_large_buffer_costs_no_memory_until_used),
    OVER_BOTH_MAPPINGS(test_unwritten_and_released_code_is_int3),
    OVER_BOTH_MAPPINGS(test_write_leaves_the_neighbours_alone),
    OVER_BOTH_MAPPINGS(test_released_room_is_used_again),
    OVER_BOTH_MAPPINGS(test_neighbours_are_merged_in_every_order),
    OVER_BOTH_MAPPINGS(test_random_allocations_agree_with_a_model),
    OVER_BOTH_MAPPINGS(test_no_page_is_ever_writable_and_executable),
    cmocka_unit_test(test_dual_pages_are_mapped_twice),
    cmocka_unit_test(test_flipping_pages_are_mapped_once),
    OVER_BOTH_MAPPINGS(test_a_buffer_keeps_no_file_open),
    OVER_BOTH_MAPPINGS(test_patched_code_runs_at_once),
    OVER_BOTH_MAPPINGS(test_code_cannot_be_overwritten),
    OVER_BOTH_MAPPINGS(test_running_off_the_code_traps),
    OVER_BOTH_MAPPINGS(test_misuse_is_a_fatal_error),
    cmocka_unit_test(test_a_kernel_that_forbids_it),
    OVER_BOTH_MAPPINGS(test_writing_needs_mprotect_only_to_flip),
    OVER_BOTH_MAPPINGS(test_what_a_child_writes_stays_in_the_child),
    OVER_BOTH_MAPPINGS(test_what_the_parent_writes_stays_in_the_parent),
    cmocka_unit_test_prestate(test_a_fork_costs_one_copy, &dual),
    OVER_BOTH_MAPPINGS(test_install_relocates),
    OVER_BOTH_MAPPINGS(test_install_in_a_full_buffer),
    OVER_BOTH_MAPPINGS(test_install_with_a_target_out_of_reach),
    OVER_BOTH_MAPPINGS(test_install_of_incomplete_code),
};
TEST_MAIN(code_buffer_tests)
