/* The same programs and maps, which say what each run met and did: for the journal of a relay
 * (relay/host/kernel_journal.h). An object of its own, so that without a journal the programs are
 * what they were, to the instruction. */
#define FB_KEEPS_JOURNAL
#include "bpf/relay.bpf.c"
