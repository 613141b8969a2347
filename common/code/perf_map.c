// Names for perf (see perf_map.h).
#include "code/perf_map.h"

#include <fcntl.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

enum { PATH_SIZE = 64 };

struct PerfMap {
    FILE *file;
    char path[PATH_SIZE];
};

// /tmp is everybody's: never write through a link that someone else has put there.
static FILE *create_file(const char *path) {
    unlink(path); // of an earlier process with this number
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (descriptor < 0) return NULL;
    FILE *file = fdopen(descriptor, "w");
    if (!file) close(descriptor);
    return file;
}

PerfMap *perf_map_open(void) {
    PerfMap *map = xcalloc(1, sizeof *map);
    snprintf(map->path, sizeof map->path, "/tmp/perf-%d.map", (int)getpid());
    map->file = create_file(map->path);
    if (map->file) return map;
    free(map);
    return NULL;
}

void perf_map_add(PerfMap *map, const char *name, const void *code, size_t size) {
    if (!map) return;
    fprintf(map->file, "%" PRIxPTR " %zx ", (uintptr_t)code, size);
    for (const char *c = name; *c; c++) putc((unsigned char)*c < ' ' ? '?' : *c, map->file);
    putc('\n', map->file);
    fflush(map->file);
}

const char *perf_map_path(const PerfMap *map) { return map->path; }

void perf_map_close(PerfMap *map) {
    if (!map) return;
    fclose(map->file);
    free(map);
}
