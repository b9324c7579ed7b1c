/* How a function is marked for the target it is compiled for: all that a pure function of
 * the datapath needs to know of it.
 *
 *   PORT_GLOBAL     the verifier checks it once, by itself; it must cope with any argument
 *                   in its types' ranges, also NULL
 *   PORT_INLINE     checked wherever it is called
 *   PORT_NO_UNROLL  in front of a bounded loop
 *   port_unused(x)  an argument that is not looked at */
#ifndef FANBENCH_BPF_PORT_TARGET_H
#define FANBENCH_BPF_PORT_TARGET_H

#ifdef __bpf__
#define PORT_GLOBAL    __attribute__((noinline))
#define PORT_INLINE    static inline __attribute__((always_inline, unused))
#define PORT_NO_UNROLL _Pragma("clang loop unroll(disable)")
/* The compiler would leave the argument's register unset, which the verifier refuses. */
#define port_unused(x) __asm__ volatile("" : : "r"(x))
#else
#define PORT_GLOBAL
#define PORT_INLINE static inline __attribute__((unused))
#define PORT_NO_UNROLL
#define port_unused(x) ((void)(x))
#endif

#endif
