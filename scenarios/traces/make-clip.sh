#!/bin/sh
# Makes clip.mp4, the file that first/file.yaml publishes: a few seconds of
# H.264 in MP4, so that a subscriber's copy can also be looked at.
#
#   make-clip.sh        writes clip.mp4 beside itself
#   make-clip.sh DIR    writes it into DIR
#
# Needs ffmpeg with libx264. The same version gives the same bytes.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${1:-$here}
command -v ffmpeg >/dev/null || {
  echo "make-clip.sh: expected ffmpeg in PATH, found none; install ffmpeg" >&2
  exit 3
}
ffmpeg -y -v error -nostdin -f lavfi -i testsrc2=size=640x360:rate=25:duration=6 -threads 1 \
  -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -b:v 420k -maxrate 420k -bufsize 420k \
  -fflags +bitexact -flags:v +bitexact -movflags +faststart "$out/clip.mp4"
