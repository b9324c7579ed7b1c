/* How a function is marked for the target it is compiled for: all that a pure function of
 * the datapath needs to know of it.
 *
 *   PORT_GLOBAL     the verifier checks it once, by itself; it must cope with any argument
 *                   in its types' ranges, also NULL
 *   PORT_INLINE     checked wherever it is called
 *   PORT_NO_UNROLL  in front of a bounded loop
 *   PORT_UNROLL     in front of one whose rounds are written out
 *   port_index(x, n)  x as an index below n, a power of two
 *   port_unused(x)  an argument that is not looked at
 *   port_get32, port_get64, port_put64    words in memory as they lie there, at any place
 *   port_in_memory(array)  the compiler must store the array, and load what is read of it
 *   port_done(a, b) both must be there before what follows is begun: there are few registers */
#ifndef FANBENCH_BPF_PORT_TARGET_H
#define FANBENCH_BPF_PORT_TARGET_H

#include <linux/types.h>

#ifdef __bpf__
#define PORT_GLOBAL    __attribute__((noinline))
#define PORT_INLINE    static inline __attribute__((always_inline, unused))
#define PORT_NO_UNROLL _Pragma("clang loop unroll(disable)")
/* The compiler would leave the argument's register unset, which the verifier refuses. */
#define port_unused(x) __asm__ volatile("" : : "r"(x))
/* The compiler must not see that the mask changes nothing, or it drops it. */
#define port_index(x, n)                                                                           \
  ({                                                                                               \
    __u64 index_ = (x);                                                                            \
    __asm__ volatile("%0 &= %1" : "+r"(index_) : "i"((n)-1));                                      \
    index_;                                                                                        \
  })

typedef __u32 __attribute__((may_alias)) port_any32;
typedef __u64 __attribute__((may_alias)) port_any64;
/* Types that are aligned to 1 would be loaded byte by byte. */
PORT_INLINE __u32 port_get32(const void *at) {
  return *(const port_any32 *)at;
}
PORT_INLINE __u64 port_get64(const void *at) {
  return *(const port_any64 *)at;
}
PORT_INLINE void port_put64(void *at, __u64 v) {
  *(port_any64 *)at = v;
}
#define PORT_UNROLL           _Pragma("clang loop unroll(full)")
#define port_in_memory(array) __asm__ volatile("" : : "r"(array) : "memory")
#define port_done(a, b)       __asm__ volatile("" : "+r"(a), "+r"(b))
#else
#define PORT_GLOBAL
#define PORT_INLINE static inline __attribute__((unused))
#define PORT_NO_UNROLL
#ifdef __clang__
#define PORT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PORT_UNROLL _Pragma("GCC unroll 16")
#endif
#define port_index(x, n)      (x)
#define port_unused(x)        ((void)(x))

PORT_INLINE __u32 port_get32(const void *at) {
  __u32 v;
  __builtin_memcpy(&v, at, sizeof(v));
  return v;
}
PORT_INLINE __u64 port_get64(const void *at) {
  __u64 v;
  __builtin_memcpy(&v, at, sizeof(v));
  return v;
}
PORT_INLINE void port_put64(void *at, __u64 v) {
  __builtin_memcpy(at, &v, sizeof(v));
}
#define port_in_memory(array) __asm__ volatile("" : : "r"(array) : "memory")
#define port_done(a, b)       ((void)(a), (void)(b))
#endif

#endif
