// The first turn's tests: a program built by hand, compiled, run, and its machine code read.
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

// The listing of the baseline's code, with what differs from run to run (addresses) as X.

static const JitOptions baseline = {.tier = TIER_BASELINE, .code_size = 1 << 16};

// The text of an instruction, its long numbers replaced.
static void hide_addresses(char *text) {
    for (char *at = text; (at = strstr(at, "0x"));) {
        size_t digits = strspn(at + 2, "0123456789abcdef");
        if (digits < 8) {
            at += 2;
            continue;
        }
        memmove(at + 1, at + 2 + digits, strlen(at + 2 + digits) + 1);
        *at = 'X';
    }
}

static void assert_listing(const char *text, const char *name, const char *const *expected) {
    Program *program = program_from(text);
    JitCompiler *jit = jit_new(program, &baseline);
    jit_compile_all(jit);
    size_t size;
    const uint8_t *code = jit_code(jit, program_find(program, name), &size);
    assert_non_null(code);
    for (size_t at = 0; at < size; expected++) {
        char line[DISASM_TEXT_SIZE];
        size_t length = disasm_instruction(code + at, size - at, at, line, sizeof line);
        assert_true(length > 0);
        hide_addresses(line);
        assert_non_null(*expected);
        assert_string_equal(line, *expected);
        at += length;
    }
    assert_null(*expected);
    jit_free(jit);
    program_free(program);
}

static void test_listing_of_arithmetic(void **state) {
    (void)state;
    static const char *const expected[] = {
        "push rbp", "mov rbp, rsp",
        "movabs r10, X", "lea r11, [rsp - 0x50]", "cmp r11, qword ptr [r10]", "jb 0x71", // the stack check
        "sub rsp, 0x10", "mov qword ptr [rbp - 8], rdi",
        "mov rax, qword ptr [rbp - 8]", "push rax", // load_local 0
        "mov eax, 7", "push rax",                   // load_const 7
        "pop rcx", "pop rax", "test rcx, rcx", "je 0x85", "cmp rcx, -1", "jne 0x4b", // div
        "neg rax", "jo 0x99", "jmp 0x50", "cqo", "idiv rcx", "push rax",
        "pop rax", "mov qword ptr [rbp - 0x10], rax", // store_local 1
        "mov rax, qword ptr [rbp - 0x10]", "push rax", "mov rax, qword ptr [rbp - 8]", "push rax",
        "pop rcx", "pop rax", "cmp rax, rcx", "setl al", "movzx eax, al", "push rax", // less_than
        "pop rax", "leave", "ret",                                                    // return
        "mov eax, 3", "mov ecx, 0", "mov edx, 0", "jmp X", // stack overflow
        "mov eax, 1", "mov ecx, 2", "mov edx, 0", "jmp X", // division by zero
        "mov eax, 2", "mov ecx, 2", "mov edx, 0", "jmp X", // division overflow
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
        "movabs r10, X", "lea r11, [rsp - 0x50]", "cmp r11, qword ptr [r10]", "jb 0x58",
        "sub rsp, 0x10", "mov qword ptr [rbp - 8], rdi",
        "mov rax, qword ptr [rbp - 8]", "push rax",
        "pop rax", "test rax, rax", "je 0x51",
        "mov eax, 1", "push rax", "mov eax, 2", "push rax",
        "pop rdi", "sub rsp, 8", "movabs rax, X", "call qword ptr [rax]", "add rsp, 8", "push rax",
        "pop rax", "leave", "ret",
        "mov rax, 0xffffffffffffffff", "push rax", "pop rax", "leave", "ret",
        "mov eax, 3", "mov ecx, 0", "mov edx, 0", "jmp X",
        NULL,
    };
    (void)expected;
    assert_listing("func main params=1\n load_local 0\n jump_if_false L\n load_const 1\n load_const 2\n call main\n return\n"
                   "L: load_const -1\n return\nend\n",
                   "main", expected);
}

// Eight arguments at an even depth: six in registers, two on the stack, copied in ascending order.
static void test_listing_of_stack_arguments(void **state) {
    (void)state;
    static const char *const expected[] = {
        "push rbp", "mov rbp, rsp",
        "movabs r10, X", "lea r11, [rsp - 0xa0]", "cmp r11, qword ptr [r10]", "jb X",
        "mov eax, 0", "push rax", "mov eax, 1", "push rax", "mov eax, 2", "push rax", "mov eax, 3", "push rax",
        "mov eax, 4", "push rax", "mov eax, 5", "push rax", "mov eax, 6", "push rax", "mov eax, 7", "push rax",
        "mov rdi, qword ptr [rsp + 0x38]", "mov rsi, qword ptr [rsp + 0x30]", "mov rdx, qword ptr [rsp + 0x28]",
        "mov rcx, qword ptr [rsp + 0x20]", "mov r8, qword ptr [rsp + 0x18]", "mov r9, qword ptr [rsp + 0x10]",
        "push qword ptr [rsp]", "push qword ptr [rsp + 0x10]",
        "movabs rax, X", "call qword ptr [rax]", "add rsp, 0x50", "push rax",
        "pop rax", "leave", "ret",
        "mov eax, 3", "mov ecx, 0", "mov edx, 0", "jmp X",
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
