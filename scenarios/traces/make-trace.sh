#!/bin/sh
# Makes a frame trace out of a real H.264 encode: what an encoder really puts
# out (frame sizes, types, order, times), without the pictures.
#
#   make-trace.sh [DIR [MBIT]]    writes 720p25.csv and 720p25.txt into DIR, or beside itself,
#                                 at 3 Mbit/s; at MBIT Mbit/s they are called 720p25-MBITmbit
#
# Needs ffmpeg with libx264, ffprobe and awk. The same versions give the same
# bytes: one thread, no build information in the stream.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${1:-$here}
mbit=${2:-3}
name=720p25
[ "$mbit" = 3 ] || name=720p25-${mbit}mbit
for tool in ffmpeg ffprobe awk; do
  command -v "$tool" >/dev/null || {
    echo "make-trace.sh: expected $tool in PATH, found none; install ffmpeg" >&2
    exit 3
  }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A picture with edges, motion, slow change and noise, and a cut every four
# seconds, so that I and P frames differ as they do in a camera's stream.
picture="testsrc2=size=1280x720:rate=25:duration=4,noise=alls=4:allf=t:all_seed=7[a];\
mandelbrot=size=1280x720:rate=25:start_scale=2:end_scale=0.2:end_pts=200,\
trim=duration=4,setpts=PTS-STARTPTS,noise=alls=3:allf=t:all_seed=8[b];\
life=size=320x180:rate=25:mold=10:ratio=0.2:seed=7:death_color=0x204060:life_color=0xc0e0a0,\
scale=1280:720,trim=duration=4,setpts=PTS-STARTPTS[c];\
[a][b][c]concat=n=3:v=1:a=0,format=yuv420p"

# Live settings: a group of 25 frames, no B frames (decode order is display
# order), constrained to the rate with a buffer of one second.
set -- -v error -nostdin -filter_complex "$picture" -threads 1 -c:v libx264 -preset veryfast \
  -profile:v main -g 25 -keyint_min 25 -sc_threshold 0 -bf 0 \
  -b:v "${mbit}000k" -maxrate "${mbit}000k" -bufsize "${mbit}000k" -fflags +bitexact -flags:v +bitexact \
  -f h264 "$work/$name.h264"
ffmpeg -y "$@"

# One line a packet of the stream (= a frame, as there are no B frames).
# pict_type comes from the decoder; both lists are in decode order. What ffprobe
# prints after the first field (side data) is no part of it.
ffprobe -v error -select_streams v:0 -show_packets -show_entries packet=size \
  -of csv=p=0 "$work/$name.h264" | awk -F, '$1 != "" { print $1 }' >"$work/sizes"
ffprobe -v error -select_streams v:0 -show_frames -show_entries frame=pict_type \
  -of csv=p=0 "$work/$name.h264" | awk -F, '$1 != "" { print $1 }' >"$work/types"
[ "$(wc -l <"$work/sizes")" -eq "$(wc -l <"$work/types")" ] || {
  echo "make-trace.sh: expected as many packets as pictures" >&2
  exit 1
}

# An I frame begins a group. Priority: without the I frame nothing of the group
# can be shown (0); a P frame is needed by those after it (2).
paste -d ' ' "$work/sizes" "$work/types" | awk '
  BEGIN { print "time_us,size,type,group,priority"; group = -1 }
  { type = substr($2, 1, 1)
    if (type == "I") group++
    printf "%d,%d,%s,%d,%d\n", (NR - 1) * 40000, $1, type, group,
           type == "I" ? 0 : type == "P" ? 2 : 3 }' >"$out/$name.csv"

{
  echo "$name.csv: frames of a real H.264 encode, 1280x720, 25 frames a second."
  echo
  echo "Made by make-trace.sh in this folder, which runs:"
  echo
  printf '  ffmpeg -y'
  for word in "$@"; do
    case $word in
      "$work"/*) word=${word#"$work/"} ;;
    esac
    case $word in
      *[!A-Za-z0-9_:+./=-]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  echo
  echo "  ffprobe -v error -select_streams v:0 -show_packets -show_entries packet=size -of csv=p=0 $name.h264"
  echo "  ffprobe -v error -select_streams v:0 -show_frames -show_entries frame=pict_type -of csv=p=0 $name.h264"
  echo
  echo "with $(ffmpeg -version | head -n 1 | cut -d ' ' -f 1-3)"
  ffmpeg -version | grep '^lib' | awk '{ printf "     %s %s%s%s\n", $1, $2, $3, $4 }'
  awk -F, 'NR > 1 { n++; sum += $2; count[$3]++; if ($2 > max) max = $2; if ($3 == "I") i += $2 }
    END { printf "\n%d frames in %d groups (I %d, P %d, B %d), %.1f s, %.2f Mbit/s, largest %d B, I frames %.1f%% of the bytes\n",
          n, count["I"], count["I"], count["P"], count["B"], n / 25, sum * 8 / (n / 25) / 1e6, max, 100 * i / sum }' "$out/$name.csv"
} >"$out/$name.txt"
