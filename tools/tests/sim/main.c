/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The simulator's command line: crash points and seeds one after another on
 * every processor, what they came to, and the way to a failure.
 * usage: sim [-s SEED] [-n SEEDS] [-e EPOCHS] [-t SECONDS] [-j JOBS]
 *            [-E EPOCHS-OF-A-SEED] [-x DEPTH [-w WORLD]] [-p POINT] [-r] [-v]
 * -x: every crash point, so many crashes deep, before any seed; -w: from that
 *     world of enumerate.c on
 * -p: one of them, by its name
 * -r: the run has to have reached every rare state of SIM_MARKS
 */
#include "clock.h"
#include "sim.h"

#include <inttypes.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRACE_SHOWN 60u
#define JOBS_MAX 64

struct job {
    uint64_t seed, seeds, epochs, seed_epochs;
    double seconds;
    unsigned int depth;         /* crash points, and no seeds, */
    unsigned int world;         /* from this world on */
    unsigned int part, parts;   /* of them */
    const char *point;
    int jobs;
    bool draws, verbose, required;
};

struct outcome {
    struct sim_count count;
    uint64_t bad_seed;
    bool failed;
    char why[256], point[48];
};

static const char *const fault_texts[] = {
#define TEXT(id, text) text,
    SIM_FAULTS(TEXT)
#undef TEXT
};

static const struct { const char *name, *text; } marks[] = {
#define MARK(id, text) { #id, text },
    SIM_MARKS(MARK)
#undef MARK
};

static double seconds_now(void)
{
    return (double)clock_ns() / 1e9;
}

/* A session that logs a bug of its own has one. */
static void sink(void *ctx, enum log_level level, const char *line)
{
    struct sim *s = ctx;

    sim_say(s, "%s", line);
    if (level == LOG_ERROR && strstr(line, "event=bug"))
        sim_violated(s, "%s", line);
}

static struct sim *sim_new(bool traced)
{
    struct sim *s = calloc(1, sizeof(*s));

    if (!s)
        abort();
    s->log = (struct logger) { sink, s, traced ? LOG_TRACE : LOG_ERROR };
    if (traced)
        s->trace = calloc(SIM_TRACE_LINES, sizeof(*s->trace));
    return s;
}

static void sim_free(struct sim *s)
{
    free(s->told);
    free(s->trace);
    free(s);
}

static void show_trace(const struct sim *s, unsigned int lines)
{
    unsigned int n = s->trace_at < lines ? s->trace_at : lines;

    for (unsigned int i = s->trace_at - n; i < s->trace_at; i++)
        printf("#   %s\n", s->trace[i % SIM_TRACE_LINES]);
}

static void failed(struct outcome *o, const struct sim *s)
{
    o->failed = true;
    o->bad_seed = s->seed;
    memcpy(o->why, s->why, sizeof(o->why));
    memcpy(o->point, s->point, sizeof(o->point));
}

static void one_job(const struct job *j, struct outcome *o)
{
    double until = seconds_now() + j->seconds;
    struct sim *s = sim_new(false);

    if (j->depth && !sim_enumerate(s, j->depth, j->world, j->part, j->parts))
        failed(o, s);
    for (uint64_t i = 0; !j->depth && !o->failed; i++) {
        if ((j->seeds && i == j->seeds) ||
            (j->epochs && s->count.epochs >= j->epochs) ||
            (j->seconds > 0 && seconds_now() >= until))
            break;
        if (sim_run(s, j->seed + i, j->seed_epochs))
            continue;
        failed(o, s);
    }
    o->count = s->count;
    sim_free(s);
}

/* The same again, with what happens written down. */
static void replay(const struct job *j, const char *point, uint64_t seed,
                   unsigned int lines)
{
    struct sim *s = sim_new(true);

    if (*point)
        sim_point(s, point);
    else
        sim_run(s, seed, j->seed_epochs);
    show_trace(s, lines);
    sim_free(s);
}

static void add(struct outcome *to, const struct outcome *o)
{
    uint64_t *a = (uint64_t *)&to->count;
    const uint64_t *b = (const uint64_t *)&o->count;

    for (size_t i = 0; i < offsetof(struct sim_count, places) / sizeof(*a);
         i++)
        a[i] += b[i];
    for (size_t i = 0; i < PLACES_NR / 64; i++)
        to->count.places[i] |= o->count.places[i];
    if (o->failed && !to->failed) {
        to->failed = true;
        to->bad_seed = o->bad_seed;
        memcpy(to->why, o->why, sizeof(to->why));
        memcpy(to->point, o->point, sizeof(to->point));
    }
}

/* Each processor has seeds of its own. */
static void run_jobs(const struct job *all, struct outcome *sum)
{
    int pipes[JOBS_MAX][2], jobs = all->jobs;

    if (jobs == 1) {    /* here, so that a leak is found at the end */
        one_job(all, sum);
        return;
    }
    for (int i = 0; i < jobs; i++) {
        if (pipe(pipes[i]))
            abort();
        if (fork() == 0) {
            struct job j = *all;
            struct outcome o = { 0 };

            j.part = (unsigned int)i;
            j.seed += (uint64_t)i * 1000000;
            j.seeds = (j.seeds + (uint64_t)(jobs - 1 - i)) / (uint64_t)jobs;
            j.epochs = (j.epochs + (uint64_t)jobs - 1) / (uint64_t)jobs;
            if (all->seeds && !j.seeds && !all->depth)
                _exit(0);
            one_job(&j, &o);
            _exit(write(pipes[i][1], &o, sizeof(o)) != sizeof(o));
        }
        close(pipes[i][1]);
    }
    for (int i = 0; i < jobs; i++) {
        struct outcome o = { 0 };
        ssize_t n = read(pipes[i][0], &o, sizeof(o));
        int status = 0;

        close(pipes[i][0]);
        wait(&status);
        if (n == (ssize_t)sizeof(o))
            add(sum, &o);
        else if (status) {
            sum->failed = true;
            snprintf(sum->why, sizeof(sum->why), "a job died, status %#x",
                     (unsigned int)status);
        }
    }
}

static void report(const struct outcome *o, double took, bool verbose)
{
    const struct sim_count *c = &o->count;

    int places = 0;

    for (size_t i = 0; i < PLACES_NR / 64; i++)
        places += __builtin_popcountll(c->places[i]);
    if (c->points[0])
        printf("# %" PRIu64 " points with one crash, %" PRIu64 " with two: "
               "protected again after each\n", c->points[1], c->points[2]);
    printf("# %d combinations of both sides' states and fences\n", places);
    if (c->seeds)
        printf("# %" PRIu64 " seeds\n", c->seeds);
    printf("# %" PRIu64 " sessions, %" PRIu64 " epochs, %" PRIu64
           " takeovers, %" PRIu64 " writes acknowledged, %" PRIu64
           " steps\n# %.1f s: %.0f epochs/s\n", c->sessions, c->epochs,
           c->takeovers, c->told, c->steps, took, (double)c->epochs / took);
    for (int i = 0; verbose && i < SIM_FAULTS_NR; i++)
        printf("# %8" PRIu64 "  %s\n", c->faults[i], fault_texts[i]);
    for (int i = 0; verbose && i < SIM_MARKS_NR; i++)
        printf("# %8" PRIu64 "  %s\n", c->marks[i], marks[i].text);
}

/* How many rare states a run never came to; each is named. */
static int missed(const struct outcome *o)
{
    int n = 0;

    for (int i = 0; i < SIM_MARKS_NR; i++)
        if (!o->count.marks[i]) {
            printf("not ok - never reached: %s: %s\n", marks[i].name,
                   marks[i].text);
            n++;
        }
    return n;
}

static bool options(int argc, char **argv, struct job *all)
{
    bool seeded = false;
    int c;

    all->jobs = (int)sysconf(_SC_NPROCESSORS_ONLN);
    while ((c = getopt(argc, argv, "s:n:e:t:j:E:x:w:p:rv")) != -1) {
        switch (c) {
        case 's': all->seed = strtoull(optarg, NULL, 0); seeded = true; break;
        case 'n': all->seeds = strtoull(optarg, NULL, 0); break;
        case 'e': all->epochs = strtoull(optarg, NULL, 0); break;
        case 't': all->seconds = strtod(optarg, NULL); break;
        case 'j': all->jobs = atoi(optarg); break;
        case 'E': all->seed_epochs = strtoull(optarg, NULL, 0); break;
        case 'w': all->world = (unsigned int)atoi(optarg); break;
        case 'x': all->depth = (unsigned int)atoi(optarg); break;
        case 'p': all->point = optarg; break;
        case 'r': all->required = true; break;
        case 'v': all->verbose = true; break;
        default:
            return false;
        }
    }
    if (!seeded && getrandom(&all->seed, 4, 0) < 0)
        all->seed = (uint64_t)time(NULL);
    if (!all->seeds && !all->epochs && all->seconds <= 0 && !all->depth)
        all->seeds = 1;
    all->draws = all->seeds || all->epochs || all->seconds > 0;
    if (all->jobs < 1 || all->jobs > JOBS_MAX || all->seeds == 1)
        all->jobs = 1;
    all->parts = (unsigned int)all->jobs;
    return all->depth <= CRASHES_MAX;
}

/* The way to it. */
static int not_ok(const struct job *all, const struct outcome *o)
{
    if (*o->point)
        printf("not ok - %s: %s\n", o->point, o->why);
    else
        printf("not ok - seed %" PRIu64 ": %s\n", o->bad_seed, o->why);
    fflush(stdout);
    replay(all, o->point, o->bad_seed, TRACE_SHOWN);
    if (*o->point)
        printf("# again: make sim POINT=%s\n", o->point);
    else
        printf("# again: make sim SEED=%" PRIu64 " EPOCHS=%" PRIu64 "\n",
               o->bad_seed, all->seed_epochs);
    return 1;
}

static int one_point(const struct job *all)
{
    struct sim *s = sim_new(true);
    bool ok = sim_point(s, all->point);

    show_trace(s, all->verbose ? SIM_TRACE_LINES : TRACE_SHOWN);
    printf("%sok - %s%s%s\n", ok ? "" : "not ", all->point, ok ? "" : ": ",
           ok ? "" : s->why);
    sim_free(s);
    return !ok;
}

static int enumerate(const struct job *all)
{
    double started = seconds_now();
    struct outcome sum = { 0 };

    run_jobs(all, &sum);
    report(&sum, seconds_now() - started, all->verbose);
    if (sum.failed)
        return not_ok(all, &sum);
    printf("ok - crash points\n");
    fflush(stdout);
    return 0;
}

static int draw(struct job *all)
{
    double started = seconds_now();
    struct outcome sum = { 0 };

    all->depth = 0;
    printf("# seeds from %" PRIu64 ", %d jobs\n", all->seed, all->jobs);
    fflush(stdout);
    run_jobs(all, &sum);
    report(&sum, seconds_now() - started, all->verbose);
    if (all->verbose && all->seeds == 1 && !sum.failed)
        replay(all, "", all->seed, SIM_TRACE_LINES);
    if (sum.failed)
        return not_ok(all, &sum);
    if (all->required && missed(&sum))
        return 1;
    printf("ok - simulated\n");
    return 0;
}

int main(int argc, char **argv)
{
    struct job all = { .seed_epochs = 2000 };

    /* Each world takes and frees the same memory: the kernel needn't know. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    if (!options(argc, argv, &all)) {
        fprintf(stderr, "usage: sim [-s SEED] [-n SEEDS] [-e EPOCHS] "
                "[-t SECONDS] [-j JOBS] [-E EPOCHS-OF-A-SEED] "
                "[-x DEPTH [-w WORLD]] [-p POINT] [-r] [-v]\n");
        return 2;
    }
    if (all.point)
        return one_point(&all);
    if (all.depth && enumerate(&all))
        return 1;
    return all.draws ? draw(&all) : 0;
}
