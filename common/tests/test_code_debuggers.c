// What gdb and perf are told about generated code. The program runs itself under gdb, in batch mode: as
// `test_code_debuggers --debuggee` it calls code that calls code that calls C.
#include "code/gdb_jit.h"
#include "code/perf_map.h"

#include <sys/stat.h>
#include <unistd.h>

#include "asm/asm.h"
#include "code/code_buffer.h"
#include "code/install.h"
#include "testing/test_main.h"

// The debuggee.

// gdb stops in these.
extern void debuggee_ready(void);
extern void debuggee_bottom(void);
extern void debuggee_unregistered(void);
__attribute__((noinline, used)) void debuggee_ready(void) { __asm__ volatile("" : : : "memory"); }
__attribute__((noinline, used)) void debuggee_bottom(void) { __asm__ volatile("" : : : "memory"); }
__attribute__((noinline, used)) void debuggee_unregistered(void) { __asm__ volatile("" : : : "memory"); }

// Addresses in the inner function, for gdb's breakpoints.
extern char *debuggee_inner, *debuggee_after_push, *debuggee_after_mov, *debuggee_at_ret;
char *debuggee_inner, *debuggee_after_push, *debuggee_after_mov, *debuggee_at_ret;

typedef struct Function {
    Assembler a;
    char *code;
    uint32_t after_push, after_mov, body, at_ret;
    GdbJitEntry *entry;
} Function;

enum { RBX_OF_OUTER = 0x1234, RBX_OF_INNER = 0x5678 };

// push rbp; mov rbp, rsp; save rbx and change it; call target; restore rbx; leave; ret
static Function make_function(CodeBuffer *buffer, const char *name, void (*target)(void), int rbx) {
    Function f = {0};
    asm_init(&f.a, 200);
    asm_push_r(&f.a, RBP);
    f.after_push = asm_offset(&f.a);
    asm_mov_rr(&f.a, RBP, RSP);
    f.after_mov = asm_offset(&f.a);
    asm_push_r(&f.a, RBX);
    asm_sub_ri(&f.a, RSP, 8);
    f.body = asm_offset(&f.a);
    asm_mov_ri(&f.a, RBX, rbx);
    asm_mov_ri(&f.a, RAX, (int64_t)(intptr_t)target);
    asm_call_r(&f.a, RAX);
    asm_mov_rm(&f.a, RBX, mem(RBP, -8));
    asm_leave(&f.a);
    f.at_ret = asm_offset(&f.a);
    asm_ret(&f.a);
    f.code = code_install(buffer, &f.a);
    GdbSavedReg saved = {RBX, -8};
    GdbFrame frame = {.prologue = 0, .saved = &saved, .num_saved = 1, .body = f.body};
    f.entry = gdb_jit_register(name, f.code, f.a.size, &frame);
    return f;
}

static void (*function_at(void *code))(void) {
    void (*function)(void);
    memcpy(&function, &code, sizeof function);
    return function;
}

__attribute__((noinline)) static int debuggee(void) {
    CodeBuffer *buffer = code_buffer_new_flipping(4096); // or gdb's breakpoints would be refused
    Function inner = make_function(buffer, "jit_inner", debuggee_bottom, RBX_OF_INNER);
    Function outer = make_function(buffer, "jit_outer", function_at(inner.code), RBX_OF_OUTER);
    debuggee_inner = inner.code;
    debuggee_after_push = inner.code + inner.after_push;
    debuggee_after_mov = inner.code + inner.after_mov;
    debuggee_at_ret = inner.code + inner.at_ret;
    debuggee_ready();
    function_at(outer.code)();
    gdb_jit_unregister(inner.entry); // the older first: from the end of the list
    debuggee_unregistered();
    gdb_jit_unregister(outer.entry);
    gdb_jit_unregister(NULL);
    asm_free(&inner.a);
    asm_free(&outer.a);
    code_buffer_free(buffer);
    return 0;
}

// The debugger.

static bool is_installed(const char *program) {
    char command[100];
    snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    return system(command) == 0;
}

// What the command prints. The caller frees it.
static char *output_of(const char *command) {
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *text = NULL;
    size_t size = 0, count;
    FILE *out = open_memstream(&text, &size);
    char chunk[1000];
    while ((count = fread(chunk, 1, sizeof chunk, pipe)) > 0) fwrite(chunk, 1, count, out);
    fclose(out);
    pclose(pipe);
    return text;
}

// Run this program under gdb with the commands of a script; everything that gdb prints. Skips the test
// if there is no gdb here. The caller frees it.
static char *gdb_output(const char *script) {
    if (!is_installed("gdb")) skip();
    char path[] = "/tmp/gdb-script-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, script, strlen(script)), strlen(script));
    close(file);
    char self[1000] = "", command[1200];
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(command, sizeof command,
             "HOME=/nonexistent ASAN_OPTIONS=detect_leaks=0 "
             "timeout 60 gdb -nx -batch -x %s --args '%s' --debuggee 2>&1 </dev/null", path, self);
    char *text = output_of(command);
    unlink(path);
    return text;
}

// Does each name stand in `text`, in this order? Reports the first that does not.
static void assert_in_order(const char *text, const char *const *names, size_t count) {
    const char *at = text;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, names[i]);
        if (!found) fail_msg("'%s' is missing, or not after the one before, in:\n%s", names[i], text);
        at = found + strlen(names[i]);
    }
}

static void test_gdb_names_and_walks_generated_frames(void **state) {
    (void)state;
    char *text = gdb_output("set confirm off\n"
                            "set debuginfod enabled off\n"
                            "set breakpoint pending on\n"
                            "break debuggee_bottom\n"
                            "run\n"
                            "bt\n"
                            "frame function jit_outer\n"
                            "printf \"outer's rbx is %#lx\\n\", (long)$rbx\n"
                            "frame function jit_inner\n"
                            "printf \"inner's rbx is %#lx\\n\", (long)$rbx\n");
    static const char *const expected[] = {
        "#0", "debuggee_bottom", "#1", "in jit_inner ()", "#2", "in jit_outer ()", "#3", "in debuggee",
        "in main", "outer's rbx is 0x1234", "inner's rbx is 0x5678",
    };
    assert_in_order(text, expected, sizeof expected / sizeof *expected);
    free(text);
}

static void test_gdb_walks_from_every_part_of_a_function(void **state) {
    (void)state;
    char *text = gdb_output("set confirm off\n"
                            "set debuginfod enabled off\n"
                            "break debuggee_ready\n"
                            "run\n"
                            "tbreak *debuggee_inner\n"
                            "tbreak *debuggee_after_push\n"
                            "tbreak *debuggee_after_mov\n"
                            "tbreak *debuggee_at_ret\n"
                            "continue\n" "bt\n" "echo entry done\\n\n"
                            "continue\n" "bt\n" "echo push done\\n\n"
                            "continue\n" "bt\n" "echo mov done\\n\n"
                            "continue\n" "bt\n"
                            "up\n" "printf \"outer's rbx is %#lx\\n\", (long)$rbx\n");
    static const char *const expected[] = {
        "in jit_inner ()", "#1", "in jit_outer ()", "in debuggee", "in main", "entry done",
        "in jit_inner ()", "#1", "in jit_outer ()", "in debuggee", "in main", "push done",
        "in jit_inner ()", "#1", "in jit_outer ()", "in debuggee", "in main", "mov done",
        "in jit_inner ()", "#1", "in jit_outer ()", "in debuggee", "in main", "outer's rbx is 0x1234",
    };
    assert_in_order(text, expected, sizeof expected / sizeof *expected);
    free(text);
}

static void test_gdb_forgets_what_is_unregistered(void **state) {
    (void)state;
    char *text = gdb_output("set confirm off\n"
                            "set debuginfod enabled off\n"
                            "break debuggee_ready\n"
                            "break debuggee_unregistered\n"
                            "run\n"
                            "info symbol debuggee_inner\n"
                            "continue\n"
                            "info symbol debuggee_inner\n"
                            "info address jit_outer\n"
                            "continue\n");
    static const char *const expected[] = {
        "jit_inner in section .text", "No symbol matches debuggee_inner", "Symbol \"jit_outer\" is at 0x",
        "exited normally",
    };
    assert_in_order(text, expected, sizeof expected / sizeof *expected);
    free(text);
}

// What gdb reads, looked at without gdb.

struct jit_code_entry {
    struct jit_code_entry *next_entry, *prev_entry;
    const char *symfile_addr;
    uint64_t symfile_size;
};

extern struct {
    uint32_t version, action_flag;
    struct jit_code_entry *relevant_entry, *first_entry;
} __jit_debug_descriptor;

// The number of entries; fails the test if a pointer back does not match the one forth.
static int checked_length(void) {
    int length = 0;
    struct jit_code_entry *previous = NULL;
    for (struct jit_code_entry *e = __jit_debug_descriptor.first_entry; e; e = e->next_entry) {
        assert_ptr_equal(e->prev_entry, previous);
        previous = e;
        length++;
    }
    return length;
}

static void test_entries_leave_the_list_in_any_order(void **state) {
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const uint8_t code[] = {0xC3};
    assert_int_equal(__jit_debug_descriptor.version, 1);
    for (int order = 0; order < 6; order++) {
        GdbJitEntry *entries[3];
        for (int i = 0; i < 3; i++) entries[i] = gdb_jit_register("f", code, sizeof code, NULL);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(checked_length(), 3 - i);
            gdb_jit_unregister(entries[orders[order][i]]);
        }
        assert_int_equal(checked_length(), 0);
    }
}

static void test_frame_rows(void **state) {
    (void)state;
    if (!is_installed("readelf")) skip();
    // endbr64; push rbp; mov rbp, rsp; push rbx; leave; ret; nop; leave; ret; nop
    static const uint8_t code[] = {0xF3, 0x0F, 0x1E, 0xFA, 0x55, 0x48, 0x89, 0xE5, 0x53,
                                   0xC9, 0xC3, 0x90, 0xC9, 0xC3, 0x90};
    GdbSavedReg saved[] = {{RBX, -8}, {R15, -24}};
    GdbFrame frame = {.prologue = 4, .saved = saved, .num_saved = 2, .body = 9};
    GdbJitEntry *entry = gdb_jit_register("f", code, sizeof code, &frame);
    const struct jit_code_entry *first = __jit_debug_descriptor.first_entry;
    char path[] = "/tmp/jit-object-XXXXXX", command[200];
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, first->symfile_addr, first->symfile_size), first->symfile_size);
    close(file);
    snprintf(command, sizeof command, "LC_ALL=C readelf -wF %s 2>&1", path);
    char *text = output_of(command);
    gdb_jit_unregister(entry);
    unlink(path);
    char expected[1000];
    static const struct { unsigned offset; const char *row; } rows[] = {
        {0, "rsp+8    u     u     u     c-8"},
        {5, "rsp+16   u     c-16  u     c-8"},
        {8, "rbp+16   u     c-16  u     c-8"},
        {9, "rbp+16   c-24  c-16  c-40  c-8"},
        {10, "rsp+8    u     u     u     c-8"},
        {11, "rbp+16   c-24  c-16  c-40  c-8"},
        {13, "rsp+8    u     u     u     c-8"},
        {14, "rbp+16   c-24  c-16  c-40  c-8"},
    };
    const char *at = text;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(expected, sizeof expected, "%016llx %s",
                 (unsigned long long)(uintptr_t)code + rows[i].offset, rows[i].row);
        const char *found = strstr(at, expected);
        if (!found) fail_msg("no row '%s' in:\n%s", expected, text);
        at = found + 1;
    }
    free(text);
}

// perf.

static void test_perf_map(void **state) {
    (void)state;
    PerfMap *map = perf_map_open();
    assert_non_null(map);
    char expected_path[64], text[300] = "";
    snprintf(expected_path, sizeof expected_path, "/tmp/perf-%d.map", (int)getpid());
    assert_string_equal(perf_map_path(map), expected_path);
    perf_map_add(map, "fib", (void *)0x7f0000001000, 0x5f);
    perf_map_add(map, "two words\nand a line", (void *)0x7f0000001060, 16);
    FILE *file = fopen(expected_path, "r"); // already there, before the map is closed
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_string_equal(text, "7f0000001000 5f fib\n7f0000001060 10 two words?and a line\n");
    perf_map_close(map);
    assert_int_equal(access(expected_path, F_OK), 0); // perf reads it later
    unlink(expected_path);
}

static void test_perf_map_goes_through_no_link(void **state) {
    (void)state;
    char path[64], victim[] = "/tmp/victim-XXXXXX";
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    int file = mkstemp(victim);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(symlink(victim, path), 0);
    PerfMap *map = perf_map_open();
    perf_map_add(map, "fib", NULL, 1);
    perf_map_close(map);
    struct stat status;
    assert_int_equal(stat(victim, &status), 0);
    assert_int_equal(status.st_size, 0); // nothing was written through the link
    unlink(path);
    unlink(victim);
}

static void test_failure_of_the_perf_map_is_no_error(void **state) {
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    assert_int_equal(mkdir(path, 0700), 0); // the file cannot be made
    PerfMap *map = perf_map_open();
    assert_null(map);
    perf_map_add(map, "fib", NULL, 1);
    perf_map_close(map);
    rmdir(path);
}

static const struct CMUnitTest debugger_tests[] = {
    cmocka_unit_test(test_gdb_names_and_walks_generated_frames),
    cmocka_unit_test(test_gdb_walks_from_every_part_of_a_function),
    cmocka_unit_test(test_gdb_forgets_what_is_unregistered),
    cmocka_unit_test(test_entries_leave_the_list_in_any_order),
    cmocka_unit_test(test_frame_rows),
    cmocka_unit_test(test_perf_map),
    cmocka_unit_test(test_perf_map_goes_through_no_link),
    cmocka_unit_test(test_failure_of_the_perf_map_is_no_error),
};

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--debuggee") == 0) {
        volatile int status = debuggee(); // not as a tail call: main has to stay in the backtrace
        return status;
    }
    if (test_main_is_list(argc, argv))
        return test_main_list(debugger_tests, sizeof debugger_tests / sizeof *debugger_tests);
    test_main_prepare(argc, argv);
    return cmocka_run_group_tests(debugger_tests, NULL, NULL) ? 1 : 0;
}
