// The verifier: every reason to reject a program, what it must not reject, and what it finds out.
#include "bytecode/verify.h"

#include <inttypes.h>
#include <math.h>

#include "object/number.h"
#include "programs.h"
#include "testing/test_main.h"

// Parses and verifies; the text must parse. Returns "line:column message", or NULL if accepted.
static char *verify_text(const char *text) {
    Program *program = program_new("v.bca");
    Diagnostic diagnostic = {0};
    if (!program_parse(program, text, strlen(text), &diagnostic)) fail_msg("does not parse: %s", diagnostic.message);
    char *answer = NULL;
    if (!program_verify(program, &diagnostic)) {
        answer = malloc(400);
        snprintf(answer, 400, "%u:%u %s", diagnostic.pos.line, diagnostic.pos.column, diagnostic.message);
    }
    program_free(program);
    return answer;
}

static void assert_rejected(const char *text, const char *expected) {
    char *answer = verify_text(text);
    if (!answer) fail_msg("accepted: %s", text);
    assert_string_equal(answer, expected);
    free(answer);
}

static void assert_accepted(const char *text) {
    char *answer = verify_text(text);
    if (answer) fail_msg("%s\n%s", answer, text);
}

#define MAIN(code) "func main params=0\n" code "end\n"
#define MAIN_WITH(header, code) "func main " header "\n" code "end\n"

static void test_empty_function(void **state) {
    (void)state;
    assert_rejected(MAIN(""), "1:6 function 'main' is empty");
    assert_rejected("func f params=0\nload_const 1\nreturn\nend\n\n  func g params=1\nend\n", "6:8 function 'g' is empty");
}

static void test_locals_out_of_range(void **state) {
    (void)state;
    assert_rejected(MAIN("load_local 0\nreturn\n"), "2:1 no local 0: 'main' has locals=0");
    assert_rejected(MAIN_WITH("params=2 locals=3", "load_local 3\nreturn\n"), "2:1 no local 3: 'main' has locals=3");
    assert_rejected(MAIN_WITH("params=2", "load_local -1\nreturn\n"), "2:1 no local -1: 'main' has locals=2");
    assert_rejected(MAIN("load_const 1\nstore_local 4294967296\nload_const 1\nreturn\n"), "3:1 no local 4294967296: 'main' has locals=0");
    assert_rejected(MAIN_WITH("params=1", "load_const 1\nstore_local 0x8000000000000000\nload_const 1\nreturn\n"),
                    "3:1 no local -9223372036854775808: 'main' has locals=1");
    assert_rejected(MAIN("load_const 1\nreturn\nload_local 0\n"), "4:1 no local 0: 'main' has locals=0"); // unreachable
    assert_accepted(MAIN_WITH("params=65535", "load_local 65534\nreturn\n"));
}

static void test_jump_out_of_the_function(void **state) {
    (void)state;
    assert_rejected(MAIN("jump last\nlast:"), "2:1 the jump leaves the function");
    assert_rejected(MAIN("load_const 1\njump_if_false last\nload_const 1\nreturn\nlast:"), "3:1 the jump leaves the function");
    assert_rejected(MAIN("load_const 1\nreturn\njump last\nlast:"), "4:1 the jump leaves the function"); // unreachable
}

static void test_falling_off_the_end(void **state) {
    (void)state;
    assert_rejected(MAIN("load_const 1\n"), "2:1 execution falls off the end of 'main'");
    assert_rejected(MAIN("a: load_const 1\njump_if_false a\n"), "3:1 execution falls off the end of 'main'");
    assert_rejected(MAIN("jump b\na: load_const 1\nreturn\nb: call main\n"), "5:4 execution falls off the end of 'main'");
    assert_accepted(MAIN("a: jump a\nload_const 1\n")); // never reached
    assert_accepted(MAIN("a: jump a\n"));
}

static void test_underflow(void **state) {
    (void)state;
    assert_rejected(MAIN("return\n"), "2:1 'return' pops 1 operands, but the stack holds 0");
    assert_rejected(MAIN_WITH("params=1", "store_local 0\n"), "2:1 'store_local' pops 1 operands, but the stack holds 0");
    assert_rejected(MAIN("a: jump_if_false a\n"), "2:4 'jump_if_false' pops 1 operands, but the stack holds 0");
    static const char *const binary[] = {"add", "sub", "mul", "div", "equal", "less_than", "greater_than"};
    for (int i = 0; i < 7; i++) {
        char text[100], expected[100];
        snprintf(text, sizeof text, MAIN("load_const 1\n%s\nreturn\n"), binary[i]);
        snprintf(expected, sizeof expected, "3:1 '%s' pops 2 operands, but the stack holds 1", binary[i]);
        assert_rejected(text, expected);
    }
    assert_rejected(MAIN("load_const 1\ncall f\nreturn\n") "func f params=2\nload_local 0\nreturn\nend\n",
                    "3:1 'call' pops 2 operands, but the stack holds 1");
    assert_rejected("func f params=65535\nload_const 1\ncall f\nreturn\nend\n", "3:1 'call' pops 65535 operands, but the stack holds 1");
}

static void test_depths_that_differ_at_a_join(void **state) {
    (void)state;
    assert_rejected(MAIN_WITH("params=1", "load_local 0\njump_if_false a\nload_const 1\na: load_const 2\nreturn\n"),
                    "5:4 reached with 0 operands on the stack on one path and 1 on another");
    assert_rejected(MAIN("a: load_const 1\njump a\n"), "2:4 reached with 0 operands on the stack on one path and 1 on another");
    assert_rejected(MAIN("load_const 1\nload_const 2\na: jump_if_false a\nreturn\n"),
                    "4:4 reached with 2 operands on the stack on one path and 1 on another");
    assert_accepted(MAIN_WITH("params=1", "load_local 0\njump_if_false a\nload_const 1\njump b\na: load_const 2\nb: return\n"));
}

static void test_deepest_stack(void **state) {
    (void)state;
    char *text = malloc((MAX_DEPTH + 1) * 16 + 100), *at = text;
    for (int more = 0; more < 2; more++) {
        at = text + sprintf(text, "func main params=0\n");
        for (int i = 0; i < MAX_DEPTH + more; i++) at += sprintf(at, "load_const 1\n");
        sprintf(at, "return\nend\n");
        if (more) assert_rejected(text, "65537:1 more than 65535 operands on the stack");
        else assert_accepted(text);
    }
    free(text);
}

#define UNWRITTEN(place, local) place " local " local " is read before it is written on some path"

static void test_reads_before_writes(void **state) {
    (void)state;
    assert_rejected(MAIN_WITH("params=1 locals=2", "load_local 1\nreturn\n"), UNWRITTEN("2:1", "1"));
    // On one of two paths.
    assert_rejected(MAIN_WITH("params=1 locals=2", "load_local 0\njump_if_false a\nload_const 1\nstore_local 1\na: load_local 1\nreturn\n"),
                    UNWRITTEN("6:4", "1"));
    // Only in a loop's first round.
    assert_rejected(MAIN_WITH("params=1 locals=2",
                              "a: load_local 0\njump_if_false b\nload_local 1\nstore_local 0\nload_const 1\nstore_local 1\njump a\n"
                              "b: load_const 1\nreturn\n"),
                    UNWRITTEN("4:1", "1"));
    // Written in a loop that may not run at all.
    assert_rejected(MAIN_WITH("params=1 locals=2",
                              "a: load_local 0\njump_if_false b\nload_const 1\nstore_local 1\nload_const 0\nstore_local 0\njump a\n"
                              "b: load_local 1\nreturn\n"),
                    UNWRITTEN("9:4", "1"));
    // Found only when a path is walked a second time: the first arrives with the local written.
    assert_rejected(MAIN_WITH("params=1 locals=2",
                              "load_local 0\njump_if_false unwritten\nload_const 1\nstore_local 1\njump join\n"
                              "unwritten: jump join\njoin: jump read\nread: load_local 1\nreturn\n"),
                    UNWRITTEN("9:7", "1"));
    assert_rejected(MAIN_WITH("params=1 locals=2",
                              "load_local 0\njump_if_false written\njump join\nwritten: load_const 1\nstore_local 1\njump join\n"
                              "join: jump read\nread: load_local 1\nreturn\n"),
                    UNWRITTEN("9:7", "1"));
}

static void test_writes_on_every_path(void **state) {
    (void)state;
    assert_accepted(MAIN_WITH("params=1 locals=2",
                              "load_local 0\njump_if_false a\nload_const 1\nstore_local 1\njump b\na: load_const 2\nstore_local 1\n"
                              "b: load_local 1\nreturn\n"));
    // A path on which it is not written, but which does not read it.
    assert_accepted(MAIN_WITH("params=1 locals=2",
                              "load_local 0\njump_if_false a\nload_const 1\nstore_local 1\nload_local 1\nreturn\na: load_const 2\nreturn\n"));
    // The loop's body is always run once before the read.
    assert_accepted(MAIN_WITH("params=1 locals=2",
                              "a: load_const 1\nstore_local 1\nload_local 0\njump_if_false b\nload_const 0\nstore_local 0\njump a\n"
                              "b: load_local 1\nreturn\n"));
    assert_accepted(MAIN_WITH("params=3", "load_local 0\nload_local 1\nadd\nload_local 2\nadd\nreturn\n"));
    assert_accepted(MAIN_WITH("params=0 locals=1", "load_const 1\nreturn\nload_local 0\nreturn\n")); // unreachable
}

// More than 64 locals are checked in several groups.
static void test_reads_before_writes_of_many_locals(void **state) {
    (void)state;
    static const int locals[] = {1, 62, 63, 64, 65, 127, 128, 129, 200, 639, 640, 65533};
    for (size_t i = 0; i < sizeof locals / sizeof *locals; i++) {
        char text[200], expected[100];
        snprintf(text, sizeof text, MAIN_WITH("params=1 locals=65535", "load_const 1\nstore_local %d\nload_local %d\nreturn\n"), locals[i], locals[i]);
        assert_accepted(text);
        snprintf(text, sizeof text, MAIN_WITH("params=1 locals=65535", "load_const 1\nstore_local %d\nload_local %d\nreturn\n"),
                 locals[i] ^ 1, locals[i]);
        snprintf(expected, sizeof expected, UNWRITTEN("4:1", "%d"), locals[i]);
        assert_rejected(text, expected);
        // Local x + 64 is another one, although it has the same place in its group.
        snprintf(text, sizeof text, MAIN_WITH("params=1 locals=65535", "load_const 1\nstore_local %d\nload_local %d\nreturn\n"),
                 (locals[i] + 64) % 65535, locals[i]);
        assert_rejected(text, expected);
    }
    assert_accepted(MAIN_WITH("params=100 locals=130", "load_local 99\nload_const 1\nstore_local 129\nload_local 129\nadd\nreturn\n"));
    assert_rejected(MAIN_WITH("params=100 locals=130", "load_local 99\nload_local 100\nadd\nreturn\n"), UNWRITTEN("3:1", "100"));
}

// What it takes too long to check is rejected: 64 paths, of which each makes every group of locals
// be looked at once more.
static void test_work_is_bounded(void **state) {
    (void)state;
    if (SANITIZED) skip();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("func main params=0 locals=65535\n", out);
    for (int i = 0; i < 64; i++) {
        for (int group = 0; group < 1023; group++) fprintf(out, "load_const 0\nstore_local %d\n", group * 64 + i);
        fprintf(out, "load_const 0\njump_if_false n%d\njump chain\nn%d:\n", i, i);
    }
    fputs("chain: load_const 1\n", out);
    for (int i = 0; i < 100000; i++) fputs("load_const 1\nadd\n", out);
    fputs("return\n", out);
    for (int local = 0; local < 1023 * 64; local++) fprintf(out, "load_local %d\n", local);
    fputs("jump chain\nend\n", out);
    fclose(out);
    assert_rejected(text, "1:6 function 'main' is too large to check all its locals");
    free(text);
}

// Unreachable code may do what it likes with the stack. It has no depth, and no code is made for it.
static void test_unreachable_code(void **state) {
    (void)state;
    Program *program = program_from(MAIN("load_const 1\nreturn\nadd\nadd\na: mul\njump b\nload_const 1\nb: jump a\n"));
    static const int32_t expected[] = {0, 1, -1, -1, -1, -1, -1, -1};
    const Function *f = &program->functions[0];
    assert_int_equal(f->num_instructions, 8);
    for (int pc = 0; pc < 8; pc++) assert_int_equal(f->depth[pc], expected[pc]);
    assert_int_equal(f->max_depth, 1);
    for (size_t i = 0; i < num_modes; i++) assert_int_equal(run_in_mode(program, &modes[i], NULL).result, 1);
    Program *plain = program_from(MAIN("load_const 1\nreturn\n"));
    for (size_t i = 1; i < num_modes; i++) {
        size_t with, without;
        JitCompiler *jit = mode_start(program, &modes[i]);
        jit_code(jit, f, &with);
        jit_free(jit);
        jit = mode_start(plain, &modes[i]);
        jit_code(jit, &plain->functions[0], &without);
        jit_free(jit);
        assert_int_equal(with, without);
    }
    program_free(program);
    program_free(plain);
}

static void test_depths(void **state) {
    (void)state;
    Program *program = program_from("func main params=1 locals=2\nload_const 1\nload_local 0\njump_if_false a\nload_const 2\nload_const 3\n"
                                    "call f\nstore_local 1\na: return\nend\nfunc f params=2\nload_local 0\nreturn\nend\n");
    static const int32_t expected[] = {0, 1, 2, 1, 2, 3, 2, 1};
    for (int pc = 0; pc < 8; pc++) assert_int_equal(program->functions[0].depth[pc], expected[pc]);
    assert_int_equal(program->functions[0].max_depth, 3);
    assert_int_equal(program->functions[1].max_depth, 1);
    program_free(program);
}

// Programs that were never a text.

typedef struct Built {
    uint32_t num_params, num_locals;
    Instruction code[4];
    size_t count;
    const char *expected; // the message, or NULL
} Built;

#define INS(o, n) {.opcode = (o), .operand = (n)}
#define INT(i) ((int64_t)(i) << INT_SHIFT | TAG_INT)

static const Built built[] = {
    {0, 0, {INS(OP_LOAD_CONST, INT(7)), INS(OP_RETURN, 0)}, 2, NULL},
    {0, 0, {INS((Opcode)250, 0), INS(OP_RETURN, 0)}, 2, "unknown opcode 250"},
    {0, 0, {INS((Opcode)-1, 0), INS(OP_RETURN, 0)}, 2, "unknown opcode -1"},
    {0, 0, {INS(OP_LOAD_CONST, INT(7)), INS(OP_RETURN, 0), INS((Opcode)INT32_MAX, 0)}, 3, "unknown opcode 2147483647"},
    {0, 0, {INS(OP_JUMP, -1)}, 1, "the jump leaves the function"},
    {0, 0, {INS(OP_JUMP, 1)}, 1, "the jump leaves the function"},
    {0, 0, {INS(OP_JUMP, INT64_MIN)}, 1, "the jump leaves the function"},
    {0, 0, {INS(OP_JUMP, 0x100000000)}, 1, "the jump leaves the function"},
    {0, 0, {INS(OP_LOAD_CONST, INT(0)), INS(OP_JUMP_IF_FALSE, 0x7FFFFFFFFFFFFFFF), INS(OP_JUMP, 0)}, 3, "the jump leaves the function"},
    {0, 0, {INS(OP_CALL, -1), INS(OP_RETURN, 0)}, 2, "no function -1"},
    {0, 0, {INS(OP_CALL, 1), INS(OP_RETURN, 0)}, 2, "no function 1"},
    {0, 0, {INS(OP_CALL, 0x100000000), INS(OP_RETURN, 0)}, 2, "no function 4294967296"},
    {0, 1, {INS(OP_LOAD_LOCAL, 0x100000000), INS(OP_RETURN, 0)}, 2, "no local 4294967296: 'main' has locals=1"},
    {2, 1, {INS(OP_LOAD_CONST, INT(7)), INS(OP_RETURN, 0)}, 2, "function 'main': params=2 locals=1 is out of range"},
    {0, 65536, {INS(OP_LOAD_CONST, INT(7)), INS(OP_RETURN, 0)}, 2, "function 'main': params=0 locals=65536 is out of range"},
    {UINT32_MAX, UINT32_MAX, {INS(OP_CALL, 0), INS(OP_RETURN, 0)}, 2, "function 'main': params=4294967295 locals=4294967295 is out of range"},
};

static void test_programs_built_by_hand(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof built / sizeof *built; i++) {
        const Built *b = &built[i];
        Program *program = program_new("built");
        uint32_t f = program_add_function(program, "main", b->num_params, b->num_locals);
        for (size_t pc = 0; pc < b->count; pc++) program_emit(program, f, b->code[pc].opcode, b->code[pc].operand, (SourcePos){0, 0});
        Diagnostic diagnostic = {0};
        bool accepted = program_verify(program, &diagnostic);
        assert_int_equal(accepted, b->expected == NULL);
        if (b->expected) assert_string_equal(diagnostic.message, b->expected);
        program_free(program);
    }
}

static void assert_operand(Program *program, Opcode opcode, int64_t operand, const char *expected) {
    uint32_t f = program_add_function(program, "f", 1, 1);
    program_emit(program, f, OP_LOAD_LOCAL, 0, (SourcePos){0, 0});
    program_emit(program, f, opcode, operand, (SourcePos){0, 0});
    program_emit(program, f, OP_RETURN, 0, (SourcePos){0, 0});
    Diagnostic diagnostic = {0};
    bool accepted = program_verify(program, &diagnostic);
    program->num_functions--;
    free(program->functions[f].bytecode);
    free(program->functions[f].positions);
    if (!accepted && expected) assert_string_equal(diagnostic.message, expected);
    if (accepted != !expected) fail_msg("operand 0x%" PRIx64 ": %s", (uint64_t)operand, accepted ? "accepted" : diagnostic.message);
}

static void test_constants_built_by_hand(void **state) {
    (void)state;
    Program *program = program_new("built");
    static const double numbers[] = {0, -0.0, 1, -1, 0.5, INT32_MIN, INT32_MAX, 2147483648.0, -2147483649.0, 1e300, -1e-300, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_operand(program, OP_LOAD_CONST, (int64_t)program_number(program, numbers[i]), NULL);
    assert_operand(program, OP_LOAD_CONST, (int64_t)value_from_pointer(program_intern(program, "text", 4)), NULL);
    static const Value words[] = {VALUE_FALSE, VALUE_TRUE, VALUE_UNDEFINED, VALUE_NULL};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) assert_operand(program, OP_LOAD_CONST, (int64_t)words[i], NULL);
    assert_operand(program, OP_LOAD_CONST, 0, "0x0 is no constant");
    assert_operand(program, OP_LOAD_CONST, VALUE_HOLE, "0x24 is no constant");
    assert_operand(program, OP_LOAD_CONST, 0x10C, "0x10c is no constant");
    assert_operand(program, OP_LOAD_CONST, 7, "0x7 is no constant"); // bits below an integer
    assert_operand(program, OP_LOAD_CONST, (int64_t)flonum_encode(1), "0x7f80000000000002 is no constant"); // an integer
    HeapNumber one = {{.type = TYPE_NUMBER, .shape = SHAPE_NUMBER}, 1};
    Header object = {.type = TYPE_OBJECT};
    char expected[40];
    snprintf(expected, sizeof expected, "0x%" PRIx64 " is no constant", (uint64_t)(uintptr_t)&one);
    assert_operand(program, OP_LOAD_CONST, (int64_t)value_from_pointer(&one), expected);
    snprintf(expected, sizeof expected, "0x%" PRIx64 " is no constant", (uint64_t)(uintptr_t)&object);
    assert_operand(program, OP_LOAD_CONST, (int64_t)value_from_pointer(&object), expected);
    program_free(program);
}

static void test_names_built_by_hand(void **state) {
    (void)state;
    static const Opcode opcodes[] = {OP_GET_PROPERTY, OP_DELETE_PROPERTY, OP_CALL_METHOD};
    static const char message[] = "the name is no interned string of the program";
    Program *program = program_new("built"), *other = program_new("other");
    int64_t name = (int64_t)(uintptr_t)program_intern(program, "name", 4), foreign = (int64_t)(uintptr_t)program_intern(other, "name", 4);
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
        assert_operand(program, opcodes[i], name, NULL);
        assert_operand(program, opcodes[i], 0, message);
        assert_operand(program, opcodes[i], foreign, message);
    }
    program_free(program);
    program_free(other);
}

// A call of a function whose own header is only found out of range later.
static void test_call_of_a_bad_function(void **state) {
    (void)state;
    Program *program = program_new("built");
    uint32_t f = program_add_function(program, "main", 0, 0);
    program_add_function(program, "bad", UINT32_MAX, 0);
    program_emit(program, f, OP_CALL, 1, (SourcePos){0, 0});
    program_emit(program, f, OP_RETURN, 0, (SourcePos){0, 0});
    Diagnostic diagnostic = {0};
    assert_false(program_verify(program, &diagnostic));
    assert_string_equal(diagnostic.message, "'call' pops 4294967295 operands, but the stack holds 0");
    program_free(program);
}

static void test_a_program_without_functions(void **state) {
    (void)state;
    Program *program = program_new("empty");
    Diagnostic diagnostic = {0};
    assert_true(program_verify(program, &diagnostic));
    JitCompiler *jit = jit_new(program, &jit_default_options);
    assert_int_equal(jit_compile_all(jit), 0);
    jit_free(jit);
    program_free(program);
}

static const struct CMUnitTest verify_tests[] = {
    cmocka_unit_test(test_empty_function),
    cmocka_unit_test(test_locals_out_of_range),
    cmocka_unit_test(test_jump_out_of_the_function),
    cmocka_unit_test(test_falling_off_the_end),
    cmocka_unit_test(test_underflow),
    cmocka_unit_test(test_depths_that_differ_at_a_join),
    cmocka_unit_test(test_deepest_stack),
    cmocka_unit_test(test_reads_before_writes),
    cmocka_unit_test(test_writes_on_every_path),
    cmocka_unit_test(test_reads_before_writes_of_many_locals),
    cmocka_unit_test(test_work_is_bounded),
    cmocka_unit_test(test_unreachable_code),
    cmocka_unit_test(test_depths),
    cmocka_unit_test(test_programs_built_by_hand),
    cmocka_unit_test(test_constants_built_by_hand),
    cmocka_unit_test(test_names_built_by_hand),
    cmocka_unit_test(test_call_of_a_bad_function),
    cmocka_unit_test(test_a_program_without_functions),
};
TEST_MAIN(verify_tests)
