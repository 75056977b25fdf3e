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
