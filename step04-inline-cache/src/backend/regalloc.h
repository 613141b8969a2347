// Register allocation: where each virtual register of the LIR lives.
//
// Method: linear scan (Poletto & Sarkar, "Linear Scan Register Allocation", TOPLAS 21(5), 1999).
// Every virtual register has one live interval without holes and one location for all of it.
#ifndef BACKEND_REGALLOC_H
#define BACKEND_REGALLOC_H

#include "abi/saved.h"
#include "backend/lir.h"

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
} LiveInterval;

typedef enum LocationKind {
    LOCATION_NONE, // the register is never live
    LOCATION_REG,
    LOCATION_SLOT, // spilled
} LocationKind;

typedef struct Location {
    LocationKind kind;
    uint32_t index; // a Reg, or the number of a spill slot
} Location;

static inline Location in_reg(Reg reg) { return (Location){LOCATION_REG, reg}; }
static inline Location in_slot(uint32_t slot) { return (Location){LOCATION_SLOT, slot}; }
static inline bool same_location(Location a, Location b) { return a.kind == b.kind && a.index == b.index; }

typedef struct RegisterAllocator {
    RegSet pool; // the registers that may be handed out
    // Results:
    LiveInterval *intervals; // by ascending start; registers that are never live have none
    size_t num_intervals;
    Location *locations; // indexed by VReg
    uint32_t num_slots;
    RegSet used; // the registers that were handed out
    RegSet to_save; // those of them that the function must hand back unchanged
    Arena arena; // owns the results
} RegisterAllocator;

// All but those that the emitter keeps for itself: RSP and RBP, the frame, and R10 and R11, scratch space.
#define RA_DEFAULT_POOL ((CALLER_SAVED_REGS & ~(1u << R10 | 1u << R11)) | CALLEE_SAVED_REGS)

// Three registers, among them both that a division destroys: almost everything is spilled.
#define RA_STRESS_POOL (1u << RAX | 1u << RDX | 1u << RCX)

// Allocate. `pool` must be a subset of RA_DEFAULT_POOL. Returns false, with nothing to free, if the
// function is too large: blocks times globals above a fixed limit.
// Time: O(n log n) for n intervals, plus the liveness analysis, O(blocks * globals / 64) a pass.
bool ra_allocate(RegisterAllocator *ra, const Lir *lir, RegSet pool);
void ra_free(RegisterAllocator *ra);

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
