/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/dialogue.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static void dialogue_add(dialogue *self, bool ends)
{
    fuzz_assert(self->sent < DIALOGUE_COMMANDS);
    self->commands[self->sent++] =
        (dialogue_command){.letter = self->letter, .ends = ends};
}

void dialogue_begin(dialogue *self)
{
    self->sent = self->answered = 0;
    self->size = self->skip = self->column = 0;
    self->data = self->body = false;
    self->letter = -1;
    dialogue_add(self, false);
}

/* ---- The client's side ---- */

static bool line_begins(const dialogue *self, const char *word)
{
    size_t size = strlen(word);

    return self->size >= size && memcmp(self->line, word, size) == 0;
}

/* The number that a word is followed by. */
static size_t line_number(const dialogue *self, const char *word)
{
    return (size_t)strtoull(self->line + strlen(word), NULL, 10);
}

/* A line of the client; `line` ends with a NUL in the place of its CRLF. */
static void line_take(dialogue *self)
{
    bool last = false;

    self->data = line_begins(self, "DATA");
    if (line_begins(self, "MAIL FROM:<e"))
        self->letter = (int)line_number(self, "MAIL FROM:<e");
    if (line_begins(self, "BDAT ")) {
        self->skip = line_number(self, "BDAT ");
        last = strstr(self->line, " LAST") != NULL;
    }
    dialogue_add(self, last);
}

/* A byte of a body: the line "." ends it. */
static void line_of_body(dialogue *self)
{
    if (line_begins(self, ".\r\n") && self->size == 3) {
        self->body = false;
        dialogue_add(self, true);
    }
}

void dialogue_client(dialogue *self, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (self->skip > 0) {
            self->skip--;
            continue;
        }
        if (self->size < sizeof self->line - 1)
            self->line[self->size++] = bytes[i];
        if (bytes[i] != '\n')
            continue;
        if (self->body) {
            line_of_body(self);
        } else {
            self->line[self->size - 2] = '\0';
            line_take(self);
        }
        self->size = 0;
    }
}

/* ---- The server's side ---- */

/* The last line of a reply. */
static void reply_take(dialogue *self, int code)
{
    if (self->answered == self->sent)
        return; /* nobody asked */
    self->commands[self->answered++].code = code;
    if (self->data && self->answered == self->sent)
        self->body = code == 354;
}

static void reply_line(dialogue *self)
{
    const char *at = self->reply;

    if (self->column >= 3 && (self->column < 4 || at[3] != '-'))
        reply_take(self,
                   100 * (at[0] - '0') + 10 * (at[1] - '0') + (at[2] - '0'));
}

void dialogue_server(dialogue *self, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            reply_line(self);
            self->column = 0;
        } else if (self->column < sizeof self->reply) {
            self->reply[self->column++] = bytes[i];
        }
    }
}

/* ---- What it came to ---- */

bool dialogue_accepted(const dialogue *self, int letter)
{
    for (size_t i = 0; i < self->answered; i++)
        if (self->commands[i].ends && self->commands[i].letter == letter &&
            self->commands[i].code / 100 == 2)
            return true;
    return false;
}

bool dialogue_ended(const dialogue *self, int letter)
{
    for (size_t i = 0; i < self->sent; i++)
        if (self->commands[i].ends && self->commands[i].letter == letter)
            return true;
    return false;
}
