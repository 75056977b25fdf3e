# SPDX-License-Identifier: MIT
"""How the manual's pages are made of headers: each form of declaration, what
becomes of a contract, and that what cannot be read is named with its place."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import manual
import unit

PROGRAM = os.path.join(unit.top_srcdir, 'man', 'from_header.py')
sys.path.insert(0, os.path.dirname(PROGRAM))
import headers  # noqa: E402 pylint: disable=wrong-import-position
import roff  # noqa: E402 pylint: disable=wrong-import-position

TOP = ('/* SPDX-License-Identifier: MIT */\n/*\n * A bell: it rings.\n */\n'
       '#ifndef THRUM_BELL_H\n#define THRUM_BELL_H\n\n'
       '#include <thrum/api.h>\n\nTHRUM_BEGIN\n\n')
END = '\nTHRUM_END\n\n#endif\n'
PAGE = ('# SPDX-License-Identifier: MIT\nheaders: bell.h\nname: it rings\n'
        'see: thrum_bell thrum(1)\n\nDESCRIPTION\n\nRing `it`.\n\n    a - b\n'
        '\nEXAMPLE\n\nA bell.\n\nOUTPUT\nding\n')
CODE = '/* SPDX-License-Identifier: MIT */\nint main(void)\n{\n}\n'
BELL = '''typedef struct thrum_bell thrum_bell;

/* The codes of bells. */
#define THRUM_BELL_ERRORS(X) \\
    X(CRACKED, -901, "it is cracked") \\
    X(STOLEN, -902, "it's gone")

#define THRUM_BELL_ERRORS_ENUM(name, code, text) THRUM_BELL_E_##name = (code),
enum thrum_bell_error {
    THRUM_BELL_ERRORS(THRUM_BELL_ERRORS_ENUM) THRUM_BELL_E_END = -999
};
#undef THRUM_BELL_ERRORS_ENUM

/* The domain of THRUM_BELL_ERRORS. */
extern THRUM_API const thrum_domain thrum_domain_bell;

/* Loudness, in phon. */
typedef int64_t thrum_phon;

/* No bell at all. */
#define THRUM_BELL_NONE SIZE_MAX

/* Hears it. */
typedef void thrum_bell_heard_fn(thrum_bell *bell, void *ctx);

typedef struct thrum_bell_config {
    int tone; /* in Hz; 0: any */
    /* Who hears it; NULL: nobody. */
    void (*heard)(thrum_bell *bell, void *ctx);
    void *ctx;
} thrum_bell_config;

/* How it hangs. */
typedef enum thrum_bell_state {
    THRUM_BELL_UP = 1, /* still */
    THRUM_BELL_DOWN    /* rung */
} thrum_bell_state;

/* ---- Ringers ---- */

/* Makes a bell. `tone` is in Hz.
 *
 * It is cast at once. Ownership: new; ctx taken. Calls back: never.
 * Errors: NULL, no memory. */
THRUM_API thrum_bell *thrum_bell_new(int tone, void *ctx,
                                     void (*heard)(void *ctx, int loud));

/* Rings it, and CRACKED may come of it. */
#define thrum_bell_ring(bell, words) \\
    thrum_bell_ring_at((bell), (words), __FILE__)

/* thrum_bell_ring at a place. */
THRUM_API int thrum_bell_ring_at(thrum_bell *bell, const char *words,
                                 const char *file) THRUM_PRINTF(2, 3);

/* How loud it is. */
static inline thrum_phon thrum_bell_loud(const thrum_bell *bell)
{
    if (bell != NULL) {
        return 1;
    }
    return 0;
}
'''


def run(folder, out):
    return subprocess.run(
        [sys.executable, '-B', PROGRAM, '--source', folder, '--version', '9',
         '--date', '2026-01-02', out], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=unit.top_builddir, prefix='manual-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = os.path.join(self.folder, 'out')
        self.put('include/thrum/mail.h', '/* SPDX-License-Identifier: MIT */\n')

    def put(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)

    def make(self, body=BELL, page=PAGE):
        self.put('include/thrum/bell.h', TOP + body + END)
        self.put('man/thrum_bell.page', page)
        self.put('man/thrum_bell.c', CODE)
        return run(self.folder, self.out)

    def page(self, **how):
        told = self.make(**how)
        self.assertEqual((told.returncode, told.stderr), (0, ''))
        return manual.files(self.out)['thrum_bell']


class Made(Case):
    def test_each_form_of_declaration_has_its_entry(self):
        text = self.page()
        self.assertEqual(sorted(manual.entries(text)),
                         sorted(manual.public(TOP + BELL) - {'thrum_domain'}))

    def test_each_function_and_type_has_a_link(self):
        self.page()
        links = {name for name, text in manual.files(self.out).items()
                 if text == '.so man3/thrum_bell.3\n'}
        self.assertEqual(links, {
            'thrum_bell_new', 'thrum_bell_ring', 'thrum_bell_ring_at',
            'thrum_bell_loud', 'thrum_bell_config', 'thrum_bell_state',
            'thrum_bell_error', 'thrum_bell_heard_fn', 'thrum_phon'})

    def test_a_contract_becomes_text_and_tagged_paragraphs(self):
        text = self.page()
        self.assertIn(
            '\\fBthrum_bell_new\\fR(\\fItone\\fR, \\fIctx\\fR, \\fIheard\\fR)\n'
            'Makes a bell. \\fItone\\fR is in Hz.\n.IP\nIt is cast at once.\n'
            '.RS\n.TP 12\n\\fIOwnership\\fR\nnew; \\fIctx\\fR taken.\n.PD 0\n'
            '.TP 12\n\\fICalls back\\fR\nnever.\n'
            '.TP 12\n\\fIErrors\\fR\nNULL, no memory.\n.PD\n.RE\n', text)

    def test_a_macro_has_the_types_of_the_function_that_it_calls(self):
        self.assertIn('int thrum_bell_ring(thrum_bell *bell, const char *words'
                      ');\n', manual.unfonted(self.page()))

    def test_inline_functions_and_marks_are_prototypes_alone(self):
        synopsis = manual.unfonted(manual.section(self.page(), 'SYNOPSIS'))
        self.assertIn('thrum_phon thrum_bell_loud(const thrum_bell *bell);\n',
                      synopsis)
        for mark in 'THRUM_API', 'PRINTF', 'inline', 'return', '{':
            self.assertNotIn(mark, synopsis)
        self.assertIn('#include <thrum/bell.h>\n', synopsis)
        self.assertIn('/* Ringers */\n', synopsis)

    def test_fields_and_values_keep_their_own_comments(self):
        types = manual.unfonted(manual.section(self.page(), 'TYPES'))
        for each in (
                '.TP\nint tone\nin Hz; 0: any\n',
                '.TP\nvoid (*heard)(thrum_bell *bell, void *ctx)\n'
                'Who hears it; NULL: nobody.\n', '.PP\nvoid *ctx\n',
                '.TP\nTHRUM_BELL_UP = 1\nstill\n',
                '.TP\nTHRUM_BELL_DOWN\nrung\n'):
            self.assertIn(each, types)

    def test_errors_have_their_numbers_and_words(self):
        errors = manual.unfonted(manual.section(self.page(), 'ERRORS'))
        self.assertRegex(errors, r'THRUM_BELL_E_STOLEN \(-902\)\nit\'s gone\n')
        self.assertIn('THRUM_BELL_E_END (-999)', errors)

    def test_short_forms_of_the_page_are_constants_and_others_are_words(self):
        functions = manual.section(self.page(), 'FUNCTIONS')
        self.assertIn('Rings it, and \\fBCRACKED\\fR may come of it.',
                      functions)
        self.assertIn('is in Hz', functions)

    def test_the_part_by_hand_is_there(self):
        text = self.page()
        self.assertIn('.TH THRUM_BELL 3 2026-01-02 "thrum 9"', text)
        self.assertIn('thrum_bell \\- it rings\n', text)
        self.assertIn('Ring \\fBit\\fR.\n.PP\n.RS 4\n.EX\na \\- b\n.EE\n.RE\n'
                      '.PP\nA bell: it rings.\n', text)
        self.assertEqual(manual.listings(text),
                         ['int main(void)\n{\n}\n', 'ding\n'])
        self.assertIn('.BR thrum_bell (3),\n.BR thrum (1)\n', text)

    def test_pages_of_an_earlier_making_go(self):
        self.put('out/thrum_gone.3', '.so man3/thrum_bell.3\n')
        self.page()
        self.assertNotIn('thrum_gone', manual.files(self.out))


class Names(unittest.TestCase):
    def test_a_parameter_has_the_name_beside_its_stars_and_brackets(self):
        for text, name in (('void *ctx', 'ctx'), ('size_t size', 'size'),
                           ('char ascii[THRUM_HOST_ROOM]', 'ascii'),
                           ('void (*free)(void *)', 'free'), ('...', '...')):
            with self.subTest(text):
                self.assertEqual(headers.parameter(text), name)


class Lines(unittest.TestCase):
    def test_no_line_becomes_a_request(self):
        fonts = roff.Fonts(set(), {}, set())
        self.assertEqual(fonts.text('.PP is \\ text'), '\\&.PP is \\e text')
        self.assertIn('\na\n\\&.x \\e \\(aq\n', roff.listing("a\n.x \\ '"))

    def test_prototypes_fit(self):
        params = ['thrum_cooperator *cooperator', 'thrum_step_fn *step',
                  'void *it', 'size_t open', '...']
        for length in range(1, 60):
            name = 'thrum_' + 'x' * length
            text = roff.prototype(f'const char *{name}({", ".join(params)})',
                                  params)
            plain = manual.unfonted(text)
            with self.subTest(length):
                self.assertLessEqual(max(map(len, plain.split('\n'))),
                                     roff.WIDTH)
                self.assertEqual(
                    re.sub(r'\s+', '', plain),
                    re.sub(r'\s+', '', f'const char *{name}('
                           f'{",".join(params)});'))


class Refused(Case):
    """What cannot be read: the text of the header, its line, the words."""
    CASES = (
        ('/* A union. */\nunion thrum_u {\n    int x;\n};\n', 13,
         'not a form'),
        ('/* Many. */\nint thrum_a, thrum_b;\n', 13, 'not a form'),
        ('/* One. */\nTHRUM_API int bell_new(void);\n', 13,
         'does not begin with thrum_'),
        ('THRUM_API int thrum_bell_new(void);\n', 12, 'no comment'),
        ('/* About nothing. */\n\nTHRUM_API int thrum_bell_new(void);\n', 13,
         'belongs to nothing'),
        ('/* Rings. */\n#define thrum_ring(bell) ding(bell)\n', 13,
         'calls no function'),
        ('/* Open. */\nTHRUM_API int thrum_bell_new(\n', 13, 'does not end'),
        ('/* Codes. */\n#define THRUM_BELL_ERRORS(X) X(A)\n', 13,
         'not a form'),
    )

    def test_each_is_an_error_with_header_and_line(self):
        for body, line, words in self.CASES:
            with self.subTest(words, body=body):
                told = self.make(body=body)
                self.assertEqual(told.returncode, 1)
                self.assertRegex(told.stderr,
                                 rf'^from_header.py: bell.h:{line}: .*{words}')
                self.assertFalse(os.path.exists(self.out))

    def test_a_page_without_what_it_needs_is_an_error(self):
        for field in 'headers', 'name', 'see':
            with self.subTest(field):
                told = self.make(page=re.sub(f'^{field}: .*\n', '', PAGE,
                                             flags=re.M))
                self.assertEqual(told.returncode, 1)
                self.assertIn(f'no line "{field}:"', told.stderr)

    def test_codes_without_their_enumeration_are_an_error(self):
        told = self.make(body=re.sub(r'enum thrum_bell_error .*?;\n', '', BELL,
                                     flags=re.S))
        self.assertEqual(told.returncode, 1)
        self.assertIn('bell.h:15: no enumeration', told.stderr)

    def test_a_page_of_a_header_that_is_not_there_is_an_error(self):
        told = self.make(page=PAGE.replace('bell.h', 'gong.h'))
        self.assertEqual(told.returncode, 1)
        self.assertIn('there is no header gong.h', told.stderr)

    def test_a_section_that_pages_do_not_have_is_an_error(self):
        told = self.make(page=PAGE + '\nBUGS\n\nNone.\n')
        self.assertEqual(told.returncode, 1)
        self.assertIn('a section BUGS', told.stderr)

    def test_a_header_without_a_page_is_said(self):
        self.put('include/thrum/gong.h', (TOP + BELL + END).replace(
            'bell', 'gong').replace('BELL', 'GONG'))
        told = self.make()
        self.assertEqual(told.returncode, 0)
        self.assertIn('gong.h has no page', told.stderr)

    def test_comments_are_read_as_paragraphs(self):
        self.assertEqual(headers.words('/* One\n * line.\n *\n * Two. */'),
                         'One line.\nTwo.')


if __name__ == '__main__':
    unit.main()
