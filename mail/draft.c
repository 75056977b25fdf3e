/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "mail/draft.h"
#include "mail/text.h"

void thrum__draft_init(thrum__draft *draft, thrum_context *context)
{
    memset(draft, 0, sizeof *draft);
    thrum_buffer_init(&draft->headers, context, SIZE_MAX);
    thrum_buffer_init(&draft->to, context, SIZE_MAX);
}

void thrum__draft_fini(thrum__draft *draft, thrum_context *context)
{
    for (size_t i = 0; i < thrum__headers(draft); i++) {
        thrum_context_release(context, thrum__header_at(draft, i)->name);
        thrum_context_release(context, thrum__header_at(draft, i)->value);
    }
    for (size_t i = 0; i < thrum__to_count(draft); i++)
        thrum_address_free(thrum__to_at(draft, i));
    for (size_t i = 0; i < THRUM__DRAFT_TEXTS; i++)
        thrum_context_release(context, draft->texts[i]);
    thrum_context_release(context, draft->from);
    thrum_context_release(context, draft->from_addr);
    thrum_context_release(context, draft->reply_to);
    thrum_context_release(context, draft->envelope_from);
    thrum_context_release(context, draft->sender);
    thrum_context_release(context, draft->subject);
    thrum_context_release(context, draft->envelope_id);
    thrum_buffer_fini(&draft->headers);
    thrum_buffer_fini(&draft->to);
}

thrum_bytes thrum__draft_from(const thrum__draft *draft)
{
    return thrum__text_of(draft->from_addr);
}

thrum_bytes thrum__draft_sender(const thrum__draft *draft)
{
    if (draft->envelope_from == NULL)
        return thrum__draft_from(draft);
    return thrum__text_of(draft->sender);
}

const char *thrum__draft_lacks(const thrum__draft *draft)
{
    if (draft->from == NULL)
        return "the message does not say who it is from";
    if (draft->texts[THRUM__DRAFT_TEXT] == NULL &&
        draft->texts[THRUM__DRAFT_HTML] == NULL)
        return "the message has neither text nor HTML";
    return NULL;
}
