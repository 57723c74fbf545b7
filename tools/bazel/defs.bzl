"""The C++ rules of proxenos: the native ones with our flags.

One compilation mode serves all; a sanitizer is chosen by --define=sanitizer=asan|tsan|fuzz and only
changes the flags of targets made by these macros, so outside code is compiled once for all of them.
"""

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Werror",
]

_LANGUAGE = [
    "-std=c++20",
    "-fno-exceptions",
    "-fno-rtti",
]

# GCC 12 sees overlapping copies in std::string's own code (its bug 105651), and, when a sanitizer has
# taken the optimizer's knowledge away, uninitialized values in std::optional and friends.
_GCC_FALSE_ALARMS = ["-Wno-restrict"]

_SANITIZER_COMMON = [
    "-O1",
    "-g1",
    "-fno-omit-frame-pointer",
    "-UNDEBUG",
    "-U_FORTIFY_SOURCE",
]

# The outside libraries are not sanitized, so their headers must not see the compiler's own macros:
# protobuf messages would gain a member under the thread sanitizer, and arenas would be poisoned by
# our half of an inline function and never unpoisoned by the library's. Our code asks PROXENOS_ASAN
# and PROXENOS_TSAN. (_GLIBCXX_TSAN is what libstdc++ derives from the hidden macro.)
_HIDE_ASAN = ["-U__SANITIZE_ADDRESS__"]

_HIDE_TSAN = [
    "-U__SANITIZE_THREAD__",
    "-D_GLIBCXX_TSAN=1",
]

_MODE_COPTS = select({
    "//tools/bazel:asan": _GCC_FALSE_ALARMS + _SANITIZER_COMMON + _HIDE_ASAN + [
        "-Wno-maybe-uninitialized",
        "-fsanitize=address,undefined",
        "-fno-sanitize=vptr",
        "-fno-sanitize-recover=all",
        "-DPROXENOS_ASAN=1",
    ],
    "//tools/bazel:tsan": _GCC_FALSE_ALARMS + _SANITIZER_COMMON + _HIDE_TSAN + [
        "-Wno-maybe-uninitialized",
        "-Wno-tsan",
        "-fsanitize=thread",
        "-DPROXENOS_TSAN=1",
    ],
    "//tools/bazel:fuzz": _SANITIZER_COMMON + [
        # Clang finds deprecated values inside the generated headers themselves.
        "-Wno-deprecated-declarations",
        "-fsanitize=fuzzer-no-link,address,undefined",
        "-fno-sanitize=vptr,function",
        "-fno-sanitize-recover=all",
        "-DPROXENOS_ASAN=1",
    ],
    # No frame pointers (profilers unwind by DWARF), and no function may be replaced at load time: both
    # would cost a tenth of the instructions that a request takes.
    "//conditions:default": _GCC_FALSE_ALARMS + [
        "-O2",
        "-g1",
        "-fomit-frame-pointer",
        "-fno-semantic-interposition",
    ],
})

_MODE_LINKOPTS = select({
    "//tools/bazel:asan": ["-fsanitize=address,undefined"],
    "//tools/bazel:tsan": ["-fsanitize=thread"],
    "//tools/bazel:fuzz": ["-fsanitize=address,undefined"],
    "//conditions:default": [],
})

# .bazelrc points the sanitizer's options at this file.
_MODE_DATA = select({
    "//tools/bazel:tsan": ["//tools/bazel:tsan.supp"],
    "//conditions:default": [],
})

def _copts(extra):
    return _LANGUAGE + _WARNINGS + _MODE_COPTS + extra

# The whole project may use what lies in source/; tools/check_layers.py tells which folder uses which.
_VISIBLE = [
    "//source:__subpackages__",
    "//test:__subpackages__",
    "//tools:__subpackages__",
]

def _visibility(asked):
    return asked or (_VISIBLE if native.package_name().startswith("source/") else None)

def px_cc_library(name, copts = [], visibility = None, **kwargs):
    """A library. It has only a static form: tests take outside code shared and ours static."""
    native.cc_library(
        name = name,
        copts = _copts(copts),
        linkstatic = True,
        visibility = _visibility(visibility),
        **kwargs
    )

def px_cc_binary(name, copts = [], linkopts = [], visibility = None, **kwargs):
    """A program: all but Debian's libraries is linked into it."""
    native.cc_binary(
        name = name,
        copts = _copts(copts),
        linkopts = _MODE_LINKOPTS + linkopts,
        linkstatic = True,
        visibility = _visibility(visibility),
        **kwargs
    )

def px_cc_test(name, copts = [], linkopts = [], deps = [], data = [], size = "small", gtest_main = True, **kwargs):
    """A gtest program. Its main comes with it unless gtest_main is False."""
    native.cc_test(
        name = name,
        copts = _copts(copts),
        data = data + _MODE_DATA,
        linkopts = _MODE_LINKOPTS + linkopts,
        linkstatic = False,
        size = size,
        deps = deps + (["@system//:gtest_main"] if gtest_main else []),
        **kwargs
    )

def px_cc_fuzz_test(name, srcs, corpus, deps = [], size = "small", **kwargs):
    """A fuzz target: one file with LLVMFuzzerTestOneInput, and a folder of inputs.

    As a test it replays each file of the corpus, whole and cut short. With
    --define=sanitizer=fuzz (what `tools/dev fuzz NAME` sets, under clang) it is a libFuzzer program.

    Args:
      name: ends in _fuzz.
      srcs: the target.
      corpus: a folder of this package, such as "corpus/http1_codec".
      deps: what it exercises.
      size: as of a test.
      **kwargs: passed on to cc_test.
    """
    files = native.glob([corpus + "/**"], allow_empty = True)
    native.cc_test(
        name = name,
        srcs = srcs,
        args = [native.package_name() + "/" + corpus],
        copts = _copts([]),
        data = files + _MODE_DATA,
        linkopts = _MODE_LINKOPTS + select({
            "//tools/bazel:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        linkstatic = False,
        size = size,
        deps = deps + select({
            "//tools/bazel:fuzz": [],
            "//conditions:default": ["//tools/bazel:fuzz_replay"],
        }),
        **kwargs
    )

def px_py_test(name, src, args = [], data = [], size = "small", **kwargs):
    """A Python program as a test; it finds its data below the working directory, by project path."""
    native.sh_test(
        name = name,
        srcs = ["//tools/bazel:run_python.sh"],
        args = ["$(location %s)" % src] + args,
        data = [src] + data + _MODE_DATA,
        size = size,
        **kwargs
    )

def px_tree_test(name, command, size = "small", **kwargs):
    """A command that looks at the whole source tree, run there each time (it is never cached)."""
    native.sh_test(
        name = name,
        srcs = ["//tools/bazel:over_tree.sh"],
        args = ["$(location //:WORKSPACE)"] + command,
        data = ["//:WORKSPACE"],
        size = size,
        tags = [
            "external",
            "local",
        ],
        **kwargs
    )
