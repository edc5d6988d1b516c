#include "lacuna-planes-memory.h"

#include "ggml.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#    include <sys/mman.h>
#endif
#if defined(_WIN32)
#    include <malloc.h>
#endif

static constexpr size_t ALIGNMENT  = 64;
static constexpr size_t LARGE_PAGE = 2*1024*1024;
static constexpr size_t PIECE      = 64*1024*1024;

static std::shared_ptr<uint8_t> allocate(size_t size) {
#if defined(_WIN32)
    auto * p = (uint8_t *) _aligned_malloc(size, LARGE_PAGE);
    const auto release = [](uint8_t * p) { _aligned_free(p); };
#else
    auto * p = (uint8_t *) aligned_alloc(LARGE_PAGE, size);
    const auto release = [](uint8_t * p) { free(p); };
#endif
    if (!p) {
        throw std::bad_alloc();
    }
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(p, size, MADV_HUGEPAGE); // where rows are skipped, address translation costs more than they do
#endif
    return { p, release };
}

std::shared_ptr<uint8_t> lacuna_plane_memory::take(size_t n) {
    const size_t room = GGML_PAD(n + ALIGNMENT, ALIGNMENT); // vectors may be loaded beyond the end
    if (taken + room > size) {
        size  = std::max(PIECE, GGML_PAD(room, LARGE_PAGE)); // what is not written to takes no memory
        piece = allocate(size);
        taken = 0;
    }
    std::shared_ptr<uint8_t> res(piece, piece.get() + taken);
    memset(res.get(), 0, room);
    taken += room;
    return res;
}
