// Braun et al. 2013, with three changes that keep it near-linear on every input:
//   - no recursion: phis whose operands are to be read wait on a list (the paper's algorithms 2 and 3
//     would go as deep as the function has blocks);
//   - a read does not walk from block to block. Where all writes are is known beforehand, so it climbs the
//     dominator tree to the first place where the value can be another (see `step_up`): 10,000 operands on
//     the stack below 10,000 branches need no phis, and no walks either;
//   - when a phi turns out to be trivial, only those phis are looked at again that the replacement can
//     make trivial (see `merge`).
// Invariant: an operand of a filled phi is in its user's list of users, under its current name (ir_resolve).
#include "ir/variables.h"

#include <stdlib.h>

#include "base/fatal.h"

enum { FEW_STEPS = 4 }; // a value that was found so fast is not remembered: the table stays small

// Climbing: Myers, "An applicative random-access stack", Information Processing Letters 17(5), 1983. The
// jumps of a path form a skip list, so a search takes O(log n) steps.

static Climb climb_new(Arena *arena, size_t count) {
    return (Climb){
        .parent = arena_array(arena, count, sizeof(uint32_t)),
        .jump = arena_array(arena, count, sizeof(uint32_t)),
        .depth = arena_array(arena, count, sizeof(uint32_t)),
        .key = arena_array(arena, count, sizeof(uint32_t)),
    };
}

// Parents are added before their children; the root is node 0, and has all zeroes but for its key.
static void climb_add(Climb *c, uint32_t node, uint32_t parent, uint32_t key) {
    uint32_t jump = c->jump[parent], far = c->jump[jump];
    bool same_length = c->depth[parent] - c->depth[jump] == c->depth[jump] - c->depth[far];
    c->parent[node] = parent;
    c->jump[node] = same_length ? far : parent;
    c->depth[node] = c->depth[parent] + 1;
    c->key[node] = key;
}

// The highest of the node and its ancestors with a key of at least `limit`; the node has one.
static uint32_t climb(const Climb *c, uint32_t node, uint32_t limit) {
    while (node != 0 && c->key[c->parent[node]] >= limit)
        node = c->key[c->jump[node]] >= limit ? c->jump[node] : c->parent[node];
    return node;
}

// Setting up.

static void prepare_climbs(Variables *v) {
    Ir *ir = v->ir;
    v->dominators = climb_new(&v->arena, ir->num_blocks);
    for (size_t i = 1; i < ir->num_rpo; i++) {
        const IrBlock *block = &ir->blocks[ir->order[i]];
        climb_add(&v->dominators, ir->order[i], block->idom, block->pos);
    }
    v->loops = climb_new(&v->arena, ir->num_loops);
    for (uint32_t i = 1; i < ir->num_loops; i++) {
        const IrLoop *loop = &ir->loops[i];
        climb_add(&v->loops, i, loop->parent, (uint32_t)ir->num_rpo - (loop->first + loop->num_blocks));
    }
}

void variables_init(Variables *v, Ir *ir, uint32_t num_variables, int64_t budget) {
    *v = (Variables){.ir = ir, .num_variables = num_variables, .budget = budget, .num_phis = 1, .num_users = 1};
    v->first = arena_array(&v->arena, num_variables + 2, sizeof *v->first);
    v->next = arena_array(&v->arena, num_variables + 1, sizeof *v->next);
    v->found = arena_array(&v->arena, num_variables + 1, sizeof *v->found);
    v->missing = arena_array(&v->arena, ir->num_blocks, sizeof *v->missing);
    v->has_keys = arena_array(&v->arena, ir->num_blocks, sizeof *v->has_keys);
    v->incomplete = arena_array(&v->arena, ir->num_blocks, sizeof *v->incomplete);
    for (size_t b = 0; b < ir->num_blocks; b++) v->missing[b] = (uint32_t)ir->blocks[b].num_preds;
    v->cap_keys = 64;
    v->keys = xcalloc(v->cap_keys, sizeof *v->keys);
    v->values = xcalloc(v->cap_keys, sizeof *v->values);
    prepare_climbs(v);
    GROW(v->phis, 0, v->cap_phis);
    GROW(v->users, 0, v->cap_users);
}

// Writes.

void variables_note(Variables *v, uint32_t variable, uint32_t block) {
    GROW(v->writes, v->num_writes, v->cap_writes);
    v->writes[v->num_writes++] = (Write){.variable = variable, .pos = v->ir->blocks[block].pos};
}

// Sort the writes by variable, by counting; for each variable they stay in order.
void variables_ready(Variables *v) {
    Write *sorted = xmalloc(v->num_writes * sizeof *sorted);
    for (size_t i = 0; i < v->num_writes; i++) v->first[v->writes[i].variable + 1]++;
    for (uint32_t i = 0; i < v->num_variables; i++) {
        v->first[i + 1] += v->first[i];
        v->next[i] = v->first[i];
    }
    for (size_t i = 0; i < v->num_writes; i++) sorted[v->next[v->writes[i].variable]++] = v->writes[i];
    for (uint32_t i = 0; i < v->num_variables; i++) v->next[i] = v->found[i] = v->first[i];
    free(v->writes);
    v->writes = sorted;
}

void variables_write(Variables *v, uint32_t variable, uint32_t block, Ref value) {
    Write *write = &v->writes[v->next[variable]++];
    if (write->variable != variable || write->pos != v->ir->blocks[block].pos)
        fatal("B%u writes variable %u, which was not noted", block, variable);
    write->value = value;
}

// The index of the variable's first write at this position or behind it; first[variable + 1] if there is none.
// Searches come in the order of the blocks, nearly: each starts where the last one ended, in steps that double,
// before it halves (Bentley and Yao, "An almost optimal algorithm for unbounded searching", 1976).
static uint32_t find_write(Variables *v, uint32_t variable, uint32_t pos) {
    const Write *writes = v->writes;
    uint32_t low = v->first[variable], high = v->first[variable + 1], at = v->found[variable], step = 1;
    if (at < high && writes[at].pos < pos) {
        while (step < high - at && writes[at + step].pos < pos) step *= 2;
        low = at + step / 2 + 1;
        if (step < high - at) high = at + step;
    } else {
        while (step <= at - low && writes[at - step].pos >= pos) step *= 2;
        high = at - step / 2;
        if (step <= at - low) low = at - step + 1;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (writes[middle].pos < pos) low = middle + 1;
        else high = middle;
    }
    return v->found[variable] = low;
}

// What the block writes to the variable, or NO_REF if it does not.
static Ref written_in(Variables *v, uint32_t variable, uint32_t block) {
    uint32_t pos = v->ir->blocks[block].pos, w = find_write(v, variable, pos);
    if (w == v->first[variable + 1] || v->writes[w].pos != pos) return NO_REF;
    if (v->writes[w].value == NO_REF) fatal("variable %u is read from B%u too early", variable, block);
    return v->writes[w].value;
}

// The table of values at the beginning of blocks: open addressing. Block 0 has none, so no key is 0.

// Four variables in eight blocks that follow each other lie together: their values are asked for together.
static size_t find_key(const Variables *v, uint64_t key) {
    const uint64_t inside = UINT64_C(7) << 32 | 3;
    size_t mask = v->cap_keys - 1, tile = (size_t)((key & ~inside) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
    size_t at = (tile + (key >> 32 & 7) * 4 + (key & 3)) & mask;
    while (v->keys[at] && v->keys[at] != key) at = (at + 1) & mask;
    return at;
}

static uint64_t key_of(uint32_t variable, uint32_t block) { return (uint64_t)block << 32 | variable; }

static Ref known_at(const Variables *v, uint32_t variable, uint32_t block) {
    return v->has_keys[block] ? v->values[find_key(v, key_of(variable, block))] : NO_REF;
}

static void grow_table(Variables *v) {
    uint64_t *keys = v->keys;
    Ref *values = v->values;
    size_t capacity = v->cap_keys;
    v->cap_keys *= 2;
    v->keys = xcalloc(v->cap_keys, sizeof *v->keys);
    v->values = xcalloc(v->cap_keys, sizeof *v->values);
    for (size_t i = 0; i < capacity; i++) {
        if (!keys[i]) continue;
        size_t at = find_key(v, keys[i]);
        v->keys[at] = keys[i];
        v->values[at] = values[i];
    }
    free(keys);
    free(values);
}

static void remember(Variables *v, uint32_t variable, uint32_t block, Ref value) {
    if (2 * v->num_keys >= v->cap_keys) grow_table(v);
    size_t at = find_key(v, key_of(variable, block));
    v->num_keys += v->keys[at] == 0;
    v->has_keys[block] = true;
    v->keys[at] = key_of(variable, block);
    v->values[at] = value;
}

// Reading (section 2.2 of the paper).

static void push(uint32_t **list, size_t *count, size_t *capacity, uint32_t item) {
    GROW(*list, *count, *capacity);
    (*list)[(*count)++] = item;
}

// A phi without operands yet. If predecessors are missing (section 2.3: the block is not sealed) it waits for
// them.
static Ref make_phi(Variables *v, uint32_t variable, uint32_t block) {
    const IrBlock *b = &v->ir->blocks[block];
    if (b->num_preds == 0) fatal("variable %u is read before it is written", variable);
    v->budget -= (int64_t)b->num_preds;
    uint32_t index = (uint32_t)v->num_phis;
    GROW(v->phis, v->num_phis, v->cap_phis);
    OpenPhi *phi = &v->phis[v->num_phis++];
    *phi = (OpenPhi){.ref = ir_new_phi(v->ir, block, b->pc), .variable = variable, .block = block};
    v->ir->ins[phi->ref].aux = index;
    remember(v, variable, block, phi->ref);
    if (v->missing[block]) {
        phi->next_incomplete = v->incomplete[block];
        v->incomplete[block] = index;
    } else {
        push(&v->pending, &v->num_pending, &v->cap_pending, index);
    }
    return phi->ref;
}

// The header of the innermost loop around the block that contains the position, which is not before the
// block; NO_BLOCK if there is none.
static uint32_t loop_up_to(const Variables *v, uint32_t block, uint32_t pos) {
    uint32_t loop = v->ir->blocks[block].loop, limit = (uint32_t)v->ir->num_rpo - pos;
    if (loop != NO_LOOP && v->loops.key[loop] >= limit) loop = v->loops.parent[climb(&v->loops, loop, limit)];
    return v->ir->loops[loop].header;
}

// Move *block up to a dominator at whose beginning the variable has the same value. Returns the block at whose
// end it has that value, too; or NO_BLOCK if control joins at *block and may bring different values.
//
// Control that goes from a block's immediate dominator d to the block b passes, in between, only through
// blocks that stand between the two in ir->order; and if b is a loop's header, through that loop's, too. So a
// walk up the dominator tree meets no write before it comes to the last write in front of b, or to the
// header of the innermost loop around b with a write behind b. (Where cycles have several entries, this does
// not hold, and the walk goes block by block.)
static uint32_t step_up(Variables *v, uint32_t variable, uint32_t *block) {
    const Ir *ir = v->ir;
    if (!ir->irreducible) {
        uint32_t behind = find_write(v, variable, ir->blocks[*block].pos), limit = 0;
        if (behind > v->first[variable]) limit = v->writes[behind - 1].pos + 1;
        if (behind < v->first[variable + 1]) {
            uint32_t header = loop_up_to(v, *block, v->writes[behind].pos);
            if (header == *block) return NO_BLOCK;
            if (header != NO_BLOCK && ir->blocks[header].pos >= limit) limit = ir->blocks[header].pos + 1;
        }
        *block = climb(&v->dominators, *block, limit);
        uint32_t idom = ir->blocks[*block].idom;
        if (idom != NO_BLOCK && ir->blocks[idom].pos + 1 == limit) return idom;
    }
    return ir->blocks[*block].num_preds == 1 ? ir->blocks[*block].preds[0] : NO_BLOCK;
}

static Ref value_at_begin(Variables *v, uint32_t variable, uint32_t start) {
    uint32_t block = start, steps = 0;
    Ref value = NO_REF;
    for (; value == NO_REF; steps++) {
        if (--v->budget < 0) {
            v->gave_up = true;
            return NO_REF;
        }
        value = known_at(v, variable, block);
        if (value) break;
        uint32_t from = block, above = step_up(v, variable, &block);
        if (block != from) value = known_at(v, variable, block);
        if (value) break;
        if (above == NO_BLOCK) return make_phi(v, variable, block);
        value = written_in(v, variable, above);
        block = above;
    }
    value = ir_resolve(v->ir, value);
    if (steps > FEW_STEPS) remember(v, variable, start, value);
    return value;
}

static Ref value_at_end(Variables *v, uint32_t variable, uint32_t block) {
    Ref value = written_in(v, variable, block);
    return value ? ir_resolve(v->ir, value) : value_at_begin(v, variable, block);
}

// Trivial phis (section 2.2, algorithm 3): all operands are the phi itself or one other value, which takes its
// place.

static bool is_phi(const Variables *v, Ref ref) { return v->ir->ins[ref].op == IR_PHI; }

static OpenPhi *open_phi(const Variables *v, Ref ref) { return &v->phis[v->ir->ins[ref].aux]; }

static void add_user(Variables *v, Ref operand, uint32_t user) {
    if (!is_phi(v, operand)) return;
    OpenPhi *phi = open_phi(v, operand);
    GROW(v->users, v->num_users, v->cap_users);
    v->users[v->num_users] = (PhiUser){user, phi->users};
    phi->users = (uint32_t)v->num_users++;
    if (!phi->last_user) phi->last_user = phi->users;
    phi->num_users++;
}

static void check_users(Variables *v, const OpenPhi *phi) {
    for (uint32_t u = phi->users; u; u = v->users[u].next)
        push(&v->checks, &v->num_checks, &v->cap_checks, v->users[u].phi);
}

// The phi's only operand takes its place. If that is a phi, those that can become trivial now have both as
// operands, or are the operand itself: it is enough to look through the shorter of the two lists of users.
// So a user is looked at again O(log n) times at most, however long the chain of replacements.
static void merge(Variables *v, OpenPhi *phi, Ref value) {
    ir_replace(v->ir, phi->ref, value);
    if (!is_phi(v, value)) {
        check_users(v, phi);
        return;
    }
    OpenPhi *other = open_phi(v, value);
    check_users(v, phi->num_users < other->num_users ? phi : other);
    push(&v->checks, &v->num_checks, &v->cap_checks, (uint32_t)(other - v->phis));
    if (phi->num_users == 0) return;
    v->users[phi->last_user].next = other->users;
    other->users = phi->users;
    if (!other->last_user) other->last_user = phi->last_user;
    other->num_users += phi->num_users;
}

// Operands that once were the same stay the same, so a check goes on where the last one stopped: over all checks
// of a phi, each operand is looked at once, and one more for each check.
static void check_trivial(Variables *v, OpenPhi *phi) {
    if (!phi->is_filled || !is_phi(v, phi->ref)) return;
    uint32_t count = v->ir->ins[phi->ref].num_args;
    for (; phi->scanned < count; phi->scanned++) {
        Ref operand = ir_arg(v->ir, phi->ref, phi->scanned);
        phi->same = ir_resolve(v->ir, phi->same);
        if (operand == phi->ref || operand == phi->same) continue;
        if (phi->same != NO_REF && phi->same != phi->ref) return;
        phi->same = operand;
    }
    Ref value = ir_resolve(v->ir, phi->same);
    if (value == NO_REF || value == phi->ref) fatal("variable %u is read before it is written", phi->variable);
    merge(v, phi, value);
}

static void run_checks(Variables *v) {
    while (v->num_checks > 0) check_trivial(v, &v->phis[v->checks[--v->num_checks]]);
}

static void fill_phi(Variables *v, uint32_t index) {
    Ref ref = v->phis[index].ref;
    uint32_t variable = v->phis[index].variable, block = v->phis[index].block;
    for (uint32_t i = 0; i < v->ir->ins[ref].num_args; i++) {
        Ref operand = value_at_end(v, variable, v->ir->blocks[block].preds[i]);
        if (v->gave_up) return;
        ir_set_arg(v->ir, ref, i, operand);
        add_user(v, operand, index);
    }
    v->phis[index].is_filled = true;
    push(&v->checks, &v->num_checks, &v->cap_checks, index);
    run_checks(v);
}

static void fill_pending(Variables *v) {
    while (v->num_pending > 0 && !v->gave_up) fill_phi(v, v->pending[--v->num_pending]);
}

Ref variables_read(Variables *v, uint32_t variable, uint32_t block) {
    Ref value = value_at_begin(v, variable, block);
    fill_pending(v);
    return ir_resolve(v->ir, value);
}

// Section 2.3: the last of the block's predecessors is filled.
static void seal(Variables *v, uint32_t block) {
    for (uint32_t i = v->incomplete[block]; i; i = v->phis[i].next_incomplete)
        push(&v->pending, &v->num_pending, &v->cap_pending, i);
    fill_pending(v);
}

void variables_filled(Variables *v, uint32_t block) {
    for (uint32_t s = 0; s < v->ir->blocks[block].num_succ; s++) {
        uint32_t next = v->ir->blocks[block].succ[s];
        if (--v->missing[next] == 0) seal(v, next);
    }
}

void variables_finish(Variables *v) {
    for (size_t i = 1; i < v->num_phis; i++)
        if (is_phi(v, v->phis[i].ref)) v->ir->ins[v->phis[i].ref].aux = 0;
    arena_free(&v->arena);
    free(v->writes);
    free(v->keys);
    free(v->values);
    free(v->phis);
    free(v->users);
    free(v->pending);
    free(v->checks);
}
