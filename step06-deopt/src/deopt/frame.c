#include "deopt/frame.h"

#include "interp/vm.h"

// A frame of FRAME_ENTER stands between two frames of functions, and C's own lie around it.
static Frame *frame_of_function(Frame *frame) {
    while (frame && frame_info(frame)->kind == FRAME_ENTER) frame = *(Frame **)((char *)frame + FRAME_PREVIOUS);
    return frame;
}

Frame *frame_newest(const Vm *vm) { return frame_of_function(vm->top_frame); }

Frame *frame_caller(const Frame *frame) { return frame_of_function(frame->caller); }
