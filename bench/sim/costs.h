/* What things cost in virtual time. Constants and not measurements of the run: the
 * same scenario and seed take the same time on every machine. Each is of the
 * size measured on two-core machines of the laboratory; none is a promise. All
 * nanoseconds. */
#ifndef FANBENCH_SIM_COSTS_H
#define FANBENCH_SIM_COSTS_H

/* From one end of a veth pair to the other: enqueue to the backlog and softirq. */
#define SIM_WIRE_NS 2000u
/* The datapath on one packet without a copy: parse, open and walk of null protection.
 * `kernel` spends it at ingress; `user` in the process, behind the wake-up, and its
 * copies cost what packets of user space cost. */
#define SIM_DATAPATH_NS 600u
/* One copy: rewrite, clone, veth transmit (1.4 us measured with 16 subscribers). */
#define SIM_COPY_NS 1400u
/* A router between two interfaces: route look-up and rewriting, in softirq. */
#define SIM_FORWARD_NS 1000u
/* From a packet in the socket, or a timer's end, until the process runs: least,
 * and what a seeded draw adds at most. Idle scheduling took 15 to 50 us. */
#define SIM_WAKE_NS        15000u
#define SIM_WAKE_JITTER_NS 25000u
/* One packet out of the socket and through ngtcp2 and the session. */
#define SIM_PACKET_IN_NS 2000u
/* One packet built by user space and its share of sendmmsg. */
#define SIM_PACKET_OUT_NS 1700u
/* One look at timers and rings by a process that is awake. */
#define SIM_TURN_NS 1000u
/* A message over the control channel, either way. */
#define SIM_CONTROL_NS 50000u
/* Between two processes that the runner starts: fork, exec, first steps. */
#define SIM_SPAWN_NS 1000000u
/* From the start of a process to its first packet. */
#define SIM_BOOT_NS 5000000u

/* With interleavings, how long a frame lies at the ingress: a few packets of a burst. */
#define SIM_NEST_WINDOW_NS 8000u

/* Bytes of frames that wait in one socket; more is dropped, as SO_RCVBUF does. */
#define SIM_SOCKET_BYTES (32u << 20)
/* Packets a process takes in before it writes, and writes before it reads. */
#define SIM_BATCH_IN  64
#define SIM_BATCH_OUT 256

/* When virtual time begins (0 means "never" in places), and what the wall clock
 * shows then: 2020-01-01T00:00:00Z. */
#define SIM_EPOCH_NS                    UINT64_C(1000000000)
#define SIM_REALTIME_MINUS_MONOTONIC_NS UINT64_C(1577836799000000000)

#endif
