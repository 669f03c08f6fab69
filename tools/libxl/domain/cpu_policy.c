/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Which registers of which leaves are features, and the names of their bits.
 */
#include "cpu_policy.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

#define NO_SUBLEAF 0xffffffffu
#define NAMED_MAX 8
#define BIT(n) (1u << (n))

/* Of a policy's leaf, in its order. */
enum reg { EAX, EBX, ECX, EDX };
static const char *const reg_names[] = { "eax", "ebx", "ecx", "edx" };

struct features {
    uint32_t leaf, subleaf;
    enum reg reg;
    uint32_t ignored;      /* not a feature, or another register's */
    const char *names;     /* of bits 0, 1, …; "-" has none */
};

/* OSXSAVE and OSPKE mirror what the guest has switched on; "hypervisor" is
   Xen's. AMD repeats leaf 1's in 0x80000001. */
static const struct features all[] = {
    { 1, NO_SUBLEAF, EDX, 0,
      "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat "
      "pse36 psn clflush - ds acpi mmx fxsr sse sse2 ss htt tm - pbe" },
    { 1, NO_SUBLEAF, ECX, BIT(27) | BIT(31),
      "sse3 pclmulqdq dtes64 monitor ds-cpl vmx smx est tm2 ssse3 cnxt-id "
      "sdbg fma cx16 xtpr pdcm - pcid dca sse4.1 sse4.2 x2apic movbe popcnt "
      "tsc-deadline aes xsave - avx f16c rdrand" },
    { 7, 0, EBX, 0,
      "fsgsbase tsc-adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm "
      "pqm - mpx pqe avx512f avx512dq rdseed adx smap avx512-ifma - "
      "clflushopt clwb proc-trace avx512pf avx512er avx512cd sha avx512bw "
      "avx512vl" },
    { 7, 0, ECX, BIT(4),
      "prefetchwt1 avx512-vbmi umip pku - waitpkg avx512-vbmi2 cet-ss gfni "
      "vaes vpclmulqdq avx512-vnni avx512-bitalg tme avx512-vpopcntdq - "
      "la57 - - - - - rdpid kl bus-lock-detect cldemote - movdiri movdir64b "
      "enqcmd sgx-lc pks" },
    { 7, 0, EDX, 0,
      "- - avx512-4vnniw avx512-4fmaps fsrm uintr - - avx512-vp2intersect "
      "srbds-ctrl md-clear rtm-always-abort - tsx-force-abort serialize "
      "hybrid tsxldtrk - pconfig arch-lbr cet-ibt - amx-bf16 avx512-fp16 "
      "amx-tile amx-int8 ibrsb stibp l1d-flush arch-caps core-caps ssbd" },
    { 7, 1, EAX, 0,
      "- - - - avx-vnni avx512-bf16 - - - - fzrm fsrs fsrcs" },
    { 7, 1, EDX, 0, "" },
    { 7, 2, EDX, 0, "" },
    { 0xd, 1, EAX, 0, "xsaveopt xsavec xgetbv1 xsaves xfd" },
    { 0x80000001, NO_SUBLEAF, ECX, 0,
      "lahf-lm cmp-legacy svm extapic cr8-legacy abm sse4a misalignsse "
      "3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid-msr - "
      "tbm topoext perfctr-core perfctr-nb - dbx perftsc perfctr-l2 "
      "monitorx" },
    { 0x80000001, NO_SUBLEAF, EDX, 0x0183f3ff,
      "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - ffxsr "
      "pdpe1gb rdtscp - lm 3dnowext 3dnow" },
    { 0x80000007, NO_SUBLEAF, EDX, 0, "- - - - - - - - itsc - efro" },
    { 0x80000008, NO_SUBLEAF, EBX, 0,
      "clzero - rstr-fp-err-ptrs - - - - - - wbnoinvd - - ibpb - ibrs "
      "amd-stibp" },
    { 0x80000021, NO_SUBLEAF, EAX, 0, "" },
};

/* A leaf without subleaves has either number there. */
static uint32_t value(const struct buf *policy, const struct features *f)
{
    for (size_t at = 0; at + CPU_POLICY_LEAF_SIZE <= policy->size;
         at += CPU_POLICY_LEAF_SIZE) {
        const uint8_t *p = policy->data + at;
        uint32_t subleaf = get_le32(p + 4);

        if (get_le32(p) == f->leaf &&
            (subleaf == f->subleaf ||
             (f->subleaf == NO_SUBLEAF && subleaf == 0)))
            return get_le32(p + 8 + 4 * f->reg);
    }
    return 0;
}

/* The @n-th word, of *length_r; NULL: it has no name. */
static const char *word(const char *words, int n, int *length_r)
{
    while (n-- > 0 && *words) {
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    *length_r = (int)strcspn(words, " ");
    return *words && *words != '-' ? words : NULL;
}

static void name_one(char *text, size_t size, const struct features *f,
                     int bit)
{
    size_t used = strlen(text);
    const char *comma = used ? ", " : "";
    int length;
    const char *name = word(f->names, bit, &length);

    if (name)
        snprintf(text + used, size - used, "%s%.*s", comma, length, name);
    else
        snprintf(text + used, size - used, "%sCPUID %#x %s bit %d", comma,
                 f->leaf, reg_names[f->reg], bit);
}

int cpu_policy_covers(const struct buf *guest, const struct buf *host,
                      struct err *e)
{
    char text[NAMED_MAX * 32] = "", more[32] = "";
    int lacking = 0;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        uint32_t lacks = value(guest, &all[i]) & ~value(host, &all[i]) &
                         ~all[i].ignored;

        for (int bit = 0; bit < 32; bit++)
            if ((lacks & BIT(bit)) && lacking++ < NAMED_MAX)
                name_one(text, sizeof(text), &all[i], bit);
    }
    if (!lacking)
        return 0;
    if (lacking > NAMED_MAX)
        snprintf(more, sizeof(more), " and %d more", lacking - NAMED_MAX);
    return err_set(e, ERR_UNSUPPORTED, "%s%s", text, more);
}
