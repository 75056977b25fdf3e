#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch.py FOLDER NAME...: brings servers into FOLDER/NAME, beside those that
are installed; nothing of the system changes.

Debian's mail servers drive each other out, so what is a package of Debian's
is unpacked only. What is npm's is taken as the lock file in npm/NAME says,
file by file, each held against its digest; no script of a package is run, and
npm itself is not needed.

What could not be had leaves its reason in FOLDER/NAME.why, for the tests that
then skip, and is no failure. What is there already is not fetched again.
"""
import base64
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
REGISTRY = os.environ.get("npm_config_registry",
                          "https://registry.npmjs.org").rstrip("/")
PATIENCE = 60  # seconds, for each file
NPM = ("smtp-server", "haraka")


class Missing(Exception):
    """Why something cannot be had."""


# --- npm --------------------------------------------------------------------


def tarball(path, version):
    """Where the registry keeps the package that belongs at node_modules/..."""
    name = path.rpartition("node_modules/")[2]
    return "%s/%s/-/%s-%s.tgz" % (REGISTRY, name, name.rpartition("/")[2],
                                  version)


def download(url):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError) as why:
        print("fetch.py: %s: %s" % (url, why))
        raise Missing("the registry of npm was not reached") from why


def unpack(data, folder):
    """A package's files; the first part of each name is for nobody."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive:
            parts = pathlib.PurePosixPath(member.name).parts[1:]
            if not member.isfile() or not parts or ".." in parts:
                continue
            target = folder.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.extractfile(member).read())


def fetch_npm(name, folder):
    lock = HERE / "npm" / name / "package-lock.json"
    for path, entry in json.loads(lock.read_text())["packages"].items():
        if not path or entry.get("optional"):
            continue
        data = download(tarball(path, entry["version"]))
        digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
        if "sha512-" + digest != entry["integrity"]:
            sys.exit("fetch.py: %s is not what the lock file says" % path)
        unpack(data, folder / path)
    shutil.copy(lock, folder / "package-lock.json")


def is_current(name, folder):
    lock = HERE / "npm" / name / "package-lock.json"
    had = folder / "package-lock.json"
    return had.exists() and had.read_bytes() == lock.read_bytes()


# --- Debian -----------------------------------------------------------------


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **how)
    if done.returncode != 0:
        print("fetch.py: %s: %s" % (" ".join(command), done.stderr.strip()))
    return done


def needed(package):
    """The package, and those that it would bring along here."""
    told = run("apt-get", "-s", "install", "--no-install-recommends",
               package).stdout
    return {package} | {line.split()[1] for line in told.splitlines()
                        if line.startswith("Inst ")}


def fetch_debian(name, folder):
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise Missing("this is not a Debian machine")
    with tempfile.TemporaryDirectory(dir=folder) as made:
        if run("apt-get", "download", *needed(name),
               cwd=made).returncode != 0:
            raise Missing("apt-get download brought nothing")
        for package in sorted(pathlib.Path(made).glob("*.deb")):
            if run("dpkg", "-x", str(package), str(folder)).returncode != 0:
                raise Missing("what apt-get brought cannot be unpacked")


# --- all --------------------------------------------------------------------


def fetch(name, into):
    folder, why = into / name, into / (name + ".why")
    if folder.exists() and (
            name not in NPM or is_current(name, folder)):
        return "there already"
    why.unlink(missing_ok=True)
    made = pathlib.Path(tempfile.mkdtemp(prefix=name, dir=into))
    made.chmod(0o755)
    try:
        (fetch_npm if name in NPM else fetch_debian)(name, made)
    except Missing as reason:
        shutil.rmtree(made)
        why.write_text(str(reason), encoding="ascii")
        return str(reason)
    if folder.exists():
        shutil.rmtree(folder)
    made.rename(folder)
    return "fetched"


def main(folder, *names):
    into = pathlib.Path(folder)
    into.mkdir(parents=True, exist_ok=True)
    for name in names:
        print("%s: %s" % (name, fetch(name, into)))


if __name__ == "__main__":
    main(*sys.argv[1:])
