/* UTF-8 as RFC 3629 has it: no surrogates, nothing beyond U+10FFFF, no overlong forms.
 * Nothing here allocates, and no text needs a terminating zero. */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest encoding of a code point, in bytes. */
#define UTF8_MAX_BYTES 4

/* Decodes the code point at the start of text. Returns its length in bytes, or 0 when text starts with
 * something invalid or cut off, or is empty; *code_point is then unchanged. */
size_t utf8_decode(const char *text, size_t size, uint32_t *code_point);

/* Encodes code_point into out. Returns the length in bytes, or 0 when code_point can't be encoded. */
size_t utf8_encode(uint32_t code_point, char out[UTF8_MAX_BYTES]);

/* Returns whether text is valid from end to end. */
bool utf8_valid(const char *text, size_t size);

/* Returns the number of code points in text; a byte that starts none counts as one. */
size_t utf8_count(const char *text, size_t size);

/* Returns the length of the longest prefix of valid text that has at most limit bytes and cuts no code point. */
size_t utf8_truncate(const char *text, size_t size, size_t limit);

#endif
