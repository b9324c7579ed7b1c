/* A cage: a child in new PID, mount and network namespaces that dies with its
 * parent. It is init of its PID namespace, so that its death is the death of
 * every process of the run, and with the processes go namespaces, interfaces
 * and BPF programs. Nothing of a run is kept by a file.
 *
 * Inside: a fresh /proc, a fresh bpffs on /sys/fs/bpf (pins end with the run), an
 * own session (Ctrl-C reaches only the parent), no file descriptor of the parent
 * but stdin, stdout, stderr and the channel.
 *
 * Order: cage_start(); read cage.fd with channel_recv() until CHANNEL_CLOSED;
 * cage_wait(). cage_kill() at any time before. Single-threaded callers only. */
#ifndef FANBENCH_RUN_CAGE_H
#define FANBENCH_RUN_CAGE_H

#include <stddef.h>
#include <sys/types.h>

struct cage {
  pid_t pid; /* as the parent sees it */
  int fd;    /* channel to the inside */
};

/* inside(arg, fd) runs in the cage; its value is the exit status. 0, or -1 with a
 * sentence in err. */
int cage_start(struct cage *cage, int (*inside)(void *arg, int fd), void *arg, char *err,
               size_t err_len);

/* The same without namespaces: for what touches nothing of the machine. It needs no
 * privilege, and dies with its parent just so. */
int cage_start_open(struct cage *cage, int (*inside)(void *arg, int fd), void *arg, char *err,
                    size_t err_len);

/* Waits for the end. Returns the wait status; closes cage->fd. */
int cage_wait(struct cage *cage);

void cage_kill(const struct cage *cage);

#endif
