// Makes HDF5 files with libhdf5, which is loaded when it is first needed: it brings a dozen libraries of its own.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What was found of libhdf5 on this machine. Strings live as long as the process.
typedef struct {
  bool available;
  unsigned version[3];
  const char *_Nullable path;    // file that was loaded
  const char *_Nullable reason;  // why it is not available
} chdf5_library;

/// Loads the library on the first call.
const chdf5_library *chdf5_load(void);

/// How elements are stored; little-endian.
typedef enum {
  CHDF5_F16, CHDF5_F32, CHDF5_F64, CHDF5_I8, CHDF5_I16, CHDF5_I32, CHDF5_I64, CHDF5_U8, CHDF5_U16, CHDF5_U32, CHDF5_U64,
} chdf5_type;

/// A file that is complete but for the elements of its datasets, whose places in it are holes. It has no name, so that
/// nothing is left behind whatever happens.
typedef struct chdf5_skeleton chdf5_skeleton;

/// Begins a file; datasets will begin at multiples of `alignment` bytes. Whoever begins a second one waits until the
/// first is freed, since the library may not be safe to share. NULL, and `*reason`, on failure; `*reason` is valid
/// until the next call in this thread.
/// Precondition: the library is available.
chdf5_skeleton *_Nullable chdf5_skeleton_create(uint64_t alignment, const char *_Nullable *_Nonnull reason);

/// A text that belongs to the file. False, and `*reason`, on failure.
bool chdf5_skeleton_add_text(
  chdf5_skeleton *skeleton, const char *name, const char *text, const char *_Nullable *_Nonnull reason);

/// A dataset with room for all its elements, one after the other, and an attribute `dtype`. A name with slashes is one
/// in a group. `*offset` is the place of the elements in the file, -1 where there are none.
bool chdf5_skeleton_add_dataset(
  chdf5_skeleton *skeleton, const char *name, chdf5_type type, int rank, const uint64_t *shape, const char *dtype,
  int64_t *offset, const char *_Nullable *_Nonnull reason);

/// Ends the file: a descriptor from which it can be read, as long as the skeleton is not freed. -1, and `*reason`, on
/// failure.
int chdf5_skeleton_finish(chdf5_skeleton *skeleton, const char *_Nullable *_Nonnull reason);

void chdf5_skeleton_free(chdf5_skeleton *skeleton);

/// A file of datasets of one dimension in deflated chunks, which the caller makes and appends one after the
/// other. All calls are made by one thread. Those that return a bool return false, and `*reason`, on failure; it is valid
/// until the next call in this thread.
typedef struct chdf5_chunked chdf5_chunked;

/// Begins a file in the place of the one at `path`; attributes and datasets go to its root. Whoever begins a second one
/// waits until the first is freed. NULL, and `*reason`, on failure.
/// Precondition: the library is available.
chdf5_chunked *_Nullable chdf5_chunked_create(const char *path, const char *_Nullable *_Nonnull reason);

/// A new group in the root, to which attributes and datasets go from now on. "/" is the root itself.
bool chdf5_chunked_begin_group(chdf5_chunked *chunked, const char *name, const char *_Nullable *_Nonnull reason);

bool chdf5_chunked_add_text(
  chdf5_chunked *chunked, const char *name, const char *text, const char *_Nullable *_Nonnull reason);
bool chdf5_chunked_add_integer(
  chdf5_chunked *chunked, const char *name, int64_t value, const char *_Nullable *_Nonnull reason);
bool chdf5_chunked_add_real(
  chdf5_chunked *chunked, const char *name, double value, const char *_Nullable *_Nonnull reason);

/// An empty dataset in chunks of `chunk` elements, to be appended to until it ends. `shuffle` says whether chunks are
/// shuffled before they are deflated, `level` what deflate was told.
bool chdf5_chunked_begin_dataset(
  chdf5_chunked *chunked, const char *name, chdf5_type type, uint64_t chunk, bool shuffle, unsigned level,
  const char *_Nullable *_Nonnull reason);

/// The bytes of a whole chunk, as they are stored, of which `count` elements count: all but in the last chunk.
bool chdf5_chunked_append(
  chdf5_chunked *chunked, uint64_t count, const void *bytes, size_t size, const char *_Nullable *_Nonnull reason);

bool chdf5_chunked_end_dataset(chdf5_chunked *chunked, const char *_Nullable *_Nonnull reason);

/// Closes the file. Nothing can be added after this.
bool chdf5_chunked_finish(chdf5_chunked *chunked, const char *_Nullable *_Nonnull reason);

void chdf5_chunked_free(chdf5_chunked *chunked);

#pragma clang assume_nonnull end
