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

#define PUSH(i) {.opcode = OP_LOAD_CONST, .operand = (int64_t)value_from_int(i)}
#define DO(op) {.opcode = OP_##op}

static void assert_compiles_to(Program *program, int64_t expected) {
    JitCompiler *jit = jit_new(program, &jit_default_options);
    assert_int_equal(jit_compile(jit, &program->functions[0]), COMPILE_OK);
    int64_t result = 0;
    assert_int_equal(execute(jit, "main", NULL, &result), RUN_OK);
    assert_int_equal(result, expected);
    jit_free(jit);
    for (size_t i = 0; i < num_modes; i++)
        assert_int_equal(run_in_mode(program, &modes[i], NULL).result, expected);
    program_free(program);
}

// 5 + 3
static void test_simple_addition(void **state) {
    (void)state;
    assert_compiles_to(PROGRAM_OF(PUSH(5), PUSH(3), DO(ADD), DO(RETURN)), 8);
}

// (10 - 3) * 6 + 2 / 2
static void test_arithmetic_expression(void **state) {
    (void)state;
    assert_compiles_to(PROGRAM_OF(PUSH(10), PUSH(3), DO(SUB), PUSH(6), DO(MUL),
                                  PUSH(2), PUSH(2), DO(DIV), DO(ADD), DO(RETURN)),
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

static const JitOptions baseline = {.tier = TIER_BASELINE, .code_size = 1 << 16, .heap_size = 1 << 20};

enum { MAX_LISTING = 128 };

// The number of the instruction at an offset, or -1.
static int find_offset(const size_t *offsets, int count, size_t offset) {
    for (int i = 0; i < count; i++)
        if (offsets[i] == offset) return i;
    return -1;
}

static void rewrite(char *line, size_t size, const size_t *offsets, int count) {
    char *number = strstr(line, "0x");
    if (number && (line[0] == 'j' || strncmp(line, "call 0x", 7) == 0)) {
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
        "lea r11, [rsp - 0x30]", "cmp r11, qword ptr [r14 + 0x10]", "jb @88", // the stack check
        "sub rsp, 0x30", "mov qword ptr [rbp - 8], rcx", "mov dword ptr [rbp - 0x10], 0",
        "lea r10d, [rax + 0x10000]", "mov dword ptr [rbp - 0xc], r10d", // the frame's header
        "cmp eax, 1", "jb @63", "mov r11, qword ptr [rbp + 0x10]", "mov qword ptr [rbp - 0x18], r11", // the parameter
        "mov rax, qword ptr [rbp - 0x18]", "mov qword ptr [rbp - 0x28], rax", // load_local 0
        "movabs rax, 0x700000001", "mov qword ptr [rbp - 0x30], rax",         // load_const 7
        "mov rcx, qword ptr [rbp - 0x30]", "mov rax, qword ptr [rbp - 0x28]", "mov r11, rax", // div
        "mov r10, rax", "and r10d, ecx", "test r10b, 1", "je @68", // both integers?
        "mov r10, rcx", "shr r10, 0x20", "test r10d, r10d", "jle @68",
        "mov rax, r11", "shr rax, 0x20", "test eax, eax", "js @68",
        "mov edx, 0", "div r10d", "test edx, edx", "jne @68",
        "mov r10, rax", "shl r10, 0x20", "lea rax, [r10 + 1]", "mov qword ptr [rbp - 0x28], rax",
        "mov rax, qword ptr [rbp - 0x28]", "mov qword ptr [rbp - 0x20], rax", // store_local 1
        "mov rax, qword ptr [rbp - 0x20]", "mov qword ptr [rbp - 0x28], rax",
        "mov rax, qword ptr [rbp - 0x18]", "mov qword ptr [rbp - 0x30], rax",
        "mov rcx, qword ptr [rbp - 0x30]", "mov rax, qword ptr [rbp - 0x28]", // less_than
        "mov r10, rax", "and r10d, ecx", "test r10b, 1", "je @78",
        "cmp rax, rcx", "setl r10b", "movzx r10d, r10b", "shl r10, 3", "add r10, 4", "mov rax, r10",
        "mov qword ptr [rbp - 0x28], rax",
        "mov rax, qword ptr [rbp - 0x28]", "leave", "ret", // return
        "mov qword ptr [rbp - 0x18], 0x14", "cmp eax, 0", "je @14", "mov r11, qword ptr [rbp + 0x10]",
        "mov qword ptr [rbp - 0x18], r11", // without an argument
        "mov dword ptr [rbp - 0x10], 2", "push rcx", "push r11", "address", "mov r11d, 3", "call outside", // div in C
        "test r11, r11", "je @94", "mov rax, r11", "jmp @40",
        "mov dword ptr [rbp - 0x10], 6", "push rcx", "push rax", "address", "mov r11d, 6", "call outside", // less_than in C
        "test r11, r11", "je @99", "mov rax, r11", "jmp @59",
        "mov eax, 4", "mov ecx, 0", "mov edx, 0", "call outside", "leave", "ret", // stack overflow
        "mov eax, 0", "mov ecx, 2", "mov edx, 0", "call outside", "jmp @104",     // an error of div
        "mov eax, 0", "mov ecx, 6", "mov edx, 0", "call outside", "jmp @104",     // of less_than
        "leave", "ret", NULL,
    };
    assert_listing("func main params=1 locals=2\n load_local 0\n load_const 7\n div\n store_local 1\n"
                   " load_local 1\n load_local 0\n less_than\n return\nend\n",
                   "main", expected);
}

static void test_listing_of_jumps_and_calls(void **state) {
    (void)state;
    static const char *const expected[] = {
        "push rbp", "mov rbp, rsp",
        "lea r11, [rsp - 0x30]", "cmp r11, qword ptr [r14 + 0x10]", "jb @62",
        "sub rsp, 0x30", "mov qword ptr [rbp - 8], rcx", "mov dword ptr [rbp - 0x10], 0",
        "lea r10d, [rax + 0x10000]", "mov dword ptr [rbp - 0xc], r10d",
        "cmp eax, 1", "jb @46", "mov r11, qword ptr [rbp + 0x10]", "mov qword ptr [rbp - 0x18], r11", // the parameter
        "mov rax, qword ptr [rbp - 0x18]", "mov qword ptr [rbp - 0x20], rax",
        "mov rax, qword ptr [rbp - 0x20]", "cmp rax, 0xc", "je @25", "cmp rax, 4", "je @41", "test al, 1", "je @51",
        "cmp rax, 1", "je @41",
        "movabs rax, 0x100000001", "mov qword ptr [rbp - 0x20], rax",
        "movabs rax, 0x200000001", "mov qword ptr [rbp - 0x28], rax",
        "mov rax, qword ptr [rbp - 0x28]", "mov qword ptr [rsp], rax", // the argument
        "address", "mov dword ptr [rbp - 0x10], 4", "mov eax, 1", "call qword ptr [rcx + 8]", "test rax, rax", "je @73",
        "mov qword ptr [rbp - 0x28], rax",
        "mov rax, qword ptr [rbp - 0x28]", "leave", "ret",
        "movabs rax, 0x300000001", "mov qword ptr [rbp - 0x20], rax", "mov rax, qword ptr [rbp - 0x20]", "leave", "ret",
        "mov qword ptr [rbp - 0x18], 0x14", "cmp eax, 0", "je @14", "mov r11, qword ptr [rbp + 0x10]",
        "mov qword ptr [rbp - 0x18], r11", // without an argument
        "mov dword ptr [rbp - 0x10], 1", "push rax", "push rax", "address", "mov r11d, 8", "call outside", // is it truthy?
        "test r11, r11", "je @68", "cmp r11, 0xc", "jne @41", "jmp @25",
        "mov eax, 4", "mov ecx, 0", "mov edx, 0", "call outside", "leave", "ret",
        "mov eax, 0", "mov ecx, 1", "mov edx, 0", "call outside", "jmp @73",
        "leave", "ret", NULL,
    };
    assert_listing("func main params=1\n load_local 0\n jump_if_false L\n load_const 1\n load_const 2\n call main\n return\n"
                   "L: load_const 3\n return\nend\n",
                   "main", expected);
}

// Eight arguments, copied in ascending order.
static void test_listing_of_stack_arguments(void **state) {
    (void)state;
    static const char *const expected[] = {
        "push rbp", "mov rbp, rsp",
        "lea r11, [rsp - 0x90]", "cmp r11, qword ptr [r14 + 0x10]", "jb @52",
        "sub rsp, 0x90", "mov qword ptr [rbp - 8], rcx", "mov dword ptr [rbp - 0x10], 0",
        "lea r10d, [rax + 0x10000]", "mov dword ptr [rbp - 0xc], r10d",
        "mov eax, 1", "mov qword ptr [rbp - 0x18], rax",
        "movabs rax, 0x100000001", "mov qword ptr [rbp - 0x20], rax",
        "movabs rax, 0x200000001", "mov qword ptr [rbp - 0x28], rax",
        "movabs rax, 0x300000001", "mov qword ptr [rbp - 0x30], rax",
        "movabs rax, 0x400000001", "mov qword ptr [rbp - 0x38], rax",
        "movabs rax, 0x500000001", "mov qword ptr [rbp - 0x40], rax",
        "movabs rax, 0x600000001", "mov qword ptr [rbp - 0x48], rax",
        "movabs rax, 0x700000001", "mov qword ptr [rbp - 0x50], rax",
        "mov rax, qword ptr [rbp - 0x18]", "mov qword ptr [rsp], rax",
        "mov rax, qword ptr [rbp - 0x20]", "mov qword ptr [rsp + 8], rax",
        "mov rax, qword ptr [rbp - 0x28]", "mov qword ptr [rsp + 0x10], rax",
        "mov rax, qword ptr [rbp - 0x30]", "mov qword ptr [rsp + 0x18], rax",
        "mov rax, qword ptr [rbp - 0x38]", "mov qword ptr [rsp + 0x20], rax",
        "mov rax, qword ptr [rbp - 0x40]", "mov qword ptr [rsp + 0x28], rax",
        "mov rax, qword ptr [rbp - 0x48]", "mov qword ptr [rsp + 0x30], rax",
        "mov rax, qword ptr [rbp - 0x50]", "mov qword ptr [rsp + 0x38], rax",
        "address", "mov dword ptr [rbp - 0x10], 8", "mov eax, 8", "call qword ptr [rcx + 8]", "test rax, rax", "je @58",
        "mov qword ptr [rbp - 0x18], rax",
        "mov rax, qword ptr [rbp - 0x18]", "leave", "ret",
        "mov eax, 4", "mov ecx, 0", "mov edx, 0", "call outside", "leave", "ret",
        "leave", "ret", NULL,
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

// Slow paths stand between the function and its errors, under a heading of their own.
static void test_dump_of_slow_paths(void **state) {
    (void)state;
    for (Tier tier = TIER_BASELINE; tier < NUM_TIERS; tier++) {
        Program *program = program_from("func main params=1\n load_local 0\n load_local 0\n add\n return\nend\n");
        JitOptions options = jit_default_options;
        options.tier = tier;
        JitCompiler *jit = jit_new(program, &options);
        jit_compile_all(jit);
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        jit_dump_asm(out, jit, &program->functions[0]);
        fclose(out);
        const char *slow = strstr(text, "\n; slow paths\n"), *errors = strstr(text, "\n; errors\n");
        const char *inline_code = strstr(text, "\n; 3: return\n"), *call = strstr(text, "operate stub");
        assert_true(inline_code && inline_code < slow && slow < call && call < errors);
        free(text);
        jit_free(jit);
        program_free(program);
    }
}

static const struct CMUnitTest codegen_tests[] = {
    cmocka_unit_test(test_simple_addition),
    cmocka_unit_test(test_arithmetic_expression),
    cmocka_unit_test(test_disassembly_validation),
    cmocka_unit_test(test_listing_of_arithmetic),
    cmocka_unit_test(test_listing_of_jumps_and_calls),
    cmocka_unit_test(test_listing_of_stack_arguments),
    cmocka_unit_test(test_dump),
    cmocka_unit_test(test_dump_of_slow_paths),
};
TEST_MAIN(codegen_tests)
