// Names for generated code in the reports of `perf`.
//
// A process that finds no symbol for an address makes perf look into /tmp/perf-PID.map, one line per
// function: START SIZE NAME, numbers in hex. perf reads it when it reports, so that the file has to
// stay when the process is gone; and it wants no line twice: released code stays in it.
// Format: tools/perf/Documentation/jit-interface.txt in the Linux source.
#ifndef CODE_PERF_MAP_H
#define CODE_PERF_MAP_H

#include <stddef.h>

typedef struct PerfMap PerfMap;

// Start this process's map. Returns NULL if the file cannot be created: profiling then shows
// addresses, and nothing else is different. perf_map_close frees it.
PerfMap *perf_map_open(void);

// Add a function. It is in the file when this returns, should the process crash afterwards.
// Does nothing if `map` is NULL. Bytes below a space in the name are written as '?'.
void perf_map_add(PerfMap *map, const char *name, const void *code, size_t size);

// The file's path, owned by the map.
const char *perf_map_path(const PerfMap *map);

// Close the file, and leave it for perf. NULL is ignored.
void perf_map_close(PerfMap *map);

#endif
