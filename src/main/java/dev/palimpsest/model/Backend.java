package dev.palimpsest.model;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/** The library that language models run on. */
public final class Backend {
  private Backend() {}

  /** Loads libtorch and says which one it is: {@code libtorch 2.10.0, 2 threads}. */
  public static String describe() {
    Loader.load(torch.class);
    return "libtorch "
        + torch.TORCH_VERSION_MAJOR
        + "."
        + torch.TORCH_VERSION_MINOR
        + "."
        + torch.TORCH_VERSION_PATCH
        + ", "
        + torch.get_num_threads()
        + " threads";
  }
}
