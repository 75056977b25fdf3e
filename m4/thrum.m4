# SPDX-License-Identifier: MIT

# THRUM_WARNINGS: the warnings that the tree is clean of, in WARN_CFLAGS.
AC_DEFUN([THRUM_WARNINGS], [
    AC_ARG_ENABLE([werror],
        [AS_HELP_STRING([--enable-werror], [warnings are errors])])
    WARN_CFLAGS="-std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes"
    WARN_CFLAGS="$WARN_CFLAGS -Wmissing-prototypes -Wconversion"
    WARN_CFLAGS="$WARN_CFLAGS -Wpointer-arith -Wwrite-strings -Wvla"
    WARN_CFLAGS="$WARN_CFLAGS -Werror=implicit-function-declaration"
    AS_IF([test "x$enable_werror" = xyes],
        [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
    AC_SUBST([WARN_CFLAGS])
])

# THRUM_SANITIZERS: --enable-sanitizers[=LIST], in SAN_CFLAGS and SAN_LDFLAGS.
AC_DEFUN([THRUM_SANITIZERS], [
    AC_ARG_ENABLE([sanitizers],
        [AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@],
            [build with sanitizers (default LIST: address,undefined)])],
        [], [enable_sanitizers=no])
    AS_CASE([$enable_sanitizers],
        [no], [],
        [yes], [enable_sanitizers=address,undefined])
    AS_IF([test "x$enable_sanitizers" != xno], [
        SAN_CFLAGS="-fsanitize=$enable_sanitizers -fno-omit-frame-pointer"
        SAN_CFLAGS="$SAN_CFLAGS -fno-sanitize-recover=all"
        SAN_LDFLAGS="-fsanitize=$enable_sanitizers"
    ])
    AC_SUBST([SAN_CFLAGS])
    AC_SUBST([SAN_LDFLAGS])
    AM_CONDITIONAL([SANITIZERS], [test "x$enable_sanitizers" != xno])
])

# THRUM_THREADS: --enable-thread-checks; sanitizers have them as well.
AC_DEFUN([THRUM_THREADS], [
    AC_ARG_ENABLE([thread-checks],
        [AS_HELP_STRING([--enable-thread-checks],
            [end the program where a thread uses what belongs to another])],
        [], [enable_thread_checks=no])
    AS_IF([test "x$enable_thread_checks$enable_sanitizers" != xnono],
        [THREADS_CPPFLAGS=-DTHRUM__CHECK_THREADS])
    AC_SUBST([THREADS_CPPFLAGS])
])

# THRUM_LINKER: what the linker and the preprocessor are told if they can do
# it. In DEFS_LDFLAGS: a library with undefined symbols is an error (clang's
# sanitizers leave their own undefined). In MAP_CPPFLAGS: __FILE__ begins at the
# top of the tree, so no path of this machine gets into a library.
AC_DEFUN([THRUM_LINKER], [
    thrum_cflags=$CFLAGS
    CFLAGS="$CFLAGS $SAN_CFLAGS -fPIC -shared -Wl,-z,defs"
    AC_MSG_CHECKING([whether a library can forbid undefined symbols])
    AC_LINK_IFELSE([AC_LANG_SOURCE([int thrum_probe(int *at, int i);
        int thrum_probe(int *at, int i) { return at[[i]] / i; }])],
        [AC_MSG_RESULT([yes])
         DEFS_LDFLAGS="-Wl,-z,defs"],
        [AC_MSG_RESULT([no])])
    CFLAGS="$thrum_cflags -fmacro-prefix-map=a=b"
    AC_MSG_CHECKING([whether __FILE__ can be shortened])
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([int thrum_probe;])],
        [AC_MSG_RESULT([yes])
         MAP_CPPFLAGS='-fmacro-prefix-map=$(top_srcdir)/='],
        [AC_MSG_RESULT([no])])
    CFLAGS=$thrum_cflags
    AC_SUBST([DEFS_LDFLAGS])
    AC_SUBST([MAP_CPPFLAGS])
])

# THRUM_CALLS: in CALL_CFLAGS and CALL_LDFLAGS, so far as they are understood:
# calls within a library go straight to their function, and those between
# libraries through one jump. Of what a message costs they were 2 %.
AC_DEFUN([THRUM_CALLS], [
    CALL_CFLAGS="-fno-semantic-interposition -fno-plt"
    CALL_LDFLAGS="-Wl,-Bsymbolic-functions"
    thrum_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $CALL_CFLAGS -fPIC -shared $CALL_LDFLAGS"
    AC_MSG_CHECKING([whether calls within a library can be direct])
    AC_LINK_IFELSE([AC_LANG_SOURCE([int thrum_probe(int i);
        int thrum_probe(int i) { return i; }])],
        [AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no])
         CALL_CFLAGS=
         CALL_LDFLAGS=])
    CFLAGS=$thrum_cflags
    AC_SUBST([CALL_CFLAGS])
    AC_SUBST([CALL_LDFLAGS])
])
