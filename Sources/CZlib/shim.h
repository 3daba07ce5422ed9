#ifndef INHERITUNE_CZLIB_SHIM_H
#define INHERITUNE_CZLIB_SHIM_H

#include <zlib.h>

/* inflateInit2 is a macro, which Swift does not see. 15 + 16: the largest window, gzip framing (zlib.h). */
static inline int czlib_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }

/* Minus 15: the same window, no framing, as in zip archives. */
static inline int czlib_inflate_init_raw(z_stream *stream) { return inflateInit2(stream, -15); }

/* Used by the tests, which make their own compressed data. */
static inline int czlib_deflate_init_gzip(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

static inline int czlib_deflate_init_raw(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}

#endif
