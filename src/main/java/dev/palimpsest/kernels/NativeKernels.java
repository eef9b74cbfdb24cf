package dev.palimpsest.kernels;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Platform;

/** The raw binding of {@code native/include/palimpsest.h}, which documents every function. */
@Platform(include = "palimpsest.h", link = "palimpsest")
final class NativeKernels {
  static {
    Loader.load();
  }

  private NativeKernels() {}

  static native int pal_abi_version();

  static native @Cast("const char*") BytePointer pal_describe();
}
