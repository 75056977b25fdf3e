# SPDX-License-Identifier: MIT
"""libthrum as Python sees it: declared by its own headers, and the two types
that have to be translated, an object to a value and a Failure to a failure.

Nothing can be raised through C: what a function that C called raises is kept,
and raised again (or logged) by who called C.
"""
import os
import re
import shlex
import subprocess
import tempfile

import cffi
from twisted.internet import defer as twisted_defer
from twisted.internet import task as twisted_task
from twisted.python.failure import Failure

TOP = os.environ["top_srcdir"]
HEADERS = ("deferred", "deferred_list", "group", "semaphore", "queue",
           "cooperator", "looping_call", "test_clock")
# A clock whose functions are Python's.
MORE = "typedef struct { thrum_clock clock; void *bound; } bound_clock;"


def declarations():
    """The public headers without what needs a compiler."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("stddef.h", "stdint.h", "stdarg.h"):
            with open(os.path.join(folder, name), "w", encoding="ascii"):
                pass
        text = subprocess.run(
            [*shlex.split(os.environ.get("CC", "cc")), "-E", "-P", "-nostdinc",
             "-I", folder, "-I", os.path.join(TOP, "include"),
             "-D__attribute__(x)=", "-x", "c", "-"],
            input="".join(f"#include <thrum/{each}.h>\n" for each in HEADERS),
            capture_output=True, text=True, check=True).stdout
    text = re.sub(r"^static inline[^{;]*\n?\{.*?^\}$", "", text,
                  flags=re.M | re.S)
    # cffi reads an object that is const at once, and cannot point to it.
    return re.sub(r"\bextern\b(\s*)const", r"extern\1", text) + MORE


ffi = cffi.FFI()
ffi.cdef(declarations())
lib = ffi.dlopen(os.path.join(os.environ["top_builddir"], ".libs",
                              "libthrum.so"))
NULL = ffi.NULL
# The collector may end a Deferred while cffi holds the lock under which it
# looks names up, so all are looked up now.
for _each in dir(lib):
    getattr(lib, _each)
for _each in ("void *", "uintptr_t", "thrum_call *", "thrum_deferred *",
              "thrum_failure *", "thrum_results *", "thrum_outcome *",
              "bound_clock *", "thrum_clock *", "thrum_queue_config *",
              "thrum_cooperator_config *", "thrum_looping_call_config *"):
    ffi.typeof(_each)

# ---- Objects that C holds ----

_held = {}


def hold(thing):
    """A pointer to an object, which lives until it is released."""
    pointer = ffi.new_handle(thing)
    _held[int(ffi.cast("uintptr_t", pointer))] = pointer
    return pointer


@ffi.callback("thrum_free_fn")
def release(pointer):
    """What C calls when it lets go of such a pointer."""
    _held.pop(int(ffi.cast("uintptr_t", pointer)))


def held(pointer):
    """The object; None of a value that is none."""
    return ffi.from_handle(pointer) if pointer else None


def value(thing):
    """An object as a value and its release function."""
    return (NULL, NULL) if thing is None else (hold(thing), release)


# ---- What functions that C called have raised ----

raised = []


def guarded(function, *arguments):
    """Calls what must not raise; None, and a note, if it does."""
    try:
        return function(*arguments)
    except BaseException:
        raised.append(Failure())
        return None


def reraise():
    """Raises what was raised within C."""
    if raised:
        first = raised[0]
        raised.clear()
        first.raiseException()


# ---- Failures ----

_words = ffi.new("char[]", b"a Python exception")
_name = ffi.new("char[]", b"python")


@ffi.callback("const char *(int)")
def _describe(_code):
    return _words


domain = ffi.new("thrum_domain *", {"name": _name, "describe": _describe})
deferred_domain = ffi.addressof(lib, "thrum_domain_deferred")

# Ours, and Twisted's of the same meaning.
EXCEPTIONS = {
    lib.THRUM_DEFERRED_E_CANCELLED: twisted_defer.CancelledError,
    lib.THRUM_DEFERRED_E_FIRED: twisted_defer.AlreadyCalledError,
    lib.THRUM_DEFERRED_E_TIMEOUT: twisted_defer.TimeoutError,
    lib.THRUM_DEFERRED_E_OVERFLOW: twisted_defer.QueueOverflow,
    lib.THRUM_DEFERRED_E_UNDERFLOW: twisted_defer.QueueUnderflow,
    lib.THRUM_DEFERRED_E_STOPPED: twisted_task.SchedulerStopped,
    lib.THRUM_DEFERRED_E_TASK_STOPPED: twisted_task.TaskStopped,
    lib.THRUM_DEFERRED_E_TASK_DONE: twisted_task.TaskDone,
    lib.THRUM_DEFERRED_E_TASK_FAILED: twisted_task.TaskFailed,
    lib.THRUM_DEFERRED_E_NOT_PAUSED: twisted_task.NotPaused,
}


class ThrumError(Exception):
    """A failure for which Twisted has no exception."""


def is_code(why, code):
    """Whether it is a failure of the floor deferred, and this one."""
    return bool(lib.thrum_failure_is(why, deferred_domain, code))


def exception(why):
    """The exception that a failure of C's own is."""
    if is_code(why, lib.THRUM_DEFERRED_E_FIRST):
        return twisted_defer.FirstError(
            python_failure(lib.thrum_failure_cause(why)),
            lib.thrum_results_first_failed(why))
    code = lib.thrum_failure_code(why)
    text = ffi.string(lib.thrum_failure_text(why)).decode()
    if code in EXCEPTIONS:
        return EXCEPTIONS[code]()
    return ThrumError(code, text)


def python_failure(why):
    """A failure of C as a Failure."""
    detail = lib.thrum_failure_detail(why, domain)
    cause = lib.thrum_failure_cause(why)
    if not detail and cause and is_code(why, lib.THRUM_DEFERRED_E_CANCELLED):
        detail = lib.thrum_failure_detail(cause, domain)
    return held(detail) if detail else Failure(exception(why))


def c_failure(failure):
    """A Failure as a failure of C, a new reference. Who says CancelledError
    says CANCELLED."""
    why = lib.thrum_failure_explain(
        lib.thrum_failure_new(context, domain, -1000, NULL), hold(failure),
        release)
    if failure.check(twisted_defer.CancelledError):
        why = lib.thrum_failure_because(
            lib.thrum_failure_new(context, deferred_domain,
                                  lib.THRUM_DEFERRED_E_CANCELLED, NULL), why)
    return why


def check(code):
    """Raises what a negative code says."""
    if code < 0:
        raise EXCEPTIONS.get(code, ThrumError)()


# ---- The context ----

def abandoned(why):
    """In Twisted nobody is told of a Deferred that was dropped unfired."""
    return is_code(why, lib.THRUM_DEFERRED_E_ABANDONED)


def _tell_unhandled(why):
    if not abandoned(why):
        twisted_defer.log.critical("Unhandled error in Deferred:",
                                   isError=True)
        twisted_defer.log.failure("", python_failure(why), debugInfo="")


@ffi.callback("thrum_unhandled_fn")
def _unhandled(why, _operation, _file, _line, _ctx):
    guarded(_tell_unhandled, why)


context = lib.thrum_context_new(ffi.new("thrum_context_config *",
                                        {"unhandled": _unhandled}))


def nanoseconds(seconds):
    """A time for C."""
    return round(seconds * 1e9)
