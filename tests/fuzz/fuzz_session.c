/* SPDX-License-Identifier: MIT */
/*
 * A byte says which allocation fails, one the sizes of the pieces in which the
 * rest, all that a server says, arrives, one the mode, and one which message is
 * given up, and when. Whatever the server says: each message that the session
 * took ends exactly once; none is accepted whose end was not answered by 2yz,
 * none is called unsent or refused without a reason; and what the client sends
 * is a dialogue. That is judged by another reader of the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/smtp_session.h>

#include "tests/fuzz/dialogue.h"
#include "tests/fuzz/fuzz.h"

enum { MESSAGES = 5, LARGE = 3, LARGE_SIZE = 40000 };

typedef struct tally {
    thrum_message *letters[MESSAGES]; /* those that have not ended */
    int ended;
    bool left; /* the server said 421 */
    dialogue dialogue;
} tally;

static int session_number(const tally *count, const thrum_message *message)
{
    int number = 0;

    while (number < MESSAGES && count->letters[number] != message)
        number++;
    fuzz_assert(number < MESSAGES);
    return number;
}

static void session_check(const tally *count, int number,
                          const thrum_receipt *receipt,
                          const thrum_failure *why)
{
    const thrum_smtp_detail *said =
        why != NULL ? thrum_failure_smtp(why) : NULL;

    if (receipt != NULL)
        fuzz_assert(dialogue_accepted(&count->dialogue, number));
    if (said == NULL)
        return;
    if (thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_REFUSED))
        fuzz_assert(said->code >= 500 || said->code == 0);
    if (thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_UNSENT))
        fuzz_assert(count->left || !dialogue_ended(&count->dialogue, number));
    if (thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_DOUBT))
        fuzz_assert(dialogue_ended(&count->dialogue, number));
}

static void session_sent(thrum_message *message, thrum_receipt *receipt,
                         thrum_failure *why, void *ctx)
{
    tally *count = ctx;
    int number = session_number(count, message);

    fuzz_assert((receipt == NULL) != (why == NULL));
    count->ended++;
    count->letters[number] = NULL;
    session_check(count, number, receipt, why);
    thrum_message_free(message);
    thrum_receipt_free(receipt);
    thrum_failure_unref(why);
}

/* A text of several chunks. */
static const char *session_large(void)
{
    static char text[LARGE_SIZE];

    if (text[0] == '\0')
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = i % 61 == 60 ? '\n' : '.';
    return text;
}

static thrum_message *session_letter(thrum_context *context, int number,
                                     bool large)
{
    thrum_message *letter = thrum_message_new(context);
    char address[32];

    snprintf(address, sizeof address, "e%d@example.org", number);
    thrum_message_set_from(letter, address);
    snprintf(address, sizeof address, "a%d@example.org", number);
    thrum_message_add_to(letter, address);
    if (number % 2 == 1)
        thrum_message_add_to(letter, "second@example.org");
    thrum_message_set_subject(letter, "S");
    if (large)
        thrum_message_set_text(letter, session_large(), LARGE_SIZE);
    else
        thrum_message_set_text(letter, ".\n..\nx\n", 7);
    return letter;
}

static int session_feed_messages(thrum_context *context,
                                 thrum_smtp_session *session, tally *count,
                                 bool large)
{
    int taken = 0;

    for (int i = 0; i < MESSAGES; i++) {
        thrum_message *letter = session_letter(context, i, large && i == LARGE);

        count->letters[i] = letter;
        if (letter != NULL && thrum_smtp_session_send(
                                  session, letter, session_sent, count) == 0) {
            taken++;
        } else {
            count->letters[i] = NULL;
            thrum_message_free(letter);
        }
    }
    return taken;
}

/* All that is to be sent now goes out, a part at a time. */
static void session_drain(thrum_smtp_session *session, thrum_buffer *out,
                          thrum_ns now, tally *count)
{
    for (int i = 0; i < 200; i++) {
        int more = thrum_smtp_session_produce(session, out, 100, now);

        fuzz_assert(more <= 1);
        if (more >= 0)
            dialogue_client(&count->dialogue, out->data, out->size);
        thrum_buffer_clear(out);
        if (more != 1)
            return;
    }
    fuzz_assert(!"it never ends");
}

/* How a run goes. */
typedef struct session_plan {
    size_t piece;
    bool quits;
    int cancelled; /* this message is given up, */
    int when;      /* before this piece */
} session_plan;

static bool session_is_over(const thrum_smtp_session *session)
{
    thrum_smtp_session_state state = thrum_smtp_session_get_state(session);

    return state == THRUM_SMTP_SESSION_ENDED ||
           state == THRUM_SMTP_SESSION_STARTTLS;
}

static void session_talk(thrum_smtp_session *session, thrum_buffer *out,
                         fuzz_input input, const session_plan *plan,
                         tally *count)
{
    thrum_ns now = 0;

    for (int i = 0; input.size > 0 && !session_is_over(session); i++) {
        size_t size = input.size < plan->piece ? input.size : plan->piece;

        if (i == plan->when)
            thrum_smtp_session_cancel(session, count->letters[plan->cancelled]);
        count->left = count->left || memmem(input.data, input.size, "421", 3);
        dialogue_server(&count->dialogue, (const char *)input.data, size);
        thrum_smtp_session_receive(session, (const char *)input.data, size,
                                   now);
        session_drain(session, out, now, count);
        input.data += size;
        input.size -= size;
        now += THRUM_S;
    }
    if (plan->quits)
        thrum_smtp_session_quit(session);
    session_drain(session, out, now, count);
    now = thrum_smtp_session_deadline(session);
    if (now != INT64_MAX)
        thrum_smtp_session_expire(session, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tally count;
    fuzz_input input = {data, size};
    unsigned fail_at = fuzz_byte(&input), how = fuzz_byte(&input);
    unsigned mode = fuzz_byte(&input), cancel = fuzz_byte(&input);
    thrum_context *context = fuzz_context(fail_at);
    thrum_smtp_session_config config = {
        .mode = (thrum_smtp_mode)(mode % (THRUM_SMTP_MODE_CHUNKED + 1)),
        .window = mode / 8 % 4};
    const session_plan plan = {.piece = how % 64 + 1,
                               .quits = (how & 64) != 0,
                               .cancelled = (int)(cancel % MESSAGES),
                               .when = (int)(cancel / MESSAGES)};
    bool large = config.mode == THRUM_SMTP_MODE_CHUNKED;
    thrum_smtp_session *session = thrum_smtp_session_new(context, &config, 0);
    thrum_buffer out;

    count.ended = 0;
    count.left = false;
    dialogue_begin(&count.dialogue);
    thrum_buffer_init(&out, context, 1 << 20);
    if (session != NULL) {
        int taken = session_feed_messages(context, session, &count, large);

        session_drain(session, &out, 0, &count);
        session_talk(session, &out, input, &plan, &count);
        thrum_smtp_session_lost(session, NULL);
        thrum_smtp_session_free(session);
        fuzz_assert(count.ended == taken);
    }
    thrum_buffer_fini(&out);
    fuzz_context_end(context);
    return 0;
}
