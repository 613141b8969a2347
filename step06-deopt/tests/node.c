#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool node_is_installed(void) { return system("node -e 0 >/dev/null 2>&1") == 0; }

static char *read_all(FILE *in) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (int c; (c = fgetc(in)) != EOF;) fputc(c, out);
    fclose(out);
    return text;
}

static bool write_file(const char *path, const char *text) {
    FILE *out = fopen(path, "w");
    if (!out) return false;
    fputs(text, out);
    return fclose(out) == 0;
}

char *node_run(const char *script, const char *input) {
    char folder[] = "/tmp/jit-node-XXXXXX", script_path[64], input_path[64], command[256];
    if (!mkdtemp(folder)) return NULL;
    snprintf(script_path, sizeof script_path, "%s/script.js", folder);
    snprintf(input_path, sizeof input_path, "%s/input", folder);
    char *whole = NULL, *result = NULL;
    size_t size;
    FILE *out = open_memstream(&whole, &size);
    fprintf(out, "const input = require('fs').readFileSync('%s', 'utf8');\n%s", input_path, script);
    fclose(out);
    bool written = write_file(script_path, whole) && write_file(input_path, input);
    snprintf(command, sizeof command, "node %s 2>&1", script_path);
    FILE *pipe = written ? popen(command, "r") : NULL;
    if (pipe) {
        result = read_all(pipe);
        if (pclose(pipe) != 0) {
            fprintf(stderr, "node: %s\n", result);
            free(result);
            result = NULL;
        }
    }
    unlink(script_path);
    unlink(input_path);
    rmdir(folder);
    free(whole);
    return result;
}
