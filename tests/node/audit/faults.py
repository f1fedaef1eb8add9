"""Disks that refuse: a preloaded library lets the system calls on log.db fail while a file says so.

The failures are what the operating system itself would answer, below SQLite and Python: EIO from
fsync, ENOSPC from write, EROFS from write and open. Only files whose name holds ``log.db`` fail.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FLAG = "INTERLINGUA_TEST_FAULT"
"""Environment variable: the file that holds the first letter of the present fault's name."""

FAULTS = ("fsync", "full", "read-only")
"""An fsync that fails, a full disk, a file system that was mounted again for reading only."""

POSSIBLE = sys.platform == "linux" and shutil.which("cc") is not None
REASON = "failing system calls are injected by a preloaded library: needs Linux and a C compiler"

_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

static char fault(void) {
    const char *flag = getenv("INTERLINGUA_TEST_FAULT");
    char letter = 0;
    int fd = flag ? syscall(SYS_openat, AT_FDCWD, flag, O_RDONLY) : -1;
    if (fd >= 0) { if (syscall(SYS_read, fd, &letter, 1) != 1) letter = 0; syscall(SYS_close, fd); }
    return letter;
}
static int of_log(int fd) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strstr(path, "log.db") != NULL;
}
static int refuses_sync(int fd) { return fault() == 'f' && of_log(fd) ? EIO : 0; }
static int refuses_write(int fd) {
    char letter = fault();
    if ((letter != 'n' && letter != 'r') || !of_log(fd)) return 0;
    return letter == 'n' ? ENOSPC : EROFS;
}
#define PASS(check, real, call) do { \
    int refused = check; \
    if (refused) { errno = refused; return -1; } \
    if (!real) real = dlsym(RTLD_NEXT, __func__); \
    return call; } while (0)

int fsync(int fd) {
    static int (*real)(int); PASS(refuses_sync(fd), real, real(fd)); }
int fdatasync(int fd) {
    static int (*real)(int); PASS(refuses_sync(fd), real, real(fd)); }
ssize_t write(int fd, const void *from, size_t n) {
    static ssize_t (*real)(int, const void *, size_t);
    PASS(refuses_write(fd), real, real(fd, from, n)); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    PASS(refuses_write(fd), real, real(fd, from, n, at)); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    PASS(refuses_write(fd), real, real(fd, from, n, at)); }
static int refuses_open(const char *path, int flags) {
    return strstr(path, "log.db") && (flags & (O_WRONLY | O_RDWR)) && fault() == 'r' ? EROFS : 0; }
static int mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0; }
int open(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list rest; va_start(rest, flags); int mode = mode_of(flags, rest); va_end(rest);
    PASS(refuses_open(path, flags), real, real(path, flags, mode)); }
int open64(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list rest; va_start(rest, flags); int mode = mode_of(flags, rest); va_end(rest);
    PASS(refuses_open(path, flags), real, real(path, flags, mode)); }
"""


def environment(folder: Path) -> dict[str, str]:
    """Build the library in ``folder``; return what a process needs in its environment."""
    source, library = folder / "shim.c", folder / "shim.so"
    source.write_text(_SHIM)
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library), FLAG: str(folder / "fault")}


def inject(name: str) -> None:
    """Let the fault begin in every process that has this one's environment."""
    Path(os.environ[FLAG]).write_text({"fsync": "f", "full": "n", "read-only": "r"}[name])


def mend() -> None:
    """End the fault."""
    if flag := os.environ.get(FLAG):
        Path(flag).unlink(missing_ok=True)
