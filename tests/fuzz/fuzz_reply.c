/* SPDX-License-Identifier: MIT */
/*
 * A byte says how large the pieces are in which the rest, a server's replies,
 * arrives. However they are split, also in two anywhere near their beginning,
 * the reader says the same: replies, their words, and where it stops.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/smtp/reply.h"
#include "tests/fuzz/fuzz.h"

enum { RECORD = 1 << 16, EVERY_SPLIT = 8 };

/* All that a reader said. */
typedef struct record {
    thrum__reply_reader reader;
    unsigned char bytes[RECORD];
    size_t size;
} record;

static void record_add(record *self, const void *bytes, size_t size)
{
    if (size > sizeof self->bytes - self->size)
        size = sizeof self->bytes - self->size;
    memcpy(self->bytes + self->size, bytes, size);
    self->size += size;
}

static void record_words(record *self, const thrum__reply *reply)
{
    char enhanced[THRUM__REPLY_ENHANCED], words[THRUM__REPLY_WORDS];
    size_t size = thrum__reply_words(reply, words, sizeof words);

    fuzz_assert(strlen(words) == size);
    for (size_t i = 0; i < size; i++)
        fuzz_assert(words[i] >= ' ' && words[i] <= '~');
    record_add(self, words, size + 1);
    size = thrum__reply_enhanced(reply, enhanced);
    fuzz_assert(strlen(enhanced) == size);
    fuzz_assert(size == 0 || enhanced[0] == '0' + reply->code / 100);
    record_add(self, enhanced, size + 1);
}

static void record_reply(record *self, const thrum__reply *reply)
{
    fuzz_assert(reply->code >= 200 && reply->code <= 599);
    record_add(self, &reply->code, sizeof reply->code);
    record_add(self, &reply->text.size, sizeof reply->text.size);
    record_add(self, reply->text.data, reply->text.size);
    record_words(self, reply);
}

/* Returns false when the reader has stopped. */
static bool record_read(record *self, const uint8_t *data, size_t size)
{
    char *copy = malloc(size + (size == 0));
    thrum_bytes in = {copy, size};
    thrum__reply reply;
    int got = 1;

    fuzz_assert(copy != NULL);
    memcpy(copy, data, size);
    while (got == 1) {
        got = thrum__reply_read(&self->reader, &in, &reply);
        if (got == 1)
            record_reply(self, &reply);
    }
    fuzz_assert(got < 0 || in.size == 0);
    fuzz_assert((got < 0) == (self->reader.wrong != NULL));
    free(copy);
    return got == 0;
}

static void record_read_in_pieces(record *self, fuzz_input input, size_t piece)
{
    bool reads = true;

    thrum__reply_reader_init(&self->reader);
    self->size = 0;
    while (reads && input.size > 0) {
        size_t size = input.size < piece ? input.size : piece;

        reads = record_read(self, input.data, size);
        input.data += size;
        input.size -= size;
    }
    if (!reads)
        record_add(self, self->reader.wrong, strlen(self->reader.wrong));
}

/* In two pieces, of which the first has so many bytes. */
static void record_read_split(record *self, fuzz_input input, size_t first)
{
    thrum__reply_reader_init(&self->reader);
    self->size = 0;
    if (!record_read(self, input.data, first) ||
        !record_read(self, input.data + first, input.size - first))
        record_add(self, self->reader.wrong, strlen(self->reader.wrong));
}

static void record_equals(const record *whole, const record *split)
{
    fuzz_assert(whole->size == split->size);
    fuzz_assert(memcmp(whole->bytes, split->bytes, whole->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static record whole, split;
    fuzz_input input = {data, size};
    size_t piece = fuzz_byte(&input) % 64 + 1;

    record_read_in_pieces(&whole, input, input.size + 1);
    record_read_in_pieces(&split, input, piece);
    record_equals(&whole, &split);
    for (size_t at = 1; at < input.size && at < EVERY_SPLIT; at++) {
        record_read_split(&split, input, at);
        record_equals(&whole, &split);
    }
    return 0;
}
