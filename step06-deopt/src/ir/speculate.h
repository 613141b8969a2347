// What to bet on: for each bytecode, what the feedback and the inline caches say about its operands, and the
// instructions that check it.
//
//   seen so far at `add`          instead of the generic one, which can do everything
//   only integers                 guard_int of each operand, add_int
//   numbers                       guard_number of each operand, add
//   anything else                 nothing: the generic instruction
//
// Likewise for comparisons; for properties, methods and elements the bet is on the shape of the object.
// What is known of an operand's type is not checked again.
#ifndef IR_SPECULATE_H
#define IR_SPECULATE_H

#include "deopt/feedback.h"
#include "ir/ir.h"

typedef enum BetKind {
    BET_NOTHING,
    BET_INTS,    // operands are integers; of arithmetic: the result, too
    BET_NUMBERS, // operands are numbers
    BET_LOAD,    // the object has the shape, and so the property at the offset
    BET_STORE,   // the same; it gets the next shape
    BET_METHOD,  // the receiver has the shape, and so its method is the function
    BET_LOAD_ELEMENT,  // it is an array, the index is in bounds
    BET_STORE_ELEMENT, // the same
    BET_LENGTH,  // it is an array
} BetKind;

typedef struct Bet {
    BetKind kind;
    uint32_t shape, next_shape; // of loads, stores and methods
    uint32_t offset;   // of loads and stores: of the property inside the object, in bytes
    uint32_t function; // of methods: its index
} Bet;

// A bytecode instruction that is to be built with a bet.
typedef struct BetPlace {
    Ir *ir;
    uint32_t block, pc; // at whose end the IR goes; the bytecode
    Ref *operands;      // guards take their place
    uint32_t num_operands;
    Ref state;          // the state at pc
    Ref state_behind;   // of a method: that behind it
} BetPlace;

// What to bet on at this bytecode, with these operands.
Bet speculate(const Ir *ir, const Speculation *speculation, uint32_t pc, const Ref *operands);

// Is a bet on a method to be expected in this function?
bool speculate_on_methods(const Ir *ir, const Speculation *speculation);

// Append what the bet makes of the bytecode. Returns the result, or NO_REF if it has none.
Ref speculate_build(const BetPlace *place, const Bet *bet);

#endif
