/* The same programs and maps without the switches of defects.h. What is off is to cost nothing:
 * a constant of the other object that is 0 takes its branch away, but its load stays. Who loads
 * them chooses by bpf/program.h. */
#define FB_WITHOUT_DEFECTS
#include "bpf/relay.bpf.c"
