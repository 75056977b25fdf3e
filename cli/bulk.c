/* SPDX-License-Identifier: MIT */
#include "cli/bulk_options.h"
#include "cli/commands.h"

int cli_bulk(int argc, char **argv)
{
    bulk_options options;

    return bulk_options_read(&options, argc, argv);
}
