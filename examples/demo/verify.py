#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what a server received with what it should have received.

    verify.py --people LIST --from MAILBOX --subject TEXT [--text FILE]
        [--html FILE] [--header 'Name: value'] [--envelope-from ADDRESS] DUMP

recomputes the letter of everybody on the list, and reads every message in
DUMP, which `thrum sink --dump` wrote: everybody must have got theirs, once.
The exit status is 0 when that is so, else 1.

    verify.py --show N DUMP       prints the Nth message, decoded
    verify.py --self-test         alters one thing at a time, and must notice
"""
import argparse
import json
import multiprocessing
import os
import sys

import letters

SECOND_OPINION = 50  # one message in so many is read by the email package too
SHOWN = 10           # of all differences


def read_dump(path, start, end):
    """The messages whose lines begin at start..end: (line's offset, record)."""
    with open(path, "rb") as dump:
        if start > 0:
            dump.seek(start - 1)
            dump.readline()
        offset = dump.tell()
        while offset < end:
            line = dump.readline()
            if not line:
                break
            yield offset, json.loads(line)
            offset += len(line)


def compare_one(campaign, record, number):
    """Returns the index of the person who got it, and its Message-ID."""
    data = record["body"].encode("latin-1")
    recipients = record["to"]
    index = campaign.by_address.get(recipients[0] if recipients else None)
    if index is None:
        raise letters.Wrong("for nobody on the list: %r" % recipients)
    try:
        letter = letters.Letter(data)
        campaign.compare(index, record["from"], recipients, letter)
        if number % SECOND_OPINION == 0:
            letters.second_opinion(data, letter)
    except letters.Wrong as why:
        why.index = index
        raise
    return index, letter.one("message-id")


def compare_range(task):
    """What one process does: (index, Message-ID) pairs, and differences."""
    path, start, end = task
    good, differences = [], []
    for number, (offset, record) in enumerate(read_dump(path, start, end)):
        try:
            good.append(compare_one(compare_range.campaign, record, number))
        except letters.Wrong as why:
            differences.append((getattr(why, "index", None), offset, str(why)))
    return good, differences


def compare_all(campaign, path, processes=2):
    """Returns how many letters were compared, and the differences in words."""
    size = os.path.getsize(path)
    pieces = 1 if processes == 1 else 16
    edges = [size * piece // pieces for piece in range(pieces + 1)]
    tasks = [(path, a, b) for a, b in zip(edges, edges[1:])]
    compare_range.campaign = campaign
    if processes == 1:
        results = list(map(compare_range, tasks))
    else:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            results = pool.map(compare_range, tasks, 1)
    return judge(campaign, results)


def judge(campaign, results):
    seen, ids, words = [0] * len(campaign.rows), set(), []
    compared = 0
    for good, differences in results:
        for index, message_id in good:
            compared += 1
            seen[index] += 1
            if message_id in ids:
                words.append("Message-ID %s came twice" % message_id)
            ids.add(message_id)
        for index, offset, why in differences:
            compared += 1
            who = "somebody"
            if index is not None:
                seen[index] += 1
                who = "row %d, %s" % (
                    index + 1, campaign.rows[index][campaign.address])
            words.append("%s (byte %d of the dump): %s" % (who, offset, why))
    for index, times in enumerate(seen):
        if times != 1:
            words.append("row %d, %s: got %d letters" % (
                index + 1, campaign.rows[index][campaign.address], times))
    return compared, words


def report(compared, words):
    for word in words[:SHOWN]:
        print(word)
    if len(words) > SHOWN:
        print("and %d more" % (len(words) - SHOWN))
    print("%s letters compared, %s differ" % (
        format(compared, ","), format(len(words), ",")))
    return 1 if words else 0


def show(path, number):
    for at, (_, record) in enumerate(read_dump(path, 0, os.path.getsize(path))):
        if at + 1 == number:
            letter = letters.Letter(record["body"].encode("latin-1"))
            print("envelope: from <%s> to <%s>" % (
                record["from"], ">, <".join(record["to"])))
            for name, values in letter.headers.items():
                if name != "content-type":
                    print("%s: %s" % (name.title(),
                                      letters.unstructured(values[0])))
            for kind in ("text", "html"):
                if getattr(letter, kind) is not None:
                    print("\n[%s]\n%s" % (kind, getattr(letter, kind)), end="")
            return 0
    print("verify.py: there is no message %d" % number, file=sys.stderr)
    return 1


def read_text(path):
    if path is None:
        return None
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--people")
    parser.add_argument("--from", dest="sender")
    parser.add_argument("--subject")
    parser.add_argument("--text")
    parser.add_argument("--html")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--envelope-from")
    parser.add_argument("--show", type=int)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("dump", nargs="?")
    return parser.parse_args()


def main():
    given = arguments()
    sys.stdout.reconfigure(errors="backslashreplace")
    if given.self_test:
        import self_test
        return self_test.main()
    if given.show is not None:
        return show(given.dump, given.show)
    headers = [tuple(header.split(": ", 1)) for header in given.header]
    campaign = letters.Campaign(
        given.people, given.sender, given.subject, read_text(given.text),
        read_text(given.html), headers, given.envelope_from)
    return report(*compare_all(campaign, given.dump))


if __name__ == "__main__":
    sys.exit(main())
