// Runs ggml_tile_config_init of amx/mmq.cpp on any x86-64 processor: the instruction is replaced by a copy of the 64 bytes that it would read, of
// which the optimizer is told 8, as _tile_loadconfig of GCC 11.3 and 12.2 tells it. Exits with 0 if they are what AMX has to be told.

#include <cstdint>
#include <cstdio>
#include <cstring>

static uint8_t read_config[64];

static inline __attribute__((always_inline)) void _tile_loadconfig(const void * config) {
    __asm__ volatile ("lea %0, %%rsi\n\tlea %1, %%rdi\n\tmov $64, %%ecx\n\trep movsb"
        : : "m" (*(const void **) config), "m" (*(uint64_t *) read_config) : "rsi", "rdi", "rcx");
}

// the structure and the function, as they stand in mmq.cpp
#include "tile-config.inc"

static __attribute__((noinline)) void fill_stack() {
    volatile uint8_t junk[4096];
    for (auto & byte : junk) {
        byte = 0xa5;
    }
}

int main() {
    fill_stack();
    ggml_tile_config_init();
    __asm__ volatile ("" : : : "memory");

    uint8_t expected[64] = { 1 };
    const int colsb[8] = { 64, 64, 32, 32, 64, 64, 64, 64 };
    const int rows[8]  = {  8,  8, 16, 16, 16, 16, 16, 16 };
    for (int i = 0; i < 8; i++) {
        expected[16 + 2*i] = (uint8_t) colsb[i];
        expected[48 + i]   = (uint8_t) rows[i];
    }
    for (int i = 0; i < 64; i++) {
        if (read_config[i] != expected[i]) {
            printf("byte %d of the tile configuration is %d, not %d\n", i, read_config[i], expected[i]);
            return 1;
        }
    }
    return 0;
}
