// From variables to values: which definition does a read of a variable see?
//
// The construction of SSA form of Braun, Buchwald, Hack, Leissa, Mallon and Zwinkau, "Simple and efficient
// construction of static single assignment form", CC 2013. A variable is a number; the builder tells what
// each block writes, and asks for the value that a variable has where a block begins. Phis are made on
// demand, only where a read needs one.
//
// Use: variables_init; variables_note for every write; variables_ready; then for each block in the order of
// ir->order: variables_read, variables_write for each write that was noted, variables_filled; and
// variables_finish at the end.
#ifndef IR_VARIABLES_H
#define IR_VARIABLES_H

#include "ir/ir.h"

// A tree that is climbed in great strides: every node has, apart from its parent, an ancestor to jump to.
// Keys do not grow upwards.
typedef struct Climb {
    uint32_t *parent, *jump, *depth, *key; // indexed by node; the root is its own parent
} Climb;

// A phi under construction.
typedef struct OpenPhi {
    Ref ref;
    uint32_t variable, block;
    bool is_filled;      // has it its operands?
    uint32_t scanned;    // the operands before this one are the phi itself or `same`
    Ref same;
    uint32_t users, last_user, num_users; // a list of the phis that have it as an operand
    uint32_t next_incomplete;
} OpenPhi;

typedef struct PhiUser {
    uint32_t phi, next; // indices into phis and users
} PhiUser;

typedef struct Write {
    uint32_t variable, pos; // of the block in ir->order
    Ref value;              // what the variable holds at the block's end; NO_REF: not known yet
} Write;

typedef struct Variables {
    Ir *ir;
    Arena arena;
    uint32_t num_variables;
    Write *writes; // sorted by variable, then by pos
    size_t num_writes, cap_writes;
    uint32_t *first;   // the writes of variable v: writes[first[v] .. first[v + 1])
    uint32_t *next;    // for each variable: the write that variables_write fills in next
    uint32_t *found;   // for each variable: where the last search for a write ended
    Climb dominators;  // of blocks; key: pos
    Climb loops;       // key: the number of blocks behind the loop in ir->order
    uint64_t *keys;    // a hash table: block and variable -> the value where the block begins
    Ref *values;
    size_t num_keys, cap_keys;
    bool *has_keys;       // for each block: is anything about it in the table?
    uint32_t *missing;    // for each block: predecessors that are not filled yet
    uint32_t *incomplete; // for each block: a list of phis that wait for those
    OpenPhi *phis;        // phis[0] is not used
    size_t num_phis, cap_phis;
    PhiUser *users;       // users[0] is not used
    size_t num_users, cap_users;
    uint32_t *pending;    // phis whose operands are to be read
    size_t num_pending, cap_pending;
    uint32_t *checks;     // phis that may have become trivial
    size_t num_checks, cap_checks;
    int64_t budget;
    bool gave_up; // the budget is used up: the IR is incomplete, and of no use
} Variables;

// Prepare for variables 0 .. num_variables - 1. The IR has its blocks and edges, and ir_loops its results;
// `budget` limits the steps that reading may take.
void variables_init(Variables *v, Ir *ir, uint32_t num_variables, int64_t budget);

// The block will write the variable (once; the last write counts). Blocks come in the order of ir->order.
void variables_note(Variables *v, uint32_t variable, uint32_t block);
void variables_ready(Variables *v);

// The variable's value where the block begins. Some path that does not write it is fatal.
Ref variables_read(Variables *v, uint32_t variable, uint32_t block);

// The variable's value where the block ends.
void variables_write(Variables *v, uint32_t variable, uint32_t block, Ref value);

// The block has all of its writes.
void variables_filled(Variables *v, uint32_t block);

// Leave no trace in the IR but the phis, and free everything.
void variables_finish(Variables *v);

#endif
