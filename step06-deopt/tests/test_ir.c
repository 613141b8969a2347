// The IR itself: text form, editing, uses, types and effects.
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "ir_text.h"
#include "opt/opt.h"
#include "random_bytecode.h"
#include "testing/test_main.h"

static const char loop[] =
    "func main params=2 {\n"
    "B0:\n"
    "    v1 = param 0\n"
    "    v2 = param 1\n"
    "    jump B1\n"
    "B1:\n"
    "    v4 = phi B0: v1, B2: v7\n"
    "    v5 = less_than v4, v2\n"
    "    branch v5, B2, B3\n"
    "B2:\n"
    "    v7 = add v4, v2\n"
    "    jump B1\n"
    "B3:\n"
    "    return v4\n"
    "}\n";

typedef struct Fixture {
    Program *program;
    Ir ir;
} Fixture;

static void start(Fixture *f, const char *text) {
    f->program = program_new("test");
    ir_from(&f->ir, f->program, text);
}

static void finish(Fixture *f) {
    ir_free(&f->ir);
    program_free(f->program);
}

static Ref find(const Ir *ir, IrOp op) {
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir->ins[ref].op == op) return ref;
    fail_msg("no %s", ir_op_info[op].mnemonic);
    return NO_REF;
}

// Text.

// The text of what the text was read to.
static char *reprint(const char *text, unsigned options) {
    Fixture f;
    start(&f, text);
    char *printed = ir_text(&f.ir, options);
    finish(&f);
    return printed;
}

static void test_every_instruction_is_read_and_printed(void **state) {
    (void)state;
    static const char text[] =
        "func main params=1 {\n"
        "B0:\n"
        "    v1 = param 0\n"
        "    v2 = const -0\n"
        "    v3 = const 1.5e+300\n"
        "    v4 = const NaN\n"
        "    v5 = const \"a \\\"quoted\\\"\\n\\\\ ; string\"\n"
        "    v6 = const undefined\n"
        "    v7 = const null\n"
        "    v8 = const true\n"
        "    v9 = load_function helper\n"
        "    v10 = add v1, v2\n"
        "    v11 = sub v10, v3\n"
        "    v12 = mul v11, v4\n"
        "    v13 = div v12, v5\n"
        "    v14 = mod v13, v6\n"
        "    v15 = equal v14, v7\n"
        "    v16 = less_than v15, v8\n"
        "    v17 = greater_than v16, v9\n"
        "    v18 = get_property v1, x\n"
        "    set_property v1, \"two words\", v18\n"
        "    v20 = delete_property v1, x\n"
        "    v21 = call_method v1, m\n"
        "    v22 = call_method v1, m, v2, v3\n"
        "    v23 = new_object Point\n"
        "    v24 = load_prototype Point\n"
        "    set_prototype v23, v24\n"
        "    v26 = new_array\n"
        "    v27 = new_array v1, v2\n"
        "    v28 = get_index v26, v1\n"
        "    set_index v26, v1, v28\n"
        "    v30 = length v26\n"
        "    v31 = call helper\n"
        "    v32 = call Point.m, v1, v2\n"
        "    v33 = call_native print, v1\n"
        "    return v33\n"
        "}\n";
    char *once = reprint(text, 0), *twice = reprint(once, 0);
    assert_string_equal(once, text);
    assert_string_equal(twice, text);
    free(once);
    free(twice);
}

static void test_numbers_are_names_and_phis_may_be_short(void **state) {
    (void)state;
    char *printed = reprint("; a comment\n\nfunc main params=2 { ; another\n B7: ; the entry\n v30 = param 0\n\n v10 = param 1\n"
                            " jump B2\nB9:\n return v5\nB2:\n v5 = phi v30, v99 ; B7, then B4\n v6 = less_than v5, v10\n"
                            " branch v6, B4, B9\nB4:\n v99 = add v5, v10 @12\n jump B2\n}",
                            IR_PRINT_PC);
    assert_string_equal(printed, "func main params=2 {\nB0:\n    v1 = param 0\n    v2 = param 1\n    jump B2\n"
                                 "B1:\n    return v5\n"
                                 "B2:\n    v5 = phi B0: v1, B3: v8\n    v6 = less_than v5, v2\n    branch v6, B3, B1\n"
                                 "B3:\n    v8 = add v5, v2 @12\n    jump B2\n}\n");
    free(printed);
}

static void test_the_index_of_the_bytecode_survives(void **state) {
    (void)state;
    static const char text[] = "func main params=1 {\nB0:\n    v1 = param 0\n    v2 = get_property v1, x @7\n    return v2\n}\n";
    char *printed = reprint(text, IR_PRINT_PC);
    assert_string_equal(printed, text);
    free(printed);
}

static void test_comments_show_types_predecessors_and_loops(void **state) {
    (void)state;
    Fixture f;
    start(&f, loop);
    ir_infer_types(&f.ir);
    char *printed = ir_text(&f.ir, IR_PRINT_TYPES | IR_PRINT_BLOCKS);
    assert_non_null(strstr(printed, "B1:  ; preds B0, B2  loop depth 1\n"));
    assert_non_null(strstr(printed, "B3:  ; preds B1\n"));
    char *again = reprint(printed, 0);
    assert_string_equal(again, loop);
    free(again);
    free(printed);
    finish(&f);
}

static void assert_rejected(const char *body, uint32_t line, uint32_t column, const char *message) {
    Program *program = program_new("test");
    Diagnostic diagnostic = {.pos = {0, 0}};
    Ir ir;
    if (ir_parse(&ir, program, body, strlen(body), &diagnostic)) fail_msg("accepted: %s", body);
    assert_string_equal(diagnostic.message, message);
    assert_int_equal(diagnostic.pos.line, line);
    assert_int_equal(diagnostic.pos.column, column);
    program_free(program);
}

#define HEAD "func main params=1 {\nB0:\n v1 = param 0\n"

static void test_errors_name_their_place(void **state) {
    (void)state;
    assert_rejected("", 1, 1, "expected 'func'");
    assert_rejected("fun", 1, 1, "expected 'func', found 'fun'");
    assert_rejected("func main {", 1, 11, "expected 'params=N', found '{'");
    assert_rejected("func main params=1 {\n}", 2, 2, "the function has no blocks");
    assert_rejected("func main params=1 {\nreturn v1\n}", 2, 1, "expected a label, like B0:, found 'return'");
    assert_rejected(HEAD "}", 2, 1, "the block has no terminator");
    assert_rejected(HEAD "B1:\n return v1\n}", 2, 1, "the block has no terminator");
    assert_rejected(HEAD " return v1\n", 5, 1, "expected '}'");
    assert_rejected(HEAD " return v1\n}\nfunc", 6, 1, "expected the end of the text, found 'func'");
    assert_rejected(HEAD " return v1\n v2 = const 1\n}", 5, 7, "an instruction behind the block's terminator");
    assert_rejected(HEAD " return v2\n}", 4, 9, "v2 is not defined");
    assert_rejected(HEAD " v1 = const 2\n return v1\n}", 4, 2, "v1 is defined twice");
    assert_rejected(HEAD " v2 = frob v1\n return v1\n}", 4, 7, "expected an instruction, found 'frob'");
    assert_rejected(HEAD " add v1, v1\n return v1\n}", 4, 2, "'add' has a result: v1 = add");
    assert_rejected(HEAD " v2 = return v1\n}", 4, 7, "'return' has no result");
    assert_rejected(HEAD " v2 = add v1\n return v1\n}", 4, 7, "'add' has 1 operands instead of 2");
    assert_rejected(HEAD " v2 = add v1 v1\n return v1\n}", 4, 14, "expected ',', found 'v1'");
    assert_rejected(HEAD " v2 = get_property v1\n return v1\n}", 4, 22, "expected ','");
    assert_rejected(HEAD " v2 = call_method\n return v1\n}", 4, 18, "expected a value, like v1");
    assert_rejected(HEAD " v2 = const tru\n return v1\n}", 4, 13, "expected a constant, found 'tru'");
    assert_rejected(HEAD " v2 = const \"a\\q\"\n return v1\n}", 4, 15, "unknown escape in a string");
    assert_rejected(HEAD " v2 = const \"a\n return v1\n}", 4, 15, "the string has no closing quote");
    assert_rejected(HEAD " jump B1\n}", 4, 7, "B1 is not defined");
    assert_rejected(HEAD " jump B1\nB1:\nB1:\n return v1\n}", 5, 1, "the block has no terminator");
    assert_rejected(HEAD " jump B1\nB1:\n return v1\nB1:\n return v1\n}", 7, 1, "B1 is defined twice");
    assert_rejected(HEAD " branch v1, B1, B1\nB1:\n return v1\n}", 4, 17, "both ways of the branch lead to the same block");
    assert_rejected(HEAD " jump B1\nB1:\n v2 = const 1\n v3 = phi v1\n return v1\n}", 7, 7, "a phi behind another instruction");
    assert_rejected(HEAD " jump B1\nB1:\n v3 = phi v1, v1\n return v1\n}", 6, 15, "the block has only 1 predecessors");
    assert_rejected(HEAD " branch v1, B1, B2\nB1:\n jump B2\nB2:\n v3 = phi v1\n return v1\n}", 8, 11,
                    "the phi has no operand for predecessor 2 of 2");
    assert_rejected(HEAD " jump B1\nB1:\n v3 = phi B1: v1\n return v1\n}", 6, 11, "B1 does not lead here");
    assert_rejected(HEAD " jump B1\nB1:\n v3 = phi B0: v1, B0: v1\n return v1\n}", 6, 23,
                    "the phi has an operand for this predecessor already");
    assert_rejected(HEAD " v2 = call f, v1\n v3 = call f\n return v1\n}", 5, 7, "'call' has 0 operands instead of 1");
    assert_rejected(HEAD " v2 = add v1, v1 @x\n return v1\n}", 4, 19, "expected the index of a bytecode instruction, found 'x'");
    assert_rejected(HEAD " v99999999 = const 1\n return v1\n}", 4, 2, "expected an instruction, a label or '}', found 'v99999999'");
}

// Every prefix of a text, and the text with one byte changed, is read or rejected, and nothing else happens.
static void test_damaged_texts_do_no_harm(void **state) {
    (void)state;
    size_t length = strlen(loop);
    for (size_t i = 0; i < length * 8; i++) {
        Program *program = program_new("test");
        Diagnostic diagnostic;
        Ir ir;
        size_t kept = i < length ? i : length;
        char *copy = xmalloc(kept); // no byte more, so that a sanitizer sees a read behind the end
        memcpy(copy, loop, kept);
        if (i >= length) copy[i % length] = "v1B:,}@"[i / length - 1];
        if (ir_parse(&ir, program, copy, kept, &diagnostic)) {
            IrFault fault;
            ir_verify(&ir, &fault);
            ir_free(&ir);
        }
        free(copy);
        program_free(program);
    }
}

static void test_random_programs_survive_printing_and_reading(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        Program *program = random_bytecode(seed, 12, seed & 1);
        Diagnostic diagnostic;
        assert_true(program_verify(program, &diagnostic));
        Ir ir, again, thrice;
        assert_true(ir_build(&ir, program, 0));
        char *first = ir_text(&ir, IR_PRINT_PC), *second, *third;
        ir_from(&again, program, first);
        second = ir_text(&again, IR_PRINT_PC); // the same but for the numbers
        ir_from(&thrice, program, second);
        third = ir_text(&thrice, IR_PRINT_PC);
        assert_string_equal(second, third);
        assert_int_equal(again.num_blocks, ir.num_blocks);
        free(first);
        free(second);
        free(third);
        ir_free(&ir);
        ir_free(&again);
        ir_free(&thrice);
        program_free(program);
    }
}

// What a pass has copied says only with its bytecode's index which inline cache it has. Without that it has none, and
// certainly not one that its function lacks.
static void test_a_text_without_bytecode_indices_is_read_back(void **state) {
    (void)state;
    Program *program = bytecode_from("func main params=1\n"
                                     "again: load_local 0\n get_property x\n jump_if_false out\n"
                                     " load_local 0\n get_property \"not a word\"\n pop\n jump again\n"
                                     "out: load_local 0\n call_method y 0\n return\nend\n");
    Ir ir, again;
    assert_true(ir_build(&ir, program, 0));
    opt_invert(&ir);
    char *text = ir_text(&ir, 0);
    ir_from(&again, program, text);
    IR_ALL(&again, ref)
        if (ir_info(&again, ref)->operand == IR_PROPERTY) assert_int_equal(again.ins[ref].aux, NO_SITE);
    char *second = ir_text(&again, 0);
    ir_free(&ir);
    ir_from(&ir, program, second);
    assert_ir(&ir, second);
    free(text);
    free(second);
    ir_free(&ir);
    ir_free(&again);
    program_free(program);
}

static void test_the_graph_is_printed_for_graphviz(void **state) {
    (void)state;
    Fixture f;
    start(&f, loop);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ir_print_dot(out, &f.ir);
    fclose(out);
    assert_non_null(strstr(text, "digraph \"main\" {"));
    assert_non_null(strstr(text, "subgraph cluster_1"));
    assert_non_null(strstr(text, "B1 -> B3 [label=\"false\"]"));
    assert_non_null(strstr(text, "B2 -> B1 [style=bold]"));
    free(text);
    finish(&f);
}

// Editing.

static void test_replacements_are_followed_in_chains(void **state) {
    (void)state;
    Fixture f;
    start(&f, "func main params=1 {\nB0:\n v1 = param 0\n v2 = add v1, v1\n v3 = sub v2, v1\n v4 = mul v3, v2\n return v4\n}\n");
    Ir *ir = &f.ir;
    Ref param = find(ir, IR_PARAM), sub = find(ir, IR_SUB), add = find(ir, IR_ADD), mul = find(ir, IR_MUL);
    ir_replace(ir, sub, add);
    ir_replace(ir, add, param);
    assert_int_equal(ir_arg(ir, mul, 0), param);
    assert_int_equal(ir_resolve(ir, sub), param);
    ir_apply_replacements(ir);
    assert_ir(ir, "func main params=1 {\nB0:\n    v1 = param 0\n    v4 = mul v1, v1\n    return v4\n}\n");
    finish(&f);
}

static void test_instructions_are_placed_where_they_are_told(void **state) {
    (void)state;
    Fixture f;
    start(&f, loop);
    Ir *ir = &f.ir;
    Ref add = find(ir, IR_ADD), phi = find(ir, IR_PHI), param = find(ir, IR_PARAM);
    ir_insert_before(ir, add, ir_new2(ir, IR_SUB, param, phi, NO_PC));
    ir_insert_after(ir, add, ir_new2(ir, IR_MUL, add, phi, NO_PC));
    ir_insert_behind_phis(ir, 1, ir_new_const(ir, VALUE_TRUE, NO_PC));
    ir_insert_at_end(ir, 3, ir_new_const(ir, VALUE_NULL, NO_PC));
    ir_insert_behind_phis(ir, 3, ir_new_const(ir, VALUE_UNDEFINED, NO_PC));
    assert_ir(ir, "func main params=2 {\nB0:\n    v1 = param 0\n    v2 = param 1\n    jump B1\n"
                  "B1:\n    v4 = phi B0: v1, B2: v7\n    v12 = const true\n    v5 = less_than v4, v2\n    branch v5, B2, B3\n"
                  "B2:\n    v10 = sub v1, v4\n    v7 = add v4, v2\n    v11 = mul v7, v4\n    jump B1\n"
                  "B3:\n    v14 = const undefined\n    v13 = const null\n    return v4\n}\n");
    finish(&f);
}

static void test_operands_are_added_one_by_one(void **state) {
    (void)state;
    Fixture f;
    start(&f, loop);
    Ref array = ir_new(&f.ir, IR_NEW_ARRAY, 0, NO_PC), other = ir_new(&f.ir, IR_NEW_ARRAY, 3, NO_PC);
    for (Ref i = 1; i <= 100; i++) {
        ir_add_arg(&f.ir, array, i);
        ir_add_arg(&f.ir, other, 1000 + i);
    }
    for (Ref i = 1; i <= 100; i++) {
        assert_int_equal(ir_args(&f.ir, array)[i - 1], i);
        assert_int_equal(ir_args(&f.ir, other)[i + 2], 1000 + i);
    }
    finish(&f);
}

static void test_uses_are_counted_for_each_operand(void **state) {
    (void)state;
    Fixture f;
    start(&f, loop);
    IrUses uses = ir_uses(&f.ir);
    Ref phi = find(&f.ir, IR_PHI), add = find(&f.ir, IR_ADD);
    assert_int_equal(uses.first[phi + 1] - uses.first[phi], 3);
    assert_int_equal(uses.first[add + 1] - uses.first[add], 1);
    assert_int_equal(uses.users[uses.first[add]], phi);
    ir_uses_free(&uses);
    finish(&f);
}

static const char diamond[] =
    "func main params=1 {\nB0:\n v1 = param 0\n v2 = const 1\n v3 = const 2\n branch v1, B1, B2\n"
    "B1:\n jump B3\nB2:\n jump B3\nB3:\n v4 = phi B1: v2, B2: v3\n return v4\n}\n";

static void test_folding_a_branch_leaves_an_unreachable_block(void **state) {
    (void)state;
    Fixture f;
    start(&f, diamond);
    ir_fold_branch(&f.ir, 0, 1);
    ir_remove_unreachable(&f.ir);
    assert_ir(&f.ir, "func main params=1 {\nB0:\n    v1 = param 0\n    v2 = const 1\n    v3 = const 2\n    jump B2\n"
                     "B2:\n    jump B3\nB3:\n    v7 = phi B2: v3\n    return v7\n}\n");
    ir_merge_successor(&f.ir, 0);
    ir_merge_successor(&f.ir, 0);
    ir_apply_replacements(&f.ir);
    assert_ir(&f.ir, "func main params=1 {\nB0:\n    v1 = param 0\n    v2 = const 1\n    v3 = const 2\n    return v3\n}\n");
    finish(&f);
}

static void test_redirected_edges_take_a_new_operand_along(void **state) {
    (void)state;
    Fixture f;
    start(&f, diamond);
    Ref phi = find(&f.ir, IR_PHI), param = find(&f.ir, IR_PARAM);
    ir_redirect(&f.ir, 0, 1, 3); // B0's second way: past B2
    ir_set_arg(&f.ir, phi, f.ir.ins[phi].num_args - 1, param);
    ir_remove_unreachable(&f.ir);
    assert_ir(&f.ir, "func main params=1 {\nB0:\n    v1 = param 0\n    v2 = const 1\n    v3 = const 2\n    branch v1, B1, B3\n"
                     "B1:\n    jump B3\nB3:\n    v7 = phi B1: v2, B0: v1\n    return v7\n}\n");
    finish(&f);
}

static void test_critical_edges_are_split(void **state) {
    (void)state;
    Fixture f;
    start(&f, "func main params=1 {\nB0:\n v1 = param 0\n branch v1, B1, B2\nB1:\n jump B2\nB2:\n v2 = phi B0: v1, B1: v1\n"
              " return v2\n}\n");
    ir_split_critical_edges(&f.ir);
    assert_ir(&f.ir, "func main params=1 {\nB0:\n    v1 = param 0\n    branch v1, B1, B3\nB1:\n    jump B2\n"
                     "B2:\n    v4 = phi B3: v1, B1: v1\n    return v4\nB3:\n    jump B2\n}\n");
    finish(&f);
}

static bool can_merge(const Ir *ir, uint32_t block) {
    uint32_t next = ir->blocks[block].succ[0];
    return ir->blocks[block].num_succ == 1 && ir->blocks[next].num_preds == 1 && next != block;
}

static void test_random_edits_keep_the_invariants(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        Program *program = random_bytecode(seed, 20, seed & 1);
        Diagnostic diagnostic;
        assert_true(program_verify(program, &diagnostic));
        Ir ir;
        assert_true(ir_build(&ir, program, 0));
        for (uint32_t i = 0; i < 20; i++) {
            uint32_t b = (uint32_t)(seed * 31 + i * 17) % (uint32_t)ir.num_blocks;
            if (ir.blocks[b].removed) continue;
            if (ir.blocks[b].num_succ == 2 && i % 2) ir_fold_branch(&ir, b, i / 2 % 2);
            else if (can_merge(&ir, b)) ir_merge_successor(&ir, b);
            else if (ir.blocks[b].num_succ > 0) ir_split_edge(&ir, b, 0);
            ir_remove_unreachable(&ir);
            ir_apply_replacements(&ir);
            ir_check(&ir, "a random edit");
        }
        ir_free(&ir);
        program_free(program);
    }
}

// Types.

static void assert_type(const char *instructions, uint8_t expected) {
    char text[1000];
    snprintf(text, sizeof text,
             "func main params=1 {\nB0:\n v1 = param 0\n v2 = const 1\n v3 = const 0.5\n v4 = const \"s\"\n v5 = const null\n"
             " v6 = const true\n v7 = new_object C\n %s\n return v9\n}\n", instructions);
    Fixture f;
    start(&f, text);
    ir_infer_types(&f.ir);
    ir_check(&f.ir, "ir_infer_types");
    Ref result = ir_args(&f.ir, f.ir.blocks[0].last)[0];
    if (f.ir.ins[result].type != expected)
        fail_msg("%s: 0x%x, not 0x%x", instructions, f.ir.ins[result].type, expected);
    finish(&f);
}

static void test_types_follow_from_operands(void **state) {
    (void)state;
    assert_type("v9 = const 1", IRT_INT);
    assert_type("v9 = const -0", IRT_DOUBLE);
    assert_type("v9 = const 3000000000", IRT_DOUBLE);
    assert_type("v9 = const NaN", IRT_DOUBLE);
    assert_type("v9 = add v2, v3", IRT_NUMBER);
    assert_type("v9 = add v5, v6", IRT_NUMBER);
    assert_type("v9 = add v4, v2", IRT_STRING);
    assert_type("v9 = add v1, v2", IRT_NUMBER | IRT_STRING);
    assert_type("v9 = add v7, v2", IRT_NONE);
    assert_type("v9 = sub v4, v1", IRT_NUMBER);
    assert_type("v9 = mul v7, v1", IRT_NONE);
    assert_type("v9 = less_than v1, v1", IRT_BOOL);
    assert_type("v9 = equal v7, v1", IRT_BOOL);
    assert_type("v9 = new_array v1", IRT_OBJECT);
    assert_type("v9 = length v1", IRT_INT);
    assert_type("v9 = get_property v7, x", IRT_ANY);
}

static void test_a_loop_does_not_spoil_its_own_types(void **state) {
    (void)state;
    Fixture f;
    start(&f, "func main params=1 {\nB0:\n v1 = param 0\n v2 = const 1\n v3 = const \"a\"\n jump B1\n"
              "B1:\n v4 = phi B0: v2, B1: v6\n v5 = phi B0: v3, B1: v5\n v6 = sub v4, v2\n branch v6, B1, B2\nB2:\n return v5\n}\n");
    ir_infer_types(&f.ir);
    Ref second = ir_args(&f.ir, f.ir.blocks[2].last)[0], sub = find(&f.ir, IR_SUB);
    assert_int_equal(f.ir.ins[second].type, IRT_STRING);
    assert_int_equal(f.ir.ins[ir_args(&f.ir, sub)[0]].type, IRT_NUMBER);
    assert_false(ir_may_throw(&f.ir, sub));
    finish(&f);
}

static void test_what_may_end_in_an_error(void **state) {
    (void)state;
    static const struct {
        const char *instruction;
        IrOp op;
        bool throws, has_effect;
    } cases[] = {
        {"v9 = add v1, v2", IR_ADD, true, true},
        {"v9 = add v2, v2", IR_ADD, false, false},
        {"v9 = add v3, v2", IR_ADD, false, false},
        {"v9 = less_than v4, v2", IR_LESS_THAN, true, true},
        {"v9 = equal v4, v2", IR_EQUAL, false, false},
        {"v9 = length v3", IR_LENGTH, false, false},
        {"v9 = length v1", IR_LENGTH, true, true},
        {"v9 = get_property v4, x", IR_GET_PROPERTY, false, false},
        {"v9 = get_property v1, x", IR_GET_PROPERTY, true, true},
        {"v9 = call_native print, v1", IR_CALL_NATIVE, true, true},
        {"v9 = new_array v1", IR_NEW_ARRAY, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text, "func main params=1 {\nB0:\n v1 = param 0\n v2 = const 1\n v3 = const \"s\"\n"
                                    " v4 = new_object C\n %s\n return v9\n}\n", cases[i].instruction);
        Fixture f;
        start(&f, text);
        ir_infer_types(&f.ir);
        assert_int_equal(ir_may_throw(&f.ir, find(&f.ir, cases[i].op)), cases[i].throws);
        assert_int_equal(ir_has_effect(&f.ir, find(&f.ir, cases[i].op)), cases[i].has_effect);
        finish(&f);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_instruction_is_read_and_printed),
    cmocka_unit_test(test_numbers_are_names_and_phis_may_be_short),
    cmocka_unit_test(test_the_index_of_the_bytecode_survives),
    cmocka_unit_test(test_comments_show_types_predecessors_and_loops),
    cmocka_unit_test(test_errors_name_their_place),
    cmocka_unit_test(test_damaged_texts_do_no_harm),
    cmocka_unit_test(test_random_programs_survive_printing_and_reading),
    cmocka_unit_test(test_a_text_without_bytecode_indices_is_read_back),
    cmocka_unit_test(test_the_graph_is_printed_for_graphviz),
    cmocka_unit_test(test_replacements_are_followed_in_chains),
    cmocka_unit_test(test_instructions_are_placed_where_they_are_told),
    cmocka_unit_test(test_operands_are_added_one_by_one),
    cmocka_unit_test(test_uses_are_counted_for_each_operand),
    cmocka_unit_test(test_folding_a_branch_leaves_an_unreachable_block),
    cmocka_unit_test(test_redirected_edges_take_a_new_operand_along),
    cmocka_unit_test(test_critical_edges_are_split),
    cmocka_unit_test(test_random_edits_keep_the_invariants),
    cmocka_unit_test(test_types_follow_from_operands),
    cmocka_unit_test(test_a_loop_does_not_spoil_its_own_types),
    cmocka_unit_test(test_what_may_end_in_an_error),
};
TEST_MAIN(tests)
