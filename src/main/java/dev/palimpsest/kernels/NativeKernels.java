package dev.palimpsest.kernels;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.MemberGetter;
import org.bytedeco.javacpp.annotation.MemberSetter;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.jspecify.annotations.Nullable;

/**
 * The raw binding of {@code native/include/palimpsest.h}, {@code palimpsest_cpu.h} and {@code
 * palimpsest_cuda.h}, which document every function. Calls of the first and the last go through a
 * {@link Table}: the functions of the library linked here (CPU), or of one opened at run time
 * (CUDA).
 */
@Platform(
    include = {"palimpsest.h", "palimpsest_cpu.h", "palimpsest_table.h"},
    link = "palimpsest")
final class NativeKernels {
  static {
    Loader.load();
  }

  private NativeKernels() {}

  /** {@code pal_coder}: a coder's sizes and parameter arrays. */
  @Name("pal_coder")
  static class Coder extends Pointer {
    static {
      Loader.load();
    }

    Coder() {
      allocate();
    }

    private native void allocate();

    @MemberSetter
    native Coder width(long width);

    @MemberSetter
    native Coder latents(long latents);

    @MemberSetter
    native Coder encoder(FloatPointer encoder);

    @MemberSetter
    native Coder encoder_bias(FloatPointer bias);

    @MemberSetter
    native Coder decoder(FloatPointer decoder);

    @MemberSetter
    native Coder decoder_bias(FloatPointer bias);

    @MemberSetter
    native Coder skip(@Nullable FloatPointer skip);

    @MemberSetter
    native Coder subtract_decoder_bias(int subtract);

    @MemberSetter
    native Coder operands(@Nullable Pointer operands);
  }

  /** {@code pal_gradients}: arrays of the parameters' shapes. */
  @Name("pal_gradients")
  static class Gradients extends Pointer {
    static {
      Loader.load();
    }

    Gradients() {
      allocate();
    }

    Gradients(Pointer pointer) {
      super(pointer);
    }

    private native void allocate();

    @MemberSetter
    native Gradients encoder(@Nullable FloatPointer encoder);

    @MemberSetter
    native Gradients encoder_bias(@Nullable FloatPointer bias);

    @MemberSetter
    native Gradients decoder(@Nullable FloatPointer decoder);

    @MemberSetter
    native Gradients decoder_bias(@Nullable FloatPointer bias);

    @MemberSetter
    native Gradients skip(@Nullable FloatPointer skip);
  }

  /** {@code pal_hyper}: what one optimiser step needs to know. */
  @Name("pal_hyper")
  static class Hyper extends Pointer {
    static {
      Loader.load();
    }

    Hyper() {
      allocate();
    }

    private native void allocate();

    @MemberSetter
    native Hyper optimizer(@Cast("pal_optimizer") int optimizer);

    @MemberSetter
    native Hyper lr(float lr);

    @MemberSetter
    native Hyper beta1(float beta1);

    @MemberSetter
    native Hyper beta2(float beta2);

    @MemberSetter
    native Hyper epsilon(float epsilon);

    @MemberSetter
    native Hyper step(long step);
  }

  /** {@code pal_optimizer_state}: first and second moments (or signum's moving point alone). */
  @Name("pal_optimizer_state")
  static class OptimizerState extends Pointer {
    static {
      Loader.load();
    }

    OptimizerState() {
      allocate();
    }

    private native void allocate();

    @MemberGetter
    native @ByRef Gradients first();

    @MemberGetter
    native @ByRef Gradients second();
  }

  /** {@code pal_cuda_record}: how the batches of a coder in training went. */
  @Name("pal_cuda_record")
  static class BatchRecord extends Pointer {
    static {
      Loader.load();
    }

    BatchRecord() {
      allocate();
    }

    private native void allocate();

    @MemberSetter
    native BatchRecord latents(long latents);

    @MemberSetter
    native BatchRecord dead_after(long rows);

    @MemberSetter
    native BatchRecord length(long batches);

    @MemberSetter
    native BatchRecord counts(@Cast("int64_t*") LongPointer counts);

    @MemberSetter
    native BatchRecord last(@Cast("int64_t*") LongPointer last);

    @MemberSetter
    native BatchRecord batch(@Cast("int64_t*") LongPointer batch);

    @MemberSetter
    native BatchRecord progress(@Cast("int64_t*") LongPointer progress);

    @MemberSetter
    native BatchRecord sums(DoublePointer sums);

    @MemberSetter
    native BatchRecord firings(@Cast("int64_t*") LongPointer firings);
  }

  /** {@code pal_cpu_heads}: where the heads of queries, keys or values lie. */
  @Name("pal_cpu_heads")
  static class Heads extends Pointer {
    static {
      Loader.load();
    }

    Heads() {
      allocate();
    }

    private native void allocate();

    @MemberSetter
    native Heads data(@Const FloatPointer data);

    @MemberSetter
    native Heads row_stride(long stride);

    @MemberSetter
    native Heads position_stride(long stride);

    @MemberSetter
    native Heads head_stride(long stride);
  }

  /** {@code pal_cpu_sequences}: sequences of different lengths, in pieces that they may share. */
  @Name("pal_cpu_sequences")
  static class Sequences extends Pointer {
    static {
      Loader.load();
    }

    Sequences() {
      allocate();
    }

    private native void allocate();

    @MemberSetter
    native Sequences count(long count);

    @MemberSetter
    native Sequences first_query(@Cast("const int64_t*") LongPointer first);

    @MemberSetter
    native Sequences first_piece(@Cast("const int64_t*") LongPointer first);

    @MemberSetter
    native Sequences keys(@Cast("const float* const*") LongPointer addresses);

    @MemberSetter
    native Sequences values(@Cast("const float* const*") LongPointer addresses);

    @MemberSetter
    native Sequences piece_length(@Cast("const int64_t*") LongPointer length);
  }

  /** {@code pal_cpu_attention_shape}. */
  @Name("pal_cpu_attention_shape")
  static class AttentionShape extends Pointer {
    static {
      Loader.load();
    }

    AttentionShape() {
      allocate();
    }

    private native void allocate();

    @MemberSetter
    native AttentionShape rows(long rows);

    @MemberSetter
    native AttentionShape length(long length);

    @MemberSetter
    native AttentionShape heads(long heads);

    @MemberSetter
    native AttentionShape key_heads(long heads);

    @MemberSetter
    native AttentionShape channels(long channels);

    @MemberSetter
    native AttentionShape window(long window);

    @MemberSetter
    native AttentionShape scale(float scale);
  }

  /** {@code pal_table}: the functions of one library, each called through its pointer. */
  @Name("pal_table")
  static class Table extends Pointer {
    static {
      Loader.load();
    }

    Table() {
      allocate();
    }

    private native void allocate();

    native int abi_version();

    native @Cast("const char*") BytePointer last_error();

    native @Cast("const char*") BytePointer describe();

    native int set_threads(int n);

    native int threads();

    native int set_instruction_set(@Cast("const char*") BytePointer name);

    native @Cast("size_t") long operands_bytes(long width, long latents);

    native int refresh_operands(@Const Coder coder, @Cast("pal_stream") @Nullable Pointer stream);

    native @Cast("size_t") long encode_workspace_bytes(
        long width, long latents, long rows, long k, @Cast("pal_activation") int activation);

    native int encode(
        @Const Coder coder,
        @Const FloatPointer x,
        long rows,
        long k,
        @Cast("pal_activation") int activation,
        FloatPointer values,
        IntPointer indices,
        Pointer workspace,
        @Cast("size_t") long workspaceBytes,
        @Cast("pal_stream") @Nullable Pointer stream);

    native @Cast("size_t") long decode_workspace_bytes(long width, long latents, long rows, long k);

    native int decode(
        @Const Coder coder,
        @Const @Nullable FloatPointer x,
        long rows,
        long k,
        @Const FloatPointer values,
        @Const IntPointer indices,
        FloatPointer out,
        Pointer workspace,
        @Cast("size_t") long workspaceBytes,
        @Cast("pal_stream") @Nullable Pointer stream);

    native @Cast("size_t") long cuda_decode_loss_workspace_bytes(
        long width, long latents, long rows, long k);

    native int cuda_decode_loss(
        @Const Coder coder,
        @Const @Nullable FloatPointer x,
        @Const FloatPointer y,
        long rows,
        long k,
        @Const FloatPointer values,
        @Const IntPointer indices,
        FloatPointer grad,
        DoublePointer sums,
        Pointer workspace,
        @Cast("size_t") long workspaceBytes,
        @Cast("pal_stream") @Nullable Pointer stream);

    native @Cast("size_t") long fvu_workspace_bytes(long width, long rows);

    native int fvu(
        @Const FloatPointer prediction,
        @Const FloatPointer target,
        long rows,
        long width,
        @Nullable FloatPointer grad,
        DoublePointer sums,
        Pointer workspace,
        @Cast("size_t") long workspaceBytes,
        @Cast("pal_stream") @Nullable Pointer stream);

    native int count_firings(
        @Const FloatPointer values,
        @Const IntPointer indices,
        long rows,
        long k,
        long latents,
        @Cast("int64_t*") LongPointer counts,
        @Cast("pal_stream") @Nullable Pointer stream);

    native @Cast("size_t") long backward_workspace_bytes(
        long width, long latents, long rows, long k);

    native int backward(
        @Const Coder coder,
        @Const FloatPointer x,
        @Const FloatPointer grad,
        long rows,
        long k,
        @Const FloatPointer values,
        @Const IntPointer indices,
        @Const Gradients gradients,
        int accumulate,
        Pointer workspace,
        @Cast("size_t") long workspaceBytes,
        @Cast("pal_stream") @Nullable Pointer stream);

    native int remove_parallel(
        @Const FloatPointer w,
        FloatPointer g,
        long rows,
        long width,
        @Cast("pal_stream") @Nullable Pointer stream);

    native int normalize_rows(
        FloatPointer w, long rows, long width, @Cast("pal_stream") @Nullable Pointer stream);

    native int update(
        FloatPointer p,
        @Const FloatPointer g,
        FloatPointer first,
        @Nullable FloatPointer second,
        long n,
        @Const Hyper hyper,
        @Cast("pal_stream") @Nullable Pointer stream);

    native @Cast("size_t") long step_workspace_bytes(long width, long latents, long rows, long k);

    native int step(
        @Const Coder coder,
        @Const OptimizerState state,
        @Const FloatPointer x,
        @Const FloatPointer grad,
        long rows,
        long k,
        @Const FloatPointer values,
        @Const IntPointer indices,
        @Const Hyper hyper,
        int unitNormDecoder,
        int normalizeAfter,
        Pointer workspace,
        @Cast("size_t") long workspaceBytes,
        @Cast("pal_stream") @Nullable Pointer stream);

    native @Cast("size_t") long cuda_hyper_bytes();

    native int cuda_write_hyper(
        @Const Hyper hyper, Pointer deviceHyper, @Cast("pal_stream") @Nullable Pointer stream);

    native int cuda_step(
        @Const Coder coder,
        @Const OptimizerState state,
        @Const FloatPointer x,
        @Const FloatPointer grad,
        long rows,
        long k,
        @Const FloatPointer values,
        @Const IntPointer indices,
        @Const Pointer deviceHyper,
        @Cast("pal_optimizer") int optimizer,
        int unitNormDecoder,
        int normalizeAfter,
        Pointer workspace,
        @Cast("size_t") long workspaceBytes,
        @Cast("pal_stream") @Nullable Pointer stream);

    native int cuda_record_batch(
        @Const BatchRecord record,
        @Const FloatPointer values,
        @Const IntPointer indices,
        long rows,
        long k,
        @Const DoublePointer sums,
        @Cast("pal_stream") @Nullable Pointer stream);

    native int cuda_begin_capture(@Cast("pal_stream*") PointerPointer<Pointer> stream);

    native int cuda_end_capture(
        @Cast("pal_stream") Pointer stream, @Cast("pal_cuda_graph*") PointerPointer<Pointer> graph);

    native int cuda_replay(
        @Cast("pal_cuda_graph") Pointer graph, @Cast("pal_stream") @Nullable Pointer stream);

    native int cuda_free_graph(@Cast("pal_cuda_graph") Pointer graph);
  }

  /** Whether a table has the functions of {@code palimpsest_cuda.h}: 1 or 0. */
  static native int pal_table_is_cuda(@Const Table table);

  /** Fills a table with the functions of the library that this class is linked with. */
  static native void pal_table_linked(Table table);

  static native @Cast("const char*") BytePointer pal_last_error();

  static native @Cast("size_t") long pal_cpu_packed_bytes(int precision, long in, long out);

  static native int pal_cpu_pack(
      int precision,
      @Const Pointer weight,
      int weightPrecision,
      long in,
      long out,
      long inStride,
      long outStride,
      Pointer packed);

  static native @Cast("size_t") long pal_cpu_linear_workspace_bytes(
      int precision, long rows, long in);

  static native int pal_cpu_linear(
      int precision,
      @Const Pointer packed,
      @Const @Nullable FloatPointer bias,
      @Const FloatPointer x,
      long rows,
      long in,
      long out,
      FloatPointer y,
      Pointer workspace,
      @Cast("size_t") long workspaceBytes);

  static native int pal_cpu_log_sum_exp(
      int precision,
      @Const Pointer packed,
      @Const @Nullable FloatPointer bias,
      @Const FloatPointer x,
      long rows,
      long in,
      long out,
      FloatPointer lse,
      Pointer workspace,
      @Cast("size_t") long workspaceBytes);

  static native @Cast("size_t") long pal_cpu_attention_workspace_bytes(long length, long channels);

  static native int pal_cpu_attention(
      @Const Heads queries,
      @Const Heads keys,
      @Const Heads values,
      @Const AttentionShape shape,
      FloatPointer out,
      Pointer workspace,
      @Cast("size_t") long workspaceBytes);

  static native int pal_cpu_attention_after(
      @Const Heads queries,
      @Const Sequences sequences,
      @Const AttentionShape shape,
      FloatPointer out,
      Pointer workspace,
      @Cast("size_t") long workspaceBytes);

  /** Fills a table from the library at a path. */
  static native int pal_table_open(
      Table table,
      @Cast("const char*") BytePointer path,
      @Cast("char*") BytePointer why,
      @Cast("size_t") long whyBytes);

  /** The table of the library that this class is linked with. */
  static Table linked() {
    Table table = lasting();
    pal_table_linked(table);
    return table;
  }

  /**
   * The table of the library at a path.
   *
   * @throws KernelException saying in one line why there is none
   */
  static Table opened(String path) {
    Table table = lasting();
    try (BytePointer name = new BytePointer(path);
        BytePointer why = new BytePointer(512)) {
      if (pal_table_open(table, name, why, why.capacity()) != 0) {
        throw new KernelException(why.limit(BytePointer.strlen(why)).getString());
      }
    }
    return table;
  }

  /** A table that lives as long as the process, whatever scope is open. */
  private static Table lasting() {
    Table table = new Table();
    table.retainReference();
    return table;
  }
}
