// Every operator on every pair of a list of primitives: against a table, against node, and the same in machine
// code, where operands are locals or constants and comparisons may be part of a branch.
#include <inttypes.h>
#include <math.h>

#include "node.h"
#include "object/runtime.h"
#include "programs.h"
#include "testing/test_main.h"

// A primitive: a number, or a string, or another word of JavaScript.
typedef struct Operand {
    double number;
    const char *text; // NULL: the number
    bool is_word;     // true, false, ...
} Operand;

#define NUMBER(d) {.number = (d)}
#define STRING(s) {.text = (s)}
#define WORD(w) {.text = (w), .is_word = true}

static const Operand operands[] = {
    NUMBER(0),
    NUMBER(1),
    NUMBER(-1),
    NUMBER(2),
    NUMBER(3),
    NUMBER(-7),
    NUMBER(8),
    NUMBER(64),
    NUMBER(65536),
    NUMBER(-65536),
    NUMBER(1073741824),
    NUMBER(-1073741824),
    NUMBER(INT32_MAX),
    NUMBER(INT32_MIN),
    NUMBER(46341),
    NUMBER(2147483648.0),
    NUMBER(-2147483649.0),
    NUMBER(4294967296.0),
    NUMBER(-0.0),
    NUMBER(0.5),
    NUMBER(-2.5),
    NUMBER(1e21),
    NUMBER(9007199254740993.0),
    NUMBER(5e-324),
    NUMBER(1.7e308),
    NUMBER(-1e300),
    NUMBER(0x1p257),
    NUMBER(NAN),
    NUMBER(INFINITY),
    NUMBER(-INFINITY),
    STRING(""),
    STRING("0"),
    STRING("1"),
    STRING("-0"),
    STRING("10"),
    STRING("9"),
    STRING(" 8 "),
    STRING("a"),
    STRING("ab"),
    STRING("b"),
    STRING("0x10"),
    STRING("Infinity"),
    STRING("true"),
    WORD("true"),
    WORD("false"),
    WORD("undefined"),
    WORD("null"),
};
enum { NUM_OPERANDS = sizeof operands / sizeof *operands };

static Value operand_value(Program *program, Operand o) {
    if (!o.text) return program_number(program, o.number);
    if (!o.is_word) return value_from_pointer(program_intern(program, o.text, strlen(o.text)));
    switch (o.text[0]) {
    case 't': return VALUE_TRUE;
    case 'f': return VALUE_FALSE;
    default: return o.text[0] == 'n' ? VALUE_NULL : VALUE_UNDEFINED;
    }
}

// What node's show() writes.
static void print_value_as_node(FILE *out, Value v) {
    char buffer[NUMBER_TEXT_SIZE];
    Text text = primitive_to_text(v, buffer);
    const char *type = value_is_number(v)                        ? "number"
                       : value_is_string(v)                      ? "string"
                       : v == VALUE_TRUE || v == VALUE_FALSE     ? "boolean"
                       : v == VALUE_NULL                         ? "object"
                                                                 : "undefined";
    bool minus_zero = value_is_number(v) && number_to_double(v) == 0 && signbit(number_to_double(v));
    fprintf(out, "%s %s%.*s", type, minus_zero ? "-" : "", (int)text.length, text.bytes);
}

typedef struct Bench {
    Program *program;
    Value values[NUM_OPERANDS];
} Bench;

static Bench new_bench(void) {
    Bench bench = {.program = program_new("test.bca")};
    for (int i = 0; i < NUM_OPERANDS; i++) bench.values[i] = operand_value(bench.program, operands[i]);
    return bench;
}

static void verify(Program *program) {
    Diagnostic diagnostic = {0};
    if (!program_verify(program, &diagnostic)) fail_msg("%s", diagnostic.message);
}

// Known results.

static const struct {
    Operator op;
    Operand a, b;
    const char *result;
} known[] = {
    {OPERATOR_ADD, NUMBER(INT32_MAX), NUMBER(1), "number 2147483648"},
    {OPERATOR_ADD, NUMBER(-0.0), NUMBER(-0.0), "number -0"},
    {OPERATOR_ADD, NUMBER(-0.0), NUMBER(0), "number 0"},
    {OPERATOR_ADD, NUMBER(0.1), NUMBER(0.2), "number 0.30000000000000004"},
    {OPERATOR_ADD, STRING("a"), NUMBER(1e21), "string a1e+21"},
    {OPERATOR_ADD, NUMBER(-0.0), STRING(""), "string 0"},
    {OPERATOR_ADD, STRING("x"), WORD("undefined"), "string xundefined"},
    {OPERATOR_ADD, WORD("null"), STRING("x"), "string nullx"},
    {OPERATOR_ADD, WORD("true"), WORD("true"), "number 2"},
    {OPERATOR_ADD, WORD("undefined"), NUMBER(1), "number NaN"},
    {OPERATOR_ADD, WORD("null"), NUMBER(1), "number 1"},
    {OPERATOR_ADD, STRING("1"), STRING("2"), "string 12"},
    {OPERATOR_SUB, STRING("7"), STRING("2"), "number 5"},
    {OPERATOR_SUB, NUMBER(INT32_MIN), NUMBER(1), "number -2147483649"},
    {OPERATOR_SUB, NUMBER(INFINITY), NUMBER(INFINITY), "number NaN"},
    {OPERATOR_MUL, NUMBER(0), NUMBER(-5), "number -0"},
    {OPERATOR_MUL, NUMBER(-5), NUMBER(0), "number -0"},
    {OPERATOR_MUL, NUMBER(65536), NUMBER(65536), "number 4294967296"},
    {OPERATOR_MUL, NUMBER(INT32_MIN), NUMBER(-1), "number 2147483648"},
    {OPERATOR_DIV, NUMBER(7), NUMBER(2), "number 3.5"},
    {OPERATOR_DIV, NUMBER(1), NUMBER(0), "number Infinity"},
    {OPERATOR_DIV, NUMBER(1), NUMBER(-0.0), "number -Infinity"},
    {OPERATOR_DIV, NUMBER(0), NUMBER(-3), "number -0"},
    {OPERATOR_DIV, NUMBER(INT32_MIN), NUMBER(-1), "number 2147483648"},
    {OPERATOR_MOD, NUMBER(-4), NUMBER(2), "number -0"},
    {OPERATOR_MOD, NUMBER(INT32_MIN), NUMBER(-1), "number -0"},
    {OPERATOR_MOD, NUMBER(5), NUMBER(0), "number NaN"},
    {OPERATOR_EQUAL, NUMBER(NAN), NUMBER(NAN), "boolean false"},
    {OPERATOR_EQUAL, NUMBER(0), NUMBER(-0.0), "boolean true"},
    {OPERATOR_EQUAL, NUMBER(1), STRING("1"), "boolean false"},
    {OPERATOR_EQUAL, WORD("null"), WORD("undefined"), "boolean false"},
    {OPERATOR_EQUAL, WORD("true"), NUMBER(1), "boolean false"},
    {OPERATOR_LESS_THAN, STRING("10"), STRING("9"), "boolean true"},
    {OPERATOR_LESS_THAN, STRING("10"), NUMBER(9), "boolean false"},
    {OPERATOR_LESS_THAN, WORD("undefined"), NUMBER(1), "boolean false"},
    {OPERATOR_GREATER_THAN, WORD("undefined"), NUMBER(1), "boolean false"},
    {OPERATOR_GREATER_THAN, WORD("true"), WORD("null"), "boolean true"},
    {OPERATOR_LESS_THAN, STRING("a"), STRING("ab"), "boolean true"},
};

static void test_known_results(void **state) {
    (void)state;
    Program *program = program_new("test.bca");
    Heap heap;
    heap_init(&heap, 1 << 20);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        Value a = operand_value(program, known[i].a), b = operand_value(program, known[i].b);
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        print_value_as_node(out, operator_apply(&heap, known[i].op, a, b));
        fclose(out);
        if (strcmp(text, known[i].result) != 0)
            fail_msg("row %zu (%s): %s, wanted %s", i, operator_names[known[i].op], text, known[i].result);
        free(text);
    }
    heap_free(&heap);
    program_free(program);
}

// Against node.

static void print_operand(FILE *out, Operand o) {
    if (!o.text) fprintf(out, "fromBits('%016" PRIx64 "')", double_bits(o.number));
    else if (o.is_word) fputs(o.text, out);
    else fprintf(out, "'%s'", o.text);
}

static void print_script(FILE *out) {
    fputs(NODE_READ_DOUBLE "const v = [", out);
    for (int i = 0; i < NUM_OPERANDS; i++) {
        print_operand(out, operands[i]);
        fputs(", ", out);
    }
    fputs("];\nconst lines = [];\n", out);
    for (int op = 0; op < NUM_OPERATORS; op++)
        fprintf(out, "for (const a of v) for (const b of v) lines.push(show(a %s b));\n", operator_names[op]);
    fputs("for (const a of v) lines.push(show(!!a));\nprocess.stdout.write(lines.join('\\n') + '\\n');\n", out);
}

static void print_results(FILE *out, Heap *heap, const Value *values) {
    for (Operator op = 0; op < NUM_OPERATORS; op++) {
        for (int i = 0; i < NUM_OPERANDS * NUM_OPERANDS; i++) {
            print_value_as_node(out, operator_apply(heap, op, values[i / NUM_OPERANDS], values[i % NUM_OPERANDS]));
            fputc('\n', out);
        }
    }
    for (int i = 0; i < NUM_OPERANDS; i++)
        fprintf(out, "boolean %s\n", value_is_truthy(values[i]) ? "true" : "false");
}

static void test_all_pairs_as_in_node(void **state) {
    (void)state;
    if (!node_is_installed()) skip();
    Bench bench = new_bench();
    Heap heap;
    heap_init(&heap, 16 << 20);
    char *script = NULL, *results = NULL;
    size_t size;
    FILE *out = open_memstream(&script, &size);
    print_script(out);
    fclose(out);
    out = open_memstream(&results, &size);
    print_results(out, &heap, bench.values);
    fclose(out);
    char *printed = node_run(script, "");
    assert_non_null(printed);
    const char *a = printed, *b = results;
    for (int line = 0; *a || *b; line++) {
        size_t length = strcspn(a, "\n"), length_b = strcspn(b, "\n");
        int pair = line % (NUM_OPERANDS * NUM_OPERANDS), op = line / (NUM_OPERANDS * NUM_OPERANDS);
        if (length != length_b || memcmp(a, b, length) != 0)
            fail_msg("operator %d, operands %d and %d: %.*s, node has %.*s", op, pair / NUM_OPERANDS,
                     pair % NUM_OPERANDS, (int)length_b, b, (int)length, a);
        a += length + (a[length] == '\n');
        b += length_b + (b[length_b] == '\n');
    }
    free(script);
    free(results);
    free(printed);
    heap_free(&heap);
    program_free(bench.program);
}

// In machine code.

// How an operand comes to the operator.
typedef enum From { FROM_LOCAL, FROM_CONST, NUM_FROM } From;

static const Opcode opcodes[NUM_OPERATORS] = {
    [OPERATOR_ADD] = OP_ADD,
    [OPERATOR_SUB] = OP_SUB,
    [OPERATOR_MUL] = OP_MUL,
    [OPERATOR_DIV] = OP_DIV,
    [OPERATOR_MOD] = OP_MOD,
    [OPERATOR_EQUAL] = OP_EQUAL,
    [OPERATOR_LESS_THAN] = OP_LESS_THAN,
    [OPERATOR_GREATER_THAN] = OP_GREATER_THAN,
};

static void emit(Program *program, uint32_t f, Opcode opcode, int64_t operand) {
    program_emit(program, f, opcode, operand, (SourcePos){1, 1});
}

static void emit_operand(Program *program, uint32_t f, From from, int local, Value value) {
    if (from == FROM_LOCAL) emit(program, f, OP_LOAD_LOCAL, local);
    else emit(program, f, OP_LOAD_CONST, (int64_t)value);
}

// A function of two parameters that computes a op b; with `branches`, "yes" or "no" by a jump instead.
static uint32_t add_operation(Bench *bench, Operator op, From left, From right, Value a, Value b, bool branches) {
    char name[40];
    snprintf(name, sizeof name, "f%zu", bench->program->num_functions);
    uint32_t f = program_add_function(bench->program, name, 2, 2);
    emit_operand(bench->program, f, left, 0, a);
    emit_operand(bench->program, f, right, 1, b);
    emit(bench->program, f, opcodes[op], 0);
    if (branches) {
        emit(bench->program, f, OP_JUMP_IF_FALSE, 6);
        emit(bench->program, f, OP_LOAD_CONST, (int64_t)VALUE_TRUE);
        emit(bench->program, f, OP_RETURN, 0);
        emit(bench->program, f, OP_LOAD_CONST, (int64_t)VALUE_FALSE);
    }
    emit(bench->program, f, OP_RETURN, 0);
    return f;
}

static bool same_value(Value a, Value b) {
    if (value_is_number(a) && value_is_number(b)) {
        double x = number_to_double(a), y = number_to_double(b);
        return isnan(x) ? isnan(y) : double_bits(x) == double_bits(y) && value_is_pointer(a) == value_is_pointer(b);
    }
    return values_are_equal(a, b);
}

static void check_call(JitCompiler *jit, uint32_t f, Operator op, bool branches, Value a, Value b) {
    Vm *vm = jit_vm(jit);
    Value args[] = {a, b}, wanted = operator_apply(&vm->heap, op, a, b), got = vm_call(vm, f, args);
    if (branches) wanted = value_from_bool(value_is_truthy(wanted));
    if (got != NO_VALUE && same_value(got, wanted)) return;
    print_value_as_node(stderr, a);
    fprintf(stderr, " %s ", operator_names[op]);
    print_value_as_node(stderr, b);
    fputs(": ", stderr);
    if (got) print_value_as_node(stderr, got);
    fputs(", wanted ", stderr);
    print_value_as_node(stderr, wanted);
    fail_msg("%s", vm->program->functions[f].name);
}

// The functions of one operator: two locals; a constant on one side; on both.
typedef struct Operations {
    uint32_t locals, left_const[NUM_OPERANDS], right_const[NUM_OPERANDS], both_const[NUM_OPERANDS][NUM_OPERANDS];
} Operations;

static void add_operations(Bench *bench, Operations *f, Operator op, bool branches) {
    const Value *v = bench->values;
    f->locals = add_operation(bench, op, FROM_LOCAL, FROM_LOCAL, 0, 0, branches);
    for (int i = 0; i < NUM_OPERANDS; i++) {
        f->left_const[i] = add_operation(bench, op, FROM_CONST, FROM_LOCAL, v[i], 0, branches);
        f->right_const[i] = add_operation(bench, op, FROM_LOCAL, FROM_CONST, 0, v[i], branches);
        for (int j = 0; j < NUM_OPERANDS; j++)
            f->both_const[i][j] = add_operation(bench, op, FROM_CONST, FROM_CONST, v[i], v[j], branches);
    }
}

static void check_operations(JitCompiler *jit, const Bench *bench, const Operations *f, Operator op, bool branches) {
    const Value *v = bench->values;
    for (int i = 0; i < NUM_OPERANDS; i++) {
        for (int j = 0; j < NUM_OPERANDS; j++) {
            check_call(jit, f->locals, op, branches, v[i], v[j]);
            check_call(jit, f->left_const[i], op, branches, v[i], v[j]);
            check_call(jit, f->right_const[j], op, branches, v[i], v[j]);
            check_call(jit, f->both_const[i][j], op, branches, v[i], v[j]);
        }
    }
}

static void check_all(bool branches) {
    for (Operator op = 0; op < NUM_OPERATORS; op++) {
        Bench bench = new_bench();
        Operations *operations = malloc(sizeof *operations);
        add_operations(&bench, operations, op, branches);
        verify(bench.program);
        for (Tier tier = 0; tier < NUM_TIERS; tier++) {
            JitOptions options = jit_default_options;
            options.tier = tier;
            options.check = true;
            JitCompiler *jit = jit_new(bench.program, &options);
            size_t compiled = jit_compile_all(jit);
            assert_int_equal(compiled, tier == TIER_INTERP ? 0 : bench.program->num_functions);
            check_operations(jit, &bench, operations, op, branches);
            jit_free(jit);
        }
        free(operations);
        program_free(bench.program);
    }
}

static void test_all_pairs_in_every_engine(void **state) {
    (void)state;
    check_all(false);
}

static void test_all_pairs_in_branches(void **state) {
    (void)state;
    check_all(true);
}

// The truth of a value, straight from a local, and of a constant.
static void test_truth_in_every_engine(void **state) {
    (void)state;
    Bench bench = new_bench();
    uint32_t functions[NUM_OPERANDS + 1];
    for (int i = 0; i <= NUM_OPERANDS; i++) {
        char name[20];
        snprintf(name, sizeof name, "f%d", i);
        functions[i] = program_add_function(bench.program, name, 1, 1);
        emit_operand(bench.program, functions[i], i < NUM_OPERANDS ? FROM_CONST : FROM_LOCAL, 0,
                     i < NUM_OPERANDS ? bench.values[i] : 0);
        emit(bench.program, functions[i], OP_JUMP_IF_FALSE, 4);
        emit(bench.program, functions[i], OP_LOAD_CONST, (int64_t)VALUE_TRUE);
        emit(bench.program, functions[i], OP_RETURN, 0);
        emit(bench.program, functions[i], OP_LOAD_CONST, (int64_t)VALUE_FALSE);
        emit(bench.program, functions[i], OP_RETURN, 0);
    }
    verify(bench.program);
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        JitOptions options = jit_default_options;
        options.tier = tier;
        JitCompiler *jit = jit_new(bench.program, &options);
        jit_compile_all(jit);
        for (int i = 0; i < NUM_OPERANDS; i++) {
            Value wanted = value_from_bool(value_is_truthy(bench.values[i]));
            assert_int_equal(vm_call(jit_vm(jit), functions[i], &bench.values[i]), wanted);
            assert_int_equal(vm_call(jit_vm(jit), functions[NUM_OPERANDS], &bench.values[i]), wanted);
        }
        jit_free(jit);
    }
    program_free(bench.program);
}

// Objects are equal to themselves and true; no other operator takes them.
static void test_objects_as_operands(void **state) {
    (void)state;
    Program *program =
        program_from("class C\nend\nfunc main params=2\n load_local 0\n load_local 1\n add\n return\nend\n");
    Vm *vm = vm_new(program, 1 << 20);
    Value object = value_from_pointer(object_new(vm, vm->classes[0].root)),
          other = value_from_pointer(object_new(vm, vm->classes[0].root));
    Value array = array_new(vm, 0, NULL, 0), function = value_from_pointer(&vm->callables[0]);
    const Value all[] = {object, array, function};
    for (int i = 0; i < 3; i++) {
        assert_true(value_is_truthy(all[i]));
        assert_false(value_is_primitive(all[i]));
        assert_int_equal(operator_apply(&vm->heap, OPERATOR_EQUAL, all[i], all[i]), VALUE_TRUE);
        assert_int_equal(operator_apply(&vm->heap, OPERATOR_EQUAL, all[i], value_from_int(0)), VALUE_FALSE);
        for (Operator op = 0; op < NUM_OPERATORS; op++) {
            if (op == OPERATOR_EQUAL) continue;
            assert_int_equal(operator_apply(&vm->heap, op, all[i], value_from_int(1)), NO_VALUE);
            assert_int_equal(runtime_operate(vm, op, value_from_int(1), all[i]), NO_VALUE);
            assert_int_equal(vm->error.status, RUN_TYPE_ERROR);
        }
    }
    assert_int_equal(operator_apply(&vm->heap, OPERATOR_EQUAL, object, other), VALUE_FALSE);
    runtime_operate(vm, OPERATOR_MOD, object, VALUE_NULL);
    assert_string_equal(vm->error.message, "cannot compute an object % null");
    vm_free(vm);
    program_free(program);
}

// A result that needs memory when there is none is that error, and no other.
static void test_out_of_memory(void **state) {
    (void)state;
    Program *program = program_from("func main params=2\n load_local 0\n load_local 1\n mul\n return\nend\n");
    Vm *vm = vm_new(program, 200);
    while (heap_alloc(&vm->heap, 8, TYPE_STRING, SHAPE_STRING)) continue;
    assert_int_equal(
        runtime_operate(vm, OPERATOR_MUL, program_number(program, 1e200), program_number(program, 1e100)), NO_VALUE);
    assert_int_equal(vm->error.status, RUN_OUT_OF_MEMORY);
    assert_int_not_equal(
        runtime_operate(vm, OPERATOR_MUL, program_number(program, 1e200), program_number(program, 1e200)), NO_VALUE);
    vm_free(vm);
    program_free(program);
}

static const struct CMUnitTest operator_tests[] = {
    cmocka_unit_test(test_known_results),
    cmocka_unit_test(test_all_pairs_as_in_node),
    cmocka_unit_test(test_all_pairs_in_every_engine),
    cmocka_unit_test(test_all_pairs_in_branches),
    cmocka_unit_test(test_truth_in_every_engine),
    cmocka_unit_test(test_objects_as_operands),
    cmocka_unit_test(test_out_of_memory),
};
TEST_MAIN(operator_tests)
