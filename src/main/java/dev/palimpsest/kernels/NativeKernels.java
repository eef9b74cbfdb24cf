package dev.palimpsest.kernels;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.MemberGetter;
import org.bytedeco.javacpp.annotation.MemberSetter;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.jspecify.annotations.Nullable;

/**
 * The raw binding of {@code native/include/palimpsest.h}, which documents every function, and of
 * what {@code palimpsest_table.h} offers to look at another library.
 */
@Platform(
    include = {"palimpsest.h", "palimpsest_table.h"},
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

  /** {@code pal_table}: the functions of a library opened at run time. */
  @Name("pal_table")
  static class Table extends Pointer {
    static {
      Loader.load();
    }

    Table() {
      allocate();
    }

    private native void allocate();
  }

  static native int pal_table_open(
      Table table,
      @Cast("const char*") BytePointer path,
      @Cast("char*") BytePointer why,
      @Cast("size_t") long whyBytes);

  static native @Cast("const char*") BytePointer pal_table_describe(@Const Table table);

  static native int pal_abi_version();

  static native @Cast("const char*") BytePointer pal_last_error();

  static native @Cast("const char*") BytePointer pal_describe();

  static native int pal_set_threads(int n);

  static native int pal_threads();

  static native int pal_set_instruction_set(@Cast("const char*") BytePointer name);

  static native @Cast("size_t") long pal_operands_bytes(long width, long latents);

  static native int pal_refresh_operands(
      @Const Coder coder, @Cast("pal_stream") @Nullable Pointer stream);

  static native @Cast("size_t") long pal_encode_workspace_bytes(
      long width, long latents, long rows, long k, @Cast("pal_activation") int activation);

  static native int pal_encode(
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

  static native @Cast("size_t") long pal_decode_workspace_bytes(
      long width, long latents, long rows, long k);

  static native int pal_decode(
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

  static native @Cast("size_t") long pal_fvu_workspace_bytes(long width, long rows);

  static native int pal_fvu(
      @Const FloatPointer prediction,
      @Const FloatPointer target,
      long rows,
      long width,
      @Nullable FloatPointer grad,
      DoublePointer sums,
      Pointer workspace,
      @Cast("size_t") long workspaceBytes,
      @Cast("pal_stream") @Nullable Pointer stream);

  static native int pal_count_firings(
      @Const FloatPointer values,
      @Const IntPointer indices,
      long rows,
      long k,
      long latents,
      @Cast("int64_t*") LongPointer counts,
      @Cast("pal_stream") @Nullable Pointer stream);

  static native @Cast("size_t") long pal_backward_workspace_bytes(
      long width, long latents, long rows, long k);

  static native int pal_backward(
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

  static native int pal_remove_parallel(
      @Const FloatPointer w,
      FloatPointer g,
      long rows,
      long width,
      @Cast("pal_stream") @Nullable Pointer stream);

  static native int pal_normalize_rows(
      FloatPointer w, long rows, long width, @Cast("pal_stream") @Nullable Pointer stream);

  static native int pal_update(
      FloatPointer p,
      @Const FloatPointer g,
      FloatPointer first,
      @Nullable FloatPointer second,
      long n,
      @Const Hyper hyper,
      @Cast("pal_stream") @Nullable Pointer stream);

  static native @Cast("size_t") long pal_step_workspace_bytes(
      long width, long latents, long rows, long k);

  static native int pal_step(
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
}
