/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/sink/dialogue.h"

typedef struct rule_case {
    sink_rule_kind kind;
    const char *text;
    bool good;
    sink_event event;
    uint64_t number, every;
} rule_case;

#define REPLY SINK_RULE_REPLY
#define DROP SINK_RULE_DROP
#define DELAY SINK_RULE_DELAY

static const rule_case rules[] = {
    {REPLY, "CONNECT:421", true, SINK_AT_CONNECT, 421, 1},
    {REPLY, "EHLO:500", true, SINK_AT_EHLO, 500, 1},
    {REPLY, "HELO:550", true, SINK_AT_HELO, 550, 1},
    {REPLY, "STARTTLS:454", true, SINK_AT_STARTTLS, 454, 1},
    {REPLY, "AUTH:454", true, SINK_AT_AUTH, 454, 1},
    {REPLY, "MAIL:451:1/3", true, SINK_AT_MAIL, 451, 3},
    {REPLY, "RCPT:550:1/1000000000", true, SINK_AT_RCPT, 550, 1000000000},
    {REPLY, "DATA:400", true, SINK_AT_DATA, 400, 1},
    {REPLY, "BDAT:599", true, SINK_AT_BDAT, 599, 1},
    {REPLY, ".:452", true, SINK_AT_DOT, 452, 1},
    {REPLY, "RSET:500", true, SINK_AT_RSET, 500, 1},
    {REPLY, "NOOP:500", true, SINK_AT_NOOP, 500, 1},
    {REPLY, "QUIT:500", true, SINK_AT_QUIT, 500, 1},
    {DROP, ".", true, SINK_AT_DOT, 0, 1},
    {DROP, "BDAT:1/2", true, SINK_AT_BDAT, 0, 2},
    {DELAY, "MAIL:20", true, SINK_AT_MAIL, 20, 1},
    {DELAY, ".:86400000", true, SINK_AT_DOT, 86400000, 1},
    {.kind = REPLY, .text = "MAIL"},
    {.kind = REPLY, .text = "MAIL:"},
    {.kind = REPLY, .text = "MAIL:399"},
    {.kind = REPLY, .text = "MAIL:600"},
    {.kind = REPLY, .text = "MAIL:45x"},
    {.kind = REPLY, .text = "MAIL:451:"},
    {.kind = REPLY, .text = "MAIL:451:2/3"},
    {.kind = REPLY, .text = "MAIL:451:1/"},
    {.kind = REPLY, .text = "MAIL:451:1/0"},
    {.kind = REPLY, .text = "MAIL:451:1/2x"},
    {.kind = REPLY, .text = "MAIL:451:1/10000000000"},
    {.kind = REPLY, .text = "MAIL :451"},
    {.kind = REPLY, .text = "mail:451"},
    {.kind = REPLY, .text = "VRFY:451"},
    {.kind = REPLY, .text = ":451"},
    {.kind = REPLY, .text = ""},
    {.kind = DROP, .text = "MAIL:451"},
    {.kind = DROP, .text = "MAIL:"},
    {.kind = DELAY, .text = "MAIL"},
    {.kind = DELAY, .text = "MAIL:0"},
    {.kind = DELAY, .text = "MAIL:-1"},
    {.kind = DELAY, .text = "MAIL:86400001"},
    {.kind = DELAY, .text = "MAIL:20:1/2"},
};

START_TEST(a_rule_is_read_or_refused)
{
    const rule_case *one = &rules[_i];
    sink_faults faults = {.count = 0};

    ck_assert_msg(sink_faults_add(&faults, one->kind, one->text) == one->good,
                  "%s", one->text);
    ck_assert_uint_eq(faults.count, one->good);
    if (!one->good)
        return;
    ck_assert_int_eq(faults.rules[0].event, one->event);
    ck_assert_uint_eq(faults.rules[0].number, one->number);
    ck_assert_uint_eq(faults.rules[0].every, one->every);
}
END_TEST

START_TEST(a_rule_holds_for_every_nth)
{
    sink_faults faults = {.count = 0};

    ck_assert(sink_faults_add(&faults, REPLY, "MAIL:451:1/3"));
    for (int i = 1; i <= 9; i++) {
        sink_faults_next(&faults, SINK_AT_RCPT);
        ck_assert_uint_eq(sink_faults_next(&faults, SINK_AT_MAIL).code,
                          i % 3 == 0 ? 451 : 0);
    }
}
END_TEST

START_TEST(several_rules_hold_together)
{
    sink_faults faults = {.count = 0};
    sink_fault fault;

    ck_assert(sink_faults_add(&faults, REPLY, ".:451:1/2"));
    ck_assert(sink_faults_add(&faults, REPLY, ".:552:1/3"));
    ck_assert(sink_faults_add(&faults, DELAY, ".:20"));
    ck_assert(sink_faults_add(&faults, DELAY, ".:5"));
    ck_assert(sink_faults_add(&faults, DROP, ".:1/4"));
    for (unsigned i = 1; i <= 12; i++) {
        fault = sink_faults_next(&faults, SINK_AT_DOT);
        ck_assert_uint_eq(fault.code, i % 2 == 0 ? 451 : i % 3 == 0 ? 552 : 0);
        ck_assert_uint_eq(fault.delay, 25);
        ck_assert_int_eq(fault.drop, i % 4 == 0);
    }
}
END_TEST

START_TEST(without_rules_nothing_happens)
{
    sink_fault fault = sink_faults_next(NULL, SINK_AT_MAIL);

    ck_assert_uint_eq(fault.code, 0);
    ck_assert_uint_eq(fault.delay, 0);
    ck_assert(!fault.drop);
}
END_TEST

START_TEST(there_is_an_end_to_rules)
{
    sink_faults faults = {.count = 0};

    for (int i = 0; i < SINK_RULES_MOST; i++)
        ck_assert(sink_faults_add(&faults, DROP, "MAIL"));
    ck_assert(!sink_faults_add(&faults, DROP, "MAIL"));
}
END_TEST

/* ---- In a session ---- */

#define OK "250 2.0.0 Ok\r\n"
#define PEOPLE "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"
#define WELCOME "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
#define INJECTED(code, digit) #code " " #digit ".0.0 Injected\r\n"
#define CHUNKING                                                               \
    "250-localhost\r\n250-PIPELINING\r\n250-CHUNKING\r\n" LAST_OFFERS

static const dialogue dialogues[] = {
    {.name = "every second MAIL is refused, and what follows it",
     .says = "EHLO c\r\n" ENVELOPE "1\r\n.\r\n" ENVELOPE ENVELOPE "2\r\n.\r\n",
     .replies = HELLO TAKEN OK INJECTED(
         451,
         4) "503 5.5.1 MAIL comes first\r\n503 5.5.1 MAIL comes first\r\n" TAKEN
         OK,
     .told = "a@x b@y [1\r\n]a@x b@y [2\r\n]",
     .totals = {1, 2, 2, 6, 10},
     .rules = {{REPLY, "MAIL:451:1/2"}}},
    {.name = "a recipient that is refused, and DATA",
     .says = "EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"
             "RCPT TO:<c@z>\r\nDATA\r\nDATA\r\n.\r\n",
     .replies = HELLO "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" INJECTED(550, 5)
         INJECTED(421, 4),
     .totals = {1, 0, 0, 0, 5},
     .ends = true,
     .rules = {{REPLY, "RCPT:550:1/2"}, {REPLY, "DATA:421"}}},
    {.name = "a text that is refused, and the next one that is not",
     .says = "EHLO c\r\n" ENVELOPE "1\r\n.\r\n" ENVELOPE "2\r\n.\r\n" ENVELOPE
             "3\r\n.\r\n",
     .replies = HELLO TAKEN OK TAKEN INJECTED(552, 5) TAKEN OK,
     .told = "a@x b@y [1\r\n]a@x b@y [2\r\na@x b@y [3\r\n]",
     .totals = {1, 2, 2, 6, 10},
     .rules = {{REPLY, ".:552:1/2"}}},
    {.name = "421 at the end of a text",
     .says = "EHLO c\r\n" ENVELOPE "1\r\n.\r\n" ENVELOPE,
     .replies = HELLO TAKEN INJECTED(421, 4),
     .told = "a@x b@y [1\r\n",
     .totals = {1, 0, 0, 0, 4},
     .ends = true,
     .rules = {{REPLY, ".:421"}}},
    {.name = "the octets of a BDAT come before its refusal",
     .says = "EHLO c\r\n" PEOPLE "BDAT 1 LAST\r\na" PEOPLE
             "BDAT 6 LAST\r\nNOOP\r\n" PEOPLE
             "BDAT 1\r\nbBDAT 1\r\ncBDAT 1 LAST\r\nd",
     .replies = CHUNKING WELCOME OK WELCOME INJECTED(452, 4)
         WELCOME OK INJECTED(452,
                             4) "503 5.5.1 An earlier BDAT was refused\r\n",
     .told = "a@x b@y [a]a@x b@y [NOOP\r\na@x b@y [bc",
     .totals = {1, 1, 1, 1, 12},
     .offers = {.chunking = true},
     .rules = {{REPLY, "BDAT:452:1/2"}}},
    {.name = "the end of a text by BDAT",
     .says = "EHLO c\r\n" PEOPLE "BDAT 1 LAST\r\na" PEOPLE
             "BDAT 1\r\nbBDAT 0 LAST\r\n" PEOPLE "BDAT 1 LAST\r\nc",
     .replies = CHUNKING WELCOME OK WELCOME OK INJECTED(554, 5) WELCOME OK,
     .told = "a@x b@y [a]a@x b@y [ba@x b@y [c]",
     .totals = {1, 2, 2, 2, 11},
     .offers = {.chunking = true},
     .rules = {{REPLY, ".:554:1/2"}}},
    {.name = "EHLO is refused, HELO is not",
     .says = "EHLO c\r\nHELO c\r\nRSET\r\nNOOP\r\nQUIT\r\n",
     .replies = INJECTED(502, 5) "250 localhost\r\n" OK INJECTED(
         450, 4) "221 2.0.0 Bye\r\n",
     .totals = {1, 0, 0, 0, 5},
     .ends = true,
     .rules = {{REPLY, "EHLO:502"}, {REPLY, "NOOP:450"}}},
    {.name = "STARTTLS and AUTH are refused, whoever offers them",
     .says = "EHLO c\r\nSTARTTLS\r\nAUTH PLAIN AGEAYg==\r\nNOOP\r\n",
     .replies =
         "250-localhost\r\n250-PIPELINING\r\n250-STARTTLS\r\n" LAST_OFFERS
             INJECTED(454, 4) INJECTED(535, 5) OK,
     .totals = {1, 0, 0, 0, 4},
     .offers = {.tls = true},
     .rules = {{REPLY, "STARTTLS:454"}, {REPLY, "AUTH:535"}}},
    {.name = "a connection that is dropped at RCPT: what was answered stays",
     .says = "EHLO c\r\n" ENVELOPE,
     .replies = HELLO "250 2.1.0 Ok\r\n",
     .totals = {1, 0, 0, 0, 3},
     .ends = true,
     .rules = {{DROP, "RCPT"}}},
    {.name = "dropped at the end of a text: it was taken",
     .says = "EHLO c\r\n" ENVELOPE "1\r\n.\r\n" ENVELOPE "2\r\n.\r\nNOOP\r\n",
     .replies = HELLO TAKEN OK TAKEN,
     .told = "a@x b@y [1\r\n]a@x b@y [2\r\n]",
     .totals = {1, 2, 2, 6, 7},
     .ends = true,
     .rules = {{DROP, ".:1/2"}, {REPLY, ".:451:1/2"}}},
    {.name = "dropped at a BDAT: it was not",
     .says = "EHLO c\r\n" PEOPLE "BDAT 1 LAST\r\nxNOOP\r\n",
     .replies = CHUNKING WELCOME,
     .told = "a@x b@y [x",
     .totals = {1, 0, 0, 0, 4},
     .ends = true,
     .offers = {.chunking = true},
     .rules = {{DROP, "BDAT"}}},
    {.name = "answers that wait, in their order",
     .says = "EHLO c\r\n" ENVELOPE "1\r\n.\r\nRSET\r\nQUIT\r\n",
     .replies = HELLO "250 2.1.0 Ok\r\n(20)250 2.1.5 Ok\r\n" GO "(5)" OK OK
                      "(7)221 2.0.0 Bye\r\n",
     .told = "a@x b@y [1\r\n]",
     .totals = {1, 1, 1, 3, 6},
     .ends = true,
     .rules = {{DELAY, "RCPT:20"}, {DELAY, ".:5"}, {DELAY, "QUIT:7"}}},
    {.name = "a late refusal, and a late drop",
     .says = "EHLO c\r\nMAIL FROM:<a@x>\r\nNOOP\r\nMAIL FROM:<a@x>\r\n",
     .replies = HELLO "(3)" INJECTED(450, 4) OK "(3)",
     .totals = {1, 0, 0, 0, 4},
     .ends = true,
     .rules = {{DELAY, "MAIL:3"}, {REPLY, "MAIL:450"}, {DROP, "MAIL:1/2"}}},
};

START_TEST(a_dialogue_goes_wrong_the_same_way_however_its_bytes_arrive)
{
    dialogue_run(&dialogues[_i]);
}
END_TEST

typedef struct greeting_case {
    sink_rule_kind kind;
    const char *rule;
    const char *replies; /* to NOOP and QUIT, with the greeting */
} greeting_case;

static const greeting_case greetings[] = {
    {REPLY, "CONNECT:554",
     INJECTED(554, 5) "503 5.5.1 There is no service here\r\n"
                      "221 2.0.0 Bye\r\n"},
    {REPLY, "CONNECT:421", INJECTED(421, 4)},
    {DROP, "CONNECT", ""},
    {DELAY, "CONNECT:30", "(30)" GREETING OK "221 2.0.0 Bye\r\n"},
};

START_TEST(r13_a_greeting_can_be_refused_dropped_or_late)
{
    const greeting_case *one = &greetings[_i];
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    sink_session_fini(&self.session);
    thrum_buffer_clear(&self.replies);
    ck_assert(sink_faults_add(&self.faults, one->kind, one->rule));
    self.config.faults = &self.faults;
    ck_assert_int_eq(
        sink_session_init(&self.session, context, &self.config, &self), 0);
    peer_tell(&self, "NOOP\r\nQUIT\r\n");
    assert_text(&self.replies, one->replies, one->rule);
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* Whatever fails, nothing is answered before its time. */
static void scenario_late(void)
{
    thrum_context *context = support_context();
    peer self;

    if (context == NULL)
        return;
    peer_init(&self, context);
    ck_assert(sink_faults_add(&self.faults, DELAY, "NOOP:9"));
    self.config.faults = &self.faults;
    thrum_buffer_clear(&self.replies);
    sink_session_receive(&self.session, "NOOP\r\n", 6);
    if (self.session.replies.size > 0 && !support_failed()) {
        uint64_t wait = 0;

        ck_assert_uint_eq(sink_session_due(&self.session, &wait), 0);
        ck_assert_uint_eq(wait, 9);
    }
    if (self.session.holds.size == 0 && self.session.replies.size > 0)
        ck_assert_int_eq(self.session.stage, SINK_STAGE_FRESH);
    peer_fini(&self);
    support_context_end(context);
}

START_TEST(a_late_answer_bears_the_failure_of_every_allocation)
{
    support_every_allocation(scenario_late);
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("faults");

    tcase_set_timeout(one, 0);
    tcase_add_loop_test(
        one, a_dialogue_goes_wrong_the_same_way_however_its_bytes_arrive, 0,
        sizeof dialogues / sizeof *dialogues);
    tcase_add_loop_test(one, r13_a_greeting_can_be_refused_dropped_or_late, 0,
                        sizeof greetings / sizeof *greetings);
    tcase_add_test(one, a_late_answer_bears_the_failure_of_every_allocation);

    tcase_add_loop_test(one, a_rule_is_read_or_refused, 0,
                        sizeof rules / sizeof *rules);
    tcase_add_test(one, a_rule_holds_for_every_nth);
    tcase_add_test(one, several_rules_hold_together);
    tcase_add_test(one, without_rules_nothing_happens);
    tcase_add_test(one, there_is_an_end_to_rules);
    return support_main("sink fault", &one, 1);
}
