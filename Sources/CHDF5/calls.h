// What all that is made with libhdf5 has in common: one caller at a time, reasons of failures, types, attributes.
#pragma once

#include "chdf5.h"
#include "library.h"

enum { HDF5_NONE = -1 };

/// Why the last call in this thread failed.
extern _Thread_local char hdf5_message[256];

/// Waits until nobody else uses the library.
void hdf5_begin(void);
void hdf5_end(void);

/// Whether a call has failed. If so, notes the innermost of the library's reasons, which its next call would clear.
bool hdf5_failed(int64_t result);

/// A type of the library's, to be closed; negative on failure.
hid_t hdf5_make_type(chdf5_type type);

/// Adds an attribute to an object.
bool hdf5_add_text(hid_t object, const char *name, const char *text);
bool hdf5_add_integer(hid_t object, const char *name, int64_t value);
bool hdf5_add_real(hid_t object, const char *name, double value);
