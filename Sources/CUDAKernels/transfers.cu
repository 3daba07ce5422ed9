// Copies between host and device, through a ring of pinned slots: the copy engine moves one slot while the processor
// fills or empties another.
#include "host.cuh"

#include <new>
#include <string.h>

namespace {

constexpr int slot_count = 4;
constexpr size_t slot_bytes = 4 << 20;

struct Slot {
  char *memory;
  // After the last copy that used the memory.
  cudaEvent_t copied;
};

// A part of a tensor that fits a slot: `height` rows of `width` bytes, `pitch` bytes apart on the device, one after the
// other on the host.
struct Piece {
  char *device;
  size_t pitch, width, height, host_offset;
};

// Cuts a tensor into pieces, in the order of its rows.
class Pieces {
public:
  explicit Pieces(ic_tensor tensor) {
    const size_t element = tensor.dtype == IC_BFLOAT16 ? 2 : 4;
    device = ic_pointer<char>(tensor);
    rows = size_t(tensor.rows);
    row = size_t(tensor.columns) * element;
    pitch = size_t(tensor.stride) * element;
    if (rows == 1 || row == pitch) {
      row *= rows;
      pitch = row;
      rows = rows > 0;
    }
  }

  bool next(Piece *piece) {
    if (row == 0 || first_row == rows) return false;
    piece->device = device + first_row * pitch + first_byte;
    piece->host_offset = first_row * row + first_byte;
    if (row <= slot_bytes) {
      const size_t fitting = slot_bytes / row, left = rows - first_row;
      piece->pitch = pitch;
      piece->width = row;
      piece->height = fitting < left ? fitting : left;
      first_row += piece->height;
      return true;
    }
    const size_t left = row - first_byte;
    piece->width = left < slot_bytes ? left : slot_bytes;
    // One row; its real pitch may be more than CUDA takes (2 GiB).
    piece->pitch = piece->width;
    piece->height = 1;
    first_byte += piece->width;
    if (first_byte == row) {
      first_byte = 0;
      first_row++;
    }
    return true;
  }

private:
  char *device;
  size_t rows, row, pitch, first_row = 0, first_byte = 0;
};

}  // namespace

struct ic_transfers {
  Slot slots[slot_count];
  // Counts the pieces that were moved; piece n uses slot n mod slot_count.
  size_t moved;
};

ic_status ic_transfers_create(ic_context *context) {
  context->transfers = new (std::nothrow) ic_transfers();
  if (!context->transfers) return ic_fail(context, IC_OUT_OF_MEMORY, "out of memory");
  for (Slot &slot : context->transfers->slots) {
    IC_TRY(context, "pinned memory", cudaHostAlloc(&slot.memory, slot_bytes, cudaHostAllocPortable));
    IC_TRY(context, "pinned memory", cudaEventCreateWithFlags(&slot.copied, cudaEventDisableTiming));
  }
  return IC_OK;
}

void ic_transfers_destroy(ic_context *context) {
  if (!context->transfers) return;
  for (Slot &slot : context->transfers->slots) {
    if (slot.copied) cudaEventDestroy(slot.copied);
    cudaFreeHost(slot.memory);
  }
  delete context->transfers;
  context->transfers = nullptr;
}

ic_status ic_upload(ic_context *context, const void *host, ic_tensor tensor) {
  if (context->preparing || context->capturing) {
    return ic_fail(context, IC_INVALID, "upload: not while a graph is recorded");
  }
  Pieces pieces(tensor);
  for (Piece piece; pieces.next(&piece);) {
    Slot &slot = context->transfers->slots[context->transfers->moved++ % slot_count];
    IC_TRY(context, "upload", cudaEventSynchronize(slot.copied));
    memcpy(slot.memory, static_cast<const char *>(host) + piece.host_offset, piece.width * piece.height);
    IC_TRY(context, "upload",
      cudaMemcpy2DAsync(piece.device, piece.pitch, slot.memory, piece.width, piece.width, piece.height,
        cudaMemcpyHostToDevice, context->stream));
    IC_TRY(context, "upload", cudaEventRecord(slot.copied, context->stream));
  }
  return IC_OK;
}

ic_status ic_download(ic_context *context, ic_tensor tensor, void *host) {
  if (context->preparing || context->capturing) {
    return ic_fail(context, IC_INVALID, "download: not while a graph is recorded");
  }
  Pieces pieces(tensor);
  // Pieces on their way: the oldest is emptied when there is no slot for another.
  struct {
    Slot *slot;
    Piece piece;
  } pending[slot_count];
  int first = 0, count = 0;
  for (bool more = true; more || count > 0;) {
    Piece piece;
    if (more && count < slot_count) {
      more = pieces.next(&piece);
      if (!more) continue;
      Slot &slot = context->transfers->slots[context->transfers->moved++ % slot_count];
      // The copy that used the slot before is before this one on the stream.
      IC_TRY(context, "download",
        cudaMemcpy2DAsync(slot.memory, piece.width, piece.device, piece.pitch, piece.width, piece.height,
          cudaMemcpyDeviceToHost, context->stream));
      IC_TRY(context, "download", cudaEventRecord(slot.copied, context->stream));
      pending[(first + count++) % slot_count] = {&slot, piece};
      continue;
    }
    const auto &oldest = pending[first];
    IC_TRY(context, "download", cudaEventSynchronize(oldest.slot->copied));
    memcpy(static_cast<char *>(host) + oldest.piece.host_offset, oldest.slot->memory,
      oldest.piece.width * oldest.piece.height);
    first = (first + 1) % slot_count;
    count--;
  }
  // Of an empty tensor too: whoever downloads has waited.
  return ic_synchronize(context);
}
