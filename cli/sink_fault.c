/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/sink_fault.h"

static const char *const fault_names[] = {
    [SINK_AT_CONNECT] = "CONNECT", [SINK_AT_EHLO] = "EHLO",
    [SINK_AT_HELO] = "HELO",       [SINK_AT_STARTTLS] = "STARTTLS",
    [SINK_AT_AUTH] = "AUTH",       [SINK_AT_MAIL] = "MAIL",
    [SINK_AT_RCPT] = "RCPT",       [SINK_AT_DATA] = "DATA",
    [SINK_AT_BDAT] = "BDAT",       [SINK_AT_DOT] = ".",
    [SINK_AT_RSET] = "RSET",       [SINK_AT_NOOP] = "NOOP",
    [SINK_AT_QUIT] = "QUIT",
};

/* Takes digits off the front of `*text`. */
static bool fault_number(const char **text, uint64_t least, uint64_t most,
                         uint64_t *number)
{
    const char *at = *text;

    *number = 0;
    for (; *at >= '0' && *at <= '9' && at - *text < 10; at++)
        *number = *number * 10 + (uint64_t)(*at - '0');
    if (at == *text || *number < least || *number > most)
        return false;
    *text = at;
    return true;
}

/* Takes a command's name off the front of `*text`. */
static bool fault_event(const char **text, sink_event *event)
{
    size_t size = strcspn(*text, ":");

    for (int i = 0; i < SINK_AT_NOTHING; i++)
        if (strlen(fault_names[i]) == size &&
            memcmp(fault_names[i], *text, size) == 0) {
            *event = (sink_event)i;
            *text += size;
            return true;
        }
    return false;
}

static bool fault_read(sink_rule *rule, const char *text)
{
    bool reply = rule->kind == SINK_RULE_REPLY;

    rule->every = 1;
    if (!fault_event(&text, &rule->event))
        return false;
    if (rule->kind != SINK_RULE_DROP &&
        (*text++ != ':' ||
         !fault_number(&text, reply ? 400 : 1, reply ? 599 : SINK_DELAY_MOST,
                       &rule->number)))
        return false;
    if (*text == '\0')
        return true;
    if (rule->kind == SINK_RULE_DELAY || strncmp(text, ":1/", 3) != 0)
        return false;
    text += 3;
    return fault_number(&text, 1, 1000000000, &rule->every) && *text == '\0';
}

bool sink_faults_add(sink_faults *faults, sink_rule_kind kind, const char *text)
{
    sink_rule rule = {.kind = kind};

    if (faults->count == SINK_RULES_MOST || !fault_read(&rule, text))
        return false;
    faults->rules[faults->count++] = rule;
    return true;
}

sink_fault sink_faults_next(sink_faults *faults, sink_event event)
{
    sink_fault fault = {0};

    for (size_t i = 0; faults != NULL && i < faults->count; i++) {
        sink_rule *rule = &faults->rules[i];

        if (rule->event != event || ++rule->seen % rule->every != 0)
            continue;
        if (rule->kind == SINK_RULE_DELAY)
            fault.delay += rule->number;
        else if (rule->kind == SINK_RULE_DROP)
            fault.drop = true;
        else if (fault.code == 0)
            fault.code = (unsigned)rule->number;
    }
    return fault;
}
