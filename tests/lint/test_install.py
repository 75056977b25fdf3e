# SPDX-License-Identifier: MIT
"""What `make install` puts where, and that it serves somebody else's program.

`make installcheck` runs this on what was installed; `make check` on what it
installs below a DESTDIR of its own, in the build folder.
"""
import os
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'man'))
import build
import lint
import manual
import unit

SANITIZED = bool(build.variable('SAN_CFLAGS'))


class Place:
    """Where it was installed: a DESTDIR, and the folders below it."""
    destdir = ''
    scratch = ''

    @classmethod
    def folder(cls, name):
        """A folder by its name in the Makefile, "libdir"."""
        given = os.environ.get('INSTALLED_' + name) or build.expanded(name)
        return cls.destdir + given

    @classmethod
    def environment(cls):
        """pkg-config finds the .pc files there, the loader the libraries."""
        found = dict(os.environ)
        libraries = cls.folder('libdir')
        found['PKG_CONFIG_PATH'] = os.path.join(libraries, 'pkgconfig')
        found['LD_LIBRARY_PATH'] = libraries
        if cls.destdir:
            found['PKG_CONFIG_SYSROOT_DIR'] = cls.destdir
        return found


def clean_environment():
    """Without what the make that runs the tests tells its own."""
    return {name: value for name, value in os.environ.items()
            if name not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}


def setUpModule():
    Place.scratch = tempfile.mkdtemp(dir=unit.top_builddir,
                                     prefix='installed-')
    unittest.addModuleCleanup(shutil.rmtree, Place.scratch)
    if 'INSTALLED' in os.environ:
        Place.destdir = os.environ.get('DESTDIR', '')
        return
    Place.destdir = os.path.join(Place.scratch, 'destdir')
    made = build.run('make', '-s', 'install', 'DESTDIR=' + Place.destdir,
                     env=clean_environment())
    if made.returncode != 0:
        raise OSError(made.stdout + made.stderr)


def without_server():
    """For a program of somebody else, with no THRUM_VIA."""
    return {name: value for name, value in Place.environment().items()
            if name != 'THRUM_VIA'}


def pkg_config(*arguments):
    """What pkg-config answers, in words."""
    told = build.run('pkg-config', *arguments, env=Place.environment())
    if told.returncode != 0:
        raise OSError(told.stderr)
    return told.stdout.split()


def needed(path):
    """The sonames that a shared object asks the loader for, and its own."""
    told = build.run('readelf', '-d', path).stdout
    return (set(re.findall(r'\(NEEDED\).*\[(.*)\]', told)),
            re.findall(r'\(SONAME\).*\[(.*)\]', told))


class Files(unittest.TestCase):
    def test_the_headers_are_the_public_ones_and_no_other(self):
        there = sorted(os.listdir(
            os.path.join(Place.folder('includedir'), 'thrum')))
        self.assertEqual(there, sorted(
            os.path.basename(name)
            for name in lint.files('.h', under=('include',))))

    def test_libraries_command_and_pkg_config_files_are_there(self):
        names = [os.path.join(Place.folder('bindir'), 'thrum')]
        for library in build.LIBRARIES:
            names += [os.path.join(Place.folder('libdir'), name)
                      for name in (f'{library}.so', f'{library}.so.0',
                                   f'pkgconfig/{library}.pc')]
        self.assertEqual([name for name in names
                          if not os.path.exists(name)], [])

    @unittest.skipIf('INSTALLED' in os.environ, 'others install there too')
    def test_nothing_else_is_installed(self):
        there = set()
        for at, _, names in os.walk(Place.destdir):
            there |= {os.path.relpath(os.path.join(at, name), Place.destdir)
                      for name in names}
        prefix = build.expanded('prefix').lstrip('/')
        expected = re.compile(
            re.escape(prefix) + r'/(bin/thrum|include/thrum/\w+\.h|'
            r'lib[^/]*/(libthrum(-mail)?\.(la|a|so[.0-9]*)|'
            r'pkgconfig/libthrum(-mail)?\.pc)|'
            r'share/man/man[137]/thrum[\w-]*\.[137])$')
        self.assertEqual([name for name in sorted(there)
                          if not expected.match(name)], [])

    @unittest.skipIf(SANITIZED, 'the sanitizers name the files of the build')
    def test_no_path_of_the_build_machine_is_in_them(self):
        paths = {os.path.realpath(path).encode()
                 for path in (unit.top_srcdir, unit.top_builddir)}
        # The prefix may be named, and may lie in the tree.
        prefix = build.expanded('prefix').encode()
        for name in self.stripped():
            with open(name, 'rb') as file:
                data = file.read().replace(prefix, b'')
            with self.subTest(name):
                self.assertEqual([p for p in paths if p in data], [])

    def stripped(self):
        """The command and the libraries without what debuggers read, and the
        files for pkg-config and libtool."""
        libdir = Place.folder('libdir')
        for name in [os.path.join(Place.folder('bindir'), 'thrum'),
                     os.path.join(libdir, 'libthrum.so'),
                     os.path.join(libdir, 'libthrum-mail.so')]:
            bare = os.path.join(Place.scratch, os.path.basename(name))
            told = build.run('strip', '-o', bare, name)
            self.assertEqual((told.returncode, told.stderr), (0, ''))
            yield bare
        for library in build.LIBRARIES:
            yield os.path.join(libdir, f'pkgconfig/{library}.pc')
            if os.path.exists(os.path.join(libdir, f'{library}.la')):
                yield os.path.join(libdir, f'{library}.la')


class Headers(unittest.TestCase):
    def compiles_alone(self, *compiler):
        flags = pkg_config('--cflags', 'libthrum-mail')
        for name in lint.files('.h', under=('include',)):
            header = os.path.relpath(name, 'include')
            with self.subTest(header):
                told = build.run(
                    *compiler, '-Wall', '-Wextra', '-Wpedantic', '-Werror',
                    '-fsyntax-only', *flags, '-',
                    text=f'#include <{header}>\n#include <{header}>\n')
                self.assertEqual((told.returncode, told.stderr), (0, ''))

    def test_each_header_compiles_alone_as_c11(self):
        self.compiles_alone(*build.variable('CC'), '-std=c11', '-xc')

    @unittest.skipIf(shutil.which('g++') is None, 'g++ is not installed')
    def test_each_header_compiles_alone_as_cpp17(self):
        self.compiles_alone('g++', '-std=c++17', '-xc++')


class Program(unittest.TestCase):
    def built(self, *libraries):
        """Builds installed.c with what pkg-config says and no more."""
        program = os.path.join(Place.scratch, 'program')
        told = build.run(
            *build.compiler(), '-std=c11', '-Wall', '-Wextra', '-Werror',
            os.path.join(unit.top_srcdir, 'tests/lint/installed.c'),
            '-o', program, *libraries)
        # A static glibc warns of its own functions, so only the status counts.
        self.assertEqual(told.returncode, 0, told.stderr)
        return program

    def runs(self, program):
        told = build.run(program, env=Place.environment())
        self.assertEqual((told.returncode, told.stderr), (0, ''))
        version = pkg_config('--modversion', 'libthrum-mail')[0]
        self.assertTrue(told.stdout.startswith(version + '\n'), told.stdout)
        self.assertIn('Subject: Saturday', told.stdout)
        self.assertIn('At eight!', told.stdout)

    def test_it_builds_by_pkg_config_alone_and_runs(self):
        self.runs(self.built(*pkg_config('--cflags', '--libs',
                                         'libthrum-mail')))

    @unittest.skipIf(SANITIZED, 'the sanitizers cannot be linked statically')
    def test_it_runs_with_the_archives_and_what_they_say_is_beneath(self):
        """Debian has no archive of what GnuTLS needs (p11-kit), so that, and
        all that is not ours, is shared."""
        if build.variable('enable_static') == ['no']:
            self.skipTest('configured without static libraries')
        libdir = Place.folder('libdir')
        archives = [os.path.join(libdir, f'{library}.a')
                    for library in reversed(build.LIBRARIES)]
        beneath = set()
        for library in build.LIBRARIES:
            beneath |= self.said_beneath(library)
        program = self.built(*pkg_config('--cflags', 'libthrum-mail'),
                             *archives, *sorted(beneath))
        self.assertEqual([name for name in needed(program)[0]
                          if 'thrum' in name], [])
        self.runs(program)

    @staticmethod
    def said_beneath(library):
        """The flags for what a library's .pc file says that it needs."""
        name = os.path.join(Place.folder('libdir'),
                            f'pkgconfig/{library}.pc')
        with open(name, encoding='utf-8') as lines:
            said = dict(line.strip().split(': ', 1) for line in lines
                        if ': ' in line)
        others = [word for word in said.get('Requires.private', '').split()
                  if 'thrum' not in word]
        return set(said.get('Libs.private', '').split()) | set(
            pkg_config('--libs', *others) if others else [])

    def test_the_command_that_was_installed_runs(self):
        told = build.run(os.path.join(Place.folder('bindir'), 'thrum'),
                         '--version', env=Place.environment())
        self.assertEqual((told.returncode, told.stderr), (0, ''))
        self.assertIn(pkg_config('--modversion', 'libthrum')[0], told.stdout)


class Manual(unittest.TestCase):
    """The pages that were installed, and the program in each of them."""

    def setUp(self):
        self.folder = os.path.join(Place.folder('mandir'), 'man3')
        self.pages = manual.files(self.folder)

    def test_the_pages_are_those_that_were_made(self):
        self.assertEqual(self.pages, manual.files(manual.folder()))
        self.assertIn('thrum_deferred_add', self.pages)

    def test_the_pages_of_the_commands_are_there(self):
        there = os.listdir(os.path.join(Place.folder('mandir'), 'man1'))
        for name in 'thrum.1', 'thrum-bulk.1', 'thrum-probe.1', 'thrum-sink.1':
            self.assertIn(name, there)

    @unittest.skipIf(shutil.which('man') is None, 'man is not installed')
    def test_a_name_leads_to_its_page(self):
        told = build.run('man', '-M', Place.folder('mandir'), '3',
                         'thrum_deferred_add', env=dict(
                             os.environ, MANPAGER='cat', LC_ALL='C.UTF-8'))
        self.assertEqual((told.returncode, told.stderr), (0, ''))
        self.assertIn('THRUM_DEFERRED(3)', re.sub('.\b', '', told.stdout))

    def example(self, name, code):
        """Builds the program of a page, as its page says."""
        library = re.search(r'pkg\\-config .*? (libthrum\S*?)\\fR',
                            self.pages[name]).group(1).replace('\\-', '-')
        path = os.path.join(Place.scratch, name)
        with open(path + '.c', 'w', encoding='utf-8') as file:
            file.write(code)
        told = build.run(
            *build.compiler(), '-std=c11', '-Wall', '-Wextra', '-Werror',
            path + '.c', '-o', path,
            *pkg_config('--cflags', '--libs', library))
        self.assertEqual((told.returncode, told.stderr), (0, ''))
        return path

    def test_each_example_builds_and_prints_what_its_page_says(self):
        ran = 0
        for name, text in self.pages.items():
            if manual.is_link(text):
                continue
            with self.subTest(name):
                code, *output = manual.listings(text)
                program = self.example(name, code)
                told = build.run(program, env=without_server())
                if not output:  # it needs a server, and says so
                    self.assertEqual((told.returncode, told.stdout), (1, ''))
                    self.assertIn('no server is named', told.stderr)
                    continue
                self.assertEqual(
                    (told.returncode, told.stdout, told.stderr),
                    (0, output[0], ''))
                ran += 1
        self.assertGreater(ran, 15)


@unittest.skipIf('INSTALLED' in os.environ, 'it is not ours to take away')
class Uninstall(unittest.TestCase):
    def test_nothing_is_left(self):
        copy = os.path.join(Place.scratch, 'copy')
        shutil.copytree(Place.destdir, copy, symlinks=True)
        told = build.run('make', '-s', 'uninstall', 'DESTDIR=' + copy,
                         env=clean_environment())
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual([name for _, _, names in os.walk(copy)
                          for name in names], [])


class Loads(unittest.TestCase):
    """Who wants only the reactor loads nothing of mail, and so on."""
    SYSTEM = {'libc.so.6', 'libm.so.6', 'ld-linux-x86-64.so.2'}
    LOADS = {
        'libthrum': {'libev.so.4', 'libcares.so.2', 'libgnutls.so.30'},
        'libthrum-mail': {'libthrum.so.0', 'libgnutls.so.30'},
    }

    def test_each_library_loads_its_own_and_no_other(self):
        for library, expected in self.LOADS.items():
            loaded, names = needed(os.path.join(Place.folder('libdir'),
                                                f'{library}.so'))
            loaded -= {name for name in loaded
                       if re.match(r'lib(asan|ubsan|lsan|tsan)\.', name)}
            with self.subTest(library):
                self.assertEqual(names, [f'{library}.so.0'])
                self.assertEqual(loaded - self.SYSTEM, expected)


if __name__ == '__main__':
    unit.main()
