/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/mail.h>

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_smtp_session_config config = {.helo =
                                            "client.example.org"};
    thrum_smtp_session *session =
        thrum_smtp_session_new(context, &config, 0);
    thrum_buffer out;

    if (session == NULL)
        return 1;
    thrum_buffer_init(&out, context, 65536);
    thrum_smtp_session_receive(session, "220 ready\r\n", 11,
                               THRUM_MS);
    if (thrum_smtp_session_produce(session, &out, 4096, THRUM_MS) >=
        0)
        printf("%.*s\n", (int)out.size - 2, out.data);
    thrum_buffer_fini(&out);
    thrum_smtp_session_free(session);
    thrum_context_unref(context);
    return 0;
}
