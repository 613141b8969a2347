// Dominators, loops and preheaders: textbook graphs, and random ones against the definitions.
#include "ir_text.h"
#include "testing/test_main.h"

enum { MAX_NODES = 24, GRAPHS = 3000 };

typedef struct Graph {
    Program *program;
    Ir ir;
} Graph;

static void graph_init(Graph *g, uint32_t num_blocks) {
    g->program = program_new("graph");
    program_add_function(g->program, "main", 0, 0);
    ir_init(&g->ir, g->program, 0);
    while (g->ir.num_blocks < num_blocks) ir_new_block(&g->ir, NO_PC);
}

static void graph_free(Graph *g) {
    ir_free(&g->ir);
    program_free(g->program);
}

static void end_block(Graph *g, uint32_t block, const uint32_t *succ, uint32_t count) {
    Ref value = ir_new_const(&g->ir, VALUE_TRUE, NO_PC);
    ir_append(&g->ir, block, value);
    if (count == 0) ir_end_return(&g->ir, block, value, NO_PC);
    else if (count == 1) ir_end_jump(&g->ir, block, succ[0], NO_PC);
    else ir_end_branch(&g->ir, block, value, succ[0], succ[1], NO_PC);
}

// Blocks 0 .. count - 1; NONE for no successor.
enum { NONE = -1 };

static void graph_from(Graph *g, const int (*succ)[2], uint32_t count) {
    graph_init(g, count);
    for (uint32_t b = 0; b < count; b++) {
        uint32_t to[2] = {(uint32_t)succ[b][0], (uint32_t)succ[b][1]};
        end_block(g, b, to, succ[b][0] == NONE ? 0 : succ[b][1] == NONE ? 1 : 2);
    }
    ir_check(&g->ir, "making a graph");
}

static void assert_idoms(const Ir *ir, const int *expected, uint32_t count) {
    for (uint32_t b = 1; b < count; b++)
        if ((int)ir->blocks[b].idom != expected[b])
            fail_msg("B%u: idom is B%d, not B%d", b, (int)ir->blocks[b].idom, expected[b]);
}

// Aho, Lam, Sethi, Ullman, figure 9.38, with its nodes' numbers. Nodes 4 and 8 have three successors there: 11 and
// 12 are their second halves.
static void test_the_dragon_books_graph(void **state) {
    (void)state;
    static const int succ[13][2] = {
        {1, NONE}, {2, 3}, {3, NONE}, {4, NONE}, {3, 11}, {7, NONE}, {7, NONE}, {4, 8}, {3, 12}, {1, NONE}, {7, NONE},
        {5, 6}, {9, 10},
    };
    static const int idoms[13] = {NONE, 0, 1, 1, 3, 11, 11, 11, 7, 12, 12, 4, 8};
    Graph g;
    graph_from(&g, succ, 13);
    ir_loops(&g.ir);
    assert_idoms(&g.ir, idoms, 13);
    // The loops of example 9.13: headers 1, 3, 4, 7, one inside of the other.
    static const uint32_t headers[] = {1, 3, 4, 7}, sizes[] = {12, 9, 8, 4};
    assert_int_equal(g.ir.num_loops, 5);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(g.ir.loops[i + 1].header, headers[i]);
        assert_int_equal(g.ir.loops[i + 1].num_blocks, sizes[i]);
        assert_int_equal(g.ir.loops[i + 1].depth, i + 1);
    }
    assert_false(g.ir.irreducible);
    graph_free(&g);
}

// Cooper, Harvey, Kennedy, figure 4: irreducible; node 6 is the entry here, 0.
static void test_an_irreducible_graph_of_cooper_harvey_and_kennedy(void **state) {
    (void)state;
    static const int succ[6][2] = {{5, 4}, {2, NONE}, {1, 3}, {2, NONE}, {2, 3}, {1, NONE}};
    static const int idoms[6] = {NONE, 0, 0, 0, 0, 0};
    Graph g;
    graph_from(&g, succ, 6);
    ir_loops(&g.ir);
    assert_idoms(&g.ir, idoms, 6);
    assert_true(g.ir.irreducible);
    assert_int_equal(g.ir.num_loops, 1); // only the one that stands for "none"
    for (uint32_t b = 0; b < 6; b++) assert_int_equal(g.ir.blocks[b].irreducible, b >= 1 && b <= 3);
    graph_free(&g);
}

// Random graphs against the definitions.

static uint64_t random_state = 1;

static uint32_t below(uint32_t bound) {
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15); // splitmix64
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) % bound);
}

typedef struct Definition {
    uint32_t count;
    bool edge[MAX_NODES][MAX_NODES];
    bool reachable[MAX_NODES];
    bool dominates[MAX_NODES][MAX_NODES]; // both reachable
    bool in_loop[MAX_NODES][MAX_NODES];   // [header][block]
    bool is_header[MAX_NODES];
} Definition;

static void flood(const Definition *d, uint32_t from, uint32_t without, bool backwards, bool *seen) {
    if (seen[from] || from == without) return;
    seen[from] = true;
    for (uint32_t to = 0; to < d->count; to++)
        if (backwards ? d->edge[to][from] : d->edge[from][to]) flood(d, to, without, backwards, seen);
}

static void define_loops(Definition *d) {
    for (uint32_t h = 0; h < d->count; h++) {
        for (uint32_t t = 0; t < d->count; t++) {
            if (!d->edge[t][h] || !d->dominates[h][t]) continue;
            bool seen[MAX_NODES] = {false};
            flood(d, t, h, true, seen);
            for (uint32_t b = 0; b < d->count; b++) d->in_loop[h][b] |= b == h || (seen[b] && d->reachable[b]);
            d->is_header[h] = true;
        }
    }
}

static Definition define(const Ir *ir) {
    Definition d = {.count = (uint32_t)ir->num_blocks};
    for (uint32_t b = 0; b < d.count; b++)
        for (uint32_t s = 0; s < ir->blocks[b].num_succ; s++) d.edge[b][ir->blocks[b].succ[s]] = true;
    flood(&d, 0, NO_BLOCK, false, d.reachable);
    for (uint32_t a = 0; a < d.count; a++) {
        bool seen[MAX_NODES] = {false};
        flood(&d, 0, a, false, seen);
        for (uint32_t b = 0; b < d.count; b++) d.dominates[a][b] = d.reachable[a] && d.reachable[b] && !seen[b];
    }
    define_loops(&d);
    return d;
}

static void check_dominators(const Ir *ir, const Definition *d) {
    for (uint32_t b = 0; b < d->count; b++) {
        assert_int_equal(ir->blocks[b].rpo != NO_BLOCK, d->reachable[b]);
        if (!d->reachable[b]) continue;
        uint32_t dominators = 0;
        for (uint32_t a = 0; a < d->count; a++) {
            if (d->reachable[a]) assert_int_equal(ir_dominates(ir, a, b), d->dominates[a][b]);
            dominators += d->dominates[a][b];
        }
        assert_int_equal(ir->blocks[b].dom_depth, dominators - 1);
        uint32_t idom = ir->blocks[b].idom;
        if (b == 0) assert_int_equal(idom, NO_BLOCK);
        else assert_true(idom != b && d->dominates[idom][b] && ir->blocks[idom].dom_depth == dominators - 2);
    }
}

static void check_children(const Ir *ir) {
    uint32_t count = 1;
    for (uint32_t i = 0; i < ir->num_rpo; i++) {
        uint32_t last = 0;
        uint32_t child = ir->blocks[ir->rpo[i]].dom_child;
        for (; child != NO_BLOCK; child = ir->blocks[child].dom_sibling, count++) {
            assert_int_equal(ir->blocks[child].idom, ir->rpo[i]);
            assert_true(ir->blocks[child].rpo > last);
            last = ir->blocks[child].rpo;
        }
    }
    assert_int_equal(count, ir->num_rpo);
}

static void check_loops(const Ir *ir, const Definition *d) {
    uint32_t headers = 0;
    for (uint32_t h = 0; h < d->count; h++) {
        if (!d->is_header[h]) continue;
        uint32_t loop = ir->blocks[h].loop, size = 0;
        headers++;
        assert_int_equal(ir->loops[loop].header, h);
        for (uint32_t b = 0; b < d->count; b++) {
            size += d->in_loop[h][b];
            if (d->reachable[b]) assert_int_equal(ir_loop_contains(ir, loop, b), d->in_loop[h][b]);
        }
        assert_int_equal(ir->loops[loop].num_blocks, size);
        assert_int_equal(ir->order[ir->loops[loop].first], h);
    }
    assert_int_equal(ir->num_loops, headers + 1);
    for (uint32_t b = 0; b < d->count; b++) {
        uint32_t depth = 0;
        if (!d->reachable[b]) continue;
        for (uint32_t h = 0; h < d->count; h++) depth += d->in_loop[h][b];
        assert_int_equal(ir_loop_depth(ir, b), depth);
    }
}

static void check_order(const Ir *ir, const Definition *d) {
    for (uint32_t i = 0; i < ir->num_rpo; i++) assert_int_equal(ir->blocks[ir->order[i]].pos, i);
    for (uint32_t a = 0; a < d->count; a++)
        for (uint32_t b = 0; b < d->count; b++)
            if (d->dominates[a][b] && a != b) assert_true(ir->blocks[a].pos < ir->blocks[b].pos);
    if (ir->irreducible) return;
    for (uint32_t a = 0; a < d->count; a++) // only back-edges lead backwards
        for (uint32_t b = 0; b < d->count; b++)
            if (d->reachable[a] && d->edge[a][b] && !d->dominates[b][a])
                assert_true(ir->blocks[a].pos < ir->blocks[b].pos);
}

// A block is part of an irreducible cycle if it is on a cycle that has no back-edge.
static void check_irreducible(const Ir *ir, const Definition *d) {
    Definition forward = *d;
    bool any = false;
    for (uint32_t a = 0; a < d->count; a++)
        for (uint32_t b = 0; b < d->count; b++)
            if (d->dominates[b][a]) forward.edge[a][b] = false;
    for (uint32_t b = 0; b < d->count; b++) {
        bool on_cycle = false;
        if (!d->reachable[b]) continue;
        for (uint32_t to = 0; to < d->count; to++) {
            bool seen[MAX_NODES] = {false};
            if (forward.edge[b][to]) flood(&forward, to, NO_BLOCK, false, seen);
            on_cycle |= seen[b];
        }
        assert_int_equal(ir->blocks[b].irreducible, on_cycle);
        any |= on_cycle;
    }
    assert_int_equal(ir->irreducible, any);
}

static void check_preheaders(Ir *ir) {
    size_t loops = ir->num_loops;
    ir_make_preheaders(ir);
    ir_check(ir, "ir_make_preheaders");
    ir_loops(ir);
    assert_int_equal(ir->num_loops, loops);
    for (uint32_t loop = 1; loop < ir->num_loops; loop++) assert_true(ir_preheader(ir, loop) != NO_BLOCK);
}

static void random_edges(Graph *g) {
    uint32_t n = (uint32_t)g->ir.num_blocks;
    for (uint32_t b = 0; b < n; b++) {
        uint32_t succ[2], count = 0;
        for (; count < 2 && n > 1 && below(8) > 0; count++) succ[count] = 1 + below(n - 1);
        end_block(g, b, succ, count == 2 && succ[0] == succ[1] ? 1 : count);
    }
}

// Without cycles.
static void random_forward_edges(Graph *g) {
    uint32_t n = (uint32_t)g->ir.num_blocks;
    for (uint32_t b = 0; b < n; b++) {
        uint32_t succ[2] = {b + 1, b + 2 + below(3)};
        end_block(g, b, succ, b + 1 == n ? 0 : succ[1] < n && below(2) ? 2 : 1);
    }
}

// Turn jumps to branches whose second way leads back to a dominator: the graph stays reducible.
static void add_back_edges(Graph *g) {
    Definition d = define(&g->ir);
    for (uint32_t b = 1; b < d.count; b++) {
        if (g->ir.blocks[b].num_succ == 2 || !d.reachable[b]) continue;
        uint32_t to = b;
        while (below(3) > 0) to = 1 + below(b);
        if (!d.dominates[to][b]) continue;
        uint32_t old = g->ir.blocks[b].num_succ ? g->ir.blocks[b].succ[0] : to;
        uint32_t succ[2] = {to, old};
        ir_unend(&g->ir, b);
        end_block(g, b, succ, to == old ? 1 : 2);
    }
}

static void check_graph(Graph *g) {
    Definition d = define(&g->ir);
    ir_check(&g->ir, "making a graph");
    ir_loops(&g->ir);
    check_dominators(&g->ir, &d);
    check_children(&g->ir);
    check_loops(&g->ir, &d);
    check_order(&g->ir, &d);
    check_irreducible(&g->ir, &d);
    check_preheaders(&g->ir);
}

static void test_random_graphs_agree_with_the_definitions(void **state) {
    (void)state;
    uint32_t irreducible = 0, loops = 0;
    for (int i = 0; i < GRAPHS; i++) {
        Graph g;
        graph_init(&g, 1 + below(MAX_NODES));
        random_edges(&g);
        check_graph(&g);
        irreducible += g.ir.irreducible;
        loops += (uint32_t)g.ir.num_loops - 1;
        graph_free(&g);
    }
    assert_true(irreducible > GRAPHS / 20 && loops > GRAPHS / 4);
}

static void test_random_reducible_graphs_agree_with_the_definitions(void **state) {
    (void)state;
    uint32_t nested = 0;
    for (int i = 0; i < GRAPHS; i++) {
        Graph g;
        graph_init(&g, 1 + below(MAX_NODES));
        random_forward_edges(&g);
        add_back_edges(&g);
        check_graph(&g);
        assert_false(g.ir.irreducible);
        for (uint32_t loop = 1; loop < g.ir.num_loops; loop++) nested += g.ir.loops[loop].depth > 1;
        graph_free(&g);
    }
    assert_true(nested > GRAPHS / 20);
}

static void test_large_graphs_do_not_overflow_the_stack(void **state) {
    (void)state;
    enum { BLOCKS = 100000 };
    Graph g; // a chain of blocks, each of which may leave to the last or go back to the one before
    graph_init(&g, BLOCKS);
    for (uint32_t b = 0; b < BLOCKS; b++) {
        uint32_t succ[2] = {b + 1, b % 2 || b < 3 ? BLOCKS - 1 : b - 1};
        end_block(&g, b, succ, b == BLOCKS - 1 ? 0 : b == BLOCKS - 2 ? 1 : 2);
    }
    ir_loops(&g.ir);
    assert_int_equal(g.ir.blocks[BLOCKS - 2].dom_depth, BLOCKS - 2);
    assert_int_equal(g.ir.blocks[BLOCKS - 1].idom, 0);
    assert_int_equal(g.ir.num_loops - 1, BLOCKS / 2 - 3);
    graph_free(&g);
}

static void test_a_deep_nest_of_loops_is_a_deep_tree(void **state) {
    (void)state;
    enum { DEPTH = 50000 };
    Graph g; // headers 1 .. DEPTH, latches behind them
    graph_init(&g, 2 * DEPTH + 2);
    for (uint32_t b = 0; b < 2 * DEPTH + 2; b++) {
        uint32_t succ[2] = {b + 1, 2 * DEPTH + 1 - b};
        end_block(&g, b, succ, b == 2 * DEPTH + 1 ? 0 : b > DEPTH ? 2 : 1);
    }
    ir_loops(&g.ir);
    assert_int_equal(ir_loop_depth(&g.ir, DEPTH), DEPTH);
    assert_int_equal(g.ir.loops[1].num_blocks, 2 * DEPTH);
    graph_free(&g);
}

static void test_outside_edges_are_gathered_in_one_preheader(void **state) {
    (void)state;
    Program *program = program_new("test");
    Ir ir;
    ir_from(&ir, program, "func main params=2 {\nB0:\n v1 = param 0\n v2 = param 1\n branch v1, B1, B2\n"
                          "B1:\n branch v2, B3, B2\nB2:\n jump B3\n"
                          "B3:\n v3 = phi B1: v1, B2: v2, B3: v4\n v4 = add v3, v1\n branch v4, B3, B4\n"
                          "B4:\n return v3\n}\n");
    ir_make_preheaders(&ir);
    assert_ir(&ir, "func main params=2 {\nB0:\n    v1 = param 0\n    v2 = param 1\n    branch v1, B1, B2\n"
                   "B1:\n    branch v2, B5, B2\nB2:\n    jump B5\n"
                   "B3:\n    v6 = phi B3: v7, B5: v10\n    v7 = add v6, v1\n    branch v7, B3, B4\n"
                   "B4:\n    return v6\n"
                   "B5:\n    v10 = phi B1: v1, B2: v2\n    jump B3\n}\n");
    ir_free(&ir);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_dragon_books_graph),
    cmocka_unit_test(test_an_irreducible_graph_of_cooper_harvey_and_kennedy),
    cmocka_unit_test(test_random_graphs_agree_with_the_definitions),
    cmocka_unit_test(test_random_reducible_graphs_agree_with_the_definitions),
    cmocka_unit_test(test_large_graphs_do_not_overflow_the_stack),
    cmocka_unit_test(test_a_deep_nest_of_loops_is_a_deep_tree),
    cmocka_unit_test(test_outside_edges_are_gathered_in_one_preheader),
};
TEST_MAIN(tests)
