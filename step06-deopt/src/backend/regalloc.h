// Register allocation: where each virtual register of the LIR lives.
//
// Two methods behind one entry point:
//   RA_POLETTO      Poletto & Sarkar, "Linear Scan Register Allocation", TOPLAS 21(5), 1999. Every virtual
//                   register has one live interval without holes and one location for all of it.
//   RA_LINEAR_SCAN  Wimmer & Franz, "Linear Scan Register Allocation on SSA Form", CGO 2010. Intervals have
//                   holes, in which others may use the register, and are split into pieces: a virtual
//                   register may be in one register here, in another there and in memory in between.
// With both, the phis become moves at the ends of blocks.
#ifndef BACKEND_REGALLOC_H
#define BACKEND_REGALLOC_H

#include "abi/saved.h"
#include "backend/lir.h"
#include "deopt/frame.h"

// A set of machine registers: bit r is register r.
typedef uint32_t RegSet;

static inline RegSet reg_bit(Reg reg) { return (RegSet)1 << reg; }

// Positions. Instruction i reads its operands at 2i and writes its results at 2i + 1.
static inline uint32_t read_position(uint32_t ins) { return 2 * ins; }
static inline uint32_t write_position(uint32_t ins) { return 2 * ins + 1; }

// The positions from the first write of a virtual register to its last read, stretched over every
// loop that it lives around.
typedef struct LiveInterval {
    VReg vreg;
    uint32_t start, end; // both included
    RegSet forbidden;    // destroyed by some instruction in the middle
    RegSet preferred;    // being in one of these saves a move
    VReg hint;           // sharing a register with this one saves a move; NO_VREG if none
    VReg other_hint;     // likewise
} LiveInterval;

typedef enum LocationKind {
    LOCATION_NONE, // the register is never live
    LOCATION_REG,
    LOCATION_SLOT, // spilled
    LOCATION_CONST, // nowhere: whoever needs the value makes it. Only moves and calls read it from there
} LocationKind;

typedef struct Location {
    LocationKind kind;
    uint32_t index; // a Reg, or the number of a spill slot, or the instruction that writes the constant
} Location;

static inline Location in_reg(Reg reg) { return (Location){LOCATION_REG, reg}; }
static inline Location in_slot(uint32_t slot) { return (Location){LOCATION_SLOT, slot}; }
static inline bool same_location(Location a, Location b) { return a.kind == b.kind && a.index == b.index; }

// Positions [from, to).
typedef struct LiveRange {
    uint32_t from, to;
} LiveRange;

// Where a virtual register is at the positions [start, end).
typedef struct LivePiece {
    VReg vreg;
    uint32_t start, end;
    Location location;
} LivePiece;

// A move that the allocator inserts before an instruction. Moves before one instruction come in up to
// three groups, one after the other; those of one group happen all at once.
typedef enum RaMoveGroup {
    RA_ENTER, // the edge from the block's only predecessor
    RA_SPLIT, // from piece to piece
    RA_LEAVE, // the edge to the block's only successor, before the JUMP
} RaMoveGroup;

typedef struct RaMove {
    uint32_t ins;
    RaMoveGroup group;
    VReg vreg; // whose value it is; NO_VREG for a phi's constant argument
    Location d, s;
    int64_t imm; // if s is LOCATION_CONST
} RaMove;

typedef enum RaKind {
    RA_LINEAR_SCAN,
    RA_POLETTO,
    NUM_RA_KINDS,
} RaKind;

// What --ra calls them. Indexed by RaKind.
extern const char *const ra_kind_names[NUM_RA_KINDS];

typedef struct RegisterAllocator {
    RegSet pool; // the registers that may be handed out
    // Results:
    LiveInterval *intervals; // by ascending start; registers that are never live have none
    size_t num_intervals;
    Location *locations; // indexed by VReg: where it is, or if it is split, where its first piece is
    uint32_t num_slots;
    RegSet used; // the registers that were handed out
    Arena arena; // owns the results
    LivePiece *pieces;     // of register v: pieces[first_piece[v] .. first_piece[v + 1]), in order.
    uint32_t *first_piece; // NULL after RA_POLETTO: nothing is split
    LiveRange *ranges;     // of register v: ranges[first_range[v] .. first_range[v + 1]), in order, apart
    uint32_t *first_range;
    RaMove *moves; // by instruction and group
    size_t num_moves;
    size_t work; // uses and pieces that linear scan has handled, places that were compared on edges: what a test of
                 // the time that it takes can count on
} RegisterAllocator;

// All but those that the emitter keeps for itself: RSP and RBP, the frame, R14, the Vm, and R10 and R11, scratch
// space. No call preserves any of them.
#define RA_DEFAULT_POOL (FRAME_CHANGED_REGS & ~(1u << R10 | 1u << R11))

// Three registers, among them both that a division destroys: almost everything is spilled.
#define RA_STRESS_POOL (1u << RAX | 1u << RDX | 1u << RCX)

// Allocate. `pool` must be a subset of RA_DEFAULT_POOL. Returns false, with nothing to free, if the
// function is too large: see liveness.c and resolve.c for the limits.
// Time: O(n log n) for n instructions and live ranges, if control flow is regular.
bool ra_allocate(RegisterAllocator *ra, const Lir *lir, RegSet pool, RaKind kind);
void ra_free(RegisterAllocator *ra);

// Where a virtual register is when the instruction reads it, or if it does not live there yet, when the
// instruction writes it. Time: O(log pieces).
Location ra_location(const RegisterAllocator *ra, VReg vreg, uint32_t ins);

// Where it is at a position; LOCATION_NONE if it does not live there.
Location ra_location_at(const RegisterAllocator *ra, VReg vreg, uint32_t position);

// The registers that the instruction destroys between its reads and its writes.
RegSet ra_clobbers(const LirIns *ins);

// Does the instruction read its operand b after it has begun to write?
bool ra_reads_b_late(const LirIns *ins);

// Text: a picture of the intervals; a table of the locations.
void location_print(FILE *out, Location location);
void ra_print_intervals(FILE *out, const RegisterAllocator *ra, const Lir *lir);
void ra_print_intervals_svg(FILE *out, const RegisterAllocator *ra, const Lir *lir);
void ra_print_locations(FILE *out, const RegisterAllocator *ra, const Lir *lir);

// Symbolic execution of the allocated code (see ra_check.c). Aborts if an instruction would read
// anything but the virtual register it names. Returns false if the function is too large to check.
bool ra_check(const RegisterAllocator *ra, const Lir *lir);

#endif
