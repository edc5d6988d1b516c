#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

// Memory for weights that are read here and there, in large pages where the system has them: several parts share one piece, which lives as long as any of them
class lacuna_plane_memory {
public:
    std::shared_ptr<uint8_t> take(size_t size); // zeros; throws std::bad_alloc

private:
    std::shared_ptr<uint8_t> piece;
    size_t size = 0, taken = 0;
};
