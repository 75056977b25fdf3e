/* SPDX-License-Identifier: MIT */
/*
 * A function that blocks, here a mail sent line by line, is called on threads
 * as it is, while the loop goes on.
 *
 *     THRUM_VIA=smtp://127.0.0.1:2525 ./blocking_mail
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <thrum/thrum.h>

static const char *const people[] = {"ann@example.org", "bob@example.org",
                                     "cid@example.org"};

/* ---- What blocks, and knows nothing of thrum ---- */

static FILE *dial(const char *via)
{
    char host[64], port[16];
    struct addrinfo *to = NULL;
    int fd = -1;

    if (via != NULL && sscanf(via, "smtp://%63[^:]:%15s", host, port) == 2 &&
        getaddrinfo(host, port, &(struct addrinfo){.ai_socktype = SOCK_STREAM},
                    &to) == 0)
        fd = socket(to->ai_family, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(to);
    return fd < 0 ? NULL : fdopen(fd, "r");
}

/* The mail's fate in a word. */
static const char *send_mail(const char *via, const char *to)
{
    static const char *const says[] = {"",
                                       "HELO localhost\r\n",
                                       "MAIL FROM:<eve@example.org>\r\n",
                                       "RCPT TO:<%s>\r\n",
                                       "DATA\r\n",
                                       "Subject: hello\r\n\r\nHello!\r\n.\r\n",
                                       "QUIT\r\n"};
    FILE *server = dial(via);
    char reply[512] = "";

    for (size_t i = 0; server != NULL && i < sizeof says / sizeof *says; i++) {
        dprintf(fileno(server), says[i], to);
        do
            if (fgets(reply, sizeof reply, server) == NULL)
                reply[0] = '\0';
        while (reply[0] != '\0' && reply[3] == '-');
        if (reply[0] != '2' && reply[0] != '3')
            break;
    }
    if (server != NULL)
        fclose(server);
    return reply[0] == '2' ? "accepted" : server ? "refused" : "no server";
}

/* ---- The loop ---- */

static thrum_outcome send_on_thread(void *to)
{
    return thrum_value((void *)send_mail(getenv("THRUM_VIA"), to), NULL);
}

static thrum_outcome count(void *counted)
{
    int *so_far = counted;

    printf("count %d\n", ++*so_far);
    return *so_far < 3 ? thrum_keep() : thrum_done();
}

static thrum_outcome all_done(void *results, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < 3; i++)
        printf("%s: %s\n", people[i], (char *)thrum_results_value(results, i));
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *arg)
{
    static int counted;
    thrum_deferred *all[4];

    (void)arg;
    for (size_t i = 0; i < 3; i++)
        all[i] = thrum_defer_to_thread(reactor, send_on_thread,
                                       (void *)people[i], NULL);
    all[3] = thrum_coiterate(thrum_reactor_cooperator(reactor), count, &counted,
                             NULL);
    all[0] = thrum_all(thrum_reactor_context(reactor), all, 4, NULL);
    thrum_deferred_add(all[0], all_done, NULL, NULL, NULL);
    return all[0];
}

int main(void)
{
    return thrum_react(run, NULL);
}
