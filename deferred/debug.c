/* SPDX-License-Identifier: MIT */
/*
 * The list of live Deferreds. While it is switched on, each is made with a
 * header before it, by which it stands in the list; one that was made otherwise
 * is never met here. The list hangs in the context, and so does the hook that
 * learns of settled failures: what costs nothing while nobody asks for it.
 */
#include "deferred/debug.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <thrum/debug.h>

enum { DEBUG_TEXT = 400, DEBUG_SHOWN = 3 };

typedef struct debug_header {
    struct debug_header *next, *prev; /* younger, older */
    thrum_ns born;
    const char *file; /* where it was made, or NULL */
    int line;
    unsigned number : 31; /* in the order of making */
    unsigned told : 1;    /* that it never got its result */
    thrum_deferred deferred;
} debug_header;

struct thrum__watch {
    thrum_clock *clock; /* the last one that was given */
    bool on;
    debug_header *oldest, *youngest;
    size_t live;
    unsigned made : 31;
    thrum_settled_fn *settled;
    void *ctx;
};

static debug_header *debug_header_of(const thrum_deferred *deferred)
{
    return (debug_header *)((char *)(uintptr_t)deferred -
                            offsetof(debug_header, deferred));
}

/* ---- The list ---- */

thrum_deferred *thrum__debug_allocate(thrum_context *context, const char *file,
                                      int line, bool *watched)
{
    thrum__watch *watch = context->watch;
    debug_header *header;

    *watched = watch->on;
    if (!watch->on)
        return thrum__make(context, sizeof header->deferred);
    header = thrum__make(context, sizeof *header);
    if (header == NULL)
        return NULL;
    header->born = thrum_clock_now(watch->clock);
    header->file = file;
    header->line = line;
    header->number = ++watch->made;
    header->told = 0;
    header->next = NULL;
    header->prev = watch->youngest;
    if (header->prev != NULL)
        header->prev->next = header;
    else
        watch->oldest = header;
    watch->youngest = header;
    watch->live++;
    return &header->deferred;
}

void thrum__debug_release(thrum_deferred *deferred)
{
    debug_header *header = debug_header_of(deferred);
    thrum_context *context = deferred->context;
    thrum__watch *watch = context->watch;

    if (header->prev != NULL)
        header->prev->next = header->next;
    else
        watch->oldest = header->next;
    if (header->next != NULL)
        header->next->prev = header->prev;
    else
        watch->youngest = header->prev;
    watch->live--;
    thrum__drop(context, header);
}

const char *thrum__debug_made(const thrum_deferred *deferred, int *line)
{
    const debug_header *header = debug_header_of(deferred);

    *line = header->line;
    return header->file;
}

/* ---- What is said of one ---- */

/* Text that is added to; too long: cut. */
typedef struct debug_text {
    size_t size;
    char bytes[DEBUG_TEXT];
} debug_text;

static void debug_say(debug_text *self, const char *format, ...)
    THRUM_PRINTF(2, 3);

static void debug_say(debug_text *self, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(self->bytes + self->size, DEBUG_TEXT - self->size, format,
                     arguments);
    va_end(arguments);
    if (size > 0)
        self->size += (size_t)size;
    if (self->size >= DEBUG_TEXT)
        self->size = DEBUG_TEXT - 1;
}

/* "smtp send #7": there are many of a name. */
static void debug_say_name(debug_text *text, const thrum_deferred *self)
{
    debug_say(text, "%s", self->operation);
    if (self->watched)
        debug_say(text, " #%u", debug_header_of(self)->number);
}

/* "waits for" the first of those that it waits for; or nothing. */
static void debug_say_waits(debug_text *text, const thrum_deferred *self)
{
    const thrum_deferred *above;
    const void *at = NULL;
    size_t count = 0;

    while ((above = thrum__deferred_above(self, &at)) != NULL) {
        if (++count > DEBUG_SHOWN)
            continue;
        debug_say(text, count == 1 ? ", waits for " : " + ");
        debug_say_name(text, above);
    }
    if (count > DEBUG_SHOWN)
        debug_say(text, " + %zu more", count - DEBUG_SHOWN);
}

/* " (made at net.c:30, consumer at main.c:12)", so far as it is known. */
static void debug_say_places(debug_text *text, const thrum_deferred *self)
{
    thrum_deferred_info info = thrum_deferred_inspect(self);
    const char *before = " (";

    if (info.made_file != NULL) {
        debug_say(text, " (made at %s:%d", info.made_file, info.made_line);
        before = ", ";
    }
    if (info.file != NULL)
        debug_say(text, "%sconsumer at %s:%d)", before, info.file, info.line);
    else if (info.pairs == 0)
        debug_say(text, "%sno consumer)", before);
    else if (info.made_file != NULL)
        debug_say(text, ")");
}

static void debug_tell_never_fired(thrum_context *context)
{
    debug_header *header = context->watch->oldest;

    for (; header != NULL; header = header->next) {
        const thrum_deferred *self = &header->deferred;
        debug_text text = {0};

        if (self->fired || header->told)
            continue;
        header->told = 1;
        debug_say_name(&text, self);
        debug_say(&text, ": never got its result");
        debug_say_waits(&text, self);
        debug_say_places(&text, self);
        thrum_context_log(context, THRUM_LOG_WARNING, "%s", text.bytes);
    }
}

/* A holder of the context let go of it. When none is left but Deferreds, and
 * what waits for them, who could still give them results is gone. */
static void debug_let_go(thrum_context *context)
{
    const thrum_allocator *allocator = context->allocator;
    thrum__watch *watch = context->watch;

    if (context->refs == 0) {
        context->watch = NULL;
        allocator->release(watch, allocator->state);
    } else if (context->refs == watch->live + context->kept) {
        debug_tell_never_fired(context);
    }
}

/* ---- Switching it on and off ---- */

/* It goes with the context, so it is none of the blocks that are counted. */
static thrum__watch *debug_watch(thrum_context *context)
{
    const thrum_allocator *allocator = context->allocator;
    thrum__watch *watch = context->watch;

    if (watch != NULL)
        return watch;
    watch = allocator->allocate(sizeof *watch, allocator->state);
    if (watch == NULL)
        return NULL;
    *watch = (thrum__watch){0};
    context->watch = watch;
    context->let_go = debug_let_go;
    return watch;
}

int thrum_debug_deferreds(thrum_context *context, thrum_clock *clock)
{
    if (clock == NULL && context->watch == NULL)
        return 0;
    if (debug_watch(context) == NULL)
        return THRUM_E_NOMEM;
    context->watch->on = clock != NULL;
    if (clock != NULL)
        context->watch->clock = clock;
    else
        debug_tell_never_fired(context);
    return 0;
}

int thrum_deferred_on_settled_failure(thrum_context *context,
                                      thrum_settled_fn *fn, void *ctx)
{
    if (fn == NULL && context->watch == NULL)
        return 0;
    if (debug_watch(context) == NULL)
        return THRUM_E_NOMEM;
    context->watch->settled = fn;
    context->watch->ctx = ctx;
    return 0;
}

void thrum__debug_settled(thrum_deferred *deferred)
{
    thrum__watch *watch = deferred->context->watch;

    if (watch->settled != NULL && thrum__deferred_rests(deferred))
        watch->settled(deferred, deferred->result, watch->ctx);
}

/* ---- Looking at it ---- */

size_t thrum_debug_each(thrum_context *context, thrum_debug_fn *fn, void *ctx)
{
    thrum__watch *watch = context->watch;
    size_t count = 0;

    if (watch == NULL)
        return 0;
    for (debug_header *header = watch->oldest; header != NULL;
         header = header->next) {
        fn(&header->deferred, thrum_clock_now(watch->clock) - header->born,
           ctx);
        count++;
    }
    return count;
}

static const char *debug_state(const thrum_deferred_info *info)
{
    if (info->state == THRUM_DEFERRED_VALUE)
        return "has a value";
    if (info->state == THRUM_DEFERRED_FAILURE)
        return thrum_failure_text(info->failure);
    return info->fired ? "its chain stands" : "no result yet";
}

static void debug_line(const thrum_deferred *deferred, thrum_ns age, void *ctx)
{
    thrum_deferred_info info = thrum_deferred_inspect(deferred);
    debug_text text = {0};

    debug_say_name(&text, deferred);
    debug_say(&text, ", %" PRId64 ".%03" PRId64 " s: %s", age / THRUM_S,
              age % THRUM_S / THRUM_MS, debug_state(&info));
    if (info.pauses > 0)
        debug_say(&text, ", paused");
    debug_say_waits(&text, deferred);
    debug_say_places(&text, deferred);
    thrum_context_log(ctx, THRUM_LOG_INFO, "%s", text.bytes);
}

size_t thrum_debug_dump(thrum_context *context)
{
    return thrum_debug_each(context, debug_line, context);
}
