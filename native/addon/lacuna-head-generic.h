// The kernel in terms of `simd`, which holds one number of several rows. Each instruction set's file includes this, in a namespace of its
// own and compiled for that set: nothing here may be shared between them, so no standard headers either.

constexpr int AHEAD = 6; // blocks that are asked for before they are needed: 8 KB

template <int BITS>
inline simd::V segment(const uint8_t * codes, int first_row, const int8_t * z, const float * scale, int n_group) {
    simd::V sum = simd::set1(0.0f);
    for (int g = 0; g < n_group; g++) {
        const simd::V dot = simd::template group<BITS>(codes + (size_t) g*BITS*64 + 4*first_row, z + g*LACUNA_HEAD_GROUP);
        sum = simd::fma(sum, dot, simd::set1(scale[g]));
    }
    return sum;
}

inline simd::V segment(const lacuna_head_segment & s, const uint8_t * codes, int first_row, const int8_t * z, const float * scale) {
    return s.bits == 2 ? segment<2>(codes, first_row, z, scale, s.n_group) : segment<4>(codes, first_row, z, scale, s.n_group);
}

void score(const lacuna_head_shape & shape, const uint8_t * blocks, int n_block, const lacuna_head_query & query, float * scores) {
    const auto & first  = shape.segments[0];
    const auto & second = shape.segments[1];
    const size_t block_bytes = shape.block_bytes();
    const size_t scales_at   = first.code_bytes() + second.code_bytes();

    for (int b = 0; b < n_block; b++) {
        const uint8_t  * block  = blocks + b*block_bytes;
        const uint16_t * scales = (const uint16_t *) (block + scales_at);

        // the processor does not look beyond a page by itself; what is beyond the end is not read
        for (size_t i = 0; i < block_bytes; i += 64) {
            __builtin_prefetch(block + AHEAD*block_bytes + i);
        }

        for (int row = 0; row < LACUNA_HEAD_ROWS; row += simd::W) {
            const simd::V one = segment(first,  block,                      row, query.z,                 query.scale);
            const simd::V two = segment(second, block + first.code_bytes(), row, query.z + first.n_dim(), query.scale + first.n_group);

            simd::V sum = simd::set1(query.bias);
            sum = simd::fma(sum, simd::add(one, simd::set1(query.offset[0])), simd::from_f16(scales + row));
            sum = simd::fma(sum, simd::add(two, simd::set1(query.offset[1])), simd::from_f16(scales + LACUNA_HEAD_ROWS + row));
            simd::store(scores + b*LACUNA_HEAD_ROWS + row, sum);
        }
    }
}
