// Makes HDF5 files with libhdf5, which is loaded when it is first needed: it brings a dozen libraries of its own.
#pragma once

#include <stdbool.h>
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

#pragma clang assume_nonnull end
