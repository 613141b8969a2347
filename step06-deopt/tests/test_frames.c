// Frames: whoever C is called by, it finds the frames of all functions in progress, whatever engine each of them runs
// in and however often C and the program call each other; and what slower engines record for the optimiser.
#include <math.h>

#include "abi/natives.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "deopt/feedback.h"
#include "object/number.h"
#include "programs.h"
#include "testing/test_main.h"

// A native that looks at the frames.

typedef struct Seen {
    uint32_t function, pc, num_args;
    FrameKind kind;
} Seen;

static struct {
    Seen frames[64];
    uint32_t count;
} walk;

static Value look(Vm *vm, Value v) {
    walk.count = 0;
    for (Frame *frame = frame_newest(vm); frame && walk.count < 64; frame = frame_caller(frame)) {
        const FrameInfo *info = frame_info(frame);
        uint32_t function = frame_callee(frame)->index;
        walk.frames[walk.count++] = (Seen){function, info->pc, info->num_args, (FrameKind)info->kind};
    }
    return v;
}

// Calls the function number 1 of the program.
static Value call_back(Vm *vm, Value v) { return vm_call(vm, 1, &v); }

static Program *program_with_look(const char *text) {
    Program *program = program_new("test.bca");
    program_add_native(program, "look", 1, (NativeCode *)(uintptr_t)look);
    program_add_native(program, "call_back", 1, (NativeCode *)(uintptr_t)call_back);
    Diagnostic diagnostic;
    assert_true(program_parse(program, text, strlen(text), &diagnostic) && program_verify(program, &diagnostic));
    return program;
}

// main calls c, which calls b through C, which calls a, which looks.
static const char chain[] = "func main params=1 locals=2\n load_const 5\n load_local 0\n call c\n add\n return\nend\n"
                            "func b params=1\n load_local 0\n load_const 1\n call a\n add\n return\nend\n"
                            "func a params=1\n load_local 0\n call_native look\n return\nend\n"
                            "func c params=1\n load_const 3\n load_local 0\n call_native call_back\n add\n return\nend\n";

static void test_the_walk_finds_every_function(void **state) {
    (void)state;
    static const struct {
        uint32_t function, pc;
    } expected[] = {{2, 1}, {1, 2}, {3, 2}, {0, 2}};
    Program *program = program_with_look(chain);
    for (size_t m = 0; m < num_modes; m++) {
        JitCompiler *jit = mode_start(program, &modes[m]);
        assert_int_equal(call(jit, "main", ARGS(10)).result, 5 + 3 + 10 + 1);
        assert_int_equal(walk.count, 4);
        for (uint32_t i = 0; i < walk.count; i++) {
            const Seen *seen = &walk.frames[i];
            assert_int_equal(seen->function, expected[i].function);
            assert_int_equal(seen->num_args, 1);
            if (seen->kind != FRAME_OPT) assert_int_equal(seen->pc, expected[i].pc);
            bool is_code = modes[m].options.tier != TIER_INTERP && modes[m].compiled >> seen->function & 1;
            assert_true(is_code == (seen->kind != FRAME_INTERP));
        }
        assert_null(frame_newest(jit_vm(jit)));
        jit_free(jit);
    }
    program_free(program);
}

// The frames are gone after an error, too.
static void test_nothing_is_left_after_an_error(void **state) {
    (void)state;
    Program *program = program_with_look("func main params=1\n load_local 0\n call_native call_back\n return\nend\n"
                                         "func f params=1\n load_function f\n load_local 0\n add\n return\nend\n");
    for (size_t m = 0; m < num_modes; m++) {
        JitCompiler *jit = mode_start(program, &modes[m]);
        for (int i = 0; i < 3; i++) assert_int_equal(call(jit, "main", ARGS(1)).status, RUN_TYPE_ERROR);
        assert_null(frame_newest(jit_vm(jit)));
        jit_free(jit);
    }
    program_free(program);
}

// Any number of arguments, for any number of parameters.
static void test_callees_put_up_with_any_number_of_arguments(void **state) {
    (void)state;
    enum { MOST = 20 };
    Value args[MOST];
    for (int i = 0; i < MOST; i++) args[i] = value_from_int(100 + i);
    for (uint32_t params = 0; params < MOST; params++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        fprintf(out, "func main params=%u\n", params);
        for (uint32_t i = 0; i < params; i++) fprintf(out, " load_local %u\n", i);
        fprintf(out, " new_array %u\n return\nend\n", params);
        fclose(out);
        Program *program = program_from(text);
        for (size_t m = 0; m < num_modes; m++) {
            JitCompiler *jit = mode_start(program, &modes[m]);
            for (size_t n = 0; n < MOST; n++) {
                Value array = vm_call_with(jit_vm(jit), 0, args, n);
                assert_int_equal(value_to_array(array)->length, params);
                for (uint32_t i = 0; i < params; i++)
                    assert_int_equal(value_to_array(array)->elements->values[i], i < n ? args[i] : VALUE_UNDEFINED);
            }
            jit_free(jit);
        }
        program_free(program);
        free(text);
    }
}

// Feedback.

// What interpreter and baseline code record at instruction 2 of main(a, b), and after it has been called with other
// operands before.
static void assert_records(const char *operation, Value a, Value b, Feedback expected) {
    char text[200];
    snprintf(text, sizeof text, "func main params=2\n load_local 0\n load_local 1\n %s\n return\nend\n", operation);
    Program *program = program_from(text);
    for (Tier tier = TIER_INTERP; tier <= TIER_BASELINE; tier++) {
        JitOptions options = {.tier = tier, .code_size = 1 << 16, .heap_size = 1 << 20};
        JitCompiler *jit = jit_new(program, &options);
        jit_compile_all(jit);
        Vm *vm = jit_vm(jit);
        const Value args[] = {a, b};
        vm_call(vm, 0, args);
        if (vm->feedback[0][2] != expected)
            fail_msg("%s in %s: recorded %u, expected %u", operation, tier_names[tier], vm->feedback[0][2], expected);
        for (int pc = 0; pc < 4; pc++)
            if (pc != 2) assert_int_equal(vm->feedback[0][pc], 0);
        jit_free(jit);
    }
    program_free(program);
}

static void test_operators_record_what_their_operands_are(void **state) {
    (void)state;
    const Value one = value_from_int(1), most = value_from_int(INT32_MAX), zero = value_from_int(0), minus = value_from_int(-1);
    Heap heap;
    heap_init(&heap, 1 << 12);
    const Value half = number_from_double(&heap, 0.5), nan = number_from_double(&heap, NAN);
    assert_records("add", one, one, 0);
    assert_records("add", most, one, FB_OVERFLOW);
    assert_records("mul", zero, minus, FB_OVERFLOW);
    assert_records("div", one, value_from_int(2), FB_OVERFLOW);
    assert_records("div", value_from_int(-4), value_from_int(2), 0);
    assert_records("sub", half, one, FB_DOUBLE);
    assert_records("sub", one, nan, FB_DOUBLE);
    assert_records("add", VALUE_NULL, one, FB_OTHER);
    assert_records("add", half, VALUE_TRUE, FB_OTHER | FB_DOUBLE);
    assert_records("less_than", one, most, 0);
    assert_records("less_than", half, most, FB_DOUBLE);
    assert_records("equal", VALUE_UNDEFINED, one, FB_OTHER);
    heap_free(&heap);
}

static void test_accesses_record_what_is_no_element(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t pc;
        Feedback expected;
    } programs[] = {
        {"func main params=0\n load_const 7\n new_array 1\n load_const 0\n get_index\n return\nend\n", 3, 0},
        {"func main params=0\n load_const 7\n new_array 1\n load_const 1\n get_index\n return\nend\n", 3, FB_ELEMENT},
        {"func main params=0\n load_const 7\n new_array 1\n load_const -1\n get_index\n return\nend\n", 3, FB_ELEMENT},
        {"func main params=0\n load_const 7\n new_array 1\n load_const 0.5\n get_index\n return\nend\n", 3, FB_ELEMENT},
        {"func main params=0\n load_const 7\n new_array 1\n load_const 0\n load_const 2\n set_index\n load_const 1\n return\nend\n", 4, 0},
        {"func main params=0\n load_const 7\n new_array 1\n load_const 1\n load_const 2\n set_index\n load_const 1\n return\nend\n", 4, FB_ELEMENT},
        {"func main params=0\n new_array 0\n length\n return\nend\n", 1, 0},
        {"func main params=0\n load_const 7\n length\n return\nend\n", 1, FB_ELEMENT},
    };
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        Program *program = program_from(programs[i].text);
        for (Tier tier = TIER_INTERP; tier <= TIER_BASELINE; tier++) {
            JitOptions options = {.tier = tier, .code_size = 1 << 16, .heap_size = 1 << 20};
            JitCompiler *jit = jit_new(program, &options);
            jit_compile_all(jit);
            vm_call(jit_vm(jit), 0, NULL);
            assert_int_equal(jit_vm(jit)->feedback[0][programs[i].pc], programs[i].expected);
            jit_free(jit);
        }
        program_free(program);
    }
}

// The count-down.

static uint32_t num_optimized;

static void note_optimize(Vm *vm, Callable *callable) {
    assert_ptr_equal(callable, &vm->callables[1]);
    num_optimized++;
    callable->countdown = 4;
}

// Every fifth, then every fourth call of f goes to the compiler first, and is a call like the others.
static void test_calls_of_baseline_code_are_counted_down(void **state) {
    (void)state;
    Program *program = program_from("func main params=2\n load_local 0\n load_local 1\n call f\n return\nend\n"
                                    "func f params=2\n load_local 0\n load_local 1\n sub\n return\nend\n");
    JitOptions options = {.tier = TIER_BASELINE, .code_size = 1 << 16, .heap_size = 1 << 20};
    JitCompiler *jit = jit_new(program, &options);
    Vm *vm = jit_vm(jit);
    vm->optimize = note_optimize;
    jit_compile_all(jit);
    vm->callables[0].countdown = UINT32_MAX;
    vm->callables[1].countdown = 5;
    num_optimized = 0;
    for (uint32_t i = 1; i <= 21; i++) {
        assert_int_equal(call(jit, "main", ARGS(100, 1)).result, 99);
        assert_int_equal(num_optimized, i < 5 ? 0 : 1 + (i - 5) / 3);
    }
    jit_free(jit);
    program_free(program);
}

static const struct CMUnitTest frames_tests[] = {
    cmocka_unit_test(test_the_walk_finds_every_function),
    cmocka_unit_test(test_nothing_is_left_after_an_error),
    cmocka_unit_test(test_callees_put_up_with_any_number_of_arguments),
    cmocka_unit_test(test_operators_record_what_their_operands_are),
    cmocka_unit_test(test_accesses_record_what_is_no_element),
    cmocka_unit_test(test_calls_of_baseline_code_are_counted_down),
};
TEST_MAIN(frames_tests)
