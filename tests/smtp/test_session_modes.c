/* SPDX-License-Identifier: MIT */
/*
 * Dialogues in each mode: how far what is sent runs ahead of the replies, and
 * what becomes of messages that were on their way when another one failed.
 */
#include "tests/smtp/script.h"
#include "tests/support/support.h"

#define GREETING "220 mx ESMTP|"
#define PIPELINING "250-mx|250 PIPELINING|"
#define CHUNKING "250-mx|250-PIPELINING|250 CHUNKING|"
#define TAKEN "250 2.1.0 ok|250 2.1.5 ok|354 go on|"
#define OK2 "250 2.1.0 ok|250 2.1.5 ok|"
#define OK3 OK2 "250 2.0.0 as "

#define GREET(n)                                                               \
    {                                                                          \
        .add = (n), .server = GREETING, .client = "EHLO"                       \
    }

#define MESSAGE(n) "MAIL" #n " RCPT" #n " BDAT" #n " "
/* Behind a message that is not answered yet. */
#define NEXT(n) "RSET " MESSAGE(n)
#define RESET "250 2.0.0 reset|"

static const script pipelined[] = {
    {.name = "an envelope is one write, and the next waits for the reply",
     .mode = THRUM_SMTP_MODE_PIPELINED,
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.server = TAKEN, .client = "BODY1 ."},
               {.server = "250 A|", .client = "MAIL2 RCPT2 DATA"},
               {.server = TAKEN, .client = "BODY2 ."},
               {.server = "250 B|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 A; 2 accepted 250 B; "},
    {.name = "P2: what failed without a body is dropped with the next envelope",
     .mode = THRUM_SMTP_MODE_PIPELINED,
     .steps = {GREET(2),
               {.server = CHUNKING, .client = "MAIL1 RCPT1 DATA"},
               {.server = "250 ok|550 no|503 no|",
                .client = "RSET MAIL2 RCPT2 DATA"},
               {.server = "250 ok|" TAKEN, .client = "BODY2 ."},
               {.server = "250 B|", .client = ""}},
     .results = "1 REFUSED RCPT 550 no; 2 accepted 250 B; "},
    {.name = "no further than what is asked for, whatever is offered",
     .mode = THRUM_SMTP_MODE_ACROSS,
     .steps = {GREET(3),
               {.server = CHUNKING, .client = "MAIL1 RCPT1 DATA"},
               {.server = TAKEN, .client = "BODY1 . MAIL2 RCPT2 DATA"},
               {.server = "250 A|" TAKEN, .client = "BODY2 . MAIL3 RCPT3 DATA"},
               {.server = "250 B|" TAKEN, .client = "BODY3 ."},
               {.server = "250 C|", .client = ""}},
     .results = "1 accepted 250 A; 2 accepted 250 B; 3 accepted 250 C; "},
    {.name = "P1: each reply of a group is that of its own command",
     .recipients = "33",
     .steps = {GREET(2),
               {.server = PIPELINING,
                .client = "MAIL1 RCPT1 RCPT1b RCPT1c DATA"},
               {.server = "250 ok|550 a|250 b|451 c|354 go on|",
                .client = "BODY1 . MAIL2 RCPT2 RCPT2b RCPT2c DATA"},
               {.server = "250 A|250 ok|250 a|553 b|250 c|354 go on|",
                .client = "BODY2 ."},
               {.server = "250 B|", .client = ""}},
     .results = "1 accepted 250 A, a REFUSED RCPT 550 a, c LATER RCPT 451 c; "
                "2 accepted 250 B, b REFUSED RCPT 553 b; "},
    {.name = "P6: nothing goes beyond EHLO, DATA and QUIT before their replies",
     .steps = {GREET(2),
               {.server = "250-mx|", .client = ""},
               {.server = "250 PIPELINING|", .client = "MAIL1 RCPT1 DATA"},
               {.server = OK2, .client = ""},
               {.quit = true,
                .server = "354 go on|",
                .client = "BODY1 . MAIL2 RCPT2 DATA"},
               {.server = "250 A|" OK2, .client = ""},
               {.server = "354 go on|", .client = "BODY2 ."},
               {.server = "", .client = ""},
               {.server = "250 B|", .client = "QUIT"},
               {.server = "", .client = ""}},
     .results = "1 accepted 250 A; 2 accepted 250 B; "},
    {.name = "P6: nor beyond QUIT with BDAT",
     .steps = {GREET(1),
               {.server = "250-mx|250-PIPELINING|", .client = ""},
               {.quit = true, .server = "250 CHUNKING|", .client = MESSAGE(1)},
               {.server = OK2, .client = ""},
               {.server = "250 A|", .client = "QUIT"}},
     .results = "1 accepted 250 A; "},
    {.name = "CHUNKING without PIPELINING is lockstep",
     .steps = {GREET(1),
               {.server = "250-mx|250 CHUNKING|", .client = "MAIL1"},
               {.server = "250 ok|", .client = "RCPT1"},
               {.server = "250 ok|", .client = "DATA"},
               {.server = "354 go on|", .client = "BODY1 ."},
               {.server = "250 A|", .client = ""}},
     .results = "1 accepted 250 A; "},
};

static const script chunked[] = {
    {.name = "whole messages, a window of them",
     .window = 2,
     .steps = {GREET(4),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2)},
               {.server = OK3 "A|", .client = NEXT(3)},
               {.server = RESET OK3 "B|", .client = NEXT(4)},
               {.server = RESET OK3 "C|" RESET OK3 "D|", .client = ""},
               {.quit = true, .server = "", .client = "QUIT"},
               {.server = "221 bye|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .results = "1 accepted 250 as A; 2 accepted 250 as B; "
                "3 accepted 250 as C; 4 accepted 250 as D; "},
    {.name = "a long message goes in several chunks, without waiting",
     .large = 1,
     .steps = {GREET(2),
               {.server = CHUNKING,
                .client = "MAIL1 RCPT1 CHUNK1.0 CHUNK1.1 CHUNK1.2 " NEXT(2)},
               {.server = OK2 "250 1|250 2|250 2.0.0 as A|" RESET OK3 "B|",
                .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 as A; 2 accepted 250 as B; "},
    {.name = "P3: some recipients refused: the rest get it",
     .recipients = "31",
     .steps = {GREET(2),
               {.server = CHUNKING,
                .client = "MAIL1 RCPT1 RCPT1b RCPT1c BDAT1 " NEXT(2)},
               {.server =
                    "250 ok|550 5.1.1 no|250 ok|450 later|250 A|" RESET OK3
                    "B|",
                .client = ""}},
     .results = "1 accepted 250 A, a REFUSED RCPT 550 5.1.1 no, "
                "c LATER RCPT 450 later; 2 accepted 250 as B; "},
    {.name = "P2: all recipients refused: their reply is the reason",
     .steps = {GREET(2),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2)},
               {.server =
                    "250 ok|550 5.1.1 no|554 5.5.1 no valid|" RESET OK3 "B|",
                .client = ""},
               {.add = 1, .server = "", .client = MESSAGE(3)},
               {.server = "250 ok|550 5.1.1 no|554 5.5.1 no valid|",
                .client = ""},
               {.add = 1, .server = "", .client = "RSET " MESSAGE(4)}},
     .end = SCRIPT_EXPIRES,
     .failure = 0,
     .results = "1 REFUSED RCPT 550 5.1.1 no; 2 accepted 250 as B; "
                "3 REFUSED RCPT 550 5.1.1 no; 4 DOUBT; "},
    {.name = "P2: nobody taken, and the message taken: for nobody",
     .steps = {GREET(1),
               {.server = CHUNKING, .client = MESSAGE(1)},
               {.server = "250 ok|450 later|250 thanks|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 LATER RCPT 450 later; "},
    {.name = "P4: MAIL refused: its reply is the reason for all",
     .steps = {GREET(2),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2)},
               {.server = "550 5.7.1 not you|503 no|503 no|" RESET OK3 "B|",
                .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 REFUSED MAIL 550 5.7.1 not you; 2 accepted 250 as B; "},
    {.name = "P4: MAIL refused, and the message taken: nobody knows",
     .steps = {GREET(2),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2)},
               {.server = "550 5.7.1 not you|250 ok|250 A|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_PROTOCOL,
     .results = "1 DOUBT; 2 DOUBT; "},
    {.name = "a message refused ends its own transaction alone",
     .steps = {GREET(3),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2) NEXT(3)},
               {.server = OK2 "554 5.6.0 spam|" RESET OK3 "B|" RESET OK3 "C|",
                .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 REFUSED the message 554 5.6.0 spam; "
                "2 accepted 250 as B; 3 accepted 250 as C; "},
    {.name = "P8: a transaction that the server holds harms no other one",
     .steps = {GREET(3),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2) NEXT(3)},
               {.server = "250 ok|550 no|503 no|" RESET
                          "250 ok|550 no|503 no|" RESET OK3 "C|",
                .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 REFUSED RCPT 550 no; 2 REFUSED RCPT 550 no; "
                "3 accepted 250 as C; "},
    {.name = "P8: RSET refused in the window: nobody knows what is behind it",
     .steps = {GREET(2),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2)},
               {.server = "250 ok|550 no|503 no|554 enough|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_PROTOCOL,
     .results = "1 REFUSED RCPT 550 no; 2 DOUBT; "},
    {.name = "P8: RSET in the window, and the server leaves: it is not sent",
     .steps = {GREET(2),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2)},
               {.server = "250 ok|550 no|503 no|421 bye|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_SERVICE,
     .results = "1 REFUSED RCPT 550 no; 2 UNSENT; "},
    {.name = "503 to MAIL where nothing failed before is a refusal",
     .steps = {GREET(1),
               {.server = CHUNKING, .client = MESSAGE(1)},
               {.server = "503 5.5.1 no|503 no|503 no|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 OURS MAIL 503 5.5.1 no; "},
    {.name = "a chunk refused: the message fails by it",
     .large = 1,
     .steps = {GREET(2),
               {.server = CHUNKING,
                .client = "MAIL1 RCPT1 CHUNK1.0 CHUNK1.1 CHUNK1.2 " NEXT(2)},
               {.server = OK2 "552 5.3.4 too big|503 no|503 no|" RESET OK3 "B|",
                .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 REFUSED the message 552 5.3.4 too big; "
                "2 accepted 250 as B; "},
    {.name = "a chunk refused and the last one taken: nobody knows",
     .large = 1,
     .steps = {GREET(1),
               {.server = CHUNKING,
                .client = "MAIL1 RCPT1 CHUNK1.0 CHUNK1.1 CHUNK1.2"},
               {.server = OK2 "552 too big|250 ok|250 A|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_PROTOCOL,
     .results = "1 DOUBT; "},
    {.name = "R9: 3yz to a chunk: nobody knows",
     .steps = {GREET(2),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2)},
               {.server = OK2 "354 go on|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_PROTOCOL,
     .results = "1 DOUBT; 2 DOUBT; "},
    {.name = "R8: a reply too many",
     .steps = {GREET(1),
               {.server = CHUNKING, .client = MESSAGE(1)},
               {.server = OK3 "A|250 what|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_PROTOCOL,
     .results = "1 accepted 250 as A; "},
    {.name = "R11: 421 leaves what is behind it unsent, not in doubt",
     .steps = {GREET(4),
               {.server = CHUNKING,
                .client = MESSAGE(1) NEXT(2) NEXT(3) NEXT(4)},
               {.server = OK3 "A|" RESET OK2 "421 4.3.2 enough|",
                .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_SERVICE,
     .results = "1 accepted 250 as A; "
                "2 LATER the message 421 4.3.2 enough; 3 UNSENT; 4 UNSENT; "},
    {.name = "R11: 421 to RSET",
     .steps = {GREET(3),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2) NEXT(3)},
               {.server = "550 no|503 no|503 no|", .client = ""},
               {.add = 1, .server = "", .client = "RSET " MESSAGE(4)},
               {.server = RESET OK3 "B|" RESET OK3 "C|421 bye|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_SERVICE,
     .results = "1 REFUSED MAIL 550 no; 2 accepted 250 as B; "
                "3 accepted 250 as C; 4 UNSENT; "},
    {.name = "R12: lost with a window in flight: all of it is in doubt",
     .window = 3,
     .steps = {GREET(4),
               {.server = CHUNKING, .client = MESSAGE(1) NEXT(2) NEXT(3)},
               {.server = "250 ok|", .client = ""}},
     .end = SCRIPT_LOST,
     .results = "1 DOUBT; 2 DOUBT; 3 DOUBT; 4 UNSENT; "},
    {.name = "R3: no answer: the window is in doubt",
     .window = 2,
     .steps = {GREET(3), {.server = CHUNKING, .client = MESSAGE(1) NEXT(2)}},
     .end = SCRIPT_EXPIRES,
     .results = "1 DOUBT; 2 DOUBT; 3 UNSENT; "},
};

/* P5: what one transaction does not take goes in the next. */
static const script too_many[] = {
    {.name = "P5: 452 to RCPT: the rest goes in the next transaction",
     .recipients = "31",
     .steps = {GREET(2),
               {.server = PIPELINING,
                .client = "MAIL1 RCPT1 RCPT1b RCPT1c DATA"},
               {.server = "250 ok|250 ok|452 4.5.3 many|452 many|354 go|",
                .client = "BODY1 . MAIL2 RCPT2 DATA"},
               {.server = "250 A|" TAKEN,
                .client = "BODY2 . MAIL1 RCPT1b DATA"},
               {.server = "250 B|250 ok|250 ok|354 go|", .client = "BODY1 ."},
               {.server = "250 C|", .client = "MAIL1 RCPT1c DATA"},
               {.server = TAKEN, .client = "BODY1 ."},
               {.server = "250 D|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "2 accepted 250 B; 1 accepted 250 D; "},
    {.name = "P5: as many as it took before, with BDAT",
     .recipients = "4",
     .steps = {GREET(1),
               {.server = CHUNKING,
                .client = "MAIL1 RCPT1 RCPT1b RCPT1c RCPT1d BDAT1"},
               {.server = "250 ok|250 a|250 b|452 4.5.3 c|552 5.5.3 d|250 A|",
                .client = "MAIL1 RCPT1c RCPT1d BDAT1"},
               {.server = "250 ok|250 c|550 5.1.1 no|250 B|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 B, d REFUSED RCPT 550 5.1.1 no; "},
    {.name = "P5: nobody taken: it is a refusal that may pass",
     .recipients = "2",
     .steps = {GREET(1),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 RCPT1b DATA"},
               {.server = "250 ok|452 4.5.3 many|452 many|503 no|",
                .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 LATER RCPT 452 4.5.3 many; "},
    {.name = "P5: a next transaction that takes nobody is the last",
     .recipients = "2",
     .steps = {GREET(1),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 RCPT1b DATA"},
               {.server = "250 ok|250 ok|452 4.5.3 many|354 go|",
                .client = "BODY1 ."},
               {.server = "250 A|", .client = "MAIL1 RCPT1b DATA"},
               {.server = "250 ok|452 4.5.3 still|503 no|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 A, b LATER RCPT 452 4.5.3 still; "},
    {.name = "P5: a full mailbox is no reason for another transaction",
     .recipients = "2",
     .steps = {GREET(1),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 RCPT1b DATA"},
               {.server = "250 ok|250 ok|452 4.2.2 full|354 go|",
                .client = "BODY1 ."},
               {.server = "250 A|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 A, b LATER RCPT 452 4.2.2 full; "},
    {.name = "P5: the message refused in its next transaction",
     .recipients = "2",
     .steps = {GREET(1),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 RCPT1b DATA"},
               {.server = "250 ok|250 ok|452 4.5.3 many|354 go|",
                .client = "BODY1 ."},
               {.server = "250 A|", .client = "MAIL1 RCPT1b DATA"},
               {.server = TAKEN, .client = "BODY1 ."},
               {.server = "451 4.3.0 later|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 A, b LATER the message 451 4.3.0 later; "},
    {.name = "P5: lost behind the dot of the next transaction",
     .recipients = "3",
     .steps = {GREET(1),
               {.server = PIPELINING,
                .client = "MAIL1 RCPT1 RCPT1b RCPT1c DATA"},
               {.server = "250 ok|250 ok|452 many|452 many|354 go|",
                .client = "BODY1 ."},
               {.server = "250 A|", .client = "MAIL1 RCPT1b DATA"},
               {.server = TAKEN, .client = "BODY1 ."}},
     .end = SCRIPT_LOST,
     .results = "1 accepted 250 A, b DOUBT, c LATER RCPT 452 many; "},
};

START_TEST(a_dialogue_that_pipelines)
{
    script_run_every_way(&pipelined[_i]);
}
END_TEST

START_TEST(a_dialogue_in_chunks)
{
    script_run_every_way(&chunked[_i]);
}
END_TEST

START_TEST(a_dialogue_with_too_many_recipients)
{
    script_run_every_way(&too_many[_i]);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("modes");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, a_dialogue_that_pipelines, 0, COUNT(pipelined));
    tcase_add_loop_test(all, a_dialogue_in_chunks, 0, COUNT(chunked));
    tcase_add_loop_test(all, a_dialogue_with_too_many_recipients, 0,
                        COUNT(too_many));
    return support_main("session modes", &all, 1);
}
