/* What cppcheck must know of uthash: it reads no system headers. */
#define HASH_ITER(hh, head, el, tmp) for (el = head, tmp = 0; el; el = tmp)
