/* Prints one line per test, and the place and the values of every expectation that doesn't hold. */
#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define SIZED(literal) literal, sizeof(literal) - 1
#define EXPECT(actual, expected) expect(#actual, (unsigned long)(actual), (unsigned long)(expected), __LINE__)

static int failures;

static void expect(const char *what, unsigned long actual, unsigned long expected, int line)
{
    if (actual == expected) return;
    printf("%s:%d: %s is %#lx, expected %#lx\n", __FILE__, line, what, actual, expected);
    failures++;
}

static void decodes_each_length(void)
{
    uint32_t code_point = 0;
    EXPECT(utf8_decode(SIZED("a"), &code_point), 1);
    EXPECT(code_point, 'a');
    EXPECT(utf8_decode(SIZED("\xC3\xA9!"), &code_point), 2);
    EXPECT(code_point, 0xE9);
    EXPECT(utf8_decode(SIZED("\xE2\x82\xAC"), &code_point), 3);
    EXPECT(code_point, 0x20AC);
    EXPECT(utf8_decode(SIZED("\xF0\x9F\x98\x80"), &code_point), 4);
    EXPECT(code_point, 0x1F600);
}

static void keeps_what_comes_before_an_error(void)
{
    uint32_t code_point = 42;
    EXPECT(utf8_decode("", 0, &code_point), 0);
    EXPECT(utf8_decode(SIZED("\x80"), &code_point), 0);
    EXPECT(utf8_decode(SIZED("\xFF"), &code_point), 0);
    EXPECT(utf8_decode(SIZED("\xE2\x82"), &code_point), 0);
    EXPECT(utf8_decode(SIZED("\xE2\x28\xA1"), &code_point), 0);
    EXPECT(code_point, 42);
}

static void rejects_overlong_forms(void)
{
    EXPECT(utf8_valid(SIZED("\xC0\x80")), false);
    EXPECT(utf8_valid(SIZED("\xE0\x9F\xBF")), false);
    EXPECT(utf8_valid(SIZED("\xF0\x8F\xBF\xBF")), false);
}

static void rejects_surrogates(void)
{
    char out[UTF8_MAX_BYTES];
    EXPECT(utf8_valid(SIZED("\xED\x9F\xBF")), true);
    EXPECT(utf8_valid(SIZED("\xED\xA0\x80")), false);
    EXPECT(utf8_encode(0xDFFF, out), 0);
}

static void ends_at_the_last_code_point(void)
{
    char out[UTF8_MAX_BYTES];
    EXPECT(utf8_valid(SIZED("\xF4\x8F\xBF\xBF")), true);
    EXPECT(utf8_valid(SIZED("\xF4\x90\x80\x80")), false);
    EXPECT(utf8_encode(0x110000, out), 0);
}

static void encodes_what_it_decodes(void)
{
    static const uint32_t edges[] = {0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < LENGTH(edges); i++) {
        char out[UTF8_MAX_BYTES];
        uint32_t back = ~edges[i];
        size_t length = utf8_encode(edges[i], out);
        EXPECT(utf8_decode(out, length, &back), length);
        EXPECT(back, edges[i]);
    }
}

static void counts_code_points(void)
{
    EXPECT(utf8_count("", 0), 0);
    EXPECT(utf8_count(SIZED("na\xC3\xAFve \xE2\x82\xAC")), 7);
    EXPECT(utf8_count(SIZED("a\xFF\xE2\x82")), 4);
}

static void truncates_between_code_points(void)
{
    const char *text = "\xE2\x82\xACuro";
    EXPECT(utf8_truncate(text, strlen(text), 10), 6);
    EXPECT(utf8_truncate(text, strlen(text), 4), 4);
    EXPECT(utf8_truncate(text, strlen(text), 2), 0);
}

#define TEST(name) {#name, name}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        TEST(decodes_each_length),         TEST(keeps_what_comes_before_an_error),
        TEST(rejects_overlong_forms),      TEST(rejects_surrogates),
        TEST(ends_at_the_last_code_point), TEST(encodes_what_it_decodes),
        TEST(counts_code_points),          TEST(truncates_between_code_points),
    };
    size_t failed = 0;
    for (size_t i = 0; i < LENGTH(tests); i++) {
        failures = 0;
        tests[i].run();
        printf("%s  %s\n", failures > 0 ? "FAIL" : "ok  ", tests[i].name);
        failed += failures > 0;
    }
    printf("%zu tests, %zu failed\n", LENGTH(tests), failed);
    return failed > 0;
}
