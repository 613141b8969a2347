// The first tests to write: a program built by hand, compiled, run, and its machine code read.
#include <capstone/capstone.h>

#include "code/disasm.h"
#include "programs.h"
#include "testing/test_main.h"

static const SourcePos nowhere = {0, 0};

// A verified program with a function main of no parameters.
static Program *program_of(const Instruction *code, size_t count) {
    Program *program = program_new("test");
    uint32_t f = program_add_function(program, "main", 0, 0);
    for (size_t i = 0; i < count; i++) program_emit(program, f, code[i].opcode, code[i].operand, nowhere);
    Diagnostic diagnostic;
    assert_true(program_verify(program, &diagnostic));
    return program;
}

#define PROGRAM_OF(...) \
    program_of((Instruction[]){__VA_ARGS__}, sizeof((Instruction[]){__VA_ARGS__}) / sizeof(Instruction))

static void assert_compiles_to(Program *program, int64_t expected) {
    JitCompiler *jit = jit_new(program, &jit_default_options);
    assert_int_equal(jit_compile(jit, &program->functions[0]), COMPILE_OK);
    int64_t result = 0;
    assert_int_equal(jit_execute(jit, "main", NULL, &result), RUN_OK);
    assert_int_equal(result, expected);
    jit_free(jit);
    for (size_t i = 0; i < num_modes; i++)
        assert_int_equal(run_in_mode(program, &modes[i], NULL).result, expected);
    program_free(program);
}

// 5 + 3
static void test_simple_addition(void **state) {
    (void)state;
    assert_compiles_to(PROGRAM_OF({OP_LOAD_CONST, 5}, {OP_LOAD_CONST, 3}, {OP_ADD, 0}, {OP_RETURN, 0}), 8);
}

// (10 - 3) * 6 + 2 / 2
static void test_arithmetic_expression(void **state) {
    (void)state;
    assert_compiles_to(PROGRAM_OF({OP_LOAD_CONST, 10}, {OP_LOAD_CONST, 3}, {OP_SUB, 0}, {OP_LOAD_CONST, 6}, {OP_MUL, 0},
                                  {OP_LOAD_CONST, 2}, {OP_LOAD_CONST, 2}, {OP_DIV, 0}, {OP_ADD, 0}, {OP_RETURN, 0}),
                       43);
}

// Walks over the code, instruction by instruction: every byte belongs to one. Returns how many.
static size_t count_instructions(const uint8_t *code, size_t size) {
    csh capstone;
    assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &capstone), CS_ERR_OK);
    cs_insn *decoded;
    size_t count = cs_disasm(capstone, code, size, (uintptr_t)code, 0, &decoded), bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += decoded[i].size;
    cs_free(decoded, count);
    cs_close(&capstone);
    assert_int_equal(bytes, size);
    return count;
}

static void test_disassembly_validation(void **state) {
    (void)state;
    for (size_t i = 0; i < num_examples; i++) {
        Program *program = program_from_file(examples[i].path);
        for (size_t m = 1; m < num_modes; m++) {
            JitCompiler *jit = mode_start(program, &modes[m]);
            for (size_t f = 0; f < program->num_functions; f++) {
                size_t size;
                const uint8_t *code = jit_code(jit, &program->functions[f], &size);
                bool wanted = modes[m].compiled >> f & 1;
                assert_int_equal(code != NULL, wanted);
                if (!wanted) continue;
                assert_true(count_instructions(code, size) > 5);
                assert_int_equal(disasm_check(code, size), -1);
            }
            jit_free(jit);
        }
        program_free(program);
    }
}

// The listing of the baseline's code. What differs from run to run, or with the assembler's choice of
// encodings, is replaced: "address" loads the address of something of the JIT's, "@7" is the code's
// instruction number 7, "outside" a place in other code.

static const JitOptions baseline = {.tier = TIER_BASELINE, .code_size = 1 << 16};

enum { MAX_LISTING = 128 };

// The number of the instruction at an offset, or -1.
static int find_offset(const size_t *offsets, int count, size_t offset) {
    for (int i = 0; i < count; i++)
        if (offsets[i] == offset) return i;
    return -1;
}

static void rewrite(char *line, size_t size, const size_t *offsets, int count) {
    char *number = strstr(line, "0x");
    if (number && line[0] == 'j') {
        int target = find_offset(offsets, count, (size_t)strtoull(number, NULL, 16));
        size_t room = size - (size_t)(number - line);
        if (target >= 0) snprintf(number, room, "@%d", target);
        else snprintf(number, room, "outside");
    }
    bool is_address = number && strncmp(line, "mov", 3) == 0 && strspn(number + 2, "0123456789abcdef") >= 11;
    if (is_address) snprintf(line, size, "address");
}

static void assert_listing(const char *text, const char *name, const char *const *expected) {
    Program *program = program_from(text);
    JitCompiler *jit = jit_new(program, &baseline);
    jit_compile_all(jit);
    size_t size, offsets[MAX_LISTING];
    char lines[MAX_LISTING][DISASM_TEXT_SIZE];
    const uint8_t *code = jit_code(jit, program_find(program, name), &size);
    assert_non_null(code);
    int count = 0;
    for (size_t at = 0; at < size; count++) {
        assert_true(count < MAX_LISTING);
        size_t length = disasm_instruction(code + at, size - at, at, lines[count], sizeof lines[count]);
        assert_true(length > 0);
        offsets[count] = at;
        at += length;
    }
    for (int i = 0; i < count; i++) {
        rewrite(lines[i], sizeof lines[i], offsets, count);
        if (!expected[i] || strcmp(lines[i], expected[i]) != 0)
            fail_msg("instruction %d is '%s', expected '%s'", i, lines[i], expected[i] ? expected[i] : "the end");
    }
    assert_null(expected[count]);
    jit_free(jit);
    program_free(program);
}

static void test_listing_of_arithmetic(void **state) {
    (void)state;
    static const char *const expected[] = {
        "push rbp", "mov rbp, rsp",
        "address", "lea r11, [rsp - 0x50]", "cmp r11, qword ptr [r10]", "jb @39", // the stack check
        "sub rsp, 0x10", "mov qword ptr [rbp - 8], rdi",
        "mov rax, qword ptr [rbp - 8]", "push rax", // load_local 0
        "mov eax, 7", "push rax",                   // load_const 7
        "pop rcx", "pop rax", "test rcx, rcx", "je @43", "cmp rcx, -1", "jne @21", // div
        "neg rax", "jo @47", "jmp @23", "cqo", "idiv rcx", "push rax",
        "pop rax", "mov qword ptr [rbp - 0x10], rax", // store_local 1
        "mov rax, qword ptr [rbp - 0x10]", "push rax", "mov rax, qword ptr [rbp - 8]", "push rax",
        "pop rcx", "pop rax", "cmp rax, rcx", "setl al", "movzx eax, al", "push rax", // less_than
        "pop rax", "leave", "ret",                                                    // return
        "mov eax, 3", "mov ecx, 0", "mov edx, 0", "jmp outside", // stack overflow
        "mov eax, 1", "mov ecx, 2", "mov edx, 0", "jmp outside", // division by zero
        "mov eax, 2", "mov ecx, 2", "mov edx, 0", "jmp outside", // division overflow
        NULL,
    };
    assert_listing("func main params=1 locals=2\n load_local 0\n load_const 7\n div\n store_local 1\n"
                   " load_local 1\n load_local 0\n less_than\n return\nend\n",
                   "main", expected);
}

static void test_listing_of_jumps_and_calls(void **state) {
    (void)state;
    static const char *const expected[] = {
        "push rbp", "mov rbp, rsp",
        "address", "lea r11, [rsp - 0x50]", "cmp r11, qword ptr [r10]", "jb @31",
        "sub rsp, 0x10", "mov qword ptr [rbp - 8], rdi",
        "mov rax, qword ptr [rbp - 8]", "push rax",
        "pop rax", "test rax, rax", "je @26",
        "mov eax, 1", "push rax", "mov eax, 2", "push rax",
        "pop rdi", "sub rsp, 8", "address", "call qword ptr [rax]", "add rsp, 8", "push rax",
        "pop rax", "leave", "ret",
        "mov rax, -1", "push rax", "pop rax", "leave", "ret",
        "mov eax, 3", "mov ecx, 0", "mov edx, 0", "jmp outside",
        NULL,
    };
    assert_listing("func main params=1\n load_local 0\n jump_if_false L\n load_const 1\n load_const 2\n call main\n return\n"
                   "L: load_const -1\n return\nend\n",
                   "main", expected);
}

// Eight arguments at an even depth: six in registers, two on the stack, copied in ascending order.
static void test_listing_of_stack_arguments(void **state) {
    (void)state;
    static const char *const expected[] = {
        "push rbp", "mov rbp, rsp",
        "address", "lea r11, [rsp - 0xa0]", "cmp r11, qword ptr [r10]", "jb @37",
        "mov eax, 0", "push rax", "mov eax, 1", "push rax", "mov eax, 2", "push rax", "mov eax, 3", "push rax",
        "mov eax, 4", "push rax", "mov eax, 5", "push rax", "mov eax, 6", "push rax", "mov eax, 7", "push rax",
        "mov rdi, qword ptr [rsp + 0x38]", "mov rsi, qword ptr [rsp + 0x30]", "mov rdx, qword ptr [rsp + 0x28]",
        "mov rcx, qword ptr [rsp + 0x20]", "mov r8, qword ptr [rsp + 0x18]", "mov r9, qword ptr [rsp + 0x10]",
        "push qword ptr [rsp]", "push qword ptr [rsp + 0x10]",
        "address", "call qword ptr [rax]", "add rsp, 0x50", "push rax",
        "pop rax", "leave", "ret",
        "mov eax, 3", "mov ecx, 0", "mov edx, 0", "jmp outside",
        NULL,
    };
    assert_listing("func main params=0\n load_const 0\n load_const 1\n load_const 2\n load_const 3\n load_const 4\n"
                   " load_const 5\n load_const 6\n load_const 7\n call eight\n return\nend\n"
                   "func eight params=8\n load_local 7\n return\nend\n",
                   "main", expected);
}

// The dump of a program: the bytecode between the instructions, names instead of addresses.
static void test_dump(void **state) {
    (void)state;
    Program *program = program_from("func main params=0\n call f\n jump L\n div\nL: return\nend\nfunc f params=0\n load_const 1\n return\nend\n");
    JitCompiler *jit = jit_new(program, &baseline);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    jit_dump_asm(out, jit, &program->functions[0]);
    jit_compile_all(jit);
    jit_dump_asm(out, jit, &program->functions[0]);
    fclose(out);
    static const char *const parts[] = {"main: not compiled\n", "\nmain: ", "\n; prologue\n", "\n; 0: call f\n", "; f\n",
                                        "\n; 1: jump L3\n", "\n; 3: return\n", "\n; errors\n", "error stub\n"};
    const char *at = text;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        at = strstr(at, parts[i]);
        if (!at) fail_msg("'%s' is missing in\n%s", parts[i], text);
    }
    assert_null(strstr(text, "2: div")); // unreachable: no code
    free(text);
    jit_free(jit);
    program_free(program);
}

static const struct CMUnitTest codegen_tests[] = {
    cmocka_unit_test(test_simple_addition),
    cmocka_unit_test(test_arithmetic_expression),
    cmocka_unit_test(test_disassembly_validation),
    cmocka_unit_test(test_listing_of_arithmetic),
    cmocka_unit_test(test_listing_of_jumps_and_calls),
    cmocka_unit_test(test_listing_of_stack_arguments),
    cmocka_unit_test(test_dump),
};
TEST_MAIN(codegen_tests)
