/* The layouts as the BPF compiler sees them. Never loaded: the test reads the constants
 * from the object. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/t/layout.h"

const volatile struct member_layout layouts[LAYOUT_ROWS] = {LAYOUT(LAYOUT_ROW)};
