/* SPDX-License-Identifier: MIT */
/* Answers of the DNS as bytes; each also cut at every octet, and with every
 * octet changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reactor/answer.h"
#include "tests/support/support.h"

enum { MOST = 70000 };

/* A message that is put together. */
typedef struct message {
    unsigned char bytes[MOST];
    size_t size;
} message;

static void put(message *self, unsigned long value, int octets)
{
    while (octets-- > 0)
        self->bytes[self->size++] = (unsigned char)(value >> 8 * octets);
}

static void put_name(message *self, const char *name)
{
    while (*name != '\0') {
        size_t size = strcspn(name, ".");

        put(self, size, 1);
        memcpy(self->bytes + self->size, name, size);
        self->size += size;
        name += size + (name[size] == '.');
    }
    put(self, 0, 1);
}

/* The header, and a question. */
static void begin(message *self, const char *name, int type, int code)
{
    memset(self, 0, sizeof *self);
    put(self, 7, 2);
    put(self, 0x8180u | (unsigned)code, 2);
    put(self, 1, 2);
    put(self, 0, 6);
    put_name(self, name);
    put(self, (unsigned)type, 2);
    put(self, 1, 2);
}

/* One more record, up to its data; "" is the question's name. */
static void put_head(message *self, const char *owner, int type, unsigned ttl)
{
    unsigned count = (unsigned)(self->bytes[6] << 8 | self->bytes[7]) + 1;

    if (owner[0] == '\0')
        put(self, 0xc00c, 2);
    else
        put_name(self, owner);
    put(self, (unsigned)type, 2);
    put(self, 1, 2);
    put(self, ttl, 4);
    put(self, 0, 2);
    self->bytes[6] = (unsigned char)(count >> 8);
    self->bytes[7] = (unsigned char)count;
}

/* The size of the data from `start` on. */
static void close_data(message *self, size_t start)
{
    size_t size = self->size - start;

    self->bytes[start - 2] = (unsigned char)(size >> 8);
    self->bytes[start - 1] = (unsigned char)size;
}

static void put_address(message *self, const char *owner, unsigned last,
                        unsigned ttl)
{
    put_head(self, owner, THRUM__DNS_A, ttl);
    put(self, 0x7f000000u | last, 4);
    close_data(self, self->size - 4);
}

static void put_host(message *self, const char *owner, int type,
                     unsigned long head, const char *host)
{
    size_t start;

    put_head(self, owner, type, 60);
    start = self->size;
    if (type == THRUM__DNS_MX)
        put(self, head, 2);
    if (type == THRUM__DNS_SRV)
        put(self, head, 6);
    put_name(self, host);
    close_data(self, start);
}

static void put_text(message *self, const char *bytes, size_t size)
{
    put_head(self, "", THRUM__DNS_TXT, 60);
    memcpy(self->bytes + self->size, bytes, size);
    self->size += size;
    close_data(self, self->size - size);
}

/* ---- The cases ---- */

static void two_addresses(message *self)
{
    put_address(self, "", 1, 300);
    put_address(self, "A.Test", 2, 200);
}

static void others_records(message *self)
{
    put_address(self, "b.test", 9, 1);
    put_address(self, "", 1, 60);
    put_text(self, "\1x", 2);
    put_address(self, "a.test.more", 9, 1);
}

static void chain(message *self)
{
    put_host(self, "", THRUM__DNS_CNAME, 0, "b.test");
    put_address(self, "c.test", 3, 30);
    put_host(self, "b.test", THRUM__DNS_CNAME, 0, "C.test");
}

static void circle(message *self)
{
    put_host(self, "", THRUM__DNS_CNAME, 0, "b.test");
    put_host(self, "b.test", THRUM__DNS_CNAME, 0, "a.test");
    put_address(self, "b.test", 1, 60);
}

static void long_chain(message *self)
{
    char from[20] = "", to[20];

    for (int i = 0; i < 17; i++) {
        snprintf(to, sizeof to, "n%d.test", i);
        put_host(self, from, THRUM__DNS_CNAME, 0, to);
        memcpy(from, to, sizeof from);
    }
    put_address(self, from, 1, 60);
}

static void dangling(message *self)
{
    put_host(self, "", THRUM__DNS_CNAME, 0, "b.test");
}

static void alias_to_root(message *self)
{
    put_host(self, "", THRUM__DNS_CNAME, 0, "");
}

static void past_time(message *self)
{
    put_address(self, "", 1, 0x80000000u);
}

static void short_address(message *self)
{
    put_head(self, "", THRUM__DNS_A, 60);
    put(self, 0x7f0000, 3);
    close_data(self, self->size - 3);
}

static void short_and_good(message *self)
{
    short_address(self);
    put_address(self, "", 1, 60);
}

static void six(message *self)
{
    put_head(self, "", THRUM__DNS_AAAA, 60);
    put(self, 0x20010db8, 4);
    put(self, 0, 8);
    put(self, 1, 4);
    close_data(self, self->size - 16);
}

static void mail(message *self)
{
    put_host(self, "", THRUM__DNS_MX, 20, "B.test");
    put_host(self, "", THRUM__DNS_MX, 10, "c.test");
}

static void null_mail(message *self)
{
    put_host(self, "", THRUM__DNS_MX, 0, "");
}

static void null_and_mail(message *self)
{
    null_mail(self);
    put_host(self, "", THRUM__DNS_MX, 10, "c.test");
}

static void odd_mail(message *self)
{
    put_host(self, "", THRUM__DNS_MX, 10, "c d.test");
}

static void short_mail(message *self)
{
    put_head(self, "", THRUM__DNS_MX, 60);
    put(self, 10, 2);
    close_data(self, self->size - 2);
}

static void mail_and_more(message *self)
{
    size_t start;

    put_head(self, "", THRUM__DNS_MX, 60);
    start = self->size;
    put(self, 10, 2);
    put_name(self, "c.test");
    put(self, 'x', 1);
    close_data(self, start);
}

static void service(message *self)
{
    put_host(self, "", THRUM__DNS_SRV, 0x000a00051466, "c.test");
}

static void no_service(message *self)
{
    put_host(self, "", THRUM__DNS_SRV, 0, "");
}

static void texts(message *self)
{
    put_text(self, "\2ab\3cde", 7);
    put_text(self, "\0", 1);
    put_text(self, "\1\0", 2);
}

static void text_too_long(message *self)
{
    put_text(self, "\5ab", 3);
}

static void text_without_strings(message *self)
{
    put_text(self, "", 0);
}

static void pointer_to_itself(message *self)
{
    size_t start = self->size;

    put_address(self, "", 1, 60);
    self->bytes[start] = (unsigned char)(0xc0 | start >> 8);
    self->bytes[start + 1] = (unsigned char)start;
}

static void pointer_forward(message *self)
{
    size_t start = self->size;

    put_address(self, "", 1, 60);
    self->bytes[start + 1] = (unsigned char)(start + 2);
}

static void reserved_label(message *self)
{
    size_t start = self->size;

    put_address(self, "", 1, 60);
    self->bytes[start] = 0x80;
}

static void more_than_there_are(message *self)
{
    put_address(self, "", 1, 60);
    self->bytes[7] = 9;
}

static void nothing(message *self)
{
    (void)self;
}

enum { A = THRUM__DNS_A, MX = THRUM__DNS_MX, TXT = THRUM__DNS_TXT };

#define FOUND THRUM__ANSWER_FOUND
#define NONE THRUM__ANSWER_NO_RECORDS
#define FAILED THRUM__ANSWER_FAILED
#define REFUSED THRUM__ANSWER_NOT_OFFERED

static const struct {
    const char *what;
    void (*make)(message *self);
    int type, code;
    thrum__answer_kind kind;
    unsigned ttl;
    const char *records; /* each ended by ";" */
} cases[] = {
    {"two", two_addresses, A, 0, FOUND, 200, "127.0.0.1;127.0.0.2;"},
    {"others", others_records, A, 0, FOUND, 60, "127.0.0.1;"},
    {"chain", chain, A, 0, FOUND, 30, "127.0.0.3;"},
    {"circle", circle, A, 0, FAILED, 0, ""},
    {"long chain", long_chain, A, 0, FAILED, 0, ""},
    {"dangling", dangling, A, 0, NONE, 0, ""},
    {"alias to the root", alias_to_root, A, 0, FAILED, 0, ""},
    {"past", past_time, A, 0, FOUND, 0, "127.0.0.1;"},
    {"short", short_address, A, 0, FAILED, 0, ""},
    {"short and good", short_and_good, A, 0, FOUND, 60, "127.0.0.1;"},
    {"six", six, THRUM__DNS_AAAA, 0, FOUND, 60, "2001:db8::1;"},
    {"mail", mail, MX, 0, FOUND, 60, "20 b.test;10 c.test;"},
    {"null mail", null_mail, MX, 0, REFUSED, 60, ""},
    {"null and mail", null_and_mail, MX, 0, FOUND, 60, "10 c.test;"},
    {"odd mail", odd_mail, MX, 0, FAILED, 0, ""},
    {"short mail", short_mail, MX, 0, FAILED, 0, ""},
    {"mail and more", mail_and_more, MX, 0, FAILED, 0, ""},
    {"service", service, THRUM__DNS_SRV, 0, FOUND, 60, "10 5 5222 c.test;"},
    {"no service", no_service, THRUM__DNS_SRV, 0, REFUSED, 60, ""},
    {"texts", texts, TXT, 0, FOUND, 60, "5 abcde;0 ;1 ;"},
    {"text too long", text_too_long, TXT, 0, FAILED, 0, ""},
    {"no strings", text_without_strings, TXT, 0, FAILED, 0, ""},
    {"to itself", pointer_to_itself, A, 0, FAILED, 0, ""},
    {"forward", pointer_forward, A, 0, FAILED, 0, ""},
    {"reserved", reserved_label, A, 0, FAILED, 0, ""},
    {"more", more_than_there_are, A, 0, FAILED, 0, ""},
    {"nothing", nothing, A, 0, NONE, 0, ""},
    {"no name", nothing, A, 3, THRUM__ANSWER_NO_NAME, 0, ""},
    {"server failure", nothing, A, 2, FAILED, 0, ""},
    {"refused", two_addresses, A, 5, FAILED, 0, ""},
};

static void write_records(const thrum__answer *answer, int type, char *text,
                          size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < answer->count && used < size; i++) {
        const thrum_record *at = &answer->records[i];
        char numbers[40] = "";

        ck_assert_int_eq(at->text[at->size], '\0');
        if (type == MX)
            snprintf(numbers, sizeof numbers, "%u ", at->priority);
        if (type == THRUM__DNS_SRV)
            snprintf(numbers, sizeof numbers, "%u %u %u ", at->priority,
                     at->weight, at->port);
        if (type == TXT)
            snprintf(numbers, sizeof numbers, "%zu ", at->size);
        used += (size_t)snprintf(text + used, size - used, "%s%s;", numbers,
                                 at->text);
    }
}

static void make(message *self, int i)
{
    begin(self, "A.tesT", cases[i].type, cases[i].code);
    cases[i].make(self);
}

START_TEST(an_answer_is_read)
{
    static message bytes;
    thrum_context *context = support_context();
    thrum__answer *answer;
    char text[400];

    make(&bytes, _i);
    answer = thrum__answer_parse(context, bytes.bytes, bytes.size, "a.test",
                                 cases[_i].type);
    write_records(answer, cases[_i].type, text, sizeof text);
    ck_assert_msg(answer->kind == cases[_i].kind, "%s: %d %s", cases[_i].what,
                  answer->kind, answer->words);
    ck_assert_str_eq(text, cases[_i].records);
    ck_assert_int_eq(answer->words == NULL, answer->kind == FOUND);
    if (answer->kind == FOUND || answer->kind == REFUSED)
        ck_assert_uint_eq(answer->ttl, cases[_i].ttl);
    thrum__answer_unref(answer);
    support_context_end(context);
}
END_TEST

/* What is read of bytes that may be anything is in itself right. */
static void read_any(thrum_context *context, const message *bytes, int type)
{
    thrum__answer *answer =
        thrum__answer_parse(context, bytes->bytes, bytes->size, "a.test", type);

    ck_assert_int_eq(answer->kind == FOUND, answer->count > 0);
    ck_assert_uint_le(answer->ttl, INT32_MAX);
    for (size_t i = 0; i < answer->count; i++)
        ck_assert_int_eq(answer->records[i].text[answer->records[i].size],
                         '\0');
    thrum__answer_unref(answer);
}

/* The bytes end where the memory does, so that a sanitizer sees who reads on.
 */
START_TEST(an_answer_may_end_anywhere)
{
    static message whole, cut;
    thrum_context *context = support_context();

    make(&whole, _i);
    for (size_t size = 0; size < whole.size; size++) {
        unsigned char *exact = malloc(size > 0 ? size : 1);
        thrum__answer *answer;

        memcpy(exact, whole.bytes, size);
        answer =
            thrum__answer_parse(context, exact, size, "a.test", cases[_i].type);
        ck_assert(answer->kind != FOUND || answer->count > 0);
        if (size < 12)
            ck_assert_int_eq(answer->kind, FAILED);
        thrum__answer_unref(answer);
        free(exact);
        cut = whole;
        for (unsigned octet = 0; octet < 256; octet += 17) {
            cut.bytes[size] = (unsigned char)octet;
            read_any(context, &cut, cases[_i].type);
        }
    }
    support_context_end(context);
}
END_TEST

START_TEST(no_more_than_512_records_are_taken)
{
    static message bytes;
    thrum_context *context = support_context();
    thrum__answer *answer;

    begin(&bytes, "a.test", A, 0);
    for (unsigned i = 0; i < 600; i++)
        put_address(&bytes, "", i, 60);
    answer = thrum__answer_parse(context, bytes.bytes, bytes.size, "a.test", A);
    ck_assert_uint_eq(answer->count, 512);
    ck_assert_str_eq(answer->records[511].text, "127.0.1.255");
    thrum__answer_unref(answer);
    support_context_end(context);
}
END_TEST

START_TEST(an_answer_lives_as_long_as_its_last_holder)
{
    thrum_context *context = support_context();
    thrum__answer *answer = thrum__answer_none(context, FAILED, "for a reason");

    ck_assert_ptr_eq(thrum__answer_ref(answer), answer);
    thrum__answer_unref(answer);
    ck_assert_str_eq(answer->words, "for a reason");
    thrum__answer_unref(answer);
    thrum__answer_unref(NULL);
    support_context_end(context);
}
END_TEST

static void scenario(void)
{
    static message bytes;
    thrum_context *context = support_context();

    make(&bytes, 0);
    if (context != NULL) {
        thrum__answer_unref(
            thrum__answer_parse(context, bytes.bytes, bytes.size, "a.test", A));
        thrum__answer_unref(
            thrum__answer_parse(context, bytes.bytes, 3, "a.test", A));
    }
    support_context_end(context);
}

START_TEST(an_answer_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *reads = tcase_create("answers");
    TCase *const all[] = {reads};
    int count = sizeof cases / sizeof *cases;

    tcase_add_loop_test(reads, an_answer_is_read, 0, count);
    tcase_add_loop_test(reads, an_answer_may_end_anywhere, 0, count);
    tcase_add_test(reads, no_more_than_512_records_are_taken);
    tcase_add_test(reads, an_answer_lives_as_long_as_its_last_holder);
    tcase_add_test(reads, an_answer_survives_every_failing_allocation);
    return support_main("answer", all, sizeof all / sizeof *all);
}
