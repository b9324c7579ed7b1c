/* What only sealed packets have: keys, phases, keystreams. */
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

const struct fixture fixtures_sealed[] = {{NULL, NULL}};
