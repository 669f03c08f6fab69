/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The commands that this program has itself, their help, and how a command
 * line of theirs is read. What isn't listed here belongs to the system's xl.
 */
#include <stdio.h>
#include <string.h>

#include "xl.h"

#define PAIR_OPTIONS \
"--fence CMD        Run `CMD PEER' when PEER is lost; exit 0 means that\n" \
"                   PEER is certainly off. '' for none. `watchdog' is no\n" \
"                   command: Xen ends the domain's whole host unless we\n" \
"                   go on asking it not to (watchdog:SECONDS, default 3).\n" \
"--heartbeat-ms MS  How often a sign of life is sent (default 100).\n" \
"--silence-ms MS    So long without one, and PEER is lost (default 500).\n" \
"--dialect=xen|qemu What both sides speak (default xen): see the man page.\n" \
"                   qemu: QEMU's COLO protocol, in its periodic mode; the\n" \
"                   copy stands still. Not with COLO.\n"

/* What `xl remus' and `xl migrate --colo' have alike. */
static const char protect_options[] =
"-s CMD             Reach HOST by CMD instead of ssh. It goes to sh. If\n"
"                   empty, run HOST instead of ssh HOST xl migrate-receive.\n"
"-e                 On HOST, don't wait in the background for the domain's\n"
"                   end after it took over.\n"
"-p                 Accepted and without effect: output is always compared\n"
"                   by this program.\n"
PAIR_OPTIONS
"--takeover=auto|manual\n"
"                   What HOST does when we are lost and no fence command is\n"
"                   set: take over (auto, default), or wait for `xl\n"
"                   colo-failover' (manual). With --shared-disks it waits.\n"
"--peer-name NAME   What HOST's fence command calls us (default: our node\n"
"                   name).\n"
"--host-name NAME   What our fence command calls HOST (default: HOST without\n"
"                   the user).\n"
"--step-ms MS       Limit on each step of a checkpoint (default 10000).\n"
"--staging-mb MB    Memory for the pages of one checkpoint (default: as much\n"
"                   as the domain has).\n"
"--max-dirty-pages N\n"
"                   A checkpoint before its time when N pages were written\n"
"                   since the last: bounds the pause.\n"
"--shared-disks     Writable disks are shared storage that both hosts see:\n"
"                   HOST takes over only with proof that we are off.\n"
"--compare-timeout-ms MS\n"
"                   COLO: output that the copy hasn't sent, too, waits so\n"
"                   long before a checkpoint lets it go (default 3000).\n"
"--debug-verify     Compare some pages of both hosts with each checkpoint,\n"
"                   and so all of them, again and again.\n"
"--json-epochs FILE Append one JSON object per checkpoint to FILE.\n"
"\n"
"With global -v one line per checkpoint; with global -N only show the\n"
"command that would be run.\n";

static const char remus_options[] =
"-i MS              A checkpoint every MS milliseconds (default 200; with\n"
"                   COLO 10000, and whenever the copies differ).\n"
"-F                 Permit unsafe ways to run: -n.\n"
"-n                 Don't hold network output: clients may see what a\n"
"                   take-over undoes. Needs -F.\n"
"-u, -d, -N SCRIPT  Accepted and without effect: streams aren't compressed,\n"
"                   disks aren't replicated yet, output is held without a\n"
"                   script.\n"
"-c                 COLO: as `xl migrate --colo'.\n"
"-b                 Refused: a blackhole is stock xl's.\n";

static const char colo_options[] =
"-i MS              A checkpoint every MS milliseconds (default 10000), and\n"
"                   whenever the copies differ.\n"
"--live, --debug    Accepted and without effect.\n"
"-C, -D             Refused: the copy has the domain's configuration, and a\n"
"                   number of that host's.\n";

static const char receive_options[] =
"-r, --remus        Receive checkpoints.\n"
"--colo             The same, and run the copy beside the domain. Without\n"
"                   either of them the system's xl does the receiving.\n"
"-e                 Don't wait in the background for the domain's end after\n"
"                   taking over.\n"
PAIR_OPTIONS
"--interval-ms MS   With --dialect=qemu: how often the other host makes a\n"
"                   checkpoint (default 200); it is lost when none comes.\n"
"--peer NAME        What the fence command calls the other host (default:\n"
"                   the address that ssh tells).\n"
"--takeover=auto|manual\n"
"                   Without a fence command, when the other host is lost:\n"
"                   take over (default), or wait for `xl colo-failover'.\n";

static const char sink_options[] =
"LISTEN is tcp:HOST:PORT or unix:PATH: the primary is told to migrate there.\n"
"It has the capability x-colo, and none of multifd, return-path, xbzrle,\n"
"compress and x-ignore-shared. Only memory and devices are kept, no disks.\n"
"\n"
"--keep N           Keep the N newest checkpoints (default 2).\n"
"--silence-ms MS    So long without an octet within the first copy or a\n"
"                   checkpoint, and the primary is lost (default 10000).\n"
"--idle-ms MS       The same between two checkpoints (default: no limit).\n"
"--state-max-mb MB  Refuse a device state above that (default 512).\n"
"-v                 One line for each checkpoint.\n"
"\n"
"Exit code 0: the primary closed the connection between two checkpoints; 1:\n"
"it failed. Either way DIR has the newest checkpoint that was acknowledged.\n";

static const char replay_options[] =
"CONNECT is tcp:HOST:PORT or unix:PATH, where a QEMU with the same devices\n"
"listens (-incoming) and has the capability x-colo. When this has ended with\n"
"0, its monitor's command x-colo-lost-heartbeat lets the guest run.\n"
"\n"
"--checkpoint N     Not the newest, but N, which has to be kept.\n"
"--silence-ms MS    Limit on each wait for QEMU (default 30000).\n";

static const struct command table[] = {
    { .name = "remus", .run = cmd_remus, .can_dryrun = true,
      .args = "[options] DOMAIN HOST",
      .summary = "Protect a domain: keep a copy in step on another host",
      .options = remus_options, .more = protect_options },
    { .name = "migrate-receive", .run = cmd_receive, .is_internal = true,
      .args = "-r|--colo [options]",
      .summary = "Receive a protected domain (started by `xl remus')",
      .options = receive_options },
    { .name = "migrate", .run = cmd_migrate_colo, .is_internal = true,
      .can_dryrun = true,
      .args = "--colo [options] DOMAIN HOST",
      .summary = "Protect a domain by lock-stepping: its copy runs, too",
      .options = colo_options, .more = protect_options },
    { .name = "colo-status", .run = cmd_status,
      .args = "[-j] [DOMAIN]",
      .summary = "Show what is protected by and on this host",
      .options = "-j                 As a JSON array.\n" },
    { .name = "colo-failover", .run = cmd_failover,
      .args = "[-f] DOMAIN",
      .summary = "Let this host's copy of a domain take over",
      .options =
"Only where the other host is lost: you vouch that it doesn't run the\n"
"domain any more.\n"
"-f                 Don't ask.\n" },
    { .name = "colo-stop", .run = cmd_stop,
      .args = "[--release] DOMAIN",
      .summary = "End the protection of a domain",
      .options =
"On the host that runs the domain, it goes on there and the copy is given\n"
"up; on the host of the copy, the copy is given up.\n"
"--release          The other host is lost: you vouch that its copy doesn't\n"
"                   run, and held output is let go. Also frees what a dead\n"
"                   session left held.\n" },
    { .name = "pause", .run = cmd_pause,
      .args = "DOMAIN",
      .summary = "Pause a domain; a protected one stays so on either host" },
    { .name = "unpause", .run = cmd_unpause,
      .args = "DOMAIN",
      .summary = "Let a paused domain run, whatever it was stopped for" },
    { .name = "colo-start", .run = cmd_start,
      .args = "[-f] DOMAIN",
      .summary = "Let a protected domain run that was paused",
      .options =
"-f                 Also one whose watchdog ran out, that panicked, or that\n"
"                   goes on elsewhere.\n" },
    { .name = "colo-retry", .run = cmd_retry,
      .args = "DOMAIN",
      .summary = "Let a protected domain try failed storage requests again" },
    { .name = "colo-trace", .run = cmd_trace, .is_apart = true,
      .args = "[options] LISTEN CONNECT | --check [options] FILE",
      .summary = "Watch two QEMUs' COLO, or check what was written down",
      .options =
"LISTEN, CONNECT    tcp:HOST:PORT or unix:PATH: the primary migrates to the\n"
"                   first, the secondary listens at the second.\n"
"--json             One JSON object a line.\n"
"--messages         A line for each message, too.\n"
"--silence-ms MS    Report silence but between checkpoints (default: 5000;\n"
"                   0: never).\n"
"--record FILE      Keep all that passes, with times.\n"
"--cut-at MESSAGE:N Pass all up to that message of checkpoint N, then close\n"
"                   both sides; also ram:N, vmstate:N.\n"
"--hang-at MESSAGE:N\n"
"                   The same, then pass nothing more.\n"
"--check            FILE is a record; or what `xl -vvv remus' said on\n"
"                   stderr, which is held against the tables; - for stdin.\n"
"\n"
"Exit code 0: a clean end, by the protocol; 1: not; 2: the command line\n"
"isn't understood, or FILE can't be read or has nothing in it.\n" },
    { .name = "colo-sink", .run = cmd_sink, .is_apart = true,
      .args = "[options] LISTEN DIR",
      .summary = "Keep the checkpoints of a QEMU COLO primary in a directory",
      .options = sink_options },
    { .name = "colo-replay", .run = cmd_replay, .is_apart = true,
      .args = "[options] DIR CONNECT",
      .summary = "Give a QEMU the newest checkpoint of a directory",
      .options = replay_options },
    { .name = "stream-verify", .run = cmd_stream_verify, .is_apart = true,
      .args = "[options] [FILE]",
      .summary = "Check a migration stream, a save file or a back channel",
      .options =
"-i FD|FILE         Read this (default: stdin).\n"
"-f auto|xl|libxl|libxc\n"
"                   The outermost layer (default: by its first octets).\n"
"-v                 One line for each record.\n"
"-q                 Only errors.\n"
"--mode auto|plain|remus|colo\n"
"                   What the stream is known to be.\n"
"--complete         A checkpointed stream that was cut off is bad.\n"
"--back-channel     From a secondary to its primary.\n"
"\n"
"Exit code 0: good; 1: bad, and the rule is named; 2: it can't be read.\n" },
};
#define TABLE_NR (sizeof(table) / sizeof(table[0]))

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < TABLE_NR; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

static bool has_word(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], word))
            return true;
    return false;
}

/* -r alone or in a bundle, as getopt reads stock's "Fedrp". */
static bool has_flag_r(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        const char *a = argv[i];

        if (a[0] == '-' && a[1] && a[1] != '-' &&
            strspn(a + 1, "Fedrp") == strlen(a + 1) && strchr(a, 'r'))
            return true;
    }
    return false;
}

bool command_is_ours(const struct command *c, int argc, char **argv)
{
    if (c->run == cmd_migrate_colo)
        return has_word(argc, argv, "--colo");
    if (c->run == cmd_receive)
        return has_flag_r(argc, argv) || has_word(argc, argv, "--remus") ||
               has_word(argc, argv, "--colo");
    return true;
}

void command_list(void)
{
    printf("Usage: xl [-vfNtT] COMMAND [ARGUMENTS]\n\n"
           "Commands for keeping a domain alive when its host dies:\n\n");
    for (size_t i = 0; i < TABLE_NR; i++)
        if (!table[i].is_internal)
            printf(" %-19s %s\n", table[i].name, table[i].summary);
    printf("\n`xl help COMMAND' tells more. All other commands are the "
           "system's xl's.\n");
}

void command_help(const struct command *c, bool on_stderr)
{
    fprintf(on_stderr ? stderr : stdout,
            "Usage: xl [-vfNtT] %s %s\n\n%s.\n\n%s%s%s", c->name, c->args,
            c->summary, c->options ? "Options:\n\n" : "",
            c->options ? c->options : "", c->more ? c->more : "");
}

static int bad_option(int argc, char **argv, int opt)
{
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

    /* A long option is named as it was written, a short one by its letter:
       the word may be a bundle. */
    if (opt == ':' && !strncmp(word, "--", 2))
        xl_usage(argv[0], "option %s wants a value", word);
    else if (opt == ':')
        xl_usage(argv[0], "option -%c wants a value", optopt);
    else if (optopt > 0 && optopt < 0x100)
        xl_usage(argv[0], "option -%c is unknown (see `xl help %s')", optopt,
                 argv[0]);
    else
        xl_usage(argv[0], "option %s is %s (see `xl help %s')", word,
                 optopt ? "given a value that it doesn't take" : "unknown",
                 argv[0]);
    return '?';
}

int command_getopt(int argc, char **argv, const char *short_opts,
                   const struct option *long_opts, int wanted, int most)
{
    const struct command *c = command_find(argv[0]);
    int opt, left;

    opterr = 0;
    opt = getopt_long(argc, argv, short_opts, long_opts, NULL);
    if (opt == 'h')
        command_help(c, false);
    if (opt == '?' || opt == ':')
        return bad_option(argc, argv, opt);
    if (opt != -1)
        return opt;
    left = argc - optind;
    if (left >= wanted && left <= most)
        return -1;
    if (left < wanted)
        fprintf(stderr, "'xl %s' requires at least %d argument%s.\n\n",
                argv[0], wanted, wanted == 1 ? "" : "s");
    else
        fprintf(stderr, "'xl %s' takes at most %d argument%s.\n\n", argv[0],
                most, most == 1 ? "" : "s");
    command_help(c, true);
    return '?';
}
