// Global value numbering.
// In:  IR.  Out: the same without instructions whose value a dominating instruction has already.
//
// Two instructions have the same value if they do the same with the same operands. The pass walks down the
// dominator tree with a hash table of what has been computed; what it enters in a block is taken out again
// when it leaves the subtree below. So what it finds in the table dominates the instruction it looks at, and
// can take its place. Operands are looked at under their new names: equal expressions of equal expressions
// are found in the same walk.
//
// An instruction that may raise an error can be replaced like any other: the first one has not raised it.
// Objects and arrays that are made anew are never the same. a * b is b * a, and a > b is b < a; a + b is b + a
// unless it may join strings.
//
// Memory. What a load gives depends on what was stored; so its key has one part more, the version of the
// memory that it reads. Memory comes in classes that do not overlap (memory.h). Every store and every call
// gives the classes that it may write a new version number. Where paths join, there is a question: is the
// version that holds at the end of the immediate dominator still good? It is, unless something on a path from
// there to here writes the class. What is written between each block and its immediate dominator is computed
// first; those classes get a new number at the start of the block, the others keep theirs. For a loop's header
// these paths include the loop, so a load survives loops that do not write what it reads.
//
// After `set_property a.x = v` the property is v, whatever there was before: the store is entered as if it
// were the load that would find it. The same for elements, and for what set_shape says of the next guard_shape.
//
// Guards have numbers like everything else; from which frame state they would leave does not matter. Behind a
// guard that its value is an integer, or a number, the result of the guard takes the place of the value
// everywhere: so what comes later knows its type, and a second guard has nothing to check. An object has one
// shape now and another one later; so guards of shapes have the memory that they read, MEM_SHAPES, in their key,
// and what is looked at through one is looked at by the name of the object itself.
//
// Source: Briggs, Cooper, Simpson, "Value numbering", Software: Practice and Experience 27(6), 1997, section 5
// (the walk over the dominator tree); Click, "Global code motion, global value numbering", PLDI 1995.
#include <stdlib.h>

#include "object/number.h"
#include "opt/fold.h"
#include "opt/guards.h"
#include "opt/memory.h"
#include "opt/opt.h"

typedef struct Entry {
    uint64_t version;
    uint64_t hash;
    Ref key;      // the instruction that computes the value, or a store that is entered as a load
    Ref value;
    uint32_t next; // in the same bucket; 0 ends it
    uint8_t op;   // what it is entered as
} Entry;

// A class that had another version before. What is undone when the walk leaves a subtree.
typedef struct Change {
    unsigned class;
    uint64_t version;
} Change;

// A block on the path from the root of the dominator tree to where the walk is.
typedef struct Scope {
    uint32_t block;
    size_t num_entries, num_changes; // when the walk came in
    uint64_t all_version;
} Scope;

typedef struct Gvn {
    Ir *ir;
    Memory memory;
    MemorySet *written;    // indexed by block: classes written between its immediate dominator and its start
    uint32_t *buckets;     // of the hash table: index of the newest entry, or 0
    size_t num_buckets;    // a power of two
    Entry *entries;        // a stack; entries[0] is not used
    size_t num_entries, cap_entries;
    uint64_t last_version; // version numbers only grow
    uint64_t all_version;  // all classes were written then
    uint64_t version[NUM_CLASSES]; // this class was
    Change *changes;
    size_t num_changes, cap_changes;
    Scope *scopes;
    size_t num_scopes, cap_scopes;
    Ref *guarded; // indexed by Ref: the newest guard of the value's type, or NO_REF
} Gvn;

// What is written between a block and its immediate dominator d: what the blocks on the way down from d, in the
// dominator tree, to each predecessor write, and what is written on the way to those from their immediate
// dominators. The tree is built bottom up, and the walk up from a predecessor ends below d, because d is not
// linked to yet; path compression makes it short (Tarjan, "Applications of path compression on balanced trees",
// Journal of the ACM 26(4), 1979).

typedef struct Between {
    const Ir *ir;
    MemorySet *writes; // of a block and of what is between it and its immediate dominator
    MemorySet *above;  // the same for the blocks above it in its tree that compression has skipped, and itself
    uint32_t *up;      // towards the root of its tree; NO_BLOCK: it is the root
    uint32_t *path;
} Between;

// The union of `writes` from the block up to the root of its tree, both included.
static MemorySet written_above(Between *between, uint32_t block) {
    size_t length = 0;
    uint32_t root = block;
    while (between->up[root] != NO_BLOCK) {
        between->path[length++] = root;
        root = between->up[root];
    }
    MemorySet set = 0;
    while (length-- > 0) {
        uint32_t at = between->path[length];
        set = between->above[at] |= set;
        between->up[at] = root;
    }
    return set | between->writes[root];
}

static uint32_t first_child(const Ir *ir, uint32_t block) { return ir->blocks[block].dom_child; }
static uint32_t next_child(const Ir *ir, uint32_t child) { return ir->blocks[child].dom_sibling; }

// Siblings in reverse postorder: a path from one to the other is known before it matters, unless it leads
// through an irreducible cycle. Returns whether anything has changed.
static bool join_children(Between *between, MemorySet *written, uint32_t parent) {
    const Ir *ir = between->ir;
    bool changed = false;
    for (uint32_t child = first_child(ir, parent); child != NO_BLOCK; child = next_child(ir, child)) {
        MemorySet set = written[child];
        for (size_t i = 0; i < ir->blocks[child].num_preds; i++) {
            uint32_t pred = ir->blocks[child].preds[i];
            if (pred != parent) set |= written_above(between, pred);
        }
        changed |= set != written[child];
        written[child] = set;
        between->writes[child] |= set;
    }
    return changed;
}

static void link_children(Between *between, uint32_t parent) {
    const Ir *ir = between->ir;
    for (uint32_t child = first_child(ir, parent); child != NO_BLOCK; child = next_child(ir, child)) {
        between->up[child] = parent;
        between->above[child] = between->writes[child];
    }
}

// In irreducible code siblings can depend on each other in a circle: a few rounds, then the worst is assumed.
static void settle_children(Between *between, MemorySet *written, uint32_t parent) {
    enum { MAX_ROUNDS = 4 };
    const Ir *ir = between->ir;
    int round = 0;
    while (join_children(between, written, parent) && ir->irreducible && ++round < MAX_ROUNDS) {}
    if (round < MAX_ROUNDS) return;
    for (uint32_t child = first_child(ir, parent); child != NO_BLOCK; child = next_child(ir, child))
        written[child] = between->writes[child] = ALL_MEMORY;
}

// The reachable blocks in preorder of the dominator tree.
static uint32_t *dominator_preorder(const Ir *ir) {
    uint32_t *order = xcalloc(ir->num_rpo, sizeof *order);
    for (size_t i = 0; i < ir->num_rpo; i++) order[ir->blocks[ir->rpo[i]].dom_pre] = ir->rpo[i];
    return order;
}

static MemorySet *find_written(const Ir *ir, const Memory *memory, const uint32_t *preorder) {
    Arena arena = {0};
    MemorySet *written = xcalloc(ir->num_blocks, sizeof *written);
    Between between = {
        .ir = ir,
        .writes = arena_array(&arena, ir->num_blocks, sizeof *between.writes),
        .above = arena_array(&arena, ir->num_blocks, sizeof *between.above),
        .up = arena_array(&arena, ir->num_blocks, sizeof *between.up),
        .path = arena_array(&arena, ir->num_blocks, sizeof *between.path),
    };
    for (uint32_t b = 0; b < ir->num_blocks; b++) between.up[b] = NO_BLOCK;
    IR_ALL(ir, ref) between.writes[ir->ins[ref].block] |= memory_writes(memory, ref);
    for (size_t i = ir->num_rpo; i-- > 0;) {
        settle_children(&between, written, preorder[i]);
        link_children(&between, preorder[i]);
    }
    arena_free(&arena);
    return written;
}

// Versions.

static void set_version(Gvn *gvn, unsigned class, uint64_t version) {
    GROW(gvn->changes, gvn->num_changes, gvn->cap_changes);
    gvn->changes[gvn->num_changes++] = (Change){class, gvn->version[class]};
    gvn->version[class] = version;
}

static void write_memory(Gvn *gvn, MemorySet set) {
    if (set == 0) return;
    uint64_t version = ++gvn->last_version;
    if (set == ALL_MEMORY) {
        gvn->all_version = version;
        return;
    }
    for (; set; set &= set - 1) set_version(gvn, (unsigned)__builtin_ctzll(set), version);
}

// One number for the versions of several classes: the newest says when any of them was last written.
static uint64_t version_of(const Gvn *gvn, MemorySet set) {
    if (set == 0) return 0;
    uint64_t newest = gvn->all_version;
    for (MemorySet rest = set; rest; rest &= rest - 1) {
        uint64_t version = gvn->version[__builtin_ctzll(rest)];
        if (version > newest) newest = version;
    }
    return newest;
}

// The table.

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

// Constants that are the same value have the same hash: of heap numbers there may be several.
static uint64_t constant_word(Value value) {
    return value_is(value, TYPE_NUMBER) ? double_bits(number_to_double(value)) : value;
}

static bool is_commutative(const Ir *ir, IrOp op, const Ref operands[2]) {
    if (op == IR_MUL || op == IR_EQUAL || op == IR_ADD_INT || op == IR_MUL_INT) return true;
    return op == IR_ADD && !((ir->ins[operands[0]].type | ir->ins[operands[1]].type) & IRT_STRING);
}

static void swap(Ref operands[2]) {
    Ref first = operands[0];
    operands[0] = operands[1];
    operands[1] = first;
}

// Of what can be written in two ways, the one that stands for both.
static IrOp normalize(const Ir *ir, IrOp op, Ref operands[2]) {
    if (op == IR_GREATER_THAN) {
        swap(operands);
        return IR_LESS_THAN;
    }
    if (is_commutative(ir, op, operands) && operands[0] > operands[1]) swap(operands);
    return op;
}

// The object that the instruction, taken as an `op`, looks at, whatever its guards.
static bool looks_at_object(IrOp op) { return op == IR_GUARD_SHAPE || op == IR_LOAD_FIELD; }

// How many operands the instruction has if it is taken as an `op`: a store's first ones are those of the load.
static uint32_t count_operands(const Ir *ir, IrOp op, Ref ref) {
    int count = ir_op_info[op].num_args;
    return count == VARIABLE_ARGS ? ir->ins[ref].num_args : (uint32_t)count;
}

// Operands are added up, and not mixed: instructions that stand together have operands that do, and come to lie in
// buckets that do. In a large function, a table that is used all over costs a cache miss for each instruction.
static uint64_t hash_of(const Gvn *gvn, IrOp op, Ref ref, uint64_t version) {
    const Ir *ir = gvn->ir;
    const IrIns *ins = &ir->ins[ref];
    const Ref *args = ir_args(ir, ref);
    uint32_t count = count_operands(ir, op, ref);
    Ref two[2] = {count == 2 ? args[0] : NO_REF, count == 2 ? args[1] : NO_REF};
    if (count == 2 && op != IR_PHI) {
        op = normalize(ir, op, two);
        args = two;
    }
    uint64_t hash = mix(mix(op, version), op == IR_CONST ? constant_word((Value)ins->imm) : (uint64_t)ins->imm);
    if (ir_op_info[op].operand != IR_PROPERTY) hash = mix(hash, ins->aux); // which cache it has does not matter
    if (op == IR_PHI) hash += ins->block;
    if (looks_at_object(op)) return mix(hash, object_of(ir, ref));
    for (uint64_t i = 0; i < count; i++) hash += (2 * i + 1) * args[i];
    return hash;
}

static bool have_same_operands(const Ir *ir, IrOp op_x, Ref x, IrOp op_y, Ref y) {
    const Ref *a = ir_args(ir, x), *b = ir_args(ir, y);
    uint32_t count = count_operands(ir, op_x, x);
    if (count == 2 && op_x != IR_PHI) {
        Ref two_a[2] = {a[0], a[1]}, two_b[2] = {b[0], b[1]};
        if (normalize(ir, op_x, two_a) != normalize(ir, op_y, two_b)) return false;
        return two_a[0] == two_b[0] && two_a[1] == two_b[1];
    }
    if (op_x != op_y || count != count_operands(ir, op_y, y)) return false;
    if (looks_at_object(op_x)) return object_of(ir, x) == object_of(ir, y);
    for (uint32_t i = 0; i < count; i++)
        if (a[i] != b[i]) return false;
    return true;
}

// Does the entry do the same as the instruction, with the same operands?
static bool is_same(const Ir *ir, const Entry *entry, Ref ref) {
    const IrIns *x = &ir->ins[entry->key], *y = &ir->ins[ref];
    IrOp op = y->op;
    if (op == IR_CONST) return entry->op == op && constants_are_same((Value)x->imm, (Value)y->imm);
    if (ir_op_info[entry->op].operand != ir_op_info[op].operand || x->imm != y->imm) return false;
    if (ir_op_info[op].operand != IR_PROPERTY && x->aux != y->aux) return false;
    if (op == IR_PHI && x->block != y->block) return false;
    if (ir_op_info[entry->op].num_args != ir_op_info[op].num_args) return false;
    return have_same_operands(ir, entry->op, entry->key, op, ref);
}

static void enter(Gvn *gvn, IrOp op, Ref key, Ref value, uint64_t version) {
    GROW(gvn->entries, gvn->num_entries, gvn->cap_entries);
    uint64_t hash = hash_of(gvn, op, key, version);
    uint32_t *bucket = &gvn->buckets[hash & (gvn->num_buckets - 1)];
    gvn->entries[gvn->num_entries] = (Entry){version, hash, key, value, *bucket, (uint8_t)op};
    *bucket = (uint32_t)gvn->num_entries++;
}

// The value that is known for what the instruction computes; NO_REF if none.
static Ref find(const Gvn *gvn, Ref ref, uint64_t version) {
    uint64_t hash = hash_of(gvn, gvn->ir->ins[ref].op, ref, version);
    for (uint32_t i = gvn->buckets[hash & (gvn->num_buckets - 1)]; i != 0; i = gvn->entries[i].next) {
        const Entry *entry = &gvn->entries[i];
        bool may_be_same = entry->hash == hash && entry->version == version;
        if (may_be_same && is_same(gvn->ir, entry, ref)) return entry->value;
    }
    return NO_REF;
}

// Scopes.

static void enter_block(Gvn *gvn, uint32_t block) {
    GROW(gvn->scopes, gvn->num_scopes, gvn->cap_scopes);
    gvn->scopes[gvn->num_scopes++] = (Scope){block, gvn->num_entries, gvn->num_changes, gvn->all_version};
    write_memory(gvn, gvn->written[block]);
}

static void leave_block(Gvn *gvn) {
    Scope scope = gvn->scopes[--gvn->num_scopes];
    while (gvn->num_entries > scope.num_entries) {
        const Entry *entry = &gvn->entries[--gvn->num_entries];
        gvn->buckets[entry->hash & (gvn->num_buckets - 1)] = entry->next;
    }
    while (gvn->num_changes > scope.num_changes) {
        Change change = gvn->changes[--gvn->num_changes];
        gvn->version[change.class] = change.version;
    }
    gvn->all_version = scope.all_version;
}

static uint32_t innermost(const Gvn *gvn) { return gvn->scopes[gvn->num_scopes - 1].block; }

// Instructions.

static bool can_be_numbered(const Ir *ir, Ref ref) {
    const IrOpInfo *info = ir_info(ir, ref);
    if (info->type == IRT_NONE || info->writes != MEM_NONE) return false;
    return !(info->flags & IR_ALLOCATES) && ir->ins[ref].op != IR_PARAM;
}

// The value that took the place of all of the phi's operands; NO_REF if they differ.
static Ref only_operand(const Ir *ir, Ref phi) {
    Ref first = ir_args(ir, phi)[0];
    for (uint32_t i = 1; i < ir->ins[phi].num_args; i++)
        if (ir_args(ir, phi)[i] != first) return NO_REF;
    return first == phi ? NO_REF : first;
}

// The value that there is without looking into the table: of a phi, or of a guard that has nothing to check.
static Ref plain_value(const Ir *ir, Ref ref) {
    if (ir->ins[ref].op == IR_PHI) return only_operand(ir, ref);
    return guard_is_proven(ir, ref) ? ir_args(ir, ref)[0] : NO_REF;
}

// What is stored is what the next load finds.
static void enter_store(Gvn *gvn, Ref ref) {
    const Ir *ir = gvn->ir;
    if (ir->ins[ref].op == IR_SET_PROPERTY) {
        MemorySet reads = memory_property_reads(&gvn->memory, value_to_pointer((Value)ir->ins[ref].imm));
        enter(gvn, IR_GET_PROPERTY, ref, ir_args(ir, ref)[1], version_of(gvn, reads));
    } else if (ir->ins[ref].op == IR_SET_INDEX) {
        MemorySet reads = memory_index_reads(&gvn->memory, ir_args(ir, ref)[1]);
        enter(gvn, IR_GET_INDEX, ref, ir_args(ir, ref)[2], version_of(gvn, reads));
    } else if (ir->ins[ref].op == IR_STORE_FIELD) {
        enter(gvn, IR_LOAD_FIELD, ref, ir_args(ir, ref)[1], version_of(gvn, memory_writes(&gvn->memory, ref)));
    } else if (ir->ins[ref].op == IR_STORE_ELEMENT) {
        enter(gvn, IR_LOAD_ELEMENT, ref, ir_args(ir, ref)[2], version_of(gvn, memory_writes(&gvn->memory, ref)));
    } else if (ir->ins[ref].op == IR_SET_SHAPE) {
        enter(gvn, IR_GUARD_SHAPE, ref, ir_args(ir, ref)[0], version_of(gvn, memory_writes(&gvn->memory, ref)));
    }
}

// What stands for the value in a block, as far as the walk has come: the last guard on the way here.
static Ref guarded_value(const Gvn *gvn, Ref value, uint32_t block) {
    const Ir *ir = gvn->ir;
    for (;;) {
        Ref guard = gvn->guarded[value];
        if (guard == NO_REF || !ir_dominates(ir, ir->ins[guard].block, block)) return value;
        value = guard;
    }
}

static void enter_guard(Gvn *gvn, Ref ref) {
    IrOp op = gvn->ir->ins[ref].op;
    if (op == IR_GUARD_INT || op == IR_GUARD_NUMBER) gvn->guarded[ir_args(gvn->ir, ref)[0]] = ref;
}

// A guard of an object that is guarded already is one of the object itself: so object_of has one step to go.
static void read_operands(Gvn *gvn, Ref ref) {
    Ir *ir = gvn->ir;
    bool is_phi = ir->ins[ref].op == IR_PHI;
    for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) {
        Ref operand = ir_arg(ir, ref, i);
        if (!is_phi) ir_set_arg(ir, ref, i, guarded_value(gvn, operand, ir->ins[ref].block));
    }
    if (ir->ins[ref].op == IR_GUARD_SHAPE) ir_set_arg(ir, ref, 0, object_of(ir, ref));
}

static void read_phi_operands(Gvn *gvn, uint32_t block) {
    Ir *ir = gvn->ir;
    const IrBlock *b = &ir->blocks[block];
    for (uint32_t s = 0; s < b->num_succ; s++)
        for (Ref phi = ir->blocks[b->succ[s]].first; ir->ins[phi].op == IR_PHI; phi = ir->ins[phi].next)
            ir_set_arg(ir, phi, b->pred_at[s], guarded_value(gvn, ir_arg(ir, phi, b->pred_at[s]), block));
}

static void number_instruction(Gvn *gvn, Ref ref) {
    Ir *ir = gvn->ir;
    read_operands(gvn, ref);
    if (!can_be_numbered(ir, ref)) {
        write_memory(gvn, memory_writes(&gvn->memory, ref));
        enter_store(gvn, ref);
        return;
    }
    IrOp op = ir->ins[ref].op;
    uint64_t version = version_of(gvn, memory_reads(&gvn->memory, ref));
    Ref known = plain_value(ir, ref);
    if (known == NO_REF) known = find(gvn, ref, version);
    if (known != NO_REF) {
        ir_replace(ir, ref, known);
        return;
    }
    enter(gvn, op, ref, ref, version);
    enter_guard(gvn, ref);
}

static void walk(Gvn *gvn, const uint32_t *preorder) {
    Ir *ir = gvn->ir;
    for (size_t i = 0; i < ir->num_rpo; i++) {
        uint32_t block = preorder[i];
        while (gvn->num_scopes > 0 && innermost(gvn) != ir->blocks[block].idom) leave_block(gvn);
        enter_block(gvn, block);
        IR_EACH(ir, block, ref) number_instruction(gvn, ref);
        read_phi_operands(gvn, block);
    }
}

static void make_table(Gvn *gvn) {
    gvn->num_buckets = 64;
    while (gvn->num_buckets < gvn->ir->num_ins) gvn->num_buckets *= 2;
    gvn->buckets = xcalloc(gvn->num_buckets, sizeof *gvn->buckets);
    GROW(gvn->entries, gvn->num_entries, gvn->cap_entries);
    gvn->entries[gvn->num_entries++] = (Entry){0};
}

static void finish(Gvn *gvn) {
    free(gvn->written);
    free(gvn->buckets);
    free(gvn->entries);
    free(gvn->changes);
    free(gvn->scopes);
    free(gvn->guarded);
}

void opt_gvn(Ir *ir) {
    ir_remove_unreachable(ir);
    ir_infer_types(ir);
    ir_loops(ir);
    Gvn gvn = {.ir = ir};
    uint32_t *preorder = dominator_preorder(ir);
    memory_init(&gvn.memory, ir);
    gvn.written = find_written(ir, &gvn.memory, preorder);
    make_table(&gvn);
    gvn.guarded = xcalloc(ir->num_ins, sizeof *gvn.guarded);
    walk(&gvn, preorder);
    ir_apply_replacements(ir);
    finish(&gvn);
    free(preorder);
}
