/* SPDX-License-Identifier: MIT */
#include "mail/smtp/pace.h"

enum { PACE_BREAKS = 3 };

void thrum__smtp_pace_init(thrum__smtp_pace *pace, thrum_smtp_mode most)
{
    *pace = (thrum__smtp_pace){.most = most};
}

/* Whether something may follow on a message that was not answered. */
static bool pace_runs_ahead(const thrum__smtp_pace *pace)
{
    return pace->most == THRUM_SMTP_MODE_BEST ||
           pace->most > THRUM_SMTP_MODE_PIPELINED;
}

thrum__smtp_role thrum__smtp_pace_begin(thrum__smtp_pace *pace)
{
    if (pace->proven || !pace_runs_ahead(pace))
        return THRUM__PACE_FREE;
    if (pace->trying)
        return THRUM__PACE_HELD;
    pace->trying = true;
    return THRUM__PACE_TRIES;
}

void thrum__smtp_pace_tried(thrum__smtp_pace *pace)
{
    pace->trying = false;
}

void thrum__smtp_pace_broke(thrum__smtp_pace *pace)
{
    if ((!pace->proven || ++pace->broken >= PACE_BREAKS) &&
        pace_runs_ahead(pace))
        pace->most = THRUM_SMTP_MODE_PIPELINED;
}

void thrum__smtp_pace_confused(thrum__smtp_pace *pace)
{
    pace->most = THRUM_SMTP_MODE_LOCKSTEP;
}
