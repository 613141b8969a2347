#include "backend/parallel_move.h"

#include <stdlib.h>

#include "base/memory.h"

#define NO_MOVE SIZE_MAX

// One pending move. A move is blocked as long as other pending moves read its destination.
typedef struct Node {
    Place d, s;
    size_t writer;  // the move that writes this one's source, or NO_MOVE: that one waits for this
    size_t readers; // how many pending moves read this one's destination
    bool done;
} Node;

typedef struct Mover {
    Assembler *a;
    Node *nodes; // sorted by destination
    size_t count;
    size_t *ready, num_ready; // moves that nothing blocks
    Reg scratch;
} Mover;

// A total order of places, so that they can be looked up by binary search.
static int compare_places(Place a, Place b) {
    if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
    if (a.kind == PLACE_REG) return (int)a.reg - (int)b.reg;
    if (a.kind == PLACE_IMM) return a.imm < b.imm ? -1 : a.imm > b.imm;
    if (a.mem.base != b.mem.base) return (int)a.mem.base - (int)b.mem.base;
    return a.mem.disp < b.mem.disp ? -1 : a.mem.disp > b.mem.disp;
}

bool same_place(Place a, Place b) { return compare_places(a, b) == 0; }

static int by_destination(const void *left, const void *right) {
    return compare_places(((const Node *)left)->d, ((const Node *)right)->d);
}

static size_t find_writer(const Mover *m, Place place) {
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_places(m->nodes[middle].d, place);
        if (order == 0) return middle;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NO_MOVE;
}

static void emit_move(Assembler *a, Place d, Place s, Reg scratch) {
    if (d.kind == PLACE_REG) {
        if (s.kind == PLACE_REG) asm_mov_rr(a, d.reg, s.reg);
        if (s.kind == PLACE_MEM) asm_mov_rm(a, d.reg, s.mem);
        if (s.kind == PLACE_IMM) asm_mov_ri(a, d.reg, s.imm);
    } else if (s.kind == PLACE_REG) {
        asm_mov_mr(a, d.mem, s.reg);
    } else if (s.kind == PLACE_IMM && s.imm == (int32_t)s.imm) {
        asm_mov_mi(a, d.mem, (int32_t)s.imm);
    } else {
        emit_move(a, place_reg(scratch), s, scratch);
        asm_mov_mr(a, d.mem, scratch);
    }
}

// The move is done; the one that writes its source may have waited for just that.
static void finish(Mover *m, size_t index) {
    Node *node = &m->nodes[index];
    node->done = true;
    if (node->writer == NO_MOVE) return;
    Node *writer = &m->nodes[node->writer];
    if (--writer->readers == 0 && !writer->done) m->ready[m->num_ready++] = node->writer;
}

static void emit_ready(Mover *m) {
    while (m->num_ready > 0) {
        size_t index = m->ready[--m->num_ready];
        emit_move(m->a, m->nodes[index].d, m->nodes[index].s, m->scratch);
        finish(m, index);
    }
}

static void swap_places(Assembler *a, Place x, Place y, Reg scratch) {
    if (x.kind == PLACE_REG && y.kind == PLACE_REG) {
        asm_xchg_rr(a, x.reg, y.reg);
    } else if (x.kind == PLACE_REG) {
        asm_mov_rr(a, scratch, x.reg);
        asm_mov_rm(a, x.reg, y.mem);
        asm_mov_mr(a, y.mem, scratch);
    } else if (y.kind == PLACE_REG) {
        swap_places(a, y, x, scratch);
    } else { // one scratch register is too few: the machine stack holds the other value
        asm_mov_rm(a, scratch, x.mem);
        asm_push_m(a, y.mem);
        asm_pop_m(a, x.mem);
        asm_mov_mr(a, y.mem, scratch);
    }
}

// Only cycles are left. Swapping a destination with its source finishes that move, and the value
// that was overwritten is now in the source: the cycle has become one move shorter.
static void emit_cycle(Mover *m, size_t start) {
    for (size_t at = start; m->nodes[at].writer != start; at = m->nodes[at].writer) {
        swap_places(m->a, m->nodes[at].d, m->nodes[at].s, m->scratch);
        m->nodes[at].done = true;
        if (m->nodes[m->nodes[at].writer].writer == start) m->nodes[m->nodes[at].writer].done = true;
    }
}

static void add_moves(Mover *m, const ParallelMove *moves, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!same_place(moves[i].d, moves[i].s)) m->nodes[m->count++] = (Node){.d = moves[i].d, .s = moves[i].s};
    if (m->count > 1) qsort(m->nodes, m->count, sizeof *m->nodes, by_destination);
    for (size_t i = 0; i < m->count; i++) {
        m->nodes[i].writer = find_writer(m, m->nodes[i].s);
        if (m->nodes[i].writer != NO_MOVE) m->nodes[m->nodes[i].writer].readers++;
    }
}

// Constants are loaded last: they free no place, and their destinations may be read before.
static bool loads_constant(const Node *node) { return node->s.kind == PLACE_IMM; }

void parallel_move(Assembler *a, const ParallelMove *moves, size_t count, Reg scratch) {
    Arena arena = {0};
    Mover m = {.a = a, .scratch = scratch};
    m.nodes = arena_array(&arena, count, sizeof *m.nodes);
    m.ready = arena_array(&arena, count, sizeof *m.ready);
    add_moves(&m, moves, count);
    for (size_t i = m.count; i-- > 0;)
        if (m.nodes[i].readers == 0 && loads_constant(&m.nodes[i])) m.ready[m.num_ready++] = i;
    for (size_t i = m.count; i-- > 0;)
        if (m.nodes[i].readers == 0 && !loads_constant(&m.nodes[i])) m.ready[m.num_ready++] = i;
    emit_ready(&m);
    for (size_t i = 0; i < m.count; i++)
        if (!m.nodes[i].done) emit_cycle(&m, i);
    arena_free(&arena);
}
