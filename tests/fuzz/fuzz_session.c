/* SPDX-License-Identifier: MIT */
/*
 * A byte says which allocation fails, one the settings and the sizes of the
 * pieces in which the rest, all that a server says, arrives. Whatever it says:
 * each message that the session took ends exactly once, and none is accepted
 * before the server has taken its sender, a recipient, DATA and its end.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/smtp_session.h>

#include "tests/fuzz/fuzz.h"

enum { MESSAGES = 4 };

typedef struct tally {
    int ended;
    int accepted;
    int positive;  /* lines of the server so far that begin with "2" */
    int input;     /* with "354" */
    char start[3]; /* of the line that comes */
    size_t column;
} tally;

/* What an accepted message needs: 2yz to MAIL, RCPT and its end, behind those
 * to the beginning and EHLO; and 354. */
static void tally_check(const tally *count)
{
    fuzz_assert(count->accepted <= count->input);
    fuzz_assert(count->accepted == 0 ||
                2 + 3 * count->accepted <= count->positive);
}

/* Counts the lines as they are known to the server, not as they are read. */
static void tally_hear(tally *count, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (count->column < sizeof count->start)
            count->start[count->column] = (char)data[i];
        count->column++;
        if (data[i] != '\n')
            continue;
        count->positive += count->start[0] == '2';
        count->input +=
            count->column > 3 && memcmp(count->start, "354", 3) == 0;
        count->column = 0;
    }
}

static void session_sent(thrum_message *message, thrum_receipt *receipt,
                         thrum_failure *why, void *ctx)
{
    tally *count = ctx;

    fuzz_assert((receipt == NULL) != (why == NULL));
    fuzz_assert(message != NULL);
    count->ended++;
    count->accepted += receipt != NULL;
    tally_check(count);
    thrum_message_free(message);
    thrum_receipt_free(receipt);
    thrum_failure_unref(why);
}

static thrum_message *session_letter(thrum_context *context, int number)
{
    thrum_message *letter = thrum_message_new(context);
    char to[32];

    snprintf(to, sizeof to, "a%d@example.org", number);
    thrum_message_set_from(letter, "e@example.org");
    thrum_message_add_to(letter, to);
    if (number % 2 == 1)
        thrum_message_add_to(letter, "second@example.org");
    thrum_message_set_subject(letter, "S");
    thrum_message_set_text(letter, ".\n..\nx\n", 7);
    return letter;
}

static int session_feed_messages(thrum_context *context,
                                 thrum_smtp_session *session, tally *count)
{
    int taken = 0;

    for (int i = 0; i < MESSAGES; i++) {
        thrum_message *letter = session_letter(context, i);

        if (letter == NULL)
            continue;
        if (thrum_smtp_session_send(session, letter, session_sent, count) == 0)
            taken++;
        else
            thrum_message_free(letter);
    }
    return taken;
}

/* All that is to be sent now goes out, a part at a time. */
static void session_drain(thrum_smtp_session *session, thrum_buffer *out,
                          thrum_ns now)
{
    for (int i = 0; i < 100; i++) {
        int more = thrum_smtp_session_produce(session, out, 100, now);

        fuzz_assert(more <= 1);
        thrum_buffer_clear(out);
        if (more != 1)
            return;
    }
    fuzz_assert(!"it never ends");
}

static void session_talk(thrum_smtp_session *session, thrum_buffer *out,
                         fuzz_input input, unsigned how, tally *count)
{
    size_t piece = how % 64 + 1;
    thrum_ns now = 0;

    while (input.size > 0 &&
           thrum_smtp_session_get_state(session) != THRUM_SMTP_SESSION_ENDED) {
        size_t size = input.size < piece ? input.size : piece;

        tally_hear(count, input.data, size);
        thrum_smtp_session_receive(session, (const char *)input.data, size,
                                   now);
        session_drain(session, out, now);
        input.data += size;
        input.size -= size;
        now += THRUM_S;
    }
    if ((how & 64) != 0)
        thrum_smtp_session_quit(session);
    session_drain(session, out, now);
    now = thrum_smtp_session_deadline(session);
    if (now != INT64_MAX)
        thrum_smtp_session_expire(session, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    unsigned fail_at = fuzz_byte(&input), how = fuzz_byte(&input);
    thrum_context *context = fuzz_context(fail_at);
    thrum_smtp_session_config config = {.mode = (how & 128) != 0
                                                    ? THRUM_SMTP_MODE_LOCKSTEP
                                                    : THRUM_SMTP_MODE_BEST};
    thrum_smtp_session *session = thrum_smtp_session_new(context, &config, 0);
    tally count = {.ended = 0};
    thrum_buffer out;

    thrum_buffer_init(&out, context, 1 << 20);
    if (session != NULL) {
        int taken = session_feed_messages(context, session, &count);

        session_drain(session, &out, 0);
        session_talk(session, &out, input, how, &count);
        thrum_smtp_session_lost(session, NULL);
        thrum_smtp_session_free(session);
        fuzz_assert(count.ended == taken);
    }
    thrum_buffer_fini(&out);
    fuzz_context_end(context);
    return 0;
}
