// IR: the optimiser's view of one function, in static single assignment form.
//
// An instruction is the value that it computes: each is written once, and whoever reads it is dominated by
// it. Where control flow joins, a phi selects the value that belongs to the predecessor control came from.
//
//   func main params=1 {                 blocks[1]: preds {0, 2}, succ {2, 3}
//   B0:                                  instructions of a block: a list, phis first,
//       v1 = param 0                     exactly one terminator (jump, branch, return) at the end
//       v2 = const 1
//       jump B1
//   B1:
//       v3 = phi v1, v5                  operand i belongs to preds[i]
//       branch v3, B2, B3                truthy: succ[0] = B2; else succ[1] = B3
//   B2:
//       v5 = sub v3, v2
//       jump B1
//   B3:
//       return v3
//   }
//
// Code that bets on what it has seen so far has guards, and each of them a frame state:
//
//       s7 = state @12, v3, v2           if a guard fails: continue at bytecode 12, slots 0 and 1 are v3, v2
//       v8 = guard_int v3 [s7]           v3, which must be an integer
//       v9 = add_int v8, v2 [s7]         the sum, which must be an integer, too
//
// A state is an instruction, so that who replaces a value replaces it there, too. The interpreter continues
// from the state and does over again what lies between it and the guard: no effect may.
//
// Everything is an index into an array of the Ir: instructions (Ref), blocks, loops. Indices dump, compare
// and survive the array's growth; a pointer into an array is good until the next instruction (or block,
// or operand) is made.
//
// Invariants (ir_verify checks them all):
//   - block 0 is the entry: it has no predecessors and holds the params;
//   - an edge exists once: the two successors of a branch differ, no block is twice in a preds list;
//   - each operand's definition dominates its use; a phi's operand dominates the predecessor it belongs to;
//   - a guard's state stands before it in the same block, and there is no effect between them;
//   - a removed instruction is IR_NOP, in no block, and nobody uses it; the same for a removed block.
//
// Source: Cytron, Ferrante, Rosen, Wegman, Zadeck, "Efficiently computing static single assignment form
// and the control dependence graph", TOPLAS 13(4), 1991.
#ifndef IR_IR_H
#define IR_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/memory.h"
#include "bytecode/program.h"
#include "deopt/rep.h"

typedef struct Speculation Speculation; // deopt/feedback.h

typedef uint32_t Ref;   // an instruction, and the value that it computes
#define NO_REF ((Ref)0) // instruction 0 is a nop that nobody uses
#define NO_BLOCK UINT32_MAX
#define NO_LOOP ((uint32_t)0) // loop 0 stands for "in no loop"
#define NO_PC UINT32_MAX

// Types: the set of kinds that a value may be of.
enum {
    IRT_NONE = 0, // no value: the instruction has no result, or (after inference) never finishes
    IRT_INT = 1,  // a number that fits an int32, -0 excluded
    IRT_DOUBLE = 2, // any other number
    IRT_STRING = 4,
    IRT_BOOL = 8,
    IRT_UNDEFINED = 16,
    IRT_NULL = 32,
    IRT_OBJECT = 64, // objects, arrays, functions
    IRT_NUMBER = IRT_INT | IRT_DOUBLE,
    IRT_PRIMITIVE = IRT_NUMBER | IRT_STRING | IRT_BOOL | IRT_UNDEFINED | IRT_NULL,
    IRT_ANY = IRT_PRIMITIVE | IRT_OBJECT,
};

// Memory, in classes that never overlap: what an instruction reads and what it writes.
enum {
    MEM_NONE = 0,
    MEM_PROPERTIES = 1, // values and presence of properties; two different names never meet
    MEM_PROTOTYPES = 2, // which object inherits from which
    MEM_ELEMENTS = 4,   // of arrays
    MEM_LENGTHS = 8,    // of arrays; that of a string never changes
    MEM_SHAPES = 32,    // of objects
    MEM_HEAP = MEM_PROPERTIES | MEM_PROTOTYPES | MEM_ELEMENTS | MEM_LENGTHS | MEM_SHAPES,
    MEM_OUTSIDE = 16,   // what a native may see or do beyond the heap: output, time
    MEM_ALL = MEM_HEAP | MEM_OUTSIDE,
};

// What else an instruction is.
enum {
    IR_NO_FLAGS = 0,
    IR_THROWS = 1,    // may end in a run-time error: an effect, whose order and place count (ir_may_throw is
                      // exact; running out of memory does not count)
    IR_ALLOCATES = 2, // the result is an object of its own: two of them are never one; unused, it can go
    IR_CONTROL = 4,   // ends a block
    IR_PINNED = 8,    // stays in its block, whatever its operands are: phi, param, state
    IR_GUARDS = 16,   // may leave for the interpreter, by way of its state; that is no effect
};

enum { VARIABLE_ARGS = -1 };

// What `imm` and `aux` of an instruction mean, and how the text form writes them.
typedef enum IrOperand {
    IR_PLAIN,    // neither has a meaning
    IR_PARAM_INDEX, // aux: the index of a parameter
    IR_VALUE,    // imm: the bits of a Value
    IR_FUNCTION_INDEX, // aux: the index of a function of the program
    IR_NATIVE_INDEX,   // aux: the index of a native
    IR_CLASS_INDEX,    // aux: the index of a class
    IR_PROPERTY, // imm: the address of an interned String; aux: the inline cache's index in the function
                 // (Function.site), or NO_SITE
    IR_FIELD,    // imm: the address of an interned String, the property's name; aux: where its value is inside
                 // the object, in bytes
    IR_SHAPE,    // aux: the number of a shape
    IR_RESUME_POINT, // aux: RESUME_AT the bytecode `pc`, or RESUME_BEHIND it, with its result on top of the slots
} IrOperand;

enum { RESUME_AT, RESUME_BEHIND };

// Where the text form writes the meaning: behind so many operands.
static inline uint32_t ir_meaning_place(IrOperand operand) {
    return operand == IR_PROPERTY || operand == IR_FIELD || operand == IR_SHAPE ? 1 : 0;
}

// The instruction set. Each row: name, mnemonic, operands, meaning of imm and aux, flags, memory it reads,
// memory it writes, the widest type of its result (IRT_NONE: it has no result), meaning.
// Arithmetic and comparisons are JavaScript's on primitives; on an object they are a run-time error.
// clang-format off
#define IR_OPS(_) \
    _(NOP,           "nop",           0, IR_PLAIN, IR_NO_FLAGS, MEM_NONE, MEM_NONE, IRT_NONE, "a removed instruction; aux: the value that took its place, or NO_REF") \
    _(PARAM,         "param",         0, IR_PARAM_INDEX, IR_PINNED, MEM_NONE, MEM_NONE, IRT_ANY, "the function's parameter; only in block 0") \
    _(CONST,         "const",         0, IR_VALUE, IR_NO_FLAGS, MEM_NONE, MEM_NONE, IRT_PRIMITIVE, "a number, string, boolean, undefined or null") \
    _(PHI,           "phi",           VARIABLE_ARGS, IR_PLAIN, IR_PINNED, MEM_NONE, MEM_NONE, IRT_ANY, "operand i if control came from predecessor i; all phis of a block at once") \
    _(LOAD_FUNCTION, "load_function", 0, IR_FUNCTION_INDEX, IR_NO_FLAGS, MEM_NONE, MEM_NONE, IRT_OBJECT, "the function as a value, always the same") \
    _(ADD,           "add",           2, IR_PLAIN, IR_THROWS, MEM_NONE, MEM_NONE, IRT_NUMBER | IRT_STRING, "a + b: the sum, or the strings joined") \
    _(SUB,           "sub",           2, IR_PLAIN, IR_THROWS, MEM_NONE, MEM_NONE, IRT_NUMBER, "a - b") \
    _(MUL,           "mul",           2, IR_PLAIN, IR_THROWS, MEM_NONE, MEM_NONE, IRT_NUMBER, "a * b") \
    _(DIV,           "div",           2, IR_PLAIN, IR_THROWS, MEM_NONE, MEM_NONE, IRT_NUMBER, "a / b") \
    _(MOD,           "mod",           2, IR_PLAIN, IR_THROWS, MEM_NONE, MEM_NONE, IRT_NUMBER, "the remainder of a / b, with the sign of a") \
    _(EQUAL,         "equal",         2, IR_PLAIN, IR_NO_FLAGS, MEM_NONE, MEM_NONE, IRT_BOOL, "a === b") \
    _(LESS_THAN,     "less_than",     2, IR_PLAIN, IR_THROWS, MEM_NONE, MEM_NONE, IRT_BOOL, "a < b") \
    _(GREATER_THAN,  "greater_than",  2, IR_PLAIN, IR_THROWS, MEM_NONE, MEM_NONE, IRT_BOOL, "a > b") \
    _(GET_PROPERTY,  "get_property",  1, IR_PROPERTY, IR_THROWS, MEM_PROPERTIES | MEM_PROTOTYPES | MEM_LENGTHS, MEM_NONE, IRT_ANY, "the property of the object a") \
    _(SET_PROPERTY,  "set_property",  2, IR_PROPERTY, IR_THROWS, MEM_NONE, MEM_PROPERTIES | MEM_SHAPES, IRT_NONE, "make b the property of the object a") \
    _(DELETE_PROPERTY, "delete_property", 1, IR_PROPERTY, IR_THROWS, MEM_NONE, MEM_PROPERTIES | MEM_SHAPES, IRT_BOOL, "remove the object's own property") \
    _(CALL_METHOD,   "call_method",   VARIABLE_ARGS, IR_PROPERTY, IR_THROWS, MEM_ALL, MEM_ALL, IRT_ANY, "call the method of the receiver a with a and the other operands") \
    _(NEW_OBJECT,    "new_object",    0, IR_CLASS_INDEX, IR_ALLOCATES, MEM_NONE, MEM_NONE, IRT_OBJECT, "a new object of the class") \
    _(LOAD_PROTOTYPE, "load_prototype", 0, IR_CLASS_INDEX, IR_NO_FLAGS, MEM_NONE, MEM_NONE, IRT_OBJECT, "the object that holds the class's methods, always the same") \
    _(SET_PROTOTYPE, "set_prototype", 2, IR_PLAIN, IR_THROWS, MEM_PROTOTYPES, MEM_PROTOTYPES | MEM_SHAPES, IRT_NONE, "make the object a inherit from b") \
    _(NEW_ARRAY,     "new_array",     VARIABLE_ARGS, IR_PLAIN, IR_ALLOCATES, MEM_NONE, MEM_NONE, IRT_OBJECT, "a new array of the operands") \
    _(GET_INDEX,     "get_index",     2, IR_PLAIN, IR_THROWS, MEM_HEAP, MEM_NONE, IRT_ANY, "the element b of the array a, or the property of an object") \
    _(SET_INDEX,     "set_index",     3, IR_PLAIN, IR_THROWS, MEM_LENGTHS, MEM_ELEMENTS | MEM_LENGTHS | MEM_PROPERTIES | MEM_SHAPES, IRT_NONE, "make c the element b of the array a, or the property of an object") \
    _(LENGTH,        "length",        1, IR_PLAIN, IR_THROWS, MEM_LENGTHS, MEM_NONE, IRT_INT, "the length of the array or string a") \
    _(CALL,          "call",          VARIABLE_ARGS, IR_FUNCTION_INDEX, IR_THROWS, MEM_ALL, MEM_ALL, IRT_ANY, "call the function with the operands") \
    _(CALL_NATIVE,   "call_native",   VARIABLE_ARGS, IR_NATIVE_INDEX, IR_THROWS, MEM_ALL, MEM_ALL, IRT_ANY, "call the C function with the operands") \
    _(STATE,         "state",         VARIABLE_ARGS, IR_RESUME_POINT, IR_PINNED, MEM_NONE, MEM_NONE, IRT_NONE, "what the interpreter's slots hold at its bytecode: the locals (undefined: nobody reads it any more), then the operands") \
    _(GUARD_INT,     "guard_int",     1, IR_PLAIN, IR_GUARDS, MEM_NONE, MEM_NONE, IRT_INT, "a, an integer") \
    _(GUARD_NUMBER,  "guard_number",  1, IR_PLAIN, IR_GUARDS, MEM_NONE, MEM_NONE, IRT_NUMBER, "a, a number") \
    _(GUARD_SHAPE,   "guard_shape",   1, IR_SHAPE, IR_GUARDS, MEM_SHAPES, MEM_NONE, IRT_OBJECT, "a, an object of the shape") \
    _(GUARD_BOUNDS,  "guard_bounds",  2, IR_PLAIN, IR_GUARDS, MEM_LENGTHS, MEM_NONE, IRT_INT, "a, an integer from 0 on and below the length of the array b") \
    _(ADD_INT,       "add_int",       2, IR_PLAIN, IR_GUARDS, MEM_NONE, MEM_NONE, IRT_INT, "a + b of integers, an integer") \
    _(SUB_INT,       "sub_int",       2, IR_PLAIN, IR_GUARDS, MEM_NONE, MEM_NONE, IRT_INT, "a - b of integers, an integer") \
    _(MUL_INT,       "mul_int",       2, IR_PLAIN, IR_GUARDS, MEM_NONE, MEM_NONE, IRT_INT, "a * b of integers, an integer (so not -0)") \
    _(DIV_INT,       "div_int",       2, IR_PLAIN, IR_GUARDS, MEM_NONE, MEM_NONE, IRT_INT, "a / b of integers, an integer") \
    _(MOD_INT,       "mod_int",       2, IR_PLAIN, IR_GUARDS, MEM_NONE, MEM_NONE, IRT_INT, "the remainder of a / b of integers, an integer") \
    _(LOAD_FIELD,    "load_field",    1, IR_FIELD, IR_NO_FLAGS, MEM_PROPERTIES, MEM_NONE, IRT_ANY, "the property inside the object a, whose shape is known") \
    _(STORE_FIELD,   "store_field",   2, IR_FIELD, IR_NO_FLAGS, MEM_NONE, MEM_PROPERTIES, IRT_NONE, "make b the property inside the object a, whose shape is known") \
    _(SET_SHAPE,     "set_shape",     1, IR_SHAPE, IR_NO_FLAGS, MEM_NONE, MEM_SHAPES, IRT_NONE, "give the object a the shape, which has one more property") \
    _(ARRAY_LENGTH,  "array_length",  1, IR_PLAIN, IR_NO_FLAGS, MEM_LENGTHS, MEM_NONE, IRT_INT, "the length of the array a") \
    _(LOAD_ELEMENT,  "load_element",  2, IR_PLAIN, IR_GUARDS, MEM_ELEMENTS, MEM_NONE, IRT_ANY, "the element b, an index in bounds, of the array a; not a hole") \
    _(STORE_ELEMENT, "store_element", 3, IR_PLAIN, IR_NO_FLAGS, MEM_NONE, MEM_ELEMENTS, IRT_NONE, "make c the element b, an index in bounds, of the array a") \
    _(TO_TAGGED,     "to_tagged",     1, IR_PLAIN, IR_NO_FLAGS, MEM_NONE, MEM_NONE, IRT_ANY, "a as a Value") \
    _(TO_I32,        "to_i32",        1, IR_PLAIN, IR_NO_FLAGS, MEM_NONE, MEM_NONE, IRT_INT, "a, an integer, as an int32") \
    _(TO_F64,        "to_f64",        1, IR_PLAIN, IR_NO_FLAGS, MEM_NONE, MEM_NONE, IRT_NUMBER, "a, a number, as a double") \
    _(JUMP,          "jump",          0, IR_PLAIN, IR_CONTROL, MEM_NONE, MEM_NONE, IRT_NONE, "continue at succ[0]") \
    _(BRANCH,        "branch",        1, IR_PLAIN, IR_CONTROL, MEM_NONE, MEM_NONE, IRT_NONE, "continue at succ[0] if a is truthy, else at succ[1]") \
    _(RETURN,        "return",        1, IR_PLAIN, IR_CONTROL, MEM_NONE, MEM_NONE, IRT_NONE, "leave the function with a")
// clang-format on

typedef enum IrOp {
#define IR_ENUM_ROW(name, mnemonic, args, operand, flags, reads, writes, type, meaning) IR_##name,
    IR_OPS(IR_ENUM_ROW)
#undef IR_ENUM_ROW
    NUM_IR_OPS,
} IrOp;

typedef struct IrOpInfo {
    const char *mnemonic;
    int num_args; // or VARIABLE_ARGS
    IrOperand operand;
    uint8_t flags, reads, writes, type;
    const char *meaning;
} IrOpInfo;

// Indexed by IrOp.
extern const IrOpInfo ir_op_info[NUM_IR_OPS];

typedef struct IrIns {
    uint8_t op;   // an IrOp
    uint8_t type; // the IRT_ kinds that the result may be of
    uint8_t rep;  // a Rep: how the result is represented. REP_TAGGED before ir_represent
    bool is_hoisted; // a guard that was moved out of its loop
    uint32_t first_arg, num_args; // operands: args[first_arg .. first_arg + num_args)
    uint32_t aux;   // see IrOperand
    int64_t imm;    // see IrOperand
    uint32_t block; // NO_BLOCK: in none
    Ref prev, next; // neighbours in the block, or NO_REF
    uint32_t pc;    // the bytecode it was made for: where an error that it raises happened; or NO_PC
    Ref state;      // of a guard: how to go on in the interpreter if it fails; of what may change prototypes
                    // (ir_is_call): how to go on behind it, in code that depends on them. Else NO_REF
    bool is_relied_on; // something followed from its type, so that it must stay, with its guards (opt/guards.h)
} IrIns;

typedef struct IrBlock {
    Ref first, last;   // instructions; NO_REF if the block is removed or not filled yet
    uint32_t succ[2];
    uint32_t num_succ; // 0 after return, 1 after jump, 2 after branch
    uint32_t pred_at[2]; // where this block stands in the preds list of succ[i]
    uint32_t *preds;
    size_t num_preds, cap_preds;
    bool removed;
    uint32_t pc; // the bytecode where it begins, or NO_PC
    // ir_dominators fills in, for reachable blocks:
    uint32_t rpo;  // position in Ir.rpo; NO_BLOCK if unreachable
    uint32_t idom; // immediate dominator; NO_BLOCK for the entry
    uint32_t dom_depth;
    uint32_t dom_child, dom_sibling; // the dominator tree downwards, in the order of rpo; or NO_BLOCK
    uint32_t dom_pre, dom_last;      // preorder numbers in that tree: its own, the largest below it
    // ir_loops fills in:
    uint32_t pos;     // position in Ir.order; NO_BLOCK if unreachable
    uint32_t loop;    // the innermost loop, or NO_LOOP
    bool irreducible; // part of a cycle that has several entries
} IrBlock;

// A natural loop: the header, which dominates all of it, and every block from which a back-edge to the
// header is reached without passing the header.
typedef struct IrLoop {
    uint32_t header;
    uint32_t parent;     // the loop around it, or NO_LOOP
    uint32_t depth;      // 1: in no other loop
    uint32_t first;      // its blocks, those of inner loops included: order[first .. first + num_blocks),
    uint32_t num_blocks; // the header first
} IrLoop;

// The IR of one function. ir_free frees all of it.
typedef struct Ir {
    Program *program; // gives names and takes new constants
    uint32_t function_index;
    IrIns *ins;
    size_t num_ins, cap_ins;
    Ref *args;
    size_t num_args, cap_args;
    IrBlock *blocks;
    size_t num_blocks, cap_blocks;
    bool has_replacements; // made by ir_replace, and not applied yet
    bool has_types; // ir_infer_types has run, and since then nothing has happened that makes types narrower
    // Analyses of the control flow; a change of an edge makes them stale, and whoever needs them asks again.
    bool has_order, has_dominators, has_loops;
    uint32_t *rpo; // reachable blocks in reverse postorder: but for back-edges, predecessors come first
    size_t num_rpo, cap_rpo;
    IrLoop *loops; // loops[0] is not used; an outer loop comes before those inside
    size_t num_loops, cap_loops;
    uint32_t *order; // ir_loops: reachable blocks such that dominators come first and each loop is contiguous
    size_t cap_order;
    bool irreducible; // does any cycle have several entries?
    bool depends_on_prototypes; // are methods called that were found when the function was built?
    bool no_hoisting; // guards stay in their loops: one that was moved out has failed
    bool has_reps;    // has ir_represent chosen representations?
} Ir;

// An empty IR with one empty block, the entry.
void ir_init(Ir *ir, Program *program, uint32_t function_index);
void ir_free(Ir *ir);

static inline const Function *ir_function(const Ir *ir) { return &ir->program->functions[ir->function_index]; }
static inline const IrOpInfo *ir_info(const Ir *ir, Ref ref) { return &ir_op_info[ir->ins[ref].op]; }
static inline bool ir_is_terminator(const Ir *ir, Ref ref) { return ir_info(ir, ref)->flags & IR_CONTROL; }
static inline bool ir_has_result(const Ir *ir, Ref ref) { return ir_info(ir, ref)->type != IRT_NONE; }
static inline bool ir_is_const(const Ir *ir, Ref ref) { return ir->ins[ref].op == IR_CONST; }
// May it leave for the interpreter?
static inline bool ir_is_guard(const Ir *ir, Ref ref) { return ir_info(ir, ref)->flags & IR_GUARDS; }
// May it run code, or change objects, that no one knows: so that what was true of prototypes may not be any more?
bool ir_is_call(const Ir *ir, Ref ref);

// All instructions of a block, first to last. The instruction itself may be removed in the body.
#define IR_EACH(ir, block, ref) \
    for (Ref ref = (ir)->blocks[block].first, ref##_next; \
         ref != NO_REF && (ref##_next = (ir)->ins[ref].next, true); ref = ref##_next)

// All instructions, in the order in which they were made: from the front of the array to its back, which is far
// faster in a large function than going from block to block.
#define IR_ALL(ir, ref) for (Ref ref = ir_following(ir, NO_REF); ref < (ir)->num_ins; ref = ir_following(ir, ref))
static inline Ref ir_following(const Ir *ir, Ref ref) {
    do ref++;
    while (ref < ir->num_ins && ir->ins[ref].block == NO_BLOCK);
    return ref;
}

// Operands.

// Operand i, with replacements (ir_replace) followed.
Ref ir_arg(Ir *ir, Ref ref, uint32_t i);
void ir_set_arg(Ir *ir, Ref ref, uint32_t i, Ref value);
// Add an operand behind the others. Amortised constant time.
void ir_add_arg(Ir *ir, Ref ref, Ref value);
// The operands as an array, without following replacements. Good until the next operand is added.
static inline Ref *ir_args(const Ir *ir, Ref ref) { return ir->args + ir->ins[ref].first_arg; }

// Making, placing and removing instructions. Constant time, unless said otherwise.

// A new instruction, in no block yet, with this many operands (NO_REF so far) and the widest type.
Ref ir_new(Ir *ir, IrOp op, uint32_t num_args, uint32_t pc);
// The same with its operands.
Ref ir_new1(Ir *ir, IrOp op, Ref a, uint32_t pc);
Ref ir_new2(Ir *ir, IrOp op, Ref a, Ref b, uint32_t pc);
Ref ir_new_const(Ir *ir, Value value, uint32_t pc);
// Place an instruction that is in no block: last in the block; before or behind another; behind the
// block's phis (time: their number); before the block's terminator.
void ir_append(Ir *ir, uint32_t block, Ref ref);
void ir_insert_before(Ir *ir, Ref at, Ref ref);
void ir_insert_after(Ir *ir, Ref at, Ref ref);
void ir_insert_behind_phis(Ir *ir, uint32_t block, Ref ref);
void ir_insert_at_end(Ir *ir, uint32_t block, Ref ref);
// A new phi, first in the block, with an operand NO_REF for each predecessor.
Ref ir_new_phi(Ir *ir, uint32_t block, uint32_t pc);
// Take an instruction out of its block, to be placed elsewhere.
void ir_unlink(Ir *ir, Ref ref);
// Take it out for good: nobody may use it.
void ir_remove(Ir *ir, Ref ref);
// Remove `old`; who used it uses `value` instead. Until ir_apply_replacements, operands must be read
// with ir_arg (or ir_resolve). Chains of replacements are followed in near constant time.
void ir_replace(Ir *ir, Ref old, Ref value);
Ref ir_resolve(Ir *ir, Ref ref);
// Rewrite every operand that names a replaced instruction. One walk over the function.
void ir_apply_replacements(Ir *ir);

// Who uses what: users[first[v] .. first[v + 1]) are the instructions that have v as an operand, once for
// each time. A snapshot: it does not follow later changes. Replacements must have been applied.
typedef struct IrUses {
    uint32_t *first; // num_ins + 1 of them
    Ref *users;
} IrUses;

IrUses ir_uses(const Ir *ir);
void ir_uses_free(IrUses *uses);

// Blocks and edges. These make the analyses stale.

// A new block without instructions and edges.
uint32_t ir_new_block(Ir *ir, uint32_t pc);
// Add an edge behind those that the block has; it has to get the terminator that goes with it. Phis of `to`
// get an operand NO_REF, the last. The edge must not exist yet.
void ir_add_edge(Ir *ir, uint32_t from, uint32_t to);
// End a block that has no terminator yet. Phis of a new successor get an operand NO_REF, the last, which
// the caller fills in. A branch with both targets the same becomes a jump.
void ir_end_jump(Ir *ir, uint32_t block, uint32_t target, uint32_t pc);
void ir_end_branch(Ir *ir, uint32_t block, Ref condition, uint32_t if_true, uint32_t if_false, uint32_t pc);
void ir_end_return(Ir *ir, uint32_t block, Ref value, uint32_t pc);
// Remove the block's terminator and its edges. Phis of the successors lose the operand; in their preds lists
// the last predecessor takes the free place. Time: the number of those phis.
void ir_unend(Ir *ir, uint32_t block);
// Make a branch a jump to succ[keep], which stays the same predecessor with the same phi operands.
void ir_fold_branch(Ir *ir, uint32_t block, uint32_t keep);
// Lead the edge to succ[s] of the block to `target`, which must not be a successor yet. The phis of `target`
// get an operand NO_REF, the last, which the caller fills in.
void ir_redirect(Ir *ir, uint32_t block, uint32_t s, uint32_t target);
// Put a new block in the middle of the edge to succ[s]; phis stay as they are. Returns the new block.
uint32_t ir_split_edge(Ir *ir, uint32_t block, uint32_t s);
// Split each edge from a block with two successors to one with several predecessors.
void ir_split_critical_edges(Ir *ir);
// Append to a block that ends with a jump the only successor, whose only predecessor it is. Phis there
// are replaced (ir_replace). Time: the instructions of the successor.
void ir_merge_successor(Ir *ir, uint32_t block);
// Remove the blocks that the entry does not lead to. Linear time.
void ir_remove_unreachable(Ir *ir);
// The index of `pred` in the block's list of predecessors: linear in its length.
uint32_t ir_pred_index(const Ir *ir, uint32_t block, uint32_t pred);

// Construction (build.c).

// The IR of a function of a verified program. Returns false, with nothing to free, if it would be far
// larger than the bytecode: the function is to stay in the tier below.
bool ir_build(Ir *ir, Program *program, uint32_t function_index);
// The same, with bets on what has been seen so far. NULL: on nothing.
bool ir_build_speculating(Ir *ir, Program *program, uint32_t function_index, const Speculation *speculation);

// Analyses: each does nothing if its results are still good.

// Reverse postorder; the dominator tree as well (dominators.c).
void ir_reverse_postorder(Ir *ir);
void ir_dominators(Ir *ir);
// Does every path from the entry to b pass through a? (a block dominates itself). Constant time.
static inline bool ir_dominates(const Ir *ir, uint32_t a, uint32_t b) {
    return ir->blocks[b].dom_pre - ir->blocks[a].dom_pre <= ir->blocks[a].dom_last - ir->blocks[a].dom_pre;
}
// The tree of natural loops, and the marks of irreducible cycles (loops.c).
void ir_loops(Ir *ir);
static inline uint32_t ir_loop_depth(const Ir *ir, uint32_t block) {
    return ir->loops[ir->blocks[block].loop].depth;
}
// Is the block in the loop, or in one inside of it? Constant time.
static inline bool ir_loop_contains(const Ir *ir, uint32_t loop, uint32_t block) {
    return ir->blocks[block].pos - ir->loops[loop].first < ir->loops[loop].num_blocks;
}
// The only predecessor of the loop's header from outside, if the header is its only successor; else NO_BLOCK.
uint32_t ir_preheader(const Ir *ir, uint32_t loop);
// Give each loop a preheader. Makes the analyses stale if it adds one.
void ir_make_preheaders(Ir *ir);

// Types (types.c): the narrowest types that follow from the operands' types, for the whole function. A type stays
// right whatever is done to the function; that a narrower one follows can be new.
void ir_infer_types(Ir *ir);
// The result's type as it follows from the operands' types as they stand.
uint8_t ir_type_of(const Ir *ir, Ref ref);
uint8_t ir_value_type(Value value);
// May the instruction end in a run-time error, given its operands' types? Calls always may.
bool ir_may_throw(const Ir *ir, Ref ref);
// Has it an effect beyond its result: a write, a possible error, an end of the block? If not and nobody uses it,
// it can go.
bool ir_has_effect(const Ir *ir, Ref ref);

// Check every invariant (verify.c). Returns true, or false with the first fault in `fault`, which names the
// place: "B3: v7: ...". Linear time. It does not change the IR and uses none of its analyses.
typedef struct IrFault {
    char message[240];
} IrFault;
bool ir_verify(const Ir *ir, IrFault *fault);
// The same; a fault is fatal, with the name of the pass before it and the whole function in the message.
void ir_check(const Ir *ir, const char *after);

// Text (print.c, parse.c, graphviz.c).

enum {
    IR_PRINT_PC = 1,    // "@12" behind instructions that may raise an error, and guards: the bytecode's index
    IR_PRINT_TYPES = 2, // "; int|double" as a comment behind values that are not of any type
    IR_PRINT_BLOCKS = 4, // "; preds B0, B2  loop depth 1" as a comment behind labels
};
// What the text calls the shapes that have fixed numbers (NULL: nothing; any shape can be written as #12),
// and representations.
extern const char *const ir_shape_names[FIRST_OBJECT_SHAPE], *const ir_rep_names[NUM_REPS];
void ir_print(FILE *out, Ir *ir, unsigned options);
void ir_print_ins(FILE *out, const Ir *ir, Ref ref, unsigned options); // no indentation, no newline
// Read the text of one function (see parse.c for the grammar). Names of functions, natives and classes that the
// program lacks are added to it. Returns false, with nothing to free, and a diagnostic at the first error.
// The result satisfies ir_verify unless the text breaks an invariant that no syntax shows.
bool ir_parse(Ir *ir, Program *program, const char *text, size_t length, Diagnostic *diagnostic);
// The control flow graph for Graphviz: a node for each block, loops as clusters.
void ir_print_dot(FILE *out, Ir *ir);

#endif
