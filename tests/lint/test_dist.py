# SPDX-License-Identifier: MIT
"""Every file of the tree goes into the release: a Makemodule.am names it, or
the folder that it is in. And each test has a log of its own."""
import os
import re
import unittest

import lint
import unit

NAME = re.compile(r'[\w./-]+')
# automake takes these by itself.
BY_ITSELF = re.compile(r'(^configure\.ac|\.am|\.in|\.m4)$')


def named():
    """All words of the makefiles; some of them are paths."""
    found = set()
    for name in lint.files('.am'):
        found |= set(NAME.findall(re.sub(r'#.*', '', lint.read(name))))
    return found


def is_in_release(name, words):
    """Whether a file, or a folder below the top one, is one of the words."""
    # A program without a list of sources is made of the one of its name.
    found = name in words or re.sub(r'\.c$', '', name) in words
    while not found and '/' in os.path.dirname(name):
        name = os.path.dirname(name)
        found = name in words
    return found


def one_log(words):
    """Scripts that are named like a program beside them: automake gives both
    the same log, and so runs only one of them."""
    return sorted(word for word in words if word.startswith('tests/')
                  and word.endswith('.py') and word[:-len('.py')] in words)


class Logs(unittest.TestCase):
    def test_no_two_tests_share_a_log(self):
        self.assertEqual(one_log(named()), [])

    def test_a_planted_pair_is_found(self):
        words = named() | {'tests/smtp/test_url.py'}
        self.assertEqual(one_log(words), ['tests/smtp/test_url.py'])


class Release(unittest.TestCase):
    def test_every_file_of_the_tree_is_named(self):
        words = named()
        missing = [name for name in lint.files()
                   if not BY_ITSELF.search(name)
                   and not is_in_release(name, words)]
        self.assertEqual(missing, [])

    def test_a_planted_file_is_missed(self):
        words = named()
        self.assertFalse(is_in_release('base/planted.h', words))
        self.assertTrue(is_in_release('base/buffer.c', words))
        self.assertTrue(is_in_release('tests/fuzz/corpus/address/0', words))


if __name__ == '__main__':
    unit.main()
