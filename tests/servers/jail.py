# SPDX-License-Identifier: MIT
"""A root folder for a server that cannot be installed beside the others: its
package, which fetch.py unpacked, and the libraries that it needs, copied. It
then runs by chroot; nothing is mounted, so nothing can be left mounted."""
import os
import pathlib
import re
import shutil
import stat
import subprocess
import unittest

LIBRARY = re.compile(r"(?:=> |^\s)(/\S+) \(0x", re.M)
OWNER = 65533  # of what the server writes: nobody has this number


def libraries(program, package):
    """What the loader would load; those of the package come first."""
    folders = ":".join(str(each) for each in package.glob("**/*-linux-gnu"))
    told = subprocess.run(
        ["ldd", str(program)], capture_output=True, text=True, check=False,
        env={**os.environ, "LD_LIBRARY_PATH": folders}).stdout
    if "not found" in told:
        raise unittest.SkipTest("a library of %s is missing" % program.name)
    return LIBRARY.findall(told)


class Jail:
    """`programs` are of the package, `tools` of this machine; `users` are the
    names that the server looks for, and all the same user."""

    def __init__(self, folder, package, programs, tools=(), users=()):
        self.folder = pathlib.Path(folder)
        shutil.copytree(package, folder, symlinks=True)
        for each in "dev", "etc", "srv", "tmp":
            (self.folder / each).mkdir(exist_ok=True)
        (self.folder / "tmp").chmod(0o1777)
        for each in tools:
            self.copy(each)
        for each in [package / each for each in programs] + list(tools):
            for library in libraries(pathlib.Path(each), package):
                if not library.startswith(str(package)):
                    self.copy(library)
        self.write("etc/passwd", "root:x:0:0::/:/bin/sh\n" + "".join(
            "%s:x:%d:%d::/srv:/bin/sh\n" % (each, OWNER, OWNER)
            for each in users))
        self.write("etc/group", "root:x:0:\n" + "".join(
            "%s:x:%d:\n" % (each, OWNER) for each in users))
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        self.make_devices()

    def make_devices(self):
        """By number, as Linux has them."""
        try:
            for name, minor in ("null", 3), ("urandom", 9):
                path = self.folder / "dev" / name
                os.mknod(path, stat.S_IFCHR, os.makedev(1, minor))
                path.chmod(0o666)
                path.open("rb").close()
        except OSError as why:
            raise unittest.SkipTest("no device can be made here") from why

    def copy(self, path):
        target = self.folder / path.lstrip("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

    def write(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def give(self, path):
        """A folder that the server may write to."""
        target = self.folder / path
        target.mkdir(parents=True, exist_ok=True)
        os.chown(target, OWNER, OWNER)
        return target

    def command(self, *words):
        return ["chroot", str(self.folder), *words]
