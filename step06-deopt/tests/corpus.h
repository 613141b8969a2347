// The corpus: the programs of examples/ and bench/, with arguments that make a short run.
#ifndef TESTS_CORPUS_H
#define TESTS_CORPUS_H

#include <stddef.h>
#include <stdint.h>

typedef struct CorpusProgram {
    const char *path;
    int64_t args[11];
} CorpusProgram;

extern const CorpusProgram corpus[];
extern const size_t num_corpus;

#endif
