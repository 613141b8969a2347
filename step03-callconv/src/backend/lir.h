// LIR, the low-level intermediate representation: instructions of roughly the machine's power over
// as many virtual registers as it takes.
//
// Virtual registers come in three ranges, in this order:
//   locals   one for each local variable of the bytecode            written any number of times
//   stack    one for each operand depth: where operands lie when    written any number of times
//            control flow joins while the operand stack is not empty
//   temps    one for each value computed in between                 written once, used in one block
#ifndef BACKEND_LIR_H
#define BACKEND_LIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "asm/asm.h"
#include "base/memory.h"
#include "bytecode/program.h"

typedef uint32_t VReg;
#define NO_VREG UINT32_MAX

// clang-format off
// Name, and how a dump shows the instruction: d, a, b its operands, cc the condition.
#define LIR_OPS(_) \
    _(PARAMS,   "params")   /* moves[] <- the function's parameters, all at once */ \
    _(CONST,    "const")    /* d <- imm */ \
    _(MOVES,    "moves")    /* moves[].d <- moves[].s, all at once */ \
    _(ADD,      "add")      /* d <- a + b */ \
    _(SUB,      "sub")      /* d <- a - b */ \
    _(MUL,      "mul")      /* d <- a * b */ \
    _(DIV,      "div")      /* d <- a / b, or a run-time error */ \
    _(REM,      "rem")      /* d <- a - a / b * b, or a run-time error */ \
    _(COMPARE,  "compare")  /* d <- a cc b ? 1 : 0 */ \
    _(BRANCH,   "branch")   /* if a cc b, go to target; else to the next block */ \
    _(JUMP,     "jump")     /* go to target */ \
    _(CALL,     "call")     /* d <- target(moves[].s) */ \
    _(RETURN,   "return")   /* leave with a */ \
    _(CALL_NATIVE, "call_native") /* d <- the native target(moves[].s) */
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
    int32_t imm;
} LirOperand;

static inline bool is_imm(LirOperand operand) { return operand.vreg == NO_VREG; }

// One move of an instruction that makes many at once.
typedef struct LirMove {
    VReg d;      // NO_VREG for an argument of a call
    VReg s;      // NO_VREG for a parameter of the function, or if the source is a constant
    int64_t imm; // the constant
} LirMove;

typedef struct LirIns {
    LirOp op;
    Cond cc;             // COMPARE, BRANCH
    VReg d, a;           // NO_VREG if unused
    LirOperand b;        // ADD, SUB, MUL, DIV, REM, COMPARE, BRANCH
    int64_t imm;         // CONST
    uint32_t target;     // BRANCH, JUMP: a block; CALL: a function; CALL_NATIVE: a native
    uint32_t first_move; // PARAMS, MOVES, CALL, CALL_NATIVE: moves[first_move .. first_move + num_moves)
    uint32_t num_moves;
    uint32_t pc;         // the bytecode that it was made for
} LirIns;

static inline bool is_call(const LirIns *ins) { return ins->op == LIR_CALL || ins->op == LIR_CALL_NATIVE; }

static inline bool is_division(const LirIns *ins) { return ins->op == LIR_DIV || ins->op == LIR_REM; }

// Does the instruction divide by 2, 4, 8, ...? Then shifts do it, and no IDIV.
static inline bool divides_by_power_of_two(const LirIns *ins) {
    return is_division(ins) && is_imm(ins->b) && ins->b.imm > 1 && (ins->b.imm & (ins->b.imm - 1)) == 0;
}

// A run of instructions with one entrance at the top and one exit at the bottom.
typedef struct LirBlock {
    uint32_t start, end;         // instructions [start, end)
    uint32_t successors[2];      // of a branch: first where it goes if the condition is false, then the target
    uint32_t num_successors;
    uint32_t loop_depth;         // how many loops (spans of a jump backwards) it is in
} LirBlock;

// The code of one function. lir_free frees all of it.
typedef struct Lir {
    const Program *program;
    const Function *function;
    LirIns *ins;
    size_t num_ins, cap_ins;
    LirMove *moves;
    size_t num_moves, cap_moves;
    LirBlock *blocks; // in the order of the bytecode; block 0 is the entry
    size_t num_blocks, cap_blocks;
    uint32_t num_globals; // locals and stack: the only registers that live across blocks
    uint32_t num_vregs;
    bool poison_calls;  // debug code: destroy after every call what a call may destroy
    bool trust_natives; // the fault of chapter 3: allocate as if natives destroyed RAX only
} Lir;

// Translate a function of a verified program. Returns false, with nothing to free, if the function is
// too large: blocks times operand depth above a fixed limit, or far more locals than instructions.
// Time: O(instructions), plus for each block the number of operands on the stack where it begins.
bool lir_build(Lir *lir, const Program *program, uint32_t function);
void lir_free(Lir *lir);

// Call `visit` for every virtual register that the instruction reads, or writes.
typedef void LirVisitor(void *context, VReg vreg);
void lir_visit_reads(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context);
void lir_visit_writes(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context);

// Text. A register is named l0 (local), s0 (stack) or v7 (temp).
void lir_print_vreg(FILE *out, const Lir *lir, VReg vreg);
void lir_print_ins(FILE *out, const Lir *lir, const LirIns *ins);
void lir_print(FILE *out, const Lir *lir);

#endif
