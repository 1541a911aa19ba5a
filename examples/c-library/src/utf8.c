#include "utf8.h"

#define LAST_CODE_POINT 0x10FFFF
#define FIRST_SURROGATE 0xD800
#define LAST_SURROGATE 0xDFFF

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

static bool is_scalar(uint32_t code_point)
{
    return code_point <= LAST_CODE_POINT && (code_point < FIRST_SURROGATE || code_point > LAST_SURROGATE);
}

static size_t encoded_length(uint32_t code_point)
{
    return code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
}

/* The length that a first byte announces; 0 for a byte that is never first. */
static size_t announced_length(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first < 0xC0) return 0;
    if (first < 0xE0) return 2;
    if (first < 0xF0) return 3;
    return first < 0xF8 ? 4 : 0;
}

size_t utf8_decode(const char *text, size_t size, uint32_t *code_point)
{
    static const unsigned char payload[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    if (size == 0) return 0;
    unsigned char first = (unsigned char)text[0];
    size_t length = announced_length(first);
    if (length == 0 || length > size) return 0;

    uint32_t decoded = first & payload[length];
    for (size_t i = 1; i < length; i++) {
        if (!is_continuation(text[i])) return 0;
        decoded = decoded << 6 | ((unsigned char)text[i] & 0x3F);
    }
    if (!is_scalar(decoded) || encoded_length(decoded) != length) return 0;
    *code_point = decoded;
    return length;
}

size_t utf8_encode(uint32_t code_point, char out[UTF8_MAX_BYTES])
{
    static const unsigned char mark[] = {0, 0, 0xC0, 0xE0, 0xF0};
    if (!is_scalar(code_point)) return 0;
    size_t length = encoded_length(code_point);
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    out[0] = (char)(mark[length] | code_point);
    return length;
}

bool utf8_valid(const char *text, size_t size)
{
    uint32_t ignored;
    for (size_t at = 0; at < size;) {
        size_t length = utf8_decode(text + at, size - at, &ignored);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

size_t utf8_count(const char *text, size_t size)
{
    uint32_t ignored;
    size_t count = 0;
    for (size_t at = 0; at < size; count++) {
        size_t length = utf8_decode(text + at, size - at, &ignored);
        at += length > 0 ? length : 1;
    }
    return count;
}

size_t utf8_truncate(const char *text, size_t size, size_t limit)
{
    if (size <= limit) return size;
    while (limit > 0 && is_continuation(text[limit])) limit--;
    return limit;
}
