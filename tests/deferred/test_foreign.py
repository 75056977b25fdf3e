# SPDX-License-Identifier: MIT
"""A language whose callbacks cannot return a struct (ctypes is one) writes
callbacks, steps, turns of a looping call and runs, all by thrum_foreign."""
import ctypes
import os
import sys
import unittest
from ctypes import CFUNCTYPE, POINTER, byref, c_int, c_int64, c_uint64, c_void_p

_here = os.path.dirname(os.path.abspath(__file__))
for _folder in ('support', 'lint'):
    sys.path.insert(0, os.path.join(_here, '..', _folder))
import build
import unit

LIBRARY = os.path.join(unit.top_builddir, '.libs', 'libthrum.so')
KEEP, DONE, TAKEN, VALUE, FAILURE, WAIT = range(6)
NOMEM = -1


class Outcome(ctypes.Structure):
    _fields_ = [('ptr', c_void_p), ('free', c_void_p), ('kind', c_int)]


class CooperatorConfig(ctypes.Structure):
    _fields_ = [('clock', c_void_p), ('schedule', c_void_p),
                ('over', c_void_p), ('ctx', c_void_p), ('slice', c_int64)]


class LoopingConfig(ctypes.Structure):
    _fields_ = [('interval', c_int64), ('now', c_int), ('keep_on', c_int)]


ForeignFn = CFUNCTYPE(None, POINTER(Outcome), POINTER(Outcome), c_void_p)
FreeFn = CFUNCTYPE(None, c_void_p)

# What is called: its arguments, and its result if that is none of int.
CALLS = {
    'context_new': ((c_void_p,), c_void_p),
    'context_unref': ((c_void_p,), None),
    'context_blocks': ((c_void_p,), ctypes.c_size_t),
    'foreign_new': ((c_void_p, ForeignFn, c_void_p, FreeFn), c_void_p),
    'test_clock_new': ((c_void_p,), c_void_p),
    'test_clock_clock': ((c_void_p,), c_void_p),
    'test_clock_advance': ((c_void_p, c_int64), None),
    'test_clock_free': ((c_void_p,), None),
    'cooperator_new': ((c_void_p, c_void_p), c_void_p),
    'cooperator_tick': ((c_void_p,), c_int),
    'cooperator_free': ((c_void_p,), None),
    'semaphore_new': ((c_void_p, ctypes.c_size_t), c_void_p),
    'semaphore_tokens': ((c_void_p,), ctypes.c_size_t),
    'semaphore_run': ((c_void_p,) * 4, c_void_p),
    'semaphore_free': ((c_void_p,), None),
    'looping_call_start': ((c_void_p,) * 6, c_void_p),
    'looping_call_free': ((c_void_p,), None),
    'deferred_new_at': ((c_void_p, ctypes.c_char_p, c_void_p, c_int),
                        c_void_p),
    'deferred_fire': ((c_void_p,) * 3, c_int),
    'deferred_maybe': ((c_void_p,) * 3, c_void_p),
    'deferred_later': ((c_void_p, c_void_p, c_int64) + (c_void_p,) * 3,
                       c_void_p),
    'deferred_add_at': ((c_void_p,) * 6 + (c_int,), c_int),
    'deferred_add_foreign': ((c_void_p, ForeignFn, c_void_p, FreeFn), c_int),
    'deferred_take': ((c_void_p,) * 4, c_int),
    'deferred_finish_at': ((c_void_p, c_void_p, c_int), None),
    'coiterate': ((c_void_p,) * 4, c_void_p),
    'each': ((c_void_p,) * 4 + (ctypes.c_size_t,), c_void_p),
    'failure_code': ((c_void_p,), c_int),
    'failure_unref': ((c_void_p,), None),
}


def load():
    """The library, its functions declared."""
    found = ctypes.CDLL(LIBRARY)
    for name, (arguments, result) in CALLS.items():
        function = getattr(found, 'thrum_' + name)
        function.argtypes, function.restype = arguments, result
    return found


def reason():
    """Why it cannot be run, or None."""
    if any('sanitize' in each for each in build.variable('SAN_CFLAGS')):
        return 'the sanitizers would have to be in Python itself'
    if not os.path.exists(LIBRARY):
        return 'there is no shared library in this build'
    return None


@unittest.skipIf(reason() is not None, reason())
class Foreign(unittest.TestCase):
    def setUp(self):
        self.lib = load()
        self.context = self.lib.thrum_context_new(None)
        self.seen, self.freed = [], []
        self.answers = []
        self.fn = ForeignFn(self.call)
        self.free = FreeFn(self.freed.append)

    def tearDown(self):
        self.assertEqual(self.lib.thrum_context_blocks(self.context), 0)
        self.lib.thrum_context_unref(self.context)

    def call(self, given, out, ctx):
        """The function: notes what it gets, gives the answer that is next."""
        self.seen.append((given[0].kind, given[0].ptr, ctx))
        if self.answers:
            out[0].kind, out[0].ptr = self.answers.pop(0)

    def form(self, name):
        """The address of a function of C."""
        return ctypes.cast(getattr(self.lib, 'thrum_foreign_' + name), c_void_p)

    def made(self, ctx=7):
        return self.lib.thrum_foreign_new(self.context, self.fn, ctx,
                                          self.free)

    def result(self, deferred):
        """The value, or the code of the failure, of one that has ended."""
        value, free, why = c_void_p(), c_void_p(), c_void_p()
        code = self.lib.thrum_deferred_take(deferred, byref(value),
                                            byref(free), byref(why))
        self.assertEqual(code, 0)
        self.lib.thrum_deferred_finish_at(deferred, None, 0)
        if not why:
            return value.value
        code = self.lib.thrum_failure_code(why)
        self.lib.thrum_failure_unref(why)
        return code

    def check(self, calls):
        self.assertEqual(self.seen, calls)
        self.assertEqual(self.freed, [7])

    def test_maybe(self):
        """Its context is borrowed, as thrum_deferred_maybe says."""
        self.answers = [(VALUE, 42)]
        foreign = self.made()
        d = self.lib.thrum_deferred_maybe(self.context, self.form('step'),
                                          foreign)
        self.assertEqual(self.freed, [])
        ctypes.CFUNCTYPE(None, c_void_p)(self.form('free').value)(foreign)
        self.assertEqual(self.result(d), 42)
        self.check([(VALUE, None, 7)])

    def test_callback_and_errback(self):
        self.answers = [(FAILURE, None), (VALUE, 5)]
        d = self.lib.thrum_deferred_new_at(self.context, b'd', None, 0)
        for ctx in (7, 8):
            self.lib.thrum_deferred_add_at(
                d, self.form('callback'), self.form('errback'),
                self.made(ctx), self.form('free'), None, 0)
        self.lib.thrum_deferred_fire(d, 3, None)
        self.assertEqual(self.result(d), 5)
        self.assertEqual(self.seen[0], (VALUE, 3, 7))
        self.assertEqual(self.seen[1][0], FAILURE)
        self.assertEqual(self.seen[1][2], 8)
        self.assertEqual(self.freed, [7, 8])

    def test_the_short_form_of_both(self):
        self.answers = [(VALUE, 4)]
        d = self.lib.thrum_deferred_new_at(self.context, b'd', None, 0)
        self.lib.thrum_deferred_add_foreign(d, self.fn, 7, self.free)
        self.lib.thrum_deferred_fire(d, 3, None)
        self.assertEqual(self.result(d), 4)
        self.check([(VALUE, 3, 7)])

    def cooperating(self, start):
        """An iterator of three steps, of which the second waits."""
        clock = self.lib.thrum_test_clock_new(self.context)
        config = CooperatorConfig(self.lib.thrum_test_clock_clock(clock))
        cooperator = self.lib.thrum_cooperator_new(self.context,
                                                   byref(config))
        waits = self.lib.thrum_deferred_new_at(self.context, b'w', None, 0)
        self.answers = [(KEEP, None), (WAIT, waits), (DONE, None)]
        d = start(cooperator)
        while self.lib.thrum_cooperator_tick(cooperator):
            pass
        self.assertEqual(len(self.seen), 2)
        self.lib.thrum_deferred_fire(waits, None, None)
        while self.lib.thrum_cooperator_tick(cooperator):
            pass
        self.assertIsNone(self.result(d))
        self.check([(VALUE, None, 7)] * 3)
        self.lib.thrum_cooperator_free(cooperator)
        self.lib.thrum_test_clock_free(clock)

    def test_coiterate(self):
        self.cooperating(lambda cooperator: self.lib.thrum_coiterate(
            cooperator, self.form('step'), self.made(), self.form('free')))

    def test_each(self):
        self.cooperating(lambda cooperator: self.lib.thrum_each(
            cooperator, self.form('step'), self.made(), self.form('free'), 1))

    def test_looping_call(self):
        turns = []
        self.fn = ForeignFn(lambda given, out, ctx: turns.append(
            ctypes.cast(given[0].ptr, POINTER(c_uint64))[0]))
        clock = self.lib.thrum_test_clock_new(self.context)
        config = LoopingConfig(10, 0, 0)
        call = self.lib.thrum_looping_call_start(
            self.context, self.lib.thrum_test_clock_clock(clock),
            byref(config), self.form('turn'), self.made(), self.form('free'))
        self.lib.thrum_test_clock_advance(clock, 30)
        self.lib.thrum_looping_call_free(call)
        self.lib.thrum_test_clock_free(clock)
        self.assertEqual(turns, [1, 1, 1])
        self.assertEqual(self.freed, [7])

    def test_later(self):
        self.answers = [(VALUE, 9)]
        clock = self.lib.thrum_test_clock_new(self.context)
        d = self.lib.thrum_deferred_later(
            self.context, self.lib.thrum_test_clock_clock(clock), 10,
            self.form('step'), self.made(), self.form('free'))
        self.assertEqual(self.seen, [])
        self.lib.thrum_test_clock_advance(clock, 10)
        self.assertEqual(self.result(d), 9)
        self.check([(VALUE, None, 7)])
        self.lib.thrum_test_clock_free(clock)

    def test_run(self):
        self.answers = [(VALUE, 9)]
        semaphore = self.lib.thrum_semaphore_new(self.context, 1)
        d = self.lib.thrum_semaphore_run(semaphore, self.form('step'),
                                         self.made(), self.form('free'))
        self.assertEqual(self.result(d), 9)
        self.check([(VALUE, None, 7)])
        self.assertEqual(self.lib.thrum_semaphore_tokens(semaphore), 1)
        self.lib.thrum_semaphore_free(semaphore)

    def test_one_that_could_not_be_made_answers_so(self):
        d = self.lib.thrum_deferred_maybe(self.context, self.form('step'),
                                          None)
        self.assertEqual(self.result(d), NOMEM)


if __name__ == '__main__':
    unit.main()
