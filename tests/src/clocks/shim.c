/* Moves clocks under a running program that reaches them through the C library, when preloaded into it (ld.so(8)).
 *
 * AIRBYTE_TEST_CLOCKS names a file of four 64-bit numbers in the machine's byte order: a count of changes, how far
 * CLOCK_REALTIME is moved, how far CLOCK_BOOTTIME is moved, both in nanoseconds, and the same count again. It is mapped,
 * so that reading a clock costs no system call, and it may be written at any time: first the one count, then the numbers,
 * then the other. CLOCK_MONOTONIC never moves: neither a suspended machine nor a set clock moves it (clock_gettime(2)).
 *
 * Timers of timerfd_create(2) move along. An absolute one fires as soon as its clock has been moved past it, and one with
 * TFD_TIMER_CANCEL_ON_SET is cancelled when the wall clock is moved: so the kernel does on resume and on settimeofday(2).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define TIMERS 4096

/* What the file holds. */
static struct { _Atomic int64_t begun, wall, boot, done; } *page;

struct shift { int64_t wall, boot; };

/* A timer as the program believes it to be. */
struct timer { bool known, set, cancelled; clockid_t clock; int flags; struct itimerspec at; };

static struct timer timers[TIMERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Both numbers of one change, never one of this and one of the next. */
static struct shift current(void)
{
    struct shift shift = {0, 0};
    int64_t done;
    if (!page) return shift;
    do {
        done = page->done;
        shift = (struct shift){page->wall, page->boot};
    } while (page->begun != done);
    return shift;
}

static int64_t moved(struct shift shift, clockid_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM: return shift.wall;
    case CLOCK_BOOTTIME: case CLOCK_BOOTTIME_ALARM: return shift.boot;
    default: return 0;
    }
}

static struct timespec plus(struct timespec time, int64_t nanoseconds)
{
    time.tv_sec += nanoseconds / SECOND;
    time.tv_nsec += nanoseconds % SECOND;
    if (time.tv_nsec < 0) time.tv_sec -= 1, time.tv_nsec += SECOND;
    if (time.tv_nsec >= SECOND) time.tv_sec += 1, time.tv_nsec -= SECOND;
    return time;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*_Atomic next)(clockid_t, struct timespec *);
    if (!next) next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int outcome = next(clock, now);
    if (outcome == 0) *now = plus(*now, moved(current(), clock));
    return outcome;
}

static struct timer *find(int fd)
{
    return fd >= 0 && fd < TIMERS && timers[fd].known ? &timers[fd] : NULL;
}

static int set(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
    return syscall(SYS_timerfd_settime, fd, flags, at, old);
}

/* Sets the kernel's timer so that it fires when the moved clock shows the program's time. A time of zero would disarm
 * it, so what is past becomes the first nanosecond. */
static int arm(int fd, const struct timer *timer, struct itimerspec *old)
{
    struct itimerspec at = timer->at;
    if (timer->set && timer->flags & TFD_TIMER_ABSTIME) {
        at.it_value = plus(at.it_value, -moved(current(), timer->clock));
        if (at.it_value.tv_sec < 0) at.it_value = (struct timespec){0, 1};
        if (at.it_value.tv_sec == 0 && at.it_value.tv_nsec == 0) at.it_value.tv_nsec = 1;
    }
    return set(fd, timer->flags, &at, old);
}

static int cancelled(void)
{
    errno = ECANCELED;
    return -1;
}

int timerfd_create(clockid_t clock, int flags)
{
    pthread_mutex_lock(&lock);
    int fd = syscall(SYS_timerfd_create, clock, flags);
    if (fd >= 0 && fd < TIMERS) timers[fd] = (struct timer){.known = true, .clock = clock};
    pthread_mutex_unlock(&lock);
    return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
    pthread_mutex_lock(&lock);
    struct timer *timer = find(fd);
    bool was_cancelled = timer && timer->cancelled && flags & TFD_TIMER_CANCEL_ON_SET;
    int outcome;
    if (timer) {
        timer->set = at->it_value.tv_sec || at->it_value.tv_nsec;
        timer->cancelled = false;
        timer->flags = flags;
        timer->at = *at;
        outcome = arm(fd, timer, old);
    } else {
        outcome = set(fd, flags, at, old);
    }
    if (outcome == 0 && was_cancelled) outcome = cancelled();
    pthread_mutex_unlock(&lock);
    return outcome;
}

ssize_t read(int fd, void *room, size_t size)
{
    if (!find(fd)) return syscall(SYS_read, fd, room, size);
    pthread_mutex_lock(&lock);
    struct timer *timer = find(fd);
    ssize_t count;
    if (timer && timer->cancelled) {
        timer->cancelled = false;
        arm(fd, timer, NULL);
        count = cancelled();
    } else {
        count = syscall(SYS_read, fd, room, size);
        bool is_over = timer && count > 0 && !timer->at.it_interval.tv_sec && !timer->at.it_interval.tv_nsec;
        if (is_over) timer->set = false;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

int close(int fd)
{
    pthread_mutex_lock(&lock);
    struct timer *timer = find(fd);
    if (timer) *timer = (struct timer){.known = false};
    pthread_mutex_unlock(&lock);
    return syscall(SYS_close, fd);
}

/* Lets the kernel's timers follow a change of the clocks. */
static void follow(int fd, struct timer *timer, struct shift before, struct shift now)
{
    static const struct itimerspec at_once = {.it_value = {0, 1}};
    if (!timer->set || moved(before, timer->clock) == moved(now, timer->clock)) return;
    if (timer->flags & TFD_TIMER_CANCEL_ON_SET) {
        timer->cancelled = true;
        set(fd, TFD_TIMER_ABSTIME, &at_once, NULL);
    } else if (timer->flags & TFD_TIMER_ABSTIME) {
        arm(fd, timer, NULL);
    }
}

static void *watch(void *changes)
{
    char news[4096];
    struct shift before = current();
    while (syscall(SYS_read, (int)(intptr_t)changes, news, sizeof news) > 0 || errno == EINTR) {
        struct shift now = current();
        pthread_mutex_lock(&lock);
        for (int fd = 0; fd < TIMERS; fd++)
            if (timers[fd].known) follow(fd, &timers[fd], before, now);
        pthread_mutex_unlock(&lock);
        before = now;
    }
    return NULL;
}

static void fail(const char *what)
{
    perror(what);
    abort();
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("AIRBYTE_TEST_CLOCKS");
    if (!path) return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *page, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) fail(path);
    close(file);
    int changes = inotify_init1(IN_CLOEXEC);
    if (changes < 0 || inotify_add_watch(changes, path, IN_MODIFY) < 0) fail("inotify");
    page = mapped;
    pthread_t thread;
    if ((errno = pthread_create(&thread, NULL, watch, (void *)(intptr_t)changes))) fail("pthread_create");
}
