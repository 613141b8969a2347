// LIR, the low-level intermediate representation: instructions of roughly the machine's power over
// as many virtual registers as it takes. They hold values; an operator is the language's, for any type.
//
// LIR is in SSA form: every virtual register is written by one instruction or phi, which lies on every path
// to its reads. Control may come to a block from several others; the phis at its head then say which value
// each result takes from which of them. See LirBlock for what the blocks' order has to be. (MOVES has become a
// thing of the tests: what it did, the allocator's own moves do.)
#ifndef BACKEND_LIR_H
#define BACKEND_LIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "asm/asm.h"
#include "base/memory.h"
#include "bytecode/program.h"
#include "deopt/deopt.h"

typedef uint32_t VReg;
#define NO_VREG UINT32_MAX
#define NO_BLOCK UINT32_MAX

// clang-format off
// Name, and how a dump shows the instruction: d, a, b its operands, cc the condition.
#define LIR_OPS(_) \
    _(PARAMS,   "params")   /* moves[] <- the function's parameters, all at once */ \
    _(CONST,    "const")    /* d <- imm */ \
    _(MOVES,    "moves")    /* moves[].d <- moves[].s, all at once */ \
    _(ADD,      "add")      /* d <- a + b */ \
    _(SUB,      "sub")      /* d <- a - b */ \
    _(MUL,      "mul")      /* d <- a * b */ \
    _(DIV,      "div")      /* d <- a / b */ \
    _(REM,      "rem")      /* d <- a % b */ \
    _(COMPARE,  "compare")  /* d <- a cc b ? true : false */ \
    _(BRANCH,   "branch")   /* if a cc b, go to target; else to the next block */ \
    _(JUMP,     "jump")     /* go to target */ \
    _(CALL,     "call")     /* d <- target(moves[].s) */ \
    _(RETURN,   "return")   /* leave with a */ \
    _(CALL_NATIVE, "call_native") /* d <- the native target(moves[].s) */ \
    _(BRANCH_FALSE, "branch_false") /* if a is falsy, go to target; else to the next block */ \
    _(FUNCTION, "function") /* d <- the function target as a value */ \
    _(PROTOTYPE, "prototype") /* d <- the prototype of the class target */ \
    /* bets on types: the exit is for when they are lost */ \
    _(GUARD_TAG, "guard_tag")       /* a must be an integer */ \
    _(GUARD_NUMBER, "guard_number") /* d (if any) <- the double of a, which must be a number */ \
    _(GUARD_SHAPE, "guard_shape")   /* a must be an object of the shape imm */ \
    _(GUARD_BOUNDS, "guard_bounds") /* the int32 a must be an index of an element of the array b */ \
    _(ADD_I32, "add_i32") /* d <- a + b, which must be an int32; so for the next ones, -0 is none */ \
    _(SUB_I32, "sub_i32") /* d <- a - b */ \
    _(MUL_I32, "mul_i32") /* d <- a * b */ \
    _(DIV_I32, "div_i32") /* d <- a / b */ \
    _(REM_I32, "rem_i32") /* d <- a % b */ \
    _(LOAD_ELEMENT, "load_element") /* d <- a[b], b an index in bounds; must not be a hole */ \
    /* what is left to do if the bets are won */ \
    _(ADD_F64, "add_f64") /* d <- a + b */ \
    _(SUB_F64, "sub_f64") /* d <- a - b */ \
    _(MUL_F64, "mul_f64") /* d <- a * b */ \
    _(DIV_F64, "div_f64") /* d <- a / b */ \
    _(COMPARE_I32, "compare_i32") /* as COMPARE */ \
    _(COMPARE_F64, "compare_f64") \
    _(BRANCH_I32, "branch_i32")   /* as BRANCH */ \
    _(BRANCH_F64, "branch_f64") \
    _(TAG_I32, "tag_i32")         /* d <- the int32 a as a value */ \
    _(UNTAG_I32, "untag_i32")     /* d <- the integer a as an int32 */ \
    _(I32_TO_F64, "i32_to_f64")   /* d <- the int32 a as a double */ \
    _(F64_TO_I32, "f64_to_i32")   /* d <- the double a, which is an integer, as an int32 */ \
    _(TAG_F64, "tag_f64")         /* d <- the double a as a value */ \
    _(NUMBER_TO_F64, "number_to_f64") /* d <- the number a as a double */ \
    _(LOAD_FIELD, "load_field")   /* d <- the value at a + imm bytes */ \
    _(STORE_FIELD, "store_field") /* the value at a + imm bytes <- b */ \
    _(STORE_SHAPE, "store_shape") /* the shape of a <- imm */ \
    _(ARRAY_LENGTH, "array_length") /* d <- the length of the array a, an int32 */ \
    _(STORE_ELEMENT, "store_element") /* a[b] <- c, b an index in bounds */ \
    /* from here on, all are calls, with their operands in moves[].s */ \
    _(CALL_METHOD, "call_method") /* d <- s0.name(s0, s1, ...) */ \
    _(GET_PROPERTY, "get_property") /* d <- s0.name */ \
    _(SET_PROPERTY, "set_property") /* s0.name <- s1 */ \
    _(DELETE_PROPERTY, "delete_property") /* d <- true, without s0.name */ \
    _(NEW_OBJECT, "new_object") /* d <- a new object of the class target */ \
    _(SET_PROTOTYPE, "set_prototype") /* the prototype of s0 <- s1 */ \
    _(NEW_ARRAY, "new_array") /* d <- a new array of imm elements */ \
    _(GET_INDEX, "get_index") /* d <- s0[s1] */ \
    _(SET_INDEX, "set_index") /* s0[s1] <- s2 */ \
    _(LENGTH, "length") /* d <- the length of s0 */
// clang-format on

typedef enum LirOp {
#define LIR_ENUM_ROW(name, text) LIR_##name,
    LIR_OPS(LIR_ENUM_ROW)
#undef LIR_ENUM_ROW
    NUM_LIR_OPS,
} LirOp;

// The second operand of an instruction: a virtual register, or a constant if vreg is NO_VREG.
typedef struct LirOperand {
    VReg vreg;
    int64_t imm; // the bits of a Value; of a typed operation's number: those of an int32 or a double
} LirOperand;

static inline bool is_imm(LirOperand operand) { return operand.vreg == NO_VREG; }

// One move of an instruction that makes many at once, or one argument of a phi.
typedef struct LirMove {
    VReg d;      // NO_VREG for an argument of a call
    VReg s;      // NO_VREG for a parameter of the function, or if the source is a constant
    int64_t imm; // the constant: the bits of a Value
} LirMove;

// d <- the argument that belongs to the block from which control has come. All phis of a block happen at
// once, on the way into it.
typedef struct LirPhi {
    VReg d;
    uint32_t first_arg; // moves[first_arg + k].s or .imm: from the block's predecessor k. (.d is not used)
    Rep rep;            // what the bits of constants mean
} LirPhi;

typedef struct LirIns {
    LirOp op;
    Cond cc;             // COMPARE: CC_E, CC_L or CC_G; BRANCH also their negations: "not less than", ...
    VReg d, a;           // NO_VREG if unused
    LirOperand b;        // ADD, SUB, MUL, DIV, REM, COMPARE, BRANCH
    int64_t imm;         // CONST: the bits of a Value (but see rep); NEW_ARRAY: a length; calls with a name: its
                         // String; fields: an offset in bytes; GUARD_SHAPE, STORE_SHAPE: a shape
    uint32_t target;     // BRANCH, BRANCH_FALSE, JUMP: a block; CALL, FUNCTION: a function; CALL_NATIVE: a native;
                         // NEW_OBJECT, PROTOTYPE: a class
    uint32_t first_move; // PARAMS, MOVES, CALL, CALL_NATIVE: moves[first_move .. first_move + num_moves)
    uint32_t num_moves;
    uint32_t pc;         // the bytecode that it was made for
    LirOperand c;        // STORE_ELEMENT
    uint32_t exit;       // exits[exit], or NO_EXIT
    bool takes_back;     // ADD_I32, SUB_I32: the exit undoes it: for the exit's values, d is what a was
    Rep rep;             // CONST: what the bits mean
} LirIns;

#define NO_EXIT UINT32_MAX

// A value that the interpreter's frame holds.
typedef struct LirValue {
    VReg vreg;   // NO_VREG: the constant
    int64_t imm; // its bits
    Rep rep;     // what they mean
} LirValue;

// A way out of one instruction. The values are read where the instruction writes its result: whether it has done so
// or not when it leaves, they are there.
typedef struct LirExit {
    uint32_t pc;          // the bytecode to go on at; of a call: the call, behind which it goes on
    bool is_hoisted;      // see DeoptExit
    uint32_t first_value; // values[first_value .. first_value + num_values): for slot 0, 1, ...
    uint32_t num_values;
} LirExit;

static inline bool is_call(const LirIns *ins) {
    return ins->op == LIR_CALL || ins->op == LIR_CALL_NATIVE || ins->op >= LIR_CALL_METHOD;
}

// Does it call only in rare cases, from a stub that keeps most registers (see object_emit.h)?
static inline bool is_access(const LirIns *ins) {
    return ins->op == LIR_GET_PROPERTY || ins->op == LIR_SET_PROPERTY || ins->op == LIR_GET_INDEX ||
           ins->op == LIR_SET_INDEX || ins->op == LIR_LENGTH;
}

// Is the call one of a C function, with the Vm as its first argument?
static inline bool call_takes_vm(const LirIns *ins) {
    return ins->op == LIR_CALL_NATIVE || ins->op == LIR_NEW_OBJECT || ins->op == LIR_NEW_ARRAY ||
           ins->op == LIR_DELETE_PROPERTY || ins->op == LIR_SET_PROTOTYPE;
}

// Is it one of a function of the program, by the convention of deopt/frame.h?
static inline bool calls_function(const LirIns *ins) { return ins->op == LIR_CALL || ins->op == LIR_CALL_METHOD; }

static inline bool is_branch(const LirIns *ins) {
    return ins->op == LIR_BRANCH || ins->op == LIR_BRANCH_FALSE || ins->op == LIR_BRANCH_I32 ||
           ins->op == LIR_BRANCH_F64;
}

// An operation that must have an exit?
static inline bool is_guard(const LirIns *ins) { return ins->op >= LIR_GUARD_TAG && ins->op <= LIR_LOAD_ELEMENT; }

// One on raw numbers, or on an object whose shape is known?
static inline bool is_typed(const LirIns *ins) { return ins->op >= LIR_GUARD_TAG && ins->op <= LIR_STORE_ELEMENT; }

static inline bool is_division(const LirIns *ins) { return ins->op == LIR_DIV || ins->op == LIR_REM; }

// Does the instruction divide by 2, 4, 8, ...? Then shifts do it, and no DIV.
static inline bool divides_by_power_of_two(const LirIns *ins) {
    if (!is_division(ins) || !is_imm(ins->b) || !value_is_int((Value)ins->b.imm)) return false;
    int32_t divisor = value_to_int((Value)ins->b.imm);
    return divisor > 1 && (divisor & (divisor - 1)) == 0;
}

static inline bool is_division_i32(const LirIns *ins) { return ins->op == LIR_DIV_I32 || ins->op == LIR_REM_I32; }

static inline bool divides_i32_by_power_of_two(const LirIns *ins) {
    int32_t divisor = (int32_t)ins->b.imm;
    return is_division_i32(ins) && is_imm(ins->b) && divisor > 1 && (divisor & (divisor - 1)) == 0;
}

// Divides by a constant other than 0, 1, -1 and INT32_MIN? Then a multiplication does it, if not shifts, and no IDIV.
static inline bool divides_i32_by_constant(const LirIns *ins) {
    int32_t divisor = (int32_t)ins->b.imm;
    return is_division_i32(ins) && is_imm(ins->b) && divisor != INT32_MIN && (divisor > 1 || divisor < -1);
}

// What a guard looks at when it fails, for messages: an operand. NO_VREG: nothing worth showing. How it is
// represented goes to *rep.
static inline VReg lir_guard_subject(const LirIns *ins, Rep *rep) {
    *rep = ins->op == LIR_GUARD_BOUNDS || ins->op == LIR_LOAD_ELEMENT ? REP_I32 : REP_TAGGED;
    if (ins->op == LIR_LOAD_ELEMENT) return ins->b.vreg;
    return ins->op >= LIR_GUARD_TAG && ins->op <= LIR_GUARD_BOUNDS ? ins->a : NO_VREG;
}

// A run of instructions with one entrance at the top and one exit at the bottom. Rules:
//   - a block has at least one instruction; the last, and no other, is a JUMP, a BRANCH or a RETURN;
//   - block 0 is the entry: it has no predecessors;
//   - a block comes behind every block that dominates it (reverse postorder is such an order), and what
//     belongs to a loop should stand together, its header first;
//   - no edge is critical: if a block has two successors, then each of them has one predecessor.
typedef struct LirBlock {
    uint32_t start, end;         // instructions [start, end)
    uint32_t successors[2];      // of a branch: first where it goes if the condition is false, then the target
    uint32_t num_successors;
    uint32_t loop_depth;         // how many loops (spans of a jump backwards) it is in
    uint32_t first_pred, num_preds; // preds[first_pred .. first_pred + num_preds): in the order of phi arguments
    uint32_t first_phi, num_phis;   // phis[first_phi .. first_phi + num_phis)
    // Set by lir_link_blocks, as is loop_depth:
    uint32_t pred_index; // its place in the predecessors of its successor, or of each of the two
    uint32_t loop;       // the header of the innermost loop that it is in (itself, if it is one), or NO_BLOCK
    uint32_t outer_loop; // of a header: the header of the loop around its own, or NO_BLOCK
    uint32_t loop_end;   // of a header: the last block of its loop
} LirBlock;

// The code of one function. lir_free frees all of it.
typedef struct Lir {
    const Program *program;
    const Function *function;
    LirIns *ins;
    size_t num_ins, cap_ins;
    LirMove *moves;
    size_t num_moves, cap_moves;
    LirBlock *blocks; // block 0 is the entry
    size_t num_blocks, cap_blocks;
    LirPhi *phis;
    size_t num_phis, cap_phis;
    uint32_t *preds;
    size_t num_preds, cap_preds;
    LirExit *exits; // each of one instruction
    size_t num_exits, cap_exits;
    LirValue *values; // of the exits
    size_t num_values, cap_values;
    bool depends_on_prototypes; // see Ir
    bool irregular; // set by lir_link_blocks: some loop can be entered past its header, or lies scattered
    uint32_t num_vregs;
    bool poison_calls;  // debug code: destroy after every call what a call may destroy
    bool trust_natives; // the fault of chapter 3: allocate as if natives destroyed RAX only
} Lir;

void lir_free(Lir *lir);

// Find the loops: fill in what the blocks say about them. Whoever makes LIR calls this last, once blocks,
// successors and predecessors are in place. Time: O(blocks + edges), and the depth of loops at most.
void lir_link_blocks(Lir *lir);

// Is this LIR what the rules above promise? If not, says what is wrong, in at most `size` bytes. That
// writes lie on every path to their reads is not looked at here; building the live ranges does that.
bool lir_verify(const Lir *lir, char *fault, size_t size);

// The predecessors of a block, and the arguments of a phi, one for each.
static inline const uint32_t *lir_preds(const Lir *lir, uint32_t block) {
    return lir->preds + lir->blocks[block].first_pred;
}
static inline const LirMove *lir_phi_args(const Lir *lir, const LirPhi *phi) {
    return lir->moves + phi->first_arg;
}

// Call `visit` for every virtual register that the instruction reads (its exit's values included), or writes;
// or for those that its exit alone reads.
typedef void LirVisitor(void *context, VReg vreg);
void lir_visit_exit(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context);
void lir_visit_reads(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context);
void lir_visit_writes(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context);
// The same for the arguments that phis behind the block read at its end.
void lir_visit_phi_args(const Lir *lir, uint32_t block, LirVisitor *visit, void *context);

// Why the instruction may leave through its exit.
DeoptReason lir_exit_reason(const LirIns *ins);

// Text. A register is named v7.
void lir_print_vreg(FILE *out, const Lir *lir, VReg vreg);
void lir_print_ins(FILE *out, const Lir *lir, const LirIns *ins);
void lir_print(FILE *out, const Lir *lir);

#endif
