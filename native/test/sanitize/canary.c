// An error of the kind that CANARY names, on the addon's behalf: if a sanitized run does not stop at it, it stops at nothing.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static volatile int sink;

__attribute__((constructor)) static void err(void) {
    const char * kind = getenv("CANARY");
    if (strcmp(kind, "heap") == 0) {
        char * p = malloc(8);
        sink = p[strlen(kind) + 4];
        free(p);
    } else if (strcmp(kind, "freed") == 0) {
        char * p = malloc(8);
        free(p);
        sink = p[0];
    } else if (strcmp(kind, "overflow") == 0) {
        sink = INT_MAX - 8;
        sink = sink + (int) strlen(kind) + 1;
    } else if (strcmp(kind, "leak") == 0) {
        sink = ((char *) malloc(12345))[0] != 0;
    }
}

// Node keeps what is an addon.
void * napi_register_module_v1(void * env, void * exports) {
    (void) env;
    return exports;
}
