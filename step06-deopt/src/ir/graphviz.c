// The control flow graph in Graphviz's language: `dot -Tsvg` draws it. Blocks are nodes with their text, loops
// are clusters, back-edges are bold.
#include <stdlib.h>

#include "ir/ir.h"

// Print text inside of a label: a backslash before what would end it, and \l, a left-aligned line end.
static void print_escaped(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', out);
        fputc(*text, out);
    }
    fputs("\\l", out);
}

static void print_node(FILE *out, const Ir *ir, uint32_t block) {
    fprintf(out, "    B%u [label=\"B%u\\l", block, block);
    IR_EACH(ir, block, ref) {
        char *text = NULL;
        size_t size;
        FILE *line = open_memstream(&text, &size);
        if (!line) return;
        ir_print_ins(line, ir, ref, 0);
        fclose(line);
        print_escaped(out, text);
        free(text);
    }
    fputs("\"];\n", out);
}

static void print_edges(FILE *out, const Ir *ir, uint32_t block) {
    const IrBlock *b = &ir->blocks[block];
    for (uint32_t s = 0; s < b->num_succ; s++) {
        fprintf(out, "    B%u -> B%u", block, b->succ[s]);
        if (b->num_succ == 2) fprintf(out, " [label=\"%s\"]", s == 0 ? "true" : "false");
        if (b->rpo != NO_BLOCK && ir_dominates(ir, b->succ[s], block)) fputs(" [style=bold]", out);
        fputs(";\n", out);
    }
}

// Blocks of a loop stand side by side in ir->order, the header first.
static void print_nodes(FILE *out, const Ir *ir) {
    uint32_t open = NO_LOOP;
    for (size_t pos = 0; pos < ir->num_rpo; pos++) {
        uint32_t loop = ir->blocks[ir->order[pos]].loop;
        while (open != NO_LOOP && pos == ir->loops[open].first + ir->loops[open].num_blocks) {
            fputs("    }\n", out);
            open = ir->loops[open].parent;
        }
        if (loop != NO_LOOP && ir->loops[loop].first == pos) {
            fprintf(out, "    subgraph cluster_%u {\n    label=\"loop depth %u\";\n", loop, ir->loops[loop].depth);
            open = loop;
        }
        print_node(out, ir, ir->order[pos]);
    }
    for (; open != NO_LOOP; open = ir->loops[open].parent) fputs("    }\n", out);
}

void ir_print_dot(FILE *out, Ir *ir) {
    ir_loops(ir);
    fprintf(out, "digraph \"%s\" {\n    node [shape=box, fontname=monospace];\n", ir_function(ir)->name);
    print_nodes(out, ir);
    for (uint32_t b = 0; b < ir->num_blocks; b++) print_edges(out, ir, b);
    fputs("}\n", out);
}
