/* Small programs that speak the control channel and little else, so that the
 * runner can be tested without relay and endpoints. The test binary itself plays
 * them: fake_bindir() makes a folder in which it stands under their names.
 *
 * What they do wrong is said by the environment variable FAKE, words apart by spaces:
 *   relay-mute        the relay never says "ready"
 *   relay-dies        it exits with 7 at the first packet
 *   relay-deaf        it does not stop when told to
 *   relay-bpf         it loads a BPF program and writes its id to DIR/log/bpf-id
 *   pub-refuses       the publisher answers events with ok: false
 *   sub-garbage       the subscriber sends no JSON
 *   sub-chatty        the subscriber prints a megabyte */
#ifndef FANBENCH_T_RUN_FAKE_H
#define FANBENCH_T_RUN_FAKE_H

/* If this process was started as a fake, plays it and does not return. */
void fake_play(int argc, char **argv);

/* Makes a folder with links to this binary. The name is static. */
const char *fake_bindir(void);
void fake_bindir_remove(void);

#define FAKE_PACKETS 200

#endif
