/* The same programs and maps, whose runs can be replayed although others changed something in their
 * middle: at each access to a shared word they look whether it is now (bpf/abi/steps.h). For
 * BPF_PROG_TEST_RUN by bench/replay alone; an object of its own, so that the others do not look. */
#define FB_STEPS
#include "bpf/relay.bpf.c"
